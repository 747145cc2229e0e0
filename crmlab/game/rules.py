"""Rules over the columns of ``customers.csv``: which customers a mailing or an offer goes to.

``orders >= 2 and months_since_order <= 3``: comparisons of columns and numbers, joined by ``and``, ``or``,
``not`` and brackets; ``=`` means equal, ``≤`` and ``≥`` are understood. A comparison with an empty cell is
false. A rule is parsed by Python's own parser and walked by hand: nothing of it is ever evaluated as code.
"""

import ast
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crmlab.errors import InputError, listing

LONGEST = 500  # characters
DEEPEST = 30  # brackets and not's within each other
WORDS = {"all": True, "nobody": False}
COMPARISONS = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
SAME = str.maketrans({"≤": "<=", "≥": ">=", "≠": "!=", "（": "(", "）": ")", "＝": "=", "＜": "<", "＞": ">"})
EXAMPLE = "write for example: orders >= 2 and months_since_order <= 3"


@dataclass(frozen=True)
class Rule:
    """A rule that was understood.

    Attributes
    ----------
    text : str
        As it was written.
    tree : ast.expr
    columns : tuple of str
        That it looks at.
    """

    text: str
    tree: ast.expr
    columns: tuple[str, ...]

    def chosen(self, customers: Mapping[str, np.ndarray]) -> np.ndarray:
        """Whether the rule holds, for each customer; shape (customers,)."""
        size = len(next(iter(customers.values())))
        return np.broadcast_to(_truth(self.tree, customers), size).copy()


def parse_rule(text: str, columns: Mapping[str, object]) -> Rule:
    """Understand a rule.

    Parameters
    ----------
    text : str
    columns : mapping
        Whose keys are the columns that there are.

    Raises
    ------
    InputError
        If it is none, saying what is wrong with it and how to write it.
    """
    written = text.strip().translate(SAME)
    if len(written) > LONGEST:
        raise InputError(
            f"the rule has {len(written)} characters; at most {LONGEST} are read, or give a list"
        )
    written = re.sub(r"(?<![<>=!])=(?!=)", "==", written)
    written = re.sub(r"\b(and|or|not)\b", lambda found: found[0].lower(), written, flags=re.IGNORECASE)
    try:
        tree = ast.parse(written, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"{_cut(text)} is no rule; {EXAMPLE}") from None
    used: list[str] = []
    _check(tree, columns, used)
    return Rule(text.strip(), tree, tuple(dict.fromkeys(used)))


def _check(node: ast.expr, columns: Mapping[str, object], used: list[str], depth: int = 0) -> None:
    """Refuse whatever is not a truth made of comparisons."""
    if depth > DEEPEST:
        raise InputError(f"brackets are nested more than {DEEPEST} deep; give a list of customers instead")
    match node:
        case ast.BoolOp(values=values):
            for value in values:
                _check(value, columns, used, depth + 1)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            _check(operand, columns, used, depth + 1)
        case ast.Compare():
            _check_comparison(node, columns, used)
        case ast.Name(id=name) if name in WORDS and name not in columns:
            pass
        case ast.Name(id=name) if name in columns:
            raise InputError(f"{name} alone is no comparison; write {name} >= 1, for example")
        case ast.Name(id=name):
            raise InputError(f"there is no column {_cut(name)}; customers.csv has {listing(columns)}")
        case _:
            raise InputError(f"{_cut(ast.unparse(node))} is no comparison; {EXAMPLE}")


def _check_comparison(node: ast.Compare, columns: Mapping[str, object], used: list[str]) -> None:
    if any(type(each) not in COMPARISONS for each in node.ops):
        raise InputError(f"only < <= > >= = and != compare; {EXAMPLE}")
    sides = (node.left, *node.comparators)
    for each in sides:
        _check_value(each, columns, used)
    if not any(isinstance(each, ast.Name) for each in sides):
        raise InputError(f"{_cut(ast.unparse(node))} compares no column; {EXAMPLE}")


def _check_value(node: ast.expr, columns: Mapping[str, object], used: list[str]) -> None:
    match node:
        case ast.Name(id=name) if name in columns:
            used.append(name)
        case ast.Name(id=name):
            raise InputError(f"there is no column {_cut(name)}; customers.csv has {listing(columns)}")
        case ast.Constant(value=bool()):
            raise InputError("True and False are no numbers; write 1 and 0")
        case ast.Constant(value=int() | float()):
            pass
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
            pass
        case _:
            raise InputError(f"{_cut(ast.unparse(node))} is neither a column nor a number; {EXAMPLE}")


def _truth(node: ast.expr, customers: Mapping[str, np.ndarray]) -> np.ndarray | bool:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return np.logical_and.reduce(np.broadcast_arrays(*(_truth(each, customers) for each in values)))
        case ast.BoolOp(values=values):
            return np.logical_or.reduce(np.broadcast_arrays(*(_truth(each, customers) for each in values)))
        case ast.UnaryOp(operand=operand):
            return np.logical_not(_truth(operand, customers))
        case ast.Compare(left=left, ops=ops, comparators=others):
            values = [_value(each, customers) for each in (left, *others)]
            held: np.ndarray | bool = True
            for one, first, second in zip(ops, values, values[1:]):
                known = ~(np.isnan(first) | np.isnan(second))
                held = held & known & COMPARISONS[type(one)](first, second)
            return held
        case ast.Name(id=name):
            return WORDS[name]
        case _:  # pragma: no cover - `_check` has refused it
            raise AssertionError(ast.dump(node))


def _value(node: ast.expr, customers: Mapping[str, np.ndarray]) -> np.ndarray:
    match node:
        case ast.Name(id=name):
            return np.asarray(customers[name], float)
        case ast.UnaryOp(operand=operand):
            return -_value(operand, customers)
        case ast.Constant(value=value):
            return np.asarray(float(value))
        case _:  # pragma: no cover - `_check_value` has refused it
            raise AssertionError(ast.dump(node))


def _cut(text: str, most: int = 60) -> str:
    return repr(text if len(text) <= most else text[:most] + "…")
