"""Published sensitivity analyses, to the printed digit."""

import numpy as np
import pytest
import statsmodels.api as sm

from crmlab.errors import InputError
from crmlab.models.sensitivity import (
    adjusted_estimate,
    benchmark,
    e_value,
    e_value_of_interval,
    linear_sensitivity,
    robustness_value,
)


def test_darfur():
    """Cinelli & Hazlett (2020), section 5: estimate .097 (.023), t 4.18, 783 degrees of freedom."""
    found = linear_sensitivity(0.0973, 0.02326, 783)
    assert round(found.partial_r2, 3) == 0.022
    assert round(found.robustness_value, 3) == 0.139
    assert round(found.robustness_value_significant, 3) == 0.076


def test_a_confounder_as_strong_as_the_robustness_value_leaves_nothing():
    strong = robustness_value(0.0973 / 0.02326, 783)
    left, _ = adjusted_estimate(0.0973, 0.02326, 783, strong, strong)
    assert left == pytest.approx(0, abs=1e-9)


def test_breastfeeding():
    """VanderWeele & Ding (2017): risk ratio 3.9 (1.8, 8.7) has E-values 7.26 and 3.0."""
    assert round(e_value(3.9), 2) == 7.26 and round(e_value_of_interval(1.8, 8.7), 1) == 3.0
    assert e_value(1 / 3.9) == pytest.approx(e_value(3.9)) and e_value_of_interval(0.8, 1.3) == 1.0


def regressions(seed):
    """A regression with and without one covariate, on random data."""
    rng = np.random.default_rng(seed)
    n = 120
    covariate, hidden = rng.standard_normal((2, n))
    treatment = 0.4 * covariate + 0.5 * hidden + rng.standard_normal(n)
    outcome = treatment + 0.7 * covariate + 0.6 * hidden + rng.standard_normal(n)
    long = sm.OLS(outcome, sm.add_constant(np.column_stack([treatment, covariate, hidden]))).fit()
    short = sm.OLS(outcome, sm.add_constant(np.column_stack([treatment, covariate]))).fit()
    of_treatment = sm.OLS(treatment, sm.add_constant(np.column_stack([covariate, hidden]))).fit()
    return long, short, of_treatment


@pytest.mark.parametrize("seed", range(5))
def test_the_formula_gives_what_the_longer_regression_gives(seed):
    long, short, of_treatment = regressions(seed)
    with_outcome = long.tvalues[3] ** 2 / (long.tvalues[3] ** 2 + long.df_resid)
    with_treatment = of_treatment.tvalues[2] ** 2 / (of_treatment.tvalues[2] ** 2 + of_treatment.df_resid)
    value, error = adjusted_estimate(
        short.params[1], short.bse[1], short.df_resid, with_treatment, with_outcome
    )
    assert value == pytest.approx(long.params[1]) and error == pytest.approx(long.bse[1])


def test_the_benchmark_of_a_covariate_bounds_one_like_it():
    """A hidden covariate that is independent and just as strong leaves the estimate inside the bound."""
    rng = np.random.default_rng(3)
    n = 200_000
    seen, hidden = rng.standard_normal((2, n))
    treatment = 0.4 * (seen + hidden) + rng.standard_normal(n)
    outcome = treatment + 0.5 * (seen + hidden) + rng.standard_normal(n)
    fit = sm.OLS(outcome, sm.add_constant(np.column_stack([treatment, seen]))).fit()
    of_treatment = sm.OLS(treatment, sm.add_constant(seen)).fit()
    bounds = benchmark(fit.tvalues[2], of_treatment.tvalues[1], fit.df_resid)
    value, _ = adjusted_estimate(fit.params[1], fit.bse[1], fit.df_resid, *bounds)
    assert value == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    "call, named",
    [
        (lambda: linear_sensitivity(1, 0, 10), "standard_error"),
        (lambda: robustness_value(1, 1), "degrees_of_freedom"),
        (lambda: e_value(0), "risk_ratio"),
        (lambda: e_value_of_interval(2, 1), "low, high"),
        (lambda: adjusted_estimate(1, 1, 10, 1.0, 0.1), "r2_with_treatment"),
        (lambda: benchmark(30, 30, 50, times=3), "times is 3"),
    ],
)
def test_bad_input_is_named(call, named):
    with pytest.raises(InputError, match=named):
        call()
