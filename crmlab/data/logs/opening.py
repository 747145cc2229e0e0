"""A log of any kind as one view ``typed``: its rows with customer, day and amount understood."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from crmlab.data.logs import amounts, dates, files, ids
from crmlab.data.logs.reading import Reading
from crmlab.data.logs.sql import cleaned, described, literal, quoted, sentence
from crmlab.errors import InputError, check_known, option


@dataclass
class Source:
    """Where the rows of a log stand and how each column is written.

    Attributes
    ----------
    relation : str
        What SQL reads from.
    columns : dict of str to (str, str)
        Of each column of the log that counts its expression and type.
    customer, worded : str
        The customer, and whether a word says that there is none, as SQL.
    ids : Ids
    files : Files or None
        None for a frame.
    """

    relation: str
    columns: Mapping[str, tuple[str, str]]
    customer: str
    worded: str
    ids: ids.Ids
    files: files.Files | None
    money: amounts.Expression | None

    def query(self, reading: Reading, extra: str = "", relation: str | None = None) -> str:
        """The rows as typed columns, with `extra` columns as they stand."""
        name, kind = self.columns[reading.date]
        blank = f"({cleaned(name)}) IS NULL" if kind == "VARCHAR" else _absent(name, kind)
        parts = [
            f"{extra}{self.customer} AS customer",
            f"{self.worded} AS worded",
            f"{name} AS stamp",
            f"{dates.day_of(name, kind, reading)} AS read_day",
            f"{blank} AS blank",
            f"{dates.has_instants(name, kind, reading)} AS instant",
        ]
        if self.money is not None:
            parts += amounts.money_of(self.money, self.columns, reading)
        parts.append(f"{self._cancels(reading)} AS cancelled")
        kept = f"read_day >= DATE '{dates.EARLIEST}'"
        return (
            f"SELECT * EXCLUDE (read_day, blank), CASE WHEN {kept} THEN read_day END AS day, "
            f"NOT blank AND NOT COALESCE({kept}, false) AS bad_date "
            f"FROM (SELECT {', '.join(parts)} FROM {relation or self.relation})"
        )

    def _cancels(self, reading: Reading) -> str:
        if reading.cancelled is None:
            return "false"
        column, pattern = reading.cancelled
        name, kind = self.columns[column]
        text = cleaned(name if kind == "VARCHAR" else f"CAST({name} AS VARCHAR)")
        return f"COALESCE(({text}) GLOB {literal(pattern)}, false)"


def _absent(name: str, kind: str) -> str:
    return f"({name} IS NULL OR isnan({name}))" if kind in ("DOUBLE", "FLOAT") else f"{name} IS NULL"


def open_source(
    connection: duckdb.DuckDBPyConnection, source: object, reading: Reading, folder: Path
) -> Source:
    """Open a log and define the views ``typed``."""
    if isinstance(source, pd.DataFrame):
        opened = _open_frame(connection, source, reading)
    else:
        opened = _open_files(connection, source, reading, folder)
    _define(connection, opened, reading)
    return opened


def _define(connection: duckdb.DuckDBPyConnection, source: Source, reading: Reading) -> None:
    """The view ``typed``; text files are read once, into a table on disk. Parquet is quick to read again."""
    query = source.query(reading)
    if source.files is not None and source.files.kind != "parquet":
        connection.execute(f"CREATE TABLE imported AS {query}")
        query = "SELECT * FROM imported"
    if source.files is not None:
        query = _with_whole_ids(connection, source, query)
    query = _with_cancellations(query, source.money is not None)
    connection.execute(f"CREATE VIEW typed AS {query}")


def _with_whole_ids(connection: duckdb.DuckDBPyConnection, source: Source, query: str) -> str:
    """Ids that are all whole numbers, as texts of a text file or as floats, become whole numbers."""
    kind = described(connection, f"({query})")["customer"]
    if kind == "VARCHAR" and source.ids.back is None and source.files.kind == "csv":
        odd = f"NOT regexp_full_match(customer, {literal(ids.PLAIN)})"
        whole = "CAST(regexp_replace(customer, '\\.0$', '') AS BIGINT)"
    elif kind == "DOUBLE":
        odd, whole = (
            f"customer <> floor(customer) OR abs(customer) >= {ids.EXACT}",
            "CAST(customer AS BIGINT)",
        )
    else:
        return query
    others = connection.execute(f"SELECT COUNT(*) FROM ({query}) WHERE {odd}").fetchall()[0][0]
    return query if others else f"SELECT * REPLACE ({whole} AS customer) FROM ({query})"


def _with_cancellations(query: str, money: bool) -> str:
    """Rows that cancel take their amount off, whatever its sign; those without an amount are void."""
    if not money:
        return f"SELECT *, cancelled AS void FROM ({query})"
    return (
        "SELECT * REPLACE (CASE WHEN cancelled THEN -abs(amount) ELSE amount END AS amount), "
        f"cancelled AND COALESCE(amount, 0) = 0 AS void FROM ({query})"
    )


# -- frames --------------------------------------------------------------------------------------------------


def _open_frame(connection: duckdb.DuckDBPyConnection, frame: pd.DataFrame, reading: Reading) -> Source:
    money = _money(reading, frame.columns)
    names = _wanted(reading, money)
    _check_columns(reading, names, frame.columns)
    codes, values, worded = ids.in_frame(_column(frame, reading.customer_id))
    table = {"customer": codes, "worded": worded}
    for number, name in enumerate(names):
        if name != reading.customer_id or name == reading.date:
            table[f"column_{number}"] = _plain(_column(frame, name), reading)
    # A column of nothing but None has no type that DuckDB could tell: it is one of texts.
    held = pd.DataFrame(table)
    connection.register("frame", held)
    kinds = described(connection, "frame")
    columns = {
        name: (f"column_{number}", kinds[f"column_{number}"])
        for number, name in enumerate(names)
        if f"column_{number}" in table
    }
    return Source("frame", columns, "NULLIF(customer, -1)", "worded", ids.Ids(values), None, money)


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    column = frame[name]
    if isinstance(column, pd.DataFrame):
        raise InputError(f"column {name!r} of log is there {column.shape[1]} times; rename the others")
    return column.reset_index(drop=True)


def _plain(column: pd.Series, reading: Reading) -> pd.Series:
    """A column of a frame as one that DuckDB knows: moments, numbers or texts."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        local = column.dt.tz_convert(reading.time_zone) if reading.time_zone else column
        return local.dt.tz_localize(None)
    if isinstance(column.dtype, pd.PeriodDtype):
        return column.dt.to_timestamp()
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _plain(column.astype(column.cat.categories.dtype), reading)
    if pd.api.types.is_bool_dtype(column) and column.dtype != object:
        raise InputError(f"column {column.name!r} of log holds {column.dtype}; give dates, numbers or texts")
    if pd.api.types.is_numeric_dtype(column):
        return column.astype(float) if column.isna().any() else pd.Series(column.to_numpy())
    if pd.api.types.is_datetime64_any_dtype(column):
        return column
    return column.astype(object).where(column.notna(), None).map(str, na_action="ignore").astype("str")


# -- files ---------------------------------------------------------------------------------------------------


def _open_files(
    connection: duckdb.DuckDBPyConnection, source: object, reading: Reading, folder: Path
) -> Source:
    held = files.found(source, reading, folder)
    try:
        relation, kinds = _relation(connection, held, reading)
        known = list(kinds)
        money = _money(reading, known)
        columns = {name: (quoted(name), kinds[name]) for name in _wanted(reading, money)}
        customer, kept = ids.in_files(*columns[reading.customer_id])
        worded = ids.is_word(*columns[reading.customer_id])
        opened = Source(relation, columns, customer, worded, kept, held, money)
        connection.execute(f"SELECT * FROM ({opened.query(reading)}) LIMIT 0")
        return opened
    except duckdb.Error as error:
        raise InputError(unreadable(source, held, error)) from None


def unreadable(source: object, held: files.Files | None, error: Exception) -> str:
    """What to tell of files that DuckDB cannot read."""
    told = files.not_utf8(held) if held is not None and held.kind != "parquet" else None
    return f"log {str(source)!r} cannot be read: {told or sentence(error)}"


def _relation(
    connection: duckdb.DuckDBPyConnection, held: files.Files, reading: Reading
) -> tuple[str, dict[str, str]]:
    """What SQL reads the files from, and the types of the columns."""
    options = _options(held, reading)
    for path in held.paths:
        _check_file(connection, held, path, reading, options)
    relation = f"read_{held.kind}({literal(held.paths)}, union_by_name = true{options})"
    kinds = described(connection, relation)
    if held.kind != "json":
        return relation, kinds
    # What is written between quotes is text; DuckDB would see dates in it, and numbers by another rule.
    texts = {
        name: "DOUBLE" if kind == "DOUBLE" else "BIGINT" if kind == "BIGINT" else "VARCHAR"
        for name, kind in kinds.items()
    }
    fields = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in texts.items())
    return f"read_json({literal(held.paths)}, columns = {{{fields}}}{options})", texts


def _options(held: files.Files, reading: Reading) -> str:
    """Options of DuckDB's reader. A line of text that begins with # is a row, not a comment to pass over."""
    if held.kind != "csv":
        return ""
    options = ", all_varchar = true, comment = ''"
    if reading.delimiter not in (None, files.WHITESPACE):
        options += f", delim = {literal(reading.delimiter)}"
    if not reading.columns:
        return options + ", header = true"
    return options + f", header = false, names = {literal(reading.columns)}"


def _check_file(
    connection: duckdb.DuckDBPyConnection, held: files.Files, path: str, reading: Reading, options: str
) -> None:
    """Refuse a file that lacks a column, which would count as rows that lack a value."""
    place = "" if len(held.paths) == 1 else f" (in {held.name_of(path)})"
    known = described(connection, f"read_{held.kind}({literal(path)}{options})")
    if reading.columns and held.kind == "csv" and list(known) != list(reading.columns):
        raise InputError(
            f"log has {len(known)} columns and {option('columns')} names {len(reading.columns)}{place}; "
            f"name each"
        )
    try:
        money = _money(reading, known)
        _check_columns(reading, _wanted(reading, money), known)
    except InputError as error:
        hint = _hint(connection, path, reading, options) if held.kind == "csv" else ""
        raise InputError(f"{error}{place}{hint}") from None


def _hint(connection: duckdb.DuckDBPyConnection, path: str, reading: Reading, options: str) -> str:
    """What the first line of a text file without the columns tells, or an error about lines of odd length."""
    line = files.first_line(path)
    mark, cells = files.headed(line)
    wanted = {reading.customer_id, reading.date}
    if wanted <= set(cells):  # told of the columns, DuckDB says which line has another length
        fields = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in cells)
        told = f", auto_detect = false, delim = {literal(mark)}, quote = '\"', columns = {{{fields}}}"
        connection.execute(f"SELECT COUNT(*) FROM read_csv({literal(path)}{options}{told})")
    blank = len(cells) == 1 and len(line.split()) > 1
    cells = line.split() if blank else cells
    hints = [f"its columns are set apart by blanks: add {option('delimiter', files.WHITESPACE)}"] * blank
    if cells and any(cell.strip().replace(".", "").isdigit() for cell in cells):
        hints.append(f"its first line {line.strip()[:50]!r} is data: name the columns by {option('columns')}")
    return "".join(f"; {each}" for each in hints)


# -- columns -------------------------------------------------------------------------------------------------


def _money(reading: Reading, known: object) -> amounts.Expression | None:
    return None if reading.amount is None else amounts.parsed(reading.amount, [str(each) for each in known])


def _wanted(reading: Reading, money: amounts.Expression | None) -> list[str]:
    """The columns that count, each once."""
    names = [reading.customer_id, reading.date, *(money.columns if money else [])]
    return list(dict.fromkeys([*names, *([reading.cancelled[0]] if reading.cancelled else [])]))


def _check_columns(reading: Reading, names: list[str], known: object) -> None:
    try:
        check_known("column", names, known)
    except InputError as error:
        said = ["customer_id", "date"] + ["amount"] * (reading.amount is not None)
        raise InputError(
            f"{error}; say by {', '.join(option(each) for each in said)} which columns of log they are"
        ) from None


__all__ = ["Source", "open_source", "unreadable"]
