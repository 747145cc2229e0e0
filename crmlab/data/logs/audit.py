"""What the rows of a log are like, before any rule is applied."""

from dataclasses import dataclass
from datetime import date

import duckdb


@dataclass(frozen=True)
class Audit:
    """Counts of rows.

    Attributes
    ----------
    rows, no_customer, no_date, no_amount, bad_date, bad_amount, refunds, zeros : int
        Rows in all; without a customer, date or amount; whose date or amount cannot be read; below 0; equal
        to 0.
    cancelled, void : int
        Rows that cancel others, and those of them that have no amount to take off.
    unusable : int
        Rows without a customer or without a date (missing, or not to be read).
    first, last : datetime.date or None
        The days of the first and the last row with a customer.
    worded : int
        Rows whose customer is a word for nothing, such as NULL.
    instants : int
        Rows whose date is a moment with a zone.
    largest : float
        Largest size of an amount.
    """

    rows: int
    no_customer: int
    no_date: int
    bad_date: int
    unusable: int
    first: date | None
    last: date | None
    worded: int = 0
    instants: int = 0
    cancelled: int = 0
    void: int = 0
    no_amount: int = 0
    bad_amount: int = 0
    refunds: int = 0
    zeros: int = 0
    largest: float = 0.0


_ALWAYS = {
    "rows": "COUNT(*)",
    "no_customer": "COUNT(*) - COUNT(customer)",
    "no_date": "COUNT(*) FILTER (day IS NULL AND NOT bad_date)",
    "bad_date": "COUNT(*) FILTER (bad_date)",
    "unusable": "COUNT(*) FILTER (customer IS NULL OR day IS NULL)",
    "first": "MIN(day) FILTER (customer IS NOT NULL)",
    "last": "MAX(day) FILTER (customer IS NOT NULL)",
    "worded": "COUNT(*) FILTER (worded)",
    "instants": "COUNT(*) FILTER (instant)",
    "cancelled": "COUNT(*) FILTER (cancelled)",
    "void": "COUNT(*) FILTER (void)",
}
_MONEY = {
    "no_amount": "COUNT(*) FILTER (amount IS NULL AND NOT bad_amount AND NOT void)",
    "bad_amount": "COUNT(*) FILTER (bad_amount)",
    "refunds": "COUNT(*) FILTER (amount < 0)",
    "zeros": "COUNT(*) FILTER (amount = 0 AND NOT void)",
    "largest": "COALESCE(MAX(ABS(amount)), 0)",
}


def audited(connection: duckdb.DuckDBPyConnection, money: bool) -> Audit:
    """Count the rows of the view ``typed``."""
    counts = _ALWAYS | (_MONEY if money else {})
    found = connection.execute(f"SELECT {', '.join(counts.values())} FROM typed").fetchall()[0]
    return Audit(**dict(zip(counts, found)))
