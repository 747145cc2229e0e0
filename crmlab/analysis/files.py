"""Files and frames of a user as tables of text, by the readers that read exports of CRM systems.

Nothing is dropped or turned into something else in silence: a file that cannot be read is refused with its
rows, and what was understood of it is told.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmlab.data.exports.sources import TABLES, Sheet, sheets
from crmlab.errors import InputError, listing, option
from crmlab.words.saying import Said, said

ENDS = (*TABLES, ".parquet", ".zip")
FIRST_ROW = 2  # of data in a file whose first row has the names
SHOWN = 5  # rows that a message lists


@dataclass
class Source:
    """A user's table as text.

    Attributes
    ----------
    name : str
        As the user calls it.
    frame : DataFrame of str
        Its index numbers the rows as the file does.
    sample : str
        The sample that it is, where that is known.
    told : list of Said
        What was understood of the file, and what of it could not be read.
    made : frozenset of str
        Columns that were made of a firm's tables.
    """

    name: str
    frame: pd.DataFrame
    sample: str = ""
    told: list[Said] = field(default_factory=list)
    made: frozenset[str] = frozenset()


def read_source(
    source: Any, encoding: str | None = None, sheet: str | None = None, name: str = "", empty: bool = False
) -> Source:
    """A file or frame as text; without rows only if `empty` allows it.

    Parameters
    ----------
    source : path or DataFrame
        Text (with a mark of its own between columns, in UTF-8, UTF-16 or GBK), JSON lines, a spreadsheet,
        Parquet, or a ZIP of one of them.
    encoding : str, optional
        Of a text that says nothing of it, and is none of these.
    sheet : str, optional
        Of a spreadsheet or ZIP that holds several.
    name : str
        How messages are to call it.

    Raises
    ------
    InputError
        If it is not there, is of no kind that can be read, is empty, or has two columns of a name.
    """
    if isinstance(source, pd.DataFrame):
        made = Source(name or "the frame", _numbered(source))
    else:
        path = Path(source).expanduser()
        if path.is_dir():
            raise InputError(
                f"{str(source)!r} is a folder; give the folder of crmlab import alone, and files by "
                f"{option('with')}"
            )
        if not path.is_file():
            raise InputError(f"file {str(source)!r} is not there; name a file that ends in {', '.join(ENDS)}")
        made = _of_file(path, encoding, sheet, name or path.name)
    names = [str(each).strip() for each in made.frame.columns]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise InputError(f"{made.name}: two columns are named {listing(map(repr, twice), 3)}; rename one")
    if not len(made.frame) and not empty:
        raise InputError(f"{made.name} holds no rows; its first row names the columns, the others are data")
    made.frame.columns = names
    return made


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame as text, its rows numbered as those of a file."""
    return frame.map(_as_text).set_axis(range(FIRST_ROW, FIRST_ROW + len(frame)))


def _as_text(cell: Any) -> str:
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and np.isnan(cell)):
        return ""
    if isinstance(cell, bool | np.bool_):
        return "1" if cell else "0"
    return repr(float(cell)) if isinstance(cell, float | np.floating) else str(cell)


def _of_file(path: Path, encoding: str | None, sheet: str | None, name: str) -> Source:
    if path.suffix.lower() == ".parquet":
        return Source(name, _numbered(_from_parquet(path)))
    if path.suffix.lower() not in ENDS:
        raise InputError(f"{path.name} is of no kind that can be read; save it as {', '.join(ENDS)}")
    found, problems = sheets(path, encoding)
    if problems and not found:
        raise InputError("; ".join(map(str, problems)))
    chosen = _chosen(path, found, sheet)
    told = [said("analyse.told_unread", file=each.file, why=each.why) for each in problems]
    if chosen.encoding:
        told.append(said("analyse.told_encoding", file=chosen.file, encoding=chosen.encoding))
    return Source(name, _headed(path, chosen), told=told)


def _from_parquet(path: Path) -> pd.DataFrame:
    import duckdb

    try:
        with duckdb.connect() as connection:
            return connection.read_parquet(str(path)).df()
    except duckdb.Error as error:
        raise InputError(f"{path.name} cannot be read as Parquet: {error}") from None


def _chosen(path: Path, found: list[Sheet], sheet: str | None) -> Sheet:
    """The sheet of a spreadsheet, or file of a ZIP, that is named; or the only one that holds anything."""
    if sheet is not None:
        named = [each for each in found if sheet in (each.name, each.file, each.file.partition("/")[2])]
        if len(named) != 1:
            held = listing(repr(each.name) for each in found)
            raise InputError(f"{path.name} has no sheet {sheet!r}; it has {held}")
        return named[0]
    held = [each for each in found if each.rows]
    if len(held) > 1:
        names = listing(repr(each.name) for each in held)
        raise InputError(f"{path.name} has the sheets {names}; choose by {option('sheet')}")
    if not held:
        raise InputError(f"{path.name} is empty; its first row must name the columns")
    return held[0]


def _headed(path: Path, sheet: Sheet) -> pd.DataFrame:
    """The rows of a sheet as a frame named by the first of them."""
    names = list(sheet.rows[0][1]) if sheet.rows else []
    while names and not names[-1]:
        names.pop()
    padded = sheet.file.endswith("]")  # spreadsheets leave empty cells at the end out
    kept, odd = {}, []
    for number, cells in sheet.rows[1:]:
        row = list(cells)
        while len(row) > len(names) and not row[-1]:
            row.pop()
        if len(row) > len(names) or (len(row) < len(names) and not padded):
            odd.append(number)
        kept[number] = (row + [""] * len(names))[: len(names)]
    if odd:
        raise InputError(
            f"{path.name}: rows {listing(odd, SHOWN)} have more or fewer cells than the first row has names "
            f"({len(names)}); put cells that hold the delimiter in quotes"
        )
    named = [at for at, each in enumerate(names) if each]
    return pd.DataFrame.from_dict(kept, orient="index", columns=names, dtype=object).iloc[:, named]
