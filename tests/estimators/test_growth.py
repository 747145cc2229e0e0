"""Selection, response curves and hazard ratios: against statsmodels, lifelines, numerical likelihoods."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines import CoxPHFitter, CoxTimeVaryingFitter
from scipy.optimize import minimize
from scipy.stats import norm

from crmlab.design import EstimationFailed, InputError, Tables
from crmlab.estimators import Combination, Curve, HazardRatio, ResponseCurves, SelectionRegression
from crmlab.models.delta import jacobian

TWO_STEPS = SelectionRegression("y ~ x", "x", switch="s", choice="x + z")
WON_ONLY = SelectionRegression("y ~ x", "x", switch="s", choice="x + z", corrected=False)


def selected(simulations=3, rows=500, seed=1, correlation=0.6):
    rng = np.random.default_rng(seed)
    x, z, u, e = (rng.standard_normal((simulations, rows)) for _ in range(4))
    s = (-0.3 + 0.6 * x + 0.7 * z + u > 0) * 1.0
    y = 1 + 0.5 * x + correlation * u + np.sqrt(1 - correlation**2) * e
    return Tables({"t": {"x": x, "z": z, "s": s, "y": np.where(s == 1, y, np.nan)}})


def selection_moments(theta, t):
    """Each row's moments of both steps, written out: shape (rows, 6)."""
    x, z, s, y = (t[name].to_numpy() for name in "xzsy")
    w = np.column_stack([np.ones_like(x), x, z])
    index = w @ theta[:3]
    score = s * norm.pdf(index) / norm.cdf(index) - (1 - s) * norm.pdf(index) / norm.sf(index)
    wide = np.column_stack([np.ones_like(x), x, norm.pdf(index) / norm.cdf(index)])
    error = np.where(s == 1, np.nan_to_num(y) - wide @ theta[3:], 0.0)
    return np.concatenate([w * score[:, None], wide * error[:, None]], axis=1)


@pytest.mark.parametrize("number", range(3))
def test_both_steps_and_their_errors_are_those_of_the_stacked_moments(number):
    tables = selected()
    fitted, table = TWO_STEPS.fitted(tables), tables.one(number).t
    w = sm.add_constant(table[["x", "z"]])
    probit = sm.Probit(table.s, w).fit(disp=0)
    index, rows = w.to_numpy() @ probit.params.to_numpy(), (table.s == 1).to_numpy()
    wide = np.column_stack([np.ones(len(table)), table.x, norm.pdf(index) / norm.cdf(index)])
    found = np.r_[probit.params, sm.OLS(table.y[rows], wide[rows]).fit().params]
    assert fitted.terms == ["Intercept", "x", "selection"]
    assert fitted.coefficients[number] == pytest.approx(found[3:], abs=1e-7)
    each = selection_moments(found, table)
    bread = np.linalg.inv(jacobian(lambda theta: selection_moments(theta, table).sum(0), found).T)
    covariance = bread @ (each.T @ each) @ bread.T
    # ours takes the derivative of the products of ratio and residual as the mean that it has: zero
    assert np.sqrt(np.diag(fitted.covariance[number])) == pytest.approx(
        np.sqrt(np.diag(covariance)[3:]), rel=0.03
    )


def test_without_correction_it_is_least_squares_among_the_selected():
    tables = selected()
    table = tables.one(0).t.dropna()
    by_hand = sm.OLS(table.y, sm.add_constant(table[["x"]])).fit(cov_type="HC0")
    estimate = WON_ONLY(tables.one(0))
    assert (estimate.value, estimate.standard_error) == pytest.approx((by_hand.params["x"], by_hand.bse["x"]))


def test_two_steps_find_the_line_of_all_and_the_selected_do_not():
    tables = selected(400, 800, seed=2)
    both, naive = TWO_STEPS.batch(tables), WON_ONLY.batch(tables)
    reach = 4 * both.value.std() / np.sqrt(400)
    assert both.value.mean() == pytest.approx(0.5, abs=reach)
    assert naive.value.mean() < 0.5 - 10 * reach
    assert both.standard_error.mean() == pytest.approx(both.value.std(), rel=0.12)
    selection = SelectionRegression("y ~ x", "selection", switch="s", choice="x + z").batch(tables)
    assert selection.value.mean() == pytest.approx(0.6, abs=0.03)


def test_where_all_are_selected_there_is_no_probit():
    tables = selected(1)
    table = dict(tables.one(0).t) | {"s": np.ones(500), "y": np.zeros(500)}
    with pytest.raises(EstimationFailed, match="probit has no maximum"):
        TWO_STEPS(Tables({"t": table}))


# -- response curves ---------------------------------------------------------------------------------------

CURVE = ResponseCurves((Curve("won", "won", "heads", "spend"),), "won: gain")
BOTH = ResponseCurves(
    (Curve("won", "won", "heads", "spend"), Curve("kept", "kept", "heads", "spend")), "won: gain"
)


def regions(seed=0, simulations=3, rows=50, base=0.1, gain=0.3, rate=0.2):
    rng = np.random.default_rng(seed)
    spend = np.tile(np.repeat([0.0, 2.0, 5.0, 10.0, 20.0], rows // 5), (simulations, 1))
    share = base + gain * (1 - np.exp(-rate * spend))
    heads = np.full(spend.shape, 400.0)
    won, kept = rng.binomial(400, share), rng.binomial(400, 0.5 + share / 2)
    return Tables({"t": {"spend": spend, "heads": heads, "won": won * 1.0, "kept": kept * 1.0}})


def test_a_curve_is_the_maximum_of_its_likelihood_with_the_sandwichs_errors():
    tables = regions()
    table = tables.one(1).t

    def each(theta):
        share = theta[0] + theta[1] * (1 - np.exp(-theta[2] * table.spend))
        return (table.won * np.log(share) + (table.heads - table.won) * np.log(1 - share)).to_numpy()

    found = minimize(lambda theta: -each(theta).sum(), [0.1, 0.3, 0.2], method="Nelder-Mead",
                     options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 5000}).x  # fmt: skip
    fitted = CURVE.fitted(tables)
    assert fitted.coefficients[1] == pytest.approx(found, rel=1e-4)
    scores = jacobian(each, found).T
    expected = np.linalg.inv(scores.T @ scores)  # of the order of the sandwich, if the model is right
    assert np.sqrt(np.diag(fitted.covariance[1])) == pytest.approx(np.sqrt(np.diag(expected)), rel=0.5)
    assert fitted.degrees_of_freedom == 47


def test_curves_errors_are_their_spread():
    tables = regions(seed=3, simulations=500)
    fitted = CURVE.fitted(tables)
    assert fitted.coefficients.mean(0) == pytest.approx([0.1, 0.3, 0.2], rel=0.02)
    errors = np.sqrt(np.diagonal(fitted.covariance, axis1=1, axis2=2))
    assert np.median(errors, axis=0) == pytest.approx(fitted.coefficients.std(0), rel=0.12)


def test_two_curves_are_fitted_as_each_alone_and_what_is_known_has_no_error():
    tables = regions()
    both = BOTH.fitted(tables)
    assert both.terms[:3] == CURVE.terms
    assert np.allclose(both.covariance[:, :3, :3], CURVE.fitted(tables).covariance)
    added = Combination(CURVE, lambda b: b["won: gain"] * b["heads"], ("heads",)).batch(tables)
    plain = CURVE.batch(tables)
    assert added.value == pytest.approx(400 * plain.value)
    assert added.standard_error == pytest.approx(400 * plain.standard_error)


def test_without_a_zero_spend_cell_and_with_too_many_successes_a_curve_is_refused():
    table = dict(regions(simulations=1).one(0).t)
    with pytest.raises(InputError, match="zero-spend cell"):
        CURVE(Tables({"t": table | {"spend": table["spend"] + 1}}))
    with pytest.raises(InputError, match="won must lie from 0 to heads"):
        CURVE(Tables({"t": table | {"won": table["heads"] + 1}}))
    with pytest.raises(InputError, match="differs from row to row"):
        Combination(CURVE, lambda b: b["spend"], ("spend",))(Tables({"t": table}))
    with pytest.raises(EstimationFailed, match="no maximum"):
        CURVE(Tables({"t": table | {"won": np.zeros(50)}}))


# -- hazard ratios -----------------------------------------------------------------------------------------


def spells(seed=0, rows=400, simulations=2):
    rng = np.random.default_rng(seed)
    entry, state = rng.uniform(0, 5, (simulations, rows)), (rng.random((simulations, rows)) < 0.4) * 1.0
    end = entry + rng.exponential(1, (simulations, rows)) * np.exp(0.5 * state)
    since = entry + rng.uniform(0, 1, (simulations, rows)) * (end - entry)
    left = (rng.random((simulations, rows)) < 0.8) * 1.0
    return Tables({"t": {"entry": entry, "end": end, "left": left, "state": state, "since": since}})


def test_late_entry_is_lifelines():
    tables = spells()
    table = tables.one(1).t
    fit = CoxPHFitter().fit(table[["entry", "end", "left", "state"]], "end", "left", entry_col="entry")
    estimate = HazardRatio("end", "left", "state", entry="entry").batch(tables)
    assert estimate.value[1] == pytest.approx(fit.params_["state"], abs=1e-5)
    assert estimate.standard_error[1] == pytest.approx(fit.standard_errors_["state"], rel=1e-4)


def test_a_state_that_begins_is_lifelines_with_two_spells():
    tables = spells(seed=4)
    table = tables.one(0).t.assign(id=range(400))
    ever = table[table.state == 1]
    before = ever.assign(start=ever.entry, stop=ever.since, x=0, event=0)
    after = ever.assign(start=ever.since, stop=ever.end, x=1, event=ever.left)
    never = table[table.state == 0].assign(
        start=lambda t: t.entry, stop=lambda t: t.end, x=0, event=lambda t: t.left
    )
    long = pd.concat([before, after, never])[["id", "start", "stop", "x", "event"]]
    fit = CoxTimeVaryingFitter().fit(long, id_col="id", event_col="event", start_col="start", stop_col="stop")
    estimate = HazardRatio("end", "left", "state", entry="entry", since="since")(tables.one(0))
    assert estimate.value == pytest.approx(fit.params_["x"], abs=1e-5)
    assert estimate.standard_error == pytest.approx(fit.standard_errors_["x"], rel=1e-4)


def test_what_no_clock_can_be_is_refused():
    table = dict(spells(simulations=1).one(0).t)
    ratio = HazardRatio("end", "left", "state", entry="entry")
    with pytest.raises(InputError, match="row 3: end must not be before entry"):
        late = table["entry"].to_numpy().copy()
        late[3] += 100
        ratio(Tables({"t": table | {"entry": late}}))
    with pytest.raises(InputError, match="'state' must hold 0 and 1"):
        ratio(Tables({"t": table | {"state": table["state"] + 1}}))
    with pytest.raises(EstimationFailed, match="no maximum"):
        ratio(Tables({"t": table | {"state": np.zeros(400)}}))
