"""A ratio of two effects: two-stage least squares' estimate, Fieller's interval, HC2 errors."""

import numpy as np
import pytest
import statsmodels.formula.api as smf

from crmlab.design import EstimationFailed, Tables
from crmlab.errors import InputError
from crmlab.estimators import LeastSquares, RatioOfEffects, TwoStageLeastSquares

RATIO = RatioOfEffects(LeastSquares("y ~ lot + z", "lot"), LeastSquares("x ~ lot + z", "lot"))


def drawn(seed, simulations=3, rows=200, pull=0.8, ratio=0.5):
    rng = np.random.default_rng(seed)
    lot = (rng.random((simulations, rows)) < 0.4) * 1.0
    z, shared = rng.standard_normal((2, simulations, rows))
    x = pull * lot + 0.3 * z + shared
    y = ratio * x + shared + (0.5 + lot) * rng.standard_normal((simulations, rows))
    return Tables({"customers": {"lot": lot, "z": z, "x": x, "y": y}})


def test_the_estimate_is_that_of_two_stage_least_squares():
    tables = drawn(1)
    stages = TwoStageLeastSquares("y ~ x + z", "x", endogenous=("x",), instruments=("lot",))
    assert RATIO.batch(tables).value == pytest.approx(stages.batch(tables).value)


def test_errors_are_hc2_of_the_difference_that_the_ratio_makes_zero():
    """At each end of Fieller's interval y less that end times x has an effect 1.96 of its errors from 0."""
    tables = drawn(2)
    found = RATIO.batch(tables)
    for number in range(3):
        frame = tables.one(number).customers
        for end in found.one(number).bounds():
            fit = smf.ols("rest ~ lot + z", frame.assign(rest=frame.y - end * frame.x)).fit(cov_type="HC2")
            assert abs(fit.tvalues["lot"]) == pytest.approx(1.959964, abs=1e-5)
        reduced = smf.ols("y ~ lot + z", frame).fit(cov_type="HC2", use_t=False)
        assert found.p_value[number] == pytest.approx(
            reduced.pvalues["lot"] / 2 if reduced.params["lot"] > 0 else 1 - reduced.pvalues["lot"] / 2
        )


def test_one_cohort_is_the_batch_of_one():
    tables = drawn(3)
    one, many = RATIO(tables.one(1)), RATIO.batch(tables).one(1)
    assert (one.value, *one.bounds()) == pytest.approx((many.value, *many.bounds()))


def test_the_interval_is_endless_where_the_lot_moves_nothing_and_keeps_its_level():
    tables = drawn(4, simulations=2000, rows=60, pull=0.05)
    low, high = RATIO.batch(tables).bounds()
    assert np.isinf(low).mean() > 0.5
    held = ((low < 0.5) & (high > 0.5)).mean()
    assert held > 0.95 - 4 * np.sqrt(0.05 * 0.95 / 2000)


def test_what_cannot_be_estimated_or_written_is_refused():
    with pytest.raises(EstimationFailed, match="not of full rank"):
        RATIO(Tables({"customers": {name: np.ones(20) for name in ("lot", "z", "x", "y")}}))
    with pytest.raises(InputError, match="let only their outcomes differ"):
        RatioOfEffects(LeastSquares("y ~ lot", "lot"), LeastSquares("x ~ lot + z", "lot"))
