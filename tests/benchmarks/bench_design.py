"""Speed of a diagnosis against a loop of statsmodels over the same cohorts, both in one run.

    python tests/benchmarks/bench_design.py                  # milliseconds a simulation, ratio, and the bar
    python tests/benchmarks/bench_design.py --sims 20000

The loop does what one would write by hand: draw the cohort as arrays, fit with statsmodels on arrays (no
formula), keep estimate, interval and p-value. Both give the same numbers; that is checked first. Times are
of one process; processor time is what the bars are held against, since the machine may be shared.
"""

import argparse
import gc
import statistics
import time
from dataclasses import replace

import numpy as np
import statsmodels.api as sm
from threadpoolctl import threadpool_limits

from crmlab.theories import loyalty, start_here

BARS = {"linear, two regressions": 0.2, "probit, two regressions": 2.0}  # ms a simulation


def linear(sims):
    """Lesson 00's market: spend on contact, with and without last year's spend; 200 customers."""
    return start_here.design.preset("trap").diagnose(sims=sims, seed=1)


def linear_loop(sims):
    design, found = start_here.design.preset("trap"), []
    for simulation in range(sims):
        columns = design.simulate((1, simulation)).tables.columns("customers")
        one = np.ones(len(columns["spend"]))
        for regressors in (("contact", "last_year"), ("contact",)):
            matrix = np.column_stack([one, *(columns[name] for name in regressors)])
            found.append(_kept(sm.OLS(columns["spend"], matrix).fit(), 1))
    return np.array(found)


def by_likelihood(design):
    """The design with probits by maximum likelihood, which is what statsmodels can do."""
    plain = [
        replace(
            each,
            estimators={name: replace(one, bias_reduced=False) for name, one in each.estimators.items()},
        )
        for each in design.hypotheses
    ]
    return replace(design, hypotheses=plain)


LIKELIHOOD = by_likelihood(loyalty.design.only("H2a"))


def probit(sims):
    """Lesson 09's H2a: eight-term probits of renewal, adjusted and naive; 800 customers."""
    return LIKELIHOOD.diagnose(sims=sims, seed=1)


def probit_loop(sims):
    found = []
    for simulation in range(sims):
        columns = loyalty.design.simulate((1, simulation)).tables.columns("customers")
        for rating, veterans in (("rating_within_group", [columns["veteran"]]), ("rating", [])):
            s, cost, rivals = columns[rating], columns["switching_cost"], columns["rivals"]
            matrix = np.column_stack(
                [np.ones(len(s)), s, s**2, cost, rivals, *veterans, s * cost, s * rivals]
            )
            found.append(_kept(sm.Probit(columns["renewed"], matrix).fit(disp=0), 2))
    return np.array(found)


def _kept(fit, at):
    return fit.params[at], fit.bse[at], *fit.conf_int()[at], fit.pvalues[at]


def milliseconds(work, sims, repeats):
    """Median wall and processor milliseconds a simulation, after one unmeasured run."""
    work(min(sims, 50))
    wall, processor = [], []
    for _ in range(repeats):
        gc.collect()
        start, busy = time.perf_counter(), time.process_time()
        work(sims)
        wall.append(1000 * (time.perf_counter() - start) / sims)
        processor.append(1000 * (time.process_time() - busy) / sims)
    return statistics.median(wall), statistics.median(processor)


def assert_same_numbers(ours, loop):
    """The i-th fits of both, before anybody is called the faster."""
    order = ours(40).simulations.sort_values(["simulation", "estimator"])
    by_hand = loop(40)
    for at, name in enumerate(("estimate", "standard_error", "low", "high")):
        assert np.allclose(order[name], by_hand[:, at], rtol=1e-6, atol=1e-9), name


def compare(sims, repeats):
    print(
        f"{'design':26}{'crmlab':>20}{'statsmodels loop':>22}{'ratio':>8}{'bar':>8}   (ms a simulation: processor, wall)"
    )
    for (name, bar), ours, loop, share in zip(
        BARS.items(), (linear, probit), (linear_loop, probit_loop), (1, 10)
    ):
        assert_same_numbers(ours, loop)
        wall, processor = milliseconds(ours, sims // share, repeats)
        loop_wall, loop_processor = milliseconds(loop, sims // share // 10, repeats)
        verdict = "met" if processor <= bar else "MISSED"
        print(
            f"{name:26}{processor:10.3f} {wall:9.3f}{loop_processor:12.3f} {loop_wall:9.3f}"
            f"{loop_processor / processor:7.1f}x{bar:8g} {verdict}"
        )
    one_by_one = replace(start_here.design.preset("trap"), batched=False)
    wall, processor = milliseconds(lambda count: one_by_one.diagnose(sims=count, seed=1), sims // 10, repeats)
    print(f"{'linear, one by one':26}{processor:10.3f} {wall:9.3f}   (a design that cannot be drawn at once)")


if __name__ == "__main__":
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--sims", type=int, default=5000)
    options.add_argument("--repeats", type=int, default=5)
    given = options.parse_args()
    with threadpool_limits(limits=1):
        compare(given.sims, given.repeats)
