"""Pictures of a whole customer base: how unequal it is, its cohorts, and what a forecast missed."""

import calendar
from typing import Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from crmlab.plots.style import HEADLINE, NAIVE, subplots
from crmlab.words import words

SHOWN = 12  # repeat purchases on the axes of matrices
STEPS = 8  # times of the last purchase there


def inequality(shares: np.ndarray, customers: np.ndarray, total: np.ndarray, measure: str) -> Figure:
    """Share of a total by decile of customers, and the Lorenz curve.

    Parameters
    ----------
    shares : array, shape (k,)
        Of each decile, the most valuable first.
    customers, total : arrays
        Shares of customers from the least valuable, and of the total.
    measure : str
        What is shared, in words.
    """
    figure, (bars, curve) = subplots(1, 2, figsize=(9.6, 3.6), width_ratios=(1.5, 1))
    place = np.arange(1, len(shares) + 1)
    drawn = bars.bar(place, shares, color=HEADLINE)
    bars.bar_label(drawn, [f"{share:.0%}" if share >= 0.005 else "<1%" for share in shares], fontsize=9)
    bars.set_xticks(place)
    bars.set(xlabel=words("fit.decile_axis"), ylabel=words("fit.share_of", measure=measure))
    bars.grid(visible=False, axis="x")
    curve.fill_between(customers, total, customers, color=HEADLINE, alpha=0.15, linewidth=0)
    curve.plot(customers, total, color=HEADLINE, label=words("fit.lorenz"))
    curve.plot([0, 1], [0, 1], color="0.4", linestyle=":", linewidth=1.4, label=words("fit.equal"))
    curve.set(
        xlabel=words("fit.share_customers"),
        ylabel=words("fit.share_of", measure=measure),
        xlim=(0, 1),
        ylim=(0, 1),
    )
    curve.legend(loc="upper left")
    for axis in (bars.yaxis, curve.xaxis, curve.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def matrices(model: Any, T: float, horizon: float, unit: str = "W") -> Figure:
    """P(alive) and expected purchases over repeat purchases and the time of the last one, as numbers.

    Parameters
    ----------
    T : float
        Time observed.
    horizon : float
        For how long ahead purchases are expected.
    """
    counts = np.arange(1, SHOWN + 1)
    recency = np.linspace(T / STEPS, T, STEPS)
    x, t_x = np.meshgrid(counts.astype(float), recency)
    seen = np.full(x.shape, float(T))
    tables = (
        (model.probability_alive(x, t_x, seen), "fit.alive", "{:.0%}"),
        (model.conditional_expected_purchases(horizon, x, t_x, seen), "fit.expected_ahead", "{:.1f}"),
    )
    figure, both = subplots(1, 2, figsize=(9.6, 4.1), sharey=True)
    for axes, (table, title, form) in zip(both, tables):
        top = max(float(table.max()), 1e-9)
        axes.imshow(table, cmap="Blues", vmin=0, vmax=top, origin="lower", aspect="auto")
        for (row, column), value in np.ndenumerate(table):
            ink = "white" if value > 0.6 * top else "black"
            _cell(axes, column, row, form.format(value), 7, ink)
        axes.set_xticks(range(SHOWN), counts)
        axes.set_yticks(range(STEPS), [f"{each:.3g}" for each in recency])
        axes.set(xlabel=words("fit.frequency"), title=words(title))
        axes.grid(visible=False)
    both[0].set_ylabel(words(f"fit.last_{unit}"))
    return figure


def _cell(axes: Any, column: int, row: int, text: str, size: int, ink: str) -> None:
    """A number in a cell, which the layout of the figure need not look at."""
    drawn = axes.text(column, row, text, ha="center", va="center", fontsize=size, color=ink)
    drawn.set_in_layout(False)


def retention(table: pd.DataFrame) -> Figure:
    """Repeat purchases a customer by cohort, in rows, and age, in columns; blank where not yet seen."""
    values = table.to_numpy(float)
    figure, axes = subplots(figsize=(7.6, 1.2 + 0.34 * len(table)))
    top = max(np.nanmax(values), 1e-9) if np.isfinite(values).any() else 1.0
    axes.imshow(np.ma.masked_invalid(values), cmap="Blues", vmin=0, vmax=top, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            ink = "white" if value > 0.6 * top else "black"
            _cell(axes, column, row, f"{value:.2f}", 8, ink)
    axes.set_xticks(range(values.shape[1]), table.columns)
    axes.set_yticks(range(len(table)), [str(each) for each in table.index])
    axes.set(xlabel=words("fit.age_axis"), ylabel=words("fit.cohort"))
    axes.grid(visible=False)
    return figure


def season(factors: pd.DataFrame) -> Figure:
    """By which factor the time of the year multiplies the purchase rate.

    Parameters
    ----------
    factors : pandas.DataFrame
        Months, quarters or weeks of the year in rows; factor, low, high.
    """
    figure, axes = subplots(figsize=(7.6, 3.3))
    axes.axhline(1.0, color="0.4", linestyle=":", linewidth=1.4)
    place, factor = np.arange(len(factors)), factors["factor"].to_numpy()
    low, high = (factors[name].to_numpy() if name in factors else factor for name in ("low", "high"))
    if len(factors) > len(calendar.month_abbr):  # weeks: a wave
        place = place + 1
        axes.fill_between(place, low, high, color=HEADLINE, alpha=0.22, linewidth=0)
        axes.plot(place, factor, color=HEADLINE)
        axes.set_xlabel(words("fit.week_of_year"))
    else:
        whiskers = [factor - low, high - factor]
        axes.errorbar(place, factor, whiskers, color=HEADLINE, marker="o", linestyle="none", capsize=3)
        months = len(factors) == 12
        axes.set_xticks(place, [calendar.month_abbr[each + 1] if months else each + 1 for each in place])
        axes.set_xlabel(words("fit.month" if months else "fit.quarter"))
    axes.set_ylabel(words("fit.season_factor"))
    axes.set_ylim(0, None)
    return figure


def miss(found: Any, split: np.datetime64 | None = None) -> Figure:
    """Purchases made over expected: by month of the year, by time, or by cohort.

    Parameters
    ----------
    found
        With kind, labels, factor, low, high, fitted and place; see `crmlab.reports.misses.Miss`.
    split : datetime64, optional
        End of calibration.
    """
    figure, axes = subplots(figsize=(7.6, 3.3))
    axes.axhline(1.0, color="0.4", linestyle=":", linewidth=1.4)
    whiskers = [found.factor - found.low, found.high - found.factor]
    if found.kind in ("season", "cohorts"):
        place = np.arange(len(found.labels))
        axes.errorbar(place, found.factor, whiskers, color=HEADLINE, marker="o", linestyle="none", capsize=3)
        names = [calendar.month_abbr[each] if found.kind == "season" else str(each) for each in found.labels]
        axes.set_xticks(place, names)
        axes.set_xlabel(words("fit.month" if found.kind == "season" else "fit.cohort"))
    else:
        days = np.array(found.labels, "datetime64[D]")
        axes.errorbar(days, found.factor, whiskers, color="0.45", marker=".", linestyle="none", linewidth=0.9)
        _line(axes, found, days)
        if split is not None:
            axes.axvline(split, color="0.5", linewidth=1)
            axes.text(split, axes.get_ylim()[1], " " + words("fit.holdout"), va="top", color="0.35")
        axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(axes.xaxis.get_major_locator()))
    axes.set_ylabel(words("fit.factor"))
    axes.set_ylim(0, None)
    axes.yaxis.set_major_locator(MaxNLocator(6))
    return figure


def _line(axes: Any, found: Any, days: np.ndarray) -> None:
    if found.place is None:
        axes.plot(days, found.fitted, color=HEADLINE)
        return
    before = days <= found.place
    for part in (before, ~before):
        axes.plot(days[part], found.fitted[part], color=HEADLINE)
    axes.axvline(found.place, color=NAIVE, linestyle=(0, (4, 3)), linewidth=1.4, label=str(found.place))
    axes.legend(loc="upper right")
