"""Cards of the systems: one file ``SYSTEM.toml`` for each, which says how its exports are written.

A card is all that crmlab knows of a system. Its lists hold, for each column of a canonical table, the labels
under which exports show it, in English and in Chinese; the first is the one that `write_export` writes.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from crmlab.data.exports.canonical import TABLES
from crmlab.errors import InputError, check_known, listing

FOLDER = Path(__file__).parent
SCORES = ("file", "id", "p_alive", "expected_purchases", "value", "tier", "how")
STATES = ("won", "lost", "void", "deleted")


@dataclass(frozen=True)
class Table:
    """How one canonical table stands in the exports of a system.

    Attributes
    ----------
    files : tuple of str
        What the file or sheet is called; the first is what `write_export` calls it.
    columns : dict of str to tuple of str
        The labels of each canonical column, the usual one first.
    states : dict of str to tuple of str
        Of deals: stages that are ``won`` or ``lost``; of orders: statuses that make an order ``void``; of
        both what the column ``deleted`` says of records that are.
    """

    files: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    states: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Layout:
    """How `write_export` writes for a system.

    Attributes
    ----------
    purchases : {"orders", "deals"}
        As what a purchase is written.
    encoding, delimiter : str
        Of text files.
    moment, day : str
        Formats of times and of columns that hold a day only, as for strftime, or ``epoch milliseconds``.
    days : tuple of str
        ``table.column`` of the columns that hold a day only.
    money : str
        Format of an amount, as ``"${:,.2f}"``.
    """

    purchases: str
    encoding: str
    delimiter: str
    moment: str
    day: str
    days: tuple[str, ...]
    money: str


@dataclass(frozen=True)
class Card:
    """What is known of the exports of a system.

    Attributes
    ----------
    system, name, layout : str
        ``zoho``; ``Zoho CRM``; where its exports come from.
    id_prefix : str
        What it sets before ids, which is no part of them.
    date_formats : tuple of str
        Formats besides ISO 8601 that need no question.
    decimal : str
        Decimal mark where the amounts leave it open; empty where that has to be asked.
    verified, not_verified, losses : tuple of str
        Sentences: what was read in a source; what was not; what a round trip through the system loses.
    purchases : dict of str to str
        The tables from which purchases come, the first that is there; what is to be said of each.
    ignored : tuple of str
        Files that hold something else.
    layout_written : Layout
    tables : dict of str to Table
    scores : dict of str to str
        The labels under which scores are written for import; ``file`` and ``how`` besides.
    """

    system: str
    name: str
    layout: str
    id_prefix: str
    date_formats: tuple[str, ...]
    decimal: str
    verified: tuple[str, ...]
    not_verified: tuple[str, ...]
    losses: tuple[str, ...]
    purchases: Mapping[str, str]
    ignored: tuple[str, ...]
    layout_written: Layout
    tables: Mapping[str, Table]
    scores: Mapping[str, str]


def normalised(label: str) -> str:
    """A label without what people change: case, width, blanks and punctuation.

    Examples
    --------
    >>> normalised("Account Name.id"), normalised("客户名称 "), normalised("STAGE_")
    ('accountnameid', '客户名称', 'stage')
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", label).casefold())


@cache
def cards() -> Mapping[str, Card]:
    """All cards, by system, in alphabetical order."""
    return {path.stem: read_card(path) for path in sorted(FOLDER.glob("*.toml"))}


def card(system: str) -> Card:
    """The card of one system.

    Raises
    ------
    InputError
        If there is none; the message lists those that there are.
    """
    check_known("system", [system], cards())
    return cards()[system]


def read_card(path: Path) -> Card:
    """The card in a file.

    Raises
    ------
    InputError
        If a key is missing or unknown, a table or column is none of the canonical ones, or two columns of a
        table share a label.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path.name} is no TOML: {error}") from None
    names = sorted({each.name for each in fields(Card)} - {"system", "layout_written"} | {"write"})
    _check_keys(path.name, given, names)
    check_known(f"table of {path.name}", given["tables"], TABLES)
    check_known(f"source of purchases in {path.name}", given["purchases"], given["tables"])
    _check_keys(f"write of {path.name}", given["write"], [each.name for each in fields(Layout)])
    _check_keys(f"scores of {path.name}", given["scores"], SCORES)
    written = Layout(**{name: _tuple(value) for name, value in given.pop("write").items()})
    tables = {name: _table(path.name, name, each) for name, each in given.pop("tables").items()}
    rest = {name: _tuple(value) for name, value in given.items()}
    return Card(system=path.stem, layout_written=written, tables=tables, **rest)


def _check_keys(place: str, given: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse keys that are unknown, and say which are missing."""
    check_known(f"key in {place}", given, names)
    missing = [name for name in names if name not in given]
    if missing:
        raise InputError(f"{place} does not say: {listing(missing)}")


def _table(file: str, name: str, given: dict[str, Any]) -> Table:
    columns = {column: tuple(labels) for column, labels in given["columns"].items()}
    check_known(f"column of {name} in {file}", columns, [each.name for each in TABLES[name]])
    states = {state: tuple(labels) for state, labels in given.get("states", {}).items()}
    check_known(f"state of {name} in {file}", states, STATES)
    owners: dict[str, str] = {}
    for column, labels in columns.items():
        for label in labels:
            if owners.setdefault(normalised(label), column) != column:
                raise InputError(f"{file}: label {label!r} of {name} is given to two columns")
    return Table(tuple(given["files"]), columns, states)


def _tuple(value: object) -> Any:
    return tuple(value) if isinstance(value, list) else value
