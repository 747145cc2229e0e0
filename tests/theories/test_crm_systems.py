"""Lesson 18's design: its estimands by brute force and by potential outcomes, and its markets' ways."""

import numpy as np
import pytest

from crmlab.design.streams import Streams
from crmlab.errors import InputError
from crmlab.mechanisms.judges import AGREEMENT, CRITERIA, OWN, VENDORS, chance_of_reversal, draw_weights
from crmlab.mechanisms.rollout import STARTS, adopters, by_quarter, draw_branches, starts_of
from crmlab.mechanisms.targeting import CUT, chance_of_leaving, saved_by
from crmlab.mechanisms.training import PULL, START, gain_of_the_moved
from crmlab.models.priorities import reversal_weight
from crmlab.theories.crm_systems import design, effect_of_system

LARGE = 200_000
RANDOM = {
    "random 1": {
        "system": -0.4,
        "system_growth": 0.7,
        "usefulness": -0.3,
        "ease": 0.4,
        "training": 0.5,
        "training_by_zeal": 0.9,
        "zeal_to_training": 1.4,
        "lead": 0.05,
        "leaning": 0.4,
        "base": -0.8,
        "risk": 0.9,
        "call": 0.2,
        "call_by_uplift": 0.5,
        "risk_with_uplift": 0.6,
    },
    "random 2": {
        "system": 0.5,
        "system_growth": -0.3,
        "usefulness": 0.6,
        "ease": -0.1,
        "training": -0.7,
        "training_by_zeal": -0.5,
        "zeal_to_training": 0.2,
        "lead": -0.08,
        "base": -1.6,
        "risk": 0.3,
        "call": -0.1,
        "call_by_uplift": 0.4,
        "risk_with_uplift": -0.7,
    },
}
WORLDS = [*design.presets, *RANDOM]
every_world = pytest.mark.parametrize("world", WORLDS)


def parameters(world):
    return (design.replace(**RANDOM[world]) if world in RANDOM else design.preset(world)).parameters


# -- truth ------------------------------------------------------------------------------------------------


@every_world
def test_the_gain_over_risk_is_that_of_potential_outcomes(world):
    p = parameters(world)
    rng = np.random.default_rng(4)
    risk = rng.standard_normal(LARGE)
    rho = p.risk_with_uplift
    uplift = rho * risk + np.sqrt(1 - rho**2) * rng.standard_normal(LARGE)
    kept = chance_of_leaving(p, risk, uplift, 0.0) - chance_of_leaving(p, risk, uplift, 1.0)
    for name, score in (("risk", risk), ("uplift", uplift)):
        saved = 100 * kept * (score > CUT)
        error = saved.std() / np.sqrt(LARGE)
        assert saved.mean() == pytest.approx(saved_by(p, name), abs=4 * error + 1e-9), name


@every_world
def test_the_gain_of_training_is_that_of_those_whom_the_invitation_moves(world):
    """Hours of the same users, trained and not: usefulness and ease are followed, not the closed form."""
    p = parameters(world)
    rng = np.random.default_rng(9)
    zeal, ease, other, chance = rng.standard_normal((4, LARGE))
    comes = [START + PULL * invited + p.zeal_to_training * zeal + chance > 0 for invited in (0, 1)]
    hours = {}
    for trained in (0, 1):
        eased = ease + trained * (p.training + p.training_by_zeal * zeal)
        useful = 0.5 * eased + np.sqrt(0.75) * other
        hours[trained] = p.usefulness * useful + p.ease * eased
    moved = comes[1] & ~comes[0]
    gain = (hours[1] - hours[0])[moved]
    assert gain.mean() == pytest.approx(
        gain_of_the_moved(p), abs=4 * gain.std() / np.sqrt(moved.sum()) + 1e-9
    )


@every_world
def test_the_lot_moves_hours_through_training_alone(world):
    """Who comes, whatever the lot says, and who never comes, gains nothing from an invitation."""
    p = parameters(world)
    cohort = design.replace(**{name: getattr(p, name) for name in p.names()}).replace(n_users=50_000)
    table = cohort.simulate(3).training
    means = table.groupby("invited")[["trained", "hours"]].mean().diff().iloc[-1]
    error = table.hours.std() * 2 / np.sqrt(len(table))
    assert 0.4 < means.trained < 0.7
    assert means.hours == pytest.approx(means.trained * gain_of_the_moved(p), abs=4 * error)


@every_world
def test_the_share_of_judges_who_turn_the_order_is_that_among_many(world):
    p = parameters(world)
    many = design.replace(lead=p.lead, n_judges=LARGE).simulate(2).judges
    share = chance_of_reversal(p.lead)
    assert many.reversed.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / LARGE) + 1e-9)


def test_nobody_turns_the_order_where_a_wins_everywhere():
    assert chance_of_reversal(0.3) == 0.0 and chance_of_reversal(-0.4) == 1.0
    assert chance_of_reversal(0.05) > chance_of_reversal(0.05, 4 * AGREEMENT) > 0


def test_vendors_differ_by_what_the_criteria_say():
    for name, (_, gap) in CRITERIA.items():
        assert VENDORS["A"][name] - VENDORS["B"][name] == pytest.approx(gap)
    assert sum(mean for mean, _ in CRITERIA.values()) == pytest.approx(1)


def test_judges_share_out_all_of_their_points():
    weights = draw_weights(50_000, np.random.default_rng(1))
    assert np.allclose(sum(weights.values()), 1)
    assert weights["customers"].mean() == pytest.approx(0.35, abs=0.003)
    assert weights["customers"].var() == pytest.approx(0.35 * 0.65 / (AGREEMENT + 1), rel=0.03)


def test_the_team_leans_to_its_own_criterion_and_as_much_to_the_others_among_each_other():
    weights = draw_weights(50_000, np.random.default_rng(1), leaning=0.2)
    assert np.allclose(sum(weights.values()), 1)
    for name, (mean, _) in CRITERIA.items():
        assert weights[name].mean() == pytest.approx(0.8 * mean + 0.2 * (name == OWN), abs=0.003)


@pytest.mark.parametrize("world", design.presets)
def test_one_mean_weight_moved_by_a_fifth_turns_no_order(world):
    """As the lesson says of sensitivity analyses that move one weight at a time."""
    lead = parameters(world).lead
    means, gaps = (np.array(each) for each in zip(*CRITERIA.values(), strict=True))
    for moved, mean in enumerate(means):
        tie = reversal_weight(gaps + lead, means, moved)
        assert gaps @ means + lead > 0 and not 0.8 * mean <= tie <= 1.2 * mean


def test_hardly_any_judge_puts_c_or_d_first():
    """Of A and B alone the claim tells; the other two do not matter."""
    scores = np.array([list(each.values()) for each in VENDORS.values()])
    scores[0] += parameters("literature").lead
    weights = np.stack(list(draw_weights(LARGE, np.random.default_rng(7)).values()), axis=1)
    firsts = np.bincount((weights @ scores.T).argmax(axis=1), minlength=4) / LARGE
    assert firsts[2:].sum() < 0.01 and firsts[1] == pytest.approx(0.25, abs=0.01)


def test_a_rule_judged_where_it_was_learnt_flatters_itself_most_where_there_is_nothing():
    """It calls three tenths, as many as the rules do, so that its excess is what luck adds."""
    bias, sizes = {}, {}
    for world in ("null", "literature"):
        found = (
            design.preset(world).only("H4").with_estimators("judged where learnt").diagnose(sims=300, seed=3)
        )
        bias[world], sizes[world] = found.table.bias.item(), found.table.rejection_rate.item()
    assert 0.1 < bias["literature"] < 0.35  # of 2.06
    assert bias["null"] > 0.7 and 0.3 < sizes["null"] < 0.6


def test_credit_for_whoever_stayed_after_a_call_is_no_effect_of_calls():
    """In the trap calls do nothing; those at risk leave anyway, which the other list has to its credit."""
    calls = design.preset("trap").replace(n_customers=LARGE).simulate(5).calls
    stayed = calls[calls.called == 1].stayed
    by_uplift, by_risk = (
        stayed[calls[name] > calls[other]].mean()
        for name, other in (("by_uplift", "by_risk"), ("by_risk", "by_uplift"))
    )
    share = (calls.by_uplift > calls.by_risk).mean()
    assert calls.credited.mean() == pytest.approx(share * (by_uplift - by_risk), abs=0.6)
    left_alone = calls[calls.called == 0].groupby("by_risk").stayed.mean()
    called = calls[calls.called == 1].groupby("by_risk").stayed.mean()
    assert (abs(called - left_alone) < 1).all() and calls.credited.mean() > 9


@every_world
def test_the_effect_of_the_system_is_sales_less_the_same_sales_without(world):
    p = parameters(world)

    def drawn(effect):
        return draw_branches(60, effect, p.system_growth, p.keenness, p.trend, Streams((8,))["branches"])

    gained = drawn(p.system)["sales"] - drawn(0.0)["sales"]
    starts = starts_of(60)
    first_two = [gained[starts == start, start - 1 : start + 1].mean() for start in STARTS]
    assert first_two == pytest.approx([effect_of_system(p)] * 3)
    assert (gained[starts == 0] == 0).all()
    assert all((gained[starts == start, : start - 1] == 0).all() for start in STARTS)


@every_world
def test_headlines_find_the_truth_in_a_large_market(world):
    sizes = {"n_branches": 600, "n_users": 20_000, "n_judges": 20_000, "n_customers": 100_000}
    market = (design.replace(**RANDOM[world]) if world in RANDOM else design.preset(world)).replace(**sizes)
    heads = [each.headline for each in market.hypotheses]
    tests = market.with_estimators(*dict.fromkeys(heads)).test(market.simulate(6))
    assert (abs(tests.estimate - tests.truth) < 4 * tests.standard_error).all(), tests


def test_sizes_that_have_a_source_are_the_sources():
    p = design.preset("literature").parameters
    assert (p.left_without, p.left_with) == (0.064, 0.100)  # Ascarza, Iyengar & Schleicher 2016
    cohort = design.replace(n_customers=200_000).simulate(1).retained
    shares = cohort.groupby("offered").left.mean()
    assert shares[0.0] == pytest.approx(0.064, abs=0.005) and shares[1.0] == pytest.approx(0.1, abs=0.005)


def test_a_tenth_of_the_judges_is_the_edge_of_the_claim():
    for world in ("null", "trap"):
        assert chance_of_reversal(parameters(world).lead) == pytest.approx(0.1, abs=1e-9)


# -- branches ---------------------------------------------------------------------------------------------


def test_the_keen_start_first():
    drawn = draw_branches(600, 0.0, 0.0, 1.5, 0.0, np.random.default_rng(3))
    level, starts = drawn["level"], starts_of(600)
    means = [level[starts == start].mean() for start in (*STARTS, 0)]
    assert means == sorted(means, reverse=True) and means[0] - means[-1] > 1.5


def test_tables_of_branches_tell_of_the_same_sales():
    drawn = draw_branches(12, 1.0, 0.5, 1.0, 0.1, np.random.default_rng(3))
    quarters = by_quarter(drawn["sales"])
    start = starts_of(12)
    own = [
        drawn["sales"][branch, start[branch] - 1 : start[branch] + 1].mean()
        - drawn["sales"][branch, start[branch] - 2]
        for branch in range(6)
    ]
    assert adopters(drawn["sales"])["change"] == pytest.approx(own)
    assert quarters["sales"][9] == drawn["sales"][1, 1]
    assert (quarters["branch"][9], quarters["quarter"][9]) == (1, 2)


def test_too_few_branches_are_refused():
    with pytest.raises(InputError, match="branches is 5; give 6 or more"):
        starts_of(5)
