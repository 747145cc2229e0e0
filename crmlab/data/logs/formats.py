"""Ways in which dates could be written: the formats that read all of a column, or together most of it.

The dates stand as texts in the table ``written(text, place)`` of a connection, whose queries `run` runs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from crmlab.data.logs import dates
from crmlab.data.logs.reading import EPOCHS, Reading

Run = Callable[[str], duckdb.DuckDBPyConnection]
_DAYS = (
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%y/%m/%d", "%y.%m.%d"),
    *("%Y%m%d", "%d%m%Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y"),
    *("%d-%b-%y", "%d. %B %Y", "%a %b %d %Y", "%a, %d %b %Y", "%Y年%m月%d日"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S")
FORMATS = tuple(day + time for day in _DAYS for time in _TIMES)


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


def ways(run: Run) -> tuple[list[Way], int]:
    """The formats that read every date that is held, and how many dates these are.

    Formats that read them all to the same days count once.
    """
    forms = possible(run)
    counts = [f"COUNT({read(form)})" for form in forms]
    rows, *found = run(f"SELECT {', '.join(['COUNT(*)', *counts])} FROM written").fetchall()[0]
    every = [form for form, count in zip(forms, found) if count == rows and rows]
    if len(every) > 1:
        every = _distinct(run, every)
    if not every:
        return [], rows
    apart = f"len(list_distinct([{', '.join(map(read, every))}]))"
    query = f"SELECT text, {', '.join(map(read, every))} FROM written ORDER BY {apart} DESC, place LIMIT 1"
    text, *days = run(query).fetchall()[0]
    return [Way(form, rows, text, str(day)) for form, day in zip(every, days)], rows


def possible(run: Run) -> list[str]:
    """The formats that read the first dates: the others need not be tried on all."""
    every = [*FORMATS, *EPOCHS]
    tried = ", ".join(f"COUNT({read(form)})" for form in every)
    found = run(f"SELECT {tried} FROM (SELECT * FROM written LIMIT 200)").fetchall()[0]
    return [form for form, count in zip(every, found) if count]


def read(form: str) -> str:
    """The day of `text` by a format as SQL; epochs only where that is within living memory."""
    if form in EPOCHS:
        number = f"TRY_CAST(text AS DOUBLE) / {EPOCHS[form]}"
        return f"CASE WHEN {number} BETWEEN 3e8 AND 5e9 THEN CAST(to_timestamp({number}) AS DATE) END"
    day = dates.strptime("text", form)
    low, high = ("1900", "2100") if form.startswith(("%Y%m%d", "%d%m%Y")) else ("1000", "9999")
    return f"CASE WHEN {day} BETWEEN DATE '{low}-01-01' AND DATE '{high}-12-31' THEN {day} END"


def _distinct(run: Run, forms: list[str]) -> list[str]:
    """Formats without those that read all dates to the days of one before."""
    kept: list[str] = []
    for form in forms:
        same = [
            run(f"SELECT COUNT(*) FROM written WHERE {read(form)} IS DISTINCT FROM {read(other)}").fetchall()
            for other in kept
        ]
        if all(count for ((count,),) in same):
            kept.append(form)
    return kept


def cover(run: Run, most: int = 4) -> list[Way]:
    """Formats that read the dates together, the one that reads most rows first; none if they do not."""
    iso = dates.day_of("text", "VARCHAR", Reading("", "", None))
    reads = {"": iso} | {form: read(form) for form in possible(run)}
    found, left = [], "true"
    for _ in range(most):
        counts = ", ".join(f"COUNT({each})" for each in reads.values())
        rows, *tried = run(f"SELECT COUNT(*), {counts} FROM written WHERE {left}").fetchall()[0]
        best = max(range(len(tried)), key=tried.__getitem__)
        if not tried[best]:
            return []
        form = list(reads)[best]
        found.append(Way(form, tried[best]))
        left += f" AND {reads[form]} IS NULL"
        if tried[best] == rows:
            return found
    return []
