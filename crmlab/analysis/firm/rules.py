"""Dates, windows and other rules by which columns are made of a firm's tables; each can be said otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from crmlab.analysis.firm.tables import FirmTables
from crmlab.errors import InputError, check_known, option

NEAR = 5  # days at the edge of a month in which no purchase need fall for the month to count as whole
KINDS = {
    "until": "date", "since": "date", "start": "date", "records_begin": "date",
    "before": "months", "after": "months", "veteran_after": "months",
    "margin": "number", "full_cost": "number", "avoidable_cost": "number",
    "complaint": "texts", "redressed": "texts",
    "who": "choice", "buyers": "choice",
}  # fmt: skip
CHOICES = {"who": ("known", "all"), "buyers": ("all", "every quarter")}


@dataclass(frozen=True)
class Rules:
    """What was said, or is usual, of dates and windows.

    Attributes
    ----------
    since, until : Timestamp
        The tables hold everything from the first of these days on and up to the day before the second.
    start : Timestamp
        The day of the decision, the mailing or the survey: what is before and after it.
    values : dict of str to value
        The other rules of the lesson; None for one that nobody has said.
    said : dict of str to value
        Those that the user said.
    """

    since: pd.Timestamp
    until: pd.Timestamp
    start: pd.Timestamp
    values: Mapping[str, Any] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)

    def window(self, name: str) -> tuple[pd.Timestamp, pd.Timestamp]:
        """The first day of a window and the day after it: ``before``, ``after``, ``quarter 2``, ``year 1``.

        Quarters are counted from `start` on. Years are three, the third of which begins on `start`.
        """
        if name == "before":
            return self.later(self.start, -self.values["before"]), self.start
        if name == "after":
            return self.start, self.later(self.start, self.values["after"])
        kind, _, number = name.partition(" ")
        months, first = (3, 1) if kind == "quarter" else (12, 3)
        offset = (int(number) - first) * months
        return self.later(self.start, offset), self.later(self.start, offset + months)

    def as_said(self) -> dict[str, Any]:
        """The rules that the user said, as plain values."""
        return {
            name: f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else value
            for name, value in self.said.items()
        }

    @staticmethod
    def later(day: pd.Timestamp, months: int) -> pd.Timestamp:
        """A day so many calendar months later."""
        return day + pd.DateOffset(months=int(months))


def rules_from(firm: FirmTables, usual: Mapping[str, Any], said: Mapping[str, Any]) -> Rules:
    """The rules of a lesson on a firm's tables.

    Parameters
    ----------
    firm : FirmTables
    usual : mapping
        The rules of the lesson with their usual values, by its card; empty for those that must be said.
    said : mapping
        What the user says, as text or as values.

    Raises
    ------
    InputError
        If a rule is not one of the lesson, has an impossible value, or the dates leave nothing.
    """
    names = ["until", "since", "start", "who", *usual]
    check_known("rule", said, names)
    given = {name: _value(name, value) for name, value in said.items()}
    values = (
        {"who": "known"} | {name: None if value == "" else value for name, value in usual.items()} | given
    )
    first, last = firm.log["date"].min().normalize(), firm.log["date"].max().normalize()
    since, until = values.get("since") or _month_after(first), values.get("until") or _whole(last)
    start = values.get("start")
    if start is not None and "until" not in given and values.get("after"):
        until = min(until, Rules.later(start, values["after"]))
    start = Rules.later(until, -(values.get("after") or 12)) if start is None else start
    if not since < until:
        raise InputError(
            f"purchases from {first:%Y-%m-%d} to {last:%Y-%m-%d} cover no time between since "
            f"{since:%Y-%m-%d} and until {until:%Y-%m-%d}; say others by {option('rule')}"
        )
    return Rules(since, until, start, values, given)


def _whole(last: pd.Timestamp) -> pd.Timestamp:
    """The end of the last month that purchases cover up to its last days."""
    following = (last + pd.offsets.MonthBegin(1)).normalize()
    return following if (following - last).days <= NEAR else following - pd.DateOffset(months=1)


def _month_after(first: pd.Timestamp) -> pd.Timestamp:
    """The beginning of the first month that purchases cover from its first days on."""
    begun = first.replace(day=1)
    return begun if (first - begun).days < NEAR else begun + pd.DateOffset(months=1)


def _value(name: str, value: Any) -> Any:
    """A rule's value from a flag, a map or a call."""
    read = {"date": _date, "months": _months, "number": _number, "texts": _texts, "choice": _choice}
    return read[KINDS[name]](name, value)


def _wrong(name: str, value: Any, wanted: str) -> InputError:
    return InputError(f"rule {name} is {value!r}; give {wanted}, as {option('rule')} {name}=…")


def _date(name: str, value: Any) -> pd.Timestamp:
    try:
        return pd.Timestamp(value if isinstance(value, date) else date.fromisoformat(str(value)))
    except ValueError:
        raise _wrong(name, value, "a day as 2024-12-31") from None


def _months(name: str, value: Any) -> int:
    if isinstance(value, bool) or not str(value).strip().isdigit() or int(value) < 1:
        raise _wrong(name, value, "a whole number of months, 1 or more")
    return int(value)


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _wrong(name, value, "a number") from None
    if not 0 < number < float("inf") or (name == "margin" and number > 1):
        raise _wrong(name, value, "a share above 0 and up to 1" if name == "margin" else "a number above 0")
    return number


def _texts(name: str, value: Any) -> tuple[str, ...]:
    texts: Sequence[str] = value.split(",") if isinstance(value, str) else value
    found = tuple(str(each).strip() for each in texts if str(each).strip())
    if not found:
        raise _wrong(name, value, "one or several words, set apart by commas")
    return found


def _choice(name: str, value: Any) -> str:
    if value not in CHOICES[name]:
        raise _wrong(name, value, " or ".join(map(repr, CHOICES[name])))
    return str(value)


def rules_of(texts: Sequence[str]) -> dict[str, str]:
    """Rules as a command line gives them, ``NAME=VALUE`` each."""
    wrong = [each for each in texts if "=" not in each]
    if wrong:
        raise InputError(f"{option('rule')} is {wrong[0]!r}; write NAME=VALUE, as until=2024-12-31")
    return {name.strip(): value.strip() for name, _, value in (each.partition("=") for each in texts)}
