"""What each customer and branch did, month by month, as arrays: the rows of the lessons' analyses.

`crmlab.company.frames` says what each of these rows holds, and gives them as frames.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from crmlab.company.customers import SEGMENTS
from crmlab.errors import InputError

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Columns = dict[str, npt.NDArray[Any]]
Firm = Mapping[str, Any]  # tables: frames, or mappings of columns to arrays
AFTER_REDRESS = 6  # months after a complaint


class Histories:
    """A firm's tables as analyses look at them.

    Parameters
    ----------
    tables : mapping of str to DataFrame, or to mapping of str to array
        Customers are in the order of their numbers.
    months : int
        That have passed.
    """

    def __init__(self, tables: Firm, months: int) -> None:
        self.tables, self.months = tables, months

    def column(self, table: str, name: str) -> npt.NDArray[Any]:
        """A column as an array."""
        return np.asarray(self.tables[table][name])

    def since(self, table: str, name: str) -> npt.NDArray[np.int64]:
        """A column of months; -1 where it is missing."""
        return np.nan_to_num(np.asarray(self.tables[table][name], float), nan=-1).astype(np.int64)

    @cached_property
    def number(self) -> npt.NDArray[np.int64]:
        """Customers' numbers."""
        return self.column("customers", "customer_id")

    @cached_property
    def joined(self) -> Array:
        """Times of customers' first orders."""
        return self.column("customers", "joined")

    @cached_property
    def branch(self) -> Rows:
        """Customers' branches."""
        return self.column("customers", "branch_id").astype(np.intp)

    @cached_property
    def segment(self) -> npt.NDArray[np.int64]:
        """Customers' segments as numbers from 0, whether they are numbers, categories or words."""
        held = self.column("customers", "segment")
        if held.dtype.kind in "iu":
            return held.astype(np.int64)
        return np.argmax(held[:, None] == np.array(SEGMENTS), axis=1)

    def rows(self, numbers: npt.NDArray[np.integer]) -> Rows:
        """Rows of customers in their table.

        Raises
        ------
        InputError
            If somebody is not in it.
        """
        known = self.number
        row = np.minimum(numbers, known.size - 1).astype(np.intp)  # most are numbered from 0
        others = np.flatnonzero(known[row] != numbers)
        row[others] = np.minimum(np.searchsorted(known, numbers[others]), known.size - 1)
        missing = np.count_nonzero(known[row] != numbers)
        if missing:
            raise InputError(f"{missing} rows are of customers who are not in the table customers; add them")
        return row

    @cached_property
    def orders(self) -> Array:
        """Orders after the first, of shape (customers, months)."""
        row = self.rows(self.column("orders", "customer_id"))
        again = self.column("orders", "time") > self.joined[row]
        cell = row[again] * self.months + self.column("orders", "month")[again]
        size = self.number.size
        return np.bincount(cell, minlength=size * self.months).reshape(size, self.months).astype(float)

    @cached_property
    def before(self) -> Array:
        """Orders after the first before each month, of shape (customers, months + 1)."""
        sums = np.zeros((self.number.size, self.months + 1))
        np.cumsum(self.orders, axis=1, out=sums[:, 1:])
        return sums

    # Rows of analyses ----------------------------------------------------------------------------------

    def branch_months(self, joined_before: int = 6) -> Columns:
        """See `frames.branch_months`."""
        since, system = (self.since("branches", name) for name in ("scheme_since", "crm_since"))
        early, size = self.joined < joined_before, since.size
        branch = self.branch[early]
        cell = (branch[:, None] * self.months + np.arange(self.months)).ravel()
        sums = np.bincount(cell, self.orders[early].ravel(), size * self.months).reshape(size, self.months)
        means = sums / np.maximum(np.bincount(branch, minlength=size), 1)[:, None]
        kept = np.arange(joined_before, self.months)
        return {
            "branch_id": np.repeat(np.arange(size), kept.size),
            "period": np.tile(kept + 1, size),
            "start": np.repeat(since + 1, kept.size),
            "system": np.repeat(system + 1, kept.size),
            "orders": means[:, kept].ravel(),
        }

    def mailings(self, campaigns: npt.NDArray[np.integer] | None = None) -> Columns:
        """See `frames.mailings`; those of some campaigns, or all."""
        numbers = self.column("exposures", "customer_id")
        kept = np.arange(numbers.size)
        if campaigns is not None:
            kept = np.flatnonzero(np.isin(self.column("exposures", "campaign_id"), campaigns))
        row = self.rows(numbers[kept])
        order = _by_customer(row)
        kept, row = kept[order], row[order]
        month = self.column("exposures", "month")[kept].astype(np.int64)
        return {
            "customer_id": numbers[kept],
            "month": self.column("exposures", "month")[kept],
            "propensity": self.column("exposures", "propensity")[kept],
            "sent": self.column("exposures", "sent")[kept] * 1.0,
            "read": self.column("exposures", "read")[kept] * 1.0,
            "orders": self.orders[row, month],
            "past": np.log1p(self.before[row, month]),
        }

    def members_and_others(self, last: int = 12) -> Columns:
        """See `frames.members_and_others`."""
        start, since = self.months - last, self.since("branches", "scheme_since")
        joined = self.column("members", "joined") < start
        member = np.zeros(self.number.size)
        member[self.rows(self.column("members", "customer_id")[joined])] = 1.0
        kept = np.flatnonzero((self.joined < 6) & ((since >= 0) & (since < start))[self.branch])
        return {
            "customer_id": self.number[kept],
            "member": member[kept],
            "orders": self.orders[kept, start:].mean(1),
            "past": np.log1p(self.orders[kept, :9].sum(1)),
            "segment_1": (self.segment[kept] == 1) * 1.0,
            "segment_2": (self.segment[kept] == 2) * 1.0,
        }

    def letters(self, sent: int = 18) -> Columns:
        """See `frames.letters`."""
        taken = np.full(self.number.size, float(self.months))
        choices = self.rows(self.column("channel_choices", "customer_id"))
        taken[choices] = self.column("channel_choices", "taken_up")
        kept = np.flatnonzero(self.joined < sent)
        return {
            "customer_id": self.number[kept],
            "encouraged": self.column("customers", "encouraged")[kept] * 1.0,
            "use": np.clip(self.months - taken[kept], 0, 12) / 12,
            "orders": self.orders[kept, -12:].mean(1),
            "past": np.log1p(self.orders[kept, :sent].sum(1)),
            "tenure": np.log1p(np.maximum(sent - self.joined[kept], 0)),
        }

    def redress(self) -> Columns:
        """See `frames.redress`."""
        numbers, month = self.column("complaints", "customer_id"), self.column("complaints", "month")
        row = self.rows(numbers)
        order = np.lexsort((row, month))
        first = order[np.sort(np.unique(row[order], return_index=True)[1])]
        first = first[month[first] + AFTER_REDRESS < self.months]
        row, after = row[first], month[first].astype(np.int64) + 1
        branch = self.column("complaints", "branch_id")[first].astype(np.intp)
        return {
            "customer_id": numbers[first],
            "redressed": self.column("complaints", "redressed")[first] * 1.0,
            "by_lot": self.column("branches", "redress_by_lot")[branch] * 1.0,
            "orders": self.before[row, after + AFTER_REDRESS] - self.before[row, after],
        }


def _by_customer(row: Rows) -> Rows:
    """The order by customers of rows that are in order of time; small numbers are sorted faster."""
    return np.argsort(row.astype(np.min_scalar_type(row.max(initial=0))), kind="stable")
