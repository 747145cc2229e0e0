"""Amounts: numbers as people write them, and arithmetic on columns such as ``Quantity*UnitPrice``.

An expression is read by a grammar of its own, whose only words are numbers, columns, ``+ - * /`` and
brackets, and written as SQL anew from what was understood. So it can ask for nothing but arithmetic on
columns of the row.

    sum     = product, {("+" | "-"), product}
    product = factor, {("*" | "/"), factor}
    factor  = ("+" | "-"), factor | "(", sum, ")" | number | column
    column  = a word of letters, digits, _ and ., or any name between double quotes, backquotes or [ ]
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from crmlab.data.logs.reading import Reading
from crmlab.data.logs.sql import any_of, cleaned, is_number, literal
from crmlab.errors import InputError, listing, option

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d+)?(?![\w.]))
      | "(?P<quoted>(?:[^"]|"")+)" | `(?P<backquoted>[^`]+)` | \[(?P<bracketed>[^\]]+)\]
      | (?P<word>[^\W\d][\w.]*)
      | (?P<mark>[-+*/()])
    )\s*""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Expression:
    """Arithmetic on columns.

    Attributes
    ----------
    parts : tuple of (str, str)
        In order, what it consists of: ``("number", "1.5")``, ``("column", "UnitPrice")``, ``("mark", "*")``.
    """

    parts: tuple[tuple[str, str], ...]

    @property
    def columns(self) -> list[str]:
        """The columns that it uses, each once, in order."""
        return list(dict.fromkeys(text for kind, text in self.parts if kind == "column"))

    def sql(self, names: Mapping[str, str]) -> str:
        """As SQL, with `names` for the columns: a number of type DOUBLE."""
        write = {
            "number": lambda text: f"CAST({text} AS DOUBLE)",
            "column": lambda text: f"({names[text]})",
            "mark": str,
        }
        return " ".join(write[kind](text) for kind, text in self.parts)


def parsed(text: str, known: Collection[str]) -> Expression:
    """The expression that a text says, a column of that very name first.

    Raises
    ------
    InputError
        If it is no arithmetic, or a column is unknown.
    """
    if text in known:
        return Expression((("column", text),))
    parts = _tokens(text)
    rest = _sum(parts, 0) if parts else 0
    if rest != len(parts) or not parts:
        raise _refused(text, known)
    expression = Expression(tuple(parts))
    unknown = [name for name in expression.columns if name not in known]
    if unknown or not expression.columns:
        raise _refused(text, known, unknown)
    return expression


def _refused(text: str, known: Collection[str], unknown: Collection[str] = ()) -> InputError:
    names = unknown or [text]
    said = ", ".join(map(option, ("customer_id", "date", "amount")))
    return InputError(
        f"unknown column{'s' * (len(names) > 1)} {listing(map(repr, names))}; known: {listing(known)}; say "
        f"by {said} which columns of log they are ({option('amount')} may be arithmetic, as "
        f"'Quantity*UnitPrice')"
    )


def _tokens(text: str) -> list[tuple[str, str]]:
    """The words of an expression; none if something else stands in it."""
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            return []
        kind, place = match.lastgroup or "", match.end()
        word = match[kind]
        column = kind not in ("number", "mark")
        found.append(
            ("column", word.replace('""', '"') if kind == "quoted" else word) if column else (kind, word)
        )
    return found


def _sum(parts: list[tuple[str, str]], place: int, marks: str = "+-") -> int:
    """Where the sum (or product) that begins at `place` ends; -1 if there is none."""
    below = (lambda at: _sum(parts, at, "*/")) if marks == "+-" else (lambda at: _factor(parts, at))
    place = below(place)
    while 0 <= place < len(parts) and parts[place] in [("mark", mark) for mark in marks]:
        place = below(place + 1)
    return place


def _factor(parts: list[tuple[str, str]], place: int) -> int:
    if not 0 <= place < len(parts):
        return -1
    kind, text = parts[place]
    if kind != "mark":
        return place + 1
    if text in "+-":
        return _factor(parts, place + 1)
    if text != "(":
        return -1
    end = _sum(parts, place + 1)
    return end + 1 if 0 <= end < len(parts) and parts[end] == ("mark", ")") else -1


# -- numbers -------------------------------------------------------------------------------------------------


def number_of(name: str, kind: str, reading: Reading) -> str:
    """A column as a DOUBLE, as SQL; NULL where it is missing or no number.

    Raises
    ------
    InputError
        If the column holds neither numbers nor texts.
    """
    if is_number(kind):
        return f"CAST({name} AS DOUBLE)"
    if kind != "VARCHAR":
        raise InputError(
            f"column {reading.amount!r} of log holds {kind}; give numbers, or say {option('amount')} anew"
        )
    return number_in(cleaned(name), reading.decimal or ".", reading.thousands, reading.currency)


def number_in(
    text: str, decimal: str = ".", thousands: str | None = None, currency: str | None = None
) -> str:
    """The number that a text says, as SQL; marks between thousands count only where thousands begin."""
    if currency:
        text = f"trim(replace({text}, {literal(currency)}, ''))"
    if decimal == "." and thousands is None:
        return f"TRY_CAST({text} AS DOUBLE)"
    mark, grouped = re.escape(decimal), text
    if thousands is not None:
        group = re.escape(thousands) if thousands.strip() else r"[\s\x{00A0}\x{202F}]"
        shape = rf"[-+]?\d{{1,3}}({group}\d{{3}})+({mark}\d*)?"
        bare = f"regexp_replace({text}, {literal(group)}, '', 'g')"
        grouped = f"CASE WHEN regexp_full_match({text}, {literal(shape)}) THEN {bare} ELSE {text} END"
    plain = rf"[-+]?(\d+({mark}\d*)?|{mark}\d+)([eE][-+]?\d+)?"
    return (
        f"CASE WHEN regexp_full_match({grouped}, {literal(plain)}) "
        f"THEN TRY_CAST(replace({grouped}, {literal(decimal)}, '.') AS DOUBLE) END"
    )


def money_of(expression: Expression, columns: Mapping[str, tuple[str, str]], reading: Reading) -> list[str]:
    """The SELECT list of amounts: ``amount``, and ``bad_amount`` where a value is there and is no number.

    Parameters
    ----------
    columns : mapping of str to (str, str)
        For each column of the log its expression and its type.
    """
    numbers = {name: number_of(*columns[name], reading) for name in expression.columns}
    total = expression.sql(numbers)
    missing = any_of(f"{_given(*columns[name])} IS NULL OR isnan({numbers[name]})" for name in numbers)
    return [
        f"CASE WHEN isfinite({total}) THEN {total} END AS amount",
        f"NOT COALESCE({missing}, false) AND NOT COALESCE(isfinite({total}), false) AS bad_amount",
    ]


def _given(name: str, kind: str) -> str:
    return f"({cleaned(name)})" if kind == "VARCHAR" else name
