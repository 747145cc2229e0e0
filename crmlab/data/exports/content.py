"""A column that no label tells, found by what stands in it: ids that are those of the customers."""

from collections.abc import Mapping
from dataclasses import replace

from crmlab.data.exports.cards import Card
from crmlab.data.exports.linking import LINKED
from crmlab.data.exports.matching import Layout, Match
from crmlab.data.exports.settings import Settings
from crmlab.data.exports.sources import Sheet

SHARE = 0.9  # of the cells of a column that are ids of customers, from which it is taken for theirs
LEAST = 3  # different ids that it holds at least


def with_customers(
    layouts: Mapping[str, Layout], sheets: list[Sheet], card: Card, settings: Settings
) -> dict[str, Layout]:
    """Layouts in which a column full of customers' ids is ``customer_id`` where no label says so."""
    by_file = {sheet.file: sheet for sheet in sheets}
    known = set()
    for file, each in layouts.items():
        if each.table == "customers" and "id" in each.matches:
            known |= _cells(by_file[file], each, each.matches["id"].place, card)
    found = dict(layouts)
    for file, each in layouts.items():
        told = {"customer_id", "contact_id"} & set(each.matches)
        if each.table not in LINKED or told or "customer_id" in settings.of(each.table).columns:
            continue
        best = _best(by_file[file], each, known, card)
        if best is not None:
            unused = [label for label in each.unused if label != best.label]
            found[file] = replace(each, matches={**each.matches, "customer_id": best}, unused=unused)
    return found


def _best(sheet: Sheet, each: Layout, known: set[str], card: Card) -> Match | None:
    """The column most of whose cells are ids of customers."""
    shares = {}
    for label in each.unused:
        cells = _cells(sheet, each, each.labels.index(label), card)
        if len(cells & known) >= LEAST:
            shares[label] = len(cells & known) / len(cells)
    best = max(shares, key=lambda label: shares[label], default=None)
    if best is None or shares[best] < SHARE:
        return None
    return Match("customer_id", best, each.labels.index(best), "guess", round(shares[best], 2))


def _cells(sheet: Sheet, each: Layout, place: int, card: Card) -> set[str]:
    """The different cells of a column, without the system's prefix."""
    below = (cells for row, cells in sheet.rows if row > each.header)
    return {
        cells[place].removeprefix(card.id_prefix) for cells in below if place < len(cells) and cells[place]
    }
