"""The joint market: seconds and memory, and what the lessons' analyses find in it.

    python tests/benchmarks/bench_company.py                        # 100,000 × 36: bars 10 s and 2 GB
    python tests/benchmarks/bench_company.py --stream 1000000       # to Parquet, in parts: bounded memory
    python tests/benchmarks/bench_company.py --analyses 100         # sizes and powers in the four presets
    python tests/benchmarks/bench_company.py --luck 16              # keyed numbers against other customers

Times are processor seconds of one process, memory is the peak of its resident set.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from crmlab.company import PRESETS, Company
from crmlab.company.analyses import ANALYSES
from crmlab.company.frames import posted_less_all
from crmlab.company.parts import write_parts

BAR_SECONDS, BAR_GIGABYTES = 10.0, 2.0
MONTHS = 36
WORLDS = {
    "membership 1 − 0": ({"membership": 1}, {"membership": 0}),
    "campaign 1 − 0": ({"campaign": 1}, {"campaign": 0}),
    "service +.3": ({"service": 0.3}, {}),
    "crm 1 − 0": ({"crm": 1}, {"crm": 0}),
}


def gigabytes():
    """Peak memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform != "darwin" else peak / 2**30


def whole(customers):
    """All tables and the truth at once."""
    for name in PRESETS:
        start, busy = time.perf_counter(), time.process_time()
        made = Company(name, customers=customers, months=MONTHS).simulate()
        rows = sum(map(len, (*made.tables.values(), *made.truth.tables.values())))  # tables are made now
        seconds, processor = time.perf_counter() - start, time.process_time() - busy
        print(
            f"{name:10} {processor:5.1f} s ({seconds:.1f} s of the clock), {rows:,} rows, {gigabytes():.2f} GB"
        )
        del made
    fine = processor < BAR_SECONDS and gigabytes() < BAR_GIGABYTES
    print(f"bars {BAR_SECONDS:g} s and {BAR_GIGABYTES:g} GB: {'kept' if fine else 'MISSED'}")
    return 0 if fine else 1


def streamed(customers):
    """In parts, to Parquet; the peak after the second part and at the end."""
    start, peaks = time.process_time(), []
    with tempfile.TemporaryDirectory() as folder:
        for done, parts in write_parts(Company("literature", customers=customers, months=MONTHS), folder):
            peaks.append(gigabytes())
            print(f"{done}/{parts} {time.process_time() - start:.0f} s {peaks[-1]:.2f} GB", flush=True)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet")) / 2**30
    print(
        f"{customers:,} customers: {time.process_time() - start:.0f} s, {peaks[-1]:.2f} GB, {size:.2f} GB of files"
    )
    fine = peaks[-1] < 1.25 * peaks[min(2, len(peaks) - 1)]
    print("memory " + ("stays" if fine else "GROWS"))
    return 0 if fine else 1


def analyses(replications, customers=5000):
    """How often each analysis rejects that nothing happens, two-sided at 5%."""
    rows = []
    for name in PRESETS:
        for seed in range(replications):
            made = Company(name, customers=customers, months=MONTHS, seed=1000 + seed).simulate()
            for analysis in ANALYSES:
                found = ANALYSES[analysis](made.tables, MONTHS)
                p = 2 * stats.t.sf(abs(found.value / found.standard_error), found.degrees_of_freedom)
                rows.append((analysis, name, found.value, float(p < 0.05)))
            gap, error = posted_less_all(made)
            rows.append(("posted stars", name, gap, float(abs(gap / error) > 1.96)))
    table = pd.DataFrame(rows, columns=["analysis", "preset", "estimate", "rejects"])
    shares = table.pivot_table(index="analysis", columns="preset", values="rejects", sort=False)[
        list(PRESETS)
    ]
    print(
        f"{replications} companies of {customers:,}, Monte-Carlo error at 5%: {np.sqrt(0.0475 / replications):.3f}"
    )
    print(shares.round(3).to_string())
    means = table.pivot_table(index="analysis", columns="preset", values="estimate", sort=False)[
        list(PRESETS)
    ]
    print(means.round(4).to_string())
    return 0


def luck(replications, customers=5000):
    """Standard deviation of an effect on spend a customer, with shared luck and with other customers."""
    print("effect on spend a customer: mean, sd with the same customers, sd with others, ratio of variances")
    for name, (on, off) in WORLDS.items():
        means = np.array([[spend(customers, seed, do) for do in (on, off)] for seed in range(replications)])
        shared = np.diff(-means, axis=1).std(ddof=1)
        apart = np.hypot(*means.std(axis=0, ddof=1))
        effect = (means[:, 0] - means[:, 1]).mean()
        print(f"{name:18} {effect:7.2f} {shared:6.2f} {apart:6.2f} {(apart / shared) ** 2:6.0f}")
    return 0


def spend(customers, seed, do):
    """Mean spend on repeat orders of those who come by themselves."""
    made = Company("literature", customers=customers, months=MONTHS, seed=50 + seed).do(**do)
    orders = made.simulate(keep=["orders"]).tables["orders"]
    return orders.loc[orders["customer_id"] < customers, "amount"].sum() / customers


def main():
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--stream", type=int, metavar="CUSTOMERS")
    parser.add_argument("--analyses", type=int, metavar="REPLICATIONS")
    parser.add_argument("--luck", type=int, metavar="REPLICATIONS")
    chosen = parser.parse_args()
    if chosen.stream:
        return streamed(chosen.stream)
    if chosen.analyses:
        return analyses(chosen.analyses)
    if chosen.luck:
        return luck(chosen.luck)
    return whole(chosen.customers)


if __name__ == "__main__":
    sys.exit(main())
