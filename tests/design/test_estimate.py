"""Estimates and hypotheses against scipy and statsmodels."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from crmlab.design import Estimate, Hypothesis, InputError

from .markets import searching

numbers = st.floats(-50, 50)
errors = st.floats(1e-3, 20)
freedoms = st.integers(1, 400) | st.just(np.inf)
ALTERNATIVES = {">": "greater", "<": "less", "!=": "two-sided"}


def hypothesis(direction, **options):
    return Hypothesis(
        "H", "A claim", direction, truth=lambda p: p, estimators={"one": lambda tables: None}, **options
    )


@searching
@given(numbers, errors, freedoms, st.floats(0.5, 0.999))
def test_intervals_are_scipys(value, error, freedom, level):
    low, high = Estimate(value, error, freedom).bounds(level)
    wanted = (
        stats.norm.interval(level, value, error)
        if np.isinf(freedom)
        else stats.t.interval(level, freedom, value, error)
    )
    assert np.allclose((low, high), wanted, rtol=1e-12, atol=1e-12)


@searching
@given(numbers, errors, freedoms, numbers, st.sampled_from(list(ALTERNATIVES)))
def test_p_values_are_scipys(value, error, freedom, null, direction):
    t = (value - null) / error
    law = stats.norm() if np.isinf(freedom) else stats.t(freedom)
    wanted = {">": law.sf(t), "<": law.cdf(t), "!=": 2 * law.sf(abs(t))}[direction]
    assert np.isclose(Estimate(value, error, freedom).p(direction, null), wanted, rtol=1e-9, atol=1e-300)


@searching
@given(
    st.lists(st.floats(-5, 5), min_size=3, max_size=40).filter(lambda x: np.std(x) > 1e-3),
    st.floats(-2, 2),
    st.floats(0.01, 3),
)
def test_two_one_sided_tests_are_statsmodels_own(sample, null, margin):
    described = DescrStatsW(sample)
    estimate = Estimate(described.mean, described.std_mean, described.nobs - 1)
    wanted = described.ttost_mean(null - margin, null + margin)[0]
    assert np.isclose(estimate.p("within", null, margin), wanted, rtol=1e-9, atol=1e-300)
    for direction, alternative in ALTERNATIVES.items():
        name = {"greater": "larger", "less": "smaller"}.get(alternative, alternative)
        assert np.isclose(
            estimate.p(direction, null), described.ttest_mean(null, name)[1], rtol=1e-9, atol=1e-300
        )
    assert np.allclose(estimate.bounds(), described.tconfint_mean())


@searching
@given(numbers, errors, freedoms, numbers, st.sampled_from([">", "<", "!=", "within"]), st.floats(0.01, 30))
def test_verdict_test_and_interval_agree(value, error, freedom, null, direction, margin):
    claim = hypothesis(direction, null=null, margin=margin if direction == "within" else None)
    found = claim.confront(Estimate(value, error, freedom))
    low, high, verdict = found["low"], found["high"], str(found["verdict"])
    assert (verdict == "supported") == (found["p_value"] < 0.05)
    if direction == "!=":
        assert (verdict == "supported") == (not low <= null <= high) or np.isclose(found["p_value"], 0.05)
        assert verdict != "contradicted"
    if direction == "within":
        narrow = stats.norm.isf(0.05) if np.isinf(freedom) else stats.t.isf(0.05, freedom)
        inside = null - margin < value - narrow * error and value + narrow * error < null + margin
        assert (verdict == "supported") == inside or np.isclose(found["p_value"], 0.05)
        assert (verdict == "contradicted") == (low > null + margin or high < null - margin)
    if direction in "><":
        other = hypothesis("<" if direction == ">" else ">", null=null).confront(
            Estimate(value, error, freedom)
        )
        assert np.isclose(found["p_value"] + other["p_value"], 1)
        assert (verdict == "contradicted") == (high < null if direction == ">" else low > null)


@searching
@given(
    st.lists(st.tuples(numbers, errors), min_size=1, max_size=8), st.sampled_from([">", "<", "!=", "within"])
)
def test_many_at_once_are_many_one_by_one(pairs, direction):
    values, spreads = map(np.array, zip(*pairs))
    claim = hypothesis(direction, null=0.5, margin=2 if direction == "within" else None)
    many = claim.confront(Estimate(values, spreads, 7))
    for at, (value, error) in enumerate(pairs):
        one = claim.confront(Estimate(value, error, 7))
        assert many["verdict"][at] == one["verdict"] and many["p_value"][at] == one["p_value"]
        assert (many["low"][at], many["high"][at]) == (one["low"], one["high"])


def test_an_estimate_may_bring_its_own_interval_and_p_value():
    estimate = Estimate(0.3, 0.1, interval=(-0.1, 0.9), p_value=0.2)
    assert estimate.bounds() == (-0.1, 0.9) and estimate.p(">", 0) == 0.2
    assert str(hypothesis(">").confront(estimate)["verdict"]) == "undecided"


def test_one_of_many_estimates():
    many = Estimate(
        np.array([1.0, 2.0]),
        np.array([0.1, 0.2]),
        9,
        (np.zeros(2), np.array([3.0, 4.0])),
        np.array([0.5, 0.6]),
    )
    assert many.one(1) == Estimate(2.0, 0.2, 9, (0.0, 4.0), 0.6)
    assert Estimate(np.array([1.0]), np.array([0.1])).one(0) == Estimate(1.0, 0.1)


@pytest.mark.parametrize("model, freedom", [(smf.ols, 17.0), (smf.logit, np.inf)], ids=["ols", "logit"])
def test_the_estimate_of_a_statsmodels_fit(model, freedom):
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {"x": rng.normal(size=20), "z": rng.normal(size=20), "y": (rng.random(20) < 0.5) * 1.0}
    )
    fit = model("y ~ x + z", data).fit(**({"disp": False} if model is smf.logit else {}))
    estimate = Estimate.of(fit, "z")
    assert (estimate.value, estimate.standard_error) == (fit.params["z"], fit.bse["z"])
    assert estimate.degrees_of_freedom == freedom
    assert np.allclose(estimate.bounds(), fit.conf_int().loc["z"])
    assert np.isclose(estimate.p("!=", 0), fit.pvalues["z"])
    with pytest.raises(InputError, match="term is 'w'; the fit has Intercept, x, z"):
        Estimate.of(fit, "w")


def test_robust_errors_without_t_use_the_normal_law():
    rng = np.random.default_rng(1)
    fit = sm.OLS(rng.normal(size=30), sm.add_constant(rng.normal(size=30))).fit(cov_type="HC1")
    assert Estimate.of(fit, "x1").degrees_of_freedom == np.inf


@pytest.mark.parametrize(
    "direction, estimand, holds",
    [
        (">", 0.1, True),
        (">", 0, False),
        (">", -0.1, False),
        ("<", -0.1, True),
        ("<", 0, False),
        ("!=", 0, False),
        ("!=", 1e-9, True),
        ("within", 0.19, True),
        ("within", 0.2, False),
        ("within", -0.3, False),
        ("within", 0, True),
    ],
)
def test_whether_a_claim_is_true(direction, estimand, holds):
    assert hypothesis(direction, margin=0.2 if direction == "within" else None).holds(estimand) is holds
    shifted = hypothesis(direction, null=5, margin=0.2 if direction == "within" else None)
    assert shifted.holds(5 + estimand) is holds or abs(abs(estimand) - 0.2) < 1e-9


def test_the_dust_of_quadrature_is_no_effect():
    dusty = Hypothesis("H", "A claim", ">", truth=lambda p: -3e-17, estimators={"one": lambda tables: None})
    assert (
        dusty.estimand(None) == 0
        and str(dusty.estimand(None)) == "0.0"
        and not dusty.holds(dusty.estimand(None))
    )


@pytest.mark.parametrize(
    "options, says",
    [
        ({"direction": "greater"}, "direction of H is 'greater'; it must be one of > < != within"),
        ({"direction": "within"}, "margin of H is None; give a positive one"),
        ({"direction": "within", "margin": 0.0}, "margin of H is 0.0"),
        ({"direction": "within", "margin": -1}, "margin of H is -1"),
        ({"direction": ">", "margin": 0.1}, "with direction 'within' only"),
        ({"direction": ">", "margin": -0.1}, "with direction 'within' only"),
        ({"direction": ">", "level": 5}, "level of H is 5; it must lie between 0 and 1"),
        ({"direction": ">", "level": 0}, "level of H is 0"),
        ({"direction": ">", "estimators": {}}, "estimators of H is empty"),
    ],
)
def test_an_impossible_hypothesis_is_refused(options, says):
    with pytest.raises(InputError, match=says):
        Hypothesis(
            **{"name": "H", "claim": "A claim", "truth": lambda p: 0, "estimators": {"one": len}, **options}
        )


@pytest.mark.parametrize(
    "direction, shown", [(">", "> 0.5"), ("<", "< 0.5"), ("!=", "≠ 0.5"), ("within", "within 0.1 of 0.5")]
)
def test_a_hypothesis_reads_as_a_sentence(direction, shown):
    claim = hypothesis(direction, null=0.5, unit="points", margin=0.1 if direction == "within" else None)
    assert repr(claim) == f"H: A claim (estimand {shown} points; one)" and claim.headline == "one"


def test_the_level_of_the_test_counts():
    estimate = Estimate(2.0, 1.0)  # p = .023
    assert str(hypothesis(">").confront(estimate)["verdict"]) == "supported"
    assert str(hypothesis(">", level=0.01).confront(estimate)["verdict"]) == "undecided"
