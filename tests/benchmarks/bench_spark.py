"""A log of a million rows asked by Spark and by `customer_summary`: the same to the last digit, and fitted.

    python tests/benchmarks/bench_spark.py                # needs pyspark (pip install "crmlab[spark]") and a Java
    python tests/benchmarks/bench_spark.py --rows 5e6

Spark reads Parquet that it did not write, answers `crmlab.data.queries.summary_query` with and without a
holdout, and writes its results as it does; they are compared as the frame of ``toPandas`` and as files, and
models are fitted to both. Seconds are wall seconds, Spark's without its start. On 2026-11-26, with Spark 4.3.0
on Java 17 and DuckDB 2.0.0, no digit of 2,784,804 numbers of 1,200,341 rows differed.
"""

import argparse
import pickle
import runpy
import tempfile
import time
import warnings
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from crmlab.data import SummaryParts, customer_summary, queries
from crmlab.data.logs import Log
from crmlab.data.rules import rules_for
from crmlab.models.btyd import BGNBD, GammaGamma

HERE = Path(__file__).parent
simulate = runpy.run_path(str(HERE / "bench_summary.py"))["simulate"]
on_spark = runpy.run_path(str(HERE.parent / "data" / "on_spark.py"))
END, SPLITS = "2025-06-30", {"whole": None, "holdout": "2024-12-31"}
NAMES = {"customer_id": "customer", "date": "day", "amount": "amount"}


def as_asked(folder):
    """The log with the columns that the queries ask for."""
    (folder / "log").mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT customer_id AS customer, date::DATE AS day, amount FROM '{folder}/*.parquet') "
            f"TO '{folder}/log/log.parquet'"
        )
    return folder / "log"


def compared(ours, theirs):
    """How many numbers of two summaries differ in any digit."""
    assert list(ours.index) == list(theirs.index)
    shared = ours.columns.intersection(theirs.columns)
    return sum(int((ours[name].astype(float) != theirs[name].astype(float)).sum()) for name in shared)


def fits(frame, parts):
    """The largest relative difference between estimates from a frame and from counts of files."""
    one = BGNBD().fit(frame["frequency"], frame["recency"], frame["T"])
    bought = frame[(frame["frequency"] > 0) & (frame["monetary_value"] > 0)]
    spend = GammaGamma().fit(bought["frequency"], bought["monetary_value"])
    others = BGNBD().fit(**parts.histories()), GammaGamma().fit(**parts.spending())
    gaps = [np.abs(b.params_ / a.params_ - 1.0).max() for a, b in zip((one, spend), others)]
    return max(gaps), one


def main(rows):
    if on_spark["missing"]():
        raise SystemExit(on_spark["missing"]())
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        written, log = simulate(place, rows, False), as_asked(Path(place))
        asked = {}
        for name, split in SPLITS.items():
            with Log(log, *NAMES.values()) as opened:
                asked[name] = queries.summary_query(rules_for(opened, END, split, "W"))
        told = on_spark["asked"](log, asked, folder / "out", "2g")
        print(f"{written:,} rows; Spark {told['spark']}, DuckDB {duckdb.__version__}")
        for name, split in SPLITS.items():
            start = time.perf_counter()
            ours = customer_summary(log, **NAMES, observation_end=END, calibration_end=split, progress=False)
            seconds, ours = time.perf_counter() - start, ours.sort_index()
            frame = pickle.loads((folder / "out" / f"{name}.pickle").read_bytes()).set_index("customer")
            parts = SummaryParts(folder / "out" / name)
            files = pd.concat(parts).sort_index()
            differ = [compared(ours, each.sort_index()) for each in (frame, files)]
            gap, model = fits(frame, parts)
            print(
                f"{name:8} {len(ours):,} customers, {ours.size:,} numbers; {differ[0]} of toPandas and {differ[1]} of "
                f"{len(parts)} files differ; Spark {told['seconds'][name]:.1f} s, crmlab {seconds:.1f} s"
            )
            estimates = ", ".join(f"{key} {value:.4f}" for key, value in model.params_.items())
            print(f"{'':8} fit of the frame and of counts differ by {gap:.1g}: {estimates}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rows", type=float, default=1.2e6)
    warnings.simplefilter("ignore")
    main(options.parse_args().rows)
