"""Advantages, luck intervals, ranks, verdicts: by hand on small numbers."""

import numpy as np
import pytest

from crmlab.game.scoring import Advantage, ahead, best_of, forecast_error, places, ranks


def around(mean, half=1.0, realised=None):
    """An advantage whose luck interval is about mean ± .9 half."""
    return Advantage(mean if realised is None else realised, mean + np.linspace(-half, half, 101))


def test_the_luck_interval_is_between_the_5_and_the_95_percent_quantile():
    assert around(10.0).interval == pytest.approx((9.1, 10.9))
    assert around(10.0, realised=12.0).luck == pytest.approx(2.0)
    assert Advantage(1.0, np.array([2.0])).error == np.inf


@pytest.mark.parametrize(
    "advantage, verdict",
    [
        (around(5.0, 1.0, realised=-3.0), "skill"),
        (around(-5.0, 1.0, realised=3.0), "harm"),
        (around(0.5, 1.0, realised=-0.2), "misfortune"),
        (around(-0.5, 1.0, realised=0.2), "luck"),
        (around(0.5, 1.0, realised=0.2), "undecided"),
        (around(0.01, 1.0, realised=-0.2), "undecided"),  # the sign of the mean is not known
        (Advantage(0.0, np.zeros(5)), "idle"),
    ],
)
def test_verdicts(advantage, verdict):
    assert advantage.verdict == verdict


def test_a_result_outside_the_luck_interval_is_a_surprise():
    found = [around(1.0, 1.0, realised).surprise for realised in (3.0, 1.5, -1.0)]
    assert found == [1, 0, -1]


def test_teams_share_a_rank_unless_wholly_below_its_first():
    found = ranks({"d": around(-8.0), "b": around(9.0, 2.0), "a": around(10.0), "c": around(3.0, 5.0)})
    assert found == {"a": 1, "b": 1, "c": 3, "d": 4}
    assert list(found) == ["a", "b", "c", "d"]


def test_overlap_is_not_passed_on():
    """Each overlaps the next; the third lies wholly below the first and begins a rank of its own."""
    found = ranks({"a": around(2.0), "b": around(1.0), "c": around(0.0)})
    assert found == {"a": 1, "b": 1, "c": 3}


def test_places_are_shared_by_equals():
    assert places({"a": 5.0, "b": 7.0, "c": 5.0, "d": 1.0}) == {"a": 2, "b": 1, "c": 2, "d": 4}


def test_ahead_compares_within_each_luck():
    luck = np.random.default_rng(0).normal(0, 100, 50)
    assert ahead(Advantage(0, luck + 1), Advantage(0, luck)) == 1.0


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
