"""An open log: the table ``log`` that queries ask, part by part, in bounded memory."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self, Unpack

import duckdb
import numpy as np
import pandas as pd

from crmlab.data.logs import dates
from crmlab.data.logs.audit import audited
from crmlab.data.logs.opening import open_source, unreadable
from crmlab.data.logs.reading import LogOptions, Reading
from crmlab.data.logs.sql import literal, sentence
from crmlab.errors import InputError, listing, option

ROWS_A_BUCKET = 4_500  # for each megabyte of memory; customers are counted in that many buckets of rows
MOST_BUCKETS = 1024
REREAD = 12  # buckets up to which each is found by reading all rows; more are sorted into folders first
HELD = 2_500_000  # rows that sorting may hold back before it writes them
SHOWN = 5  # offending rows named in a message
MACHINE = ("memory_limit", "temp_directory", "threads")


class Log:
    """An open log; use it in a ``with`` statement, which removes the temporary files.

    Parameters
    ----------
    source : pandas.DataFrame, str or path
        One row a purchase: a frame, a CSV, JSON-lines or Parquet file, a spreadsheet, an archive of one of
        them, a folder, or a pattern such as ``"log/*.parquet"``.
    customer_id, date : str
        Columns.
    amount : str, optional
        Column of the money, or arithmetic on columns such as ``"Quantity*UnitPrice"``.
    **options
        See `LogOptions`.

    Attributes
    ----------
    audit : Audit
    reading : Reading

    Raises
    ------
    InputError
        If the log, a column or an option is unknown, or a column holds another kind of values.
    """

    def __init__(
        self,
        source: object,
        customer_id: str = "customer_id",
        date: str = "date",
        amount: str | None = None,
        **options: Unpack[LogOptions],
    ) -> None:
        machine = {name: options.pop(name) for name in MACHINE if name in options}
        self.reading = Reading.of(customer_id, date, amount, options)
        self.source, self.has_amount, self.once = source, amount is not None, False
        self._sorted: Path | None = None
        self.columns = {"customer_id": customer_id, "date": date} | ({"amount": amount} if amount else {})
        self._folder = Path(tempfile.mkdtemp(prefix="crmlab-", dir=machine.get("temp_directory")))
        self.opened = None
        try:
            self._connect(machine.get("memory_limit") or "512MB", machine.get("threads"))
            self._open()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the log and of the temporary files."""
        if hasattr(self, "connection"):
            self.connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def is_frame(self) -> bool:
        """Whether the log is a frame in memory."""
        return isinstance(self.source, pd.DataFrame)

    @property
    def zone(self) -> str | None:
        """The zone in which days of instants are counted; None where a frame's own is."""
        return self.reading.time_zone or (None if self.has_own_zone else "UTC")

    @property
    def has_own_zone(self) -> bool:
        """Whether the dates are a frame's column with a zone of its own."""
        return self.is_frame and isinstance(self.source[self.reading.date].dtype, pd.DatetimeTZDtype)

    # -- opening -------------------------------------------------------------------------------------------

    def _connect(self, memory_limit: str, threads: int | None) -> None:
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
                f"{option('memory_limit')} {memory_limit!r} or {option('threads')} {threads!r} is not to "
                f"DuckDB's liking: {sentence(error)}"
            ) from None
        self.connection.execute("SET enable_progress_bar = false")
        # The queries call this function by Spark's name.
        self.connection.execute("CREATE MACRO unix_date(day) AS CAST(day - DATE '1970-01-01' AS INT)")
        limit = self.connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
        self.megabytes = _megabytes(limit)

    def _open(self) -> None:
        dates.check_zone(self.connection, self.reading.time_zone)
        try:
            self.opened = open_source(self.connection, self.source, self.reading, self._folder)
            self.audit = audited(self.connection, self.has_amount)
        except duckdb.OutOfMemoryException:
            raise self._too_little() from None
        except duckdb.Error as error:
            raise InputError(
                unreadable(
                    "a frame" if self.is_frame else self.source, getattr(self.opened, "files", None), error
                )
            ) from None
        needed = np.ceil(self.audit.rows / (ROWS_A_BUCKET * self.megabytes))
        self.buckets = int(np.clip(needed, 1, MOST_BUCKETS))

    # -- asking --------------------------------------------------------------------------------------------

    def run(self, query: str) -> duckdb.DuckDBPyConnection:
        """Run a query; what DuckDB cannot do becomes one sentence."""
        try:
            return self.connection.execute(query)
        except duckdb.OutOfMemoryException:
            raise self._too_little() from None
        except duckdb.Error as error:
            raise InputError(f"log cannot be read: {sentence(error)}") from None

    def _too_little(self) -> InputError:
        return InputError(
            f"{option('memory_limit')} of {self.megabytes:,.0f} MB is too little for this log; raise it"
        )

    def by_bucket(
        self, query: str, progress: Callable[[], object] | None = None
    ) -> Iterator[dict[str, np.ndarray]]:
        """Run a query that keeps to customers on one part of the customers after the other.

        Yields
        ------
        dict of str to array
            The columns of each part's result.
        """
        for _ in self.parts(progress):
            yield self.run(query).fetchnumpy()

    def parts(self, progress: Callable[[], object] | None = None) -> Iterator[int]:
        """Let the table ``log`` hold one part of the customers after the other."""
        for bucket in range(self.buckets):
            self.only(bucket)
            yield bucket
            if progress is not None:
                progress()

    def only(self, bucket: int) -> None:
        """Let the table ``log`` hold the customers of one bucket, by the hash of their ids."""
        if self.buckets == 1:
            self.everyone()
        elif self.buckets <= REREAD:
            self._show([f"hash(customer) % {self.buckets} = {bucket}"])
        else:
            self._sort()
            found = sorted(map(str, (self._sorted / f"bucket={bucket}").glob("*.parquet")))
            held = f"read_parquet({literal(found)}, hive_partitioning = false)"
            self._show([] if found else ["false"], held if found else "typed")

    def _sort(self) -> None:
        """Write the rows that could count into one folder a bucket, once."""
        if self._sorted is not None:
            return
        folder = self._folder / "sorted"
        self.connection.execute(f"SET partitioned_write_max_open_files = {self.buckets}")
        self.connection.execute(f"SET partitioned_write_flush_threshold = {HELD // self.buckets}")
        columns = "customer, stamp, day, void" + ", amount" * self.has_amount
        self.run(
            f"COPY (SELECT {columns}, hash(customer) % {self.buckets} AS bucket FROM typed "
            f"WHERE customer IS NOT NULL AND day IS NOT NULL) "
            f"TO {literal(folder)} (FORMAT parquet, PARTITION_BY (bucket))"
        )
        self._sorted = folder

    def days_of(self, customer: object) -> np.ndarray:
        """The days on which one customer bought, as datetime64 in order, up to the end of the log."""
        self.everyone()
        bought = "AND NOT COALESCE(amount < 0, false)" if self.has_amount else ""
        query = f"SELECT DISTINCT day FROM log WHERE customer = ? AND day IS NOT NULL {bought} ORDER BY day"
        found = self.connection.execute(query, [self.opened.ids.key_of(customer)]).fetchall()
        return np.array([day for (day,) in found], "datetime64[D]")

    def everyone(self) -> None:
        """Let the table ``log`` hold all customers."""
        self._show([])

    def _show(self, conditions: list[str], rows: str = "typed") -> None:
        columns = "DISTINCT " * self.once + "customer, stamp, day" + ", amount" * self.has_amount
        conditions = conditions + ["NOT void"] * (self.reading.cancelled is not None)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        self.run(f"CREATE OR REPLACE VIEW log AS SELECT {columns} FROM {rows}{where}")

    def read_day(self, name: str, value: object) -> object:
        """A day given as the option `name`, read as the log's dates are."""
        return dates.read_day(self.connection, name, value, self.reading)

    # -- showing rows --------------------------------------------------------------------------------------

    def rows(self, condition: str = "true", limit: int = SHOWN) -> list[tuple[object, ...]]:
        """The first rows that meet a condition on the typed columns, in the log's order.

        Returns
        -------
        list of tuple
            Where each stands, its values as they are written, in the order of `columns`, and as they were
            read: customer, day and, with money, amount.
        """
        written = list(self.opened.columns)
        texts = [
            f"CAST({self.opened.columns[name][0]} AS VARCHAR) AS shown_{k}" for k, name in enumerate(written)
        ]
        number = "row_number() OVER () AS row, "
        place = "'' AS place, "
        relation = self.opened.relation
        if not self.is_frame:
            place, relation = "filename AS place, ", f"{relation[:-1]}, filename = true)"
        query = self.opened.query(
            self.reading, number + place + "".join(f"{each}, " for each in texts), relation
        )
        read = "customer, day" + ", amount" * self.has_amount
        self.connection.execute("SET preserve_insertion_order = true")
        try:
            return self.run(
                f"SELECT row, place, {', '.join(f'shown_{k}' for k in range(len(written)))}, {read} "
                f"FROM ({query}) WHERE {condition} ORDER BY place, row LIMIT {limit}"
            ).fetchall()
        finally:
            self.connection.execute("SET preserve_insertion_order = false")

    def offending(self, condition: str) -> str:
        """The first rows that meet a condition, as prose."""
        found = self.rows(condition)
        if self.is_frame:
            return "the first being " + listing(self.source.index[[row[0] - 1 for row in found]])
        names, files = list(self.opened.columns), self.opened.files
        told = []
        for number, path, *cells in found:
            place = f"row {number}" if len(files.paths) == 1 else f"in {files.name_of(path)}"
            told.append(f"{place} ({', '.join(f'{name} {cell!r}' for name, cell in zip(names, cells))})")
        return "the first being " + "; ".join(told)


def _megabytes(text: str) -> float:
    """DuckDB's ``488.2 MiB`` in megabytes."""
    number, unit = text.split()
    scale = {"K": 1e-3, "M": 1.0, "G": 1e3, "T": 1e6}.get(unit[0], 1e-6)
    return float(number) * scale * (1.048576 if "i" in unit else 1.0)
