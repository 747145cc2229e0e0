"""The customers of a sample, and what is needed to make columns of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmlab.analysis.firm.rules import Rules
from crmlab.analysis.firm.tables import FirmTables
from crmlab.data.exports.audit import shortened
from crmlab.words.saying import Said, said

SHOWN = 5  # ids that a sentence lists


class NotThere(Exception):
    """Why a column does not follow from the tables, to be told."""

    def __init__(self, why: Said) -> None:
        super().__init__(why["key"])
        self.why = why


def day(moment: pd.Timestamp) -> str:
    """A day as text."""
    return f"{moment:%Y-%m-%d}"


@dataclass(frozen=True)
class Base:
    """A firm's tables, the rules, and what was joined.

    Attributes
    ----------
    firm : FirmTables
    rules : Rules
    joined : dict of str to Series
        Columns of joined files that derivations take, by the ids of customers or branches.
    told : list of Said
        What was done, for the page; derivations add to it.
    """

    firm: FirmTables
    rules: Rules
    joined: Mapping[str, pd.Series] = field(default_factory=dict)
    told: list[Said] = field(default_factory=list)

    def customers(self, known_by: pd.Timestamp) -> pd.Index:
        """The customers known before a day, or by the rule all; of the others it is told how many they are.

        Those of whom nothing says since when they are known are kept: they stand in the table of customers.
        """
        known = self.firm.known
        edge = self.rules.until if self.rules.values["who"] == "all" else known_by
        late = (known >= edge).to_numpy()
        if late.any():
            self.tell("firm.late", rows=int(late.sum()), day=day(edge), some=some(known.index[late]))
        undated = known.isna().to_numpy()
        if undated.any():
            self.tell("firm.undated", rows=int(undated.sum()), some=some(known.index[undated]))
        kept = known.index[~late]
        if not len(kept):
            raise NotThere(said("firm.nobody", day=day(edge)))
        return pd.Index(sorted(kept), name="customer_id")

    def buyers(self, who: pd.Index, window: str) -> pd.Index:
        """Those of the customers who bought in a window."""
        first, last = self.rules.window(window)
        kept = who[who.isin(self.purchases(first, last)["customer_id"])]
        self.tell("firm.buyers", rows=len(kept), of=len(who), **self.span(window))
        if not len(kept):
            raise NotThere(said("firm.nobody", day=day(last)))
        return kept

    def purchases(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
        """The purchases from a day up to the day before another.

        Raises
        ------
        NotThere
            If the tables do not hold all of that time.
        """
        if first < self.rules.since or last > self.rules.until:
            span = {"since": day(self.rules.since), "until": self.last}
            wanted = {"first": day(first), "last": day(last - pd.Timedelta(days=1))}
            raise NotThere(said("firm.outside", **span, **wanted))
        log = self.firm.log
        return log[(log["date"] >= first) & (log["date"] < last)]

    def span(self, window: str) -> dict[str, str]:
        """The first and the last day of a window, for sentences."""
        first, last = self.rules.window(window)
        return {"first": day(first), "last": day(last - pd.Timedelta(days=1))}

    @property
    def last(self) -> str:
        """The last day that counts, for sentences."""
        return day(self.rules.until - pd.Timedelta(days=1))

    def need(self, table: str, column: str = "") -> None:
        """Raise `NotThere` where a table, or a column of it, holds nothing."""
        name = "transactions" if table == "log" else table
        if not self.firm.has(table):
            raise NotThere(said("firm.no_table", table=name))
        if column and not self.firm.has(table, column):
            raise NotThere(said("firm.no_column", table=name, column=column))

    def tell(self, key: str, **facts: object) -> None:
        """Something to be said on the page, once."""
        told = said(key, **facts)
        if told not in self.told:
            self.told.append(told)


def some(names: Iterable[object]) -> str:
    """The first of some ids, as prose."""
    return shortened(names, SHOWN)


def months_of(start: pd.Timestamp, first: int, last: int) -> np.ndarray:
    """The days on which months begin, from the `first` (0: the one that begins on `start`) to the `last`."""
    return np.array([np.datetime64(Rules.later(start, each), "us") for each in range(first, last + 1)])


def whole_months(start: pd.Timestamp, until: pd.Timestamp) -> int:
    """How many whole calendar months lie between two days; 0 if the second is not the later one."""
    most = max(12 * (until.year - start.year) + until.month - start.month, 0)
    return int((months_of(start, 1, most) <= np.datetime64(until, "us")).sum()) if most else 0
