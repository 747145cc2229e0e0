"""What a lesson may be called with, read from its parameters cell.

Each parameter stands on its own line with a comment::

    n_customers = 500  # customers in the cohort, 50 to 20000
    method = "ols"  # how to estimate, one of ols, logit

A closing ``LOW to HIGH`` gives the allowed range, ``one of a, b, c`` the allowed words.
"""

import ast
import io
import math
import numbers
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crmlab.errors import InputError, check_known, listing

Cell = Mapping[str, Any]  # a notebook's, as its JSON has it
Value = None | bool | int | float | str | list[Any] | tuple[Any, ...] | dict[Any, Any]  # of a parameter
_NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+|[\d_]+)?(?:\.\d*)?(?:[eE][-+]?\d+)?|[-+]?inf"
_RANGE = re.compile(rf"(?:^|[,;:(\s])(?P<low>{_NUMBER})\s+to\s+(?P<high>{_NUMBER})\s*\)?\.?$")
_CHOICES = re.compile(r"(?:^|[,;:(\s])one of\s+(?P<words>.+?)\)?\.?$")
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    tuple: "a list",
    dict: "a dictionary",
}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell."""

    name: str
    default: Value
    description: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def kind(self) -> type:
        return type(self.default)

    @property
    def range(self) -> str:
        """The allowed values as the comment gives them: ``50 to 20000``, or empty."""
        if self.choices:
            return f"one of {listing(self.choices)}"
        return "" if self.low is None else f"{_plain(self.low)} to {_plain(self.high)}"

    def parse(self, text: str) -> Value:
        """The value that `text` from a command line means, checked."""
        text = text.strip()
        try:
            return self.check(self._parse(text))
        except (ValueError, SyntaxError) as error:
            if isinstance(error, InputError):
                raise
            raise self._refusal(text) from None

    def _parse(self, text: str) -> Value:
        if self.kind is str:
            return text
        if self.kind is bool:
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
                text.lower(), text
            )
        if self.kind is int:
            return int(text)
        if self.kind is float:
            return float(text)
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            if self.default is None:
                return text
            raise

    def check(self, value: object) -> Value:
        """`value` in this parameter's own type; InputError if it is of another type or out of range."""
        if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # NumPy scalars
            value = value.item()
        if not self._fits(value):
            raise self._refusal(value)
        if self.kind is float:
            value = float(value)
        if self.choices and value not in self.choices:
            raise InputError(f"parameter {self.name} is {value!r}; it must be one of {listing(self.choices)}")
        if self.low is not None and not self.low <= value <= self.high:
            raise InputError(f"parameter {self.name} is {value!r}, outside its range {self.range}")
        return value

    def _fits(self, value: object) -> bool:
        if self.default is None:
            return value is None or isinstance(value, (bool, int, float, str, list, tuple, dict))
        if self.kind is bool or isinstance(value, bool):
            return isinstance(value, bool) and self.kind is bool
        if self.kind is float:
            return isinstance(value, numbers.Real) and math.isfinite(value)
        if self.kind in (list, tuple):
            return isinstance(value, (list, tuple))
        return isinstance(value, self.kind)

    def _refusal(self, value: object) -> InputError:
        return InputError(f"parameter {self.name} must be {_KINDS.get(self.kind, 'a value')}, got {value!r}")


def parameters_cell(cells: Iterable[Cell]) -> Cell | None:
    """The cell tagged ``parameters``, or None."""
    for cell in cells:
        if cell["cell_type"] == "code" and "parameters" in cell.get("metadata", {}).get("tags", []):
            return cell
    return None


def read_parameters(cells: Iterable[Cell]) -> dict[str, Parameter]:
    """The parameters of a lesson by name, in the order of its parameters cell."""
    cell = parameters_cell(cells)
    if cell is None:
        return {}
    source = "".join(cell["source"])
    comments = _comments(source)
    found = {}
    for statement in ast.parse(source).body:
        name, value = _assignment(statement)
        if name is not None:
            found[name] = _parameter(name, value, comments.get(statement.end_lineno, ""))
    return found


def unreadable_lines(source: str) -> list[str]:
    """Lines of a parameters cell that are no ``name = plain value``."""
    return [
        ast.get_source_segment(source, each)
        for each in ast.parse(source).body
        if _assignment(each)[0] is None
    ]


def checked(known: Mapping[str, Parameter], given: Mapping[str, object], lesson: str) -> dict[str, Value]:
    """`given` in the types of the `known` parameters, defaults filled in, in the known order.

    Raises
    ------
    InputError
        If a name is unknown (the known ones are listed), or a value is of the wrong type or out of range.
    """
    if given and not known:
        raise InputError(f"lesson {lesson} takes no parameters, got {listing(given)}")
    check_known("parameter", given, known)
    return {name: each.check(given[name]) if name in given else each.default for name, each in known.items()}


def pairs(arguments: Iterable[str], flag: str = "-p") -> dict[str, str]:
    """``["name=value", ...]`` from a command line as ``{"name": "value"}``."""
    found = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or not name.strip().isidentifier():
            raise InputError(f"{flag} takes name=value, got {argument!r}")
        if name.strip() in found:
            raise InputError(f"parameter {name.strip()} is given twice; give it once")
        found[name.strip()] = value
    return found


def parsed(known: Mapping[str, Parameter], texts: Mapping[str, str]) -> dict[str, Value]:
    """Values for command-line `texts`; unknown names are refused."""
    check_known("parameter", texts, known)
    return {name: known[name].parse(text) for name, text in texts.items()}


def _assignment(statement):
    target = None
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    if isinstance(target, ast.Name):
        try:
            return target.id, ast.literal_eval(statement.value)
        except ValueError:
            pass
    return None, None


def _comments(source):
    lines = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("# ").rstrip()
        for token in lines
        if token.type == tokenize.COMMENT
    }


def _parameter(name, default, comment):
    range_, choices = _RANGE.search(comment), _CHOICES.search(comment)
    bare = Parameter(name, default)
    if choices:
        words = [word.strip(" \"'`") for word in re.split(r",\s*(?:or\s+)?|\s+or\s+", choices["words"])]
        return Parameter(
            name,
            default,
            _description(comment, choices),
            choices=tuple(bare._parse(word) for word in words if word),
        )
    if range_ and range_["low"] and range_["high"] and isinstance(default, (int, float)):
        low, high = (_number(range_[end]) for end in ("low", "high"))
        return Parameter(name, default, _description(comment, range_), low=low, high=high)
    return Parameter(name, default, comment)


def _description(comment, match):
    return comment[: match.start()].rstrip(" ,;:(")


def _number(text):
    value = float(text.replace(",", "").replace("_", ""))
    return int(value) if math.isfinite(value) and value == int(value) and abs(value) < 1e15 else value


def _plain(number):
    return str(number) if isinstance(number, int) else f"{number:g}"
