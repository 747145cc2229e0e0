"""Who is worth what: shares by decile, cohorts, and groups by recency and frequency."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

DAY = np.timedelta64(1, "D")
PERIODS = ("M", "Q", "Y")  # of cohorts, the finest that gives at most COHORTS
COHORTS = 12


@dataclass(frozen=True)
class Deciles:
    """How unequally a total is spread over customers, the most valuable first.

    Attributes
    ----------
    measure : str
        Column of the customers.
    table : pandas.DataFrame
        A row a decile: customers, total, mean, share, and share so far.
    customers, total : arrays
        The Lorenz curve: shares of customers, from the least valuable, and of the total.
    gini : float
    """

    measure: str
    table: pd.DataFrame
    customers: np.ndarray
    total: np.ndarray
    gini: float


def deciles(customers: pd.DataFrame, measure: str) -> Deciles:
    """Deciles of customers by a measure of at least 0; see `Deciles`."""
    values = np.sort(np.nan_to_num(customers[measure].to_numpy(float)))[::-1]
    whole = max(values.sum(), 1e-300)
    parts = np.array_split(values, min(10, len(values)))
    table = pd.DataFrame(
        {
            "customers": [len(part) for part in parts],
            "total": [part.sum() for part in parts],
            "mean": [part.mean() for part in parts],
            "share": [part.sum() / whole for part in parts],
        },
        index=pd.RangeIndex(1, len(parts) + 1, name="decile"),
    )
    table["so_far"] = table["share"].cumsum()
    curve = np.r_[0.0, np.cumsum(values[::-1]) / whole]
    share = np.linspace(0.0, 1.0, len(curve))
    at = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), 400)).astype(int))
    gini = 1.0 - 2.0 * np.trapezoid(curve, share)
    return Deciles(measure, table, share[at], curve[at], float(gini))


def cohorts(customers: pd.DataFrame, first: pd.Series, measure: str | None) -> pd.DataFrame:
    """Customers by the time of their first purchase.

    Parameters
    ----------
    first : pandas.Series of datetime64
        Day of the first purchase, as long as `customers`.
    measure : str, optional
        Column of value.

    Returns
    -------
    pandas.DataFrame
        A row a cohort (month, quarter or year): customers, share with a repeat purchase, repeat purchases a
        customer, share active, expected purchases, value, value a customer.
    """
    period = cohort_of(first)
    groups = customers.assign(again=customers["frequency"] > 0).groupby(period.to_numpy(), sort=True)
    table = pd.DataFrame(
        {
            "customers": groups.size(),
            "again": groups["again"].mean(),
            "repeats_each": groups["frequency"].mean(),
            "active": groups["probability_alive"].mean(),
            "expected_purchases": groups["expected_purchases"].sum(),
        }
    )
    return _with_value(table, groups, measure)


def cohort_of(first: pd.Series) -> pd.PeriodIndex:
    """The month, quarter or year of first purchases: the finest of at most `COHORTS`."""
    for name in PERIODS:
        found = pd.DatetimeIndex(first).to_period(name)
        if found.nunique() <= COHORTS:
            return found
    return found


def _with_value(
    table: pd.DataFrame, groups: "pd.api.typing.DataFrameGroupBy", measure: str | None
) -> pd.DataFrame:
    if measure is None:
        return table
    return table.assign(value=groups[measure].sum(), value_each=groups[measure].mean())


def retention(repeats: pd.DataFrame, births: pd.Series, end: np.datetime64, days: int = 91) -> pd.DataFrame:
    """Repeat purchases a customer by cohort and age.

    Parameters
    ----------
    repeats : pandas.DataFrame
        first, moment (days since 1970) and purchases.
    births : pandas.Series
        Customers by day of first purchase, index datetime64.
    end : datetime64
        Last day observed.
    days : int
        Length of an age.

    Returns
    -------
    pandas.DataFrame
        A row a cohort, a column an age, from 1; NaN where not all of the cohort have been observed that long.
    """
    period = cohort_of(pd.Series(births.index))
    size = births.groupby(period.to_numpy()).sum()
    youngest = pd.Series(births.index).groupby(period.to_numpy()).max()
    first = pd.DatetimeIndex(repeats["first"].to_numpy().astype("datetime64[D]"))
    where = pd.Series(period, index=births.index).reindex(first).to_numpy()
    age = (repeats["moment"].to_numpy() - repeats["first"].to_numpy() - 1) // days
    made = repeats["purchases"].groupby([where, age]).sum().unstack(fill_value=0)
    made = made.reindex(index=size.index, fill_value=0).reindex(
        columns=range(int(age.max()) + 1), fill_value=0
    )
    table = made.div(size, axis=0)
    seen = np.array([(end - np.datetime64(day, "D")) / DAY for day in youngest])
    table = table.where(seen[:, None] >= (np.arange(table.shape[1]) + 1) * days)
    return table.dropna(axis=1, how="all").rename(columns=lambda each: each + 1)


def by_recency_and_frequency(customers: pd.DataFrame, measure: str | None) -> pd.DataFrame:
    """Customers by how long ago they bought (thirds) and how often (never again, and halves of the others).

    Returns
    -------
    pandas.DataFrame
        Index of silence (0 lately, 2 long ago) and often (0 never again, 2 often); columns customers, share,
        silence from and to, repeat purchases from and to, mean amount, share active, expected purchases,
        value, value a customer.
    """
    silent = (customers["T"] - customers["recency"]).to_numpy(float)
    edges = np.unique(np.quantile(silent, [1 / 3, 2 / 3]))
    bought = customers["frequency"].to_numpy()
    half = np.median(bought[bought > 0]) if (bought > 0).any() else 0.0
    held = customers.assign(
        silence=np.searchsorted(edges, silent, side="left"),
        often=np.where(bought == 0, 0, np.where(bought <= half, 1, 2)),
        silent=silent,
    )
    groups = held.groupby(["silence", "often"], sort=True)
    table = pd.DataFrame(
        {
            "customers": groups.size(),
            "share": groups.size() / len(customers),
            "silent_from": groups["silent"].min(),
            "silent_to": groups["silent"].max(),
            "bought_from": groups["frequency"].min(),
            "bought_to": groups["frequency"].max(),
            "active": groups["probability_alive"].mean(),
            "expected_purchases": groups["expected_purchases"].sum(),
        }
    )
    if measure is not None:
        buyers = held[held["monetary_value"] > 0].groupby(["silence", "often"])["monetary_value"].mean()
        table = table.assign(amount=buyers.reindex(table.index))
    return _with_value(table, groups, measure)
