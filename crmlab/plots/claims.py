"""The map of a claimed number: how its values are spread over markets, and in which it holds."""

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from crmlab.plots.style import HEADLINE, TRUTH, subplots
from crmlab.words import translated, words

BINS = 8
SHOWN = (0.005, 0.995)  # of the values: the tails would squeeze the rest


def claim_map(audit: Any, over: tuple[str, str] | None = None) -> Figure:
    """Left: the quantity's values over the region, and what is claimed. Right: where the claim holds.

    Parameters
    ----------
    audit : Audit
        What `crmlab.claims.audit` returns.
    over : pair of str, optional
        The two parameters of the map; the quantity's own otherwise.
    """
    figure, (values, places) = subplots(1, 2, figsize=(9.6, 3.9))
    _draw_values(values, audit)
    _draw_places(places, audit, over or audit.quantity.map)
    return figure


def _draw_values(axes: Axes, audit: Any) -> None:
    found = audit.possible["value"]
    low, high = found.quantile(list(SHOWN))
    ratio = not audit.quantity.percent and low > 0
    shown = found[found.between(low, high)]
    sns.histplot(x=shown, ax=axes, bins=40, stat="probability", color=HEADLINE, log_scale=ratio, alpha=0.5)
    start, stop = axes.get_xlim()
    axes.axvspan(
        max(audit.claim.low, start),
        min(audit.claim.high, stop),
        facecolor="none",
        edgecolor=TRUTH,
        hatch="///",
        linewidth=1,
        label=words("claims.claimed", interval=audit.interval()),
    )
    axes.set(
        xlim=(start, stop), xlabel=translated(audit.quantity.name), ylabel=words("claims.share_of_markets")
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: audit.written(value)))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1))


def _draw_places(axes: Axes, audit: Any, over: tuple[str, str]) -> None:
    shares, across, up = _cells(audit, over)
    sns.heatmap(
        shares[::-1],
        vmin=0,
        vmax=1,
        cmap="cividis",
        ax=axes,
        annot=True,
        fmt=".0%",
        annot_kws={"fontsize": 7},
        cbar_kws={"label": words("claims.share_holding"), "format": PercentFormatter(1)},
        xticklabels=_labels(across),
        yticklabels=_labels(up)[::-1],
    )
    axes.set(xlabel=translated(over[0].replace("_", " ")), ylabel=translated(over[1].replace("_", " ")))
    axes.set_title(words("claims.holds_in", share=audit.share))
    axes.tick_params(axis="both", labelsize=8, rotation=0)


def _cells(audit: Any, over: tuple[str, str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share holding in each cell, rows up; the middles of the bins across and up."""
    edges = [audit.ranges[name].at(np.linspace(0, 1, BINS + 1)) for name in over]
    middles = [audit.ranges[name].at((np.arange(BINS) + 0.5) / BINS) for name in over]
    bins = [
        pd.cut(audit.possible[name], _apart(edge), labels=False, include_lowest=True)
        for name, edge in zip(over, edges, strict=True)
    ]
    table = audit.possible.groupby([bins[1], bins[0]])["holds"].mean().unstack()
    return table.reindex(index=range(BINS), columns=range(BINS)).to_numpy(), middles[0], middles[1]


def _apart(edges: np.ndarray) -> np.ndarray:
    """Edges of bins; a parameter that is fixed gets bins around its value."""
    if edges[0] < edges[-1]:
        return edges
    return edges[0] + np.linspace(-1, 1, BINS + 1) * max(abs(edges[0]), 1.0) * 1e-9


def _labels(values: np.ndarray) -> list[str]:
    return [f"{value:.2g}" for value in values]
