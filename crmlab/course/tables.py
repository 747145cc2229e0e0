"""CSV tables as spreadsheets and learning platforms write and read them."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from crmlab.errors import InputError, listing

BOM = "\ufeff"  # without it Excel takes UTF-8 for the system's old encoding
# What Excel makes a number or date of, so that it is another text when the table is saved again.
CHANGED = re.compile(
    r"0\d+|\d{16,}|\d+[eE]\d+|\d{1,2}[-/]\d{1,2}([-/]\d{2,4})?|\d{1,2}\.\d{1,2}\.\d{2,4}"
    r"|(jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*[-. ]?\d{1,4}",
    re.IGNORECASE,
)
# The beginning of a formula, at the start of a cell or of what a list of another separator makes one.
FORMULA = re.compile(r"(^|[;\t\r\n])(\s*)(?=[=@|]|[+-](?![\d.,]*(?:$|;)))")


def decoded(path: Path) -> str:
    """The text of a CSV file: UTF-8, or UTF-16 as Excel saves "Unicode text".

    Raises
    ------
    InputError
        If it is neither, naming the row; or cannot be read.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from None
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        name = Path(path).name
        raise InputError(f"{name}, row {row}: not UTF-8; save it as 'CSV UTF-8'") from None


def parsed(text: str, name: str) -> list[tuple[int, list[str]]]:
    """Rows that hold something, with their numbers as a spreadsheet counts them.

    The separator is a comma, semicolon or tab, or what Excel's first line ``sep=;`` says.
    """
    told = re.match(r'"?sep=(.)"?\r?\n', text, re.IGNORECASE)
    body = text[told.end() :] if told else text
    first = next((line for line in body.splitlines() if line.strip(" ,;\t")), "")
    separator = told[1] if told else max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(body, newline=""), delimiter=separator))
    except csv.Error as error:
        raise InputError(f"{name} is not a CSV file: {error}") from None
    numbered = enumerate(rows, 2 if told else 1)
    return [(number, row) for number, row in numbered if any(value.strip() for value in row)]


def read_table(path: Path | str, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file that has these columns, as dicts of text.

    What `table_text` did to keep a cell as it is, for a spreadsheet, is undone.
    """
    rows = parsed(decoded(Path(path)), Path(path).name)
    header = [each.strip(" \ufeff") for each in rows[0][1]] if rows else []
    lacking = [each for each in columns if each not in header]
    if lacking:
        raise InputError(f"{Path(path).name}, row 1: the column {listing(lacking)} is missing")
    return [
        dict.fromkeys(header, "") | {name: plain(value) for name, value in zip(header, row)}
        for _, row in rows[1:]
    ]


def plain(cell: str) -> str:
    """A cell as it was before `table_text` kept it from a spreadsheet."""
    kept = re.fullmatch(r'="(.*)"', cell.strip())
    return kept[1] if kept else re.sub(r"(^|[;\t\r\n])(\s*)'(?=[=@+|-])", r"\1\2", cell)


def table_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], kept: bool = True) -> str:
    """A CSV table that opens in Excel unharmed: marked as UTF-8, text quoted, no text taken for a formula.

    Parameters
    ----------
    kept : bool
        Write ``="007"`` for a text that Excel would turn into a number or a date. Not for files that
        another program takes in.
    """
    lines = [",".join(each if re.fullmatch(r"[\w ().-]+", each) else _cell(each, False) for each in columns)]
    lines += [",".join(_cell(row.get(column, ""), kept) for column in columns) for row in rows]
    return BOM + "\n".join(lines) + "\n"


def _cell(value, kept):
    text = "" if value is None else str(value)
    if kept and CHANGED.fullmatch(text):
        text = f'="{text}"'
    elif re.fullmatch(r"|-?\d+(\.\d+)?", text):
        return text
    else:
        text = FORMULA.sub(r"\1\2'", text)
    return '"' + text.replace('"', '""') + '"'


def number(value: float | None) -> str:
    """Points as people write them: ``7.5``, ``10``; nothing for None."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
