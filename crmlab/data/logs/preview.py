"""What would be read of a log, before anything is fitted: first rows, types, ranges, doubts."""

from dataclasses import dataclass, field
from typing import Unpack

from wcwidth import wcswidth

from crmlab.data.logs import doubts, questions
from crmlab.data.logs.audit import Audit
from crmlab.data.logs.ids import shown
from crmlab.data.logs.log import Log
from crmlab.data.logs.reading import LogOptions
from crmlab.words import words

FIRST = 8  # rows shown


@dataclass(frozen=True)
class Preview:
    """What would be read.

    Attributes
    ----------
    what : list of (str, str)
        Facts about the log, each with its name.
    head, rows : list of str, list of list of str
        The first rows: each cell as it is written, then customer, day and amount as they were read.
    questions : list of str
        What has to be said before the log can be read.
    notes : list of str
        What gives cause for doubt.
    """

    what: list[tuple[str, str]]
    head: list[str]
    rows: list[list[str]]
    questions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def readable(self) -> bool:
        """Whether nothing has to be said first."""
        return not self.questions

    def __str__(self) -> str:
        width = max(wcswidth(name) for name, _ in self.what)
        lines = [f"{name}{' ' * (width - wcswidth(name))}  {value}" for name, value in self.what]
        lines += ["", *_table(self.head, self.rows)]
        for title, texts in (("fit.preview_questions", self.questions), ("fit.h_notes", self.notes)):
            lines += ["", words(title), *(f"- {text}" for text in texts)] if texts else []
        return "\n".join(lines)


def preview(
    log: object,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    **options: Unpack[LogOptions],
) -> Preview:
    """What would be read of a log by these options; see `crmlab.data.customer_summary`.

    Raises
    ------
    InputError
        If the log cannot be opened. Values that cannot be read are told in `Preview.questions`.
    """
    with Log(log, customer_id, date, amount, **options) as opened:
        audit = opened.audit
        asked = [questions.ask_dates(opened)] if audit.bad_date else []
        asked += [questions.ask_amounts(opened)] if audit.bad_amount else []
        head = [*opened.opened.columns, *(words(f"fit.read_{name}") for name in opened.columns)]
        rows = [
            [str(cell) if cell is not None else "" for cell in _restored(opened, row)]
            for row in opened.rows(limit=FIRST)
        ]
        notes = [] if asked else doubts.about(opened)
        return Preview(_facts(opened, audit), head, rows, asked, notes)


def _restored(log: Log, row: tuple[object, ...]) -> list[object]:
    """A row's cells, with the customer as it would be named."""
    written, read = row[2 : 2 + len(log.opened.columns)], list(row[2 + len(log.opened.columns) :])
    if read[0] is not None:
        read[0] = shown(log.opened.ids.restore([read[0]])[0])
    return [*written, *read]


def _facts(log: Log, audit: Audit) -> list[tuple[str, str]]:
    held = log.opened.files
    facts = [("rows", f"{audit.rows:,}")]
    if held is not None:
        kinds = f"{len(held.paths)} × {held.kind}" if len(held.paths) > 1 else held.kind
        facts.insert(0, ("files", f"{kinds}: {', '.join(held.name_of(path) for path in held.paths[:4])}"))
    facts += [("columns", ", ".join(f"{name} ({kind})" for name, (_, kind) in log.opened.columns.items()))]
    facts += [("customers", _customers(log))]
    facts += [("dates", f"{audit.first} – {audit.last}" if audit.first else words("fit.unknown"))]
    if log.has_amount:
        facts.append(("amounts", _amounts(log)))
    counts = (
        "no_customer",
        "worded",
        "no_date",
        "bad_date",
        "no_amount",
        "bad_amount",
        "refunds",
        "zeros",
        "cancelled",
    )
    facts += [(name, f"{getattr(audit, name):,}") for name in counts if getattr(audit, name)]
    named = {"files", "rows", "columns", "customers", "dates", "amounts"}
    return [
        (words(f"fit.preview_{name}" if name in named else f"fit.rule_{name}"), value)
        for name, value in facts
    ]


def _customers(log: Log) -> str:
    return f"{log.run('SELECT COUNT(DISTINCT customer) FROM typed').fetchall()[0][0]:,}"


def _amounts(log: Log) -> str:
    query = "SELECT MIN(amount), MEDIAN(amount), MAX(amount), SUM(amount) FROM typed"
    low, middle, high, total = log.run(query).fetchall()[0]
    if low is None:
        return words("fit.unknown")
    return words("fit.preview_range", low=low, middle=middle, high=high, total=total)


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Columns of text set apart by blanks, whatever their letters' widths."""
    cells = [[cell if len(cell) <= 40 else cell[:39] + "…" for cell in row] for row in [head, *rows]]
    widths = [max(max(wcswidth(cell), 0) for cell in column) for column in zip(*cells)]
    return [
        "  ".join(cell + " " * (width - max(wcswidth(cell), 0)) for cell, width in zip(row, widths)).rstrip()
        for row in cells
    ]
