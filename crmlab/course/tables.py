"""CSV tables as spreadsheets and learning platforms write and read them."""

import csv
import io
import re
from pathlib import Path

from crmlab.errors import InputError, listing


def read_table(path, columns):
    """The rows of a CSV file that has these columns, as dicts of text."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {str(path)!r}: {error}; it must be a CSV file in UTF-8") from None
    first = text.splitlines()[0] if text.strip() else ""
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), restval="")
    lacking = [each for each in columns if each not in (reader.fieldnames or ())]
    if lacking:
        raise InputError(f"{Path(path).name}, row 1: the column {listing(lacking)} is missing")
    return [{key: value for key, value in row.items() if isinstance(value, str)} for row in reader]


def table_text(columns, rows):
    """A CSV table. Text that a spreadsheet would take for a formula is kept text."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column, "")) for column in columns] for row in rows)
    return held.getvalue()


def _cell(value):
    text = "" if value is None else str(value)
    risky = isinstance(value, str) and re.match(r"[=@\t\r]|[+-](?![\d.]*$)", text)
    return f"'{text}" if risky else text
