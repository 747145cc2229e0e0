"""Lesson 01's explorable: its plans spend the budget, its notes say what is best and what is too much."""

import matplotlib.pyplot as plt
import pytest

from crmlab.theories.needs import ASPECTS, NeedsMarket, gain_of_lifts
from crmlab.widgets.needs import BUDGET, MOST, draw, explore, plans, told


@pytest.mark.parametrize("level", [-1.0, -0.5, 0.0, 1.0])
def test_every_plan_spends_the_budget_and_none_beats_the_best(level):
    p = NeedsMarket(level=level)
    gains = {plan: gain_of_lifts(p, lifts) for plan, lifts in plans(p).items()}
    assert max(gains, key=gains.get) == "best" or max(gains.values()) == pytest.approx(gains["best"])
    for lifts in plans(p).values():
        assert sum(lifts.values()) == pytest.approx(BUDGET) and max(lifts.values()) <= MOST


def test_the_note_names_the_best_plan_and_says_what_is_over_the_budget():
    p = NeedsMarket(level=1.0)
    spent = dict.fromkeys(ASPECTS, 0.5)
    assert told(p, spent) == "The best plan: personalisation 1.5, extras 1.5."
    assert told(p, spent | {"speed": 1.0}).endswith("Yours is 0.5 sd over the budget.")


def test_the_picture_says_what_each_plan_gains():
    figure, alt = draw(NeedsMarket(), dict.fromkeys(ASPECTS, 0.25))
    plt.close(figure)
    assert "delighters first: 1.34 points." in alt and "yours (1.5 of 3 sd)" in alt


def test_the_code_shown_gives_the_gain_drawn():
    explorable = explore(NeedsMarket())
    line = explorable.code(**explorable.values())
    from crmlab.theories import needs as theory

    gain = eval(line, {"theory": theory, "design": theory.design, "preset": "literature"})
    assert f"yours (3.0 of 3 sd): {gain:.2f} points." in explorable.alt
