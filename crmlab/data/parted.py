"""Customer summaries larger than memory: a folder of Parquet files, and the counts that models are fitted to.

A model of histories sees of a customer only the frequency, recency and T, and customers share them: twenty
million make a few million distinct histories, a hundred million hardly more. The same holds for how often
and how much they spent, in whole cents.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any, Self, Unpack

import duckdb
import numpy as np
import pandas as pd

from crmlab.data import queries
from crmlab.data.accounting import Counts, accounts, alike_in_part
from crmlab.data.logs import Log, LogOptions, files
from crmlab.data.logs.sql import described, literal, quoted
from crmlab.data.queries import Rules
from crmlab.data.rules import rules_for
from crmlab.data.summary import about_period, bar_over, by_day_alone, framed, refuse_nothing, together
from crmlab.errors import InputError, listing
from crmlab.words import words

ABOUT = "summary.json"  # what is known of a finished summary
UNFINISHED = ".unfinished"
HISTORY = ("frequency", "recency", "T")
KNOWN = (*HISTORY, "monetary_value", "frequency_holdout", "monetary_value_holdout", "duration_holdout")
COUNTING = ("row_count", "refund_count")  # what the query counts besides


class SummaryParts:
    """A customer summary as a folder of Parquet files, a row a customer, no customer in two of them.

    Parameters
    ----------
    folder : str or path
        As `summary_in_parts` or `SummaryParts.stored` writes it, or any folder of Parquet files with the
        columns of a summary: what Spark wrote of `crmlab.data.queries.summary_query`, for one.
    memory_limit : str
        For counting.

    Attributes
    ----------
    paths : list of pathlib.Path
        The parts, in order; iterating gives them as frames in the form of `customer_summary`'s.
    customers : int
    has_money : bool
        Whether there is a ``monetary_value``.
    id : str
        The column of ids.
    columns : list of str
    attrs : dict
        What `customer_summary` puts there; empty if somebody else wrote the parts.

    Raises
    ------
    InputError
        If there is no such folder, or it holds no summary.

    Examples
    --------
    >>> summary = spark.sql(summary_query(rules))  # doctest: +SKIP
    >>> summary.write.parquet("summary")  # doctest: +SKIP
    >>> parts = SummaryParts("summary")  # doctest: +SKIP
    >>> BGNBD().fit(**parts.histories())  # doctest: +SKIP
    """

    def __init__(self, folder: str | Path, memory_limit: str = "512MB") -> None:
        self.folder, self.memory_limit = Path(folder).expanduser(), memory_limit
        self.paths = sorted(self.folder.glob("*.parquet"))
        if not self.paths:
            raise InputError(f"{str(folder)!r} holds no Parquet files; give the folder of a summary's parts")
        with self.connected() as connection:
            self.columns = list(described(connection, self._relation()))
            missing = [name for name in HISTORY if name not in self.columns]
            others = [name for name in self.columns if name not in (*KNOWN, *COUNTING)]
            if missing or not others:
                raise InputError(
                    f"{str(folder)!r} is no customer summary: it has the columns {listing(self.columns)}, "
                    f"not {listing(missing or ['one of ids'])}"
                )
            count = f"SELECT COUNT(*) FROM {self._relation()}"
            self.customers = connection.execute(count).fetchall()[0][0]
        self.id, self.has_money = others[0], "monetary_value" in self.columns
        about = self.folder / ABOUT
        self.attrs = json.loads(about.read_text(encoding="utf-8"))["attrs"] if about.exists() else {}

    @classmethod
    def stored(cls, batches: Iterable[Any], out: str | Path) -> Self:
        """Write a summary that comes in batches, such as Arrow's, into a folder, and open it.

        Parameters
        ----------
        batches : iterable
            DataFrames, or whatever has ``to_pandas()``: record batches of Arrow, frames of Polars or Spark. A
            column of ids and the columns of a summary; the ids may be the index, if it is named.
        out : str or path
            A folder without Parquet files.
        """
        folder = Path(out).expanduser()
        if list(folder.glob("*.parquet")):
            raise InputError(f"{str(out)!r} holds Parquet files already; name another folder")
        folder.mkdir(parents=True, exist_ok=True)
        for number, batch in enumerate(batches):
            frame = batch if isinstance(batch, pd.DataFrame) else batch.to_pandas()
            write_part(frame if frame.index.name is None else frame.reset_index(), part_path(folder, number))
        return cls(folder)

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return map(self.read, self.paths)

    def read(self, path: Path) -> pd.DataFrame:
        """One part as a frame, ids as its index."""
        kept = ", ".join(quoted(name) for name in self.columns if name not in COUNTING)
        with self.connected() as connection:
            frame = connection.execute(f"SELECT {kept} FROM read_parquet({literal(str(path))})").df()
        return frame.set_index(self.id)

    def asked(self, query: str) -> pd.DataFrame:
        """What a query of the table ``parts``, a row a customer, comes to."""
        with self.connected() as connection:
            connection.execute(f"CREATE VIEW parts AS SELECT * FROM {self._relation()}")
            return connection.execute(query).df()

    def spread(self, most: int) -> pd.DataFrame:
        """Every so manieth customer of each part, about `most` in all, ids as the index."""
        step = max(1, ceil(self.customers / most))
        relation = f"{self._relation()[:-1]}, filename = true, file_row_number = true)"
        kept = ", ".join(quoted(name) for name in self.columns if name not in COUNTING)
        with self.connected() as connection:
            frame = connection.execute(
                f"SELECT {kept} FROM {relation} WHERE file_row_number % {step} = 0 "
                f"ORDER BY filename, file_row_number"
            ).df()
        return frame.set_index(self.id)

    @property
    def version(self) -> str:
        """A text that changes when a part does."""
        return repr([(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in self.paths])

    def histories(self) -> dict[str, np.ndarray]:
        """Distinct histories and how many customers have each: what a model of purchases is fitted to.

        Returns
        -------
        dict of str to array
            ``frequency``, ``recency``, ``T`` and ``weights``, in order; ``model.fit(**parts.histories())``.
        """
        return self._counted(HISTORY, "true")

    @property
    def has_holdout(self) -> bool:
        """Whether what customers bought in a holdout is known."""
        return "frequency_holdout" in self.columns

    @property
    def duration_holdout(self) -> float | None:
        """The length of the holdout, in the unit of T; None where the summary does not hold it."""
        if "duration_holdout" not in self.columns:
            return None
        return float(self.asked("SELECT MAX(duration_holdout) AS length FROM parts")["length"].iloc[0])

    def outcomes(self) -> dict[str, np.ndarray]:
        """As `histories`, with ``frequency_holdout``."""
        if not self.has_holdout:
            raise InputError(f"{str(self.folder)!r} has no holdout; it was made without calibration_end")
        return self._counted((*HISTORY, "frequency_holdout"), "true")

    def windows(self) -> dict[str, np.ndarray]:
        """As `histories`, of frequency and T alone."""
        return self._counted(("frequency", "T"), "true")

    def spending(self) -> dict[str, np.ndarray]:
        """The same of how often and how much those spent who bought again: for `GammaGamma`.

        Returns
        -------
        dict of str to array
            ``frequency``, ``monetary_value`` (above 0) and ``weights``.
        """
        if not self.has_money:
            raise InputError(
                f"{str(self.folder)!r} has no column monetary_value; it was made without amounts"
            )
        return self._counted(("frequency", "monetary_value"), "frequency > 0 AND monetary_value > 0")

    def _counted(self, names: tuple[str, ...], condition: str) -> dict[str, np.ndarray]:
        columns = ", ".join(f"CAST({quoted(name)} AS DOUBLE) AS {quoted(name)}" for name in names)
        query = (
            f"SELECT {columns}, CAST(COUNT(*) AS DOUBLE) AS weights FROM {self._relation()} "
            f"WHERE {condition} GROUP BY ALL ORDER BY ALL"
        )
        with self.connected() as connection:
            return dict(connection.execute(query).fetchnumpy())

    def _relation(self) -> str:
        return f"read_parquet({literal([str(path) for path in self.paths])}, hive_partitioning = false)"

    def connected(self) -> duckdb.DuckDBPyConnection:
        """A connection that keeps to the memory limit."""
        return _connected(self.memory_limit)


def _connected(memory_limit: str = "512MB") -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"memory_limit": memory_limit})
    connection.execute("SET enable_progress_bar = false")
    return connection


# -- from a log ----------------------------------------------------------------------------------------------


def summary_in_parts(
    log: object,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    *,
    out: str | Path,
    observation_end: object = None,
    calibration_end: object = None,
    time_unit: str = "W",
    merge: str = "day",
    refunds: str = "net",
    zeros: str = "count",
    duplicates: str = "keep",
    missing: str = "ignore",
    unreadable: str = "refuse",
    progress: Any = None,
    **options: Unpack[LogOptions],
) -> SummaryParts:
    """The summary of a log with more customers than fit into memory, written into a folder.

    Interrupted and called again with the same arguments, it keeps the parts that are there, unless the log
    has changed since.

    Parameters
    ----------
    out : str or path
        Folder of the parts, which are its ``part-*.parquet``.
    log, customer_id, date, amount, observation_end, calibration_end, time_unit, ...
        See `customer_summary`.

    Returns
    -------
    SummaryParts
        Ids are as in `customer_summary`, but for numbers beyond 64 bits, which are texts.

    Raises
    ------
    InputError
        As of `customer_summary`; and if `out` holds Parquet files of others.
    """
    choices = {
        "merge": merge,
        "refunds": refunds,
        "zeros": zeros,
        "duplicates": duplicates,
        "missing": missing,
        "unreadable": unreadable,
    }
    with Log(log, customer_id, date, amount, **options) as opened:
        rules = rules_for(opened, observation_end, calibration_end, time_unit, **choices)
        return summarise_in_parts(opened, rules, out, progress)


def summarise_in_parts(log: Log, rules: Rules, out: str | Path, progress: Any = None) -> SummaryParts:
    """The summary of an open `Log`, written into a folder; see `summary_in_parts`."""
    folder = Path(out).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    digest = _digest(log, rules)
    wanted = {part_path(folder, bucket): bucket for bucket in range(log.buckets)}
    done = {path: about["counts"] for path, about in finished(folder, digest, set(wanted)).items()}
    with bar_over(log, words("fit.summarising"), progress) as shown:
        for path, bucket in wanted.items():
            if path not in done:
                done[path] = _write(log, rules, bucket, path, digest)
            shown.update()
    counts = Counts.together([Counts(*done[path][:3], np.empty(0)) for path in wanted])
    refuse_nothing(rules, counts)
    attrs = about_period(rules) | {
        "report": accounts(log, rules, counts, sum(done[path][3] for path in wanted))
    }
    _replace(folder / ABOUT, lambda beside: beside.write_text(json.dumps({"digest": digest, "attrs": attrs})))
    return SummaryParts(folder)


def repeats_in_parts(log: Log, rules: Rules, out: str | Path, progress: Any = None) -> pd.DataFrame:
    """Repeat purchases by day of first purchase and day, as of `Tally`; kept in a folder."""
    folder, rules = Path(out).expanduser(), by_day_alone(rules)
    folder.mkdir(parents=True, exist_ok=True)
    path, digest = part_path(folder, 0), _digest(log, rules)
    if path not in finished(folder, digest, {path}):
        with bar_over(log, words("fit.summarising"), progress) as shown:
            found = together(list(log.by_bucket(queries.repeats_query(rules), shown.update)))
        write_part(found, path, {"digest": digest})
    with _connected() as connection:
        return connection.execute(f"SELECT * FROM read_parquet({literal(str(path))})").df()


def _digest(log: Log, rules: Rules) -> str:
    """Of all that decides what the parts hold; a frame's is never the same twice, as it leaves no trace."""
    if log.is_frame:
        return os.urandom(16).hex()
    text = repr((log.buckets, files.versions(log.source), log.reading, rules, log.once))
    return hashlib.sha256(text.encode()).hexdigest()


def _write(log: Log, rules: Rules, bucket: int, path: Path, digest: str) -> tuple[int, ...]:
    """Summarise the customers of one bucket into a file: its rows, refunds, purchases, and rows alike."""
    log.only(bucket)
    part = log.run(queries.summary_query(rules)).fetchnumpy()
    counts = Counts.taken_from(part)
    told = (counts.rows, counts.netted, counts.purchases, alike_in_part(log, rules, counts.several, bucket))
    if counts.purchases:
        frame = framed(log, rules, [part])
        name = "customer" if frame.index.name in KNOWN else frame.index.name
        if log.opened.ids.back in (int, Decimal):  # Parquet holds no whole number beyond 64 bits
            frame.index = frame.index.map(str)
        write_part(frame.rename_axis(name).reset_index(), path, {"digest": digest, "counts": told})
    return told


# -- files ---------------------------------------------------------------------------------------------------


def part_path(folder: Path, number: int) -> Path:
    """Where a part stands."""
    return folder / f"part-{number:04}.parquet"


def write_part(frame: pd.DataFrame, path: Path, about: dict[str, Any] | None = None) -> None:
    """Write a frame as Parquet, beside its place and renamed, with what is `about` it in the file."""
    told = literal(json.dumps(about or {}))

    def copied(beside: Path) -> None:
        with _connected() as connection:
            connection.register("frame", frame)
            connection.execute(
                f"COPY frame TO {literal(str(beside))} (FORMAT parquet, KV_METADATA {{crmlab: {told}}})"
            )

    _replace(path, copied)


def finished(folder: Path, digest: str, wanted: set[Path]) -> dict[Path, dict[str, Any]]:
    """The parts in a folder that need not be made again, with what is known about them.

    What was made of another log or by other rules is removed, and what a killed process left.

    Raises
    ------
    InputError
        If the folder holds Parquet files of others.
    """
    done = {}
    for path in sorted(folder.glob("*.parquet")):
        about = read_about(path)
        if "digest" not in about:
            raise InputError(f"{str(path)!r} is no part of ours; name another folder")
        if about["digest"] == digest and path in wanted:
            done[path] = about
        else:
            path.unlink()
    for beside in folder.glob(f"*{UNFINISHED}"):
        beside.unlink()
    return done


def read_about(path: Path) -> dict[str, Any]:
    """What `write_part` was told about a part; nothing of files by others."""
    query = "SELECT value FROM parquet_kv_metadata(?) WHERE decode(key) = 'crmlab'"
    with _connected() as connection:
        found = connection.execute(query, [str(path)]).fetchall()
    return json.loads(bytes(found[0][0])) if found else {}


def _replace(path: Path, write: Any) -> None:
    beside = path.with_name(path.name + UNFINISHED)
    write(beside)
    os.replace(beside, path)
