"""Pictures of a fitted customer-base model, with intervals from the covariance of its estimates.

Every picture takes a fitted model of `crmlab.models.btyd`; where the fit has no covariance, or the parameters
are given, intervals are left out.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike
from scipy.stats import beta as beta_distribution
from scipy.stats import gamma as gamma_distribution

from crmlab.errors import InputError
from crmlab.plots.intervals import REACH, interval
from crmlab.plots.style import HEADLINE, NAIVE, TRUTH, subplots
from crmlab.words import words

SAMPLE = 8_000  # customers from which intervals of means are computed


def _band(axes, x, low, high, **options):
    if low is not None:
        axes.fill_between(
            x, low, high, color=options.pop("color", HEADLINE), alpha=0.22, linewidth=0, **options
        )


def cohort_curve(model: Any, births: tuple[ArrayLike, ArrayLike], times: ArrayLike) -> np.ndarray:
    """Expected repeat purchases of a cohort by calendar time, as a function of a model for `interval`.

    Parameters
    ----------
    births : (times, counts)
        When customers made their first purchase, and how many; or what has a method ``curve(model, times)``.
    times : array
        Calendar times, in the model's unit.
    """
    if hasattr(births, "curve"):
        return births.curve(model, np.asarray(times, float))
    born, counts = (np.asarray(each, float) for each in births)
    ages, which = np.unique(
        np.round(np.maximum(np.asarray(times)[:, None] - born, 0.0), 9), return_inverse=True
    )
    return model.expected_purchases(ages)[which.reshape(len(times), len(born))] @ counts


def tracking(
    model: Any,
    births: tuple[ArrayLike, ArrayLike],
    times: ArrayLike,
    purchases: ArrayLike,
    calibration_end: float | None = None,
    unit: str = "W",
    bins: str | None = None,
    whole: int | None = None,
) -> Figure:
    """Repeat purchases of a cohort by calendar time, made and expected: all so far, and those of each period.

    Parameters
    ----------
    model
        Fitted to the purchases up to `calibration_end`.
    births : (array, array)
        Calendar times of first purchases, in the model's unit, and customers with each.
    times : array, shape (k + 1,)
        Ends of the periods, the first being the start.
    purchases : array, shape (k,)
        Repeat purchases made in each period.
    calibration_end : float, optional
        Calendar time at which the data of the fit end.
    unit : str
        Of the times, as ``"W"``.
    bins : str, optional
        What a period is called; "each week".
    whole : int, optional
        Periods that are shown one by one: all but a last one that is shorter.

    Returns
    -------
    matplotlib Figure
        Bands are 95% intervals of what is expected, from the covariance of the estimates; chance in the
        purchases themselves comes on top.
    """
    times, purchases = np.asarray(times, float), np.asarray(purchases, float)
    figure, (total, each) = subplots(1, 2, figsize=(9.6, 3.7))
    begin = cohort_curve(model, births, times[:1])[0]
    total.plot(times, np.r_[0.0, np.cumsum(purchases)], color=TRUTH, label=words("fit.made"))
    expected, low, high = interval(model, lambda m: cohort_curve(m, births, times[1:]), "log")
    total.plot(
        times[1:],
        expected - begin,
        color=HEADLINE,
        linestyle="--",
        label=words("fit.expected", name=model.name),
    )
    _band(total, times[1:], low, high)
    middle, whole = times[1:][:whole], len(purchases) if whole is None else whole
    each.plot(middle, purchases[:whole], color=TRUTH, linewidth=1.2)
    expected, low, high = interval(model, lambda m: np.diff(cohort_curve(m, births, times))[:whole], "plain")
    each.plot(middle, expected, color=HEADLINE, linestyle="--")
    _band(each, middle, low, high)
    titles = words("fit.cumulative"), words("fit.incremental", period=bins or words("fit.week"))
    for axes, title in zip((total, each), titles):
        axes.set(
            xlabel=words(f"fit.calendar_{unit}"), title=title, xlim=(times[0], times[-1]), ylim=(0, None)
        )
        if calibration_end is not None:
            axes.axvline(calibration_end, color="0.5", linewidth=1)
    total.set_ylabel(words("fit.repeat_purchases"))
    total.legend(loc="upper left")
    if calibration_end is not None:
        shift, top = 0.012 * (times[-1] - times[0]), 0.98 * each.get_ylim()[1]
        each.text(calibration_end - shift, top, words("fit.calibration"), ha="right", va="top", color="0.35")
        each.text(calibration_end + shift, top, words("fit.holdout"), ha="left", va="top", color="0.35")
    return figure


def holdout(
    model: Any,
    summary: pd.DataFrame,
    each: ArrayLike | None = None,
    most: int = 7,
    ask: Callable[[Any, np.ndarray], np.ndarray] | None = None,
    weights: ArrayLike | None = None,
) -> Figure:
    """Purchases in the holdout, made and expected, of customers with 0, 1, 2, … in calibration.

    Parameters
    ----------
    model
        Fitted to the calibration columns.
    summary : pandas.DataFrame
        frequency, recency, T, frequency_holdout, duration_holdout, as from `crmlab.data.customer_summary`.
    each : array, shape (n,), optional
        Purchases expected of each customer, if known already.
    most : int
        Customers with that many purchases or more are one group.
    ask : callable, optional
        ``ask(model, rows)`` gives the purchases expected of the customers at some positions, where the model
        looks at more than the summary.
    weights : array, shape (n,), optional
        How many customers each row stands for.

    Returns
    -------
    matplotlib Figure
        Whiskers are 95% intervals of the mean over customers, the band is that of the expectation.
    """
    group = np.minimum(summary["frequency"].to_numpy(), most).astype(int)
    groups = np.unique(group)
    made = summary["frequency_holdout"].to_numpy(float)
    place = np.searchsorted(groups, group).astype(np.intp, copy=False)
    each = _expected(model, summary) if each is None else each
    weights = np.ones(len(made)) if weights is None else np.asarray(weights, float)
    size = np.bincount(place, weights)
    mean = np.bincount(place, weights * made) / size
    with np.errstate(divide="ignore", invalid="ignore"):  # of one customer no spread is known
        error = np.sqrt(
            np.maximum(np.bincount(place, weights * made**2) / size - mean**2, 0.0) / (size - 1.0)
        )
    expected = np.bincount(place, weights * each) / size
    some = _spread_sample(group, groups)
    ask = ask or (lambda m, rows: _expected(m, summary.iloc[rows]))
    own = place[some].astype(np.intp, copy=False)
    heavy = weights[some]
    rough, low, high = interval(
        model, lambda m: np.bincount(own, heavy * ask(m, some)) / np.bincount(own, heavy), "log"
    )
    figure, axes = subplots(figsize=(6.8, 3.8))
    if low is not None:  # the width is that of the sample, the middle that of all
        axes.fill_between(
            groups, expected * low / rough, expected * high / rough, color=HEADLINE, alpha=0.22, linewidth=0
        )
    axes.plot(
        groups,
        expected,
        color=HEADLINE,
        linestyle="--",
        marker="s",
        label=words("fit.expected", name=model.name),
    )
    axes.errorbar(
        groups,
        mean,
        REACH * error,
        color=TRUTH,
        marker="o",
        capsize=3,
        linewidth=1.4,
        label=words("fit.made"),
    )
    axes.set_xticks(groups, [f"{k}+" if k == most else str(k) for k in groups])
    axes.set(xlabel=words("fit.frequency_calibration"), ylabel=words("fit.holdout_mean"), ylim=(0, None))
    axes.legend(loc="upper left")
    return figure


def _expected(model, summary):
    return model.conditional_expected_purchases(
        float(summary["duration_holdout"].iloc[0]), summary["frequency"], summary["recency"], summary["T"]
    )


def _spread_sample(group, groups):
    """Rows of a sample with as many of each group as there is room for, spread evenly."""
    room = max(1, SAMPLE // len(groups))
    rows = [np.flatnonzero(group == k) for k in groups]
    return np.concatenate(
        [each[np.linspace(0, len(each) - 1, min(room, len(each))).astype(int)] for each in rows]
    )


def frequency_histogram(
    model: Any, frequency: ArrayLike, T: ArrayLike, most: int = 10, weights: ArrayLike | None = None
) -> Figure:
    """How many customers made 0, 1, 2, … repeat purchases, and how many the model expects.

    Parameters
    ----------
    frequency, T : arrays, shape (n,)
    most : int
        Customers with that many purchases or more are one bar.
    weights : array, shape (n,), optional
        How many customers each row stands for.

    Returns
    -------
    matplotlib Figure
        Whiskers hold 95% of cohorts that the model would draw: uncertainty of the estimates and chance.
    """
    frequency = np.asarray(frequency)
    most = int(min(most, max(frequency.max(), 2)))
    windows, code = np.unique(np.asarray(T, float), return_inverse=True)
    counts = np.bincount(code.astype(np.intp, copy=False), weights)
    made = np.bincount(np.minimum(frequency, most).astype(np.intp, copy=False), weights, most + 1)

    def chances(m):  # shape (windows, most + 1)
        below = m.probability_of_n(np.arange(most), windows[:, None])
        return np.column_stack([below, np.maximum(1.0 - below.sum(axis=1), 0.0)])

    expected, low, high = interval(model, lambda m: counts @ chances(m), "plain")
    own = chances(model)
    chance = np.sqrt(counts @ (own * (1.0 - own)))
    figure, axes = subplots(figsize=(6.8, 3.6))
    place = np.arange(most + 1)
    axes.bar(place - 0.2, made, 0.38, color="0.25", label=words("fit.made"))
    axes.bar(place + 0.2, expected, 0.38, color=HEADLINE, label=words("fit.expected", name=model.name))
    if low is not None:
        reach = np.sqrt(((high - low) / 2) ** 2 + (REACH * chance) ** 2)
        axes.errorbar(place + 0.2, expected, reach, color=TRUTH, linestyle="none", capsize=2.5, linewidth=1)
    axes.set_xticks(place, [*map(str, place[:-1]), f"{most}+"])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set(xlabel=words("fit.frequency"), ylabel=words("fit.customers"))
    axes.grid(False, axis="x")
    axes.legend()
    return figure


def alive_history(model: Any, times: ArrayLike, end: float, unit: str = "W", steps: int = 300) -> Figure:
    """One customer's probability of being active through time, which rises at purchases and falls in silence.

    Parameters
    ----------
    times : array
        Purchases after the first, in the model's unit since the first, ascending.
    end : float
        Until when.

    Returns
    -------
    matplotlib Figure
        The band is the 95% interval from the covariance of the estimates.
    """
    times = np.asarray(times, float)
    if times.size and (np.any(np.diff(times) < 0) or times[0] < 0 or times[-1] > end):
        raise InputError(
            f"times must ascend from 0 to end, {end:g}; they run from {times.min():g} to {times.max():g}"
        )
    just = 1e-9 * end
    grid = np.unique(
        np.concatenate([np.linspace(end / steps, end, steps), times, np.maximum(times - just, 0.0)])
    )
    bought = np.searchsorted(times, grid, side="right")
    last = np.where(bought > 0, np.r_[0.0, times][bought], 0.0)
    middle, low, high = interval(model, lambda m: m.probability_alive(bought, last, grid), "logit")
    figure, axes = subplots(figsize=(7.6, 3.2))
    if low is not None:
        certain = middle >= 1.0
        _band(axes, grid, np.where(certain, 1.0, low), np.where(certain, 1.0, high))
    axes.plot(grid, middle, color=HEADLINE)
    axes.plot(
        np.r_[0.0, times],
        np.zeros(times.size + 1),
        linestyle="none",
        marker="|",
        markersize=14,
        markeredgewidth=2,
        color=TRUTH,
        clip_on=False,
        label=words("fit.purchase"),
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel=words(f"fit.since_{unit}"), ylabel=words("fit.alive"), ylim=(0, 1.02), xlim=(0, end))
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), markerscale=0.6, borderaxespad=0.2)
    return figure


def heterogeneity(model: Any, unit: str = "W") -> Figure:
    """How customers differ: the densities of purchase rates and of dropout over them.

    Returns
    -------
    matplotlib Figure
        The bands are 95% intervals, point by point, from the covariance of the estimates. Vertical lines are
        means.

    Raises
    ------
    InputError
        If the model has covariates: customers then differ by these too.
    """
    if any(model.covariate_names_):
        raise InputError(
            f"model was fitted with covariates; give model.at(...), the {model.name} of customers with "
            f"given covariates"
        )
    figure, (left, right) = subplots(1, 2, figsize=(9.6, 3.4))
    r, alpha = model.params_["r"], model.params_["alpha"]
    _density(
        left,
        model,
        lambda m, x: gamma_distribution.pdf(x, m.params_["r"], scale=1.0 / m.params_["alpha"]),
        gamma_distribution.ppf([0.02, 0.97], r, scale=1.0 / alpha),
        r / alpha,
        words(f"fit.rate_{unit}"),
    )
    if "a" in model.params_:
        a, b = model.params_["a"], model.params_["b"]
        _density(
            right,
            model,
            lambda m, x: beta_distribution.pdf(x, m.params_["a"], m.params_["b"]),
            beta_distribution.ppf([0.02, 0.98], a, b),
            a / (a + b),
            words("fit.dropout_probability"),
        )
        right.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    else:
        s, beta = model.params_["s"], model.params_["beta"]
        _density(
            right,
            model,
            lambda m, x: gamma_distribution.pdf(x, m.params_["s"], scale=1.0 / m.params_["beta"]),
            gamma_distribution.ppf([0.02, 0.97], s, scale=1.0 / beta),
            s / beta,
            words(f"fit.dropout_rate_{unit}"),
        )
    left.set_ylabel(words("fit.density"))
    return figure


def _density(axes, model, density, ends, mean, label):
    x = np.linspace(max(ends[0], ends[1] * 0.004), ends[1], 240)
    middle, low, high = interval(model, lambda m: density(m, x), "log")
    _band(axes, x, low, high)
    axes.plot(x, middle, color=HEADLINE)
    axes.axvline(
        mean, color=NAIVE, linewidth=1.4, linestyle=(0, (4, 3)), label=words("fit.mean", mean=f"{mean:.3g}")
    )
    top = min(1.1 * middle.max(), 6.0 * np.median(middle))
    axes.set_xlabel(label)
    if ends[1] > 0 and 0 < top < np.inf:  # parameters at a boundary make a density of spikes, or none
        axes.set(xlim=(0, ends[1]), ylim=(0, top))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.legend()
