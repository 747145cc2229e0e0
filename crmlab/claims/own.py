"""Ranges of a market's parameters from a user's own transaction log, and what the log itself shows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.claims.quantities import Range
from crmlab.errors import InputError
from crmlab.models.btyd import ParetoNBD

UNITS_A_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}
FEWEST = 100  # customers who bought again, below which spread between them is not estimated
RESAMPLES = 500


@dataclass(frozen=True)
class OwnMarket:
    """A user's market, as far as a log shows it.

    Attributes
    ----------
    ranges : dict of str to Range
        95% intervals of k, mu and sigma, for `crmlab.claims.audit`.
    seen : Series
        ``share`` of repeat sales that the best fifth of those who bought again brought in the log's whole
        time, with ``low`` and ``high`` (95%, bootstrap), and ``customers``: how many bought again.
    """

    ranges: dict[str, Range]
    seen: pd.Series


def own_market(summary: pd.DataFrame, time_unit: str = "W", *, seed: int = 1) -> OwnMarket:
    """Ranges for the concentration claims from a customer summary.

    Parameters
    ----------
    summary : DataFrame
        What `crmlab.data.customer_summary` returns, with ``monetary_value``.
    time_unit : {"D", "W", "M", "Y"}
        Of its recency and T.

    Returns
    -------
    OwnMarket

    Notes
    -----
    k and mu are those of the rates of customers while active, by the Pareto/NBD model: what a year would
    bring if nobody left. sigma is the standard deviation of the logarithm of mean amounts between customers
    with three repeat purchases and more. Chance within a customer is in it, so it is rather too large.

    Raises
    ------
    InputError
        If fewer than 100 customers bought again, or there are no amounts.
    """
    again = summary[summary["frequency"] > 0]
    if len(again) < FEWEST:
        raise InputError(
            f"{len(again)} customers of the log bought again; spread between customers needs {FEWEST}. "
            "Give the ranges by --range, or a longer log"
        )
    if "monetary_value" not in summary:
        raise InputError("the log has no amounts; name their column by --amount")
    model = ParetoNBD().fit(summary["frequency"], summary["recency"], summary["T"])
    drawn = model.parameter_draws(RESAMPLES, seed)
    mean = drawn["r"] / drawn["alpha"] * UNITS_A_YEAR[time_unit]
    spread = _spread(again)
    return OwnMarket(
        {"k": _interval(drawn["r"]), "mu": _interval(mean), "sigma": Range(*spread)},
        _seen(summary, seed),
    )


def _interval(draws: np.ndarray) -> Range:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Range(float(low), float(high))


def _spread(again: pd.DataFrame) -> tuple[float, float]:
    """95% interval of the standard deviation of log amounts between customers (normal theory)."""
    regular = again[(again["frequency"] >= 3) & (again["monetary_value"] > 0)]
    used = regular if len(regular) >= FEWEST else again[again["monetary_value"] > 0]
    sigma, error = np.log(used["monetary_value"]).std(), 1 / np.sqrt(2 * len(used))
    return float(sigma * (1 - 1.96 * error)), float(sigma * (1 + 1.96 * error))


def _seen(summary: pd.DataFrame, seed: int) -> pd.Series:
    sales = (summary["frequency"] * summary["monetary_value"]).to_numpy()
    sales = sales[sales > 0]
    rng = np.random.default_rng(seed)
    drawn = [_top_share(rng.choice(sales, sales.size)) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return pd.Series({"share": _top_share(sales), "low": low, "high": high, "customers": sales.size})


def _top_share(sales: np.ndarray) -> float:
    best = np.sort(sales)[::-1][: max(1, round(0.2 * sales.size))]
    return float(best.sum() / sales.sum())
