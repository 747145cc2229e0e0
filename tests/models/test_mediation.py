"""Bootstrap intervals and p-values: against scipy, by hand, and against each other."""

import numpy as np
import pytest
from scipy import stats

from crmlab.errors import InputError
from crmlab.models.mediation import METHODS, bootstrap_interval, bootstrap_p_value

DRAWS = np.random.default_rng(1).gamma(4.0, 0.25, 4000) - 0.3


def test_percentiles_are_those_of_scipy():
    values = np.random.default_rng(2).exponential(1.0, 60)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=999, method="percentile", rng=np.random.default_rng(3)
    )
    ours = bootstrap_interval(theirs.bootstrap_distribution, values.mean())
    assert ours == pytest.approx(theirs.confidence_interval)


def test_bias_corrected_by_hand():
    estimate = 0.5
    shift = stats.norm.ppf((estimate > DRAWS).mean())
    by_hand = np.quantile(DRAWS, stats.norm.cdf(2 * shift + np.array([-1.959964, 1.959964])))
    assert bootstrap_interval(DRAWS, estimate, "bias-corrected") == pytest.approx(tuple(by_hand), abs=1e-6)


def test_without_bias_the_two_are_one():
    middle = float(np.median(DRAWS))
    one, other = (bootstrap_interval(DRAWS, middle, method) for method in METHODS)
    assert one == pytest.approx(other, abs=1e-3)


def test_an_estimate_above_the_middle_moves_the_interval_up():
    low, high = bootstrap_interval(DRAWS, np.quantile(DRAWS, 0.6), "bias-corrected")
    plain_low, plain_high = bootstrap_interval(DRAWS, 0.0)
    assert low > plain_low and high > plain_high


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("direction", [">", "<"])
def test_the_p_value_is_the_level_at_which_the_interval_leaves_the_null_out(method, direction):
    estimate, sign = 0.75, 1 if direction == ">" else -1
    for null in (-0.1, 0.1, 0.4, 1.4):
        p = bootstrap_p_value(sign * DRAWS, sign * estimate, method, sign * null, direction)
        low, high = (
            bootstrap_interval(sign * DRAWS, sign * estimate, method, level=1 - 2 * p)
            if p < 0.5
            else (None, None)
        )
        if p < 0.5:
            assert (low if direction == ">" else high) == pytest.approx(sign * null, abs=0.02)


def test_a_p_value_is_never_nought_nor_one():
    assert 0 < bootstrap_p_value(np.ones(99), 1.0) == pytest.approx(0.01)
    assert bootstrap_p_value(np.ones(99), 1.0, direction="<") < 1.0 + 1e-12


@pytest.mark.parametrize(
    "ask, message",
    [
        (lambda: bootstrap_interval([1.0, np.nan], 1.0), "finite"),
        (lambda: bootstrap_interval([1.0], 1.0), "two or more"),
        (lambda: bootstrap_interval([1.0, 2.0], 1.0, "accelerated"), "percentile, bias-corrected"),
        (lambda: bootstrap_p_value([1.0, 2.0], 1.0, direction="!="), "direction is '!='"),
    ],
)
def test_what_makes_no_interval_is_refused(ask, message):
    with pytest.raises(InputError, match=message):
        ask()
