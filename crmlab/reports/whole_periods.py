"""Whole calendar periods: where they end, and the rules of a log that ends with one."""

from calendar import monthrange
from dataclasses import replace
from datetime import date, timedelta

from crmlab.data.queries import EPOCH, Rules
from crmlab.errors import InputError, option
from crmlab.words import words


def period_end(day: date, time_unit: str) -> date:
    """The last day of the last whole period up to a day."""
    if time_unit == "W":
        return day - timedelta(days=(day.weekday() + 1) % 7)
    if time_unit == "M":
        whole = day.day == monthrange(day.year, day.month)[1]
        return day if whole else day.replace(day=1) - timedelta(days=1)
    if time_unit == "Y":
        return day if (day.month, day.day) == (12, 31) else date(day.year - 1, 12, 31)
    return day


def whole_periods(rules: Rules) -> Rules:
    """The rules with periods that end with a whole unit: in half a month not all have bought who will."""
    end = period_end(rules.end, rules.time_unit)
    split = None if rules.split is None else period_end(rules.split, rules.time_unit)
    if split is not None and split >= end:
        raise InputError(
            f"{option('calibration_end')} {rules.split} and {option('observation_end')} {rules.end} leave no "
            f"whole {words(f'fit.unit_{rules.time_unit}')} between them"
        )
    return replace(rules, end=end, split=split)


def about_periods(given: Rules, chosen: Rules) -> list[str]:
    """That the ends are others than those given."""
    unit = words(f"fit.unit_{given.time_unit}")
    return [
        words("fit.note_whole_periods", which=words(f"fit.{which}"), given=said, end=used, unit=unit)
        for which, said, used in (
            ("observation", given.end, chosen.end),
            ("calibration", given.split, chosen.split),
        )
        if said != used
    ]


def last_day(moment: int, time_unit: str) -> date:
    """The last day of a period that the queries count by this number."""
    if time_unit == "D":
        return EPOCH + timedelta(days=int(moment))
    if time_unit == "W":
        return EPOCH + timedelta(days=7 * int(moment) + 3)
    if time_unit == "Y":
        return date(int(moment), 12, 31)
    year, month = divmod(int(moment) - 1, 12)
    return date(year, month + 1, monthrange(year, month + 1)[1])
