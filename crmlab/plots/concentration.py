"""Who holds how much: Lorenz curves from the top, whale curves, and the least ratio that a share allows."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from crmlab.plots.style import MARKERS, TRUTH, looks
from crmlab.words import translated


def lorenz_plot(
    axes: Axes,
    curves: Mapping[str, pd.DataFrame],
    truth: Mapping[str, ArrayLike] | None = None,
    who: str = "customers, best first (%)",
    what: str = "their share of contribution (%)",
) -> None:
    """Draw what the best customers hold, with a band, and the truth beside each curve.

    Parameters
    ----------
    axes : Axes
    curves : dict of str to DataFrame
        Columns fraction, share, low, high, all from 0 to 1.
    truth : dict of str to array, optional
        The true share at the same fractions.
    who, what : str
        Labels of the axes.
    """
    for name, curve in curves.items():
        look = {**looks(list(curves))[name], "marker": ""}
        axes.fill_between(
            100 * curve.fraction, 100 * curve.low, 100 * curve.high, color=look.get("color"), alpha=0.25, lw=0
        )
        axes.plot(100 * curve.fraction, 100 * curve.share, label=name, **look)
    for name, shares in (truth or {}).items():
        label = translated("truth") if name == next(iter(truth or {})) else None
        axes.plot(
            100 * curves[name].fraction, 100 * np.asarray(shares), ":", color=TRUTH, lw=1.5, label=label
        )
    axes.axline((0, 0), (100, 100), color="0.7", lw=1)
    axes.axvline(20, color="0.7", lw=1, ls="--")
    axes.set(xlabel=who, ylabel=what, xlim=(0, 100), ylim=(0, 102))
    axes.legend(loc="lower right")


def whale_plot(
    axes: Axes, profit: ArrayLike, truth: tuple[ArrayLike, ArrayLike] | None = None
) -> tuple[float, float]:
    """Draw the profit that adds up from the best customer to the worst, in percent of the whole.

    Parameters
    ----------
    axes : Axes
    profit : array of shape (customers,)
        Some of it negative, their sum positive.
    truth : pair of array, optional
        Fractions of the customers from 0 to 1, and the true share of profit at each.

    Returns
    -------
    pair of float
        The share of customers at which profit is highest, and how high, both in percent.
    """
    ordered = np.sort(np.asarray(profit, dtype=float))[::-1]
    added = np.r_[0, 100 * np.cumsum(ordered) / ordered.sum()]
    who = np.linspace(0, 100, added.size)
    axes.plot(who, added, label=translated("customers"))
    if truth is not None:
        axes.plot(*(100 * np.asarray(each) for each in truth), ":", color=TRUTH, label=translated("truth"))
    best = int(added.argmax())
    axes.plot(who[best], added[best], MARKERS[0], color=TRUTH, ms=7)
    axes.axhline(100, color="0.7", lw=1)
    axes.set(
        xlabel="customers on the list, best first (%)",
        ylabel="profit so far (% of all)",
        xlim=(0, 100),
        ylim=(0, None),
    )
    axes.legend(loc="lower right")
    return float(who[best]), float(added[best])
