"""What became of the rows of a log: for each rule how many it met, and what was done."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from crmlab.data import queries
from crmlab.data.logs import Log
from crmlab.data.queries import Rules
from crmlab.words import words


class DataQualityWarning(UserWarning):
    """Rows of a log were left out because they lack something."""


@dataclass(frozen=True)
class Counts:
    """What the rows of some customers became.

    Attributes
    ----------
    rows, netted, purchases : int
        `rows` became `purchases`, and `netted` refunds were taken off them.
    several : array
        The customers with several rows in a moment, as queries know them.
    """

    rows: int
    netted: int
    purchases: int
    several: np.ndarray

    @classmethod
    def taken_from(cls, part: dict[str, np.ndarray]) -> Self:
        """The counts of one part of a summary's query, whose columns that only count are taken out of it."""
        rows, netted = part.pop("row_count"), part.pop("refund_count", np.zeros(1, int))
        purchases = part["frequency"] + 1
        if "frequency_holdout" in part:
            purchases = purchases + part["frequency_holdout"]
        several = np.asarray(part["customer"])[rows > purchases]
        return cls(int(rows.sum()), int(netted.sum()), int(purchases.sum()), several)

    @classmethod
    def together(cls, counts: list[Self]) -> Self:
        """The counts of all parts."""
        sums = [sum(getattr(each, name) for each in counts) for name in ("rows", "netted", "purchases")]
        return cls(*sums, np.concatenate([each.several for each in counts]))


def accounts(log: Log, rules: Rules, counts: Counts, alike: int | None = None) -> list[dict[str, object]]:
    """A list of rule, rows, done; the rows that were read, less those left out, are the rows used.

    `alike` are the rows like another one, where these have been counted.
    """
    audit, after = log.audit, _after(log, rules)
    orphans = _sum(log, queries.orphans_query(rules)) if rules.net_refunds else 0
    late_rows, latecomers = _latecomers(log, rules)
    table = [
        _entry("read", audit.rows),
        _entry("no_customer", audit.no_customer, "left"),
        *([_entry("worded", audit.worded)] if audit.worded else []),
        _entry("no_date", audit.no_date, "left"),
        _entry("bad_date", audit.bad_date, "left"),
    ]
    if audit.instants:
        table.append(_entry("zone", audit.instants, zone=log.zone or words("fit.own_zone")))
    table.append(_entry("after", after, end=rules.end))
    if rules.split is not None:
        table.append(_entry("late", late_rows, customers=f"{latecomers:,}", split=rules.split))
    if log.reading.cancelled:
        table.append(_entry("cancelled", audit.cancelled, pattern="=".join(log.reading.cancelled)))
        table.append(_entry("void", audit.void))
    table += _about_money(log, rules, orphans) if rules.money else []
    alike = _alike(log, rules, counts.several) if alike is None else alike
    table += [
        _entry("alike", alike, "alike_dropped" if log.once else "alike"),
        _entry("merged", counts.rows - counts.purchases, "merged_unit" if rules.by_unit else "merged"),
        _entry("used", counts.rows + counts.netted, purchases=f"{counts.purchases:,}"),
    ]
    _warn(log, audit.unusable + orphans)
    return table


def _entry(rule: str, count: int, done: str = "", **values: object) -> dict[str, object]:
    return {
        "rule": words(f"fit.rule_{rule}"),
        "rows": int(count),
        "done": words(f"fit.done_{done or rule}", **values),
    }


def _about_money(log: Log, rules: Rules, orphans: int) -> list[dict[str, object]]:
    audit = log.audit
    return [
        _entry("no_amount", audit.no_amount),
        _entry("bad_amount", audit.bad_amount, "no_amount"),
        _entry("zeros", audit.zeros, "left" if rules.leave_zeros else "zeros"),
        _entry("refunds", audit.refunds, "left" if rules.leave_refunds else "refunds"),
        _entry("orphans", orphans),
    ]


def _warn(log: Log, lost: int) -> None:
    if lost:
        warnings.warn(
            words("fit.warning", rows=f"{lost:,}", all=f"{log.audit.rows:,}"),
            DataQualityWarning,
            stacklevel=5,
        )


def _after(log: Log, rules: Rules) -> int:
    later = f"SELECT COUNT(*) AS row_count FROM log WHERE customer IS NOT NULL AND day > DATE '{rules.end}'"
    return _sum(log, later) if log.audit.last > rules.end else 0


def _sum(log: Log, query: str, column: str = "row_count") -> int:
    return int(sum(part[column][0] for part in log.by_bucket(query)))


def _latecomers(log: Log, rules: Rules) -> tuple[int, int]:
    if rules.split is None:
        return 0, 0
    parts = list(log.by_bucket(queries.latecomers_query(rules)))
    return int(sum(part["row_count"][0] for part in parts)), int(sum(part["customers"][0] for part in parts))


def _alike(log: Log, rules: Rules, several: np.ndarray) -> int:
    """Rows alike; where none is left out, only customers with several rows in a moment can have such."""
    with _every_row(log) as once:
        if _some_left_out(rules, once):
            return _sum(log, queries.duplicates_query(rules))
        query = _among(log, rules, several)
        if len(several) > log.audit.rows / 20:  # too many to be counted at once
            return _sum(log, query)
        log.everyone()
        return int(log.run(query).fetchall()[0][0]) if len(several) else 0


def alike_in_part(log: Log, rules: Rules, several: np.ndarray, bucket: int) -> int:
    """The rows alike of one bucket's customers, of whom `several` have several rows in a moment."""
    with _every_row(log) as once:
        log.only(bucket)
        every = _some_left_out(rules, once)
        query = queries.duplicates_query(rules) if every else _among(log, rules, several)
        return int(log.run(query).fetchall()[0][0]) if every or len(several) else 0


def _some_left_out(rules: Rules, once: bool) -> bool:
    return once or rules.net_refunds or rules.leave_refunds or rules.leave_zeros


@contextmanager
def _every_row(log: Log) -> Iterator[bool]:
    """Let the table ``log`` hold rows alike, too; yields whether it held them once."""
    once, log.once = log.once, False
    try:
        yield once
    finally:
        log.once = once


def _among(log: Log, rules: Rules, several: np.ndarray) -> str:
    """The query of rows alike, asked of some customers."""
    log.connection.register("several", pd.DataFrame({"customer": several}))
    return queries.duplicates_query(rules, " AND customer IN (SELECT customer FROM several)")
