"""Speed of structural models against semopy on the same cohorts, both in one run.

    python tests/benchmarks/bench_structural.py                 # milliseconds a fit, ratio, and the bar
    python tests/benchmarks/bench_structural.py --cohorts 1000

Two factors of four items each, and the same with mediation, on 800 customers of lesson 09; a fit includes the
moments and the standard errors. semopy is converged tightly, so that both are at the same maximum, which is
checked first. Times are processor time of one thread.
"""

import argparse
import time

import numpy as np
import pandas as pd

from crmlab.design.streams import BatchStreams
from crmlab.models.semopy_adapter import fit_by_semopy
from crmlab.models.structural import StructuralModel
from crmlab.models.threads import one_blas_thread
from crmlab.theories import loyalty

BAR = 0.3  # ms a fit
MODELS = {
    "two factors": "\n".join(loyalty.TWO_FACTORS.strip().splitlines()[:2]),
    "mediation": loyalty.MEDIATION,
}


def cohorts(count):
    """Columns of the measurement models within groups: ``(count, 800)`` each."""
    design = loyalty.design
    drawn = design.model(design.parameters, BatchStreams([(1, number) for number in range(count)]))
    return loyalty.measurements_within_groups(drawn.tables)


def milliseconds(work):
    """What `work` returns, and the processor milliseconds that it took."""
    start = time.process_time()
    found = work()
    return found, 1000 * (time.process_time() - start)


def assert_same_maximum(model, fits, theirs):
    """semopy's estimates and errors of named paths and of items' variances are ours."""
    for at, fit in enumerate(theirs):
        for row in fit.inspect().itertuples(index=False):
            name = f"{row[0]} {row[1]} {row[2]}"
            if name in model.names:
                value, error = fits.parameter(name)
                assert np.isclose(value[at], float(row[3]), atol=2e-5), (name, value[at], row[3])
                assert np.isclose(error[at], float(row[4]), atol=2e-5), (name, error[at], row[4])


def compare(count):
    columns = cohorts(count)
    print(
        f"{'model':14}{'parameters':>11}{'crmlab':>10}{'robust':>10}{'semopy':>10}{'ratio':>8}   (ms a fit)"
    )
    for name, description in MODELS.items():
        model = StructuralModel(description)
        cases = np.stack([columns[each] for each in model.observed], -1)
        model.fit(cases[:5], robust=True)
        fits, ours = milliseconds(lambda model=model, cases=cases: model.fit(cases))
        _, robust = milliseconds(lambda model=model, cases=cases: model.fit(cases, robust=True))
        few = min(10, count)
        tables = [pd.DataFrame(cases[at], columns=model.observed) for at in range(few)]
        theirs, slow = milliseconds(
            lambda tables=tables, description=description: [fit_by_semopy(description, t) for t in tables]
        )
        assert fits.converged.all()
        assert_same_maximum(model, fits, theirs)
        ours, robust, slow = ours / count, robust / count, slow / few
        verdict = "met" if ours <= BAR else "MISSED"
        print(
            f"{name:14}{len(model.names):11d}{ours:10.3f}{robust:10.3f}{slow:10.2f}{slow / ours:7.0f}x"
            f"   bar {BAR:g} {verdict}"
        )


if __name__ == "__main__":
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--cohorts", type=int, default=200)
    with one_blas_thread():
        compare(options.parse_args().cohorts)
