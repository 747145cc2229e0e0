"""Shares with their intervals and the true chance beside them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from crmlab.plots import shares_and_truth, subplots


@pytest.fixture
def drawn():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"month": np.repeat([1, 2, 3], 200), "kind": np.tile(["light", "heavy"], 300)})
    table["chance"] = np.where(table.kind == "heavy", 60.0, 20.0) - 5 * table.month
    table["share"] = 100.0 * (rng.uniform(size=600) < table.chance / 100)
    figure, axes = subplots()
    yield table, axes
    plt.close(figure)


def heights(axes, marker):
    return sorted(
        float(height)
        for line in axes.lines
        if line.get_marker() == marker
        for height in line.get_ydata()
        if np.isfinite(height)
    )


@pytest.mark.parametrize("lines", [False, True])
def test_means_and_the_truth_are_drawn_where_they_are(drawn, lines):
    table, axes = drawn
    shares_and_truth(axes, table, "month", "kind", ["light", "heavy"], lines=lines)
    means = table.groupby(["kind", "month"])[["share", "chance"]].mean()
    assert heights(axes, "o") == pytest.approx(sorted(means.share["light"]))
    assert heights(axes, "s") == pytest.approx(sorted(means.share["heavy"]))
    assert heights(axes, "_") == pytest.approx(sorted(means.chance))
    joined = {line.get_linestyle() for line in axes.lines if line.get_marker() in "os"}
    assert joined == ({"-", "--"} if lines else {"None"})


def test_the_legend_names_each_kind_and_the_truth_once(drawn):
    table, axes = drawn
    shares_and_truth(axes, table, "month", "kind", ["light", "heavy"])
    assert [each.get_text() for each in axes.get_legend().get_texts()] == ["light", "heavy", "truth"]
