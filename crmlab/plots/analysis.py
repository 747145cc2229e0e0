"""Pictures of an analysis: estimates beside where a claim holds, and what simulation says of them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmlab.plots.style import HEADLINE, LINE_AT_TRUTH, MARKERS, NAIVE, PALETTE, TRUTH, subplots
from crmlab.words import translated, words
from crmlab.words.layout import fill

ROW, HEAD = 0.34, 1.35  # inches of an estimate's row, and of what stands around the rows
WORLDS = {"literature": "o", "null": "s", "trap": "^"}
COLOURS = {"literature": PALETTE["green"], "null": PALETTE["grey"], "trap": NAIVE}


def own_estimates(
    rows: pd.DataFrame, claimed: tuple[float | None, float | None], unit: str, title: str = ""
) -> Figure:
    """A hypothesis' estimates with their intervals, one under the other; where the claim holds is shaded.

    Parameters
    ----------
    rows : DataFrame
        estimator, estimate, low and high; the headline first.
    claimed : pair of float or None
        Ends of the claim's region; None where it goes on for ever.
    unit : str
        Of the estimates.
    """
    figure, axes = subplots(figsize=(7.2, HEAD + ROW * len(rows)))
    for at, row in enumerate(rows.itertuples()):
        colour = HEADLINE if at == 0 else NAIVE
        axes.plot([row.low, row.high], [at, at], color=colour, linewidth=2.5, solid_capstyle="butt")
        axes.plot(row.estimate, at, MARKERS[0 if at == 0 else 1], color=colour, markersize=7)
    _shade(axes, rows, claimed)
    axes.set_yticks(range(len(rows)), [fill(translated(each), 26) for each in rows["estimator"]])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(fill(translated(unit), 80))
    axes.set_title(title)
    axes.grid(axis="y", visible=False)
    return figure


def _shade(axes: Axes, rows: pd.DataFrame, claimed: tuple[float | None, float | None]) -> None:
    """The claim's region in green, and a dashed line at each of its ends."""
    ends = [each for each in claimed if each is not None]
    values = np.r_[rows[["low", "high", "estimate"]].to_numpy(float).ravel(), ends]
    values = values[np.isfinite(values)]
    room = 0.12 * (np.ptp(values) or abs(values[0]) or 1.0)
    low, high = values.min() - room, values.max() + room
    region = low if claimed[0] is None else claimed[0], high if claimed[1] is None else claimed[1]
    axes.axvspan(*region, color=PALETTE["green"], alpha=0.12, linewidth=0, label=words("analyse.claim_holds"))
    for each in ends:
        axes.axvline(each, color=TRUTH, linestyle=LINE_AT_TRUTH, linewidth=1.2)
    axes.set_xlim(low, high)


def what_simulation_says(worlds: pd.DataFrame, names: Sequence[str], labels: Mapping[str, str]) -> Figure:
    """How often each test would support its claim, in worlds where it is so and where it is not.

    Parameters
    ----------
    worlds : DataFrame
        hypothesis, estimator, preset, rejection_rate and rejection_rate_mcse.
    names : sequence of str
        Hypotheses, from above.
    labels : dict of str to str
        What the worlds are called.
    """
    rows = [(name, each) for name in names for each in _estimators(worlds, name)]
    figure, axes = subplots(figsize=(7.2, 1.5 + ROW * len(rows)))
    for at, (name, estimator) in enumerate(rows):
        held = worlds[(worlds["hypothesis"] == name) & (worlds["estimator"] == estimator)]
        for number, (preset, marker) in enumerate(WORLDS.items()):
            one = held[held["preset"] == preset]
            if one.empty:
                continue
            rate, error = float(one["rejection_rate"].iloc[0]), float(one["rejection_rate_mcse"].iloc[0])
            shift = (number - 1) * 0.16
            axes.plot(
                [rate - 1.96 * error, rate + 1.96 * error],
                [at + shift] * 2,
                color=COLOURS[preset],
                linewidth=1.5,
            )
            label = labels[preset] if at == 0 else None
            axes.plot(rate, at + shift, marker, color=COLOURS[preset], markersize=6, label=label)
    axes.axvline(0.05, color=TRUTH, linestyle=LINE_AT_TRUTH, linewidth=1.2)
    axes.set_yticks(range(len(rows)), [f"{name}  {translated(each)}" for name, each in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel(words("analyse.axis_supported"))
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper center", ncols=1, fontsize="small")
    return figure


def _estimators(worlds: pd.DataFrame, name: str) -> list[str]:
    return list(dict.fromkeys(worlds.loc[worlds["hypothesis"] == name, "estimator"]))
