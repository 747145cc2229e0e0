"""lifetimes' plotting functions: the house's pictures, with intervals where the model has a covariance.

Each takes a fitted model and returns the axes; words and styles are set on these.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlab.errors import InputError
from crmlab.plots import btyd
from crmlab.plots.style import HEADLINE, subplots

DAYS = {"D": 1.0, "W": 7.0}  # of the units in which transactions are followed


def plot_period_transactions(model: Any, max_frequency: int = 7) -> Axes:
    """How many customers made 0, 1, 2, … repeat purchases, and how many the model expects."""
    data = _data(model)
    return btyd.frequency_histogram(model, data["frequency"], data["T"], max_frequency).axes[0]


def plot_calibration_purchases_vs_holdout_purchases(
    model: Any, calibration_holdout_matrix: pd.DataFrame, n: int = 7
) -> Axes:
    """Mean purchases in the holdout by those in calibration, made and expected."""
    names = {f"{name}_cal": name for name in ("frequency", "recency", "T")}
    return btyd.holdout(model, calibration_holdout_matrix.rename(columns=names), most=n).axes[0]


def plot_frequency_recency_matrix(
    model: Any, T: float = 1, max_frequency: int | None = None, max_recency: int | None = None
) -> Axes:
    """Purchases expected in the next T units of time, by frequency and recency."""
    x, t_x, end = _grid(model, max_frequency, max_recency)
    expected = model.conditional_expected_purchases(T, x, t_x, end)
    return _heatmap(expected, f"Expected purchases in the next {T:g} units of time")


def plot_probability_alive_matrix(
    model: Any, max_frequency: int | None = None, max_recency: int | None = None
) -> Axes:
    """Probability of being active, by frequency and recency."""
    x, t_x, end = _grid(model, max_frequency, max_recency)
    return _heatmap(model.probability_alive(x, t_x, end), "Probability of being active")


def plot_expected_repeat_purchases(model: Any) -> Axes:
    """Purchases expected of a new customer by time, dashed beyond what was observed."""
    longest = _data(model)["T"].max()
    _, axes = subplots(1, 1)
    for times, dashes in (
        (np.linspace(0, longest, 100), "-"),
        (np.linspace(longest, 1.5 * longest, 50), "--"),
    ):
        axes.plot(times, model.expected_purchases(times), dashes, color=HEADLINE)
    axes.set(xlabel="Time since first purchase", ylabel="Expected repeat purchases", xlim=(0, None))
    axes.set_ylim(bottom=0)
    return axes


def plot_history_alive(
    model: Any, t: float, transactions: pd.DataFrame, datetime_col: str, freq: str = "D"
) -> Axes:
    """One customer's probability of being active, from the first purchase to t units later."""
    days = np.unique(pd.to_datetime(transactions[datetime_col]).dt.normalize())
    times = (days[1:] - days[0]) / np.timedelta64(1, "D") / _days(freq)
    return btyd.alive_history(model, times[times <= t], float(t), freq).axes[0]


def plot_cumulative_transactions(
    model: Any,
    transactions: pd.DataFrame,
    datetime_col: str,
    customer_id_col: str,
    t: int,
    t_cal: int,
    freq: str = "D",
) -> Axes:
    """Repeat purchases of all customers so far, by calendar time, made and expected."""
    return _tracking(model, transactions, datetime_col, customer_id_col, t, t_cal, freq)[0]


def plot_incremental_transactions(
    model: Any,
    transactions: pd.DataFrame,
    datetime_col: str,
    customer_id_col: str,
    t: int,
    t_cal: int,
    freq: str = "D",
) -> Axes:
    """Repeat purchases of all customers in each unit of calendar time, made and expected."""
    return _tracking(model, transactions, datetime_col, customer_id_col, t, t_cal, freq)[1]


def plot_transaction_rate_heterogeneity(model: Any) -> Axes:
    """How purchase rates differ between customers."""
    return btyd.heterogeneity(model).axes[0]


def plot_dropout_rate_heterogeneity(model: Any) -> Axes:
    """How dropout differs between customers."""
    return btyd.heterogeneity(model).axes[1]


def _data(model: Any) -> pd.DataFrame:
    if not hasattr(model, "data"):
        raise InputError("model has no data; fit a fitter of crmlab.models.as_lifetimes, or use crmlab.plots")
    return model.data


def _grid(
    model: Any, max_frequency: int | None, max_recency: int | None
) -> tuple[np.ndarray, np.ndarray, float]:
    most = int(_data(model)["frequency"].max()) if max_frequency is None else max_frequency
    longest = int(_data(model)["T"].max()) if max_recency is None else max_recency
    x, t_x = np.meshgrid(np.arange(most + 1.0), np.arange(longest + 1.0))
    return x, np.where(x > 0, t_x, 0.0), float(longest)


def _heatmap(values: np.ndarray, label: str) -> Axes:
    figure, axes = subplots(1, 1)
    image = axes.imshow(values, origin="lower", aspect="auto", cmap="cividis")
    figure.colorbar(image, ax=axes, label=label)
    axes.set(xlabel="Repeat purchases", ylabel="Time of the last purchase")
    axes.grid(visible=False)
    return axes


def _days(freq: str) -> float:
    if freq not in DAYS:
        raise InputError(f"freq is {freq!r}; give D or W")
    return DAYS[freq]


def _tracking(model, transactions, datetime_col, customer_id_col, t, t_cal, freq):
    length = _days(freq)
    day = pd.to_datetime(transactions[datetime_col]).dt.normalize()
    start = day.min()
    table = pd.DataFrame({"customer": transactions[customer_id_col], "day": (day - start).dt.days})
    table = table.drop_duplicates()
    first = table.groupby("customer")["day"].transform("min")
    edges = np.arange(0.0, t + 1.0)
    made, _ = np.histogram(table["day"][table["day"] > first] / length, edges)
    born, counts = np.unique(table["day"][table["day"] == first] / length, return_counts=True)
    return btyd.tracking(model, (born, counts), edges, made, float(t_cal), freq).axes
