"""Results on real data, stored when they were last verified, for readers who do not have the data.

``datasets/verified/NAME.json`` holds a table, the day on which it was computed, and the SHA-256 of the data.
A lesson shows that table everywhere; where the data are, it computes the table anew and compares. Only
``crmlab refresh`` writes the file.
"""

import datetime
import html
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmlab import files, places
from crmlab.data.cards import card
from crmlab.data.locating import how_to_get, is_available
from crmlab.errors import InputError
from crmlab.places import STORING
from crmlab.words import words

MISSING = ""  # how a cell is shown that has no number, such as the error of what is counted
RELATIVE = 1e-3  # the last digits of an optimiser differ from machine to machine


@dataclass(frozen=True)
class Verified:
    """A table computed from real data, and when from which.

    Attributes
    ----------
    table : DataFrame
        The stored one; the one just computed where nothing is stored yet or the two differ.
    data : str
        Name of the data set.
    date : str
        Of the last verification, as 2026-11-26.
    sha256 : str
        Of the data.
    differs : str
        How the table just computed differs from the stored one; empty if it does not, or was not computed.
    """

    table: pd.DataFrame
    data: str
    date: str
    sha256: str
    differs: str = ""

    @property
    def note(self) -> str:
        """Where the numbers come from, in a sentence or two: the same with and without the data."""
        says = words("data.verified", data=self.data, date=self.date, sha256=self.sha256[:12])
        if self.differs:
            return words("data.verified_differs", note=says, problem=self.differs)
        return f"{says} {how_to_get(self.data)}."

    def __repr__(self) -> str:
        return f"{self.table.to_string(na_rep=MISSING)}\n{self.note}"

    def _repr_html_(self) -> str:
        return f"{self.table.to_html(na_rep=MISSING)}<p><small>{html.escape(self.note)}</small></p>"


def verified(data: str, compute: Callable[[], pd.DataFrame], name: str, digits: int = 4) -> Verified:
    """The table that `compute` makes of a real data set, or the one that it made when last verified.

    Parameters
    ----------
    data : str
        Name of the data set, as ``crmlab data`` lists it.
    compute : callable
        Without arguments; loads the data and returns a DataFrame of numbers and words. Called only where the
        data are. It must not depend on a lesson's parameters: the stored table is one for all.
    name : str
        Of the stored result: lesson and what it is, ``"04_mobi_reliability"``.
    digits : int
        Significant digits of the table.

    Returns
    -------
    Verified

    Raises
    ------
    InputError
        If the data are not here and nothing has been stored, the name is unfit for a file, or `compute`
        returns no table.

    Examples
    --------
    >>> verified("mobi", lambda: load_mobi().describe(), "04_mobi_described")  # doctest: +SKIP
    """
    sha256 = card(data).sha256  # what is loaded has been checked against it
    path = stored_at(name)
    stored = _read(path)
    if not is_available(data):
        if stored is None:
            raise InputError(f"no verified result {name!r} is stored. {how_to_get(data)}")
        return stored
    table = _rounded(compute(), digits, name)
    differs = "" if stored is None else _difference(stored, table, sha256)
    if stored is not None and not differs:
        return stored
    fresh = Verified(table, data, datetime.datetime.now(datetime.UTC).date().isoformat(), sha256)
    if os.environ.get(STORING):
        _write(path, fresh)
        return fresh
    return Verified(table, data, fresh.date if stored is None else stored.date, sha256, differs)


def stored_at(name: str) -> Path:
    """The file of a stored result."""
    if not re.fullmatch(r"\w+", name):
        raise InputError(f"name is {name!r}; letters, digits and underscores make the name of a result")
    return places.root() / "datasets" / "verified" / f"{name}.json"


def _rounded(table: pd.DataFrame, digits: int, name: str) -> pd.DataFrame:
    if not isinstance(table, pd.DataFrame) or table.empty:
        raise InputError(f"the computation of {name!r} returned no table; let it return a DataFrame")

    def rounded(value: Any) -> Any:
        return float(f"{value:.{digits}g}") if isinstance(value, (float, np.floating)) else value

    return table.map(rounded)


def _difference(stored: Verified, table: pd.DataFrame, sha256: str) -> str:
    """In words how a table differs from the stored one beyond the last digits; empty if it does not."""
    if sha256 != stored.sha256:
        return words("data.other_hash", sha256=sha256[:12])
    try:
        pd.testing.assert_frame_equal(
            stored.table, _through_json(table), check_dtype=False, rtol=RELATIVE, atol=RELATIVE
        )
    except AssertionError as error:
        return " ".join(str(error).split())
    return ""


def _through_json(table: pd.DataFrame) -> pd.DataFrame:
    return _table(json.loads(json.dumps(_plain(table))))


def _plain(table: pd.DataFrame) -> dict[str, Any]:
    """A table as JSON holds it; an index that only counts is left out."""
    counted = table.index.nlevels == 1 and list(table.index) == list(range(len(table)))
    names = [] if counted else [str(name or "") for name in table.index.names]
    flat = table if counted else table.reset_index(names=names)
    columns = [str(column) for column in flat.columns]
    rows = [
        [None if pd.isna(value) else value.item() if hasattr(value, "item") else value for value in row]
        for row in flat.itertuples(index=False, name=None)
    ]
    return {"index": names, "columns": columns, "rows": rows}


def _table(plain: dict[str, Any]) -> pd.DataFrame:
    table = pd.DataFrame(plain["rows"], columns=plain["columns"])
    if not plain["index"]:
        return table
    return table.set_index(plain["index"]).rename_axis(index=[name or None for name in plain["index"]])


def _read(path: Path) -> Verified | None:
    if not path.is_file():
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Verified(_table(kept["table"]), kept["data"], kept["verified"], kept["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path.name} is no stored result ({error}); crmlab refresh writes it anew"
        ) from None


def _write(path: Path, result: Verified) -> None:
    kept = {
        "data": result.data,
        "verified": result.date,
        "sha256": result.sha256,
        "table": _plain(result.table),
    }
    files.write_text(path, json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
