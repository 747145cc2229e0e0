"""Rows that cannot be read as said: which they are, how they could be meant, and what to say of them."""

from collections.abc import Iterator

from crmlab.data.logs import amounts, dates, formats
from crmlab.data.logs.log import Log
from crmlab.data.logs.reading import EPOCHS
from crmlab.data.logs.sql import cleaned, is_number
from crmlab.errors import InputError, option

SAMPLE = 200_000  # rows on which formats are tried
NUMBERS = ((",", None), (",", "."), (".", ","), (".", " "), (",", " "), (".", "'"), (",", "'"))
SIGNS = "$€£¥₹"


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
    _hold_dates(log)
    every, tried = formats.ways(log.run)
    if len(every) == 1:
        return f"all dates can be read as {option('date_format', every[0].form)}: say so, {leave}"
    if every:
        meant = ", ".join(f"{each.day} ({option('date_format', each.form)})" for each in every)
        return f"{every[0].example!r} may be {meant}: say which, {leave}"
    some = formats.cover(log.run)
    if some:
        kinds = ", ".join(f"{each.form or 'ISO 8601'} in {each.rows:,} rows" for each in some)
        together = option("date_format", "|".join(each.form or "%Y-%m-%d" for each in some))
        return (
            f"dates seem to be written in several ways ({kinds} of {tried:,}): say {together} to have them "
            f"tried in this order, {leave}"
        )
    return f"say by {option('date_format')} how dates are written, if not as 2024-01-31, {leave}"


def _hold_dates(log: Log) -> None:
    """The dates as texts in the table ``written``, each with its place."""
    text = dates.text_of("stamp", log.opened.columns[log.reading.date][1])
    log.run(
        f"CREATE OR REPLACE TEMP TABLE written AS SELECT text, row_number() OVER () AS place "
        f"FROM (SELECT {text} AS text FROM typed LIMIT {SAMPLE}) WHERE text IS NOT NULL"
    )


def refuse_other_epoch(log: Log) -> None:
    """Raise an InputError where numbers read in one unit since 1970 are dates of our time in another."""
    if not log.reading.is_epoch or log.audit.first is None:
        return
    given, name = log.reading.date_format[0], log.columns["date"]
    text = dates.text_of("stamp", log.opened.columns[log.reading.date][1])
    units = ", ".join(f"COUNT({formats.read(form)})" for form in EPOCHS)
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
