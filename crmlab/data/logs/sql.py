"""Texts of SQL that every part of reading a log uses: names, literals, cells without their blanks."""

from collections.abc import Iterable

import duckdb

# What stands for nothing in a cell of text: the words that ``pandas.read_csv`` takes for missing, and those
# of database dumps. A frame read by pandas and the file itself thus lack the same rows.
MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "\\N", "NaT"),
)
BLANKS = " \t\r\n\v\f\u00a0\u3000\ufeff"  # around a text, no part of it


def literal(value: object) -> str:
    """A text or a list of texts in SQL."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(literal, value))}]"
    return "'" + str(value).replace("'", "''") + "'"


def quoted(name: object) -> str:
    """The name of a column in SQL."""
    return '"' + str(name).replace('"', '""') + '"'


def cleaned(text: str) -> str:
    """A cell of text (an expression) without blanks around it; NULL where it says that nothing is there."""
    trimmed = f"trim({text}, {literal(BLANKS)})"
    return f"CASE WHEN {trimmed} NOT IN ({', '.join(map(literal, MISSING))}) THEN {trimmed} END"


def described(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """The columns of a relation with their types."""
    rows = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return {name: kind for name, kind, *_ in rows}


def is_number(kind: str) -> bool:
    """Whether a type of DuckDB's is a number."""
    return kind.startswith(("DECIMAL", "DOUBLE", "FLOAT")) or kind.endswith(("INT", "INTEGER"))


def any_of(conditions: Iterable[str]) -> str:
    """Conditions joined by OR; none holds where there are none."""
    return "(" + (" OR ".join(conditions) or "false") + ")"


def sentence(error: Exception) -> str:
    """What a message of DuckDB says happened, as a clause, with our remedy for text files."""
    lines = [line.strip().rstrip(".") for line in str(error).strip().splitlines()]
    where = lines[0].removeprefix("Invalid Input Error: ")
    cause = [line for line in lines[1:] if line.startswith(("Original Line:", "Expected Number of Columns:"))]
    if cause and "CSV" in lines[0]:
        return f"{where}: {', '.join(cause)}; repair this line"
    return lines[0]
