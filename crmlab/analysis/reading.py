"""Columns of a user's tables, which are text, as numbers of the kind that is needed.

Nothing is dropped or turned into something else in silence: what cannot be read is refused with its file,
column and rows, and what is done to a column is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from crmlab.analysis.files import Source
from crmlab.analysis.needs import Need
from crmlab.data.exports.values import Reader, present
from crmlab.errors import InputError, listing, option
from crmlab.words import words
from crmlab.words.saying import said

MISSING = {"", "na", "n/a", "nan", "null", "none", "#n/a", "#null!", ".", "-", "缺失", "无回答"}
YES = {"1", "1.0", "true", "yes", "y", "是", "有"}
NO = {"0", "0.0", "false", "no", "n", "否", "无"}
LISTS = ("yes", "no", "missing", "mean")  # what a map writes as lists
SHOWN = 5  # rows that a message lists


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
    decimal : str
        The decimal mark of its numbers, where they leave it open.
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
    decimal: str = ""
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
    values, way, wrong = as_numbers(cells, use.decimal)
    if way:
        facts = {"file": source.name, "column": use.column, "way": way}
        source.told.append(said("analyse.told_numbers", **facts))
    if wrong:
        remedy = (
            "write numbers with a point for decimals, or say in the map how they are written: "
            f'{need.name} = {{ column = "{use.column}", decimal = "," }}; name cells that mean no answer in '
            "its missing"
        )
        problems.add(source, use.column, wrong, remedy)
        return np.full(len(cells), np.nan)
    _check_range(cells, values, need, use, source, problems)
    found = values.to_numpy(dtype=float)
    if use.reverse:
        found = _turned(found, need, use, source, problems)
    if use.transform == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.log(found)
    return found


def as_numbers(cells: pd.Series, decimal: str = "") -> tuple[pd.Series, str, str]:
    """Cells as numbers, as imports read amounts; or what stands there that is no number, or could be two.

    Parameters
    ----------
    cells : Series of str
    decimal : str
        The decimal mark, where it is said.

    Returns
    -------
    Series of float
    str
        How they are written, where that is not with a point alone.
    str
        What is wrong; empty where all could be read.
    """
    values = pd.to_numeric(cells, errors="coerce")
    if not decimal and np.isfinite(values.to_numpy(dtype=float)).all():
        return values, "", ""
    reader = Reader()
    try:
        grouped = {",": ".", ".": ","}.get(decimal)
        read = reader.money(present(cells), decimal or None, grouped, "", lenient=True)
    finally:
        reader.close()
    if read.question:
        return values, "", read.question.partition(": say")[0]
    odd = cells[read.bad | read.values.isna().to_numpy()]
    if len(odd):
        return values, "", f"{_rows(odd)} {listing(map(repr, dict.fromkeys(odd)), 3)}, which are no numbers"
    way = read.way or "1234.50"
    return read.values, f"{way} {read.currency}".strip() if way != "1234.50" or read.currency else "", ""


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
            how = f" ({option('rule')} 'buyers=every quarter')" if source.sample else ""
            problems.add(
                source, use.column, what, f"the theory's model is of customers who spend; leave them out{how}"
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
