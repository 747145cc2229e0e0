"""Reading ``decisions.csv`` and the lists of customers beside it: everything wrong is told at once.

The file is one that a spreadsheet opens and saves: comma, semicolon or tab, UTF-8 or Excel's "Unicode text".
Each problem names file, row and column and says what to write instead.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crmlab.course.tables import decoded, parsed, plain
from crmlab.errors import InputError, listing
from crmlab.game.books import name_of
from crmlab.game.decisions import RANDOM, Decision, Group
from crmlab.game.economy import MAILINGS, PRICES, PUSH, SERVICE
from crmlab.game.rules import parse_rule

COLUMNS = ("decision", "value", "customers", "at_most", "by")
GROUPS = ("mailing", "retention")
KNOWN = ("price", "service", "scheme", "push", "crm", *GROUPS, "forecast")
SWITCH = {
    "on": True,
    "off": False,
    "yes": True,
    "no": False,
    "1": True,
    "0": False,
    "true": True,
    "false": False,
}
LARGEST = 2**21  # bytes of a decision file or a list
SHOWN = 10  # problems in one message
LIST = re.compile(r"list\s*:?\s+?(?P<file>\S.*)|list:(?P<other>\S.*)", re.IGNORECASE)


@dataclass
class Problems:
    """What is wrong in a file, gathered until all of it was read."""

    file: str
    said: list[str] = field(default_factory=list)

    def add(self, what: str, row: int | None = None, column: str | None = None) -> None:
        """Note a problem at a row, as a spreadsheet counts them, and a column."""
        place = ", ".join([*([f"row {row}"] if row else []), *([f"column {column}"] if column else [])])
        self.said.append(f"{place}: {what}" if place else what)

    def stop(self) -> None:
        """Raise what was gathered, if anything.

        Raises
        ------
        InputError
        """
        if self.said:
            more = f"; and {len(self.said) - SHOWN} problems more" if len(self.said) > SHOWN else ""
            raise InputError(f"{self.file}: " + "; ".join(self.said[:SHOWN]) + more)


def read_decision(path: Path, columns: Sequence[str], known: Mapping[int, str] | np.ndarray) -> Decision:
    """A team's decision.

    Parameters
    ----------
    path : Path
        Of ``decisions.csv``; lists of customers lie in its folder.
    columns : sequence of str
        Of the books, for rules.
    known : array of int
        Numbers of the customers in the books.

    Raises
    ------
    InputError
        Which names the file and, for each problem, row, column and remedy.
    """
    problems = Problems(f"{path.parent.name}/{path.name}")
    rows = _rows(path, problems.file)
    header = [plain(each).strip().lower() for each in rows[0][1]] if rows else []
    _check_header(header, rows, problems)
    given: dict[str, tuple[int, dict[str, str]]] = {}
    for number, row in rows[1:]:
        _take(number, row, header, given, problems)
    values = _values(given, problems)
    for name in GROUPS:
        if name in given:
            values |= _group(name, *given[name], path.parent, columns, known, problems)
    if values.get("push") and not values.get("scheme"):
        problems.add(
            "push advertises a scheme that is off; set scheme to on or push to 0", given["push"][0], "value"
        )
    problems.stop()
    return Decision(**values)


def _rows(path: Path, name: str) -> list[tuple[int, list[str]]]:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror or error})") from None
    if size > LARGEST:
        raise InputError(f"{name}: has {size:,} bytes, at most {LARGEST:,} are read; is it the right file?")
    if path.read_bytes()[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise InputError(f"{name}: is a workbook that was renamed; save it as 'CSV UTF-8' in the spreadsheet")
    text = decoded(path).removeprefix("\ufeff")
    if "\x00" in text:
        row = text[: text.index("\x00")].count("\n") + 1
        raise InputError(
            f"{name}, row {row}: holds a NUL character, which no table has; save it as 'CSV UTF-8'"
        )
    return parsed(text, name)


def _check_header(header: list[str], rows: list[Any], problems: Problems) -> None:
    if not rows:
        problems.add(f"is empty; its first row must be {','.join(COLUMNS)}")
        problems.stop()
    lacking = [each for each in COLUMNS[:2] if each not in header]
    if lacking:
        problems.add(
            f"the column {listing(lacking)} is missing; the first row must be {','.join(COLUMNS)}", rows[0][0]
        )
        problems.stop()
    strange = [each for each in header if each and each not in (*COLUMNS, "note")]
    if strange:
        problems.add(
            f"no such column as {listing(map(repr, strange))}; there are {','.join(COLUMNS)},note", rows[0][0]
        )
    double = sorted({each for each in header if each and header.count(each) > 1})
    if double:
        problems.add(f"the column {listing(double)} is there twice", rows[0][0])


def _take(number: int, row: list[str], header: list[str], given: dict, problems: Problems) -> None:
    """Put one row among what was given."""
    if any(each.strip() for each in row[len(header) :]):
        problems.add(
            "has more cells than the first row; put quotes around a rule that holds the separator", number
        )
    entry = {name: plain(cell).strip() for name, cell in zip(header, row)}
    name = entry.get("decision", "").lower()
    if not name:
        if any(entry.get(each) for each in COLUMNS):
            problems.add(f"is empty; write one of {listing(KNOWN)}", number, "decision")
        return
    if name not in KNOWN:
        problems.add(f"no decision is called {name[:40]!r}; there are {listing(KNOWN)}", number, "decision")
        return
    if name in given:
        problems.add(f"{name} is decided in row {given[name][0]} already; keep one row", number, "decision")
        return
    given[name] = (number, {each: entry.get(each, "") for each in COLUMNS})
    if name not in GROUPS:
        for column in COLUMNS[2:]:
            if given[name][1][column]:
                problems.add(f"{name} is for all customers; leave the cell empty", number, column)


def _values(given: dict[str, tuple[int, dict[str, str]]], problems: Problems) -> dict[str, Any]:
    """The decisions that are a number or a switch; an empty value leaves the lever at rest."""
    readers: dict[str, Callable[[str], Any]] = {
        "price": lambda text: _within(text, *PRICES, "the list price is 1"),
        "service": lambda text: _within(text, *SERVICE, "the usual service is 0"),
        "push": lambda text: _within(text, *PUSH, "0 is no advertising"),
        "scheme": _switch,
        "crm": _switch,
        "forecast": _number,
    }
    values = {}
    for name, read in readers.items():
        number, entry = given.get(name, (0, {"value": ""}))
        if entry["value"]:
            try:
                values[name] = read(entry["value"])
            except InputError as error:
                problems.add(str(error), number, "value")
    return values


def _number(text: str) -> float:
    """A number as spreadsheets write it, with a decimal point or a decimal comma."""
    kept = text.replace("\u00a0", "").replace(" ", "")
    if re.fullmatch(r"[+-]?\d+,\d{1,2}", kept):
        kept = kept.replace(",", ".")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", kept):
        raise InputError(f"{text[:40]!r} is no number; write it like 0.25")
    return float(kept)


def _within(text: str, low: float, high: float, about: str) -> float:
    value = _number(text)
    if not (math.isfinite(value) and low <= value <= high):
        raise InputError(f"{text[:40]} is outside {low:g} to {high:g} ({about})")
    return value


def _switch(text: str) -> bool:
    if text.lower() not in SWITCH:
        raise InputError(f"{text[:40]!r} is neither on nor off")
    return SWITCH[text.lower()]


def _group(
    name: str,
    number: int,
    entry: dict[str, str],
    folder: Path,
    columns: Sequence[str],
    known: Any,
    problems: Problems,
) -> dict[str, Any]:
    """The decision `name` about some customers; nothing where it is off."""
    often = entry["value"].lower()
    if often in ("", "0", "off", "no"):
        if entry["customers"] and not often:
            allowed = " or ".join(map(str, MAILINGS)) if name == "mailing" else "on"
            problems.add(f"is empty, so nothing would be sent; write {allowed}, or off", number, "value")
        return {}
    found: dict[str, Any] = {}
    if name == "mailing":
        if often not in map(str, MAILINGS):
            problems.add(
                f"{often[:20]!r}: a round has {MAILINGS[0]} or {MAILINGS[1]} mailings, or off",
                number,
                "value",
            )
        else:
            found["mailings"] = int(often)
    elif SWITCH.get(often) is not True:
        problems.add(f"{often[:20]!r} is neither on nor off", number, "value")
    group: dict[str, Any] = {}
    try:
        group |= _who(entry["customers"], folder, columns, known)
    except InputError as error:
        problems.add(str(error), number, "customers")
    for column, read in (("at_most", _at_most), ("by", lambda text: _by(text, columns))):
        if entry[column]:
            try:
                group |= read(entry[column])
            except InputError as error:
                problems.add(str(error), number, column)
    return found | {name: Group(**group)}


def _who(text: str, folder: Path, columns: Sequence[str], known: Any) -> dict[str, Any]:
    if not text:
        raise InputError("is empty; write a rule as orders >= 2, the word all, or: list vip.csv")
    named = LIST.fullmatch(text)
    if named:
        file = named["file"] or named["other"]
        return {"customers": _listed(folder, file, known), "source": file}
    return {"rule": parse_rule(text, dict.fromkeys(columns)).text}


def _listed(folder: Path, file: str, known: Any) -> tuple[int, ...]:
    """The customers in a list: a CSV file beside the decision with the column ``customer``."""
    if not re.fullmatch(r"[\w][\w .()-]*\.(csv|txt)", file, re.IGNORECASE) or (folder / file).is_symlink():
        raise InputError(
            f"{file[:60]!r}: a list is a .csv file in the same folder as the decision, as list vip.csv"
        )
    if not (folder / file).is_file():
        raise InputError(f"there is no file {file} beside the decision")
    rows = _rows(folder / file, file)
    header = [plain(each).strip().lower() for each in rows[0][1]] if rows else []
    if "customer" not in header:
        raise InputError(f"{file}, row 1: the column customer is missing")
    at = header.index("customer")
    cells = [(number, plain(row[at]).strip() if at < len(row) else "") for number, row in rows[1:]]
    wrong = [(number, text) for number, text in cells if not re.fullmatch(r"[Cc]?\d{1,18}", text)]
    if wrong:
        number, text = wrong[0]
        raise InputError(f"{file}, row {number}: {text[:30]!r} is no customer; copy them from customers.csv")
    numbers = [int(text.lstrip("Cc")) for _, text in cells]
    strangers = [cell for cell, there in zip(cells, np.isin(numbers, known)) if not there]
    if strangers:
        (number, text), more = strangers[0], len(strangers) - 1
        others = f" (and {more} more {'row' if more == 1 else 'rows'} like it)" if more else ""
        raise InputError(
            f"{file}, row {number}: {text} is not in your books{others}; copy customers from customers.csv"
        )
    (most, times), *_ = Counter(numbers).most_common(1) or [(0, 0)]
    if times > 1:
        raise InputError(f"{file}: {name_of(most)} is listed {times} times; keep one row")
    if not numbers:
        raise InputError(f"{file} lists nobody; set the decision to off instead")
    return tuple(sorted(numbers))


def _at_most(text: str) -> dict[str, int]:
    value = _number(text)
    if value != int(value) or value < 1:
        raise InputError(f"{text[:20]} is no number of customers; write a whole number from 1")
    return {"at_most": int(value)}


def _by(text: str, columns: Sequence[str]) -> dict[str, Any]:
    name, _, order = text.lower().partition(" ")
    if order.strip() not in ("", "highest", "lowest") or name not in (*columns, RANDOM):
        raise InputError(
            f"{text[:40]!r}: write a column of customers.csv, which may be followed by lowest, or random; "
            f"columns are {listing(columns)}"
        )
    return {"by": name, "lowest": order.strip() == "lowest"}
