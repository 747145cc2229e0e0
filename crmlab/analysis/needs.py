"""What a theory's estimators need of a user's tables: the schema of its simulation, with meaning from a card.

A *sample* is what a user has as one file: rows of the same customers, branches or orders. It may hold the
columns of several of the theory's tables, and those that follow from others are never asked for.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from crmlab.analysis.deriving import MAKERS, Formula, Made
from crmlab.analysis.names import aliases_of
from crmlab.analysis.schema import KINDS, Column, Schema, range_of, schema_of
from crmlab.errors import InputError, check_known
from crmlab.theories import design_of

CARDS = Path(__file__).resolve().parent / "cards"
ABOUT_ALL = {"about", "confounder", "standardise", "marker", "margins", "why_not"}
ABOUT_SAMPLE = {
    "row", "files", "tables", "columns", "derived", "made", "by_lot", "before", "also", "balanced",
    "confounder", "told",
}  # fmt: skip
ABOUT_COLUMN = {
    "about",
    "aliases",
    "kind",
    "low",
    "high",
    "standardise",
    "empty_unless",
    "positive",
    "groups",
}


class NotForFiles(InputError):
    """A theory that no user's files can be put under; the message says why."""


@dataclass(frozen=True)
class Need:
    """A column that is asked for.

    Attributes
    ----------
    name : str
    kind : str
        One of `crmlab.analysis.schema.KINDS`.
    low, high : float
        The range that its values may have.
    about : str
        One sentence.
    aliases : tuple of str
        Other names under which it is known.
    standardise : bool
        Whether the theory speaks of it in standard deviations.
    empty_unless : str
        The yes/no column that must be 1 for it to have a value; empty if it always has one.
    positive : bool
        Whether 0 is refused, too, because a logarithm is taken.
    groups : bool
        Whether rows with the same value are of one unit, which may share what is not in the table.
    dtype : numpy dtype
        In which the theory's estimators are given it.
    """

    name: str
    kind: str
    low: float
    high: float
    about: str
    aliases: tuple[str, ...] = ()
    standardise: bool = False
    empty_unless: str = ""
    positive: bool = False
    groups: bool = False
    dtype: np.dtype = field(default_factory=lambda: np.dtype(float))


@dataclass(frozen=True)
class Sample:
    """What a user has as one file.

    Attributes
    ----------
    name, row : str
        Its name, and what a row is.
    files : tuple of str
        Names that its file may have.
    tables : tuple of str
        The theory's tables that come of it.
    columns : dict of str to Need
    derived : dict of str to Formula
    made : dict of str to Made
        Tables that follow from its columns.
    by_lot, before : tuple of str
        Columns set by lot, and those fixed before it was drawn.
    told : tuple of str
        Columns that the same people told in one questionnaire.
    confounder : str
        What nobody measures and may move both cause and effect in this sample.
    balanced : dict
        ``by`` a column whose every value has ``rows`` rows, in the order of a column ``order``.
    """

    name: str
    row: str
    files: tuple[str, ...]
    tables: tuple[str, ...]
    columns: Mapping[str, Need]
    derived: Mapping[str, Formula] = field(default_factory=dict)
    made: Mapping[str, Made] = field(default_factory=dict)
    by_lot: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    balanced: Mapping[str, Any] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    confounder: str = ""

    def inputs(self, column: str) -> list[str]:
        """The columns asked for that a column follows from: itself if it is asked for."""
        if column not in self.derived:
            return [column]
        return [each for name in self.derived[column].inputs for each in self.inputs(name)]


@dataclass(frozen=True)
class Needs:
    """What a theory needs of a user's tables.

    Attributes
    ----------
    theory : str
    about : str
        What the tables are of.
    marker : str
        How the names of a marker scale's items begin; empty if there is none.
    samples : dict of str to Sample
    schema : Schema
    margins : dict of str to dict
        Parameters that can be set so that the simulation has the user's margins: ``of`` a column whose mean
        they move, ``low`` and ``high`` where to look.
    """

    theory: str
    about: str
    marker: str
    samples: Mapping[str, Sample]
    schema: Schema
    margins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def sample_of(self, table: str) -> Sample:
        """The sample from which a table of the theory comes."""
        return next(each for each in self.samples.values() if table in each.tables)

    def asked(self, read: Iterable[Column]) -> list[tuple[str, str]]:
        """Samples and columns that are asked for so that these columns of the theory's tables are there."""
        found: dict[tuple[str, str], None] = {}
        for table, column in read:
            sample = self.sample_of(table)
            made = sample.made.get(table)
            names = [column] if made is None else made.parts.get(column, made.inputs)
            for name in names:
                found |= dict.fromkeys((sample.name, each) for each in sample.inputs(name))
        return list(found)

    def of(self, hypothesis: str, estimator: str) -> list[tuple[str, str]]:
        """Samples and columns that an estimator of a hypothesis needs."""
        return self.asked(self.schema.reads[hypothesis, estimator])


@cache
def needs_of(lesson: str) -> Needs:
    """What the theory of a lesson needs: by its card and, where there is none, by its simulation alone.

    Raises
    ------
    InputError
        If there is no such lesson, or the card of its theory speaks of what is not there.
    """
    design = design_of(lesson)
    path = CARDS / f"{design.name}.toml"
    card = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if "why_not" in card:
        raise NotForFiles(card["why_not"])
    schema = schema_of(design.name)
    tables = dict.fromkeys(table for table, _ in schema.columns)
    card = {"about": design.claim} | card
    spoken = {
        table
        for name, about in card.items()
        if name not in ABOUT_ALL
        for table in about.get("tables", [name])
    }
    read = dict.fromkeys(table for columns in schema.reads.values() for table, _ in columns)
    card |= {table: {} for table in read if table not in spoken}  # by what the simulation says of them alone
    samples = {
        name: _sample(name, about, schema, card, path.name)
        for name, about in card.items()
        if name not in ABOUT_ALL
    }
    check_known(f"table of {path.name}", [t for each in samples.values() for t in each.tables], tables)
    return Needs(
        design.name,
        card["about"],
        card.get("marker", ""),
        samples,
        schema,
        card.get("margins", {}),
    )


def _sample(
    name: str, about: Mapping[str, Any], schema: Schema, card: Mapping[str, Any], file: str
) -> Sample:
    check_known(f"key of [{name}] in {file}", about, ABOUT_SAMPLE)
    derived = {column: Formula(text) for column, text in about.get("derived", {}).items()}
    made = {table: _made(entry) for table, entry in about.get("made", {}).items()}
    tables, row = tuple(about.get("tables", [name])), about.get("row", f"a row of {name}")
    sample = Sample(name, row, tuple(about.get("files", [name])), tables, {}, derived, made)
    read = {column for columns in schema.reads.values() for column in columns}
    wanted: dict[str, None] = {}
    for table, column in schema.columns:
        if (table, column) in read and table in tables:
            for each in made[table].inputs if table in made else [column]:
                wanted |= dict.fromkeys(sample.inputs(each))
    wanted |= dict.fromkeys(about.get("also", []))
    columns = {
        column: _need(column, tables, about.get("columns", {}), schema, card, f"[{name}] in {file}")
        for column in wanted
    }
    return Sample(
        name,
        row,
        tuple(about.get("files", [name])),
        tables,
        columns,
        derived,
        made,
        tuple(about.get("by_lot", [])),
        tuple(about.get("before", [])),
        about.get("balanced", {}),
        tuple(column for column in columns if _named(column, about.get("told", []))),
        about.get("confounder", card.get("confounder", "")),
    )


def _made(entry: Mapping[str, Any]) -> Made:
    options = dict(entry)
    return MAKERS[options.pop("function")](**options)


def _need(
    name: str,
    tables: Iterable[str],
    written: Mapping[str, Any],
    schema: Schema,
    card: Mapping[str, Any],
    where: str,
) -> Need:
    entry = next(
        (written[key] for key in (name, _family(name, "#"), _family(name, "*")) if key in written), {}
    )
    check_known(f"key of {name} of {where}", entry, ABOUT_COLUMN)
    seen = next((schema.columns[table, name] for table in tables if (table, name) in schema.columns), None)
    if seen is not None and seen.kind == "other":
        raise NotForFiles(
            f"{name} holds words or dates, which are not read from files; write a card that says how"
        )
    if seen is None:
        raise InputError(f"{where} speaks of {name!r}, which is no column of the simulation")
    kind = entry.get("kind", "category" if "high" in entry else seen.kind)
    check_known(f"kind of {name} of {where}", [kind], KINDS)
    same = kind == seen.kind or {kind, seen.kind} == {"scale", "category"}
    low, high = (seen.low, seen.high) if same else range_of(kind, np.array([np.nan]))
    aliases = (*entry.get("aliases", ()), *aliases_of(name))
    return Need(
        name,
        kind,
        float(entry.get("low", low)),
        float(entry.get("high", high)),
        entry.get("about", ""),
        aliases,
        entry.get("standardise", name in card.get("standardise", [])),
        entry.get("empty_unless", ""),
        entry.get("positive", False),
        entry.get("groups", kind == "id"),
        seen.dtype,
    )


def _named(column: str, names: Iterable[str]) -> bool:
    """Whether a column is among names that may stand for a family, as ``attitude_#``."""
    return bool({column, _family(column, "#"), _family(column, "*")} & set(names))


def _family(name: str, mark: str) -> str:
    """``attitude_3`` as ``attitude_#``, ``spend_q1`` as ``spend_q#``; ``need_speed`` as ``need_*``."""
    if mark == "*":
        return f"{name.partition('_')[0]}_*"
    bare = name.rstrip("0123456789")
    return f"{bare}#" if bare != name else name
