"""The two cost curves cross where they should, and say so."""

import math

import numpy as np
import pytest

from crmlab.plots import governance_curves, subplots
from crmlab.plots.style import plt


def test_the_curves_cross_where_a_contract_adds_nothing():
    figure, axes = subplots()
    crossing = governance_curves(axes, 0.4, 0.2, -0.6)
    assert crossing == pytest.approx(1 / 3)
    alone, contract, line = axes.lines
    levels = alone.get_xdata()
    gap = np.interp(crossing, levels, contract.get_ydata() - alone.get_ydata())
    assert gap == pytest.approx(0, abs=1e-9) and line.get_xdata()[0] == crossing
    assert alone.get_linestyle() != contract.get_linestyle()
    plt.close(figure)


def test_parallel_curves_have_no_crossing():
    figure, axes = subplots()
    assert math.isnan(governance_curves(axes, 0.4, 0.2, 0.0)) and len(axes.lines) == 2
    plt.close(figure)
