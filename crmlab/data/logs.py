"""A transaction log of any size and kind as one table of purchases, read through DuckDB with bounded memory.

Whatever the log is (a frame, CSV or Parquet files), it becomes the table ``log`` of the columns ``customer``,
``day`` (a DATE), ``stamp`` (the time as given) and ``amount`` (a DOUBLE), which the queries of
`crmlab.data.queries` ask.
"""

import csv
import glob
import gzip
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from crmlab.errors import InputError, check_known, listing

KINDS = {"parquet": (".parquet", ".pq"), "csv": (".csv", ".csv.gz", ".tsv", ".txt")}
EPOCHS = {"epoch seconds": 1, "epoch milliseconds": 1000}
ROWS_A_BUCKET = 6_000  # for each megabyte of memory; customers are counted in that many buckets of rows
SHOWN = 5  # offending rows named in a message
NO_DAY = -(2**31)
DELIMITERS = ",;\t|"  # of text files
# A text that ends in a time and an offset is an instant; any other is the time that the customer's clock
# showed.
INSTANT = r":\d\d(?:\.\d+)?\s*(?:Z|UTC|[+-]\d\d(?::?\d\d)?)$"


@dataclass(frozen=True)
class Audit:
    """What the rows of a log are like, before any rule is applied.

    Attributes
    ----------
    rows, no_customer, no_date, no_amount, bad_date, bad_amount, refunds, zeros : int
        Rows in all; without a customer, date or amount; whose date or amount cannot be read; below 0; equal
        to 0.
    unusable : int
        Rows without a customer or without a date (missing, or not to be read).
    first, last : datetime.date or None
        The days of the first and the last row with a customer.
    largest : float
        Largest size of an amount.
    """

    rows: int
    no_customer: int
    no_date: int
    bad_date: int
    unusable: int
    first: object
    last: object
    no_amount: int = 0
    bad_amount: int = 0
    refunds: int = 0
    zeros: int = 0
    largest: float = 0.0


class Log:
    """An open log; use it in a ``with`` statement, which removes the temporary files.

    Parameters
    ----------
    source : pandas.DataFrame, str or path
        One row a purchase: a frame, a CSV or Parquet file, a folder of them, or a pattern such as
        ``"log/*.parquet"``.
    customer_id, date : str
        Columns.
    amount : str, optional
        Column of the money.
    date_format : str, optional
        How dates are written, such as ``"%d.%m.%Y"``, ``"epoch seconds"`` or ``"epoch milliseconds"``; ISO
        8601 otherwise.
    time_zone : str, optional
        Zone in which the days of instants are counted; by default a frame's own, else UTC. Times without a
        zone are taken as they stand.
    memory_limit : str
        What DuckDB may hold in memory; the rest goes to `temp_directory`.
    temp_directory : path, optional
        Folder for temporary files; the system's otherwise.
    threads : int, optional
        As many as there are cores otherwise.

    Raises
    ------
    InputError
        If the log, a column or an option is unknown, or a column holds another kind of values.
    """

    def __init__(
        self,
        source,
        customer_id="customer_id",
        date="date",
        amount=None,
        *,
        date_format=None,
        time_zone=None,
        memory_limit="512MB",
        temp_directory=None,
        threads=None,
    ):
        self.columns = {"customer_id": customer_id, "date": date} | (
            {} if amount is None else {"amount": amount}
        )
        self.has_amount, self.date_format, self.time_zone = amount is not None, date_format, time_zone
        self.source, self.files, self.ids, self.zoned = source, (), None, False
        self._folder = Path(tempfile.mkdtemp(prefix="crmlab-", dir=temp_directory))
        try:
            self._connect(memory_limit, threads)
            self._open()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Let go of the log and of the temporary files."""
        if hasattr(self, "connection"):
            self.connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    # -- opening -------------------------------------------------------------------------------------------

    def _connect(self, memory_limit, threads):
        settings = {
            "memory_limit": memory_limit,
            "temp_directory": str(self._folder),
            "preserve_insertion_order": False,
        }
        if threads is not None:
            settings["threads"] = int(threads)
        try:
            self.connection = duckdb.connect(str(self._folder / "log.duckdb"), config=settings)
        except duckdb.Error as error:
            raise InputError(
                f"memory_limit {memory_limit!r} or threads {threads!r} is not to DuckDB's liking: "
                f"{_sentence(error)}"
            ) from None
        self.connection.execute("SET enable_progress_bar = false")
        # The queries call this function by Spark's name.
        self.connection.execute("CREATE MACRO unix_date(day) AS day - DATE '1970-01-01'")
        self.megabytes = _megabytes(
            self.connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
        )

    def _open(self):
        if isinstance(self.source, pd.DataFrame):
            self._open_frame()
        else:
            self._open_files()
        self.audit = self._audited()
        self.buckets = int(np.clip(np.ceil(self.audit.rows / (ROWS_A_BUCKET * self.megabytes)), 1, 64))

    def _open_frame(self):
        frame = self.source
        self._check_columns(frame.columns)
        codes, self.ids = pd.factorize(_as_column(frame, self.columns["customer_id"]), sort=False)
        days, stamp, bad_date = self._days(_as_column(frame, self.columns["date"]))
        table = {"customer": codes, "days": days, "stamp": stamp, "bad_date": bad_date}
        if self.has_amount:
            table["amount"], table["bad_amount"] = _numbers(_as_column(frame, self.columns["amount"]))
        self._frame = pd.DataFrame(table)
        self.connection.register("frame", self._frame)
        money = (
            ", CASE WHEN isfinite(amount) THEN amount END AS amount, bad_amount" if self.has_amount else ""
        )
        self._define(
            "SELECT NULLIF(customer, -1) AS customer, stamp, bad_date, "
            f"DATE '1970-01-01' + NULLIF(days, {NO_DAY}) AS day"
            f"{money} FROM frame"
        )

    def _check_columns(self, known):
        try:
            check_known("column", self.columns.values(), known)
        except InputError as error:
            raise InputError(
                f"{error}; say by {', '.join(self.columns)} which columns of log they are"
            ) from None

    def _days(self, column):
        """Days since 1970 and times, both as integers, and where there is a value that is no date."""
        given = column.notna().to_numpy()
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            self.zoned = True
            local = (column.dt.tz_convert(self._zone(None)) if self.time_zone else column).dt.tz_localize(
                None
            )
        elif pd.api.types.is_datetime64_any_dtype(column):
            local = column
        elif pd.api.types.is_numeric_dtype(column):
            local = self._numbered_dates(column)
        else:
            local = self._written_dates(column)
        local = local.to_numpy()
        known = ~np.isnat(local)
        days = np.where(known, local.astype("datetime64[D]").astype(np.int64), NO_DAY).astype(np.int32)
        return days, local.view(np.int64), given & ~known

    def _numbered_dates(self, column):
        if self.date_format in EPOCHS:
            unit = {"epoch seconds": "s", "epoch milliseconds": "ms"}[self.date_format]
            self.zoned = True
            return (
                pd.to_datetime(column, unit=unit, utc=True)
                .dt.tz_convert(self._zone("UTC"))
                .dt.tz_localize(None)
            )
        self._refuse_plain_numbers(column.dtype)
        return pd.to_datetime(column.astype("Int64").astype(str), format=self.date_format, errors="coerce")

    def _written_dates(self, column):
        text = column.astype(str).str.strip().where(column.notna())
        if self.date_format in EPOCHS:
            return self._numbered_dates(pd.to_numeric(text, errors="coerce"))
        if self.date_format is not None:
            return pd.to_datetime(text, format=self.date_format, errors="coerce")
        instant = text.str.contains(INSTANT, regex=True, na=False).to_numpy(bool)
        local = pd.to_datetime(text.where(~instant), format="ISO8601", errors="coerce")
        if instant.any():
            self.zoned = True
            moments = pd.to_datetime(text.where(instant), format="ISO8601", errors="coerce", utc=True)
            local = local.fillna(moments.dt.tz_convert(self._zone("UTC")).dt.tz_localize(None))
        return local

    def _refuse_plain_numbers(self, kind):
        if self.date_format is None:
            raise InputError(
                f"column {self.columns['date']!r} of log holds numbers ({kind}), not dates; say by "
                "date_format how to read them: '%Y%m%d', 'epoch seconds' or 'epoch milliseconds'"
            )

    def _zone(self, default):
        return self.time_zone or default

    def _open_files(self):
        kind, files = _files(self.source)
        self.files = [file for file in files if os.path.getsize(file)]
        if not self.files:
            raise InputError(f"log {str(self.source)!r} is empty; its first line must name the columns")
        # A text file is read once, into a table on disk; Parquet is quick to read again. A line that begins
        # with # is a row like others, not a comment to pass over.
        options = ", all_varchar = true, header = true, comment = ''" if kind == "csv" else ""
        self._reader = f"read_{kind}({_literal(self.files)}, union_by_name = true{options})"
        try:
            for file in self.files:
                self._check_file(file, kind, options)
            kinds = self._kinds(self._reader)
            self._select = self._typed(kinds)
            typed = f"SELECT {self._select} FROM {self._reader}"
            if kind == "csv":
                self.connection.execute(f"CREATE TABLE imported AS {typed}")
                typed = f"SELECT * REPLACE ({self._plain_ids()} AS customer) FROM imported"
            self._define(typed)
            if kinds[self.columns["date"]] == "VARCHAR" and self.date_format is None:
                self.zoned = (
                    self.connection.execute(
                        f"SELECT COUNT(*) FROM typed WHERE regexp_matches(trim(stamp), {_literal(INSTANT)})"
                    ).fetchall()[0][0]
                    > 0
                )
        except duckdb.Error as error:
            raise InputError(f"log {str(self.source)!r} cannot be read: {_sentence(error)}") from None

    def _kinds(self, reader):
        """The columns of files with their types."""
        described = self.connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
        return {row[0]: row[1] for row in described}

    def _check_file(self, file, kind, options):
        """Refuse a file that lacks a column, which would count as rows that lack a value."""
        try:
            self._check_columns(self._kinds(f"read_{kind}({_literal(file)}{options})"))
        except InputError as error:
            # Lines of unequal length hide the columns; told of them, DuckDB says which lines.
            told = _told_columns(file, self.columns.values()) if kind == "csv" else ""
            if told:
                self.connection.execute(f"SELECT COUNT(*) FROM read_csv({_literal(file)}{options}{told})")
            place = "" if len(self.files) == 1 else f" (in {Path(file).name})"
            raise InputError(f"{error}{place}") from None

    def _typed(self, kinds):
        """The SELECT list that makes typed columns of those in the files."""
        name, date = (_quoted(self.columns[each]) for each in ("customer_id", "date"))
        kind = kinds[self.columns["customer_id"]]
        customer = f"NULLIF(trim({name}), '')" if kind == "VARCHAR" else name
        if kind in ("DOUBLE", "FLOAT"):
            customer = f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END"
        day = self._day(date, kinds[self.columns["date"]])
        blank = f"COALESCE(trim(CAST({date} AS VARCHAR)), '') = ''"
        parts = [
            f"{customer} AS customer",
            f"{date} AS stamp",
            f"{day} AS day",
            f"NOT ({blank}) AND {day} IS NULL AS bad_date",
        ]
        return ", ".join(parts + (self._money(kinds[self.columns["amount"]]) if self.has_amount else []))

    def _money(self, kind):
        name = _quoted(self.columns["amount"])
        if kind == "VARCHAR":
            number, blank = f"TRY_CAST(trim({name}) AS DOUBLE)", f"COALESCE(trim({name}), '') = ''"
        elif kind.startswith(("DECIMAL", "DOUBLE", "FLOAT")) or kind.endswith(("INT", "INTEGER")):
            number, blank = f"CAST({name} AS DOUBLE)", f"{name} IS NULL"
        else:
            raise InputError(f"column {self.columns['amount']!r} of log holds {kind}; give numbers")
        return [
            f"CASE WHEN isfinite({number}) THEN {number} END AS amount",
            f"NOT ({blank}) AND ({number} IS NULL OR isinf({number})) AS bad_amount",
        ]

    def _day(self, name, kind):
        """A column of dates of any kind as a DATE."""
        zone = _literal(self._zone("UTC"))
        self.zoned = self.zoned or kind.startswith("TIMESTAMP WITH TIME ZONE") or self.date_format in EPOCHS
        if kind == "DATE":
            return name
        if kind == "TIMESTAMP WITH TIME ZONE":
            return f"CAST(timezone({zone}, {name}) AS DATE)"
        if kind.startswith("TIMESTAMP"):
            return f"CAST({name} AS DATE)"
        if self.date_format in EPOCHS:
            seconds = f"TRY_CAST({name} AS DOUBLE) / {EPOCHS[self.date_format]}"
            return f"CAST(timezone({zone}, to_timestamp({seconds})) AS DATE)"
        if kind != "VARCHAR":
            self._refuse_plain_numbers(kind)
        if self.date_format is not None:
            return f"CAST(try_strptime(trim(CAST({name} AS VARCHAR)), {_literal(self.date_format)}) AS DATE)"
        return (
            f"CASE WHEN regexp_matches(trim({name}), {_literal(INSTANT)}) "
            f"THEN CAST(timezone({zone}, TRY_CAST(trim({name}) AS TIMESTAMPTZ)) AS DATE) "
            f"ELSE CAST(TRY_CAST(trim({name}) AS TIMESTAMP) AS DATE) END"
        )

    def _plain_ids(self):
        """Ids that are all written as plain whole numbers become numbers; 007 remains a text."""
        other = self.connection.execute(
            "SELECT COUNT(*) FROM imported WHERE customer IS NOT NULL AND "
            "CAST(TRY_CAST(customer AS BIGINT) AS VARCHAR) IS DISTINCT FROM customer"
        ).fetchall()[0][0]
        return "customer" if other else "CAST(customer AS BIGINT)"

    def _define(self, query):
        self.connection.execute(f"CREATE VIEW typed AS {query}")
        self._columns = "customer, stamp, day" + ", amount" * self.has_amount
        self.once = False  # whether of rows alike only one counts

    def _audited(self):
        counts = {
            "rows": "COUNT(*)",
            "no_customer": "COUNT(*) - COUNT(customer)",
            "no_date": "COUNT(*) FILTER (day IS NULL AND NOT bad_date)",
            "bad_date": "COUNT(*) FILTER (bad_date)",
            "unusable": "COUNT(*) FILTER (customer IS NULL OR day IS NULL)",
            "first": "MIN(day) FILTER (customer IS NOT NULL)",
            "last": "MAX(day) FILTER (customer IS NOT NULL)",
        }
        if self.has_amount:
            counts |= {
                "no_amount": "COUNT(*) FILTER (amount IS NULL AND NOT bad_amount)",
                "bad_amount": "COUNT(*) FILTER (bad_amount)",
                "refunds": "COUNT(*) FILTER (amount < 0)",
                "zeros": "COUNT(*) FILTER (amount = 0)",
                "largest": "COALESCE(MAX(ABS(amount)), 0)",
            }
        found = self.run(f"SELECT {', '.join(counts.values())} FROM typed").fetchall()[0]
        return Audit(**dict(zip(counts, found)))

    # -- asking --------------------------------------------------------------------------------------------

    def run(self, query):
        """Run a query; what DuckDB cannot do becomes one sentence."""
        try:
            return self.connection.execute(query)
        except duckdb.OutOfMemoryException:
            raise InputError(
                f"memory_limit of {self.megabytes:,.0f} MB is too little for this log; raise it"
            ) from None
        except duckdb.Error as error:
            raise InputError(f"log cannot be read: {_sentence(error)}") from None

    def by_bucket(self, query, progress=None):
        """Run a query that keeps to customers on one part of the customers after the other.

        Yields
        ------
        dict of str to array
            The columns of each part's result.
        """
        for bucket in range(self.buckets):
            self._show("" if self.buckets == 1 else f" WHERE hash(customer) % {self.buckets} = {bucket}")
            yield self.run(query).fetchnumpy()
            if progress is not None:
                progress()

    def days_of(self, customer):
        """The days on which one customer bought, as datetime64 in order, up to the end of the log."""
        key = int(pd.Index(self.ids).get_loc(customer)) if self.ids is not None else customer
        bought = " AND NOT COALESCE(amount < 0, false)" if self.has_amount else ""
        query = f"SELECT DISTINCT day FROM typed WHERE customer = ? AND day IS NOT NULL{bought} ORDER BY day"
        key = key.item() if isinstance(key, np.generic) else key
        return np.array([day for (day,) in self.connection.execute(query, [key]).fetchall()], "datetime64[D]")

    def everyone(self):
        """Let the table ``log`` hold all customers."""
        self._show("")

    def _show(self, part):
        columns = "DISTINCT " * self.once + self._columns
        self.run(f"CREATE OR REPLACE VIEW log AS SELECT {columns} FROM typed{part}")

    def offending(self, condition):
        """The first rows that meet a condition, as prose."""
        self.connection.execute("SET preserve_insertion_order = true")
        try:
            if isinstance(self.source, pd.DataFrame):
                found = self.run(
                    "SELECT row FROM (SELECT row_number() OVER () - 1 AS row, * FROM typed) "
                    f"WHERE {condition} ORDER BY row LIMIT {SHOWN}"
                ).fetchall()
                return "the first being " + listing(self.source.index[[row for (row,) in found]])
            shown = [
                f"CAST({_quoted(name)} AS VARCHAR) AS shown_{k}"
                for k, name in enumerate(self.columns.values())
            ]
            found = self.run(
                f"SELECT row, place, COLUMNS('shown_.*') FROM (SELECT row_number() OVER () AS row, "
                f"filename AS "
                f"place, {', '.join(shown)}, {self._select} FROM {self._reader[:-1]}, filename = true)) "
                f"WHERE {condition} LIMIT {SHOWN}"
            ).fetchall()
        finally:
            self.connection.execute("SET preserve_insertion_order = false")

        def place(row):
            return f"row {row[0]}" if len(self.files) == 1 else f"in {Path(row[1]).name}"

        def values(row):
            return ", ".join(f"{name} {value!r}" for name, value in zip(self.columns.values(), row[2:]))

        return "the first being " + "; ".join(f"{place(row)} ({values(row)})" for row in found)


def _as_column(frame, name):
    column = frame[name]
    if isinstance(column, pd.DataFrame):
        raise InputError(f"column {name!r} of log is there {column.shape[1]} times; rename the others")
    return column.reset_index(drop=True)


def _numbers(column):
    """A column of amounts as floats, and where there is a value that is no finite number."""
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        raise InputError(f"column {column.name!r} of log holds {column.dtype}; give numbers")
    number = pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan)
    blank = column.isna().to_numpy()
    if not pd.api.types.is_numeric_dtype(column):
        blank = blank | (column.astype(str).str.strip() == "").to_numpy()
    return number, ~blank & ~np.isfinite(number)


def _files(source):
    """(kind, files) of a path, a folder or a pattern."""
    try:
        text = os.fspath(source)
    except TypeError:
        raise InputError(
            f"log is a {type(source).__name__}; give a pandas DataFrame, a file, a folder or a pattern"
        ) from None
    path = Path(text).expanduser()
    if path.is_dir():
        found = {
            kind: sorted(
                str(each)
                for each in path.rglob("*")
                if each.name.lower().endswith(ends) and not each.name.startswith((".", "_"))
            )
            for kind, ends in KINDS.items()
        }
        if all(found.values()):
            raise InputError(
                f"log {text!r} holds both Parquet and text files; name one kind, as '{text}/*.parquet'"
            )
        kind = next((kind for kind, files in found.items() if files), None)
        if kind is None:
            raise InputError(f"log {text!r} is a folder without .parquet or .csv files")
        return kind, found[kind]
    files = [str(path)] if path.is_file() else sorted(glob.glob(str(path), recursive=True))
    if not files:
        raise InputError(
            f"log {text!r} is not there: neither a file nor a folder nor a pattern that some file meets"
        )
    kinds = {kind for kind, ends in KINDS.items() for file in files if file.lower().endswith(ends)}
    unknown = [file for file in files if not file.lower().endswith(sum(KINDS.values(), ()))]
    if unknown or len(kinds) != 1:
        raise InputError(
            f"log {text!r} must be Parquet (.parquet) or text (.csv, .csv.gz, .tsv) files, of one kind; "
            f"got {listing(map(os.path.basename, unknown or files), 3)}"
        )
    return kinds.pop(), files


def _told_columns(file, wanted):
    """Options that tell DuckDB a text file's columns by its first line; none where that has not `wanted`."""
    opened = gzip.open if file.lower().endswith(".gz") else open
    with opened(file, "rt", encoding="utf-8-sig", errors="replace", newline="") as text:
        first = text.readline(1 << 16).rstrip("\r\n")
    for mark in DELIMITERS:
        names = next(csv.reader([first], delimiter=mark), [])
        if set(names) >= set(wanted):
            columns = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in names)
            return f", auto_detect = false, delim = {_literal(mark)}, quote = '\"', columns = {{{columns}}}"
    return ""


def _literal(value):
    """A text or a list of texts in SQL."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_literal, value))}]"
    return "'" + str(value).replace("'", "''") + "'"


def _quoted(name):
    return '"' + str(name).replace('"', '""') + '"'


def _sentence(error):
    """What a message of DuckDB says happened, as a clause, with our remedy for text files."""
    lines = [line.strip().rstrip(".") for line in str(error).strip().splitlines()]
    text, where = " ".join(lines), lines[0].removeprefix("Invalid Input Error: ")
    if "not utf-8 encoded" in text or ("sniffing" in lines[0] and "Encoding: utf-8" in text):
        return f"{where}: not UTF-8, or not rows of columns; save the file as UTF-8 text"
    cause = [line for line in lines[1:] if line.startswith(("Original Line:", "Expected Number of Columns:"))]
    if cause and "CSV" in lines[0]:
        return f"{where}: {', '.join(cause)}; repair this line"
    return lines[0]


def _megabytes(text):
    """DuckDB's ``488.2 MiB`` in megabytes."""
    number, unit = text.split()
    return (
        float(number)
        * {"K": 1e-3, "M": 1.0, "G": 1e3, "T": 1e6}.get(unit[0], 1e-6)
        * (1.048576 if "i" in unit else 1.0)
    )
