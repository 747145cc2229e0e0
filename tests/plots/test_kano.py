"""The better–worse plane: each feature where its numbers say, kinds by marker, truth as crosses."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from crmlab.plots.kano import better_worse_plane, unequal_steps

PLACES = pd.DataFrame({"better": [0.4, 0.2, 0.3], "worse": [-0.1, -0.5, -0.3]}, ["gift", "speed", "room"])
KINDS = {"gift": "attractive", "speed": "must-be", "room": "attractive"}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_features_stand_where_their_numbers_say():
    axes = better_worse_plane(PLACES, KINDS, ["gift", "speed"], truth=PLACES - 0.01).axes[0]
    drawn = {line.get_label(): line for line in axes.lines}
    assert drawn["attractive"].get_xydata().tolist() == [[0.1, 0.4], [0.3, 0.3]]
    assert drawn["must-be"].get_xydata().tolist() == [[0.5, 0.2]]
    assert drawn["attractive"].get_marker() != drawn["must-be"].get_marker()
    assert drawn["truth"].get_marker() == "+"
    assert [text.get_text() for text in axes.texts] == ["gift", "speed"]


def test_a_persons_spread_is_a_bar_each_way():
    axes = better_worse_plane(PLACES, spread=(0.2, 0.1)).axes[0]
    (bars,) = axes.containers
    assert bars.lines[0].get_xydata().tolist() == [[pytest.approx(0.3), pytest.approx(0.3)]]
    ends = [segment for each in bars.lines[2] for segment in each.get_segments()]
    assert [end.ravel().tolist() for end in ends] == [
        pytest.approx([0.2, 0.3, 0.4, 0.3]),
        pytest.approx([0.3, 0.1, 0.3, 0.5]),
    ]


def test_steps_lead_from_mean_to_mean_along_one_line():
    surprise = pd.Series([-3.0, -1.0, -0.2, 0.2, 0.6, 1.0])
    figure, means = unequal_steps(surprise, slope=0.5)
    assert means.to_dict() == pytest.approx({"low": -2, "middle": 0, "high": 0.8})
    left, right = figure.axes
    (points,) = [line for line in right.lines if line.get_label() == "mean of a group"]
    assert np.allclose(points.get_ydata(), 0.5 * points.get_xdata())
    assert [text.get_text() for text in right.texts] == ["penalty 1.00", "reward 0.40"]
    assert sum(bar.get_height() for bar in left.patches) == 6
