"""Lesson 13's design: its truth is what large cohorts show, and what the lesson says of money is so."""

from math import exp

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from crmlab.errors import InputError
from crmlab.mechanisms.growth import Response, best_split
from crmlab.theories import acquisition_retention as theory
from crmlab.theories.acquisition_retention import GrowthMarket, design

PRESETS = ["null", "literature", "claim", "trap"]
ALL = {"H1", "H2", "H3", "H4", "H5", "H6"}
LARGE = {"n_customers": 200_000, "n_regions": 2000, "n_cities": 2000}


def random_parameters(seed):
    """A market somewhere in the space of parameters."""
    rng = np.random.default_rng(seed)
    return GrowthMarket(
        won_anyway=rng.uniform(0.005, 0.03),
        won_ceiling=rng.uniform(0.08, 0.2),
        won_rate=rng.uniform(0.06, 0.3),
        kept_anyway=rng.uniform(0.4, 0.7),
        kept_ceiling=rng.uniform(0.75, 0.95),
        kept_rate=rng.uniform(0.08, 0.3),
        referred_to_leaving=rng.uniform(-0.6, 0.3),
        referred_early=rng.uniform(-1, 1),
        recommended_to_leaving=rng.uniform(-0.6, 0.3),
        recommending=rng.uniform(0.02, 0.08),
        discount_to_won=rng.uniform(-0.5, 1),
        discount_to_worth=rng.uniform(-0.5, 0.5),
        unseen=rng.uniform(-0.8, 0.8),
        imitation=rng.uniform(0, 0.3),
        ads_to_adoption=rng.uniform(0, 0.06),
    )


MARKETS = {name: design.preset(name).parameters for name in PRESETS} | {
    f"random {seed}": random_parameters(seed) for seed in (1, 2)
}
every_market = pytest.mark.parametrize("name", MARKETS)


@pytest.fixture(scope="module")
def large():
    """A large cohort of each market."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = design.replace(**{**vars(MARKETS[name]), **LARGE}).simulate(11)
        return made[name]

    return get


# -- what is true ------------------------------------------------------------------------------------------


def test_which_claims_hold_where():
    true = {
        name: {each.name for each in design.hypotheses if each.holds(each.estimand(MARKETS[name]))}
        for name in PRESETS
    }
    assert true == {"null": set(), "literature": ALL, "claim": ALL, "trap": set()}
    assert exp(theory.log_cost_ratio(MARKETS["null"])) == pytest.approx(5, abs=0.001)


@every_market
def test_estimands_are_what_a_large_cohort_shows(name, large):
    tests = design.test(large(name)).groupby("hypothesis").first()
    distance = (tests.estimate - tests.truth) / tests.standard_error
    assert distance.abs().max() < 4, distance


@every_market
def test_shares_won_and_kept_are_the_curves(name, large):
    won, kept = theory.responses(MARKETS[name])
    regions = large(name).regions
    for response, column, heads, spend in (
        (won, "won", "prospects", "won_spend"),
        (kept, "kept", "customers", "kept_spend"),
    ):
        for dose, rows in regions.groupby(spend):
            share = rows[column].sum() / rows[heads].sum()
            error = np.sqrt(share * (1 - share) / rows[heads].sum())
            assert share == pytest.approx(response.share(dose), abs=4 * error + 1e-9)


@every_market
def test_records_hold_whom_a_full_history_would_have_left_in_them(name, large):
    """Everybody who ever joined, drawn forward; those who left before the records began struck out."""
    p, rng, n = MARKETS[name], np.random.default_rng(4), 400_000
    records = theory.records_of(p)
    joined = rng.uniform(0, records.span, n)
    late = (joined - records.span / 2) / (records.span / np.sqrt(12))
    referred = (rng.random(n) < 1 / (1 + np.exp(0.6 + p.referred_early * late))) * 1.0
    hazard = rng.exponential(1, n) * np.exp(-p.referred_to_leaving * referred)
    stays = (hazard * 0.8 / 0.024) ** (1 / 0.8)
    there = joined + stays > records.span - records.kept
    found = large(name).records
    assert found.referred.mean() == pytest.approx(referred[there].mean(), abs=0.006)
    assert found.joined.mean() == pytest.approx(joined[there].mean(), abs=0.35)
    for state in (0.0, 1.0):
        rows, group = found[found.referred == state], there & (referred == state)
        assert rows.left.mean() == pytest.approx((stays < records.span - joined)[group].mean(), abs=0.01)
        assert rows.tenure.mean() == pytest.approx(np.minimum(stays, 96 - joined)[group].mean(), abs=0.5)


@every_market
def test_a_recommendation_changes_the_hazard_by_what_is_said(name, large):
    """Occurrence over exposure, before a recommendation and after it."""
    table = large(name).recommenders
    before = np.where(table.recommended == 1, table.recommended_after, table.tenure).sum()
    after = (table.tenure - table.recommended_after).sum()
    events = table.left.groupby(table.recommended).sum()
    ratio = np.log((events[1.0] / after) / (events[0.0] / before))
    reach = 4 * np.sqrt((1 / events).sum())
    assert ratio == pytest.approx(MARKETS[name].recommended_to_leaving, abs=reach)
    assert events[0.0] / before == pytest.approx(0.03, rel=0.02)


@every_market
def test_one_more_step_of_discount_is_worth_what_is_said_to_the_same_prospects(name, large):
    cohort, p = large(name), MARKETS[name]
    worth, discount = cohort.truth["worth_if_won"], cohort.prospects.discount
    slope = np.polyfit(discount, worth, 1)[0]
    assert slope == pytest.approx(p.discount_to_worth, abs=4 / np.sqrt(len(discount)))
    won = cohort.prospects.won == 1
    assert (cohort.prospects.worth[won] == worth[won]).all() and cohort.prospects.worth[~won].isna().all()
    seen = np.corrcoef(cohort.truth["leaning"], worth - p.discount_to_worth * discount)[0, 1]
    assert seen == pytest.approx(p.unseen, abs=0.01)


# -- money ---------------------------------------------------------------------------------------------------


@every_market
def test_the_best_split_beats_every_other(name):
    p = MARKETS[name]
    budget = theory.PROSPECTS * p.won_spend + theory.CUSTOMERS * p.kept_spend
    best = theory.best_spends(p)
    assert theory.PROSPECTS * best[0] + theory.CUSTOMERS * best[1] == pytest.approx(budget)

    def loss(share):
        return -theory.profit(p, share * budget / theory.PROSPECTS, (1 - share) * budget / theory.CUSTOMERS)

    found = minimize_scalar(loss, bounds=(0, 1), method="bounded", options={"xatol": 1e-9})
    assert theory.profit(p, *best) >= -found.fun - 1e-6
    assert -loss(theory.PROSPECTS * best[0] / budget) == pytest.approx(-found.fun, rel=1e-6)


def test_at_the_best_split_the_next_dollar_brings_the_same_and_ratios_follow():
    p = GrowthMarket()
    won_spend, kept_spend = theory.best_spends(p)
    best = p.replace(won_spend=won_spend, kept_spend=kept_spend)
    assert theory.gain_of_moving(best) == pytest.approx(0, abs=1e-9)
    won, kept = theory.responses(best)
    marginal_ratio = kept.marginal(kept_spend) / won.marginal(won_spend)
    assert marginal_ratio == pytest.approx(p.won_worth / p.kept_worth)  # of costs of the next one


def test_the_manager_s_ratio_is_fifteen_and_the_honest_one_four():
    cost = theory.costs(GrowthMarket())
    assert cost["won, all"] == pytest.approx(125, abs=0.5)
    assert cost["kept, all"] == pytest.approx(8.2, abs=0.05)
    assert cost["won, all"] / cost["kept, all"] == pytest.approx(15.2, abs=0.1)
    assert exp(theory.log_cost_ratio(GrowthMarket())) == pytest.approx(4.25, abs=0.02)


def test_a_side_whose_first_dollar_brings_less_gets_nothing():
    useless = Response(0.1, 0.1001, 0.1)
    good = Response(0.0, 0.5, 0.1)
    assert best_split(1000.0, (useless, good), (10.0, 10.0), (100, 100)) == pytest.approx((0, 10))
    with pytest.raises(InputError, match="budget is 0"):
        best_split(0.0, (useless, good), (10.0, 10.0), (100, 100))
