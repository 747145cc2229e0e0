"""Lesson 06's design: every estimand by brute force, what was fooled and repaired."""

import numpy as np
import pytest
from scipy.special import ndtri

from crmlab.design.screening import screen
from crmlab.estimators import Combination
from crmlab.theories import transaction_cost as theory
from crmlab.theories.transaction_cost import design

LARGE, BRANCHES = 200_000, 2_000


def drawn(seed):
    """A market somewhere in the space of parameters."""
    rng = np.random.default_rng(seed)
    ranges = {
        "specificity_to_hours": (-0.6, 0.6),
        "uncertainty_to_hours": (-0.2, 0.6),
        "asymmetry_to_hours": (-0.3, 0.6),
        "causes_correlation": (0.0, 0.6),
        "ease_to_hours": (-0.9, 0.3),
        "ease_to_contract": (-0.6, 0.8),
        "contract_cost": (-0.3, 0.7),
        "contract_x_specificity": (-0.9, 0.5),
        "contract_x_ease": (-0.3, 0.3),
        "cost_to_orders": (-1.3, 0.5),
        "portal_to_minutes": (-0.8, -0.2),
        "need_to_minutes": (-0.3, 0.3),
        "crm_to_contacts": (-0.6, 0.3),
        "trend": (-0.3, 0.3),
        "base_stay": (-0.8, 1.4),
        "satisfaction_to_stay": (0.0, 0.9),
        "switching_cost_to_stay": (0.0, 0.9),
        "satisfaction_x_switching_cost": (-0.5, 0.5),
    }
    return {name: float(rng.uniform(*ends)) for name, ends in ranges.items()}


DRAWN = [drawn(seed) for seed in (1, 2)]
WORLDS = ["null", "literature", "claim", "trap", *range(len(DRAWN))]


@pytest.fixture(scope="module")
def large():
    made = {}

    def of(world):
        if world not in made:
            given = design.preset(world) if isinstance(world, str) else design.replace(**DRAWN[world])
            market = given.replace(n_customers=LARGE, n_branches=BRANCHES)
            made[world] = market, market.simulate(7)
        return made[world]

    return of


def truth(market, name):
    return market.hypothesis(name).estimand(market.parameters)


@pytest.mark.parametrize("world", WORLDS)
def test_hours_follow_from_what_nobody_measures_without_error(large, world):
    market, cohort = large(world)
    accounts, latent = cohort.accounts, cohort.truth
    causes = np.column_stack(
        [np.ones(LARGE), accounts.specificity, latent["uncertainty"], latent["asymmetry"]]
    )
    slopes = np.linalg.lstsq(causes, accounts.log_hours, rcond=None)[0]
    assert slopes[1] == pytest.approx(truth(market, "H1"), abs=0.012)
    assert slopes[1] - slopes[2] == pytest.approx(truth(market, "H1a"), abs=0.02)


@pytest.mark.parametrize("world", WORLDS)
def test_what_a_contract_changes_is_the_difference_of_potential_hours(large, world):
    market, cohort = large(world)
    changed = cohort.truth["hours_with"] - cohort.truth["hours_without"]
    slope, mean = np.polyfit(cohort.contracts.specificity, changed, 1)
    assert mean + slope == pytest.approx(truth(market, "H5"), abs=0.01)
    shown = np.where(cohort.contracts.contract > 0, cohort.truth["hours_with"], cohort.truth["hours_without"])
    assert np.allclose(shown, cohort.contracts.log_hours)


@pytest.mark.parametrize("world", WORLDS)
def test_effects_are_what_the_same_draws_show_when_a_cause_is_moved(large, world):
    """Orders when minutes are moved, contacts without CRM: everything else stays number by number."""
    market, cohort = large(world)
    p = market.parameters
    shift = 0.3
    moved = market.replace(portal_to_minutes=p.portal_to_minutes + shift).simulate(7).orders
    portal = cohort.orders.portal > 0
    change = (moved.log_orders - cohort.orders.log_orders)[portal] / shift
    assert change.mean() == pytest.approx(truth(market, "H2"), abs=1e-6)
    without = market.replace(crm_to_contacts=0.0).simulate(7).branches
    crm = without.crm > 0
    assert (cohort.branches.change - without.change)[crm].mean() == pytest.approx(truth(market, "H3"))
    assert np.allclose((cohort.branches.change - without.change)[~crm], 0)


@pytest.mark.parametrize("world", WORLDS)
def test_who_is_held_is_what_a_large_cohort_shows(large, world):
    market, _ = large(world)
    p, rng = market.parameters, np.random.default_rng(3)
    index = theory.chance_of_staying(p, *(at.ravel() for at in np.meshgrid([-1.0, 1.0], [-1.0, 1.0])))
    draws = rng.standard_normal((400_000, 1)) < ndtri(index)
    low_low, high_low, low_high, high_high = draws.mean(0)  # satisfaction first
    assert (high_high - high_low) - (low_high - low_low) == pytest.approx(truth(market, "H4"), abs=0.006)


@pytest.mark.parametrize("world", ["literature", "trap"])
def test_headlines_find_the_truth_in_a_large_cohort(large, world):
    market, cohort = large(world)
    tests = market.test(cohort).groupby("hypothesis").first()
    assert (np.abs(tests.estimate - tests.truth) < 4.5 * tests.standard_error).all()


@pytest.mark.parametrize("world", WORLDS)
def test_what_contracts_save_is_the_share_of_all_hours(large, world):
    market, cohort = large(world)
    p, specificity = market.parameters, cohort.contracts.specificity
    without, with_contract = (np.exp(cohort.truth[name]) for name in ("hours_without", "hours_with"))
    for threshold in (1 / 3, 0.0, -9.0):
        saved = np.where(specificity > threshold, without - with_contract, 0.0) / without.mean()
        error = saved.std() / np.sqrt(LARGE)
        assert saved.mean() == pytest.approx(theory.hours_saved(p, threshold), abs=5 * error + 1e-9)


def test_what_the_lesson_tells_the_manager():
    p = design.parameters
    best = theory.crossing(p.contract_cost, p.contract_x_specificity)
    assert best == pytest.approx(1 / 3)
    assert [round(theory.hours_saved(p, at), 2) for at in (best, 0.0, -9)] == [0.23, 0.22, -0.01]
    assert theory.hours_saved(p, best) > max(theory.hours_saved(p, best + step) for step in (-0.2, 0.2))


def test_a_breach_of_the_exclusion_is_multiplied_and_nothing_warns(large):
    """Ten points of hours per standard deviation of nearness bias the contract's effect by about fifty."""
    world = design.preset("null").replace(nearness_to_hours=-0.1).only("H5")
    row = world.diagnose(sims=300, seed=4).row("H5", "fitted chance as instrument")
    assert row.estimand == 0 and row.median_bias < -0.35


def test_skewed_ease_biases_the_switching_regression_and_not_the_instruments():
    world = design.preset("trap").replace(ease_skew=-1.0, n_customers=4000).only("H5")
    rows = world.diagnose(sims=300, seed=4)
    switching, instrumented = (
        rows.row("H5", name) for name in ("switching regression", "fitted chance as instrument")
    )
    assert abs(switching.bias) > 4 * switching.empirical_se / np.sqrt(300)
    assert abs(instrumented.median_bias) < 0.03


def test_a_trend_check_that_passes_promises_little():
    """Branches drift apart by 20 points a year: half of the checks pass, and most of those find CRM."""
    drift = design.preset("null").replace(trend_gap=-0.2)
    found = screen(drift, theory.PARALLEL, "H3", sims=1000, seed=6)
    assert 0.4 < found.passed < 0.65
    assert found.rejected_if_passed > 0.75


def test_combinations_name_the_same_terms():
    assert isinstance(design.hypothesis("H5").estimators["switching regression"], Combination)
    tests = design.only("H5").test(design.simulate(1)).set_index("estimator")
    fit = theory.SIGNED_OR_NOT.fit(design.simulate(1).tables)
    names = theory.SIGNED_OR_NOT.terms
    expected = sum(fit.params[names.index(name)] for name in ("contract", "specificity:contract"))
    assert tests.estimate["signed against not"] == pytest.approx(expected)
