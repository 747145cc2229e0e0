"""Means over a normal variable and mean slopes."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import norm

from crmlab.errors import InputError
from crmlab.mechanisms.normal import mean_over_normal, mean_slope, nodes_beside, normal_nodes


def test_moments_are_exact():
    for power, moment in ((0, 1), (1, 0), (2, 1), (4, 3), (6, 15)):
        assert mean_over_normal(lambda x, power=power: x**power) == pytest.approx(moment, abs=1e-10)
    assert mean_over_normal(np.exp, 0.3, 0.5) == pytest.approx(np.exp(0.3 + 0.5**2 / 2))


def test_a_mean_chance_has_its_closed_form_and_its_slope_too():
    level, slope, mean, spread = 0.4, 0.9, -0.2, 1.3
    index = np.hypot(1, slope * spread)

    def chance(x):
        return ndtr(level + slope * x)

    assert mean_over_normal(chance, mean, spread) == pytest.approx(norm.cdf((level + slope * mean) / index))
    numeric = quad(lambda x: slope * norm.pdf(level + slope * x) * norm.pdf(x, mean, spread), -12, 12)[0]
    assert mean_slope(chance, mean, spread) == pytest.approx(numeric, abs=1e-8)


def test_the_mean_slope_is_that_of_the_least_squares_line():
    x = np.random.default_rng(1).normal(0.5, 2.0, 400_000)
    line = np.polyfit(x, np.sin(x), 1)[0]
    assert mean_slope(np.sin, 0.5, 2.0) == pytest.approx(line, abs=0.003)


def test_masses_add_up_and_nobody_can_change_them():
    points, masses = normal_nodes(40)
    assert masses.sum() == pytest.approx(1) and masses @ points**2 == pytest.approx(1)
    with pytest.raises(ValueError, match="read-only"):
        points[0] = 1.0
    with pytest.raises(InputError, match="count is 0"):
        normal_nodes(0)
    with pytest.raises(InputError, match="spread is 0"):
        mean_slope(np.exp, spread=0)


@pytest.mark.parametrize("corner", [-40.0, -0.3, 0.8, 1.1, 40.0])
def test_a_corner_is_integrated_on_both_sides(corner):
    """``E max(X - c, 0)`` of a normal X has a closed form."""
    mean, spread = 0.8, 0.7
    points, masses = nodes_beside(corner, mean, spread)
    beyond = (mean - corner) / spread
    known = (mean - corner) * norm.cdf(beyond) + spread * norm.pdf(beyond)
    assert masses.sum() == pytest.approx(1) and masses @ points == pytest.approx(mean)
    assert masses @ np.maximum(points - corner, 0) == pytest.approx(known, abs=1e-12)
    assert masses @ (points > corner) == pytest.approx(norm.cdf(beyond), abs=1e-12)


def test_a_corner_needs_a_spread():
    with pytest.raises(InputError, match="spread is 0"):
        nodes_beside(0.0, spread=0)
