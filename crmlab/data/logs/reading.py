"""How a log is written: which columns count, and how dates, amounts and texts are to be read."""

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import duckdb

from crmlab.errors import InputError, option

EPOCHS = {
    "epoch seconds": 1,
    "epoch milliseconds": 10**3,
    "epoch microseconds": 10**6,
    "epoch nanoseconds": 10**9,
}


class LogOptions(TypedDict, total=False):
    """What may be said of any log besides its columns.

    Keys
    ----
    date_format : str or sequence of str
        How dates are written, such as ``"%d.%m.%Y"``, or several ways, tried in order, in a list or as
        ``"%Y-%m-%d|%d.%m.%Y"``; ``"epoch seconds"``, ``"epoch milliseconds"``, ``"epoch microseconds"`` or
        ``"epoch nanoseconds"``. ISO 8601 otherwise.
    time_zone : str
        Zone in which the days of instants are counted, such as ``"Europe/Berlin"``; by default a frame's
        own, else UTC. Times without a zone are taken as they stand.
    decimal, thousands, currency : str
        In amounts written as text: the decimal mark (a point otherwise), the mark between thousands, and a
        sign to pass over; ``decimal=","``, ``thousands="."``, ``currency="€"`` read ``1.234,50 €``.
    cancelled : str
        Rows that cancel others, as a column and a pattern: ``"InvoiceNo=C*"``. They are no purchases; their
        amounts, whatever their sign, are refunds.
    encoding : str
        Of text files, as ``"latin-1"``; UTF-8 otherwise, or UTF-16 where a byte order mark says so.
    columns : str or sequence of str
        Names of the columns of text files whose first line is data; separated by commas.
    delimiter : str
        Between the columns of text files; found out otherwise. ``"whitespace"`` for columns set apart by
        any number of blanks, as in files of fixed width.
    sheet : str
        Of a spreadsheet; needed where there are several.
    memory_limit : str
        What DuckDB may hold in memory; ``"512MB"`` otherwise. The rest goes to `temp_directory`.
    temp_directory : path
        Folder for temporary files; the system's otherwise.
    threads : int
        As many as there are cores otherwise.
    """

    date_format: str | list[str] | tuple[str, ...] | None
    time_zone: str | None
    decimal: str | None
    thousands: str | None
    currency: str | None
    cancelled: str | None
    encoding: str | None
    columns: str | list[str] | tuple[str, ...] | None
    delimiter: str | None
    sheet: str | None
    memory_limit: str
    temp_directory: str | Path | None
    threads: int | None


@dataclass(frozen=True)
class Reading:
    """`LogOptions`, checked, with the columns.

    Attributes
    ----------
    date_format, columns : tuple of str
    cancelled : (str, str) or None
        Column and pattern.

    Raises
    ------
    InputError
        If an option cannot be, or contradicts another.
    """

    customer_id: str
    date: str
    amount: str | None
    date_format: tuple[str, ...] = ()
    time_zone: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    currency: str | None = None
    cancelled: tuple[str, str] | None = None
    encoding: str | None = None
    columns: tuple[str, ...] = ()
    delimiter: str | None = None
    sheet: str | None = None

    def __post_init__(self) -> None:
        _check_formats(self.date_format)
        _check_marks(self.decimal, self.thousands)
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise InputError(
                    f"{option('encoding')} is {self.encoding!r}, which nothing is called; give one such as "
                    f"'utf-8', 'latin-1', 'cp1252' or 'gb18030'"
                ) from None
        if len(set(self.columns)) < len(self.columns):
            raise InputError(f"{option('columns')} names a column twice: {', '.join(self.columns)}")

    @classmethod
    def of(cls, customer_id: str, date: str, amount: str | None, options: dict[str, object]) -> "Reading":
        """From what a user gives; `options` are those of `LogOptions` that say how a log is written."""
        given = {name: value for name, value in options.items() if value is not None}
        for name, separator in (("date_format", "|"), ("columns", ",")):
            if name in given:
                given[name] = _several(given[name], separator)
        if "cancelled" in given:
            given["cancelled"] = _rule(given["cancelled"])
        return cls(customer_id, date, amount, **given)

    @property
    def is_epoch(self) -> bool:
        """Whether dates are numbers since 1970."""
        return bool(self.date_format) and self.date_format[0] in EPOCHS

    @property
    def is_instant(self) -> bool:
        """Whether every date that is written as said is a moment of the world, with a zone."""
        return self.is_epoch or any("%z" in each or "%Z" in each for each in self.date_format)


def _several(value: object, separator: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(each.strip() for each in value.split(separator))
    return tuple(map(str, value))


def _rule(value: object) -> tuple[str, str]:
    column, mark, pattern = str(value).partition("=")
    if not (column.strip() and mark and pattern.strip()):
        raise InputError(
            f"{option('cancelled')} is {value!r}; give a column and a pattern, such as 'InvoiceNo=C*'"
        )
    return column.strip(), pattern.strip()


def _check_formats(formats: tuple[str, ...]) -> None:
    if len(formats) > 1 and any(each in EPOCHS for each in formats):
        raise InputError(f"{option('date_format')} names an epoch and another format; numbers have one unit")
    for each in formats:
        if each in EPOCHS:
            continue
        try:
            duckdb.execute("SELECT try_strptime('', ?)", [each]).fetchall()
        except duckdb.Error:
            each = each + "\0"  # not one that strptime knows
        if "%" not in each or each.endswith("\0"):
            raise InputError(
                f"{option('date_format')} is {each.rstrip(chr(0))!r}; give a format such as '%d.%m.%Y', or "
                f"'epoch seconds' or 'epoch milliseconds'"
            )


def _check_marks(decimal: str | None, thousands: str | None) -> None:
    for name, value in (("decimal", decimal), ("thousands", thousands)):
        if value is not None and (len(value) != 1 or value.isdigit() or value in "+-"):
            raise InputError(f"{option(name)} is {value!r}; give one character, such as ',' or '.'")
    if thousands is not None and thousands == (decimal or "."):
        raise InputError(
            f"{option('thousands')} and {option('decimal')} are both {thousands!r}; say which mark is which"
        )
