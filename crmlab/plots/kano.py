"""Pictures of Kano's theory: the better–worse plane, and the steps that dummies see on a straight line."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from crmlab.plots.style import MARKERS, NAIVE, PALETTE, TRUTH, looks, subplots
from crmlab.words import words

MIDDLE = 0.5  # beyond it a feature is called attractive, must-be or both


def better_worse_plane(
    places: pd.DataFrame,
    kinds: Mapping[str, str] | None = None,
    named: Iterable[str] = (),
    truth: pd.DataFrame | None = None,
    spread: tuple[float, float] | None = None,
    most: float = 0.6,
) -> Figure:
    """Features by how much having them pleases and missing them annoys.

    Parameters
    ----------
    places : DataFrame
        One row a feature, with columns ``better`` (0 to 1) and ``worse`` (-1 to 0).
    kinds : mapping of str to str, optional
        A feature's kind, which has a colour and a marker of its own.
    named : iterable of str
        Features whose names are written beside them, in turn below and above to the right.
    truth : DataFrame, optional
        Where features truly are: crosses.
    spread : pair of float, optional
        Standard deviations of one person's better and worse: a bar each way from the features' mean.
    most : float
        Where both axes end.

    Returns
    -------
    matplotlib Figure
    """
    figure, axes = subplots(figsize=(5.8, 4.2))
    groups = pd.Series(kinds) if kinds is not None else pd.Series(words("kano.features"), places.index)
    for kind, look in looks(groups).items():
        rows = places.loc[groups.index[groups == kind]]
        axes.plot(-rows["worse"], rows["better"], look["marker"], color=look["color"], label=kind)
    if truth is not None:
        place = -truth["worse"], truth["better"]
        axes.plot(*place, "+", color=TRUTH, markersize=13, markeredgewidth=1.6, label=words("kano.truth"))
    if spread is not None:
        middle = -places["worse"].mean(), places["better"].mean()
        reach = {"xerr": spread[1], "yerr": spread[0], "capsize": 4, "color": PALETTE["grey"]}
        axes.errorbar(*middle, fmt=MARKERS[-1], label=words("kano.person"), **reach)
    for at, name in enumerate(named):
        at_feature = -places["worse"][name], places["better"][name]
        below = {"ha": "right", "xytext": (-7, -12)}
        if at_feature[0] < most / 4:  # where the name would run over the axis
            below = {"ha": "left", "xytext": (7, -12)}
        side = {"ha": "left", "xytext": (8, 6)} if at % 2 else below
        axes.annotate(name.replace("_", " "), at_feature, textcoords="offset points", fontsize=9, **side)
    for line in (axes.axhline, axes.axvline):
        line(MIDDLE, color=PALETTE["grey"], linewidth=0.8)
    axes.set(xlim=(0, most), ylim=(0, most), xlabel=words("kano.worse"), ylabel=words("kano.better"))
    axes.legend(loc="upper right", fontsize=9, frameon=True, framealpha=1, edgecolor="none")
    return figure


def unequal_steps(surprise: pd.Series, slope: float, middle: float = 0.5) -> tuple[Figure, pd.Series]:
    """What dummies for low and high see on a straight line: steps from the mean of one group to the next.

    Parameters
    ----------
    surprise : Series
        One value a customer, in standard deviations.
    slope : float
        Of the true line, the same on both sides.
    middle : float
        Values between minus and plus this are the group in the middle.

    Returns
    -------
    figure : matplotlib Figure
        Left the customers in three groups, right the line with each group's mean.
    means : Series
        Mean surprise of the groups ``low``, ``middle`` and ``high``.
    """
    names = [words(f"kano.{name}") for name in ("low", "middle", "high")]
    group = pd.cut(surprise, [-np.inf, -middle, middle, np.inf], labels=names).rename(words("kano.group"))
    means = surprise.groupby(group, observed=False).mean().set_axis(["low", "middle", "high"])
    figure, (left, right) = subplots(1, 2, figsize=(9, 3.3))
    sns.histplot(x=surprise, hue=group, bins=np.arange(-6, 6, 0.125), multiple="stack", ax=left)
    left.set(xlim=(-4, 2), xlabel=words("kano.surprise"), ylabel=words("kano.customers"))
    right.axline((0, 0), slope=slope, linestyle="--", color=TRUTH, label=words("kano.one_slope"))
    right.plot(means, slope * means, "s", color=NAIVE, markersize=8, label=words("kano.mean"))
    steps = {"low": ("kano.penalty", "middle", "low"), "high": ("kano.reward", "high", "middle")}
    for at, (says, upper, lower) in steps.items():
        step = words(says, step=slope * (means[upper] - means[lower]))
        right.annotate(step, (means[at], slope * means[at]), xytext=(12, -12), textcoords="offset points")
    reach = 1.3 * slope * np.abs(means).max()
    right.set(xlabel=words("kano.surprise"), ylabel=words("kano.effect"), xlim=(-3, 3), ylim=(-reach, reach))
    right.legend(loc="upper left")
    return figure, means
