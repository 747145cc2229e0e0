"""The picture of a ratio: its intervals end where the ratio says, and one without an end fills the width."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from crmlab.models.ratio import Ratio
from crmlab.plots.ratio import ratio_plot


@pytest.fixture
def drawn():
    def of(denominator):
        ratio = Ratio(np.array([0.3]), np.array([denominator]), np.array([[[0.01, 0.0], [0.0, 0.0016]]]))
        figure = ratio_plot(ratio, 2.0, "worth (yuan)")
        axes = figure.axes[0]
        bars = [each.get_segments()[0][:, 0] for each in axes.collections if len(each.get_segments())]
        return ratio, axes, bars

    yield of
    plt.close("all")


def test_the_intervals_end_where_the_ratio_says(drawn):
    ratio, axes, bars = drawn(0.15)
    for (low, high), interval in zip(
        bars, (ratio.fieller(), ratio.krinsky_robb(), ratio.delta()), strict=True
    ):
        assert (low, high) == pytest.approx((interval[0][0], interval[1][0]))
    labels = axes.get_legend_handles_labels()[1]
    assert "delta method's curve" in labels and "estimand (truth)" in labels


def test_an_interval_without_an_end_fills_the_width(drawn):
    ratio, axes, bars = drawn(0.05)
    assert np.isinf(ratio.fieller()[1][0]) and tuple(bars[0]) == pytest.approx(axes.get_xlim())
