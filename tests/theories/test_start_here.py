"""The first market: what a call does is what it does under intervention; a proxy closes a door halfway."""

import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.mechanisms.paths import PathModel
from crmlab.theories.start_here import ContactMarket, design, market

WORLDS = [
    *({**changes} for changes in design.presets.values()),
    {"contact_effect": 0.13, "targeting": -0.4, "potential_effect": 0.6, "luck": 0.35},
    {"contact_effect": -0.2, "targeting": 0.8, "potential_effect": 0.3, "luck": 0.7},
]


@pytest.mark.parametrize("changes", WORLDS)
def test_the_estimand_is_what_calling_everybody_once_more_does(changes):
    p = ContactMarket().replace(**changes)
    spend = [
        market(p).do(contact=level).draw(np.random.default_rng(3), 200_000)["spend"] for level in (0.0, 1.0)
    ]
    assert np.mean(spend[1] - spend[0]) == pytest.approx(design.hypotheses[0].truth(p), abs=1e-9)


@pytest.mark.parametrize("changes", WORLDS)
def test_every_variable_has_mean_0_and_standard_deviation_1(changes):
    cohort = design.replace(n_customers=200_000, **changes).simulate(1)
    for name in ("contact", "last_year", "spend"):
        assert cohort.customers[name].mean() == pytest.approx(0, abs=0.012)
        assert cohort.customers[name].std() == pytest.approx(1, abs=0.012)


def test_the_diagram_has_the_arrows_of_the_market():
    assert set(design.diagram.arrows) == set(market(ContactMarket()).paths)
    assert isinstance(market(ContactMarket()), PathModel)


@pytest.mark.parametrize("luck", [0.0, 0.5])
def test_the_adjusted_regression_errs_by_what_luck_leaves_open(luck):
    """Large sample: the coefficient of contact given a proxy, from the implied covariances."""
    p = design.preset("trap").replace(luck=luck, n_customers=400_000).parameters
    covariance = market(p).implied_covariance()
    x = ["contact", "last_year"]
    expected = np.linalg.solve(covariance.loc[x, x], covariance.loc[x, "spend"])[0]
    big = design.preset("trap").replace(luck=luck, n_customers=400_000)
    found = big.test(big.simulate(2)).set_index("estimator").estimate["adjusted"]
    assert found == pytest.approx(expected, abs=0.006)
    assert (expected > 0.15) == (luck > 0)


def test_a_proxy_that_is_half_luck_lets_four_of_five_analysts_err():
    """The number that lesson 00 says."""
    row = design.preset("trap").replace(luck=0.5).diagnose(sims=2000, seed=7).row("H1", "adjusted")
    assert abs(row["rejection_rate"] - 0.80) < 0.04


def test_an_impossible_market_is_refused_with_the_path_to_lower():
    with pytest.raises(InputError, match="explain 1.37 of its variance"):
        ContactMarket(contact_effect=0.6, potential_effect=0.6, targeting=0.9)
