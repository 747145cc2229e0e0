"""Lesson 15's design: its estimands by brute force, its traps, and what sensitivity analysis cannot tell."""

import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.mechanisms.journeys import (
    MOMENT_SPREAD,
    draw_moments,
    journey_scores,
    moment_correlations,
    peak_end_of,
    peak_of,
)
from crmlab.models.mediation import mediated_effect_at
from crmlab.theories import experience as theory
from crmlab.theories.experience import design

LARGE = 200_000
RANDOM = {
    "random 1": {
        "experience_to_attitude": -0.4,
        "mood": 0.9,
        "mean_to_recall": 0.1,
        "peak_end_to_recall": 0.52,
        "last_moment_at_exit": 0.3,
        "status_to_unease": 0.13,
        "appeal_to_affect": 0.7,
        "affect_to_attitude": 0.3,
        "disposition_to_affect": 0.8,
        "disposition_to_attitude": -0.5,
        "title_to_distance": -0.3,
    },
    "random 2": {
        "experience_to_attitude": 1.1,
        "mean_to_recall": 0.5,
        "peak_end_to_recall": 0.29,
        "status_to_unease": -0.2,
        "appeal_to_affect": -0.4,
        "affect_to_attitude": 0.4,
        "appeal_to_attitude": 0.6,
        "disposition_to_affect": -0.5,
        "title_to_distance": 0.7,
    },
}
every_world = pytest.mark.parametrize("world", [*design.presets, *RANDOM])


@pytest.fixture(scope="module")
def large():
    """A large cohort of a world, and its parameters."""
    made = {}

    def of(world):
        if world not in made:
            market = design.replace(**RANDOM[world]) if world in RANDOM else design.preset(world)
            market = market.replace(n_customers=LARGE, n_viewers=LARGE, n_advisers=20_000)
            made[world] = market.simulate(7), market.parameters
        return made[world]

    return of


def truth(name, parameters):
    return design.hypothesis(name).estimand(parameters)


def mean_difference(one, other):
    """Difference of two means, and its error."""
    return one.mean() - other.mean(), np.hypot(
        one.std() / np.sqrt(len(one)), other.std() / np.sqrt(len(other))
    )


# -- truth ------------------------------------------------------------------------------------------------


@every_world
def test_attitude_by_true_experience(large, world):
    """The slope on the experience that nobody sees, at an occasion of which nothing else is used."""
    cohort, p = large(world)
    experience, attitude = cohort.truth["experience"], cohort.surveys.attitude_2
    assert experience.var() == pytest.approx(1, abs=0.01)
    reach = 4 * np.sqrt((theory.ATTITUDE_NOISE**2 + p.mood**2) / LARGE)
    assert np.cov(experience, attitude)[0, 1] / experience.var() == pytest.approx(truth("H1", p), abs=reach)


@every_world
def test_how_closely_recall_goes_with_both_summaries(large, world):
    cohort, p = large(world)
    stays = cohort.journeys
    assert stays.recall.var() == pytest.approx(1, abs=0.015)
    seen = [stays.recall.corr(stays[name]) for name in ("peak_end", "mean")]
    assert seen == pytest.approx(theory.recall_correlations(p), abs=4 / np.sqrt(LARGE))
    assert seen[0] - seen[1] == pytest.approx(truth("H2", p), abs=4 / np.sqrt(LARGE))


@every_world
def test_what_status_does_to_unease_of_the_same_orders(large, world):
    """Potential outcomes: the same waits and anxieties, with the status shown and with none."""
    cohort, p = large(world)
    orders = cohort.orders
    shown = -p.status_to_unease * orders.wait
    by_lot, error = mean_difference(orders.unease[orders.status == 1], orders.unease[orders.status == 0])
    assert shown.mean() == pytest.approx(truth("H3", p), abs=4 * shown.std() / np.sqrt(LARGE) + 1e-9)
    assert by_lot == pytest.approx(truth("H3", p), abs=4 * error)


@every_world
def test_what_runs_through_affect(large, world):
    """Affect is set to what it would be with and without the appeal; all else stays as it is."""
    cohort, p = large(world)
    viewers, disposition = cohort.viewers, cohort.truth["disposition"]
    without = viewers.affect - p.appeal_to_affect * viewers.appeal
    attitudes = [
        theory.attitude_of(p, 1.0, without + moved, disposition) for moved in (p.appeal_to_affect, 0.0)
    ]
    assert (attitudes[0] - attitudes[1]).mean() == pytest.approx(truth("H4", p), abs=1e-9)
    shown = viewers[viewers.lift == 1].groupby("appeal")[["affect", "attitude"]].mean().diff().loc[1.0]
    total = truth("H4", p) + p.appeal_to_attitude
    assert shown.affect == pytest.approx(p.appeal_to_affect, abs=16 / np.sqrt(LARGE))
    assert shown.attitude == pytest.approx(total, abs=24 / np.sqrt(LARGE))


@every_world
def test_what_the_title_does(large, world):
    cohort, p = large(world)
    advisers = cohort.advisers
    seen, error = mean_difference(
        advisers.distance[advisers.title == 1], advisers.distance[advisers.title == 0]
    )
    assert seen == pytest.approx(truth("H5", p), abs=4 * error)
    clients = cohort.clients
    assert clients.distance[clients.title == 0].var() == pytest.approx(1, abs=0.05)
    between = advisers.distance[advisers.title == 0].var() - (1 - p.intraclass) / p.clients
    assert between == pytest.approx(p.intraclass, abs=0.02)


def test_advisers_are_the_means_of_their_clients():
    cohort = design.simulate(4)
    means = cohort.clients.groupby("adviser")[["title", "distance"]].mean()
    assert np.allclose(means, cohort.advisers[["title", "distance"]])


def test_the_mean_and_peak_end_of_journeys():
    moments = draw_moments(np.random.default_rng(2), 1_000_000)
    mean, peak_end, scores = moments.mean(-1), peak_end_of(moments), journey_scores()
    seen = (mean.mean(), mean.std(), peak_end.mean(), peak_end.std(), np.corrcoef(mean, peak_end)[0, 1])
    assert tuple(scores) == pytest.approx(seen, abs=0.005)
    assert scores.mean_spread == pytest.approx(np.sqrt(0.8**2 + MOMENT_SPREAD**2 / 6))


@every_world
def test_how_closely_recall_goes_with_each_moment(large, world):
    cohort, p = large(world)
    seen = [cohort.journeys.recall.corr(cohort.journeys[f"moment_{at}"]) for at in range(1, 7)]
    told = moment_correlations(p.mean_to_recall, p.peak_end_to_recall)
    assert seen == pytest.approx(told, abs=4 / np.sqrt(LARGE))
    assert told[5] >= told[0] == told[4]


def test_the_peak_is_farthest_from_neutral_pleasant_or_not():
    journeys = [[1, 2, -4, 0, 3, 1], [0, 0, 0, 0, 0, 0], [5, -1, 1, 1, 1, -2]]
    assert peak_of(journeys).tolist() == [-4, 0, 5]
    assert peak_end_of(journeys).tolist() == [-1.5, 0, 1.5]


def test_a_recall_that_more_than_all_explains_is_refused():
    with pytest.raises(InputError, match="mean_to_recall is 0.6 and peak_end_to_recall 0.6"):
        design.replace(mean_to_recall=0.6, peak_end_to_recall=0.6)


# -- what the lesson says of it ---------------------------------------------------------------------------


def diagnosed(hypothesis, preset, sims=1000, **changes):
    return design.preset(preset).replace(**changes).only(hypothesis).diagnose(sims=sims, seed=3)


def test_that_peak_end_adds_is_not_that_it_beats_the_mean():
    """Where both go equally well with recall, the coefficient with the mean held is found nearly always."""
    found = diagnosed("H2", "literature")
    assert found.row("H2", "peak–end, mean held").rejection_rate > 0.97
    assert found.row("H2", "a week later").rejection_rate < 0.08
    coefficient = found.row("H2", "peak–end, mean held")
    assert coefficient.bias + coefficient.estimand == pytest.approx(0.314, abs=0.01)


def test_a_scale_of_disposition_halves_the_error_and_keeps_the_verdict():
    found = diagnosed("H4", "trap")
    bare, held, lots = (
        found.row("H4", name) for name in ("one lot", "one lot, disposition held", "two lots")
    )
    assert bare.rejection_rate > 0.99 and held.rejection_rate > 0.97
    assert held.bias == pytest.approx(bare.bias / 2, rel=0.1)
    assert lots.rejection_rate < 0.08


def test_a_weak_push_costs_power_and_keeps_the_size():
    weak = {"lift_to_affect": 0.15}
    assert diagnosed("H4", "trap", **weak).row("H4", "two lots").rejection_rate < 0.08
    assert diagnosed("H4", "literature", **weak).row("H4", "two lots").rejection_rate < 0.3


def given_the_lots(tables):
    """Effect of the appeal on affect, residual spreads of attitude and affect, and their correlation."""
    lots = np.column_stack([np.ones(len(tables)), tables.appeal, tables.lift])
    both = tables[["affect", "attitude"]].to_numpy()
    found, *_ = np.linalg.lstsq(lots, both, rcond=None)
    affect, attitude = (both - lots @ found).T
    return found[1, 0], attitude.std(), affect.std(), np.corrcoef(affect, attitude)[0, 1]


@pytest.mark.parametrize("world", ["literature", "trap", "random 1"])
def test_the_curve_of_sensitivity_holds_the_truth_at_the_true_correlation(large, world):
    cohort, p = large(world)
    a, outcome, mediator, r = given_the_lots(cohort.viewers)
    rho = p.disposition_to_affect * p.disposition_to_attitude / np.sqrt(1 + p.disposition_to_attitude**2)
    assert mediated_effect_at(rho, a, outcome, mediator, r) == pytest.approx(truth("H4", p), abs=0.01)
    assert mediated_effect_at(r, a, outcome, mediator, r) == pytest.approx(0)


def test_the_correlation_that_would_undo_it_is_as_large_where_nothing_is_mediated(large):
    """A third in both worlds: in one it is the confounding itself, in the other it is mostly mediation."""
    literature, trap = (given_the_lots(large(world)[0].viewers)[3] for world in ("literature", "trap"))
    assert literature == pytest.approx(0.33, abs=0.01)
    assert trap == pytest.approx(0.31, abs=0.01)


def test_at_no_correlation_the_curve_is_the_product_of_coefficients():
    viewers = design.simulate(5).viewers
    a, outcome, mediator, r = given_the_lots(viewers)
    full = np.column_stack([np.ones(len(viewers)), viewers[["appeal", "lift", "affect"]]])
    b = np.linalg.lstsq(full, viewers.attitude, rcond=None)[0][3]
    assert mediated_effect_at(0.0, a, outcome, mediator, r) == pytest.approx(a * b)
    with pytest.raises(InputError, match="rho"):
        mediated_effect_at(1.0, a, outcome, mediator, r)
