"""Rows that cannot be read as said: which they are, how they could be meant, and what to say of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from crmlab.data.logs import amounts, dates
from crmlab.data.logs.log import Log
from crmlab.data.logs.reading import EPOCHS
from crmlab.data.logs.sql import cleaned, is_number
from crmlab.errors import InputError, option

_DAYS = (
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%y/%m/%d", "%y.%m.%d"),
    *("%Y%m%d", "%d%m%Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y"),
    *("%d-%b-%y", "%d. %B %Y", "%a %b %d %Y", "%a, %d %b %Y", "%Y年%m月%d日"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S")
FORMATS = tuple(day + time for day in _DAYS for time in _TIMES)
SAMPLE = 200_000  # rows on which formats are tried
NUMBERS = ((",", None), (",", "."), (".", ","), (".", " "), (",", " "), (".", "'"), (",", "'"))
SIGNS = "$€£¥₹"


@dataclass(frozen=True)
class Way:
    """A way in which all or some dates could be written.

    Attributes
    ----------
    form : str
        As for `date_format`; "" for ISO 8601.
    rows : int
        Rows that it reads, of those that were tried.
    example, day : str
        The first date that two ways read differently (or the first of all), and the day that it is by this.
    """

    form: str
    rows: int
    example: str = ""
    day: str = ""


def refuse_unreadable(log: Log) -> None:
    """Raise an InputError if dates or amounts are there that cannot be read, with how they could be meant."""
    if log.audit.bad_date:
        forms, kind = log.reading.date_format, log.opened.columns[log.reading.date][1]
        if is_number(kind) and not forms:
            raise InputError(
                f"column {log.columns['date']!r} of log holds numbers ({kind}), not dates; {ask_dates(log)}"
            )
        trouble = f"no date written as {' or '.join(forms)}" if forms else "no date"
        _refuse(log, "date", log.audit.bad_date, "bad_date", trouble, ask_dates(log))
    if log.audit.bad_amount:
        _refuse(log, "amount", log.audit.bad_amount, "bad_amount", "no number", ask_amounts(log))
    refuse_other_epoch(log)


def refuse(log: Log, argument: str, count: int, condition: str, trouble: str, remedy: str) -> None:
    """Raise an InputError about the rows that meet a condition, if there are any."""
    if count:
        _refuse(log, argument, count, condition, trouble, remedy)


def _refuse(log: Log, argument: str, count: int, condition: str, trouble: str, remedy: str) -> None:
    raise InputError(
        f"column {log.columns[argument]!r} of log is {trouble} in {count:,} rows, "
        f"{log.offending(condition)}; {remedy}"
    )


# -- dates ---------------------------------------------------------------------------------------------------


def ask_dates(log: Log) -> str:
    """What to say by `date_format`, from the dates themselves."""
    leave = f"or leave these rows out by {option('unreadable', 'ignore')}"
    every, tried = ways(log)
    if len(every) == 1:
        return f"all dates can be read as {option('date_format', every[0].form)}: say so, {leave}"
    if every:
        meant = ", ".join(f"{each.day} ({option('date_format', each.form)})" for each in every)
        return f"{every[0].example!r} may be {meant}: say which, {leave}"
    some = _cover(log)
    if some:
        kinds = ", ".join(f"{each.form or 'ISO 8601'} in {each.rows:,} rows" for each in some)
        together = option("date_format", "|".join(each.form or "%Y-%m-%d" for each in some))
        return (
            f"dates seem to be written in several ways ({kinds} of {tried:,}): say {together} to have them "
            f"tried in this order, {leave}"
        )
    return f"say by {option('date_format')} how dates are written, if not as 2024-01-31, {leave}"


def ways(log: Log) -> tuple[list[Way], int]:
    """The formats that read every date of the log (of its first many), and how many dates these are.

    Formats that read them all to the same days count once.
    """
    _hold_dates(log)
    forms = _possible(log)
    counts = [f"COUNT({_read(form)})" for form in forms]
    rows, *found = log.run(f"SELECT {', '.join(['COUNT(*)', *counts])} FROM written").fetchall()[0]
    every = [form for form, count in zip(forms, found) if count == rows and rows]
    if len(every) > 1:
        every = _distinct(log, every)
    if not every:
        return [], rows
    apart = f"len(list_distinct([{', '.join(map(_read, every))}]))"
    query = f"SELECT text, {', '.join(map(_read, every))} FROM written ORDER BY {apart} DESC, place LIMIT 1"
    text, *days = log.run(query).fetchall()[0]
    return [Way(form, rows, text, str(day)) for form, day in zip(every, days)], rows


def _hold_dates(log: Log) -> None:
    """The dates as texts in the table ``written``, each once, with its number of rows and its place."""
    text = dates.text_of("stamp", log.opened.columns[log.reading.date][1])
    log.run(
        f"CREATE OR REPLACE TEMP TABLE written AS SELECT text, row_number() OVER () AS place "
        f"FROM (SELECT {text} AS text FROM typed LIMIT {SAMPLE}) WHERE text IS NOT NULL"
    )


def _possible(log: Log) -> list[str]:
    """The formats that read the first dates: the others need not be tried on all."""
    every = [*FORMATS, *EPOCHS]
    tried = ", ".join(f"COUNT({_read(form)})" for form in every)
    found = log.run(f"SELECT {tried} FROM (SELECT * FROM written LIMIT 200)").fetchall()[0]
    return [form for form, count in zip(every, found) if count]


def _read(form: str) -> str:
    """The day of `text` by a format as SQL; epochs only where that is within living memory."""
    if form in EPOCHS:
        number = f"TRY_CAST(text AS DOUBLE) / {EPOCHS[form]}"
        return f"CASE WHEN {number} BETWEEN 3e8 AND 5e9 THEN CAST(to_timestamp({number}) AS DATE) END"
    day = dates.strptime("text", form)
    low, high = ("1900", "2100") if form.startswith(("%Y%m%d", "%d%m%Y")) else ("1000", "9999")
    return f"CASE WHEN {day} BETWEEN DATE '{low}-01-01' AND DATE '{high}-12-31' THEN {day} END"


def _distinct(log: Log, forms: list[str]) -> list[str]:
    """Formats without those that read all dates to the days of one before."""
    kept: list[str] = []
    for form in forms:
        same = [
            log.run(
                f"SELECT COUNT(*) FROM written WHERE {_read(form)} IS DISTINCT FROM {_read(other)}"
            ).fetchall()
            for other in kept
        ]
        if all(count for ((count,),) in same):
            kept.append(form)
    return kept


def _cover(log: Log, most: int = 4) -> list[Way]:
    """Formats that read the dates together, the one that reads most rows first; none if they do not."""
    iso = dates.day_of("text", "VARCHAR", log.reading.__class__("", "", None))
    reads = {"": iso} | {form: _read(form) for form in _possible(log)}
    found, left = [], "true"
    for _ in range(most):
        counts = ", ".join(f"COUNT({each})" for each in reads.values())
        rows, *tried = log.run(f"SELECT COUNT(*), {counts} FROM written WHERE {left}").fetchall()[0]
        best = max(range(len(tried)), key=tried.__getitem__)
        if not tried[best]:
            return []
        form = list(reads)[best]
        found.append(Way(form, tried[best]))
        left += f" AND {reads[form]} IS NULL"
        if tried[best] == rows:
            return found
    return []


def refuse_other_epoch(log: Log) -> None:
    """Raise an InputError where numbers read in one unit since 1970 are dates of our time in another."""
    if not log.reading.is_epoch or log.audit.first is None:
        return
    given, name = log.reading.date_format[0], log.columns["date"]
    text = dates.text_of("stamp", log.opened.columns[log.reading.date][1])
    units = ", ".join(f"COUNT({_read(form)})" for form in EPOCHS)
    rows, *found = log.run(
        f"SELECT COUNT(*), {units} FROM (SELECT {text} AS text FROM typed) WHERE text IS NOT NULL"
    ).fetchall()[0]
    likely = [form for form, count in zip(EPOCHS, found) if count == rows and form != given]
    if likely and not found[list(EPOCHS).index(given)]:
        raise InputError(
            f"column {name!r} of log, read as {given}, runs from {log.audit.first} to {log.audit.last}; "
            f"these numbers look like {option('date_format', likely[0])}"
        )


# -- amounts -------------------------------------------------------------------------------------------------


def ask_amounts(log: Log) -> str:
    """What to say of amounts that are no numbers as they stand."""
    options = next(_understood(log), None)
    leave = f"or treat them as missing by {option('unreadable', 'ignore')}"
    if options:
        said = " ".join(option(name, value) for name, value in options.items())
        return f"all can be read with {said}: say so, {leave}"
    return f"write amounts as 1234.56, without currency or thousands, {leave}"


def _understood(log: Log) -> Iterator[dict[str, str]]:
    """Marks and signs with which every amount is a number."""
    relation = log.opened.relation
    names = [log.opened.columns[name] for name in log.opened.money.columns]
    texts = [cleaned(name) for name, kind in names if kind == "VARCHAR"]
    for decimal, thousands in ((".", None), *NUMBERS) if texts else ():
        for sign in (None, *SIGNS):
            bad = [
                f"{text} IS NOT NULL AND {amounts.number_in(text, decimal, thousands, sign)} IS NULL"
                for text in texts
            ]
            if not log.run(f"SELECT 1 FROM {relation} WHERE {' OR '.join(bad)} LIMIT 1").fetchall():
                marks = {
                    "decimal": decimal if decimal != "." else None,
                    "thousands": thousands,
                    "currency": sign,
                }
                yield {name: value for name, value in marks.items() if value}
