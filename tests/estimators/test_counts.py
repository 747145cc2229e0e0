"""Shares by mid-p against SciPy's binomial; the weakest of several; NCA's permutations, exactly."""

import numpy as np
import pytest
from scipy import stats

from crmlab.design import EstimationFailed, Tables
from crmlab.errors import InputError
from crmlab.estimators import LeastSquares, NecessaryCondition, ShareAmong, Weakest
from crmlab.estimators.counts import mid_p_interval, mid_p_tail
from crmlab.estimators.joint import Reversed
from crmlab.models.necessity import ceiling_effect


@pytest.mark.parametrize("events, trials", [(0, 59), (3, 60), (10, 10), (7, 200), (1, 1)])
def test_mid_p_is_the_binomial_distribution_with_half_of_what_was_seen(events, trials):
    for chance in (0.02, 0.05, 0.5):
        theirs = stats.binom.cdf(events, trials, chance) - stats.binom.pmf(events, trials, chance) / 2
        assert mid_p_tail(np.array(events), np.array(trials), chance) == pytest.approx(theirs, abs=1e-12)
    low, high = mid_p_interval(np.array([events]), np.array([trials]))
    for end, tail in ((low[0], 0.975), (high[0], 0.025)):
        if 0 < end < 1:
            assert mid_p_tail(np.array(events), np.array(trials), end) == pytest.approx(tail, abs=1e-9)


def test_size_and_coverage_of_a_share_are_nominal():
    rng, sims = np.random.default_rng(1), 4000
    calls = {"sale": (rng.random((sims, 240)) < 0.05) * 1.0, "quiet": np.ones((sims, 240))}
    estimate = ShareAmong("sale", "quiet", null=0.05).batch(Tables({"calls": calls}))
    low, high = estimate.interval
    assert ((low <= 0.05) & (high >= 0.05)).mean() == pytest.approx(0.95, abs=0.02)
    assert (estimate.p_value < 0.05).mean() <= 0.05 + 0.02


def test_a_share_of_nothing_is_refused():
    nobody = Tables({"calls": {"sale": np.zeros(5), "quiet": np.zeros(5)}})
    with pytest.raises(EstimationFailed, match="no row counts"):
        ShareAmong("sale", "quiet")(nobody)
    with pytest.raises(InputError, match="sale holds 2"):
        ShareAmong("sale", "quiet")(Tables({"calls": {"sale": np.full(3, 2.0), "quiet": np.ones(3)}}))
    with pytest.raises(InputError, match="null is 0"):
        ShareAmong("sale", "quiet", null=0.0)


def test_the_permutation_test_is_what_permutations_say():
    rng = np.random.default_rng(4)
    zeal = rng.standard_normal(60)
    sale = (rng.random(60) < stats.norm.cdf(zeal - 1)) * 1.0
    calls = Tables({"calls": {"zeal": zeal, "sale": sale, "quiet": (zeal < -0.5) * 1.0}})
    exact = NecessaryCondition("zeal", "sale", "quiet")(calls).p_value
    shuffled = rng.permuted(np.broadcast_to(sale, (40_000, 60)), axis=1)
    as_empty = (ceiling_effect(zeal, shuffled) >= ceiling_effect(zeal, sale) - 1e-12).mean()
    assert exact == pytest.approx(as_empty, abs=0.012)


def test_the_weakest_of_several_takes_the_largest_p_value_and_the_least_ends():
    rng = np.random.default_rng(5)
    x, z = rng.standard_normal((2, 90))
    table = Tables({"t": {"y": 0.6 * x - 0.2 * z + rng.standard_normal(90), "x": x, "z": z}})
    parts = [LeastSquares("y ~ x + z", "x"), Reversed(LeastSquares("y ~ x + z", "z"))]
    both, found = Weakest(parts)(table), [part(table) for part in parts]
    assert both.value == min(each.value for each in found)
    assert both.p(">", 0.0) == pytest.approx(max(each.p(">", 0.0) for each in found))
    assert both.interval[0] == pytest.approx(min(each.bounds()[0] for each in found))
    assert both.interval[1] == pytest.approx(min(each.bounds()[1] for each in found))
    assert found[1].value == -LeastSquares("y ~ x + z", "z")(table).value


def test_the_size_of_the_weakest_is_that_of_one_where_the_others_are_clear():
    rng, sims = np.random.default_rng(6), 3000
    x, z = rng.standard_normal((2, sims, 80))
    tables = Tables({"t": {"y": 0.9 * x + rng.standard_normal((sims, 80)), "x": x, "z": z}})
    both = Weakest([LeastSquares("y ~ x + z", "x"), LeastSquares("y ~ x + z", "z")]).batch(tables)
    assert (both.p_value < 0.05).mean() == pytest.approx(0.05, abs=0.016)
    none = Tables({"t": {"y": rng.standard_normal((sims, 80)), "x": x, "z": z}})
    assert (
        Weakest([LeastSquares("y ~ x + z", "x"), LeastSquares("y ~ x + z", "z")]).batch(none).p_value < 0.05
    ).mean() < 0.01
    with pytest.raises(InputError, match="estimators is empty"):
        Weakest([])
