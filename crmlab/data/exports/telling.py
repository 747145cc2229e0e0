"""An import as text for a terminal: what was read, how, what was dropped, what is to be said first."""

from typing import TYPE_CHECKING

import pandas as pd

from crmlab.data.exports.audit import TableAudit, where
from crmlab.data.exports.hiding import printable
from crmlab.words import translated, words
from crmlab.words.layout import lines

if TYPE_CHECKING:
    from crmlab.data.exports.importing import Import

FIRST = 6  # rows of the log that are shown
BULLET = "  - "


def told(done: "Import") -> str:
    """All that a user should know of an import."""
    parts = [_counts(done), "" if done.problems else done.doubt, _files(done)]
    parts += [_table(name, audit) for name, audit in done.audits.items()]
    if done.log is not None:
        parts.append("\n".join([words("exports.log"), f"{BULLET}{translated(done.rule)}", *_first(done)]))
    if done.problems:
        parts.append(_listed("exports.problems", map(str, done.problems)))
    parts.append(
        _listed("exports.not_verified", map(translated, done.card.not_verified), name=done.card.name)
    )
    return "\n\n".join(part for part in parts if part)


def _counts(done: "Import") -> str:
    head = [words(f"exports.{name}") for name in ("table", "rows_in", "rows_out", "dropped")]
    rows = [
        [name, f"{audit.rows_in:,}", f"{audit.rows_out:,}", f"{audit.rows_dropped:,}"]
        for name, audit in done.audits.items()
    ]
    return "\n".join(lines([head, *rows])) if rows else words("exports.nothing")


def _files(done: "Import") -> str:
    rows = [
        f"{file}: {found.table or words('exports.passed_over', why=found.why)}"
        for file, found in done.layouts.items()
    ]
    return _listed("exports.files", rows)


def _table(name: str, audit: TableAudit) -> str:
    """One table: how columns were read, rows dropped and why, what was left out, notes."""
    dropped = [
        words("exports.dropped_because", rows=f"{len(places):,}", why=reason, where=where(places))
        for reason, places in audit.dropped.items()
    ]
    left_out = [words("exports.left_out", labels="; ".join(audit.left_out))] if audit.left_out else []
    texts = [*audit.read, *dropped, *left_out, *audit.notes]
    return "\n".join([name, *(f"{BULLET}{printable(text)}" for text in texts)]) if texts else ""


def _first(done: "Import") -> list[str]:
    rows = done.log.head(FIRST)
    texts = rows.astype(object).map(_cell).to_numpy().tolist()
    return ["    " + line for line in lines([list(rows), *texts])]


def _cell(value: object) -> str:
    """A cell as people write it: a day without a time, nothing where nothing is."""
    return "" if pd.isna(value) else printable(str(value).removesuffix(" 00:00:00"))


def _listed(key: str, texts: object, **facts: object) -> str:
    texts = list(texts)
    return (
        "\n".join([words(key, **facts), *(f"{BULLET}{printable(text)}" for text in texts)]) if texts else ""
    )
