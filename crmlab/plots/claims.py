"""The map of a claimed number: how its values are spread over markets, and in which it holds."""

from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from crmlab.plots.style import HEADLINE, TRUTH, subplots
from crmlab.words import translated, words

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
    shares, across, up = audit.cells(over)
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


def _labels(values: np.ndarray) -> list[str]:
    return [f"{value:.2g}" for value in values]
