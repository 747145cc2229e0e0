"""Pictures of a customer base: forecasts tracked week by week, who is still active, how often people buy."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike

from crmlab.plots.style import HEADLINE, NAIVE, PALETTE, TRUTH, subplots
from crmlab.words import words


def tracking_plot(
    weeks: ArrayLike, actual: ArrayLike, forecasts: Mapping[str, ArrayLike], calibration_end: float
) -> Figure:
    """Purchases of a cohort by calendar week, made and forecast: cumulative, and a week at a time.

    Parameters
    ----------
    weeks : array, shape (k,)
        End of each week.
    actual : array, shape (k,)
        Purchases made in each week.
    forecasts : dict of str to array, shape (k,)
        Purchases forecast for each week, by name, the headline first; NaN where there is no forecast.
    calibration_end : float
        The week at which the forecasters' data end.

    Returns
    -------
    matplotlib Figure
    """
    weeks, actual = np.asarray(weeks), np.asarray(actual, float)
    figure, (total, weekly) = subplots(1, 2, figsize=(9.6, 3.7))
    total.plot(weeks, np.cumsum(actual), color=TRUTH, label=words("clv.actual"))
    weekly.plot(weeks, actual, color=TRUTH, linewidth=1.2, label=words("clv.actual"))
    for (name, forecast), colour, dash in zip(forecasts.items(), (HEADLINE, NAIVE), ("--", ":")):
        forecast = np.asarray(forecast, float)
        known = np.isfinite(forecast)
        start = actual[: np.argmax(known)].sum()  # a forecast that begins late goes on from what had happened
        total.plot(weeks[known], start + np.cumsum(forecast[known]), color=colour, linestyle=dash, label=name)
        weekly.plot(weeks[known], forecast[known], color=colour, linestyle=dash, label=name)
    for axes, title in ((total, "clv.cumulative"), (weekly, "clv.weekly")):
        axes.axvline(calibration_end, color="0.5", linewidth=1)
        axes.set(xlabel=words("clv.week"), title=words(title), xlim=(0, weeks[-1]), ylim=(0, None))
    total.set_ylabel(words("clv.repeat_purchases"))
    for label, side, shift in (("clv.calibration", "right", -1), ("clv.holdout", "left", 1)):
        weekly.text(
            calibration_end + shift, 0.97 * weekly.get_ylim()[1], words(label), ha=side, va="top", color="0.4"
        )
    total.legend(loc="upper left")
    return figure


def alive_map(
    model: Any,
    T: float,
    most: int = 15,
    customer: tuple[float, float] | None = None,
    axes: Axes | None = None,
) -> Figure:
    """Probability of still being active, over the number of repeat purchases and the week of the last one.

    Parameters
    ----------
    model
        With ``probability_alive(frequency, recency, T)``.
    T : float
        Weeks observed.
    most : int
        Repeat purchases on the axis, from 1.
    customer : (int, float), optional
        Frequency and recency to mark.
    axes : matplotlib Axes, optional

    Returns
    -------
    matplotlib Figure
    """
    figure, axes = (axes.figure, axes) if axes is not None else subplots(figsize=(6.4, 3.8))
    frequency, recency = np.arange(1, most + 1), np.linspace(0.0, T, 121)
    x, t_x = np.meshgrid(frequency, recency)
    t_x = np.maximum(t_x, T * 1e-6)  # a repeat purchase comes after the first
    alive = model.probability_alive(x, t_x, np.full(x.shape, float(T)))
    shown = axes.pcolormesh(
        frequency, recency, alive, cmap="cividis", vmin=0, vmax=1, shading="nearest", rasterized=True
    )
    lines = axes.contour(frequency, recency, alive, levels=[0.1, 0.5, 0.9], colors="white", linewidths=1)
    axes.clabel(lines, fmt=lambda level: f"{level:.0%}", fontsize=8)
    if customer is not None and customer[0] > 0:
        axes.plot(
            *customer,
            marker="o",
            markersize=10,
            color=NAIVE,
            markeredgecolor="white",
            clip_on=False,
            zorder=5,
        )
    axes.grid(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel=words("clv.frequency"), ylabel=words("clv.recency"), title=words("clv.alive"))
    figure.colorbar(shown, ax=axes, format=PercentFormatter(1), label=words("clv.alive"))
    return figure


def frequency_plot(actual: ArrayLike, expected: ArrayLike) -> Figure:
    """How many customers made 0, 1, 2, … repeat purchases, and how many the model expects.

    Parameters
    ----------
    actual, expected : arrays, shape (k,)
        Customers with 0, 1, …, k − 1 or more repeat purchases.

    Returns
    -------
    matplotlib Figure
    """
    figure, axes = subplots(figsize=(6.4, 3.2))
    place = np.arange(len(actual))
    axes.bar(place - 0.2, actual, 0.38, color="0.25", label=words("clv.actual"))
    axes.bar(place + 0.2, expected, 0.38, color=HEADLINE, label=words("clv.model"))
    axes.set_xticks(place, [str(each) for each in place[:-1]] + [f"{place[-1]}+"])
    axes.set(xlabel=words("clv.frequency"), ylabel=words("clv.customers"))
    axes.legend()
    return figure


def histories_plot(
    purchases: pd.DataFrame,
    lifetimes: ArrayLike,
    entries: ArrayLike,
    shown: ArrayLike,
    calibration_end: float,
    end: float,
) -> Figure:
    """Purchases of some customers as dots, on lines that show how long each really was one.

    Parameters
    ----------
    purchases : DataFrame
        Columns ``customer`` and ``week``, counted from the customer's first purchase.
    lifetimes, entries : array, shape (customers,)
        When each customer left, counted from the first purchase, and when that was.
    shown : array of int
        Customers to show, those who leave first at the bottom.
    calibration_end, end : float
        Where the forecast is made, and where watching ends.

    Returns
    -------
    matplotlib Figure
    """
    lifetimes, entries, shown = np.asarray(lifetimes), np.asarray(entries), np.asarray(shown)
    shown = shown[np.argsort(np.minimum(lifetimes[shown], end), kind="stable")]
    figure, axes = subplots(figsize=(7.6, 4.6))
    for row, customer in enumerate(shown):
        stays = [entries[customer], min(entries[customer] + lifetimes[customer], end)]
        bought = entries[customer] + purchases["week"][purchases["customer"] == customer]
        axes.plot(stays, [row, row], color=PALETTE["sky"], linewidth=3, alpha=0.7)
        axes.plot(bought, np.full(len(bought), row), "o", color=TRUTH, markersize=2.6)
    axes.axvline(calibration_end, color="0.4", linewidth=1)
    above = len(shown) + 1.5
    axes.text(calibration_end - 0.5, above, words("clv.seen"), ha="right", color="0.4")
    axes.text(calibration_end + 0.5, above, words("clv.came"), color="0.4")
    axes.set(xlabel=words("clv.calendar_week"), ylabel=words("clv.customer"), xlim=(0, end), yticks=[])
    axes.set_ylim(-1, len(shown) + 3)
    return figure


def gain_map(
    gain: ArrayLike,
    retentions: ArrayLike,
    discounts: ArrayLike,
    claimed: tuple[float, float] = (0.25, 0.90),
) -> Figure:
    """Relative gain in customer value over retention and discount rates, with the claimed range outlined.

    Parameters
    ----------
    gain : array, shape (len(discounts), len(retentions))
        NaN where retention cannot be raised that far.
    claimed : pair of float

    Returns
    -------
    matplotlib Figure
    """
    figure, axes = subplots(figsize=(6.8, 3.9))
    levels = [0.0, 0.10, 0.15, claimed[0], 0.5, claimed[1]]
    shown = axes.contourf(
        retentions,
        discounts,
        gain,
        levels=levels,
        cmap="cividis",
        norm=BoundaryNorm(levels, 256, extend="max"),
        extend="max",
    )
    axes.contour(retentions, discounts, gain, levels=list(claimed), colors="white", linewidths=2.5)
    axes.grid(False)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel=words("clv.retention"), ylabel=words("clv.discount"))
    figure.colorbar(shown, ax=axes, format=PercentFormatter(1, decimals=0), label=words("clv.gain"))
    return figure
