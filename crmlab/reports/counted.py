"""What a report says of all customers, from counts of those alike: of more customers than memory holds.

Models see distinct histories with weights. What each customer is worth stands in Parquet files, of which
DuckDB adds up groups: by day of first purchase, by recency and frequency, by value.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from crmlab.data.logs.sql import quoted
from crmlab.data.parted import SummaryParts
from crmlab.reports import segments
from crmlab.reports.asking import Summarised

FINE = 2_000  # groups of customers alike in value to a factor of e: they differ by a twentieth of a percent


@dataclass(frozen=True)
class Counted(Summarised):
    """Distinct customers, with ``weights`` that say how many are like each."""

    def fit(self, kind: type) -> Any:
        """See `Asked`."""
        return kind().fit(*self.history, weights=self.weights)

    @property
    def weights(self) -> np.ndarray:
        """How many customers each row stands for."""
        return self.summary["weights"].to_numpy(float)

    @classmethod
    def outcomes(cls, early: SummaryParts, length: float) -> Self:
        """Customers of a summary with a holdout of a length: their histories, and what they bought in it."""
        return cls(pd.DataFrame(early.outcomes()).assign(duration_holdout=length))


def deciles(customers: SummaryParts, measure: str) -> segments.Deciles:
    """See `crmlab.reports.segments.deciles`; within a group of customers all are taken for worth the same."""
    value = f"GREATEST(COALESCE({quoted(measure)}, 0), 0)"
    found = customers.asked(
        f"SELECT CAST(COUNT(*) AS DOUBLE) AS number, SUM({value}) AS total FROM parts "
        f"GROUP BY CASE WHEN {value} > 0 THEN FLOOR(LN({value}) * {FINE}) END ORDER BY AVG({value}) DESC"
    )
    return segments.deciles_of(found["number"].to_numpy(), found["total"].to_numpy(), measure)


def cohorts(customers: SummaryParts, end: np.datetime64, days: float) -> pd.DataFrame:
    """See `crmlab.reports.segments.cohorts`; `days` are those in the unit of T, which ends with `end`."""
    sums = segments.DAILY | ({"value": "SUM(value)"} if "value" in customers.columns else {})
    columns = ", ".join(f"CAST({sql} AS DOUBLE) AS {name}" for name, sql in sums.items())
    found = customers.asked(f"SELECT T, {columns} FROM parts GROUP BY T ORDER BY T")
    first = end - np.rint(found["T"].to_numpy() * days).astype("timedelta64[D]")
    return segments.cohorts(found.drop(columns="T").set_index(pd.DatetimeIndex(first)))


def by_recency_and_frequency(customers: SummaryParts) -> pd.DataFrame:
    """See `crmlab.reports.segments.by_recency_and_frequency`."""
    count = "CAST(COUNT(*) AS DOUBLE) AS n FROM parts"
    silent = customers.asked(f"SELECT T - recency AS place, {count} GROUP BY place ORDER BY place")
    often = customers.asked(
        f"SELECT frequency AS place, {count} WHERE frequency > 0 GROUP BY place ORDER BY place"
    )
    edges = np.unique([_quantile(silent, share) for share in (1 / 3, 2 / 3)])
    half = _quantile(often, 0.5) if len(often) else 0.0
    silence = " + ".join(f"CASE WHEN T - recency > {float(edge)!r} THEN 1 ELSE 0 END" for edge in edges)
    money = ", AVG(CASE WHEN monetary_value > 0 AND frequency > 0 THEN monetary_value END) AS amount"
    value = ", SUM(value) AS value, AVG(value) AS value_each"
    known = "value" in customers.columns
    groups = f"CASE WHEN frequency = 0 THEN 0 WHEN frequency <= {half!r} THEN 1 ELSE 2 END"
    table = customers.asked(
        f"SELECT {silence} AS silence, {groups} AS often, COUNT(*) AS customers, "
        f"COUNT(*) / {customers.customers}.0E0 AS share, MIN(T - recency) AS silent_from, "
        f"MAX(T - recency) AS silent_to, MIN(frequency) AS bought_from, MAX(frequency) AS bought_to, "
        f"AVG(probability_alive) AS active, SUM(expected_purchases) AS expected_purchases"
        f"{money * known}{value * known} FROM parts GROUP BY silence, often ORDER BY silence, often"
    )
    return table.set_index(["silence", "often"])


def _quantile(counts: pd.DataFrame, share: float) -> float:
    """A quantile of values, `n` customers having each, as NumPy interpolates it."""
    values, below = counts["place"].to_numpy(float), np.cumsum(counts["n"].to_numpy())
    place = share * (below[-1] - 1.0)
    low, high = values[np.searchsorted(below, [np.floor(place), np.ceil(place)], side="right")]
    return float(low + (high - low) * (place - np.floor(place)))


def best(customers: SummaryParts, measure: str, n: int) -> pd.DataFrame:
    """The `n` customers with most of a measure."""
    return customers.asked(f"SELECT * FROM parts ORDER BY {quoted(measure)} DESC LIMIT {n}").set_index(
        customers.id
    )
