"""Text laid out by the columns that it takes: a Chinese character takes two, a combining accent none."""

import html
from collections.abc import Iterable

from wcwidth import wcswidth, wcwidth, wrap

from crmlab.words import translated


def width(text: str) -> int:
    """Columns that a text takes on a terminal or in a fixed-width font.

    Examples
    --------
    >>> width("loyal"), width("忠诚")
    (5, 4)
    """
    columns = wcswidth(text)
    return columns if columns >= 0 else sum(max(wcwidth(each), 0) for each in text)


def pad(text: str, columns: int) -> str:
    """The text with blanks after it, up to so many columns."""
    return text + " " * max(0, columns - width(text))


def fill(text: str, columns: int) -> str:
    """The text broken into lines of at most so many columns, also where no blanks stand between words."""
    return "\n".join(wrap(text, columns))


def headings(*names: str) -> str:
    """Column headings of an HTML table, in the reader's language."""
    return "<tr>" + "".join(f"<th>{html.escape(translated(name))}</th>" for name in names) + "</tr>"


def lines(rows: Iterable[Iterable[str]], gap: str = "  ") -> list[str]:
    """Rows of texts as lines whose columns stand under each other."""
    table = [list(row) for row in rows]
    widths = [max(map(width, column)) for column in zip(*table)]
    return [gap.join(pad(text, wide) for text, wide in zip(row, widths)).rstrip() for row in table]
