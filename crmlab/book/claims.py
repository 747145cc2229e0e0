"""The pages of the claims: the ledger of all of them, and the maps of the numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from crmlab.book.chapters import Chapter
from crmlab.book.pages import filled
from crmlab.claims import EXCLUSIONS, NUMBERS, QUANTITIES
from crmlab.claims.ledger import table
from crmlab.claims.storing import stored_numbers
from crmlab.claims.telling import number_lines

LEDGER, AUDITS = "ledger.html", "numbers.html"
SORTED_BY = ("power", "naive_confirms", "holds_in")


@dataclass(frozen=True)
class Entry:
    """A claim with its tests, as the page shows it.

    Attributes
    ----------
    first : Series
        What is common to its rows of the ledger.
    tests : list of (str, list of str)
        Each test's sentence, and its numbers in words.
    sorts : dict of str to float
        By what it can be sorted: the largest of its rows.
    chapter : Chapter or None
        Its lesson, where the book has it.
    """

    first: pd.Series
    tests: list[tuple[str, list[str]]]
    sorts: dict[str, float]
    chapter: Chapter | None


def ledger_page(book: Sequence[Chapter]) -> str:
    """All claims, to be searched, filtered and sorted without a network."""
    found = [_entry(rows, book) for _, rows in table().groupby(["source", "quote"], sort=False)]
    found.sort(key=lambda entry: entry.first["status"] == "not testable")  # what came out is asked for first
    states = list(dict.fromkeys(entry.first["status"] for entry in found))
    lessons = list(dict.fromkeys(entry.first["lesson"] for entry in found if entry.first["lesson"]))
    return filled("ledger.html.j2", entries=found, states=states, lessons=lessons, sorts=SORTED_BY)


def _entry(rows: pd.DataFrame, book: Sequence[Chapter]) -> Entry:
    tested = rows[rows["hypothesis"].notna()]
    tests = [(f"{row['hypothesis']}: {row['tested']}", number_lines(row)) for _, row in tested.iterrows()]
    sorts = {name: float(rows[name].max()) for name in SORTED_BY if rows[name].notna().any()}
    lesson = rows["lesson"].iloc[0]
    chapter = next((each for each in book if each.number == lesson), None)
    return Entry(rows.iloc[0], tests, sorts, chapter)


def numbers_page() -> str:
    """The audits: where each claimed number holds, and which exclude each other."""
    stored = stored_numbers()
    audits = [
        {"claim": claim, "quantity": QUANTITIES[claim.quantity], **stored[name]}
        for name, claim in NUMBERS.items()
        if name in stored
    ]
    return filled("numbers.html.j2", audits=audits, exclusions=EXCLUSIONS)
