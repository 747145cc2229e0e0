"""Lesson 16's explorable: a quarter in which twice as many leave, counted customer by customer."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from crmlab.mechanisms.turnover import mean_skill, skill_after
from crmlab.widgets.turnover import AHEAD, draw, explore, lost, shock


def test_the_shock_doubles_leaving_for_one_quarter_and_dies_out():
    staff, customers = shock(0.05, 0.2, 0.1)
    assert 1 - staff[:2] == pytest.approx([0.05, 0.10])
    assert customers[1] == customers[0]  # theirs follows a quarter later
    assert customers[2] == customers.min() < customers[0]
    assert [staff[-1], customers[-1]] == pytest.approx([staff[0], customers[0]], abs=1e-3)
    assert len(staff) == AHEAD + 2


def test_customers_lost_are_counted_quarter_by_quarter():
    _, customers = shock(0.05, 0.2, 0.1)
    usual = shocked = 1000.0
    for share in customers[1:]:
        usual, shocked = usual * customers[0], shocked * share
    assert lost(customers) == pytest.approx(usual - shocked)
    assert lost(shock(0.05, 0.0, 0.3)[1]) == pytest.approx(0)


def test_skill_returns_to_its_mean():
    level = mean_skill(0.04, 0.9)
    path = skill_after(np.array([0.08] + [0.04] * 200), 0.9, level)
    assert path[0] < level and path[-1] == pytest.approx(level)
    assert skill_after(np.full(3, 0.04), 0.9, level) == pytest.approx(level)


def test_the_picture_says_what_the_functions_say():
    figure, told = draw(4, 90, 0.15, 0.10)
    plt.close(figure)
    assert "Staff stay 25 quarters on average; mean skill is 71%" in told
    explorable = explore()
    found = eval(explorable.code(**explorable.values()), {"mean_skill": mean_skill})
    assert found == pytest.approx(0.706, abs=5e-4)
