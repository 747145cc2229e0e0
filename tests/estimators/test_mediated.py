"""The effect through a mediator by two lots: value, error, and a test of both links."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from crmlab.design import EstimationFailed, Tables
from crmlab.errors import InputError
from crmlab.estimators import LeastSquares, ThroughMediator, TwoStageLeastSquares
from crmlab.models.delta import delta_method

THROUGH = ThroughMediator(LeastSquares("m ~ z + l", "z"), LeastSquares("y ~ z + l", "z"), push="l")


def drawn(seed, simulations=3, rows=400, push=0.8, a=0.5, b=0.3):
    rng = np.random.default_rng(seed)
    z, lot = (rng.random((2, simulations, rows)) < 0.5) * 1.0
    shared, *rest = rng.standard_normal((3, simulations, rows))
    m = a * z + push * lot + 0.7 * shared + (0.5 + z) * rest[0]
    y = 0.2 * z + b * m + 0.7 * shared + rest[1]
    return Tables({"viewers": {"z": z, "l": lot, "m": m, "y": y}})


def test_the_second_link_is_that_of_two_stage_least_squares():
    tables = drawn(1)
    b = TwoStageLeastSquares("y ~ z + m", "m", endogenous=("m",), instruments=("l",)).batch(tables).value
    a = LeastSquares("m ~ z + l", "z").batch(tables).value
    assert THROUGH.batch(tables).value == pytest.approx(a * b)


def test_the_error_is_the_delta_methods_of_both_regressions_together():
    frame = drawn(2, simulations=1).one(0).viewers
    halves = [frame.assign(v=frame[name], first=float(name == "m"), row=frame.index) for name in ("m", "y")]
    data = pd.concat(halves).assign(second=lambda each: 1 - each["first"])
    formula = "v ~ 0 + first + first:z + first:l + second + second:z + second:l"
    fit = smf.ols(formula, data).fit(cov_type="cluster", cov_kwds={"groups": data["row"]})
    terms = ["first:z", "first:l", "second:l"]
    found = delta_method(
        lambda x: x[0] * x[2] / x[1],
        fit.params[terms].to_numpy(),
        fit.cov_params().loc[terms, terms].to_numpy(),
    )
    ours = THROUGH(Tables({"viewers": dict(frame)}))
    assert ours.value == pytest.approx(found[0])
    assert ours.standard_error == pytest.approx(found[1], rel=0.01)  # clusters' HC1 against HC2


@pytest.mark.parametrize("push, a, b", [(0.8, 0.5, 0.0), (0.15, 0.5, 0.0), (0.8, 0.0, 0.5)])
def test_the_size_is_five_in_a_hundred_however_weak_the_push(push, a, b):
    p_value = THROUGH.batch(drawn(3, simulations=2000, push=push, a=a, b=b)).p_value
    assert (p_value < 0.05).mean() < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 2000)


def test_what_cannot_be_estimated_or_written_is_refused():
    mediator = LeastSquares("m ~ z + l", "z")
    with pytest.raises(InputError, match="differ in terms"):
        ThroughMediator(mediator, LeastSquares("y ~ z", "z"), push="l")
    for push in ("z", "w"):
        with pytest.raises(InputError, match="push"):
            ThroughMediator(mediator, LeastSquares("y ~ z + l", "z"), push=push)
    with pytest.raises(EstimationFailed, match="not of full rank"):
        THROUGH(Tables({"viewers": {name: np.ones(20) for name in ("z", "l", "m", "y")}}))
