"""A card a lesson: which columns of its samples a firm's tables tell, and where the rest would stand."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from crmlab.analysis.firm.columns import COLUMNS
from crmlab.analysis.firm.joining import DATES
from crmlab.analysis.firm.panels import PANELS
from crmlab.analysis.firm.rules import KINDS
from crmlab.errors import check_known

FOLDER = Path(__file__).parent / "cards"
ROWS = "customers"
OF_CARD = {"rules", "start_after", "takes", "where"}
OF_SAMPLE = {"rows", "known_by", "bought_in", "columns", "where", "tables"}


@dataclass(frozen=True)
class SampleCard:
    """How a sample is made.

    Attributes
    ----------
    rows : str
        ``customers``, one of `PANELS`, or empty for a sample that no table holds.
    known_by : str
        The window before which customers must be known: its first day.
    bought_in : str
        The window in which they must have bought; empty where they need not have.
    columns : dict of str to dict
        For samples of customers the function of each column and what it takes.
    where : dict of str to str
        Which record or survey would hold a column: keys of the words; ``*`` for all others.
    tables : tuple of str
        The tables it is made of, as a list names them.
    """

    rows: str = ""
    known_by: str = ""
    bought_in: str = ""
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class FirmCard:
    """A lesson's card.

    Attributes
    ----------
    rules : dict of str to value
        The lesson's rules besides dates, with their usual values; empty for those that must be said.
    start_after : int
        Months after the tables begin from which `start` is counted; 0: it is counted back from the end.
    samples : dict of str to SampleCard
    takes : tuple of str
        Days that it takes from joined files, by the names of `crmlab.analysis.firm.joining.DATES`.
    where : str
        Where a column stands that no sample speaks of.
    """

    rules: Mapping[str, Any] = field(default_factory=dict)
    start_after: int = 0
    samples: Mapping[str, SampleCard] = field(default_factory=dict)
    takes: tuple[str, ...] = ()
    where: str = "survey"

    def place(self, sample: str, column: str) -> str:
        """Which record or survey would hold a column: a key of the words."""
        places = self.samples[sample].where if sample in self.samples else {}
        stem = column.rstrip("0123456789")
        return places.get(column) or places.get(f"{stem}#") or places.get("*") or self.where


@cache
def firm_card(theory: str) -> FirmCard:
    """The card of a theory; an empty one where there is none.

    Raises
    ------
    InputError
        If it speaks of what is not there.
    """
    path = FOLDER / f"{theory}.toml"
    given = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    rules = given.get("rules", {})
    check_known(f"rule of {path.name}", rules, KINDS)
    samples = {name: _sample(path.name, each) for name, each in given.items() if name not in OF_CARD}
    takes = tuple(given.get("takes", ()))
    check_known(f"day in {path.name}", takes, DATES)
    return FirmCard(rules, given.get("start_after", 0), samples, takes, given.get("where", "survey"))


def _sample(file: str, given: Mapping[str, Any]) -> SampleCard:
    check_known(f"key of a sample in {file}", given, OF_SAMPLE)
    rows, columns = given.get("rows", ""), given.get("columns", {})
    check_known(f"rows in {file}", [rows] if rows else [], [ROWS, *PANELS])
    check_known(f"function in {file}", [each["function"] for each in columns.values()], COLUMNS)
    return SampleCard(
        rows,
        given.get("known_by", ""),
        given.get("bought_in", ""),
        columns,
        given.get("where", {}),
        tuple(given.get("tables", ())),
    )
