"""Lorenz and whale curves draw what they are given, and say where the whale turns."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from crmlab.plots.concentration import lorenz_plot, whale_plot
from crmlab.plots.style import subplots
from crmlab.widgets.value_tiers import draw


def test_curves_and_truth_are_drawn_in_percent():
    fractions = np.linspace(0, 1, 5)
    curve = pd.DataFrame({"fraction": fractions, "share": np.sqrt(fractions)})
    curve = curve.assign(low=curve.share - 0.02, high=curve.share + 0.02)
    figure, axes = subplots()
    lorenz_plot(axes, {"buyers": curve, "list": curve}, {"buyers": np.sqrt(fractions)})
    drawn = {line.get_label(): line for line in axes.lines}
    assert drawn["buyers"].get_ydata() == pytest.approx(100 * np.sqrt(fractions))
    assert drawn["truth"].get_ydata() == pytest.approx(100 * np.sqrt(fractions))
    assert drawn["buyers"].get_linestyle() != drawn["list"].get_linestyle()
    assert len(axes.collections) == 2  # the bands
    plt.close(figure)


def test_the_whale_turns_where_profit_turns_to_loss():
    figure, axes = subplots()
    where, top = whale_plot(axes, [-10.0, 60.0, 40.0, -10.0], ([0, 0.5, 1], [0, 1.25, 1]))
    assert (where, top) == (50.0, 125.0)
    truth = next(line for line in axes.lines if line.get_label() == "truth")
    assert truth.get_ydata() == pytest.approx([0, 125, 100])
    plt.close(figure)


def test_the_explorable_says_what_its_market_holds():
    figure, told = draw(0.5, 3.0, 0.01, 1.0, 1.0)
    assert "hold 53% and 50% in the next window" in told
    assert len(figure.axes[0].lines) >= 3
    assert figure.axes[0].get_title(loc="left") == told
    plt.close(figure)
