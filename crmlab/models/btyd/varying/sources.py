"""Where covariates come from: the calendar, a table with a row a customer, a table with a row a period."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.data.logs import shown
from crmlab.errors import InputError
from crmlab.models.btyd import checks
from crmlab.models.btyd.varying.clock import Ints, Paths, distinct

Array = npt.NDArray[np.float64]
SHOWN = 3  # customers named in a message


class Source(Protocol):
    """Covariates of customers through time."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the covariates."""
        ...

    def paths(self, ids: pd.Index, first: Array, end: float) -> Paths:
        """Covariates of customers from their first purchase to `end` (days since 1970).

        Raises
        ------
        InputError
            If some of it is not known.
        """
        ...


class _Addable:
    """Sources may be added: the covariates of both."""

    def __add__(self, other: Source) -> "Together":
        return Together((self, other))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Together(_Addable):
    """Covariates of several sources."""

    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        twice = [name for name in self.names if self.names.count(name) > 1]
        if twice:
            raise InputError(f"covariate {twice[0]!r} comes from more than one source; rename one of them")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the covariates of all sources."""
        return tuple(name for source in self.sources for name in source.names)

    def paths(self, ids: pd.Index, first: Array, end: float) -> Paths:
        """See `Source`."""
        found = self.sources[0].paths(ids, first, end)
        for source in self.sources[1:]:
            found = found.beside(source.paths(ids, first, end))
        return found


@dataclass(frozen=True)
class Nothing(_Addable):
    """No covariates."""

    names: tuple[str, ...] = ()

    def paths(self, ids: pd.Index, first: Array, end: float) -> Paths:
        """See `Source`."""
        edges = np.array([first.min(), np.nextafter(max(end, first.max()), np.inf)])
        return Paths((), edges, np.zeros((1, 1), np.int64), np.zeros((1, 0)), np.zeros(len(ids), np.int64))


@dataclass(frozen=True)
class Static(_Addable):
    """Covariates that do not change.

    Parameters
    ----------
    table : pandas.DataFrame
        A row a customer, with the customers' ids as its index.
    """

    table: pd.DataFrame

    def __post_init__(self) -> None:
        if not isinstance(self.table, pd.DataFrame):
            raise InputError("covariates: give a pandas.DataFrame with the customers' ids as its index")
        if not self.table.index.is_unique:
            twice = self.table.index[self.table.index.duplicated()][0]
            raise InputError(f"covariates has more than one row of customer {shown(twice)!r}; give one")
        checks.covariates("covariates", self.table, len(self.table))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(str(name) for name in self.table.columns)

    def paths(self, ids: pd.Index, first: Array, end: float) -> Paths:
        """See `Source`."""
        place = self.table.index.get_indexer(ids)
        if (place < 0).any():
            raise InputError(
                f"covariates has no row of {_customers(ids[place < 0])}; give every customer's, or leave "
                f"these customers out"
            )
        levels = self.table.to_numpy(float)[place]
        levels, code = np.unique(levels, axis=0, return_inverse=True)
        edges = np.array([first.min(), np.nextafter(max(end, first.max()), np.inf)])
        courses = np.arange(len(levels))
        return Paths(self.names, edges, courses[:, None], levels, code.reshape(-1).astype(np.int64))


@dataclass(frozen=True)
class ByPeriod(_Addable):
    """Covariates by period: each row holds from its period's beginning to the next.

    Parameters
    ----------
    table : pandas.DataFrame
        Long: a row a customer and period; without the column `customer_id`, a row a period for all customers.
        The last period is as long as the one before it.
    customer_id, period : str
        Its columns of customers and of first days of periods; all others are covariates.

    Raises
    ------
    InputError
        On values that are no numbers, and on a customer's period that stands twice; naming the rows.
    """

    table: pd.DataFrame
    customer_id: str = "customer_id"
    period: str = "period"
    _starts: Array = field(init=False, repr=False, compare=False)
    _known: pd.Index = field(init=False, repr=False, compare=False)
    _code: Ints = field(init=False, repr=False, compare=False)
    _levels: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check_columns()
        table = self.table
        days = _days(table[self.period], self.period)
        starts, period = np.unique(days, return_inverse=True)
        if len(starts) < 2:
            raise InputError("covariates has one period only; give what does not change as Static covariates")
        customers = table[self.customer_id] if self.customer_id in table else pd.Series(0, table.index)
        lost = customers.isna().to_numpy()
        if lost.any():
            checks.refuse("covariates", customers.to_numpy(), lost, "without a customer", "fill it in")
        customer, known = pd.factorize(customers, sort=False)
        place = customer * len(starts) + period
        self._refuse_twice(place, customers, days)
        columns = [checks.numbers(f"covariates[{name!r}]", table[name]) for name in self._columns]
        level = distinct(columns)
        row = np.empty(int(level.max()) + 1, np.int64)
        row[level] = np.arange(len(level))
        code = np.full(len(known) * len(starts), -1, np.int64)
        code[place] = level
        found = (starts, pd.Index(known), code.reshape(len(known), -1), np.column_stack(columns)[row])
        for name, value in zip(("_starts", "_known", "_code", "_levels"), found):
            object.__setattr__(self, name, value)

    def _check_columns(self) -> None:
        if self.period not in self.table:
            raise InputError(
                f"covariates has no column {self.period!r} with the first days of periods; it has "
                f"{', '.join(map(str, self.table.columns))}"
            )
        if not self._columns:
            raise InputError("covariates has no column besides customers and periods")

    def _refuse_twice(self, place: Ints, customers: pd.Series, days: Array) -> None:
        """Refuse a second row of one customer and period."""
        again = pd.Series(place).duplicated().to_numpy()
        if again.any():
            row = int(np.flatnonzero(again)[0])
            raise InputError(
                f"covariates: row {row} is another one of {self._who(customers.iloc[row])} and period "
                f"{_date(days[row])}; give one row each"
            )

    @property
    def _columns(self) -> list[Hashable]:
        return [name for name in self.table.columns if name not in (self.customer_id, self.period)]

    def _who(self, customer: Hashable) -> str:
        return f"customer {shown(customer)!r}" if self.customer_id in self.table else "all customers"

    @property
    def names(self) -> tuple[str, ...]:
        """The covariates' columns."""
        return tuple(str(name) for name in self._columns)

    def paths(self, ids: pd.Index, first: Array, end: float) -> Paths:
        """See `Source`."""
        which = np.zeros(len(ids), np.int64)
        if self.customer_id in self.table:
            which = self._known.get_indexer(ids)
            if (which < 0).any():
                raise InputError(
                    f"covariates has no row of {_customers(ids[which < 0])}; give every customer's, or leave "
                    f"these customers out"
                )
        edges = np.r_[self._starts, 2.0 * self._starts[-1] - self._starts[-2]]
        if first.min() < edges[0] or end >= edges[-1]:
            raise InputError(
                f"covariates are known from {_date(edges[0])} up to {_date(edges[-1] - 1)}, and needed from "
                f"{_date(first.min())} to {_date(end)}; give the missing periods"
            )
        courses, course = np.unique(which, return_inverse=True)
        start = np.full(len(courses), np.inf)
        np.minimum.at(start, course, first)
        needed = (edges[None, 1:] > start[:, None]) & (edges[:-1] <= end)
        code = self._code[courses]
        self._refuse_gaps(needed, code < 0, courses, edges, end)
        some = slice(*np.searchsorted(edges, (first.min(), end), side="right") - (1, 0))
        edges = edges[some.start : some.stop + 1]
        return Paths(self.names, edges, _filled(code[:, some]), self._levels, course.astype(np.int64))

    def _refuse_gaps(
        self,
        needed: npt.NDArray[np.bool_],
        absent: npt.NDArray[np.bool_],
        courses: Ints,
        edges: Array,
        end: float,
    ) -> None:
        """Refuse periods that are needed and absent, naming customers and periods."""
        lost = np.argwhere(needed & absent)
        if not len(lost):
            return
        told = [f"{self._who(self._known[courses[c]])}, {_date(edges[k])}" for c, k in lost[:SHOWN]]
        raise InputError(
            f"covariates lacks {len(lost):,} of the {int(needed.sum()):,} periods between customers' "
            f"first purchases and {_date(end)}: {'; '.join(told)}{'; …' if len(lost) > SHOWN else ''}. "
            f"Give a row for each"
        )


def _filled(code: Ints) -> Ints:
    """Codes with the next known one where nothing is known, outside the time that is asked about."""
    place = np.where(code >= 0, np.arange(code.shape[1]), code.shape[1] - 1)
    after = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    before = np.maximum.accumulate(np.where(code >= 0, np.arange(code.shape[1]), -1), axis=1)
    row = np.arange(len(code))[:, None]
    return np.where(code[row, after] >= 0, code[row, after], code[row, np.maximum(before, 0)])


def _days(column: pd.Series, name: str) -> Array:
    """Dates as days since 1970."""
    try:
        stamps = pd.to_datetime(column, format=None if column.dtype.kind == "M" else "ISO8601")
    except (TypeError, ValueError):
        stamps = pd.to_datetime(column, format="ISO8601", errors="coerce")
        bad = stamps.isna().to_numpy()
        checks.refuse(f"covariates[{name!r}]", column.to_numpy(), bad, "no date", "write dates as 2024-12-31")
    if stamps.isna().any():
        checks.refuse(
            f"covariates[{name!r}]", column.to_numpy(), stamps.isna().to_numpy(), "missing", "fill it in"
        )
    return ((stamps - pd.Timestamp(0)) / pd.Timedelta(days=1)).to_numpy(float)


def _date(day: float) -> str:
    return f"{pd.Timestamp(0) + pd.Timedelta(days=float(np.floor(day))):%Y-%m-%d}"


def _customers(ids: Sequence[Hashable]) -> str:
    told = ", ".join(repr(shown(each)) for each in list(ids[:SHOWN]))
    return f"{len(ids):,} customers ({told}{', …' if len(ids) > SHOWN else ''})"
