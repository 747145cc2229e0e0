"""The flow diagram: bands that join, in the order of the stages."""

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.plots.flows import GAP, flow_diagram

COUNTS = np.array([[[30, 10], [0, 60]], [[20, 10], [35, 35]]])


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_bars_and_bands_are_as_thick_as_they_are_many():
    axes = flow_diagram(COUNTS, ["loyal", "lapsed"], ["May", "June", "July"]).axes[0]
    bars = [
        (bar.get_x() + bar.get_width() / 2, bar.get_height())
        for bar in axes.patches
        if hasattr(bar, "get_height")
    ]
    assert np.allclose(bars, [(0, 0.4), (0, 0.6), (1, 0.3), (1, 0.7), (2, 0.55), (2, 0.45)])
    thick = [
        np.ptp(band.get_path().vertices[[0, 7], 1])
        for band in axes.patches
        if hasattr(band, "get_path") and len(band.get_path().vertices) == 9
    ]
    assert np.allclose(thick, [0.3, 0.1, 0.6, 0.2, 0.1, 0.35, 0.35])  # the move that nobody made has no band
    assert [text.get_text() for text in axes.texts] == [
        "40%",
        "60%",
        "30%",
        "70%",
        "55%",
        "45%",
        "loyal",
        "lapsed",
    ]


def test_stages_stand_from_top_to_bottom_with_a_gap():
    axes = flow_diagram(COUNTS, ["loyal", "lapsed"], ["May", "June", "July"]).axes[0]
    loyal, lapsed = [bar for bar in axes.patches if hasattr(bar, "get_height")][:2]
    assert loyal.get_y() == pytest.approx(lapsed.get_y() + lapsed.get_height() + GAP)
    assert lapsed.get_y() == pytest.approx(0)


@pytest.mark.parametrize(
    "counts, message",
    [
        (COUNTS[0], "need \\(2, 2, 2\\)"),
        (-COUNTS, "negative"),
        (COUNTS[::-1], "do not join"),
    ],
)
def test_flows_that_do_not_fit_are_refused(counts, message):
    with pytest.raises(InputError, match=message):
        flow_diagram(counts, ["loyal", "lapsed"], ["May", "June", "July"])
