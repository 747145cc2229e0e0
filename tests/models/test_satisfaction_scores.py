"""Scores of ticks: by hand, with their errors, and what they keep of the information."""

import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.models.satisfaction_scores import efficiency, satisfaction_score, worth_of_ticks


@pytest.mark.parametrize(
    "name, ticks, points, lowest, value",
    [
        ("mean", [1, 7, 4, 4], 7, 1, 50.0),
        ("top_two_box", [5, 6, 7, 1], 7, 1, 50.0),
        ("csat", [4, 5, 6, 1, 7], 7, 1, 60.0),
        ("csat", [3, 4, 5, 6], 6, 1, 75.0),  # an even scale has no middle box
        ("nps", [10, 9, 8, 7, 6, 0, 0, 10], 11, 0, 0.0),
        ("nps", [9, 9, 8, 6], 11, 0, 25.0),
    ],
)
def test_scores_by_hand(name, ticks, points, lowest, value):
    assert satisfaction_score(name, ticks, points, lowest).value == pytest.approx(value)


def test_the_error_is_that_of_repeated_surveys():
    rng = np.random.default_rng(1)
    ticks = rng.integers(0, 11, (4000, 200))
    found = [satisfaction_score("nps", survey, 11, 0) for survey in ticks]
    assert np.mean([each.standard_error for each in found]) == pytest.approx(
        np.std([each.value for each in found]), rel=0.05
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("mood", [1, 2], 7), "unknown score 'mood'"),
        (("nps", [1, 2], 7), "11 boxes"),
        (("mean", [1, 8], 7), "from 1 to 7"),
        (("mean", [1, 2.5], 7), "from 1 to 7"),
        (("mean", [1], 7), "two or more"),
        (("mean", [1, 2], 2), "3 or more"),
        (("mean", [1, np.nan], 7), "from 1 to 7"),
    ],
)
def test_what_is_no_tick_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        satisfaction_score(*arguments)


def test_a_median_split_keeps_two_parts_in_pi():
    assert efficiency([0.0, 1.0], [0.0], 0.0) == pytest.approx(2 / np.pi)


def test_many_boxes_keep_all_and_none_keeps_more():
    fine = np.linspace(-6, 6, 2001)
    assert efficiency(np.arange(2002), fine, np.array([-1.0, 0.0, 2.0])) == pytest.approx(1, abs=1e-3)
    cuts = (np.arange(1, 7) - 3.5) * 0.7
    level = np.linspace(-3, 3, 31)
    kept = {
        name: efficiency(worth_of_ticks(name, 7), cuts, level) for name in ("mean", "top_two_box", "csat")
    }
    assert all((share >= 0).all() and (share <= 1).all() for share in kept.values())


@pytest.mark.parametrize("name", ["mean", "top_two_box", "csat"])
def test_efficiency_is_that_of_simulated_surveys(name):
    rng, cuts, spread, shift = np.random.default_rng(2), (np.arange(1, 7) - 3.5) * 0.7, 1.3, 0.2
    satisfaction = 0.8 + spread * rng.standard_normal(2_000_000)
    worth = worth_of_ticks(name, 7)
    before, now, after = (
        worth[np.searchsorted(cuts, satisfaction + move)] for move in (-shift / 2, 0.0, shift / 2)
    )
    seen = ((after.mean() - before.mean()) / now.std()) ** 2 / (shift / spread) ** 2
    assert efficiency(worth, cuts, 0.8, spread) == pytest.approx(seen, rel=0.03)


def test_worth_and_thresholds_must_fit():
    with pytest.raises(InputError, match="give one more"):
        efficiency([0, 1], [0.0, 1.0], 0.0)
