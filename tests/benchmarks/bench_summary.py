"""Transaction log to customer summary: `customer_summary` against plain DuckDB SQL, both in one run.

    python tests/benchmarks/bench_summary.py                    # 10 million rows of Parquet, in 512 MB
    python tests/benchmarks/bench_summary.py --csv --rows 2e6   # the same from CSV
    python tests/benchmarks/bench_summary.py --report           # crmlab fit on it as well

Each side runs in a process of its own, alternately, and tells its wall and processor seconds and the most
memory that it held (what importing takes is in the memory, not in the seconds). The plain SQL is the best
that one would write by hand: sums by day in one pass, no self-join, no rules, no report. It has the same
memory limit and the same two threads, and gives a DataFrame with the same columns in the same order.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PARTS = 1 << 19  # customers simulated at once

OURS = """
from crmlab.data import customer_summary
table = customer_summary(LOG, observation_end="2025-06-30", memory_limit=MEMORY, threads=2, progress=False)
"""

PLAIN = """
import duckdb, tempfile
folder = tempfile.TemporaryDirectory()
connection = duckdb.connect(config={"memory_limit": MEMORY, "threads": 2, "temp_directory": folder.name,
                                    "preserve_insertion_order": False})
connection.execute("SET enable_progress_bar = false")
table = connection.execute(f'''
    WITH days AS (SELECT customer_id, CAST(date AS DATE) AS day, SUM(amount) AS amount
                  FROM '{LOG}' WHERE CAST(date AS DATE) <= DATE '2025-06-30' GROUP BY ALL)
    SELECT customer_id, COUNT(*) - 1 AS frequency, (MAX(day) - MIN(day)) / 7.0 AS recency,
           (DATE '2025-06-30' - MIN(day)) / 7.0 AS T,
           COALESCE((SUM(amount) - MIN_BY(amount, day)) / NULLIF(COUNT(*) - 1, 0), 0) AS monetary_value
    FROM days GROUP BY customer_id ORDER BY customer_id''').df().set_index("customer_id")
"""

REPORT = """
from crmlab.reports import customer_report
table = customer_report(LOG, calibration_end="2024-12-31", memory_limit=MEMORY, threads=2, out=LOG +
".report",
                        progress=False).customers
"""

MEASURE = """
import json, resource, sys, time
import duckdb, pandas, crmlab.data, crmlab.reports
LOG, MEMORY = sys.argv[1:]
start, busy = time.perf_counter(), time.process_time()
{work}
seconds, processor = time.perf_counter() - start, time.process_time() - busy
most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
sums = [float(table[name].sum()) for name in ("frequency", "monetary_value")]
print(json.dumps([seconds, processor, most, len(table), *sums]))
"""


def simulate(folder, rows, csv):
    """A log of about so many rows, 4.7 a customer, in order of date within each of its files."""
    import duckdb
    import numpy as np

    from crmlab.mechanisms import purchases

    n, written = int(rows / 4.74), 0
    T = np.random.default_rng(0).integers(300, 730, n).astype(float)
    options = dict(
        r=0.55, alpha=40.0, a=0.79, b=4.4, seed=1, grain=1.0, spend=dict(p=6.25, q=3.74, gamma=15.44)
    )
    with duckdb.connect() as connection:
        for number, part in enumerate(purchases.in_parts(purchases.bg_nbd, n, T, size=PARTS, **options)):
            log = part.log(observation_end="2025-06-30", time_unit="D")
            log["amount"] = log["amount"].round(2)
            log = log.sort_values("date", kind="stable")
            connection.register("log", log)
            connection.execute(f"COPY log TO '{folder}/{number}.{'csv' if csv else 'parquet'}'")
            written += len(log)
    return written


def measured(work, log, memory):
    done = subprocess.run(
        [sys.executable, "-c", MEASURE.format(work=work), log, memory], capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def compare(rows, memory, repeats, csv, report):
    with tempfile.TemporaryDirectory() as folder:
        written = simulate(folder, rows, csv)
        log = f"{folder}/*.{'csv' if csv else 'parquet'}"
        size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 2**20
        print(
            f"{written:,} rows, {size:,.0f} MiB of {'CSV' if csv else 'Parquet'}; memory_limit {memory}, two threads, "
            f"median of {repeats}"
        )
        runs = {"customer_summary": [], "plain DuckDB SQL": []}
        for _ in range(repeats):
            for name, work in zip(runs, (OURS, PLAIN)):
                runs[name].append(measured(work, log, memory))
        ours, plain = runs.values()
        for one, other in zip(ours, plain):
            assert one[3:5] == other[3:5] and abs(one[5] / other[5] - 1) < 1e-9, "the two sides disagree"
        middle = {name: [statistics.median(column) for column in zip(*times)] for name, times in runs.items()}
        print(f"{'':20}{'seconds':>9}{'cpu':>8}{'peak MiB':>10}")
        for name, (seconds, processor, most, *_) in middle.items():
            print(f"{name:20}{seconds:9.2f}{processor:8.2f}{most:10.0f}")
        wall, busy = (statistics.median(a[k] / b[k] for a, b in zip(ours, plain)) for k in (0, 1))
        most = middle["customer_summary"][2]
        print(
            f"ratio: {wall:.2f} of the seconds, {busy:.2f} of the processor time (medians of pairs; bar 1.25); "
            f"peak {most:.0f} MiB (bar 1024)"
        )
        if report:
            seconds, processor, most, customers, *_ = measured(REPORT, log, memory)
            print(
                f"crmlab fit, {customers:,} customers: {seconds:.1f} s, {processor:.1f} s of processor time, peak {most:.0f} MiB"
            )


if __name__ == "__main__":
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rows", type=float, default=1e7)
    options.add_argument("--memory", default="512MB")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--csv", action="store_true")
    options.add_argument("--report", action="store_true")
    given = options.parse_args()
    compare(given.rows, given.memory, given.repeats, given.csv, given.report)
