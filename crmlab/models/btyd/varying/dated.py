"""Purchase histories with their dates: what covariates that change in time are laid beside."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.data.logs import Log
from crmlab.data.purchases import purchase_days
from crmlab.data.queries import DAYS
from crmlab.data.rules import rules_for
from crmlab.errors import InputError, option

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
NOON = 0.5  # where within its day a purchase is taken to be, when only the day is known


def moment_of(day: object, name: str = "day") -> float:
    """A day or instant as days since 1970; the middle of the day where there is no time of day.

    Raises
    ------
    InputError
    """
    if isinstance(day, (int, float, np.number)) and np.isfinite(day):
        return float(day)
    try:
        stamp = pd.Timestamp(day)
        moment = (stamp - pd.Timestamp(0)) / pd.Timedelta(days=1)
    except (TypeError, ValueError):
        raise InputError(f"{option(name)} is {day!r}; give a date such as 2024-12-31") from None
    if not np.isfinite(moment):
        raise InputError(f"{option(name)} is {day!r}; give a date such as 2024-12-31")
    return float(moment + NOON if moment == np.floor(moment) else moment)


@dataclass(frozen=True, eq=False, repr=False)
class DatedHistories:
    """Customers with the moments of all their purchases, counted in days since 1970.

    Attributes
    ----------
    ids : pandas.Index, shape (n,)
    first : array, shape (n,)
        Moment of each customer's first purchase.
    customer, moment : arrays, shape (m,)
        Repeat purchases: the position of the customer in `ids`, and the moment; in order of both.
    end : float
        Moment at which observation ends.
    time_unit : {"D", "W", "M", "Y"}
        Unit of `recency` and `observed`, and so of a model's parameters.
    truth : pandas.DataFrame or None
        Of simulated customers, what no analyst sees.
    """

    ids: pd.Index
    first: Array
    customer: Rows
    moment: Array
    end: float
    time_unit: str = "W"
    truth: pd.DataFrame | None = field(default=None)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        end = pd.Timestamp(0) + pd.Timedelta(days=self.end)
        return f"{len(self):,} customers with {len(self.moment):,} repeat purchases to {end:%Y-%m-%d}"

    @classmethod
    def from_log(
        cls,
        log: Any,
        customer_id: str = "customer_id",
        date: str = "date",
        *,
        observation_end: object = None,
        time_unit: str = "W",
        amount: str | None = None,
        **options: Any,
    ) -> Self:
        """Histories from a transaction log.

        Parameters
        ----------
        log, customer_id, date, amount, observation_end, time_unit, **options
            As of `crmlab.data.customer_summary`: purchases of one day are one.
        """
        with Log(log, customer_id, date, amount, **options) as opened:
            return cls.from_opened(opened, rules_for(opened, observation_end, None, time_unit))

    @classmethod
    def from_opened(cls, log: Log, rules: Any) -> Self:
        """Histories from an open `crmlab.data.logs.Log`, by the rules to the end of observation."""
        ids, customer, day = purchase_days(log, replace(rules, split=None))
        starts = np.r_[True, np.diff(customer) != 0]
        end = rules.moment_of(rules.end) + NOON
        again = ~starts
        return cls(ids, day[starts] + NOON, customer[again], day[again] + NOON, end, rules.time_unit)

    @property
    def unit(self) -> float:
        """Days in the unit of time."""
        return DAYS[self.time_unit]

    @cached_property
    def frequency(self) -> Array:
        """Repeat purchases, shape (n,)."""
        return np.bincount(self.customer.astype(np.intp, copy=False), minlength=len(self)).astype(float)

    @cached_property
    def last(self) -> Array:
        """Moment of the last purchase, shape (n,)."""
        last = self.first.copy()
        last[self.customer] = self.moment  # in order of moments: the last one stays
        return last

    @property
    def recency(self) -> Array:
        """Time from the first purchase to the last, shape (n,)."""
        return (self.last - self.first) / self.unit

    @property
    def observed(self) -> Array:
        """Time from the first purchase to the end of observation, shape (n,)."""
        return (self.end - self.first) / self.unit

    @property
    def summary(self) -> pd.DataFrame:
        """frequency, recency and T, as from `crmlab.data.customer_summary`."""
        columns = {"frequency": self.frequency.astype(int), "recency": self.recency, "T": self.observed}
        return pd.DataFrame(columns, index=self.ids)

    def until(self, end: object) -> Self:
        """What was known at `end`: customers who had come, and their purchases until then."""
        stop = moment_of(end, "end")
        if stop > self.end:
            raise InputError(f"end is after the end of observation; give one up to {self.end - NOON:g}")
        come = self.first <= stop
        if not come.any():
            raise InputError("end is before the first purchase of all; nobody is left")
        place = np.cumsum(come) - 1
        kept = come[self.customer] & (self.moment <= stop)
        truth = None if self.truth is None else self.truth[come]
        return replace(
            self,
            ids=self.ids[come],
            first=self.first[come],
            customer=place[self.customer[kept]],
            moment=self.moment[kept],
            end=stop,
            truth=truth,
        )

    def later(self, early: "DatedHistories") -> Array:
        """Purchases of the customers of `early` after its end, shape (len(early),)."""
        place = early.ids.get_indexer(self.ids[self.customer])
        after = (self.moment > early.end) & (place >= 0)
        return np.bincount(place[after].astype(np.intp, copy=False), minlength=len(early)).astype(float)

    def some(self, rows: npt.NDArray[np.intp]) -> Self:
        """The customers at these positions, in their order."""
        place = np.full(len(self), -1)
        place[rows] = np.arange(len(rows))
        kept = place[self.customer] >= 0
        customer, moment = place[self.customer[kept]], self.moment[kept]
        order = np.argsort(customer, kind="stable")
        truth = None if self.truth is None else self.truth.iloc[rows]
        return replace(
            self,
            ids=self.ids[rows],
            first=self.first[rows],
            customer=customer[order],
            moment=moment[order],
            truth=truth,
        )
