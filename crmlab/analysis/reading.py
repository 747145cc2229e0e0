"""Files and frames of a user, as text; columns of text as numbers of the kind that is needed.

Nothing is dropped or turned into something else in silence: what cannot be read is refused with its file,
column and rows, and what is done to a column is told.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmlab.analysis.needs import Need
from crmlab.errors import InputError, listing, option
from crmlab.words import words

MISSING = {"", "na", "n/a", "nan", "null", "none", "#n/a", "#null!", ".", "-", "缺失", "无回答"}
YES = {"1", "1.0", "true", "yes", "y", "是", "有"}
NO = {"0", "0.0", "false", "no", "n", "否", "无"}
ENDS = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
FIRST_ROW = 2  # of data in a file whose first row has the names
LISTS = ("yes", "no", "missing", "mean")  # what a map writes as lists
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
    """

    name: str
    frame: pd.DataFrame
    sample: str = ""


@dataclass(frozen=True)
class Use:
    """How a column of a user's is used.

    Attributes
    ----------
    column : str
        Its name there.
    yes, no, missing : tuple of str
        Cells that mean so.
    low, high : float, optional
        Ends of its scale, where they are not those of the theory.
    reverse : bool
        Whether the scale runs the other way.
    transform : {"", "log"}
        What is done to its numbers.
    as_it_is : bool
        Not to be brought to standard deviations.
    mean : tuple of str
        Columns whose mean it is, in place of one column; `column` is then the first of them.
    how : {"name", "alias", "map"}
        How it was found.
    """

    column: str
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    reverse: bool = False
    transform: str = ""
    as_it_is: bool = False
    mean: tuple[str, ...] = ()
    how: str = "name"

    @property
    def named(self) -> str:
        """What is read, for people: the column, or all of which it is the mean."""
        return words("analyse.mean_of", columns=", ".join(self.mean)) if self.mean else self.column


@dataclass
class Problems:
    """What is wrong with a user's tables, gathered so that all of it is told at once."""

    found: list[str] = field(default_factory=list)

    def add(self, source: Source, column: str, wrong: str, remedy: str) -> None:
        """Something wrong with a column."""
        self.found.append(f"{source.name}: column {column!r}: {wrong}; {remedy}")

    def raise_any(self) -> None:
        """Raise `InputError` with all of it, if there is any."""
        if self.found:
            raise InputError("\n  ".join(self.found))


def read_source(
    source: Any, encoding: str | None = None, sheet: str | None = None, name: str = "", empty: bool = False
) -> Source:
    """A file or frame as text; without rows only if `empty` allows it.

    Raises
    ------
    InputError
        If it is not there, is of no kind that can be read, is empty, or has two columns of a name.
    """
    if isinstance(source, pd.DataFrame):
        frame = source.map(_as_text)
        frame.columns = [str(each) for each in frame.columns]
        made = Source(name or "the frame", frame.set_axis(range(FIRST_ROW, FIRST_ROW + len(frame))))
    else:
        path = Path(source).expanduser()
        if not path.is_file():
            raise InputError(f"file {str(source)!r} is not there; name a file that ends in {', '.join(ENDS)}")
        made = Source(name or path.name, _frame_of(path, encoding, sheet))
    names = [each.strip() for each in made.frame.columns]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise InputError(f"{made.name}: two columns are named {listing(map(repr, twice), 3)}; rename one")
    if not len(made.frame) and not empty:
        raise InputError(f"{made.name} holds no rows; its first row names the columns, the others are data")
    made.frame.columns = names
    return made


def _as_text(cell: Any) -> str:
    if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)):
        return ""
    if isinstance(cell, bool | np.bool_):
        return "1" if cell else "0"
    return repr(float(cell)) if isinstance(cell, float | np.floating) else str(cell)


def _frame_of(path: Path, encoding: str | None, sheet: str | None) -> pd.DataFrame:
    end = path.suffix.lower()
    try:
        if end == ".xlsx":
            return _from_sheets(path, sheet)
        if end == ".parquet":
            frame = _from_parquet(path).map(_as_text)
            return frame.set_axis(range(FIRST_ROW, FIRST_ROW + len(frame)))
        if end in (".csv", ".tsv", ".txt"):
            return _from_text(path, encoding)
    except InputError:
        raise
    except (ValueError, OSError, KeyError, ImportError) as error:
        raise InputError(f"{path.name} cannot be read: {error}") from None
    raise InputError(f"{path.name} is of no kind that can be read; save it as {', '.join(ENDS)}")


def _from_parquet(path: Path) -> pd.DataFrame:
    import duckdb

    try:
        with duckdb.connect() as connection:
            return connection.read_parquet(str(path)).df()
    except duckdb.Error as error:
        raise InputError(f"{path.name} cannot be read as Parquet: {error}") from None


def _from_sheets(path: Path, sheet: str | None) -> pd.DataFrame:
    sheets = pd.read_excel(path, sheet_name=None, header=None, dtype=object)
    if sheet is None and len(sheets) > 1:
        raise InputError(
            f"{path.name} has the sheets {listing(map(repr, sheets))}; choose by {option('sheet')}"
        )
    if sheet is not None and sheet not in sheets:
        raise InputError(f"{path.name} has no sheet {sheet!r}; it has {listing(map(repr, sheets))}")
    cells = (sheets[sheet] if sheet else next(iter(sheets.values()))).map(_as_text)
    return _headed(path, cells.to_numpy().tolist())


def _from_text(path: Path, encoding: str | None) -> pd.DataFrame:
    raw = path.read_bytes()
    marked = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}.get(raw[:2], "utf-8-sig")
    try:
        text = raw.decode(encoding or marked)
    except (UnicodeDecodeError, LookupError) as error:
        reason = getattr(error, "reason", "no such encoding")
        line = raw[: getattr(error, "start", 0)].count(b"\n") + 1
        raise InputError(
            f"{path.name} is not written in {encoding or 'UTF-8'} (row {line}: {reason}); say by "
            f"{option('encoding')} how it is, such as gb18030 or cp1252, or save it as UTF-8"
        ) from None
    first = text.split("\n", 1)[0]
    mark = max(",;\t|", key=first.count)
    csv.field_size_limit(1 << 24)
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), delimiter=mark, strict=True))
    except csv.Error as error:
        raise InputError(
            f"{path.name} cannot be read as text with {mark!r} between columns: {error}"
        ) from None
    return _headed(path, rows)


def _headed(path: Path, rows: Sequence[Sequence[str]]) -> pd.DataFrame:
    """Rows as a frame named by the first of them; rows without any cell are passed over but counted."""
    if not rows:
        raise InputError(f"{path.name} is empty; its first row must name the columns")
    names = list(rows[0])
    kept = {at: row for at, row in enumerate(rows[1:], FIRST_ROW) if any(str(cell).strip() for cell in row)}
    odd = [at for at, row in kept.items() if len(row) != len(names)]
    if odd:
        raise InputError(
            f"{path.name}: rows {listing(odd, SHOWN)} have more or fewer cells than the first row has names "
            f"({len(names)}); put cells that hold the delimiter in quotes"
        )
    named = [at for at, name in enumerate(names) if str(name).strip()]
    frame = pd.DataFrame.from_dict(kept, orient="index", columns=names, dtype=object)
    return frame.iloc[:, named]


# Columns ------------------------------------------------------------------------------------------------


def blank(cells: pd.Series, use: Use, missing: Sequence[str]) -> np.ndarray:
    """Which cells are empty, or say that there is no answer."""
    words = MISSING | {each.casefold() for each in (*use.missing, *missing)}
    return cells.str.strip().str.casefold().isin(words).to_numpy()


def typed(
    need: Need, use: Use, source: Source, missing: Sequence[str], problems: Problems
) -> tuple[np.ndarray, np.ndarray]:
    """A column as numbers of the kind that is needed, NaN where it is blank, and which rows are blank."""
    if len(use.mean) > 1:
        parts = [replace(use, column=name, mean=()) for name in use.mean]
        whole = replace(need, kind="number")
        read = [typed(whole, each, source, missing, problems) for each in parts]
        return np.mean([values for values, _ in read], axis=0), np.any([empty for _, empty in read], axis=0)
    cells = source.frame[use.column].str.strip()
    empty = blank(cells, use, missing)
    values = np.full(len(cells), np.nan)
    if need.kind == "id":
        return _codes(cells, empty), empty
    read = _yes_no if need.kind == "yes_no" else _numbers
    values[~empty] = read(cells[~empty], need, use, source, problems)
    return values, empty


def _codes(cells: pd.Series, empty: np.ndarray) -> np.ndarray:
    """Names of units as numbers: their own if all are whole, else by their order."""
    numbers = pd.to_numeric(cells.where(~empty), errors="coerce").to_numpy(dtype=float)
    if np.isfinite(numbers[~empty]).all() and (numbers[~empty] == np.round(numbers[~empty])).all():
        return numbers
    codes = pd.factorize(cells, sort=True)[0].astype(float)
    codes[empty] = np.nan
    return codes


def _yes_no(cells: pd.Series, need: Need, use: Use, source: Source, problems: Problems) -> np.ndarray:
    yes = {each.casefold() for each in use.yes} or YES
    no = {each.casefold() for each in use.no} or NO
    lower = cells.str.casefold()
    odd = cells[~lower.isin(yes | no)]
    if len(odd):
        seen = listing(map(repr, dict.fromkeys(odd)), 3)
        problems.add(
            source,
            use.column,
            f"{_rows(odd)} {seen}, where {need.name} is yes or no",
            "write 1 and 0, or say in the map which words mean what: "
            f'{need.name} = {{ column = "{use.column}", yes = ["…"], no = ["…"] }}',
        )
    return lower.isin(yes).to_numpy(dtype=float)


def _numbers(cells: pd.Series, need: Need, use: Use, source: Source, problems: Problems) -> np.ndarray:
    values = pd.to_numeric(cells, errors="coerce")
    odd = cells[~np.isfinite(values.to_numpy(dtype=float))]
    if len(odd):
        remedy = (
            "write numbers with a point for decimals; name cells that mean no answer in the map's missing"
        )
        seen = listing(map(repr, dict.fromkeys(odd)), 3)
        problems.add(source, use.column, f"{_rows(odd)} {seen}, which are no numbers", remedy)
        return np.full(len(cells), np.nan)
    _check_range(cells, values, need, use, source, problems)
    found = values.to_numpy(dtype=float)
    if use.reverse:
        found = _turned(found, need, use, source, problems)
    if use.transform == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.log(found)
    return found


def _turned(values: np.ndarray, need: Need, use: Use, source: Source, problems: Problems) -> np.ndarray:
    """Answers to an item that asks the other way round: the scale's ends change places."""
    ends = _end(use.low, need.low) + _end(use.high, need.high)
    if not np.isfinite(ends):
        wrong = f"reverse is true, but the ends of the scale of {need.name} are not known"
        problems.add(source, use.column, wrong, f"give low and high of {need.name} in the map")
    return ends - values


def _end(given: float | None, usual: float) -> float:
    return usual if given is None else given


def _check_range(
    cells: pd.Series, values: pd.Series, need: Need, use: Use, source: Source, problems: Problems
) -> None:
    low, high = _end(use.low, need.low), _end(use.high, need.high)
    outside = cells[((values < low) | (values > high)).to_numpy()]
    if len(outside):
        wanted = f"from {low:g} to {high:g}" if np.isfinite(high) else f"{low:g} or more"
        remedy = f"mend them, or say in the map what the scale's ends are: low and high of {need.name}"
        problems.add(
            source, use.column, f"{_rows(outside)} {_some(outside)}; {need.name} lies {wanted}", remedy
        )
    if need.kind in ("scale", "category", "count", "period"):
        broken = cells[(values != values.round()).to_numpy()]
        if len(broken):
            what = f"{_rows(broken)} {_some(broken)}; {need.name} takes whole numbers"
            problems.add(source, use.column, what, "give the answers themselves, not means of them")
    if need.positive or use.transform == "log":
        nothing = cells[(values <= 0).to_numpy()]
        if len(nothing):
            what = f"{_rows(nothing)} {_some(nothing)}, of which no logarithm can be taken"
            problems.add(
                source, use.column, what, "the theory's model is of customers who spend; leave them out"
            )


def _rows(cells: pd.Series) -> str:
    many = len(cells) > 1
    return f"{'rows' if many else 'row'} {listing(cells.index, SHOWN)} {'hold' if many else 'holds'}"


def _some(cells: pd.Series) -> str:
    return listing(dict.fromkeys(cells), 3)


def wide_use(column: str, entry: str | Mapping[str, Any], how: str) -> Use:
    """A use as the map writes it: a column's name, or a table with `column` and what is done to it."""
    if isinstance(entry, str):
        return Use(entry, how=how)
    known = dict(entry)
    lists = {name: tuple(map(str, known.pop(name))) for name in LISTS if name in known}
    if lists.get("mean") and "column" not in known:
        known["column"] = lists["mean"][0]
    try:
        return Use(**known, **lists, how=how)
    except TypeError:
        fields = ", ".join(name for name in Use.__dataclass_fields__ if name != "how")
        raise InputError(
            f"map: {column} has {listing(entry)}; it may have {fields}, and needs column"
        ) from None
