"""What a user says of an export: flags, and a map that the command writes to be edited."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from crmlab.data.exports.canonical import TABLES
from crmlab.data.exports.cards import STATES, normalised
from crmlab.data.exports.values import ISO
from crmlab.data.logs.dates import check_zone
from crmlab.data.logs.reading import Reading
from crmlab.errors import InputError, check_known, option

CHOICES = {"unreadable": ("refuse", "drop")}
SALT = 16  # characters that a salt has at least
_TABLE = ("files", "columns", "states", "formats", "keep")
_PLAIN = ("system", "date_format", "time_zone", "decimal", "thousands", "encoding", "currency", "unreadable")


@dataclass(frozen=True)
class TableMap:
    """What a map says of one table.

    Attributes
    ----------
    files : tuple of str
        Names of files or sheets that hold it.
    columns : dict of str to str
        For canonical columns the labels under which they stand; empty for one that is to be left out.
    states : dict of str to tuple of str
        Stages and statuses besides those of the card.
    formats : dict of str to str
        Formats of dates, by canonical column.
    keep : dict of str to str
        Columns of the user's own to be carried along: new name and label.
    """

    files: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """All that is said of an export.

    Attributes
    ----------
    system : str
    date_format, time_zone, decimal, thousands, encoding : str or None
        How texts are written; see `crmlab.data.LogOptions`.
    currency : str or None
        The one currency whose purchases make the log.
    unreadable : {"refuse", "drop"}
        Whether rows with a needed value that cannot be read are dropped, and listed.
    personal : bool
        Whether personal columns are kept.
    salt : str or None
        Key with which ids are hashed.
    tables : dict of str to TableMap
    skip : tuple of str
        Files to be passed over.

    Raises
    ------
    InputError
        If an option cannot be.
    """

    system: str
    date_format: str | None = None
    time_zone: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    currency: str | None = None
    unreadable: str = "refuse"
    personal: bool = False
    salt: str | None = None
    tables: Mapping[str, TableMap] = field(default_factory=dict)
    skip: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_reading(self)
        if self.unreadable not in CHOICES["unreadable"]:
            raise InputError(f"{option('unreadable')} is {self.unreadable!r}; give 'refuse' or 'drop'")
        if self.salt is not None and len(self.salt) < SALT:
            raise InputError(
                f"{option('salt')} has {len(self.salt)} characters; give {SALT} or more, such as those of "
                f"python -c 'import secrets; print(secrets.token_hex(16))', and keep them elsewhere"
            )

    def of(self, table: str) -> TableMap:
        """What the map says of a table."""
        return self.tables.get(table, TableMap())


def _check_reading(said: Settings) -> None:
    """Check how texts are said to be written, by the rules of logs."""
    marks = {"decimal": said.decimal, "thousands": said.thousands, "encoding": said.encoding}
    forms = [said.date_format, *(form for table in said.tables.values() for form in table.formats.values())]
    for form in forms:
        several = [each for each in (form or "").split("|") if each.strip() not in ("", ISO)]
        Reading.of("", "", None, marks | {"date_format": several or None})
    if said.time_zone:
        check_zone(duckdb.default_connection(), said.time_zone)


def settings_from(system: str | None, path: str | Path | None, **flags: Any) -> Settings:
    """Settings from a map and from flags, which win.

    Raises
    ------
    InputError
        If the map cannot be read, names another system, an unknown key, table or column.
    """
    given = {} if path is None else _read_map(Path(path))
    told = given.pop("system", None)
    if system and told and system != told:
        raise InputError(f"{option('map')} {str(path)!r} is one for {told!r}, not for {system!r}")
    if not (system or told):
        raise InputError(f"{option('from')} is missing; name the system that the export comes from")
    made = Settings(system or told, **given)
    return replace(made, **{name: value for name, value in flags.items() if value is not None})


def _read_map(path: Path) -> dict[str, Any]:
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{option('map')} {str(path)!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{option('map')} {str(path)!r} is no TOML: {error}") from None
    check_known(f"key of {path.name}", given, [*_PLAIN, "tables", "skip"])
    wrong = [name for name in _PLAIN if name in given and not isinstance(given[name], str)]
    if wrong:
        raise InputError(f"{path.name}: {wrong[0]} must be a text")
    found = {name: given[name] for name in _PLAIN if given.get(name)}
    tables = given.get("tables", {})
    check_known(f"table of {path.name}", tables, TABLES)
    found["tables"] = {name: _table_map(path.name, name, each) for name, each in tables.items()}
    found["skip"] = tuple(given.get("skip", ()))
    return found


def _table_map(file: str, name: str, given: Any) -> TableMap:
    place = f"[tables.{name}] of {file}"
    if not isinstance(given, dict):
        raise InputError(f"{place} must be a table")
    check_known(f"key in {place}", given, _TABLE)
    known = [each.name for each in TABLES[name]]
    for part in ("columns", "formats"):
        check_known(f"column in {part} of {place}", given.get(part, {}), known)
    check_known(f"state in {place}", given.get("states", {}), STATES)
    clash = [each for each in given.get("keep", {}) if each in known or each.startswith("_")]
    if clash:
        raise InputError(f"{place}: keep cannot name {clash[0]!r}, which the table has; choose another name")
    return TableMap(
        files=tuple(given.get("files", ())),
        columns=dict(given.get("columns", {})),
        states={state: tuple(each) for state, each in given.get("states", {}).items()},
        formats=dict(given.get("formats", {})),
        keep=dict(given.get("keep", {})),
    )


def is_named(name: str, names: tuple[str, ...]) -> bool:
    """Whether a file is among those that a map names."""
    return normalised(name) in {normalised(each) for each in names}
