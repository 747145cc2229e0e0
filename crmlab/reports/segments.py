"""Who is worth what: shares by decile, cohorts, and groups by recency and frequency."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

DAY = np.timedelta64(1, "D")
PERIODS = ("M", "Q", "Y")  # of cohorts, the finest that gives at most COHORTS
COHORTS = 12
BEST = 10  # customers shown by name


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
    return deciles_of(np.ones(len(values)), values, measure)


def deciles_of(number: np.ndarray, total: np.ndarray, measure: str) -> Deciles:
    """The same from groups of customers who are alike, the most valuable first: how many, and their total."""
    below, sums = np.r_[0.0, np.cumsum(number)], np.r_[0.0, np.cumsum(total)]
    n, whole = round(below[-1]), max(float(sums[-1]), 1e-300)
    parts = min(10, n)
    sizes = np.full(parts, n // parts) + (np.arange(parts) < n % parts)
    totals = np.diff(np.interp(np.r_[0, np.cumsum(sizes)], below, sums))
    table = pd.DataFrame(
        {"customers": sizes, "total": totals, "mean": totals / sizes, "share": totals / whole},
        index=pd.RangeIndex(1, parts + 1, name="decile"),
    )
    table["so_far"] = table["share"].cumsum()
    share, curve = 1.0 - below[::-1] / n, 1.0 - sums[::-1] / whole
    at = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), 400)).astype(int))
    gini = 1.0 - 2.0 * np.trapezoid(curve, share)
    return Deciles(measure, table, share[at], curve[at], float(gini))


DAILY = {  # sums over the customers who first bought on one day
    "customers": "COUNT(*)",
    "again": "SUM(CASE WHEN frequency > 0 THEN 1 ELSE 0 END)",
    "repeats": "SUM(frequency)",
    "active": "SUM(probability_alive)",
    "expected_purchases": "SUM(expected_purchases)",
}


def by_day(customers: pd.DataFrame, first: pd.Series) -> pd.DataFrame:
    """Sums over the customers who first bought on one day, as of `DAILY`, and value where it is known.

    Parameters
    ----------
    first : pandas.Series of datetime64
        Day of the first purchase, as long as `customers`.
    """
    code, days = pd.factorize(first.to_numpy())  # days are few, customers many
    frequency = customers["frequency"].to_numpy(float)
    columns = {
        "customers": np.ones(len(frequency)),
        "again": frequency > 0,
        "repeats": frequency,
        "active": customers["probability_alive"],
        "expected_purchases": customers["expected_purchases"],
    }
    columns |= {"value": customers["value"]} if "value" in customers else {}
    sums = {name: np.bincount(code, each, minlength=len(days)) for name, each in columns.items()}
    return pd.DataFrame(sums, index=pd.DatetimeIndex(days))


def cohorts(daily: pd.DataFrame) -> pd.DataFrame:
    """Customers by the time of their first purchase, from sums by day.

    Returns
    -------
    pandas.DataFrame
        A row a cohort (month, quarter or year): customers, share with a repeat purchase, repeat purchases a
        customer, share active, expected purchases, value, value a customer.
    """
    sums = daily.groupby(cohort_of(pd.Series(daily.index)), sort=True).sum()
    table = pd.DataFrame(
        {
            "customers": sums["customers"].round().astype(int),
            "again": sums["again"] / sums["customers"],
            "repeats_each": sums["repeats"] / sums["customers"],
            "active": sums["active"] / sums["customers"],
            "expected_purchases": sums["expected_purchases"],
        }
    )
    if "value" in sums:
        table = table.assign(value=sums["value"], value_each=sums["value"] / sums["customers"])
    return table


def cohort_of(first: pd.Series) -> pd.PeriodIndex:
    """The month, quarter or year of first purchases: the finest of at most `COHORTS`."""
    for name in PERIODS:
        found = pd.DatetimeIndex(first).to_period(name)
        if found.nunique() <= COHORTS:
            return found
    return found


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
    cohort, names = pd.factorize(cohort_of(pd.Series(births.index)), sort=True)
    size = np.bincount(cohort, births.to_numpy())
    age = (repeats["moment"].to_numpy() - repeats["first"].to_numpy() - 1) // days
    ages = int(age.max()) + 1
    cell = cohort[_place(births, repeats)] * ages + age
    made = np.bincount(cell, repeats["purchases"], minlength=len(names) * ages).reshape(len(names), ages)
    youngest = pd.Series(births.index).groupby(cohort).max().to_numpy().astype("datetime64[D]")
    seen = ((end - youngest) / DAY)[:, None] >= (np.arange(ages) + 1) * days
    table = pd.DataFrame(np.where(seen, made / size[:, None], np.nan), names, range(1, ages + 1))
    return table.dropna(axis=1, how="all")


def _place(births: pd.Series, repeats: pd.DataFrame) -> np.ndarray:
    """For each row of repeat purchases the position of its first day among those of `births`."""
    days = births.index.to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.searchsorted(days, repeats["first"].to_numpy())


def by_cohort(births: pd.Series, repeats: pd.DataFrame) -> tuple[np.ndarray, pd.PeriodIndex, np.ndarray]:
    """Cohorts of days of first purchase, their names, and repeat purchases made by each.

    Parameters
    ----------
    births : pandas.Series
        Customers by day of first purchase, in order, index datetime64.
    """
    cohort, names = pd.factorize(cohort_of(pd.Series(births.index)), sort=True)
    made = np.bincount(cohort[_place(births, repeats)], repeats["purchases"], minlength=len(names))
    return cohort, names, made


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
        table = table.assign(value=groups[measure].sum(), value_each=groups[measure].mean())
    return table
