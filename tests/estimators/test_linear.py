"""Clusters, fixed effects and instruments against statsmodels and against brute force."""

import numpy as np
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import optimize
from scipy.stats import norm
from statsmodels.sandbox.regression.gmm import IV2SLS

from crmlab.design import EstimationFailed, InputError, Tables
from crmlab.estimators import (
    Combination,
    ControlFunction,
    LeastSquares,
    LogisticRegression,
    ProbitRegression,
    TwoStageLeastSquares,
    Within,
)


def panel(simulations=4, units=30, seed=1):
    """Unbalanced rows of units with effects of their own that the regressor knows about."""
    rng = np.random.default_rng(seed)
    unit = rng.integers(0, units, 150)
    own = rng.standard_normal((simulations, units))[:, unit]
    x = own + rng.standard_normal((simulations, 150))
    z = rng.standard_normal((simulations, 150))
    y = 0.5 * x + 2 * own + (1 + np.abs(z)) * rng.standard_normal((simulations, 150))
    return Tables({"t": {"unit": unit, "x": x, "z": z, "y": y, "won": (y > 0) * 1.0}})


@pytest.mark.parametrize("kind, outcome", [(LeastSquares, "y"), (LogisticRegression, "won")])
def test_clustered_errors_are_those_of_statsmodels(kind, outcome):
    tables = panel()
    estimator = kind(f"{outcome} ~ x + z", "x", cluster="unit")
    many = estimator.batch(tables)
    for number in range(4):
        fit = estimator.fit(tables.one(number))
        assert np.isclose(many.value[number], fit.params[1])
        assert np.isclose(many.standard_error[number], fit.bse[1])
        if kind is LeastSquares:
            assert many.degrees_of_freedom[number] == fit.df_resid_inference


@pytest.mark.parametrize("covariance", ["clustered", "nonrobust"])
def test_fixed_effects_are_a_dummy_for_each_unit(covariance):
    tables = panel()
    many = Within("y ~ x + z", "x", unit="unit", covariance=covariance).batch(tables)
    for number in range(4):
        frame = tables.one(number)["t"]
        again = frame[frame.groupby("unit").unit.transform("size") > 1]
        fit = smf.ols("y ~ x + z + C(unit)", again).fit()
        error, freedom = fit.bse["x"], fit.df_resid
        if covariance == "clustered":
            clustered = smf.ols("y ~ x + z + C(unit)", again).fit(
                cov_type="cluster", cov_kwds={"groups": again.unit}
            )
            rows, groups = len(again), again.unit.nunique()
            error = clustered.bse["x"] * np.sqrt((rows - groups - 2) / (rows - 2))  # k counts slopes only
            freedom = groups - 1
        assert np.isclose(many.value[number], fit.params["x"])
        assert np.isclose(many.standard_error[number], error)
        assert many.degrees_of_freedom[number] == freedom


def test_what_does_not_change_within_units_has_no_slope_there():
    tables = panel().one(0)
    constant = {**tables.columns("t"), "w": tables.columns("t")["unit"] * 2.0}
    with pytest.raises(EstimationFailed, match="does not change within units"):
        Within("y ~ x + w", "x", unit="unit")(Tables({"t": constant}))


def market(simulations=3, rows=400, seed=3, strength=1.0):
    rng = np.random.default_rng(seed)
    w, z1, z2, hidden = rng.standard_normal((4, simulations, rows))
    x = strength * (z1 + 0.5 * z2) + 0.3 * w + hidden + rng.standard_normal((simulations, rows))
    y = 1 + 0.7 * x - 0.4 * w + hidden + (0.5 + np.abs(z1)) * rng.standard_normal((simulations, rows))
    group = np.repeat(np.arange(rows // 8), 8)
    return Tables({"t": {"w": w, "z1": z1, "z2": z2, "x": x, "y": y, "group": group}})


def instrumented(covariance="nonrobust", cluster=None, kind=TwoStageLeastSquares):
    return kind(
        "y ~ x + w", "x", covariance=covariance, cluster=cluster, endogenous=("x",), instruments=("z1", "z2")
    )


def test_two_stages_are_those_of_statsmodels():
    tables = market()
    many = instrumented().batch(tables)
    for number in range(3):
        frame = tables.one(number)["t"]
        exogenous = sm.add_constant(frame[["w"]])
        fit = IV2SLS(frame.y, exogenous.assign(x=frame.x), exogenous.join(frame[["z1", "z2"]])).fit()
        assert np.isclose(many.value[number], fit.params["x"])
        assert np.isclose(many.standard_error[number], fit.bse["x"])
        assert np.isclose(instrumented()(tables.one(number)).value, fit.params["x"])


@pytest.mark.parametrize("cluster", [None, "group"])
def test_robust_errors_of_two_stages_are_the_sandwich(cluster):
    tables = market()
    many = instrumented("HC1", cluster).batch(tables)
    frame = tables.one(0)["t"]
    x = np.column_stack([np.ones(400), frame.x, frame.w])
    z = np.column_stack([np.ones(400), frame.w, frame.z1, frame.z2])
    fitted = z @ np.linalg.solve(z.T @ z, z.T @ x)
    bread = np.linalg.inv(fitted.T @ fitted)
    error = frame.y - x @ (bread @ (fitted.T @ frame.y))
    scores = fitted * error.to_numpy()[:, None]
    factor = 400 / 397
    if cluster:
        scores = np.stack([scores[frame.group == each].sum(0) for each in frame.group.unique()])
        factor = 50 / 49 * 399 / 397
    covariance = factor * bread @ scores.T @ scores @ bread
    assert np.isclose(many.standard_error[0], np.sqrt(covariance[1, 1]))


def test_the_first_stages_f_tells_strong_instruments_from_weak():
    tables = market()
    frame = tables.one(1)["t"]
    full, bare = smf.ols("x ~ w + z1 + z2", frame).fit(), smf.ols("x ~ w", frame).fit()
    assert np.isclose(instrumented().first_stage_f(tables)[1], full.compare_f_test(bare)[0])
    assert (instrumented().first_stage_f(market(strength=0.03)) < 10).all()


def test_a_control_function_is_two_stages_where_all_is_linear():
    tables = market(rows=2000)
    two, control = instrumented("HC1").batch(tables), instrumented("HC1", kind=ControlFunction).batch(tables)
    assert np.allclose(two.value, control.value)
    assert np.allclose(two.standard_error, control.standard_error, rtol=0.01)


def test_a_control_functions_errors_know_of_the_first_stage():
    """A curved market, many times: the truth is found and errors are as large as the estimates scatter."""
    rng = np.random.default_rng(8)
    z, hidden = rng.standard_normal((2, 1200, 400))
    x = z + hidden + 0.3 * rng.standard_normal(z.shape)
    y = 0.5 * x + 0.3 * x**2 + 2 * hidden + rng.standard_normal(z.shape)
    tables = Tables({"t": {"x": x, "y": y, "z": z}})
    for term, truth in {"x": 0.5, "I(x ** 2)": 0.3}.items():
        many = ControlFunction(
            "y ~ x + I(x ** 2)", term, endogenous=("x",), instruments=("z",), derived=("I(x ** 2)",)
        ).batch(tables)
        assert abs(many.value.mean() - truth) < 4 * many.value.std() / np.sqrt(1200) + 0.002
        assert abs(many.standard_error.mean() / many.value.std() - 1) < 0.08
    naive = LeastSquares("y ~ x + I(x ** 2)", "x").batch(tables)
    assert naive.value.mean() > 1


def test_instruments_must_be_enough_and_independent():
    with pytest.raises(InputError, match="give an endogenous term, and at least as many instruments"):
        TwoStageLeastSquares("y ~ x + w", "x", endogenous=("x", "w"), instruments=("z1",))
    tables = market().one(0)
    columns = {**tables.columns("t"), "twice": 2 * tables.columns("t")["z1"]}
    estimator = TwoStageLeastSquares("y ~ x", "x", endogenous=("x",), instruments=("z1", "twice"))
    with pytest.raises(EstimationFailed, match="not of full rank"):
        estimator(Tables({"t": columns}))


def test_a_combination_of_coefficients_has_the_delta_methods_error():
    tables = panel()
    regression = LeastSquares("y ~ x + z", "x")
    many = Combination(regression, lambda b: b["x"] - 2 * b["z"]).batch(tables)
    for number in range(4):
        tested = regression.fit(tables.one(number)).t_test([0, 1, -2])
        assert np.isclose(many.value[number], tested.effect.item())
        assert np.isclose(many.standard_error[number], tested.sd.item())


@pytest.mark.parametrize("kind", [LogisticRegression])
def test_counts_are_rows_of_a_kind_taken_together(kind):
    rng = np.random.default_rng(5)
    x, group = np.repeat([0.0, 0, 1, 1], 60), np.tile([0.0, 1], 120)
    won = (rng.random((3, 240)) < 0.3 + 0.2 * x) * 1.0
    single = kind("won ~ x + group", "x").batch(Tables({"t": {"x": x, "group": group, "won": won}}))
    cells = [(x == a) & (group == b) for a in (0, 1) for b in (0, 1)]
    counted = {
        "x": np.array([0.0, 0, 1, 1]),
        "group": np.array([0.0, 1, 0, 1]),
        "won": np.stack([won[:, cell].sum(-1) for cell in cells], -1),
        "asked": np.stack([np.full(3, cell.sum()) for cell in cells], -1),
    }
    estimator = kind("won ~ x + group", "x", trials="asked")
    many = estimator.batch(Tables({"t": counted}))
    assert np.allclose(many.value, single.value) and np.allclose(many.standard_error, single.standard_error)
    fit = estimator.fit(Tables({"t": counted}).one(0))
    assert np.isclose(fit.params[1], many.value[0]) and np.isclose(fit.bse[1], many.standard_error[0])
    with pytest.raises(InputError, match="must lie from 0 to asked"):
        estimator.batch(Tables({"t": counted | {"asked": counted["won"] - 1}}))


def test_bias_reduction_is_firths():
    """Two by two: Jeffreys' prior adds half a case to each cell, and so is finite under separation."""
    x = np.repeat([0.0, 1.0], [10, 12])
    won = np.concatenate([np.zeros(10), np.ones(5), np.zeros(7)])
    table = Tables({"t": {"x": x, "won": won}})
    found = LogisticRegression("won ~ x", "x", bias_reduced=True)(table)
    assert np.isclose(found.value, np.log(5.5 / 7.5) - np.log(0.5 / 10.5), atol=1e-5)
    with pytest.raises(EstimationFailed, match="separated"):
        LogisticRegression("won ~ x", "x")(table)


def test_bias_reduction_of_a_logit_is_jeffreys_prior():
    """An independent solution: the log-likelihood and half the information's log determinant, by scipy."""
    rng = np.random.default_rng(9)
    x, z = rng.standard_normal((2, 30))
    group = np.repeat([0.0, 1.0], 15)
    won = (0.4 * x - z + rng.logistic(size=30) > 0) * 1.0
    won[group == 1] = 1.0  # separated: without the prior the group's coefficient is endless
    matrix = np.column_stack([np.ones(30), x, z, group])

    def height(beta):
        index = matrix @ beta
        weight = 1 / (2 + 2 * np.cosh(index))
        _, volume = np.linalg.slogdet((matrix.T * weight) @ matrix)
        return -(won @ index - np.logaddexp(0, index).sum() + volume / 2)

    solved = optimize.minimize(height, np.zeros(4), tol=1e-12).x
    weight = 1 / (2 + 2 * np.cosh(matrix @ solved))
    errors = np.sqrt(np.diag(np.linalg.inv((matrix.T * weight) @ matrix)))
    table = Tables({"t": {"x": x, "z": z, "group": group, "won": won}})
    for at, term in enumerate(("Intercept", "x", "z", "group")):
        found = LogisticRegression("won ~ x + z + group", term, bias_reduced=True)(table)
        assert found.value == pytest.approx(solved[at], abs=2e-5)
        assert found.standard_error == pytest.approx(errors[at], rel=1e-4)
    with pytest.raises(EstimationFailed, match="separated"):
        LogisticRegression("won ~ x + z + group", "x")(table)
    with pytest.raises(InputError, match="no bias-reduced fit"):
        LogisticRegression("won ~ x", "x", bias_reduced=True).fit(table)


def test_bias_reduction_of_a_probit_solves_firths_equations():
    """An independent solution: the adjusted score with dense matrices, its root by scipy."""
    rng = np.random.default_rng(4)
    x, z = rng.standard_normal((2, 40))
    won = (0.3 + 0.8 * x + rng.standard_normal(40) > 0) * 1.0
    matrix = np.column_stack([np.ones(40), x, z])

    def adjusted_score(beta):
        index = matrix @ beta
        chance, density = norm.cdf(index), norm.pdf(index)
        weight = density**2 / (chance * (1 - chance))
        root = matrix * np.sqrt(weight)[:, None]
        leverage = np.diag(root @ np.linalg.inv(root.T @ root) @ root.T)
        return matrix.T @ ((won - chance) * density / (chance * (1 - chance)) - leverage * index / 2)

    solved = optimize.root(adjusted_score, np.zeros(3), tol=1e-12).x
    table = Tables({"t": {"x": x, "z": z, "won": won}})
    for at, term in enumerate(("Intercept", "x", "z")):
        found = ProbitRegression("won ~ x + z", term, bias_reduced=True)(table)
        assert found.value == pytest.approx(solved[at], abs=1e-6)
    plain = ProbitRegression("won ~ x + z", "x")(table)
    assert abs(solved[1]) < abs(plain.value)


def test_a_bias_reduced_probit_is_finite_under_separation():
    x = np.linspace(-1, 1, 20)
    table = Tables({"t": {"x": x, "won": (x > 0) * 1.0}})
    found = ProbitRegression("won ~ x", "x", bias_reduced=True)(table)
    assert 0 < found.value < 20 and np.isfinite(found.standard_error)
