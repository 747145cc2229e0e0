"""Which table a sheet holds and which label means which column: by map, by alias, or by a shown guess."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import PurePosixPath

from crmlab.data.exports.canonical import TABLES, Field
from crmlab.data.exports.cards import Card, Table, normalised
from crmlab.data.exports.settings import Settings, TableMap, is_named
from crmlab.data.exports.sources import Sheet
from crmlab.errors import InputError, listing
from crmlab.words import words

HEADER = 20  # rows among which the one with the labels is looked for
USED = 0.8  # confidence from which a guess is used
SHOWN = 0.55  # confidence from which it is shown
FITTING = 0.95  # share of cells that could be such values, from which a column is named to the user
SAMPLE = 500  # cells that a guess looks at
_PATTERNS = {
    "moment": re.compile(r"\d{1,4}[-/.年]\s?\d{1,2}[-/.月]\s?\d{1,4}日?(?:[T ,].*)?|\d{13}|\d{8}(?:T.*)?"),
    "money": re.compile(r"[(+−-]?\s*[^\d\s]{0,4}\s*[\d.,'\s]*\d[\d.,'\s]*\s*[^\d\s]{0,3}\)?"),
    "number": re.compile(r"[-+]?[\d.,\s]*\d"),
    "id": re.compile(r"\S{1,64}"),
    "text": re.compile(r"(?s).+"),
}


@dataclass(frozen=True)
class Match:
    """A label that means a column.

    Attributes
    ----------
    column, label : str
    place : int
        Position of the label in the sheet, from 0.
    how : {"map", "label", "guess"}
    confidence : float
        1 unless guessed: likeness of the label times the share of cells that could be such a value.
    """

    column: str
    label: str
    place: int
    how: str = "label"
    confidence: float = 1.0


@dataclass(frozen=True)
class Layout:
    """How a sheet is understood.

    Attributes
    ----------
    table : str
        The canonical table; empty for a sheet that is passed over.
    labels : list of str
    header : int
        Number of the row of labels.
    matches : dict of str to Match
        By canonical column.
    kept : dict of str to int
        Columns of the user's own, and their places.
    guesses : list of Match
        Guesses too weak to be used.
    unused : list of str
        Labels that mean nothing here.
    fitting : dict of str to list of str
        For columns that are needed and not found the unused labels whose cells could be such values.
    why : str
        Why the sheet is passed over.
    """

    table: str
    labels: list[str] = field(default_factory=list)
    header: int = 1
    matches: Mapping[str, Match] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    guesses: list[Match] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    fitting: Mapping[str, list[str]] = field(default_factory=dict)
    why: str = ""


def layout(sheet: Sheet, card: Card, settings: Settings) -> Layout:
    """How a sheet is understood.

    Raises
    ------
    InputError
        If it could be several tables, or a label that the map names is not there.
    """
    if is_named(sheet.file, settings.skip) or is_named(sheet.name, settings.skip):
        return Layout("", why=words("exports.why_map"))
    if not sheet.rows:
        return Layout("", why=words("exports.why_empty"))
    tables = {name: _with_map(card.tables[name], settings.of(name)) for name in card.tables}
    found = _named(sheet, card, tables, settings)
    if found is None:
        return Layout("", why=words("exports.why_other", name=card.name))
    candidates = [found] if found else list(tables)
    name, at = _best(sheet, {each: tables[each] for each in candidates})
    if not name:
        heads = listing(filter(None, sheet.rows[0][1]), 6)
        return Layout("", why=words("exports.why_unfit", heads=heads))
    header, cells = sheet.rows[at]
    labels = _unique(cells)
    return _matched(sheet, name, tables[name], settings.of(name), labels, header, at)


def table_by_name(file: str, card: Card, settings: Settings) -> str:
    """The table that a file's name says, whatever stands in it; empty if it says none."""
    tables = {name: _with_map(card.tables[name], settings.of(name)) for name in card.tables}
    return _named(Sheet(file, PurePosixPath(file).stem, []), card, tables, settings) or ""


def _with_map(table: Table, said: TableMap) -> Table:
    """A table of the card with what the map says of it."""
    columns = dict(table.columns)
    for column, label in said.columns.items():
        columns[column] = (label,) if label else ()
    states = {
        state: (*table.states.get(state, ()), *said.states.get(state, ()))
        for state in {*table.states, *said.states}
    }
    return Table((*said.files, *table.files), columns, states)


# -- which table ---------------------------------------------------------------------------------------------


def _named(sheet: Sheet, card: Card, tables: Mapping[str, Table], settings: Settings) -> str | None:
    """The table that the sheet's name says; empty if it says none, None if it says something else."""
    for name in tables:
        said = settings.of(name).files
        if is_named(sheet.file, said) or is_named(sheet.name, said):
            return name
    said = [(alias, name) for name, table in tables.items() for alias in table.files]
    said += [(alias, None) for alias in card.ignored]
    found = [(len(alias), name) for alias, name in said if _within(alias, sheet.name)]
    return max(found, key=lambda each: each[0])[1] if found else ""


def _within(alias: str, name: str) -> bool:
    """Whether a name holds an alias as a word of its own."""
    edge = r"(?<![A-Za-z]){}(?![A-Za-z])" if alias.isascii() else "{}"
    return re.search(edge.format(re.escape(alias)), name, re.IGNORECASE) is not None


def _best(sheet: Sheet, tables: Mapping[str, Table]) -> tuple[str, int]:
    """The table whose labels stand in one of the first rows, and the place of that row."""
    scores = {
        (name, at): _hits(table, cells)
        for name, table in tables.items()
        for at, (_, cells) in enumerate(sheet.rows[:HEADER])
    }
    top = max(scores.values())
    if top == 0:
        return (next(iter(tables)), 0) if len(tables) == 1 else ("", 0)
    best = [key for key, hits in scores.items() if hits == top]
    at = min(place for _, place in best)
    names = [name for name, place in best if place == at]
    if len(names) > 1:
        whole = [name for name in names if _has_needed(name, tables[name], sheet.rows[at][1])]
        names = whole or names
    if len(names) > 1:
        raise InputError(
            f"could hold {' or '.join(names)}; say which in the map: [tables.{names[0]}] files = [...]"
        )
    return names[0], at


def _hits(table: Table, cells: list[str]) -> int:
    held = {normalised(cell) for cell in cells if cell}
    return sum(any(normalised(label) in held for label in labels) for labels in table.columns.values())


def _has_needed(name: str, table: Table, cells: list[str]) -> bool:
    held = {normalised(cell) for cell in cells if cell}
    return all(
        any(normalised(label) in held for label in table.columns.get(each.name, ()))
        for each in TABLES[name]
        if each.needed
    )


def _unique(cells: list[str]) -> list[str]:
    """Labels without blanks at the end, each once: the second of a kind is numbered."""
    while cells and not cells[-1]:
        cells = cells[:-1]
    seen: dict[str, int] = {}
    labels = []
    for place, cell in enumerate(cells, 1):
        label = cell or f"column {place}"
        seen[label] = seen.get(label, 0) + 1
        labels.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return labels


# -- which column --------------------------------------------------------------------------------------------


def _matched(
    sheet: Sheet, name: str, table: Table, said: TableMap, labels: list[str], header: int, at: int
) -> Layout:
    place: dict[str, int] = {}
    for k, label in enumerate(labels):
        place.setdefault(normalised(label), k)
    kept = {new: _place(label, place, labels, f"keep of {name}") for new, label in said.keep.items()}
    matches = _told(name, table, said, labels, place, set(kept.values()))
    taken = {each.place for each in matches.values()} | set(kept.values())
    free = [k for k in range(len(labels)) if k not in taken]
    wanted = [each for each in TABLES[name] if each.name not in matches and said.columns.get(each.name) != ""]
    guesses = _guesses(sheet, table, wanted, labels, free, at)
    used = {each.column: each for each in guesses if each.confidence >= USED}
    weak = [each for each in guesses if each.column not in used]
    places = {each.place for each in used.values()}
    left = [k for k in free if k not in places]
    lacking = [each for each in wanted if each.needed and each.name not in used]
    cells = _samples(sheet, left, at)
    fitting = {
        each.name: [labels[k] for k in left if cells[k] and _fit(each.kind, cells[k]) >= FITTING]
        for each in lacking
    }
    unused = [labels[k] for k in left]
    return Layout(name, labels, header, matches | used, kept, weak, unused, fitting)


def _told(
    name: str, table: Table, said: TableMap, labels: list[str], place: Mapping[str, int], taken: set[int]
) -> dict[str, Match]:
    """The columns that the map names, then those that labels of the card name."""
    matches = {}
    for column, label in said.columns.items():
        if label:
            spot = _place(label, place, labels, f"column {column} of {name}")
            matches[column] = Match(column, labels[spot], spot, "map")
    taken = taken | {each.place for each in matches.values()}
    for column, aliases in table.columns.items():
        spots = [
            place[each] for each in map(normalised, aliases) if each in place and place[each] not in taken
        ]
        if column not in matches and spots:
            matches[column] = Match(column, labels[spots[0]], spots[0])
            taken.add(spots[0])
    return matches


def _place(label: str, place: Mapping[str, int], labels: list[str], what: str) -> int:
    if label in labels:
        return labels.index(label)
    if normalised(label) not in place:
        raise InputError(f"has no column {label!r}, which the map names as {what}; it has {listing(labels)}")
    return place[normalised(label)]


def _guesses(
    sheet: Sheet, table: Table, columns: list[Field], labels: list[str], free: list[int], at: int
) -> list[Match]:
    """The best guess for each column that no label means, the surest first, each label once."""
    cells = _samples(sheet, free, at)
    found = []
    for each in columns:
        aliases = (each.name, *table.columns.get(each.name, ()))
        for k in free:
            like = max(_likeness(alias, labels[k]) for alias in aliases)
            if like >= SHOWN:
                sure = round(like * _fit(each.kind, cells[k]), 2)
                found.append(Match(each.name, labels[k], k, "guess", sure))
    found.sort(key=lambda each: -each.confidence)
    kept: list[Match] = []
    for each in found:
        free_still = all(each.column != other.column and each.place != other.place for other in kept)
        if each.confidence >= SHOWN and free_still:
            kept.append(each)
    return kept


def _samples(sheet: Sheet, columns: list[int], at: int) -> dict[int, list[str]]:
    """The first cells of columns under the labels, those that hold something."""
    rows = sheet.rows[at + 1 : at + 1 + SAMPLE]
    return {k: [row[k] for _, row in rows if k < len(row) and row[k]] for k in columns}


def _likeness(alias: str, label: str) -> float:
    """How alike two labels are, from 0 to 1; a label that adds to an alias is nearly it."""
    one, other = normalised(alias), normalised(label)
    if not one or not other:
        return 0.0
    ratio = SequenceMatcher(None, one, other).ratio()
    short, long = sorted((one, other), key=len)
    least = 2 if not short.isascii() else 5
    return max(ratio, 0.9) if len(short) >= least and short in long else ratio


def _fit(kind: str, cells: list[str]) -> float:
    """The share of cells that could be values of a kind."""
    if not cells:
        return 0.5
    return sum(_PATTERNS[kind].fullmatch(each) is not None for each in cells) / len(cells)
