"""Lesson 07's design: its estimands by brute force, its traps, and what fools the panel models."""

import numpy as np
import pytest

from crmlab.design.streams import Streams
from crmlab.errors import InputError
from crmlab.estimators.crosslagged import fit_panel, impulse_response, inadmissible
from crmlab.theories import social_exchange as theory
from crmlab.theories.social_exchange import QUARTERS, design

LARGE = 200_000
RANGES = {
    "outcome_to_satisfaction": (0.2, 1.2),
    "level_to_satisfaction": (0.0, 1.0),
    "outcome_with_level": (-0.3, 0.8),
    "mean_level": (-0.6, 0.6),
    "mean_alternative": (-1.0, 1.0),
    "base_staying": (0.0, 1.0),
    "satisfaction_to_staying": (0.1, 0.9),
    "alternative_to_staying": (0.0, 1.2),
    "favour_to_purchase": (-0.5, 0.9),
    "warmth_to_favour": (0.0, 1.2),
    "warmth_to_purchase": (0.0, 1.2),
    "firm_to_customer": (0.15, 0.3),
    "customer_to_firm": (0.0, 0.2),
    "fairness_gain": (-0.3, 0.3),
    "persistence": (0.0, 0.35),
    "generosity_spread": (0.2, 0.7),
    "match_if_fair": (-0.5, 0.9),
    "match_if_unfair": (-0.5, 0.9),
}


def drawn(seed):
    """A market somewhere in the space of parameters."""
    rng = np.random.default_rng(seed)
    return {name: float(rng.uniform(*ends)) for name, ends in RANGES.items()}


RANDOM = {f"random {seed}": drawn(seed) for seed in (1, 2)}
WORLDS = [*design.presets, *RANDOM]
every_world = pytest.mark.parametrize("world", WORLDS)


@pytest.fixture(scope="module")
def large():
    """A large cohort of a world, and its parameters."""
    made = {}

    def of(world):
        if world not in made:
            market = design.replace(**RANDOM[world]) if world in RANDOM else design.preset(world)
            market = market.replace(n_customers=LARGE)
            made[world] = market.simulate(7), market.parameters
        return made[world]

    return of


def truth(name, parameters):
    return design.hypothesis(name).estimand(parameters)


def slopes(outcome, *predictors):
    """Least squares slopes and their errors."""
    matrix = np.column_stack([np.ones(len(outcome)), *predictors])
    found, *_ = np.linalg.lstsq(matrix, outcome, rcond=None)
    rest = outcome - matrix @ found
    bread = np.linalg.inv(matrix.T @ matrix)
    error = np.sqrt(np.diag(bread @ ((matrix * (rest**2)[:, None]).T @ matrix) @ bread))
    return found[1:], error[1:]


# -- truth ------------------------------------------------------------------------------------------------


@every_world
def test_who_is_used_to_more_is_less_satisfied(large, world):
    cohort, p = large(world)
    found, error = slopes(cohort.truth["satisfaction"], cohort.customers.outcome, cohort.customers.level)
    assert found[1] == pytest.approx(truth("H1", p), abs=4 * error[1])
    assert found[0] == pytest.approx(p.outcome_to_satisfaction, abs=4 * error[0])


@every_world
def test_a_better_offer_elsewhere_lowers_the_chance_of_staying(large, world):
    """Potential outcomes: the same customers and shocks, with offers a little worse and a little better."""
    cohort, p = large(world)
    shock = np.random.default_rng(3).standard_normal(LARGE)
    index = p.base_staying + p.satisfaction_to_staying * cohort.truth["satisfaction"] + shock
    stays = [index - p.alternative_to_staying * (cohort.customers.alternative + by) > 0 for by in (-0.1, 0.1)]
    change = (stays[1] * 1.0 - stays[0]) / 0.2
    assert change.mean() == pytest.approx(truth("H1a", p), abs=4 * change.std() / np.sqrt(LARGE) + 1e-3)


@every_world
def test_quadrants(large, world):
    cohort, p = large(world)
    satisfied, stayed = cohort.truth["satisfaction"] > 0, cohort.customers.stayed == 1
    shares = theory.quadrants(p)
    assert sum(shares.values()) == pytest.approx(1)
    for (feeling, act), share in shares.items():
        seen = ((satisfied == (feeling == "satisfied")) & (stayed == (act == "stay"))).mean()
        assert seen == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / LARGE) + 1e-6)


@every_world
def test_what_a_favour_brings_next_quarter(large, world):
    """Regressions that know everybody's generosity, branch by branch."""
    cohort, p = large(world)
    fair = np.arange(LARGE) % 2
    generosity = theory._generosity(p, Streams((7,))["relationships"], fair)
    bring = {}
    for branch in (0, 1):
        rows = fair == branch
        tables = {side: cohort.relationships[f"{side}_3"].to_numpy()[rows] for side in ("firm", "customer")}
        for at, side in enumerate(("firm", "customer")):
            after = cohort.relationships[f"{side}_4"].to_numpy()[rows]
            found, error = slopes(after, tables["firm"], tables["customer"], generosity[at][rows])
            assert found[:2] == pytest.approx(theory.paths(p, branch)[at], abs=4 * error[:2].max())
            assert found[2] == pytest.approx(1, abs=4 * error[2])
        bring[branch] = theory.paths(p, branch)
    assert truth("H2", p) == pytest.approx((bring[0] + bring[1])[1, 0] / 2)
    assert truth("H2a", p) == pytest.approx(bring[0][0, 1]) == bring[1][0, 1]
    assert truth("H3", p) == pytest.approx((bring[1] - bring[0])[1, 0])


@every_world
def test_what_haggling_sells_to_those_whom_the_offer_moves(large, world):
    """Potential outcomes of each couple, with and without the offer and the favour."""
    _, p = large(world)
    rng, n = np.random.default_rng(4), 4 * LARGE
    warmth, taste, mood = rng.standard_normal((3, n))
    accepts = [
        theory.HAGGLES + theory.IF_OFFERED * offered + p.warmth_to_favour * warmth + taste > 0
        for offered in (0, 1)
    ]
    buys = [
        theory.BUYS + p.favour_to_purchase * haggled + p.warmth_to_purchase * warmth + mood > 0
        for haggled in (0, 1)
    ]
    gain = (buys[1] * 1.0 - buys[0])[accepts[1] & ~accepts[0]]
    assert gain.mean() == pytest.approx(truth("H4", p), abs=4 * gain.std() / np.sqrt(len(gain)) + 1e-9)


def test_presets():
    true = {
        preset: {
            each.name
            for each in design.hypotheses
            if each.holds(truth(each.name, design.preset(preset).parameters))
        }
        for preset in design.presets
    }
    every = {each.name for each in design.hypotheses}
    assert true == {"null": set(), "literature": every - {"H3"}, "claim": every, "trap": set()}


def test_the_impulse_of_a_favour():
    p = design.parameters
    response = impulse_response(theory.paths(p, 1), 3)
    assert response[0] == pytest.approx(np.eye(2))
    assert response[2, 1, 0] == pytest.approx(2 * p.persistence * p.firm_to_customer)
    given = np.zeros((4, 2))
    given[0] = [1, 0]
    for quarter in range(3):
        given[quarter + 1] = theory.paths(p, 1) @ given[quarter]
    assert response[:, :, 0] == pytest.approx(given)


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"fairness_gain": 0.3}, "fairness_gain is 0.3 and firm_to_customer 0.12"),
        (
            {"persistence": 0.8, "firm_to_customer": 0.4, "customer_to_firm": 0.4},
            r"make favours grow by 1\.20 a quarter",
        ),
    ],
)
def test_impossible_markets_are_refused(changes, says):
    with pytest.raises(InputError, match=says):
        design.replace(**changes)


# -- estimators -------------------------------------------------------------------------------------------


def rejections(market, model, sims=300):
    """Share of cohorts in which a favour is found to bring one."""
    diagnosis = market.only("H2").with_estimators(model).diagnose(sims=sims, seed=3)
    return diagnosis.table.iloc[0].rejection_rate


def test_young_relationships_fool_random_intercepts_and_the_dynamic_model_repairs_it():
    young = design.preset("trap").replace(history=0, persistence=0.5)
    assert rejections(young, "random intercepts") > 0.4
    assert rejections(young, "dynamic panel") < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 300) + 0.02


@pytest.mark.parametrize("model", ["random intercepts", "cross-lagged", "dynamic panel"])
def test_a_drifting_common_cause_fools_every_model(model):
    drifting = design.preset("trap").replace(drift=0.5)
    assert rejections(drifting, model) > 0.4


def test_where_nobody_is_generous_most_solutions_are_inadmissible_and_none_is_lost():
    market = design.preset("literature").replace(generosity_spread=0.0)
    series = [theory.both_series(market.simulate((5, at)).tables) for at in range(150)]
    fits = fit_panel(*(np.stack([each[side] for each in series]) for side in (0, 1)))
    strange = inadmissible(fits)
    assert fits.converged.all() and strange.mean() > 0.6
    for path, true in (("x_to_y", market.parameters.firm_to_customer), ("x_to_x", 0.2)):
        value = fits.parameter(path)[0]
        assert value.mean() == pytest.approx(true, abs=4 * value.std() / np.sqrt(150))
    assert market.parameters.persistence == 0.2
    assert value[~strange].mean() < 0.2 - 0.01, "who throws the inadmissible away loses persistence"


def test_columns_are_counts_of_both_sides():
    counts = design.simulate(1).relationships
    names = [f"{side}_{quarter}" for quarter in range(1, QUARTERS + 1) for side in ("firm", "customer")]
    assert set(counts) == {"fair", *names}
    assert (counts >= 0).all(axis=None) and (counts % 1 == 0).all(axis=None)
    assert counts.fair.mean() == pytest.approx(0.5)
