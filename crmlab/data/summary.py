"""From a transaction log to a customer summary: what each customer did, in four numbers."""

import warnings
from contextlib import nullcontext
from dataclasses import replace
from math import floor, log10

import numpy as np
import pandas as pd
from tqdm import tqdm

from crmlab.data import queries
from crmlab.data.logs import Log
from crmlab.data.queries import DAYS, Rules
from crmlab.errors import InputError, listing
from crmlab.words import words

CHOICES = {
    "merge": ("day", "unit"),
    "refunds": ("net", "ignore", "refuse"),
    "zeros": ("count", "ignore"),
    "duplicates": ("keep", "drop"),
    "missing": ("ignore", "refuse"),
    "unreadable": ("refuse", "ignore"),
}
MANY = 2_000_000  # rows from which on progress is shown


class DataQualityWarning(UserWarning):
    """Rows of a log were left out because they lack something."""


def customer_summary(
    log,
    customer_id="customer_id",
    date="date",
    amount="amount",
    *,
    observation_end=None,
    calibration_end=None,
    time_unit="W",
    merge="day",
    refunds="net",
    zeros="count",
    duplicates="keep",
    missing="ignore",
    unreadable="refuse",
    date_format=None,
    time_zone=None,
    memory_limit="512MB",
    temp_directory=None,
    threads=None,
    progress=None,
):
    """Frequency, recency, T and monetary value of each customer.

    Parameters
    ----------
    log : pandas.DataFrame, str or path
        One row a purchase, in any order: a frame, a CSV or Parquet file, a folder of them, or a pattern such
        as ``"log/*.parquet"``; files may be larger than memory.
    customer_id, date, amount : str
        Its columns. `amount` may be None: then there is no ``monetary_value``.
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
    date_format : str, optional
        How dates are written, such as ``"%d.%m.%Y"``, ``"epoch seconds"`` or ``"epoch milliseconds"``; ISO
        8601 otherwise.
    time_zone : str, optional
        Zone in which the days of instants are counted, such as ``"Europe/Berlin"``; by default a frame's own,
        else UTC. Times without a zone are taken as they stand.
    memory_limit : str
        What DuckDB may hold in memory; the rest goes to `temp_directory` (the system's otherwise). The result
        itself, some 40 bytes a customer, is held besides.
    threads : int, optional
        As many as there are cores otherwise.
    progress : bool or tqdm bar, optional
        Whether to show a progress bar; for large logs otherwise. A bar is moved on by one for each part.

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
    with Log(
        log,
        customer_id,
        date,
        amount,
        date_format=date_format,
        time_zone=time_zone,
        memory_limit=memory_limit,
        temp_directory=temp_directory,
        threads=threads,
    ) as opened:
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
        return summarise(opened, rules, progress)


def quality_report(summary):
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


def rules_for(
    log,
    observation_end=None,
    calibration_end=None,
    time_unit="W",
    *,
    merge="day",
    refunds="net",
    zeros="count",
    duplicates="keep",
    missing="ignore",
    unreadable="refuse",
):
    """The rules for an open `Log`, whose rows are checked against them; options as of `customer_summary`."""
    if time_unit not in DAYS:
        raise InputError(f"time_unit is {time_unit!r}; give one of {listing(DAYS)}")
    given = dict(
        merge=merge,
        refunds=refunds,
        zeros=zeros,
        duplicates=duplicates,
        missing=missing,
        unreadable=unreadable,
    )
    for name, value in given.items():
        if value not in CHOICES[name]:
            raise InputError(f"{name} is {value!r}; give one of {listing(CHOICES[name])}")
    audit = log.audit
    end = _day("observation_end", observation_end) if observation_end is not None else None
    split = _day("calibration_end", calibration_end) if calibration_end is not None else None
    _refuse_rows(log, missing, unreadable, refunds)
    if audit.first is None:
        raise InputError(f"log holds no purchase: none of its {audit.rows:,} rows has a date and a customer")
    end = end or audit.last
    if split is not None and split >= end:
        raise InputError(f"calibration_end {split} is not before observation_end {end}")
    if audit.first > (split or end):
        raise InputError(f"log holds no purchase up to {split or end}; check the dates and the period's end")
    log.once = duplicates == "drop"
    return Rules(
        end,
        split,
        time_unit,
        merge == "unit",
        log.has_amount,
        _scale(log),
        all_known=audit.no_amount + audit.bad_amount == 0,
        net_refunds=refunds == "net" and audit.refunds > 0,
        leave_refunds=refunds == "ignore" and audit.refunds > 0,
        leave_zeros=zeros == "ignore" and audit.zeros > 0,
    )


def _refuse_rows(log, missing, unreadable, refunds):
    """Raise an InputError about the first kind of rows that the rules do not let pass."""
    audit = log.audit
    if unreadable == "refuse":
        form = log.date_format
        _refuse(
            log,
            "date",
            audit.bad_date,
            "bad_date",
            "no date" if form is None else f"no date written as {form}",
            "say by date_format how dates are written, or leave these rows out by unreadable='ignore'",
        )
        _refuse(
            log,
            "amount",
            audit.bad_amount,
            "bad_amount",
            "no number",
            "write amounts as 1234.56, without currency or thousands, or treat them as missing by "
            "unreadable='ignore'",
        )
    if missing == "refuse":
        for argument, count, condition in (
            ("customer_id", audit.no_customer, "customer IS NULL"),
            ("date", audit.no_date, "day IS NULL AND NOT bad_date"),
            ("amount", audit.no_amount, "amount IS NULL AND NOT bad_amount"),
        ):
            _refuse(log, argument, count, condition, "missing", "fill them in, or use missing='ignore'")
    if refunds == "refuse":
        _refuse(
            log,
            "amount",
            audit.refunds,
            "amount < 0",
            "negative",
            "remove them, or use refunds='net' or 'ignore'",
        )


def _refuse(log, argument, count, condition, trouble, remedy):
    if count:
        raise InputError(
            f"column {log.columns[argument]!r} of log is {trouble} in {count:,} rows, "
            f"{log.offending(condition)}; {remedy}"
        )


def _scale(log):
    """Amounts are added in multiples of 1/scale, as fine as leaves room for ten thousand of the largest."""
    if not log.audit.largest:
        return 10**6
    digits = min(9, floor(14.9 - log10(log.audit.largest)))
    if digits < 0:
        raise InputError(
            f"column {log.columns['amount']!r} of log reaches {log.audit.largest:g}; give it in a larger unit"
        )
    return 10**digits


def _day(name, value):
    try:
        day = pd.Timestamp(value)
    except (ValueError, TypeError):
        day = pd.NaT
    if pd.isna(day):
        raise InputError(f"{name} is {value!r}; give a date such as '1997-09-30'")
    return day.date()


# -- the summary ---------------------------------------------------------------------------------------------


def summarise(log, rules, progress=None):
    """The customer summary of an open `Log`; see `customer_summary`."""
    with _bar(log, words("fit.summarising"), progress) as shown:
        parts = list(log.by_bucket(queries.summary_query(rules), shown.update))
    table = _joined(parts)
    if not len(table["customer"]):
        raise InputError(
            f"log holds no purchase up to {rules.split or rules.end}; check the dates and the period's end"
        )
    customers, rows = table.pop("customer"), table.pop("row_count").astype(np.int64)
    netted = int(table.pop("refund_count", np.zeros(1)).sum())
    table["frequency"] = table["frequency"].astype(np.int64)
    purchases = table["frequency"] + 1
    if rules.split is not None:
        table["frequency_holdout"] = table["frequency_holdout"].astype(np.int64)
        purchases = purchases + table["frequency_holdout"]
    several = customers[rows > purchases]
    customers = _ids(log, customers)
    if rules.split is not None:
        table["duration_holdout"] = np.full(len(rows), _duration(rules))
    summary = pd.DataFrame(table, index=pd.Index(customers, name=log.columns["customer_id"]))
    order = _order(summary.index)
    summary = summary if order is None else summary.iloc[order]
    report = _report(log, rules, int(rows.sum()), netted, int(purchases.sum()), several)
    summary.attrs = {
        "report": report,
        "observation_end": str(rules.end),
        "time_unit": rules.time_unit,
        "calibration_end": None if rules.split is None else str(rules.split),
    }
    return summary


def repeat_purchases(log, rules, progress=None):
    """Repeat purchases of the customers of the summary, of all observed days.

    Returns
    -------
    pandas.Series
        Purchases by day, index date; days without a purchase are left out.
    """
    by_day = replace(
        rules,
        by_unit=False,
        net_refunds=False,
        leave_refunds=rules.leave_refunds or rules.net_refunds,
        money=False,
    )
    with _bar(log, words("fit.tracking"), progress) as shown:
        table = _joined(list(log.by_bucket(queries.repeats_query(by_day), shown.update)))
    days = pd.to_datetime(table["moment"].astype(np.int64), unit="D")
    return pd.Series(table["purchases"], index=days, name="purchases").groupby(level=0).sum().sort_index()


def _bar(log, what, shown):
    """A progress bar over the parts of the log; `shown` may be a bar of the caller's to move on instead."""
    if hasattr(shown, "update"):
        shown.set_description(what)
        return nullcontext(shown)
    shown = log.audit.rows >= MANY if shown is None else shown
    return tqdm(total=log.buckets, desc=what, unit=words("fit.part"), disable=not shown, leave=False)


def _joined(parts):
    """The parts of a result under one another; what is missing is an error, not a fill value."""
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}


def _ids(log, customers):
    return customers if log.ids is None else log.ids.take(customers.astype(np.int64))


def _order(index):
    """The order of ids; None where they cannot be ordered or are in order."""
    if index.is_monotonic_increasing:
        return None
    try:
        return index.argsort()
    except TypeError:  # ids of several types: by first appearance
        return None


def _duration(rules):
    return (rules.moment_of(rules.end) - rules.moment_of(rules.split)) / rules.unit


# -- what became of the rows ---------------------------------------------------------------------------------


def _report(log, rules, rows, netted, purchases, several):
    """A list of rule, rows, done; the rows that were read, less those left out, are the rows used.

    `rows` became `purchases`, and `netted` refunds were taken off them; `several` are the customers with
    several rows in a moment.
    """
    audit = log.audit
    later = f"SELECT COUNT(*) AS row_count FROM log WHERE customer IS NOT NULL AND day > DATE '{rules.end}'"
    after = _sum(log, later) if audit.last > rules.end else 0
    orphans = _sum(log, queries.orphans_query(rules)) if rules.net_refunds else 0
    late_rows, latecomers = _latecomers(log, rules)
    merged = rows - purchases
    alike = _alike(log, rules, several)

    def entry(rule, count, done="", **values):
        return {
            "rule": words(f"fit.rule_{rule}"),
            "rows": int(count),
            "done": words(f"fit.done_{done or rule}", **values),
        }

    table = [
        entry("read", audit.rows),
        entry("no_customer", audit.no_customer, "left"),
        entry("no_date", audit.no_date, "left"),
        entry("bad_date", audit.bad_date, "left"),
    ]
    if log.zoned:
        zone = log.time_zone or (words("fit.own_zone") if isinstance(log.source, pd.DataFrame) else "UTC")
        table.append(entry("zone", audit.rows, zone=zone))
    table.append(entry("after", after, end=rules.end))
    if rules.split is not None:
        table.append(entry("late", late_rows, customers=f"{latecomers:,}", split=rules.split))
    if rules.money:
        table += [
            entry("no_amount", audit.no_amount),
            entry("bad_amount", audit.bad_amount, "no_amount"),
            entry("zeros", audit.zeros, "left" if rules.leave_zeros else "zeros"),
            entry("refunds", audit.refunds, "left" if rules.leave_refunds else "refunds"),
            entry("orphans", orphans),
        ]
    table += [
        entry("alike", alike, "alike_dropped" if log.once else "alike"),
        entry("merged", merged, "merged_unit" if rules.by_unit else "merged"),
        entry("used", rows + netted, purchases=f"{purchases:,}"),
    ]
    if audit.unusable or orphans:
        warnings.warn(
            words("fit.warning", rows=f"{audit.unusable + orphans:,}", all=f"{audit.rows:,}"),
            DataQualityWarning,
            stacklevel=4,
        )
    return table


def _sum(log, query, column="row_count"):
    return int(sum(part[column][0] for part in log.by_bucket(query)))


def _latecomers(log, rules):
    if rules.split is None:
        return 0, 0
    parts = list(log.by_bucket(queries.latecomers_query(rules)))
    return (int(sum(part[name][0] for part in parts)) for name in ("row_count", "customers"))


def _alike(log, rules, several):
    """Rows alike, which only customers with several rows in a moment can have."""
    once, log.once = log.once, False
    try:
        if once or rules.net_refunds or len(several) > log.audit.rows / 20:
            return _sum(log, queries.duplicates_query(rules))
        if not len(several):
            return 0
        log.connection.register("several", pd.DataFrame({"customer": several}))
        log.everyone()
        among = " AND customer IN (SELECT customer FROM several)"
        return int(log.run(queries.duplicates_query(rules, among)).fetchall()[0][0])
    finally:
        log.once = once
