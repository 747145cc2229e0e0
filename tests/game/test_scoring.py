"""Advantages, luck intervals, ranks, verdicts: by hand on small numbers, coverage by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.game.scoring import (
    Advantage,
    ahead,
    best_of,
    better,
    forecast_error,
    known_sign,
    luck_interval,
    places,
    ranks,
)


def around(mean, half=1.0, realised=None, lucks=101):
    """An advantage whose lucks lie evenly in mean ± half."""
    return Advantage(mean if realised is None else realised, mean + np.linspace(-half, half, lucks))


def test_the_luck_interval_of_many_lucks_is_between_quantiles():
    """At the places p (n + 1): with 19 lucks from the lowest to the highest."""
    assert luck_interval(np.arange(1.0, 20.0)) == (1.0, 19.0)
    assert luck_interval(np.arange(1.0, 100.0)) == pytest.approx((5.0, 95.0))


def test_the_luck_interval_of_few_lucks_is_the_normal_prediction_interval():
    """By hand: t at 3 degrees of freedom is 2.353 at 95%, the standard deviation of 1, 2, 3, 4 is 1.291."""
    reach = 2.353363 * 1.290994 * np.sqrt(1.25)
    assert luck_interval(np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(
        (2.5 - reach, 2.5 + reach), abs=1e-5
    )
    assert luck_interval(np.array([2.0])) == (-np.inf, np.inf)
    assert Advantage(1.0, np.array([2.0])).error == np.inf


def game_like(rng, size):
    """Symmetric and heavy-tailed as the game's advantages are: t at 5 degrees of freedom."""
    return rng.standard_t(5, size)


@pytest.mark.parametrize("lucks", [8, 10, 19, 20, 40])
@pytest.mark.parametrize(
    "draw", [lambda rng, size: rng.normal(0, 1, size), game_like], ids=["normal", "heavy"]
)
def test_another_luck_falls_into_the_interval_nine_times_in_ten(lucks, draw):
    rng, games = np.random.default_rng(lucks), 4000
    draws = draw(rng, (games, lucks + 1))
    within = np.array([low <= new <= high for new, (low, high) in
                       ((each[-1], luck_interval(each[:-1])) for each in draws)])  # fmt: skip
    error = np.sqrt(0.9 * 0.1 / games)
    assert abs(within.mean() - 0.9) < 4 * error + 0.005  # interpolation, tails
    naive = np.array([np.quantile(each[:-1], 0.95) < each[-1] for each in draws])
    assert lucks == 40 or naive.mean() > 0.05 + 4 * error, "the check can fail"


@pytest.mark.parametrize(
    "advantage, verdict",
    [
        (around(5.0, realised=3.0), "skill"),
        (around(5.0, realised=-3.0), "misfortune"),
        (around(-5.0, realised=-3.0), "harm"),
        (around(-5.0, realised=3.0), "luck"),
        (around(0.5, 4.0, realised=0.2), "skill"),  # a wide band makes no gain smaller
        (around(0.5, 4.0, realised=-0.2), "misfortune"),
        (around(0.1, 1.0, realised=-0.2), "undecided"),  # the sign of the mean is not known
        (around(5.0, 9.0, lucks=4), "undecided"),
        (Advantage(0.0, np.zeros(5)), "idle"),
    ],
)
def test_verdicts_go_by_the_sign_of_the_mean(advantage, verdict):
    assert advantage.verdict == verdict


def test_a_mean_is_known_as_often_as_promised():
    """A mean of 0 is told a sign in one of twenty, with four lucks, too."""
    rng, games = np.random.default_rng(3), 4000
    for lucks in (4, 20):
        draws = rng.normal(0, 1, (games, lucks))
        told = np.mean([known_sign(each) != 0 for each in draws])
        assert abs(told - 0.05) < 4 * np.sqrt(0.05 * 0.95 / games)


def test_rounding_is_no_difference():
    assert known_sign(np.full(20, 1e-9)) == 0
    assert known_sign(np.full(20, 5.0)) == 1


def test_steady_is_a_word_of_its_own():
    assert around(5.0, 1.0).steady
    assert not around(0.5, 4.0).steady
    assert around(0.5, 4.0).gains == 57


def test_a_result_outside_the_luck_interval_is_a_surprise():
    found = [around(1.0, 1.0, realised).surprise for realised in (3.0, 1.5, -1.0)]
    assert found == [1, 0, -1]
    assert around(10.0, realised=12.0).luck == pytest.approx(2.0)


def test_ranks_are_told_apart_by_lucks_that_both_meet():
    """One is ahead by 1 in every luck, and luck moves both by hundreds: the ranks differ."""
    luck = np.random.default_rng(0).normal(0, 100, 20)
    one, other = Advantage(0, luck + 1), Advantage(0, luck)
    assert ahead(one, other) == 1.0
    assert better(one, other)
    assert ranks({"b": other, "a": one}) == {"a": 1, "b": 2}


def test_ranks_are_shared_where_nobody_is_known_to_be_better():
    rng = np.random.default_rng(0)
    found = ranks(
        {name: Advantage(0, rng.normal(0, 100, 20)) for name in "abc"} | {"d": around(-900, 1, lucks=20)}
    )
    assert sorted(found.values()) == [1, 1, 1, 4]
    assert ranks({"a": Advantage(0, np.zeros(20)), "b": Advantage(0, np.zeros(20))}) == {"a": 1, "b": 1}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 7), st.sampled_from([4, 8, 20]))
def test_ranks_and_verdicts_agree(seed, teams, lucks):
    """Who is known to be better has the better rank; so skill is above doing nothing, and that above harm."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 1, lucks)
    found = {
        str(at): Advantage(0, rng.normal(0, 1) + shared * rng.normal(0, 1) + rng.normal(0, 1, lucks))
        for at in range(teams)
    } | {"idle": Advantage(0, np.zeros(lucks))}
    place = ranks(found)
    assert list(place.values()) == sorted(place.values())
    for one in found:
        for other in found:
            assert not better(found[one], found[other]) or place[one] < place[other]
        sign = found[one].sign
        assert not sign or sign * (place["idle"] - place[one]) > 0


def test_places_are_shared_by_equals():
    assert places({"a": 5.0, "b": 7.0, "c": 5.0, "d": 1.0}) == {"a": 2, "b": 1, "c": 2, "d": 4}


def test_the_best_rule_is_not_flattered_by_its_choice():
    """Among equal rules the chosen one's mean on the lucks that chose it is too high, on the others right."""
    rng = np.random.default_rng(1)
    chosen, judged = [], []
    for _ in range(300):
        candidates = {str(at): rng.normal(0, 1, 20) for at in range(10)}
        best = best_of(candidates, dict.fromkeys(candidates, 0.0))
        chosen.append(candidates[best.name][::2].mean())
        judged.append(best.advantage.expected)
    error = 1 / np.sqrt(10 * 300)
    assert np.mean(chosen) > 10 * error
    assert abs(np.mean(judged)) < 4 * error


def test_forecasts_count_only_where_they_were_made():
    assert forecast_error([None, 110.0, 80.0], [1.0, 100.0, 100.0]) == (2, pytest.approx(-5.0))
    assert forecast_error([None], [1.0]) is None
