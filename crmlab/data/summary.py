"""From a transaction log to a customer summary: what each customer did, in four numbers."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
import pandas as pd
from tqdm import tqdm

from crmlab.data import queries
from crmlab.data.accounting import Counts, DataQualityWarning, accounts
from crmlab.data.logs import Log, LogOptions
from crmlab.data.queries import Rules
from crmlab.data.rules import rules_for
from crmlab.errors import InputError
from crmlab.words import words

MANY = 2_000_000  # rows from which on progress is shown


def customer_summary(
    log: pd.DataFrame | str | object,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    *,
    observation_end: object = None,
    calibration_end: object = None,
    time_unit: str = "W",
    merge: str = "day",
    refunds: str = "net",
    zeros: str = "count",
    duplicates: str = "keep",
    missing: str = "ignore",
    unreadable: str = "refuse",
    intervals: bool = False,
    progress: Any = None,
    **options: Unpack[LogOptions],
) -> pd.DataFrame:
    """Frequency, recency, T and monetary value of each customer.

    Parameters
    ----------
    log : pandas.DataFrame, str or path
        One row a purchase, in any order: a frame, a file of text, JSON lines or Parquet, a spreadsheet, an
        archive of one of them, a folder of files, or a pattern such as ``"log/*.parquet"``; files may be
        larger than memory.
    customer_id, date, amount : str
        Its columns. `amount` may be arithmetic on columns, such as ``"Quantity*UnitPrice"``, or None: then
        there is no ``monetary_value``.
    observation_end : date-like, optional
        Last day observed; the last day in the log otherwise. Later rows are left out.
    calibration_end : date-like, optional
        Last day of the calibration period; what follows, to `observation_end`, is the holdout.
    time_unit : {"D", "W", "M", "Y"}
        Unit of recency and T. A month is a twelfth, a year the whole of 365.25 days.
    merge : {"day", "unit"}
        What makes several purchases one: the same day, or the same calendar week (from Monday), month or
        year, and then recency and T count these. The second is what lifetimes does.
    refunds : {"net", "ignore", "refuse"}
        Rows with a negative amount are no purchases. "net" takes them off the customer's last purchase up to
        that day within the period (calibration or holdout), so nothing of the holdout reaches back; "ignore"
        leaves them out.
    zeros : {"count", "ignore"}
        Whether a row with amount 0 is a purchase.
    duplicates : {"keep", "drop"}
        What becomes of rows alike in customer, time and amount: two lines of one basket, or one line written
        twice?
    missing : {"ignore", "refuse"}
        Rows without a customer or date are left out. Rows without an amount are purchases of unknown amount,
        on which no mean depends.
    unreadable : {"refuse", "ignore"}
        Dates and amounts that are there and cannot be read: usually a wrong column or format. "ignore" treats
        them as missing.
    intervals : bool
        Whether to tell how regular purchases are, for the models that ask: a column ``log_intervals``.
    progress : bool or tqdm bar, optional
        Whether to show a progress bar; for large logs otherwise. A bar is moved on by one for each part.
    **options
        How the log is written, and what the machine may be asked for: see `crmlab.data.LogOptions`.

    Returns
    -------
    pandas.DataFrame
        One row a customer who had bought by the end of calibration, in order of the index `customer_id`,
        columns

        frequency : days with a repeat purchase
        recency : time from the first purchase to the last one; 0 without a repeat purchase
        T : time from the first purchase to the end of calibration (or of observation)
        monetary_value : mean amount of the repeat days; 0 without any
        frequency_holdout, monetary_value_holdout, duration_holdout : with `calibration_end`, days with a
        purchase in the holdout, their mean amount, and the holdout's length
        log_intervals : with `intervals`, sum of the logarithms of the times between the purchases of each
        customer (in calibration); 0 without a repeat purchase

        ``attrs["report"]`` says for each rule how many rows it met and what was done; `quality_report` shows
        it.

    Raises
    ------
    InputError
        If the log, a column or an option is unknown; if values cannot be read or are of another kind; if no
        purchase is left; if the periods end in the wrong order. The message names the first rows and their
        number.

    Warns
    -----
    DataQualityWarning
        If rows were left out that were not asked to be.

    Notes
    -----
    The queries are in `crmlab.data.queries`; Spark runs them as they stand.
    """
    with Log(log, customer_id, date, amount, **options) as opened:
        rules = rules_for(
            opened,
            observation_end,
            calibration_end,
            time_unit,
            merge=merge,
            refunds=refunds,
            zeros=zeros,
            duplicates=duplicates,
            missing=missing,
            unreadable=unreadable,
        )
        return summarise(opened, replace(rules, intervals=intervals), progress)


def quality_report(summary: pd.DataFrame) -> pd.DataFrame:
    """What became of the rows of a log, as a table.

    Parameters
    ----------
    summary : pandas.DataFrame
        From `customer_summary`.

    Returns
    -------
    pandas.DataFrame
        rule, rows, done.
    """
    if "report" not in summary.attrs:
        raise InputError("summary has no report; give the table that customer_summary returned")
    return pd.DataFrame(summary.attrs["report"], columns=["rule", "rows", "done"])


# -- the summary ---------------------------------------------------------------------------------------------


def summarise(log: Log, rules: Rules, progress: Any = None) -> pd.DataFrame:
    """The customer summary of an open `Log`; see `customer_summary`."""
    with bar_over(log, words("fit.summarising"), progress) as shown:
        parts = list(log.by_bucket(queries.summary_query(rules), shown.update))
    return _summary(log, rules, parts)


@dataclass(frozen=True)
class Tally:
    """All that a report needs of a log, from one reading of it.

    Attributes
    ----------
    whole : pandas.DataFrame
        The summary of the time to the end of observation.
    early : pandas.DataFrame or None
        That of calibration and holdout; None without a split.
    repeats : pandas.DataFrame
        Repeat purchases of the customers of the last summary, a row a day of first purchase and day: columns
        ``first`` and ``moment``, days since 1970, and ``purchases``.
    """

    whole: pd.DataFrame
    early: pd.DataFrame | None
    repeats: pd.DataFrame


def tally(log: Log, rules: Rules, progress: Any = None) -> Tally:
    """Summaries and purchases by cohort of an open `Log`, its purchases being made of rows only once."""
    parts: dict[str, list[dict[str, np.ndarray]]] = {"whole": [], "early": [], "repeats": []}
    with bar_over(log, words("fit.summarising"), progress) as shown:
        for _ in log.parts(shown.update):
            for name, query in _tallied(log, rules):
                parts[name].append(log.run(query).fetchnumpy())
    repeats = together(parts["repeats"])
    early = None
    if rules.split is not None:
        refuse_nothing(rules, Counts.together([Counts.taken_from(part) for part in parts["early"]]))
        early = framed(log, rules, parts["early"])
    return Tally(_summary(log, replace(rules, split=None), parts["whole"]), early, repeats)


def _tallied(log: Log, rules: Rules) -> Iterator[tuple[str, str]]:
    """Names and queries, for one part of the customers.

    A refund lowers the last purchase within its period, so that with refunds the periods' purchases are
    others than those of the whole time.
    """
    whole, by_day = replace(rules, split=None), by_day_alone(rules)
    given = not rules.net_refunds
    if given:
        log.run(f"CREATE OR REPLACE TEMP TABLE purchases AS {queries.purchases_query(rules)}")
    yield "whole", queries.summary_query(whole, given)
    if rules.split is not None:
        yield "early", queries.summary_query(rules, given)
    yield "repeats", queries.repeats_query(by_day, given)


def by_day_alone(rules: Rules) -> Rules:
    """The rules by which repeat purchases are counted by day, of which refunds are none."""
    refunds = rules.leave_refunds or rules.net_refunds
    return replace(rules, net_refunds=False, leave_refunds=refunds, money=False)


def together(parts: list[dict[str, np.ndarray]]) -> pd.DataFrame:
    """Repeat purchases by day of first purchase and day, of all parts of the customers."""
    repeats = pd.concat(map(pd.DataFrame, parts), ignore_index=True).astype(np.int64)
    return repeats.groupby(["first", "moment"], as_index=False, sort=True)["purchases"].sum()


def _summary(log: Log, rules: Rules, parts: list[dict[str, np.ndarray]]) -> pd.DataFrame:
    """A summary with its report, from the parts of the query's result."""
    counts = Counts.together([Counts.taken_from(part) for part in parts])
    refuse_nothing(rules, counts)
    summary = framed(log, rules, parts)
    summary.attrs = {"report": accounts(log, rules, counts), **about_period(rules)}
    return summary


def refuse_nothing(rules: Rules, counts: Counts) -> None:
    """Raise an InputError where no row is a purchase."""
    if not counts.purchases:
        raise InputError(
            f"log holds no purchase up to {rules.split or rules.end}; check the dates and the period's end"
        )


def about_period(rules: Rules) -> dict[str, str | None]:
    """What a summary's ``attrs`` say of its periods."""
    return {
        "observation_end": str(rules.end),
        "time_unit": rules.time_unit,
        "calibration_end": None if rules.split is None else str(rules.split),
    }


def framed(log: Log, rules: Rules, parts: list[dict[str, np.ndarray]]) -> pd.DataFrame:
    """The summary in order of ids, from parts without the columns that only count."""
    customers = np.concatenate([np.asarray(part.pop("customer")) for part in parts])
    ids = log.opened.ids.restore(customers).rename(log.columns["customer_id"])
    order = _order(ids, customers)
    table = {name: _ordered([part.pop(name) for part in parts], order) for name in list(parts[0])}
    if rules.split is not None:
        table["duration_holdout"] = np.full(len(ids), _duration(rules))
    return pd.DataFrame(table, index=ids if order is None else ids[order], copy=False)


def _ordered(columns: list[np.ndarray], order: np.ndarray | None) -> np.ndarray:
    """Columns under one another, in order; what is missing is an error, not a fill value."""
    joined = np.concatenate([np.asarray(column) for column in columns])
    return joined if order is None else joined[order]


def bar_over(log: Log, what: str, shown: Any) -> AbstractContextManager:
    """A progress bar over the parts of the log; `shown` may be a bar of the caller's to move on instead."""
    if hasattr(shown, "update"):
        shown.set_description(what)
        return nullcontext(shown)
    shown = log.audit.rows >= MANY if shown is None else shown
    return tqdm(total=log.buckets, desc=what, unit=words("fit.part"), disable=not shown, leave=False)


def _order(index: pd.Index, keys: np.ndarray) -> np.ndarray | None:
    """The order of ids, None where they are in order; ids of several types stand by first appearance."""
    if index.is_monotonic_increasing:
        return None
    try:
        return index.argsort()
    except TypeError:
        return np.argsort(keys)


def _duration(rules: Rules) -> float:
    return (rules.moment_of(rules.end) - rules.moment_of(rules.split)) / rules.unit


__all__ = ["DataQualityWarning", "Tally", "customer_summary", "quality_report", "summarise", "tally"]
