"""Twenty million customers in little memory: log to parts, counts to fits, parts to what each is worth.

    python tests/benchmarks/bench_parts.py                      # 20 million customers, 95 million rows
    python tests/benchmarks/bench_parts.py --customers 2e6      # a quick look
    python tests/benchmarks/bench_parts.py --holdout 2024-12-31 # and the whole report, held against a holdout

The log is simulated in parts, written as Parquet and read again by a process of its own, whose wall and
processor seconds and peak memory after each step are printed; the parameters that were drawn from stand beside
the estimates. Bar: 2 GB in all.
"""

import argparse
import json
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

simulate = runpy.run_path(str(Path(__file__).with_name("bench_summary.py")))["simulate"]
TRUTH = dict(r=0.55, alpha=40.0 / 7.0, a=0.79, b=4.4, p=6.25, q=3.74, gamma=15.44)
BAR_MEGABYTES = 2048

WORK = """
import json, resource, sys, time
from crmlab.data import SummaryParts, summary_in_parts
from crmlab.models.btyd import BGNBD, GammaGamma
from crmlab.reports import forecast_in_parts, report_in_parts
log, out, memory, split = sys.argv[1:]
told, start, busy = [], time.perf_counter(), time.process_time()

def step(name, found):
    global start, busy
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told.append([name, found, time.perf_counter() - start, time.process_time() - busy, most])
    start, busy = time.perf_counter(), time.process_time()

step("imports", "")
parts = summary_in_parts(log, out=out + "/summary", observation_end="2025-06-30", memory_limit=memory, threads=2)
step("log to parts", f"{parts.customers:,} customers in {len(parts)} parts")
counts = parts.histories()
step("histories", f"{len(counts['T']):,} distinct")
model = BGNBD().fit(**counts)
step("fit of BG/NBD", str(model.convergence_.status))
counts = parts.spending()
step("spending", f"{len(counts['weights']):,} distinct")
spend = GammaGamma().fit(**counts)
step("fit of Gamma-Gamma", str(spend.convergence_.status))
del counts
report = forecast_in_parts(parts, out=out, progress=False)
total = report.totals["value"]
step("fits and forecasts", f"value {total.value:,.0f} ({total.low:,.0f} to {total.high:,.0f})")
if split:
    limits = dict(memory_limit=memory, threads=2, progress=False)
    report = report_in_parts(log, out=out + "/held", observation_end="2025-06-30", calibration_end=split, **limits)
    low, high = report.holdout.interval
    step("report with holdout", f"{report.holdout.made:,.0f} purchases made, {low:,.0f} to {high:,.0f} expected")
both = [*model.params_.items(), *spend.params_.items()]
errors = [*model.standard_errors_, *spend.standard_errors_]
print(json.dumps([told, [[name, value, error] for (name, value), error in zip(both, errors)]]))
"""


def main(options):
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        Path(folder, "log").mkdir()
        rows = simulate(Path(folder, "log"), 4.74 * options.customers, False)
        size = sum(path.stat().st_size for path in Path(folder, "log").iterdir()) / 2**20
        print(f"{rows:,} rows, {size:,.0f} MiB of Parquet; memory_limit {options.memory}, two threads")
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                WORK,
                f"{folder}/log/*.parquet",
                f"{folder}/out",
                options.memory,
                options.holdout,
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        told, estimates = json.loads(done.stdout.splitlines()[-1])
    print(f"{'':20}{'seconds':>9}{'cpu':>8}{'peak MiB':>10}")
    for name, found, seconds, busy, most in told:
        print(f"{name:20}{seconds:9.1f}{busy:8.1f}{most:10.0f}   {found}")
    for name, value, error in estimates:
        print(f"{name:6} {value:9.4f} ({error:.4f})   drawn from {TRUTH[name]:.4f}")
    peak = told[-1][-1]
    verdict = "met" if peak <= BAR_MEGABYTES else "MISSED"
    print(f"peak {peak:,.0f} MiB (bar {BAR_MEGABYTES}: {verdict})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=float, default=2e7)
    parser.add_argument("--memory", default="512MB")
    parser.add_argument("--holdout", default="", metavar="DAY", help="last day of calibration")
    parser.add_argument("--folder", help="for the log and what is made of it, 3 GB at the default size")
    main(parser.parse_args())
