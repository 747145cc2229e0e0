"""Customers as rows of what the likelihood needs: equal ones once, with the number that share them."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

from crmlab.models.btyd.fitting import COARSE
from crmlab.models.btyd.rows import factorize
from crmlab.models.btyd.varying.clock import Clock, Ints, Points, distinct
from crmlab.models.btyd.varying.dated import DatedHistories

Array = npt.NDArray[np.float64]
SMALLEST = 1_500  # rows of a coarse ascent, at least


@dataclass
class Chances:
    """At which levels of the covariates customers could drop out at a purchase, where these differ.

    Attributes
    ----------
    row, level : int arrays, shape (m,)
    last : int array, shape (rows,)
        Level of the last of each row's chances; -1 without one.
    """

    row: Ints
    level: Ints
    last: Ints

    def some(self, rows: Ints) -> "Chances":
        """Those of some rows."""
        place = np.full(len(self.last), -1)
        place[rows] = np.arange(len(rows))
        kept = place[self.row] >= 0
        return Chances(place[self.row[kept]], self.level[kept], self.last[rows])


@dataclass
class VaryingRows:
    """Distinct histories on distinct courses of covariates.

    Attributes
    ----------
    x, first, last, end : arrays, shape (rows,)
        Repeat purchases; times of the first and last purchase and of the end of observation, on the clock.
    course, first_run, last_run, end_run : int arrays, shape (rows,)
    bought : array, shape (rows, k)
        Sum over repeat purchases of the covariates of purchases, averaged over the customers of a row.
    weight : array, shape (rows,)
    clock : Clock
    chances : Chances or None
    member : int array, shape (n,), or None
        The row of each customer.
    """

    x: Array
    first: Array
    last: Array
    end: Array
    course: Ints
    first_run: Ints
    last_run: Ints
    end_run: Ints
    bought: Array
    weight: Array
    clock: Clock
    chances: Chances | None = None
    member: Ints | None = None

    def __len__(self) -> int:
        return self.weight.size

    def __getitem__(self, part: slice) -> "VaryingRows":
        return self.some(np.arange(len(self))[part])

    def some(self, rows: Ints) -> "VaryingRows":
        """Some of the rows, on a clock of the courses that they follow."""
        course, courses = factorize(self.course[rows])
        kept = np.empty(courses, np.int64)
        kept[course] = self.course[rows]
        values = {
            each.name: getattr(self, each.name)[rows]
            for each in fields(self)
            if each.name not in ("course", "clock", "chances", "member")
        }
        chances = None if self.chances is None else self.chances.some(rows)
        return VaryingRows(**values, course=course, clock=self.clock.only(kept), chances=chances)

    @cached_property
    def at_first(self) -> Points:
        """First purchases on the clock."""
        return self.clock.points(self.course, self.first, self.first_run)

    @cached_property
    def at_last(self) -> Points:
        """Last purchases on the clock."""
        return self.clock.points(self.course, self.last, self.last_run)

    @cached_property
    def at_end(self) -> Points:
        """Ends of observation on the clock."""
        return self.clock.points(self.course, self.end, self.end_run)

    @property
    def total(self) -> float:
        """Customers in all."""
        return float(self.weight.sum())

    @property
    def coarse(self) -> int:
        """Rows of a first, coarse ascent: fewer where each has many periods since the last purchase."""
        return max(SMALLEST, COARSE // max(1, round(float(np.mean(self.end_run - self.last_run)))))

    @property
    def columns(self) -> tuple[Array, Array, Array]:
        """Frequency, recency and T, as a model without covariates would see them."""
        return self.x, self.last - self.first, self.end - self.first

    def weighted(self, column: Array) -> float:
        """Sum of a column over customers."""
        return float(np.sum(self.weight * column))


def rows_of(
    customers: DatedHistories, clock: Clock, which: Ints, chances: bool, flips_at_start: int, unique: bool
) -> VaryingRows:
    """The rows of customers.

    Parameters
    ----------
    customers : DatedHistories
    clock : Clock
    which : int array, shape (n,)
        Course of each customer.
    chances : bool
        Whether the levels at which customers could drop out are needed; rows are then customers.
    flips_at_start : int
        Whether the first purchase is such a chance, too: 0 or 1.
    unique : bool
        Whether to keep equal rows once; otherwise rows are customers.
    """
    first, last, moment = (clock.time(each) for each in (customers.first, customers.last, customers.moment))
    end = np.full(len(customers), clock.time(customers.end))
    level = clock.code[which[customers.customer], clock.runs_at(which[customers.customer], moment)]
    x = clock.levels[:, : clock.split]
    bought = [
        np.bincount(customers.customer.astype(np.intp, copy=False), column[level], minlength=len(customers))
        for column in x.T
    ]
    columns = [which.astype(float), customers.frequency, first, last]
    code = np.arange(len(customers)) if chances or not unique else distinct(columns)
    count = np.bincount(code.astype(np.intp, copy=False)).astype(float)
    row = np.empty(count.size, np.int64)
    row[code] = np.arange(len(code))
    means = [np.bincount(code.astype(np.intp, copy=False), column) / count for column in bought]
    held = _chances(customers, clock, which, level, flips_at_start) if chances else None
    course, begun, ended, over = which[row], first[row], last[row], end[row]
    return VaryingRows(
        customers.frequency[row],
        begun,
        ended,
        over,
        course,
        clock.runs_at(course, begun),
        clock.runs_at(course, ended),
        clock.runs_at(course, over),
        np.column_stack(means) if means else np.zeros((row.size, 0)),
        count,
        clock,
        held,
        code,
    )


def _chances(
    customers: DatedHistories, clock: Clock, which: Ints, level: Ints, flips_at_start: int
) -> Chances:
    n = len(customers)
    row, at = customers.customer.astype(np.int64), level
    last = np.full(n, -1)
    if flips_at_start:
        first = clock.code[which, clock.runs_at(which, clock.time(customers.first))]
        row, at, last = np.r_[np.arange(n), row], np.r_[first, at], first.copy()
    last[customers.customer] = level
    return Chances(row, at, last)
