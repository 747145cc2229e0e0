"""Shares by group with their intervals, and the true chance beside each."""

from collections.abc import Sequence

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from crmlab.plots.style import LINES, MARKERS, TRUTH
from crmlab.words import translated


def shares_and_truth(
    axes: Axes,
    table: pd.DataFrame,
    x: str,
    hue: str,
    hue_order: Sequence[str],
    share: str = "share",
    chance: str = "chance",
    order: Sequence[str] | None = None,
    palette: Sequence[str] | None = None,
    lines: bool = False,
) -> None:
    """Draw the mean of a share with 95% intervals (1.96 standard errors), and dashes at the true chance.

    Parameters
    ----------
    axes : Axes
    table : DataFrame
        A row a customer, or a customer and time.
    x, hue : str
        Columns: the groups along the axis, and the kinds that differ by colour and marker.
    hue_order : sequence of str
        The kinds, in the order of the legend.
    share, chance : str
        Columns, in the same unit: what happened to each row, and how likely it truly was.
    order : sequence of str, optional
        Of the groups.
    palette : sequence of str, optional
        A colour for each kind; the style's own if not given.
    lines : bool
        Whether lines join the groups of a kind.
    """
    many, about = len(hue_order), {"x": x, "hue": hue, "hue_order": hue_order, "order": order, "dodge": 0.3}
    styles = LINES[:many] if lines else ["none"] * many
    sns.pointplot(
        table,
        y=share,
        errorbar=("se", 1.96),
        palette=palette,
        markers=MARKERS[:many],
        markersize=7,
        linestyles=styles,
        linewidth=1.8,
        err_kws={"linewidth": 1.5},
        ax=axes,
        **about,
    )
    sns.pointplot(
        table,
        y=chance,
        errorbar=None,
        palette=[TRUTH] * many,
        markers="_",
        markersize=14,
        linestyles="none",
        legend=False,
        ax=axes,
        **about,
    )
    axes.plot([], [], "_", color=TRUTH, markersize=14, label=translated("truth"))
    axes.legend()
