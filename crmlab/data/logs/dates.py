"""One rule by which dates are read, wherever they stand: in files, in frames, in options.

A text is a date if it is written as `date_format` says; without one, if it is ISO 8601 (2024-01-31, with or
without a time, also 20240131T101500 and 2024/01/31). Nothing else is guessed: a year of two digits, a month
in front of the day or a bare number is asked about, with what it could be. A text that ends in a time and an
offset is an instant; any other is the time that the customer's clock showed.
"""

from dataclasses import replace
from datetime import date, datetime

import duckdb
import numpy as np
import pandas as pd

from crmlab.data.logs.reading import EPOCHS, Reading
from crmlab.data.logs.sql import cleaned, is_number, literal
from crmlab.errors import InputError, option

PLAIN = r"\d{4}-\d\d-\d\d"
_DAY = r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
_TIME = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?"
_COMPACT = r"\d{8}T\d{4}(?:\d\d(?:[.,]\d+)?)?"
_ZONE = r"\s*(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)"
LOCAL = rf"(?i)(?:{_DAY}(?:[T ]\s*{_TIME})?|{_COMPACT})"
INSTANT = rf"(?i)(?:{_DAY}[T ]\s*{_TIME}|{_COMPACT}){_ZONE}"
EARLIEST = date(1000, 1, 1)  # a year before is one that was written with fewer digits


def day_of(name: str, kind: str, reading: Reading) -> str:
    """The day of a column as SQL, NULL where it is missing or cannot be read.

    Parameters
    ----------
    name : str
        An expression.
    kind : str
        Its type.

    Raises
    ------
    InputError
        If the type is neither a date nor a text nor a number.
    """
    zone = literal(reading.time_zone or "UTC")
    if kind == "DATE":
        return name
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"CAST(timezone({zone}, {name}) AS DATE)"
    if kind.startswith("TIMESTAMP"):
        return f"CAST({name} AS DATE)"
    if not (kind == "VARCHAR" or is_number(kind)):
        raise InputError(
            f"column {reading.date!r} of log holds {kind}, not dates; name another by {option('date')}"
        )
    text = text_of(name, kind)
    return _by_format(text, reading, zone) if reading.date_format else _iso(text, zone)


def text_of(name: str, kind: str) -> str:
    """A column of dates as text: whole numbers without a decimal point."""
    if kind == "VARCHAR":
        return cleaned(name)
    whole = f"CASE WHEN {name} = floor({name}) AND abs({name}) < 1e18 THEN CAST({name} AS BIGINT) END"
    return f"COALESCE(CAST({whole} AS VARCHAR), CAST({name} AS VARCHAR))"


def moment_of(text: str, date_format: tuple[str, ...] = (), time_zone: str | None = None) -> str:
    """The moment (a TIMESTAMP, as the clock of the zone shows it) that a text says, as SQL.

    Of a text without a time it is the day's beginning; read by the rule of `day_of`.
    """
    zone = literal(time_zone or "UTC")
    if not date_format:
        return _iso(text, zone, "TIMESTAMP")
    return f"COALESCE({', '.join(_formatted(text, each, zone, 'TIMESTAMP') for each in date_format)})"


def _by_format(text: str, reading: Reading, zone: str) -> str:
    return f"COALESCE({', '.join(_formatted(text, each, zone) for each in reading.date_format)})"


def _formatted(text: str, form: str, zone: str, kind: str = "DATE") -> str:
    if form not in EPOCHS:
        return strptime(text, form, zone, kind)
    seconds = f"TRY_CAST({text} AS DOUBLE) / {EPOCHS[form]}"
    near = f"CASE WHEN abs({seconds}) < 2e11 THEN {seconds} END"  # DuckDB's times end with year 294247
    return f"CAST(timezone({zone}, to_timestamp({near})) AS {kind})"


def strptime(text: str, form: str, zone: str = "'UTC'", kind: str = "DATE") -> str:
    """The day (or TIMESTAMP) of a text written in one format, as SQL."""
    moment = f"try_strptime({text}, {literal(form)})"
    return f"CAST({f'timezone({zone}, {moment})' if '%z' in form or '%Z' in form else moment} AS {kind})"


def _iso(text: str, zone: str, kind: str = "DATE") -> str:
    """The day of an ISO 8601 text. The plain form stands first: it is the usual one, and the quickest."""
    steps = (
        (f"^{_DAY}", r"\1-\2-\3"),
        (r"(?i)^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)", r"\1-\2-\3 \4:\5"),
        (r":(\d\d)(\d\d)", r":\1:\2"),
        (r",", "."),
    )
    time = text
    for pattern, anew in steps:
        time = f"regexp_replace({time}, {literal(pattern)}, {literal(anew)})"
    offset = rf"regexp_replace({time}, '(?i)\s*(Z|UTC|GMT)$', '+00')"
    offset = rf"regexp_replace({offset}, '\s+([+-]\d\d(:?\d\d)?)$', '\1')"
    plain, instant, local = (
        f"regexp_full_match({text}, {literal(pattern)})" for pattern in (PLAIN, INSTANT, LOCAL)
    )
    return (
        f"CASE WHEN {plain} THEN TRY_CAST({text} AS {kind}) "
        f"WHEN {instant} THEN CAST(timezone({zone}, TRY_CAST({offset} AS TIMESTAMPTZ)) AS {kind}) "
        f"WHEN {local} THEN CAST(TRY_CAST({time} AS TIMESTAMP) AS {kind}) END"
    )


def check_zone(connection: duckdb.DuckDBPyConnection, zone: str | None) -> None:
    """Raise an InputError if no zone is called so."""
    try:
        query = f"SELECT timezone({literal(zone or 'UTC')}, TIMESTAMPTZ '2024-01-01 00:00:00Z')"
        connection.execute(query).fetchall()
    except duckdb.Error:
        raise InputError(
            f"{option('time_zone')} is {zone!r}; give one such as 'Europe/Berlin' or 'UTC'"
        ) from None


def has_instants(name: str, kind: str, reading: Reading) -> str:
    """Whether a value of a column is an instant, as SQL."""
    if kind == "TIMESTAMP WITH TIME ZONE" or ((kind == "VARCHAR" or is_number(kind)) and reading.is_instant):
        return "true"
    if kind != "VARCHAR" or reading.date_format:
        return "false"
    return f"regexp_full_match({cleaned(name)}, {literal(INSTANT)})"


def read_day(connection: duckdb.DuckDBPyConnection, name: str, value: object, reading: Reading) -> date:
    """A day given as an option, by the rule of the log's dates; ISO 8601 is understood besides.

    Raises
    ------
    InputError
        If it is no date, or could be several.
    """
    if isinstance(value, (date, datetime, np.datetime64)) and not pd.isna(value):
        return pd.Timestamp(value).date()
    iso = replace(reading, date_format=())
    ways = [iso] if reading.is_epoch or not reading.date_format else [reading, iso]
    for way in ways if isinstance(value, str) else ():
        query = f"SELECT {day_of('given', 'VARCHAR', way)} FROM (SELECT ? AS given)"
        found = connection.execute(query, [value]).fetchall()[0][0]
        if found is not None and found >= EARLIEST:
            return found
    like = (
        "" if reading.is_epoch or not reading.date_format else f", or one written as {reading.date_format[0]}"
    )
    raise InputError(f"{option(name)} is {value!r}; give a date such as '1997-09-30'{like}")
