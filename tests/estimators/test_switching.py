"""Switching regression, fitted-chance instruments: against statsmodels, numerical moments, simulation."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from scipy.stats import norm
from statsmodels.sandbox.regression.gmm import IV2SLS

from crmlab.design import EstimationFailed, InputError, Tables
from crmlab.estimators import Combination, FittedChanceInstruments, SwitchingRegression
from crmlab.estimators.switching import inverse_mills

SWITCHING = SwitchingRegression("y ~ x", "1: x", switch="s", choice="x + z")
INSTRUMENTED = FittedChanceInstruments("y ~ x + s + x:s", "s", switch="s", choice="x + z")
EFFECT = 0.2 - 0.3  # of regime 1 at x = 1


def market(simulations=3, rows=400, seed=1):
    """Regimes with lines of their own and errors that the choice knows of."""
    rng = np.random.default_rng(seed)
    x, z, v = (rng.standard_normal((simulations, rows)) for _ in range(3))
    s = (0.2 + 0.6 * x + 0.8 * z + v > 0) * 1.0
    one = 0.5 + 0.1 * x - 0.5 * v + 0.6 * rng.standard_normal((simulations, rows))
    none = 0.3 + 0.4 * x + 0.3 * v + 0.6 * rng.standard_normal((simulations, rows))
    return Tables({"t": {"x": x, "z": z, "s": s, "y": np.where(s > 0, one, none)}})


def at_one(b):
    return b["1: Intercept"] + b["1: x"] - b["0: Intercept"] - b["0: x"]


def moments(theta, t):
    """Each row's moments of both steps, written out: shape (rows, 9)."""
    x, z, s, y = (t[name].to_numpy() for name in "xzsy")
    w = np.column_stack([np.ones_like(x), x, z])
    index = w @ theta[:3]
    score = w * (s * norm.pdf(index) / norm.cdf(index) - (1 - s) * norm.pdf(index) / norm.sf(index))[:, None]
    parts = [score]
    for regime, start in ((0, 3), (1, 6)):
        ratio = norm.pdf(index) / norm.cdf(index) if regime else -norm.pdf(index) / norm.sf(index)
        wide = np.column_stack([np.ones_like(x), x, ratio])
        parts.append(wide * ((s == regime) * (y - wide @ theta[start : start + 3]))[:, None])
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("number", range(3))
def test_both_steps_and_their_errors_are_those_of_the_stacked_moments(number):
    tables = market()
    fitted = SWITCHING.fitted(tables)
    table = tables.one(number).t
    w = sm.add_constant(table[["x", "z"]])
    probit = sm.Probit(table.s, w).fit(disp=0)
    index = w.to_numpy() @ probit.params.to_numpy()
    found = list(probit.params)
    for regime, ratio in ((0, -norm.pdf(index) / norm.sf(index)), (1, norm.pdf(index) / norm.cdf(index))):
        rows = (table.s == regime).to_numpy()
        wide = np.column_stack([np.ones(len(table)), table.x, ratio])
        found += list(sm.OLS(table.y[rows], wide[rows]).fit().params)
    assert fitted.terms == ["0: Intercept", "0: x", "0: selection", "1: Intercept", "1: x", "1: selection"]
    assert fitted.coefficients[number] == pytest.approx(found[3:], rel=1e-6)

    theta, step = np.array(found), 1e-6
    slope = np.stack(
        [
            (moments(theta + step * e, table) - moments(theta - step * e, table)).sum(0) / (2 * step)
            for e in np.eye(9)
        ],
        axis=1,
    )
    rows = moments(theta, table)
    bread = np.linalg.inv(slope)
    expected = bread @ (rows.T @ rows) @ bread.T
    # the stacked sandwich takes the derivative of the products of ratio and residual as it falls, ours as the
    # mean that it has: zero
    assert np.sqrt(np.diag(fitted.covariance[number])) == pytest.approx(
        np.sqrt(np.diag(expected)[3:]), rel=0.03
    )


def test_two_steps_come_near_full_maximum_likelihood():
    table = market(1, 20_000, seed=5).one(0).t
    x, z, s, y = (table[name].to_numpy() for name in "xzsy")

    def minus_log_likelihood(t):
        index, total = t[0] + t[1] * x + t[2] * z, 0.0
        for regime, at in ((0, 3), (1, 7)):
            b0, b1, log_sigma, transformed = t[at : at + 4]
            sigma, rho, side = np.exp(log_sigma), np.tanh(transformed), 2 * regime - 1
            rows = s == regime
            e = (y[rows] - b0 - b1 * x[rows]) / sigma
            reach = side * (index[rows] + rho * e) / np.sqrt(1 - rho**2)
            total += (norm.logcdf(reach) + norm.logpdf(e) - log_sigma).sum()
        return -total / len(y)

    best = minimize(minus_log_likelihood, np.zeros(11), method="BFGS").x
    fitted = SWITCHING.fitted(market(1, 20_000, seed=5))
    estimate = Combination(SWITCHING, at_one).batch(market(1, 20_000, seed=5))
    assert estimate.value[0] == pytest.approx(best[7] + best[8] - best[3] - best[4], abs=0.03)
    sigma = np.exp(best[[5, 9]]) * np.tanh(best[[6, 10]])
    assert fitted.coefficients[0, [2, 5]] == pytest.approx(sigma, abs=0.03)


def test_its_intervals_hold_the_truth():
    tables = market(1500, 600, seed=9)
    found = Combination(SWITCHING, at_one).batch(tables)
    sims = len(found.value)
    assert abs(found.value.mean() - EFFECT) < 4 * found.value.std() / np.sqrt(sims)
    assert np.sqrt((found.standard_error**2).mean()) / found.value.std() == pytest.approx(1, abs=0.075)
    low, high = found.bounds()
    covered = ((low < EFFECT) & (high > EFFECT)).mean()
    assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / sims)


def test_selection_on_gains_biases_the_instruments_and_not_the_switching_regression():
    tables = market(200, 4000, seed=2)
    switched = Combination(SWITCHING, at_one).batch(tables).value
    instrumented = Combination(INSTRUMENTED, lambda b: b["s"] + b["x:s"]).batch(tables).value
    assert abs(switched.mean() - EFFECT) < 4 * switched.std() / np.sqrt(200)
    assert abs(instrumented.mean() - EFFECT) > 10 * instrumented.std() / np.sqrt(200)


def test_the_fitted_chance_is_an_instrument_as_statsmodels_has_it():
    tables = market()
    fitted = INSTRUMENTED.fitted(tables)
    for number in range(3):
        table = tables.one(number).t
        w = sm.add_constant(table[["x", "z"]])
        chance = sm.Probit(table.s, w).fit(disp=0).predict()
        terms = np.column_stack([np.ones(len(table)), table.x, table.s, table.x * table.s])
        instruments = np.column_stack([np.ones(len(table)), table.x, chance, chance * table.x])
        theirs = IV2SLS(table.y.to_numpy(), terms, instruments).fit()
        assert fitted.coefficients[number] == pytest.approx(theirs.params, rel=1e-6)
        scores = instruments * theirs.resid[:, None]
        bread = np.linalg.inv(instruments.T @ terms)
        robust = bread @ scores.T @ scores @ bread.T * len(table) / (len(table) - 4)
        assert fitted.covariance[number] == pytest.approx(robust, rel=1e-5)


def test_clusters_of_single_rows_are_no_clusters():
    tables = market()
    wide = Tables({"t": tables.columns("t") | {"id": np.arange(400)}})
    for one in (SWITCHING, INSTRUMENTED):
        options = {"switch": "s", "choice": "x + z", "cluster": "id"}
        clustered = type(one)(one.formula, one.term, **options).batch(wide)
        assert clustered.standard_error == pytest.approx(one.batch(tables).standard_error, rel=0.02)


def test_the_ratio_stays_finite_far_out():
    index = np.array([-40.0, -5.0, 0.0, 5.0])
    near = norm.pdf(index[1:]) / norm.cdf(index[1:])
    assert inverse_mills(index)[1:] == pytest.approx(near)
    assert inverse_mills(index)[0] == pytest.approx(40.0, rel=1e-3)


def test_a_cohort_without_an_answer_does_not_spoil_the_others():
    columns = {name: each.copy() for name, each in market().columns("t").items()}
    columns["s"][1] = (columns["x"][1] > 0) * 1.0  # separated: the probit has no maximum
    for one in (SWITCHING, INSTRUMENTED):
        found = one.batch(Tables({"t": columns}))
        assert np.isfinite(found.value[[0, 2]]).all() and np.isnan(found.value[1])
        with pytest.raises(EstimationFailed, match="the choice's probit"):
            one(Tables({"t": columns}).one(1))


def test_what_is_missing_is_asked_for():
    with pytest.raises(InputError, match="switch and choice"):
        SwitchingRegression("y ~ x", "1: x")
    with pytest.raises(InputError, match="switch"):
        FittedChanceInstruments("y ~ x", "x", switch="s", choice="x + z")
