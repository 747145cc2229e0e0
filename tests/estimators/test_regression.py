"""Regressions: one pass over many cohorts against statsmodels on each."""

import pickle

import numpy as np
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.design import EstimationFailed, InputError, Tables
from crmlab.design.simulating import _estimate_at_once, _estimate_each
from crmlab.estimators import (
    AverageSlope,
    Combination,
    Contrast,
    LeastSquares,
    LogisticRegression,
    ProbitRegression,
    Product,
)
from crmlab.estimators.formulas import Formula
from tests.design.markets import searching

FORMULA = "y ~ x + I(x ** 2) + z + x:z"
KINDS = [
    (LeastSquares, "nonrobust"),
    (LeastSquares, "HC1"),
    (LeastSquares, "HC2"),
    (LeastSquares, "HC3"),
    (LogisticRegression, "nonrobust"),
    (LogisticRegression, "HC0"),
    (ProbitRegression, "nonrobust"),
    (ProbitRegression, "HC0"),
]
SMF = {LeastSquares: smf.ols, LogisticRegression: smf.logit, ProbitRegression: smf.probit}


def drawn(seed, simulations=3, rows=150, scale=1.0, shift=0.0, binary=False):
    """Tables of several cohorts with skewed, heteroskedastic data."""
    rng = np.random.default_rng(seed)
    x = shift + scale * rng.gamma(2, 1, (simulations, rows))
    z = rng.standard_normal((simulations, rows)) * rng.uniform(0.5, 3)
    signal = 0.5 * (x - shift) / scale - 0.3 * z
    if binary:
        y = (rng.logistic(size=x.shape) + rng.normal() < signal - 0.8) * 1.0
    else:
        y = signal + rng.standard_normal(x.shape) * (0.2 + np.abs(z))
    return Tables({"customers": {"x": x, "z": z, "y": y}})


def statsmodels_fit(kind, covariance, formula, frame):
    """The formula fitted by statsmodels' own formula interface, with nothing of ours in between."""
    options = {"use_t": True} if kind is LeastSquares else {"disp": False, "maxiter": 100}
    return SMF[kind](formula, frame).fit(cov_type=covariance, **options)


@pytest.mark.parametrize("kind, covariance", KINDS)
@settings(searching, max_examples=12)
@given(seed=st.integers(0, 2**32))
def test_one_pass_is_statsmodels_on_each(kind, covariance, seed):
    tables = drawn(seed, binary=kind is not LeastSquares)
    cohorts = [tables.one(simulation) for simulation in range(3)]
    fits = [statsmodels_fit(kind, covariance, FORMULA, cohort.customers) for cohort in cohorts]
    for term in Formula(FORMULA).terms:
        estimator = kind(FORMULA, term, covariance=covariance)
        many, one = estimator.batch(tables), estimator(cohorts[0])
        assert np.allclose(many.value, [fit.params[term] for fit in fits], rtol=1e-9, atol=1e-9)
        assert np.allclose(many.standard_error, [fit.bse[term] for fit in fits], rtol=1e-9, atol=1e-9)
        assert (
            many.degrees_of_freedom
            == one.degrees_of_freedom
            == (fits[0].df_resid if fits[0].use_t else np.inf)
        )
        assert np.isclose(one.value, fits[0].params[term], rtol=1e-9) and np.isclose(
            one.standard_error, fits[0].bse[term]
        )


@pytest.mark.parametrize("kind, covariance", KINDS)
@pytest.mark.parametrize("scale, shift", [(1e4, 5e4), (1e-6, 0.0), (1.0, 2000.0)])
def test_money_and_years_may_be_squared_as_they_are(kind, covariance, scale, shift):
    """Columns of very different size, and columns nearly alike, cost digits and not the fit."""
    formula = "y ~ x + I(x ** 2)"
    tables = drawn(5, rows=400, scale=scale, shift=shift, binary=kind is not LeastSquares)
    estimator = kind(formula, "x", covariance=covariance)
    many = estimator.batch(tables)
    assert np.isfinite(many.value).all() and np.isfinite(many.standard_error).all()
    easy = drawn(
        5, rows=400, binary=kind is not LeastSquares
    )  # the same data in units that are kind to computers
    for simulation in range(3):
        curve = kind(formula, "I(x ** 2)", covariance=covariance)
        plain = curve(easy.one(simulation))
        assert np.isclose(curve.batch(tables).value[simulation] * scale**2, plain.value, rtol=1e-5)
        assert np.isclose(
            curve.batch(tables).standard_error[simulation] * scale**2, plain.standard_error, rtol=1e-5
        )


def outcomes(estimator, tables, count):
    """Values and failures by both ways."""
    at_once, why_at_once = _estimate_at_once(estimator, tables, count)
    each, why_each = _estimate_each(estimator, [tables.one(number) for number in range(count)])
    failed_at_once, failed_each = (
        np.array([each is not None for each in why]) for why in (why_at_once, why_each)
    )
    return at_once, each, failed_at_once, failed_each, why_at_once


@pytest.mark.parametrize("kind, covariance", KINDS)
@settings(searching, max_examples=20)
@given(data=st.data())
def test_failures_are_the_same_ones_both_ways(kind, covariance, data):
    """Small cohorts of indicators: collinear, constant, separated, saturated."""
    rows = data.draw(st.integers(2, 12))
    column = st.lists(
        st.lists(st.sampled_from([0.0, 1.0]), min_size=rows, max_size=rows), min_size=4, max_size=4
    )
    tables = Tables({"customers": {name: np.array(data.draw(column)) for name in "xzy"}})
    estimator = kind("y ~ x + z", "x", covariance=covariance)
    at_once, each, failed_at_once, failed_each, why = outcomes(estimator, tables, 4)
    assert (failed_at_once == failed_each).all(), why
    sound = ~failed_each
    assert np.allclose(at_once.value[sound], each.value[sound], rtol=1e-6, atol=1e-7)
    assert np.allclose(at_once.standard_error[sound], each.standard_error[sound], rtol=1e-6, atol=1e-7)
    for number in np.flatnonzero(failed_each):
        frame = tables.one(number).customers
        matrix = sm.add_constant(frame[["x", "z"]], has_constant="add").to_numpy()
        full_rank = rows > 3 and np.linalg.matrix_rank(matrix) == 3
        if kind is LeastSquares:
            leverage = np.diag(matrix @ np.linalg.pinv(matrix)).max()
            assert not full_rank or (covariance in ("HC2", "HC3") and leverage > 1 - 1e-9)
        else:
            assert not full_rank or separated(matrix, frame.y)


def separated(matrix, outcome):
    """Whether some direction never mispredicts: no maximum then exists (Albert & Anderson 1984)."""
    from scipy.optimize import linprog

    signed = matrix * (2 * outcome.to_numpy() - 1)[:, None]
    found = linprog(-signed.sum(0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1))
    return -found.fun > 1e-6


@pytest.mark.parametrize("kind", [LogisticRegression, ProbitRegression])
def test_a_separated_outcome_fails_and_says_so(kind):
    x = np.linspace(-1, 1, 40)
    tables = Tables({"customers": {"x": x, "y": (x > 0.1) * 1.0}})
    with pytest.raises(EstimationFailed, match="separated|Singular"):
        kind("y ~ x", "x")(tables)
    with pytest.raises(EstimationFailed, match="full rank"):
        kind("y ~ x + I(2 * x)", "x")(tables)
    always = Tables({"customers": {"x": x, "y": np.ones(40)}})
    with pytest.raises(EstimationFailed):
        kind("y ~ x", "x")(always)


def test_collinear_columns_fail_and_others_do_not():
    x = np.linspace(0, 1, 30)
    tables = Tables({"customers": {"x": x, "w": 3 * x - 1, "y": x**2, "close": x + 1e-7 * np.cos(40 * x)}})
    with pytest.raises(EstimationFailed, match="full rank"):
        LeastSquares("y ~ x + w", "x")(tables)
    assert np.isfinite(LeastSquares("y ~ x + close", "x")(tables).value)


def test_three_rows_are_too_few_for_three_coefficients():
    tables = Tables(
        {
            "customers": {
                "x": np.array([[1.0, 2, 4]]),
                "z": np.array([[0.0, 1, 0]]),
                "y": np.array([[1.0, 2, 3]]),
            }
        }
    )
    estimator = LeastSquares("y ~ x + z", "x")
    assert np.isnan(estimator.batch(tables).value).all()
    with pytest.raises(EstimationFailed, match="full rank"):
        estimator(tables.one(0))


@pytest.mark.parametrize("kind", [LogisticRegression, ProbitRegression])
def test_an_outcome_other_than_0_and_1_is_refused_both_ways(kind):
    tables = Tables({"customers": {"x": np.arange(6.0)[None], "y": np.array([[1.0, 2, 1, 2, 2, 1]])}})
    for call in (kind("y ~ x", "x").batch, lambda tables: kind("y ~ x", "x")(tables.one(0))):
        with pytest.raises(InputError, match="the outcome of 'y ~ x' holds 2.0; it must be 0 or 1"):
            call(tables)


def test_estimators_that_share_a_regression_share_its_fit(monkeypatch):
    tables, calls = drawn(3), []
    fit = LeastSquares._fit_all
    monkeypatch.setattr(LeastSquares, "_fit_all", lambda *given: calls.append(1) or fit(*given))
    LeastSquares(FORMULA, "x").batch(tables)
    LeastSquares(FORMULA, "z").batch(tables)
    assert calls == [1]
    LeastSquares(FORMULA, "z", covariance="HC1").batch(tables)
    assert calls == [1, 1]


def test_a_product_has_the_delta_methods_error():
    tables = drawn(2)
    product = Product(LeastSquares("z ~ x", "x"), LeastSquares("y ~ x + z", "z"))
    first, second = LeastSquares("z ~ x", "x").batch(tables), LeastSquares("y ~ x + z", "z").batch(tables)
    many = product.batch(tables)
    assert np.allclose(many.value, first.value * second.value)
    assert np.allclose(
        many.standard_error,
        np.hypot(second.value * first.standard_error, first.value * second.standard_error),
    )
    for simulation in range(3):
        one = product(tables.one(simulation))
        assert np.isclose(one.value, many.value[simulation]) and one.degrees_of_freedom == np.inf
        assert np.isclose(one.standard_error, many.standard_error[simulation])


def test_regressions_can_be_sent_to_workers():
    estimator = LeastSquares(FORMULA, "x", covariance="HC3")
    again = pickle.loads(pickle.dumps(estimator))
    assert again == estimator and np.array_equal(again.batch(drawn(1)).value, estimator.batch(drawn(1)).value)
    assert len(pickle.dumps(estimator)) < 400


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: LeastSquares("y ~ (x", "x"), "formula 'y ~ \\(x' cannot be read: Unmatched"),
        (lambda: LeastSquares("", "x"), "must have one outcome on its left"),
        (lambda: LeastSquares("~ x", "x"), "must have one outcome on its left"),
        (lambda: LeastSquares("y + w ~ x", "x"), "must have one outcome on its left"),
        (lambda: LeastSquares("y ~ x", "z"), "unknown term 'z'; known: Intercept, x"),
        (lambda: LeastSquares("y ~ x - 1", "Intercept"), "unknown term 'Intercept'; known: x"),
        (
            lambda: LeastSquares("y ~ x", "x", covariance="HC0"),
            "covariance is 'HC0'; it must be one of nonrobust, HC1, HC2, HC3",
        ),
        (lambda: LogisticRegression("y ~ x", "x", covariance="HC1"), "it must be one of nonrobust, HC0"),
    ],
)
def test_a_regression_that_cannot_be_is_refused_when_it_is_written(make, says):
    with pytest.raises(InputError, match=says):
        make()


@pytest.mark.parametrize(
    "formula, columns, says",
    [
        ("y ~ w", {}, "unknown column 'w'; known: x, y"),
        ("y ~ C(x)", {}, "unknown column 'C'; known: x, y"),
        ("y ~ abs(x)", {}, "unknown column 'abs'"),
        (
            "y ~ x",
            {"x": np.array(["a", "b", "c"])},
            "'x' in formula 'y ~ x' is not numeric; give indicator columns",
        ),
        (
            "y ~ x",
            {"x": np.array([1, np.nan, np.nan])},
            "'x' in formula 'y ~ x' has 2 missing or infinite values",
        ),
        (
            "y ~ np.log(x)",
            {"x": np.array([0.0, 1, 2])},
            "'np.log\\(x\\)' in formula .* has 1 missing or infinite values",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_formula_that_cannot_be_evaluated_says_why(formula, columns, says):
    table = {"x": np.arange(3.0), "y": np.arange(3.0), **columns}
    with pytest.raises(InputError, match=says):
        Formula(formula).arrays(table)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x * z",
        "y ~ x + I(x ** 2) - 1",
        "np.log(y) ~ 0 + np.sqrt(z):x + z",
        "y ~ 1",
        "I(y - x) ~ (x + z) ** 2",
    ],
)
def test_the_design_matrix_is_patsys(formula):
    from patsy import dmatrices

    rng = np.random.default_rng(1)
    table = {name: rng.gamma(2, 1, 9) for name in "xyz"}
    outcome, matrix = Formula(formula).arrays(table)
    left, right = dmatrices(formula, table)
    names = right.design_info.column_names
    order = [names.index(term) for term in Formula(formula).terms]
    assert sorted(Formula(formula).terms) == sorted(names)
    assert np.allclose(outcome, np.asarray(left)[:, 0]) and np.allclose(matrix, np.asarray(right)[:, order])


def test_a_column_that_all_cohorts_share_is_taken_as_such():
    rng = np.random.default_rng(1)
    group, y = np.repeat([0.0, 1.0], 10), rng.normal(size=(4, 20))
    for formula in ("y ~ group", "group ~ y"):
        many = LeastSquares(formula, formula.split()[-1]).batch(Tables({"t": {"group": group, "y": y}}))
        for simulation in range(4):
            one = LeastSquares(formula, formula.split()[-1])(
                Tables({"t": {"group": group, "y": y[simulation]}})
            )
            assert np.isclose(many.value[simulation], one.value)


def test_a_column_may_be_called_as_what_formulas_know():
    table = {"np": np.arange(5.0), "y": np.array([1.0, 3, 2, 5, 4])}
    assert np.isclose(LeastSquares("y ~ np", "np")(Tables({"t": table})).value, 0.8)


CURVED = LeastSquares("y ~ x + I(x ** 2)", "x", covariance="HC1")


def test_an_average_slope_is_the_combination_at_the_means_and_the_rows_own_variance():
    tables = drawn(3)
    found = AverageSlope(CURVED, lambda c: (0, 1, 2 * c["x"])).batch(tables)
    for simulation in range(3):
        frame = tables.one(simulation).customers
        fit = smf.ols(CURVED.formula, frame).fit(cov_type="HC1", use_t=True)
        known = fit.t_test([0, 1, 2 * frame.x.mean()])
        rows = (2 * fit.params.iloc[2]) ** 2 * frame.x.var(ddof=0) / len(frame)
        assert found.value[simulation] == pytest.approx(known.effect.item())
        assert found.standard_error[simulation] == pytest.approx(np.hypot(known.sd.item(), np.sqrt(rows)))
    assert found.degrees_of_freedom == 147


def test_equal_weights_of_all_rows_are_a_combination():
    tables = drawn(4)
    same = AverageSlope(CURVED, lambda c: (0, 1, -2.0)).batch(tables)
    known = Combination(CURVED, lambda b: b["x"] - 2 * b["I(x ** 2)"]).batch(tables)
    assert np.allclose(same.value, known.value)
    assert np.allclose(same.standard_error, known.standard_error, rtol=1e-6)


def test_intervals_of_an_average_slope_cover_that_of_the_population():
    """Without the rows' part of the variance they would not."""
    rng = np.random.default_rng(5)
    x = rng.gamma(2, 1, (2000, 100))
    tables = Tables({"customers": {"x": x, "y": 0.5 * x + x**2 + rng.standard_normal(x.shape)}})
    found = AverageSlope(CURVED, lambda c: (0, 1, 2 * c["x"])).batch(tables)
    truth = 0.5 + 2 * 2  # the mean of a gamma of shape 2 is 2
    reach = np.abs(found.value - truth)
    assert np.mean(reach < 1.98 * found.standard_error) == pytest.approx(0.95, abs=0.025)
    fitted = CURVED.fitted(tables)
    weights = np.stack([np.zeros(2000), np.ones(2000), 2 * x.mean(-1)], axis=-1)
    short = np.sqrt(np.einsum("st,stk,sk->s", weights, fitted.covariance, weights))
    assert np.mean(reach < 1.98 * short) < 0.9


def test_an_average_slope_takes_one_weight_a_term_and_says_why_a_fit_failed():
    with pytest.raises(InputError, match="weights gives 2 for 3 terms"):
        AverageSlope(CURVED, lambda c: (0, 1)).batch(drawn(3))
    flat = Tables({"customers": {"x": np.ones(20), "y": np.arange(20.0)}})
    with pytest.raises(EstimationFailed, match="not of full rank"):
        AverageSlope(CURVED, lambda c: (0, 1, 2 * c["x"]))(flat)


def test_contrasts_of_separate_samples():
    slopes = [LeastSquares("y ~ x", "x", table=name) for name in ("first", "second")]
    tables = Tables({name: drawn(seed).columns("customers") for seed, name in ((1, "first"), (2, "second"))})
    first, second = (each.batch(tables) for each in slopes)
    difference, mean = (Contrast(slopes, weights).batch(tables) for weights in ((1, -1), (0.5, 0.5)))
    assert difference.value == pytest.approx(first.value - second.value)
    assert mean.value == pytest.approx((first.value + second.value) / 2)
    assert difference.standard_error == pytest.approx(np.hypot(first.standard_error, second.standard_error))
    assert mean.standard_error == pytest.approx(difference.standard_error / 2)
    with pytest.raises(InputError, match="weights gives 1 for 2 parts"):
        Contrast(slopes, (1,))
