"""Lesson 15's explorable: a journey's place among all, and what the weights make of it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from crmlab.mechanisms.journeys import journey_scores
from crmlab.theories import experience as theory
from crmlab.theories.experience import design
from crmlab.widgets.journey import START, draw, explore, places


def test_an_ordinary_journey_stands_in_the_middle():
    scores = journey_scores()
    found = places(design.parameters, np.full(6, scores.mean))
    assert found["mean"] == pytest.approx(0)
    assert found["exit"] == found["week"]  # its last moment is like the others


def test_of_two_journeys_with_one_mean_the_better_end_is_recalled_better_at_the_exit():
    p = design.preset("trap").parameters
    falling = places(p, np.array([3.0, 2, 1, 1, 0, -1]))
    rising = places(p, np.array([-1.0, 0, 1, 1, 2, 3]))
    assert falling["mean"] == pytest.approx(rising["mean"])
    gap = {name: rising[name] - falling[name] for name in ("week", "exit")}
    assert gap["exit"] - gap["week"] == pytest.approx(0.6 * 4 / 1.2)


def test_without_weights_nothing_is_kept():
    found = places(design.preset("null").parameters, np.array(START))
    assert found["week"] == found["exit"] == 0


def test_the_picture_says_where_the_journey_stands():
    figure, alt = draw(design, np.array(START), sims=20, seed=1)
    plt.close(figure)
    assert alt.startswith("Among guests: mean +0.0 sd, peak–end +0.7") and len(figure.axes) == 3


def test_the_code_shown_gives_the_lead_that_the_note_tells():
    explorable = explore(design, sims=20)
    explorable.set(peak_end_to_recall=0.6, mean_to_recall=0.1)
    lead = eval(
        explorable.code(**explorable.values()),
        {"theory": theory, "design": design, "preset": "literature"},
    )
    assert f"a lead of {lead:+.3f}" in explorable.note(**explorable.values())
