"""A sheet that is understood as the rows of a canonical table, each row and column accounted for."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from crmlab.data.exports import values
from crmlab.data.exports.audit import FILE, ROW, TableAudit, counted, places
from crmlab.data.exports.canonical import TABLES, Field
from crmlab.data.exports.cards import Card, normalised
from crmlab.data.exports.matching import Layout
from crmlab.data.exports.settings import Settings
from crmlab.data.exports.sources import Sheet
from crmlab.data.exports.values import Parsed, Reader
from crmlab.errors import InputError, listing
from crmlab.words import words

STATE = "_state"  # hidden column: what a stage or a status means
NAMES = {"customers": "name", "contacts": None}  # the column by which others name a record
LINKS = ("customer_name",)  # personal columns that are read to link tables, and left out after
UNDER = 12  # rows at the end among which lines under the table are looked for
DELETED = {"true", "1", "yes", "是"}


def read_table(
    sheet: Sheet, found: Layout, card: Card, settings: Settings, reader: Reader
) -> tuple[pd.DataFrame, TableAudit]:
    """The rows of a sheet as those of a canonical table, and what became of the others.

    Raises
    ------
    InputError
        With everything that has to be said before the sheet can be read.
    """
    audit = TableAudit(found.table)
    texts = _texts(sheet, found, audit)
    parsed, questions = _columns(texts, found, card, settings, reader)
    questions += _lacking(found, settings)
    if questions:
        raise InputError("; ".join(questions))
    table = pd.DataFrame({name: each.values for name, each in parsed.items()}, index=texts.index)
    table[FILE], table[ROW] = sheet.file, texts.index
    _add_currency(table, parsed, found.table)
    _add_state(table, found.table, card, settings)
    table = _usable(table, parsed, found.table, audit)
    _describe(sheet, found, parsed, settings, audit)
    audit.rows_out = len(table)
    return table, audit


# -- rows ----------------------------------------------------------------------------------------------------


def _texts(sheet: Sheet, found: Layout, audit: TableAudit) -> pd.DataFrame:
    """The cells under the labels, one column a label, indexed by the number of the row."""
    below = [(row, cells) for row, cells in sheet.rows if row > found.header]
    above = len(sheet.rows) - len(below) - 1
    audit.rows_in = len(below)
    audit.note(words("exports.above", rows=counted(above)) if above > 0 else "")
    audit.note(words("exports.blank", rows=counted(sheet.blank)) if sheet.blank else "")
    kept = _fitting(below, sheet, found, audit)
    width = len(found.labels)
    short = sum(len(cells) < width for _, cells in kept)
    audit.note(words("exports.short", rows=counted(short), file=sheet.file) if short else "")
    texts = [(cells + [""] * width)[:width] for _, cells in kept]
    return pd.DataFrame(texts, index=[row for row, _ in kept], columns=range(width), dtype=object)


def _fitting(
    below: list[tuple[int, list[str]]], sheet: Sheet, found: Layout, audit: TableAudit
) -> list[tuple[int, list[str]]]:
    """The rows that could be records; the others are dropped with the reason."""
    labels = next((cells for row, cells in sheet.rows if row == found.header), [])
    under = _under(below)
    kept = []
    for row, cells in below:
        if row in under:
            audit.drop(words("exports.drop_under"), [(sheet.file, row)])
        elif any(cells[len(found.labels) :]):
            audit.drop(words("exports.drop_long"), [(sheet.file, row)])
        elif cells == labels:
            audit.drop(words("exports.drop_labels"), [(sheet.file, row)])
        else:
            kept.append((row, cells))
    long = audit.dropped.get(words("exports.drop_long"), [])
    if len(long) > len(kept):
        raise InputError(
            f"most rows have more cells than there are labels (row {long[0][1]} is the first); is it set "
            f"apart by something else, or not quoted?"
        )
    return kept


def _under(below: list[tuple[int, list[str]]]) -> set[int]:
    """Rows under a table, as reports have them: after a blank line, with a single cell."""
    last = below[-UNDER:]
    gaps = [k for k in range(1, len(last)) if last[k][0] > last[k - 1][0] + 1]
    for gap in gaps:
        if all(sum(map(bool, cells)) == 1 and cells[0] and len(below[0][1]) > 2 for _, cells in last[gap:]):
            return {row for row, _ in last[gap:]}
    return set()


# -- columns -------------------------------------------------------------------------------------------------


def _columns(
    texts: pd.DataFrame, found: Layout, card: Card, settings: Settings, reader: Reader
) -> tuple[dict[str, Parsed], list[str]]:
    """Each column that is kept, read, and what has to be said first."""
    parsed: dict[str, Parsed] = {}
    questions = []
    for each in TABLES[found.table]:
        match = found.matches.get(each.name)
        if match is None or not _wanted(each, found.table, settings):
            continue
        read = _column(texts[match.place], each, found.table, card, settings, reader)
        parsed[each.name] = read
        if read.question:
            questions.append(f"column {match.label!r} ({each.name}) {read.question}")
    for name, place in found.kept.items():
        parsed[name] = _own(texts[place], reader)
    return parsed, questions


def _wanted(each: Field, table: str, settings: Settings) -> bool:
    return not each.personal or settings.personal or each.name in LINKS or NAMES.get(table) == each.name


def _column(
    texts: pd.Series, each: Field, table: str, card: Card, settings: Settings, reader: Reader
) -> Parsed:
    lenient = settings.unreadable == "drop"
    if each.kind == "text":
        return Parsed(values.present(texts, words=False), np.zeros(len(texts), bool))
    texts = values.present(texts)
    if each.kind == "id":
        read = values.ids(texts, card.id_prefix, values.repair_of(card.system))
        open_ = settings.personal or settings.salt is not None
        return read if open_ else values.without_addresses(read)
    if each.kind == "moment":
        given = settings.of(table).formats.get(each.name) or settings.date_format
        return reader.moments(texts, given, card.date_formats, settings.time_zone, lenient)
    return reader.money(texts, settings.decimal, settings.thousands, card.decimal, lenient)


def _own(texts: pd.Series, reader: Reader) -> Parsed:
    """A column of the user's own: numbers where all are plain numbers, else texts."""
    read = reader.money(values.present(texts), ".", None, ".", lenient=True)
    plain = not read.bad.any() and not read.currency and not read.question
    return read if plain else Parsed(values.present(texts, words=False), np.zeros(len(texts), bool))


def _lacking(found: Layout, settings: Settings) -> list[str]:
    """What has to be said of columns that are needed and not there."""
    said = settings.of(found.table).columns
    lacking = [
        each
        for each in TABLES[found.table]
        if each.needed
        and each.name not in found.matches
        and (each.needed == "row" or said.get(each.name) != "")
    ]
    questions = []
    for each in lacking:
        near = [
            f"{guess.label!r} ({guess.confidence})" for guess in found.guesses if guess.column == each.name
        ]
        fitting = found.fitting.get(each.name, [])
        hint = f"; nearest is {near[0]}" if near else ""
        hint += f"; by what they hold it could be {' or '.join(map(repr, fitting[:5]))}" if fitting else ""
        questions.append(
            f"no column is known to be {each.name} ({each.about}){hint}: name it in the map, "
            f'[tables.{found.table}.columns] {each.name} = "…"; its columns are '
            f"{listing(map(repr, found.labels), 30)}"
        )
    return questions


def _add_currency(table: pd.DataFrame, parsed: dict[str, Parsed], name: str) -> None:
    """A currency that stands beside amounts, where no column says it."""
    signs = {each.currency for each in parsed.values() if each.currency}
    if "currency" not in table and any(each.name == "currency" for each in TABLES[name]) and len(signs) == 1:
        table["currency"] = signs.pop()


# -- states --------------------------------------------------------------------------------------------------


def _add_state(table: pd.DataFrame, name: str, card: Card, settings: Settings) -> None:
    """What the stage of a deal or the status of an order means: won, lost, void, deleted, or open."""
    column = {"deals": "stage", "orders": "status"}.get(name)
    if column is None:
        return
    states = {}
    for state in ("void", "lost", "won"):
        labels = (*card.tables[name].states.get(state, ()), *settings.of(name).states.get(state, ()))
        states |= {normalised(label): state for label in labels}
    told = table[column] if column in table else pd.Series(None, table.index, dtype=object)
    means = {label: states.get(normalised(label), "open") for label in told.dropna().unique()}
    table[STATE] = told.map(means).astype(object).where(told.notna(), "open")
    if "deleted" in table:
        gone = {normalised(each) for each in card.tables[name].states.get("deleted", ())} | DELETED
        labels = [each for each in table["deleted"].dropna().unique() if normalised(each) in gone]
        table.loc[table["deleted"].isin(labels), STATE] = "deleted"


# -- dropping and telling ------------------------------------------------------------------------------------


def _usable(table: pd.DataFrame, parsed: dict[str, Parsed], name: str, audit: TableAudit) -> pd.DataFrame:
    """The rows with all that they need."""
    keep = np.ones(len(table), bool)
    for each in TABLES[name]:
        if each.name not in parsed:
            continue
        bad = parsed[each.name].bad & keep
        audit.drop(words("exports.drop_unread", name=each.name), places(table, bad))
        keep &= ~bad
        if each.needed == "row":
            empty = table[each.name].isna().to_numpy() & keep
            audit.drop(words("exports.drop_without", name=each.name), places(table, empty))
            keep &= ~empty
    return table[keep]


def _describe(
    sheet: Sheet, found: Layout, parsed: dict[str, Parsed], settings: Settings, audit: TableAudit
) -> None:
    audit.note(words("exports.read_as", file=sheet.file, encoding=sheet.encoding) if sheet.encoding else "")
    for name, match in found.matches.items():
        column = next(each for each in TABLES[found.table] if each.name == name)
        if name not in parsed or (column.personal and not settings.personal):
            audit.left_out.append(words("exports.personal", label=repr(match.label), name=name))
            continue
        how = words(f"exports.by_{match.how}", sure=match.confidence)
        way = words("exports.as_way", way=parsed[name].way) if parsed[name].way else ""
        if column.kind == "moment" and parsed[name].way:
            audit.formats[name] = parsed[name].way
        audit.read.append(words("exports.read_column", name=name, label=repr(match.label), how=how + way))
        audit.note(*(f"{match.label!r} {each}" for each in parsed[name].notes))
    audit.read += [
        words("exports.kept_column", name=name, label=repr(found.labels[place]))
        for name, place in found.kept.items()
    ]
    audit.left_out += [words("exports.unknown", label=repr(label)) for label in found.unused]
    audit.note(*_weak(found.guesses))


def _weak(guesses: Iterable[object]) -> list[str]:
    return [
        words("exports.weak", label=repr(guess.label), name=guess.column, sure=guess.confidence)
        for guess in guesses
    ]
