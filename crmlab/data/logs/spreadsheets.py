"""Spreadsheets as text files: a sheet's first row names the columns."""

import csv
import datetime
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from crmlab.data.logs.reading import Reading
from crmlab.errors import InputError, listing, option

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

# What openpyxl raises at files that are none, or broken inside; XML that is none is a SyntaxError.
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError, SyntaxError),
    *(KeyError, IndexError, ValueError, TypeError, AttributeError),
)
DIGITS = 1e15  # a spreadsheet keeps 15 digits of a number


def as_text(path: str, reading: Reading, place: Path) -> str:
    """Write a sheet as a text file in UTF-8, with numbers and dates as `reading` expects them.

    Raises
    ------
    InputError
        If the file is no spreadsheet, or it has several sheets and none is chosen.
    """
    book = _opened(path, f"log {path!r}")
    try:
        sheet = book[_chosen(path, book.sheetnames, reading.sheet)]
        with place.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(_rows(sheet, reading))
    finally:
        book.close()
    return str(place)


def cells(
    source: BinaryIO, name: str, reading: Reading, formulas: bool = False
) -> Iterator[tuple[str, list[list[str]]]]:
    """The name of each sheet of a spreadsheet and all its rows, blank ones too, as texts.

    With `formulas` a cell that holds one shows it, not the value that was stored with it.

    Raises
    ------
    InputError
        If it is no spreadsheet.
    """
    book = _opened(source, repr(name), formulas)
    try:
        for sheet in book.worksheets:
            rows = _read(sheet)
            yield sheet.title, [[_exact(cell, reading) for cell in row] for row in rows]
    except BROKEN as error:
        raise InputError(f"{name!r} is no spreadsheet that can be read: {error}") from None
    finally:
        book.close()


def _opened(source: str | BinaryIO, name: str, formulas: bool = False) -> "Workbook":
    from openpyxl import load_workbook  # takes a third of a second to import

    try:
        return load_workbook(source, read_only=True, data_only=not formulas)
    except BROKEN as error:
        raise InputError(f"{name} is no spreadsheet that can be read: {error}") from None


def _chosen(path: str, sheets: list[str], wanted: str | None) -> str:
    if wanted is not None and wanted not in sheets:
        raise InputError(f"log {path!r} has no sheet {wanted!r}; it has {listing(map(repr, sheets))}")
    if wanted is None and len(sheets) > 1:
        raise InputError(
            f"log {path!r} has the sheets {listing(map(repr, sheets))}; choose by {option('sheet')}"
        )
    return wanted or sheets[0]


def _rows(sheet: "ReadOnlyWorksheet", reading: Reading) -> Iterator[list[str]]:
    """Rows that hold anything, as long as the row of names: beyond it there are no columns."""
    width = 0
    for row in _read(sheet):
        cells = [_written(cell, reading) for cell in row]
        while not width and cells and not cells[-1]:
            cells.pop()
        width = width or len(cells)
        if any(cells):
            yield (cells + [""] * width)[:width]


def _read(sheet: "ReadOnlyWorksheet") -> Iterator[tuple[object, ...]]:
    """The rows that are there, not those that the file says there are: some say one cell, some a billion."""
    sheet.reset_dimensions()
    return sheet.iter_rows(values_only=True)


def _exact(cell: object, reading: Reading) -> str:
    """A cell as `_written`, but a long float by the digits that it holds."""
    if isinstance(cell, float) and abs(cell) >= DIGITS:
        return f"{cell:.14E}"
    return _written(cell, reading)


def _written(cell: object, reading: Reading) -> str:
    """A cell as a text of the kind that `reading` expects: what the sheet knows is not to be asked again."""
    if cell is None:
        return ""
    if isinstance(cell, (datetime.datetime, datetime.date)):
        if reading.date_format and not reading.is_epoch:
            return cell.strftime(reading.date_format[0])
        text = cell.isoformat()
        return text.removesuffix("T00:00:00")
    if isinstance(cell, float) and not cell.is_integer():
        return repr(cell).replace(".", reading.decimal or ".")
    return str(int(cell)) if isinstance(cell, float) else str(cell)
