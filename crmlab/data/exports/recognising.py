"""Which system an export looks like: how many of its labels each card knows."""

from crmlab.data.exports.cards import Card, cards, normalised
from crmlab.data.exports.matching import HEADER
from crmlab.data.exports.sources import Sheet
from crmlab.errors import option
from crmlab.words import words

CLEARLY = 1.25  # times as many labels as under the named system, from which another one is spoken of


def known_labels(sheets: list[Sheet]) -> dict[str, tuple[int, int]]:
    """For each system how many labels of the sheets its card knows, and how many there are.

    Of each sheet the row and the table with the most known labels count.
    """
    return {system: _known(sheets, card) for system, card in cards().items()}


def _known(sheets: list[Sheet], card: Card) -> tuple[int, int]:
    known, every = 0, 0
    tables = [
        {normalised(label) for labels in table.columns.values() for label in labels}
        for table in card.tables.values()
    ]
    for sheet in sheets:
        rows = [[normalised(cell) for cell in cells if cell] for _, cells in sheet.rows[:HEADER]]
        found = [(sum(cell in labels for cell in row), len(row)) for row in rows for labels in tables]
        best = max(found, key=lambda each: each[0], default=(0, 0))
        known, every = known + best[0], every + best[1]
    return known, every


def other_system(sheets: list[Sheet], system: str) -> str:
    """A sentence where an export looks like that of another system than the one named; else empty."""
    counts = known_labels(sheets)
    own, every = counts[system]
    best = max(counts, key=lambda each: counts[each][0])
    most, of = counts[best]
    if best == system or most < CLEARLY * max(own, 1):
        return ""
    facts = {"name": cards()[best].name, "system": best, "most": most, "of": of}
    return words("exports.other_system", own=own, every=every, named=cards()[system].name, **facts)


def unnamed(sheets: list[Sheet]) -> str:
    """What to say where no system was named: which one the sheets look like."""
    counts = known_labels(sheets)
    best = max(counts, key=lambda each: counts[each][0])
    most, of = counts[best]
    hint = f"; they look like an export of {cards()[best].name} ({most} of {of} labels are known): {best}"
    return f"{option('from')} is missing; name the system that the export comes from" + (hint if most else "")
