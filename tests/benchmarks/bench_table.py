"""The whole table: size, power and coverage of every hypothesis of every theory under every preset, and how long.

    python tests/benchmarks/bench_table.py                     # 1,000 simulations, two cores; bar: 4 minutes
    python tests/benchmarks/bench_table.py --sims 100          # a quick look
    python tests/benchmarks/bench_table.py --only loyalty,trust_commitment --all --out table.csv

A row is a hypothesis and an estimator (headlines only, unless `--all`) under one preset: the share of cohorts
in which the claim was supported, which is power where it is true and size (marked *) where it is false, and the
share of 95% intervals that held the truth, each with its Monte-Carlo standard error in brackets.
"""

import argparse
import importlib
import pkgutil
import time
import warnings
from dataclasses import replace

import pandas as pd

import crmlab.theories

PRESETS = ["null", "literature", "claim", "trap"]
BAR_SECONDS, BAR_MILLISECONDS = 240, 8.0  # of the table; of a simulation on one core


def theories(only=None):
    """The designs, by name."""
    modules = [
        importlib.import_module(f"crmlab.theories.{each.name}")
        for each in pkgutil.iter_modules(crmlab.theories.__path__)
    ]
    found = {module.design.name: module.design for module in modules if hasattr(module, "design")}
    return {name: found[name] for name in only} if only else found


def headlines(design):
    """The design with the first estimator of each hypothesis."""
    kept = [
        replace(each, estimators={each.headline: each.estimators[each.headline]})
        for each in design.hypotheses
    ]
    return replace(design, hypotheses=kept)


def milliseconds(design, sims):
    """Processor milliseconds a simulation of all estimators under `literature`, in this process."""
    literature = design.preset("literature")
    literature.diagnose(sims=5, seed=2)
    start = time.process_time()
    literature.diagnose(sims=sims, seed=2, jobs=1)
    return 1000 * (time.process_time() - start) / sims


def diagnosed(design, sims, jobs):
    """The diagnosis' table under all presets, and the seconds that it took."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = design.vary(preset=PRESETS).diagnose(sims=sims, seed=1, jobs=jobs, progress=False).table
    return table.assign(theory=design.name), time.perf_counter() - start


def shown(table, design):
    """The rows for reading: one a hypothesis and estimator, a pair of columns a preset."""
    claims = {each.name: each for each in design.hypotheses}
    lines = []
    for (hypothesis, estimator), rows in table.groupby(["hypothesis", "estimator"], sort=False):
        cells = []
        for row in rows.itertuples():
            false = "" if claims[hypothesis].holds(row.estimand) else "*"
            failed = f" ({row.failures} failed)" if row.failures else ""
            cells.append(
                f"{row.rejection_rate:.3f}{false or ' '}({row.rejection_rate_mcse:.3f}) "
                f"{row.coverage:.3f} ({row.coverage_mcse:.3f}){failed}"
            )
        lines.append(f"  {hypothesis:5}{estimator[:24]:26}" + "".join(f"{cell:34}" for cell in cells))
    head = "  " + " " * 31 + "".join(f"{name:34}" for name in PRESETS)
    return "\n".join([head, *lines])


def main(options):
    tables, whole = [], 0.0
    for name, design in theories(options.only).items():
        chosen = design if options.all else headlines(design)
        each = milliseconds(design, max(20, min(200, options.sims // 5)))
        table, seconds = diagnosed(design, options.sims, options.jobs)
        whole += seconds
        verdict = "met" if each <= BAR_MILLISECONDS else "MISSED"
        print(
            f"{name}: {seconds:.1f} s; {each:.2f} ms a simulation on one core (bar {BAR_MILLISECONDS:g}: {verdict})"
        )
        names = {(each.name, estimator) for each in chosen.hypotheses for estimator in each.estimators}
        kept = table[[pair in names for pair in zip(table.hypothesis, table.estimator)]]
        print(shown(kept, chosen), flush=True)
        tables.append(table)
    thousand = whole * 1000 / options.sims
    verdict = "met" if thousand <= BAR_SECONDS else "MISSED"
    print(
        f"{len(tables)} theories x {len(PRESETS)} presets x {options.sims:,} simulations on {options.jobs} cores: "
        f"{whole:.0f} s; {thousand:.0f} s for 1,000 (bar for all theories: {BAR_SECONDS} s, {verdict})"
    )
    if options.out:
        pd.concat(tables, ignore_index=True).to_csv(options.out, index=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sims", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", type=lambda text: text.split(","), help="theories, by commas")
    parser.add_argument("--all", action="store_true", help="show every estimator, not headlines only")
    parser.add_argument("--out", help="write all rows to this CSV file")
    main(parser.parse_args())
