"""Flows between stages: who went where, period by period."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike

from crmlab.errors import InputError
from crmlab.plots.style import SERIES, ink_on, subplots

GAP = 0.03  # between stages, of the height of all customers
BAR = 0.17  # width of a bar, of the distance between periods


def flow_diagram(
    counts: ArrayLike,
    states: Sequence[str],
    periods: Sequence[str],
    colours: Sequence[str] | None = None,
    size: tuple[float, float] = (7.6, 4.2),
    axes: Axes | None = None,
) -> Figure:
    """An alluvial diagram: bars of stages at each period, bands of those who move from one to the next.

    Parameters
    ----------
    counts : array_like, shape (periods - 1, k, k)
        Customers who moved from the row's stage to the column's, between each period and the next.
    states : sequence of str
        The k stages, as they stand from top to bottom.
    periods : sequence of str
        Their names, along the bottom.
    colours : sequence of str, optional
        One a stage. Bands have the colour of the stage that they leave.
    size : pair of float
        Inches, of a figure of its own.
    axes : matplotlib Axes, optional
        Where to draw, for several side by side.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        If the shapes do not agree, or the customers who arrive at a period are not those who leave it.
    """
    counts = np.asarray(counts, float)
    k = len(states)
    if counts.ndim != 3 or counts.shape != (len(periods) - 1, k, k):
        raise InputError(
            f"counts has shape {counts.shape}; {len(periods)} periods and {k} states need "
            f"{(len(periods) - 1, k, k)}"
        )
    if (counts < 0).any() or not np.isfinite(counts).all():
        raise InputError("counts holds negative or missing numbers")
    if not np.allclose(counts[:-1].sum(axis=1), counts[1:].sum(axis=2)):
        raise InputError("counts do not join: those who arrive in a stage are not those who leave it next")
    shares = counts / counts[0].sum()
    heights = np.vstack([shares[:1].sum(axis=2), shares.sum(axis=1)])
    tops = 1 + GAP * (k - 1) - np.cumsum(heights + GAP, axis=1) + heights + GAP
    colours = list(colours or [SERIES[number % len(SERIES)] for number in range(k)])
    if axes is None:
        _, axes = subplots(figsize=size)
    for at, flow in enumerate(shares):
        _bands(axes, at, flow, tops[at], tops[at + 1], colours)
    for at, (height, top) in enumerate(zip(heights, tops)):
        axes.bar([at] * k, height, BAR, top - height, color=colours, zorder=3)
        for share, upper, colour in zip(height, top, colours):
            if share >= 0.04:
                label = {"ha": "center", "va": "center", "fontsize": 8, "weight": "bold"}
                axes.text(at, upper - share / 2, f"{share:.0%}", zorder=4, color=ink_on(colour), **label)
    for name, height, middle in zip(states, heights[-1], tops[-1] - heights[-1] / 2):
        if height > 0:  # beside its bar, in ink: many a colour is too light for letters
            axes.text(len(periods) - 1 + 0.6 * BAR + 0.03, middle, name, va="center", weight="bold")
    axes.set(xlim=(-BAR, len(periods) - 1 + 0.55), ylim=(-0.01, 1.01 + GAP * (k - 1)), yticks=[])
    axes.set_xticks(range(len(periods)), periods)
    axes.tick_params(axis="x", length=0)
    axes.grid(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    return axes.figure


def _bands(axes, at, flow, leave, arrive, colours):
    """The bands of one move; in a stage they lie in the order of where they go to, or come from."""
    leave, arrive = leave.copy(), arrive.copy()
    left, right = at + BAR / 2, at + 1 - BAR / 2
    middle = (left + right) / 2
    for start in range(len(flow)):
        for end in range(len(flow)):
            thick = flow[start, end]
            if thick == 0:
                continue
            a, b = leave[start], arrive[end]
            there = [(left, a), (middle, a), (middle, b), (right, b)]
            corners = [*there, *((x, y - thick) for x, y in reversed(there)), (left, a)]
            codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
            axes.add_patch(PathPatch(Path(corners, codes), facecolor=colours[start], alpha=0.35, linewidth=0))
            leave[start] -= thick
            arrive[end] -= thick
