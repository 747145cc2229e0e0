"""Hazards of stages with a gamma frailty: against a numerical likelihood, and with honest errors."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from scipy.special import gammaln
from statsmodels.tools.numdiff import approx_hess3

from crmlab.design import InputError, Tables
from crmlab.estimators import StageHazard
from crmlab.mechanisms.stamp_cards import EARLIER_WEEKS, STAGES, STAMPS, draw_cards

TIMES = tuple(f"week_{stage + 1}" for stage in range(STAMPS))
KNOWN = {"earlier": "earlier_orders", "exposure": EARLIER_WEEKS}


def cards(number=400, seed=1, choosing=0.3):
    return Tables({"cards": draw_cards(number, 0.6, 0.5, 1.5, choosing, np.random.default_rng(seed))})


def hazard(term="progress", **options):
    return StageHazard(TIMES, "stamps", STAGES, term, "cards", kind="given", **options)


def log_likelihood(parameters, columns, kept, earlier):
    """By hand, card by card and stage by stage."""
    slopes, shape, rate = parameters[:2], np.exp(parameters[2]), np.exp(parameters[3])
    total = 0.0
    for at in np.flatnonzero(kept):
        ended = int(columns["stamps"][at])
        x = [
            slopes @ [STAGES[term][int(columns["given"][at]), stage] for term in STAGES]
            for stage in range(STAMPS)
        ]
        exposure = sum(np.exp(x[stage]) * columns[TIMES[stage]][at] for stage in range(STAMPS))
        events = ended + (columns["earlier_orders"][at] if earlier else 0)
        exposure += EARLIER_WEEKS if earlier else 0
        total += sum(x[:ended]) + gammaln(shape + events) - gammaln(shape) + shape * np.log(rate)
        total -= (shape + events) * np.log(rate + exposure)
    return total


@pytest.mark.parametrize("earlier", [False, True])
def test_the_maximum_is_that_of_a_numerical_search(earlier):
    tables = cards(60)
    columns = tables.columns("cards")
    kept = columns["by_lot"] == 1
    options = {"where": "by_lot"} | (KNOWN if earlier else {})
    found, covariance = hazard(**options).fitted(tables)

    def below(at):
        return -log_likelihood(at, columns, kept, earlier)

    search = minimize(below, found[0] + 0.05, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-8})
    assert np.allclose(found[0], search.x, atol=2e-4)
    assert np.allclose(covariance[0], np.linalg.inv(approx_hess3(found[0], below)), rtol=1e-3, atol=1e-4)


def test_without_frailty_it_is_a_poisson_regression_with_clustered_errors():
    tables = cards(200)
    columns = tables.columns("cards")
    rows = [
        (
            card,
            stage,
            int(columns["given"][card]),
            columns[TIMES[stage]][card],
            stage < columns["stamps"][card],
        )
        for card in range(200)
        for stage in range(STAMPS)
        if columns[TIMES[stage]][card] > 0
    ]
    card, stage, given, time, event = map(np.array, zip(*rows, strict=True))
    x = sm.add_constant(np.stack([STAGES[term][given, stage] for term in STAGES], -1))
    fit = sm.GLM(event * 1.0, x, sm.families.Poisson(), exposure=time).fit(
        cov_type="cluster", cov_kwds={"groups": card, "use_correction": False}
    )
    found = hazard("head start", frailty=False)(tables)
    assert found.value == pytest.approx(fit.params[2], rel=1e-6)
    assert found.standard_error == pytest.approx(fit.bse[2], rel=1e-4)


@pytest.mark.parametrize("term, truth", [("progress", 0.6), ("head start", 0.3)])
def test_errors_are_honest(term, truth):
    made = [cards(300, seed).columns("cards") for seed in range(400)]
    stacked = Tables({"cards": {name: np.stack([each[name] for each in made]) for name in made[0]}})
    many = hazard(term, where="by_lot", **KNOWN).batch(stacked)
    low, high = many.bounds()
    assert abs(many.value.mean() - truth) < 4 * many.value.std() / 20
    assert abs(((low < truth) & (truth < high)).mean() - 0.95) < 0.045


def test_an_unknown_term_is_refused():
    with pytest.raises(InputError, match="unknown term 'pace'; known: "):
        hazard("pace")
