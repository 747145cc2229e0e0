"""Exports of CRM systems: in, as canonical tables and a transaction log; out, as files that a system imports.

A system is a card (`crmlab.data.exports.cards`): labels, states, dates, what counts as a purchase, and what
could not be verified of its layout. `import_export` reads, `write_export` writes a market's tables as a
system would export them, `write_scores` writes what `crmlab fit` found for a system to import.
"""

from crmlab.data.exports.cards import card, cards
from crmlab.data.exports.importing import Import, import_export
from crmlab.data.exports.scores import Scores, write_scores
from crmlab.data.exports.writing import as_held, market_tables, write_export

__all__ = [
    "Import",
    "Scores",
    "as_held",
    "card",
    "cards",
    "import_export",
    "market_tables",
    "write_export",
    "write_scores",
]
