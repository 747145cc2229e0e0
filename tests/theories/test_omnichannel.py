"""Lesson 17's design: every estimand by brute force, what was fooled and repaired."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlab.estimators import Correlation, CorrelationDifference, LeastSquares, TwoStageLeastSquares
from crmlab.mechanisms import linkage
from crmlab.theories import omnichannel as theory
from crmlab.theories.omnichannel import design

LARGE = 200_000
DRAWN = [
    {
        "invitation_to_app": 0.4,
        "loyalty_to_app": -0.6,
        "app_to_spend": -4.0,
        "loyalty_to_growth": 5.0,
        "app_x_loyalty": 9.0,
        "links": -1.0,
        "purchases_to_link": 1.2,
        "wrong_links": 0.2,
        "posting": -1.0,
        "stars_to_posting": -0.5,
        "extremes_to_posting": 0.3,
        "usage_to_failure": -0.4,
        "failure_to_satisfaction": 0.3,
        "redress_to_satisfaction": 0.1,
        "failure_to_repurchase": 0.8,
        "redress_to_repurchase": 0.3,
    },
    {
        "invitation_to_app": 1.4,
        "loyalty_to_app": 0.9,
        "app_to_spend": 2.0,
        "app_x_loyalty": -7.0,
        "links": 0.7,
        "purchases_to_link": -0.6,
        "wrong_links": 0.1,
        "posting": -2.0,
        "stars_to_posting": 0.9,
        "extremes_to_posting": -0.4,
        "usage_to_failure": 0.9,
        "failure_to_satisfaction": 1.3,
        "redress_to_satisfaction": 1.9,
        "failure_to_repurchase": 0.2,
        "redress_to_repurchase": 0.9,
    },
]
WORLDS = ["null", "literature", "claim", "trap", *range(len(DRAWN))]


def market_of(world):
    return design.preset(world) if isinstance(world, str) else design.replace(**DRAWN[world])


@pytest.fixture(scope="module")
def large():
    made = {}

    def of(world):
        if world not in made:
            market = market_of(world).replace(n_customers=LARGE)
            made[world] = market, market.simulate(7)
        return made[world]

    return of


def truth(market, name):
    return market.hypothesis(name).estimand(market.parameters)


@pytest.mark.parametrize("world", WORLDS)
def test_the_app_adds_what_those_spend_more_whom_the_invitation_brought(large, world):
    market, cohort = large(world)
    persuaded = cohort.truth.persuaded > 0
    added = cohort.truth.added_by_app[persuaded]
    assert added.mean() == pytest.approx(
        truth(market, "H1"), abs=4.5 * added.std() / persuaded.sum() ** 0.5 + 1e-9
    )


@pytest.mark.parametrize("world", WORLDS)
def test_linkage_gains_what_a_large_base_shows(large, world):
    market, _ = large(world)
    rng = np.random.default_rng(8)
    accounts = pd.DataFrame(linkage.draw_accounts(vars(market.parameters), LARGE, rng))
    with_links, without = (
        np.corrcoef(accounts.next_year, accounts[by])[0, 1] for by in ("forecast", "purchases")
    )
    assert with_links - without == pytest.approx(truth(market, "H2"), abs=0.006)


@pytest.mark.parametrize("world", WORLDS)
def test_posted_stars_are_off_by_what_a_large_base_shows(large, world):
    market, cohort = large(world)
    posted = cohort.buyers.posted > 0
    seen = cohort.truth.stars[posted]
    off = seen.mean() - cohort.truth.stars.mean()
    assert off == pytest.approx(truth(market, "H3"), abs=4.5 * seen.std() / posted.sum() ** 0.5)


@pytest.mark.parametrize("world", WORLDS)
def test_redress_does_what_the_same_customers_show_under_each_treatment(large, world):
    """Everybody's order as it goes with and without failure and redress, everything else number by number."""
    market, _ = large(world)
    always = {"failure_to_repurchase": 0.0, "redress_to_repurchase": 0.0}
    p = market.parameters
    lost, kept = -p.failure_to_repurchase, p.redress_to_repurchase - p.failure_to_repurchase
    rng = np.random.default_rng(5)
    usage = rng.standard_normal(LARGE)
    loyalty = 0.6 * usage + 0.8 * rng.standard_normal(LARGE)
    tie = 0.3 + 0.6 * loyalty + rng.standard_normal(LARGE)
    failed = rng.random(LARGE) < theory.chance_of_failure(usage, p.usage_to_failure)
    gain = (tie + kept > 0) * 1.0 - (tie + lost > 0)
    assert gain[failed].mean() == pytest.approx(truth(market, "H4"), abs=0.01)
    paradox = (tie + kept > 0) * 1.0 - (tie > 0)
    assert paradox.mean() == pytest.approx(truth(market, "H6"), abs=0.006)
    plain = market.replace(**always).simulate(3).trial.repurchased.mean()
    assert plain == pytest.approx((tie > 0).mean(), abs=0.009)


@pytest.mark.parametrize("world", ["literature", "trap", 0, 1])
def test_headlines_find_the_truth_in_a_large_cohort(large, world):
    market, cohort = large(world)
    tests = market.test(cohort).groupby("hypothesis").first()
    tests = tests.drop(index="H6") if world == 1 else tests  # a logit stands in for the market's probit
    assert (np.abs(tests.estimate - tests.truth) < 4.5 * tests.standard_error).all()


def test_satisfaction_moves_by_what_failure_and_redress_say(large):
    for world in (0, 1):
        market, _ = large(world)
        same = market.replace(failure_to_satisfaction=0.0, redress_to_satisfaction=0.0).simulate(7).trial
        moved = market.simulate(7).trial
        change = moved.satisfaction - same.satisfaction
        assert change[moved.redressed > 0].mean() == pytest.approx(truth(market, "H5"))
        assert not change[moved.failed == 0].any()


def test_one_invitation_gives_the_estimate_of_two_stage_least_squares_and_a_p_value_of_its_own():
    cohort = design.simulate(1)
    instrumented = TwoStageLeastSquares(
        "spend ~ app + past_spend",
        "app",
        "customers",
        "HC1",
        endogenous=("app",),
        instruments=("invitation",),
    )
    found = theory.BY_INVITATION(cohort.tables)
    assert found.value == pytest.approx(instrumented(cohort.tables).value)
    assert np.isfinite(found.p_value)


def test_a_lottery_that_moves_few_leaves_no_bounded_interval_and_keeps_its_level():
    """Two-stage least squares then rejects next to never: its t test is not oversized."""
    weak = design.preset("null").replace(invitation_to_app=0.1, n_customers=2000)
    instrumented = TwoStageLeastSquares(
        "spend ~ app + past_spend",
        "app",
        "customers",
        "HC1",
        endogenous=("app",),
        instruments=("invitation",),
    )
    tried = {"invitation by lot": theory.BY_INVITATION, "t test": instrumented}
    tried = replace(weak.hypothesis("H1"), estimators=tried)
    found = replace(weak, hypotheses=[tried]).diagnose(sims=2000, seed=4).simulations
    by_lot, t_test = (found[found.estimator == name] for name in ("invitation by lot", "t test"))
    assert 0.03 < by_lot.rejected.mean() < 0.07
    assert np.isinf(by_lot.high - by_lot.low).mean() > 0.4
    assert t_test.rejected.mean() < 0.02


def test_a_difference_in_differences_is_right_where_the_loyal_would_not_have_grown():
    """Then loyalty is subtracted; what is left is the effect on users, which in the trap is 0, too."""
    steady = design.preset("trap").replace(loyalty_to_growth=0.0).only("H1")
    row = steady.with_estimators("difference in differences").diagnose(sims=500, seed=4)
    assert abs(row.row("H1", "difference in differences").bias) < 0.2


def test_an_invitation_that_sells_by_itself_biases_by_more_than_it_sells():
    """A euro a letter is divided by the share whom the letter brings."""
    world = design.preset("null").replace(invitation_to_spend=1.0).only("H1")
    row = (
        world.with_estimators("invitation by lot").diagnose(sims=1000, seed=4).row("H1", "invitation by lot")
    )
    assert 3.0 < row.median_bias < 3.7
    assert row.coverage < 0.8


def test_purchases_added_up_forecast_worse_where_half_of_the_base_is_linked():
    """Counts of one device and of two lie on two scales: the sum mixes them, the posterior mean does not."""
    market = design.replace(purchases_to_link=0.0, wrong_links=0.0)
    rng = np.random.default_rng(7)
    accounts = pd.DataFrame(linkage.draw_accounts(vars(market.parameters), LARGE, rng))
    added = accounts.purchases + accounts.other_device
    known = np.corrcoef(accounts.next_year, accounts.purchases)[0, 1]
    assert np.corrcoef(accounts.next_year, added)[0, 1] < known
    assert truth(market, "H2") > 0.02


def test_the_forecast_is_the_mean_rate_of_accounts_like_it():
    rng = np.random.default_rng(2)
    rate = rng.gamma(linkage.SHAPE, linkage.MEAN_RATE / linkage.SHAPE, 400_000)
    known, other = rng.poisson(rate), rng.poisson(rate)
    for first, second in ((0, 0), (2, 1), (4, 3)):
        alike = (known == first) & (other == second)
        assert rate[alike].mean() == pytest.approx(linkage.forecast(first, second, 1), rel=0.02)
        assert rate[known == first].mean() == pytest.approx(linkage.forecast(first, 0, 0), rel=0.02)


def test_a_j_need_not_flatter():
    """The trap's posting chances are a J, and the mean of the posted is that of all."""
    p = design.preset("trap").parameters
    chances = theory.chance_of_posting(p, theory.STARS)
    assert chances[0] > chances[2] < chances[4]
    assert theory.posting_bias(p) == pytest.approx(0, abs=1e-9)


def test_posting_of_the_literature_is_coats():
    chances = theory.chance_of_posting(design.parameters, theory.STARS)
    assert np.allclose(chances, [0.054, 0.085, 0.091, 0.106, 0.153], atol=0.015)
    assert (np.diff(chances) > 0).all()


def test_the_paradox_is_in_satisfaction_and_not_in_repurchase():
    p = design.parameters
    assert design.hypothesis("H5").estimand(p) > 0 == design.hypothesis("H6").estimand(p)


def test_correlations_of_disjoint_rows_are_those_of_the_parts():
    tables = design.simulate(2).tables
    accounts = tables["accounts"]
    parts = [accounts[accounts.linked == at] for at in (1, 0)]
    one, other = (part[["next_year", "forecast"]].corr().iloc[0, 1] for part in parts)
    linked, unlinked = (
        Correlation("next_year", "forecast", "accounts", among) for among in ("linked", "unlinked")
    )
    both = CorrelationDifference("next_year", "forecast", "forecast", "accounts", "linked", "unlinked")(
        tables
    )
    assert both.value == pytest.approx(one - other)
    assert both.standard_error == pytest.approx(
        np.hypot(linked(tables).standard_error, unlinked(tables).standard_error)
    )
    assert isinstance(theory.POSTED, LeastSquares)
    buyers = tables["buyers"]
    assert theory.POSTED(tables).value == pytest.approx(buyers.posted_stars[buyers.posted > 0].mean())
