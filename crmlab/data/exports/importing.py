"""``import_export``: an export of a CRM system as canonical tables and a transaction log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from crmlab.data.exports import hiding, linking
from crmlab.data.exports.audit import TableAudit
from crmlab.data.exports.canonical import TABLES
from crmlab.data.exports.cards import Card, card
from crmlab.data.exports.content import with_customers
from crmlab.data.exports.matching import Layout, layout, table_by_name
from crmlab.data.exports.purchases import Purchases, purchases
from crmlab.data.exports.recognising import other_system, unnamed
from crmlab.data.exports.settings import Settings, settings_from
from crmlab.data.exports.sources import Problem, Sheet, sheets
from crmlab.data.exports.tables import read_table
from crmlab.data.exports.values import Reader
from crmlab.errors import InputError, listing
from crmlab.words import words


@dataclass(frozen=True)
class Import:
    """An export that was read.

    Attributes
    ----------
    card : Card
        What is known of the system, and what is not.
    settings : Settings
    tables : dict of str to DataFrame
        The canonical tables that the export holds, without hidden and, unless asked for, personal columns.
    log : DataFrame or None
        The transaction log: ``customer_id``, ``date``, ``amount``; one row a purchase.
    rule : str
        What counts as a purchase.
    audits : dict of str to TableAudit
        Of each table and of ``transactions``.
    layouts : dict of str to Layout
        By file, how it was understood.
    problems : list of Problem
        Files and tables that could not be read, each with the remedy.
    doubt : str
        What speaks for another system than the one that was named; else empty.
    keys : DataFrame or None
        Ids of customers and their hashes, where ids are hashed: to be held apart.
    """

    card: Card
    settings: Settings
    tables: Mapping[str, pd.DataFrame]
    log: pd.DataFrame | None
    rule: str
    audits: Mapping[str, TableAudit]
    layouts: Mapping[str, Layout]
    problems: list[Problem] = field(default_factory=list)
    keys: pd.DataFrame | None = None
    doubt: str = ""

    def __str__(self) -> str:
        from crmlab.data.exports.telling import told

        return told(self)

    def write(self, folder: str | Path) -> list[Path]:
        """Write the tables, ``transactions.csv``, ``audit.json``, ``dropped.csv`` and ``map.toml``.

        Tables of an earlier import into this folder go.

        Returns
        -------
        list of Path
            The files that were written.
        """
        from crmlab.data.exports.keeping import write_import

        return write_import(self, Path(folder))


def import_export(
    path: str | Path,
    system: str | None = None,
    map: str | Path | None = None,  # noqa: A002 - what the flag is called, too
    *,
    date_format: str | None = None,
    time_zone: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    currency: str | None = None,
    unreadable: str | None = None,
    personal: bool = False,
    salt: str | None = None,
) -> Import:
    """Read an export of a CRM system: a CSV or XLSX file, a ZIP of them, or a folder.

    It is held in memory, about 2 kB a row.

    Parameters
    ----------
    path : str or path
    system : {"zoho", "fxiaoke", "hubspot", "salesforce"}
        Where it comes from; may stand in the map instead.
    map : path, optional
        A map, as the import writes one: labels, stages and formats that the card does not know.
    date_format, time_zone, decimal, thousands, encoding : str, optional
        How texts are written where they leave it open; see `crmlab.data.LogOptions`.
    currency : str, optional
        The one currency whose purchases make the log, where there are several.
    unreadable : {"refuse", "drop"}, optional
        Whether rows with a date or amount that cannot be read are refused or dropped and listed.
    personal : bool
        Whether names, addresses and the like are kept.
    salt : str, optional
        At least 16 characters: ids are replaced by their HMAC-SHA256 under this key.

    Returns
    -------
    Import
        What could be read; `Import.problems` says what could not.

    Raises
    ------
    InputError
        If there is nothing to be read, or an option or the map cannot be.
    """
    if system is None and map is None:
        raise InputError(unnamed(sheets(path, encoding)[0]))
    settings = settings_from(
        system, map, date_format=date_format, time_zone=time_zone, decimal=decimal, thousands=thousands,
        encoding=encoding, currency=currency, unreadable=unreadable, personal=personal, salt=salt,
    )  # fmt: skip
    known = card(settings.system)
    found, problems = sheets(path, settings.encoding)
    parts, layouts = _parts(found, known, settings, problems)
    tables, audits = _joined(parts, problems)
    _compare_formats(audits)
    broken = _broken(problems, layouts, known, settings)
    bought = None
    try:
        linking.link(tables, audits, people="customers" not in broken)
        bought = purchases(tables, known, settings, broken)
    except InputError as error:
        problems.append(Problem("transactions", str(error)))
    doubt = other_system(found, known.system)
    if doubt and (problems or bought is None):
        problems.insert(0, Problem(words("exports.all_files"), doubt))
    return _finished(known, settings, tables, audits, layouts, bought, problems, doubt)


def _parts(
    found: list[Sheet], known: Card, settings: Settings, problems: list[Problem]
) -> tuple[dict[str, list[tuple[pd.DataFrame, TableAudit]]], dict[str, Layout]]:
    """The sheets that could be read, by table, and how each sheet was understood."""
    layouts = {}
    for sheet in found:
        try:
            layouts[sheet.file] = layout(sheet, known, settings)
        except InputError as error:
            problems.append(Problem(sheet.file, str(error)))
    layouts = with_customers(layouts, found, known, settings)
    parts: dict[str, list[tuple[pd.DataFrame, TableAudit]]] = {}
    reader = Reader()
    try:
        for sheet in found:
            understood = layouts.get(sheet.file)
            if understood is None or not understood.table:
                continue
            try:
                part = read_table(sheet, understood, known, settings, reader)
                parts.setdefault(understood.table, []).append(part)
            except InputError as error:
                problems.append(Problem(sheet.file, str(error)))
    finally:
        reader.close()
    return parts, layouts


def _joined(
    parts: dict[str, list[tuple[pd.DataFrame, TableAudit]]], problems: list[Problem]
) -> tuple[dict[str, pd.DataFrame], dict[str, TableAudit]]:
    tables, audits = {}, {}
    for name in TABLES:
        if name in parts:
            try:
                tables[name], audits[name] = linking.together(parts[name])
            except InputError as error:
                problems.append(Problem(name, str(error)))
    return tables, audits


def _broken(
    problems: list[Problem], layouts: dict[str, Layout], known: Card, settings: Settings
) -> dict[str, str]:
    """The tables of which something could not be read, and what that is."""
    broken: dict[str, str] = {}
    for each in problems:
        found = layouts[each.file].table if each.file in layouts else ""
        table = each.file if each.file in TABLES else found or table_by_name(each.file, known, settings)
        if table:
            broken.setdefault(table, each.file)
    return broken


def _compare_formats(audits: dict[str, TableAudit]) -> None:
    """Note where one export seems to write the day first here and the month first there."""
    found = {
        f"{name}.{column}": way for name, audit in audits.items() for column, way in audit.formats.items()
    }
    first = {each: [place for place, way in found.items() if way.startswith(each)] for each in ("%d", "%m")}
    if all(first.values()):
        told = words("exports.two_orders", day=listing(first["%d"]), month=listing(first["%m"]))
        for name, audit in audits.items():
            if any(place.startswith(f"{name}.") for places in first.values() for place in places):
                audit.note(told)


def _finished(
    known: Card,
    settings: Settings,
    tables: dict[str, pd.DataFrame],
    audits: dict[str, TableAudit],
    layouts: dict[str, Layout],
    bought: Purchases | None,
    problems: list[Problem],
    doubt: str,
) -> Import:
    """Without what must not leave."""
    keys = None
    if settings.salt:
        ids = sorted(
            {
                each
                for table in tables.values()
                for each in table.get("customer_id", ())
                if isinstance(each, str)
            }
            | set(tables["customers"]["id"] if "customers" in tables else ())
        )
        keys = pd.DataFrame(
            {"customer_id": ids, "hash": [hiding.hashed(each, settings.salt) for each in ids]}
        )
        tables = {name: hiding.with_hashed_ids(table, settings.salt) for name, table in tables.items()}
    log = None if bought is None else bought.table
    if bought is not None:
        audits = audits | {"transactions": bought.audit}
        log = hiding.with_hashed_ids(log, settings.salt) if settings.salt else log
    shown = {name: hiding.without_personal(name, table, settings.personal) for name, table in tables.items()}
    rule = "" if bought is None else bought.rule
    return Import(known, settings, shown, log, rule, audits, layouts, problems, keys, doubt)
