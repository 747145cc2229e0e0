"""What became of each row and each column of an export."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from crmlab.words import words

Place = tuple[str, int]  # file, row
FILE, ROW = "_file", "_row"  # hidden columns: where a row of a table comes from


@dataclass
class TableAudit:
    """What became of the rows of one canonical table.

    Attributes
    ----------
    table : str
    rows_in : int
        Rows under the labels of all files that hold it, without blank ones.
    rows_out : int
        Rows of the table; `rows_in` less those dropped.
    dropped : dict of str to list of (str, int)
        For each reason the file and the row of each row that was dropped.
    read : list of str
        How each column was read: ``closed: "Closing Date" (label), as %d/%m/%Y``.
    formats : dict of str to str
        Formats of dates that were found out, by column.
    left_out : list of str
        Labels that were not used, with the reason.
    notes : list of str
        What a reader should know: blank rows, weak guesses, instants, odd values.
    """

    table: str
    rows_in: int = 0
    rows_out: int = 0
    dropped: dict[str, list[Place]] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def drop(self, reason: str, places: Iterable[Place]) -> None:
        """Count rows as dropped for a reason."""
        places = list(places)
        if places:
            self.dropped.setdefault(reason, []).extend(places)

    def note(self, *texts: str) -> None:
        """Add notes, each once."""
        self.notes += [text for text in texts if text and text not in self.notes]

    @property
    def rows_dropped(self) -> int:
        """Rows that were dropped, whatever the reason."""
        return sum(map(len, self.dropped.values()))

    def as_json(self) -> dict[str, Any]:
        """As what JSON can hold; the dropped rows are counted here and listed in ``dropped.csv``."""
        return {
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "dropped": {reason: len(places) for reason, places in self.dropped.items()},
            "read": self.read,
            "left_out": self.left_out,
            "notes": self.notes,
        }


def places(table: pd.DataFrame, chosen: pd.Series | np.ndarray) -> list[Place]:
    """The files and rows from which the chosen rows of a table come."""
    found = table.loc[chosen, [FILE, ROW]]
    return list(zip(found[FILE], found[ROW]))


def counted(count: int) -> str:
    """A number of rows as prose.

    Examples
    --------
    >>> counted(1), counted(1200)
    ('1 row', '1,200 rows')
    """
    return words("exports.one_row" if count == 1 else "exports.rows", count=count)


def shortened(names: Iterable[object], limit: int = 5) -> str:
    """Names as prose in the reader's language, cut after `limit`, which is said."""
    every = [str(each) for each in names]
    shown = ", ".join(every[:limit])
    return words("exports.and_more", names=shown, more=len(every) - limit) if len(every) > limit else shown


def where(places: list[Place], limit: int = 5) -> str:
    """Files and rows as prose: ``Deals.csv rows 4, 9``."""
    files = Counter(file for file, _ in places)
    parts = []
    for file in files:
        held = [row for each, row in places if each == file]
        key = "exports.where_rows" if len(held) > 1 else "exports.where_row"
        parts.append(words(key, file=file, rows=shortened(held, limit)))
    more = words("exports.more_files", count=len(parts) - 3) if len(parts) > 3 else ""
    return "; ".join(parts[:3]) + more
