"""The rules by which rows of a log count, and what is refused before any row is counted."""

from datetime import date
from math import floor, log10

from crmlab.data.logs import Log
from crmlab.data.logs.questions import refuse, refuse_unreadable
from crmlab.data.queries import DAYS, Rules
from crmlab.errors import InputError, listing, option

CHOICES = {
    "merge": ("day", "unit"),
    "refunds": ("net", "ignore", "refuse"),
    "zeros": ("count", "ignore"),
    "duplicates": ("keep", "drop"),
    "missing": ("ignore", "refuse"),
    "unreadable": ("refuse", "ignore"),
}


def rules_for(
    log: Log,
    observation_end: object = None,
    calibration_end: object = None,
    time_unit: str = "W",
    *,
    merge: str = "day",
    refunds: str = "net",
    zeros: str = "count",
    duplicates: str = "keep",
    missing: str = "ignore",
    unreadable: str = "refuse",
) -> Rules:
    """The rules for an open `Log`, whose rows are checked against them; options as of `customer_summary`."""
    if time_unit not in DAYS:
        raise InputError(f"{option('time_unit')} is {time_unit!r}; give one of {listing(DAYS)}")
    given = {
        "merge": merge,
        "refunds": refunds,
        "zeros": zeros,
        "duplicates": duplicates,
        "missing": missing,
        "unreadable": unreadable,
    }
    for name, value in given.items():
        if value not in CHOICES[name]:
            raise InputError(f"{option(name)} is {value!r}; give one of {listing(CHOICES[name])}")
    ends = _ends(log, observation_end, calibration_end)
    _refuse_rows(log, missing, unreadable, refunds)
    end, split = _period(log, *ends)
    audit = log.audit
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


def _ends(log: Log, observation_end: object, calibration_end: object) -> tuple[date | None, date | None]:
    end = None if observation_end is None else log.read_day("observation_end", observation_end)
    split = None if calibration_end is None else log.read_day("calibration_end", calibration_end)
    return end, split


def _period(log: Log, end: date | None, split: date | None) -> tuple[date, date | None]:
    """Last day observed and last day of calibration, which hold some purchase."""
    first, last = log.audit.first, log.audit.last
    if first is None:
        raise InputError(
            f"log holds no purchase: none of its {log.audit.rows:,} rows has a date and a customer"
        )
    end = end or last
    if split is not None and split >= end:
        raise InputError(
            f"{option('calibration_end')} {split} is not before {option('observation_end')} {end}"
        )
    if first > (split or end):
        raise InputError(
            f"log holds no purchase up to {split or end}: its dates run from {first} to {last}; check them "
            f"and the period's end"
        )
    return end, split


def _refuse_rows(log: Log, missing: str, unreadable: str, refunds: str) -> None:
    """Raise an InputError about the first kind of rows that the rules do not let pass."""
    audit = log.audit
    if unreadable == "refuse":
        refuse_unreadable(log)
    if missing == "refuse":
        for argument, count, condition in (
            ("customer_id", audit.no_customer, "customer IS NULL"),
            ("date", audit.no_date, "day IS NULL AND NOT bad_date"),
            ("amount", audit.no_amount, "amount IS NULL AND NOT bad_amount"),
        ):
            remedy = f"fill them in, or use {option('missing', 'ignore')}"
            refuse(log, argument, count, condition, "missing", remedy)
    if refunds == "refuse":
        remedy = f"remove them, or use {option('refunds', 'net')} or {option('refunds', 'ignore')}"
        refuse(log, "amount", audit.refunds, "amount < 0", "negative", remedy)


def _scale(log: Log) -> int:
    """Amounts are added in multiples of 1/scale, as fine as leaves room for ten thousand of the largest."""
    if not log.audit.largest:
        return 10**6
    digits = min(9, floor(14.9 - log10(log.audit.largest)))
    if digits < 0:
        raise InputError(
            f"column {log.columns['amount']!r} of log reaches {log.audit.largest:g}; give it in a larger unit"
        )
    return 10**digits
