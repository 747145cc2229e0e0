"""Does a lesson show what a prediction asks before it answers it?

An answer's numbers come from names: ``found.answer(100 * rate)`` from ``rate``, and that from the diagnosis
or test it was read off. Between the question and its answer nothing that is shown may use them, so that a
notebook run from the top shows the closed answer first, and the table or picture that tells it below.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SHOWN = {"show", "print", "display", "record", "verified"}
_RESULTS = {"diagnose", "test", "solve"}  # what these return is an outcome, not yet one number of it


@dataclass(frozen=True)
class _Statement:
    """A statement at the top of a cell, with what the rule asks about it."""

    cell: str
    node: ast.stmt
    shows: bool

    @property
    def sets(self) -> set[str]:
        if isinstance(self.node, ast.FunctionDef):
            return {self.node.name}
        names = (each for each in ast.walk(self.node) if isinstance(each, ast.Name))
        return {each.id for each in names if isinstance(each.ctx, ast.Store)} - _passing(self.node)

    @property
    def uses(self) -> set[str]:
        return _loaded(self.node)

    @property
    def asks(self) -> bool:
        """Whether it is ``name = predict(…)``, and not the method of a fitted model."""
        value = getattr(self.node, "value", None)
        return isinstance(value, ast.Call) and getattr(value.func, "id", "") == "predict"

    @property
    def called(self) -> set[str]:
        return {_called(call) for call in ast.walk(self.node) if isinstance(call, ast.Call)}


def spoiled(cells: list[Any]) -> Iterator[tuple[str, str]]:
    """``(cell, message)`` for each place that shows what a later answer tells.

    Parameters
    ----------
    cells : list of NotebookNode
        Code cells, in their order.
    """
    statements = [each for cell in cells for each in _statements(cell)]
    for asked, statement in enumerate(statements):
        if not statement.asks:
            continue
        for name in statement.sets:
            answer = _answer_to(name, statements, asked)
            if answer is not None:
                yield from _between(name, statements[asked + 1 : answer], statements[answer])


def _between(name: str, before: list[_Statement], answer: _Statement) -> Iterator[tuple[str, str]]:
    """Statements between question and answer that show what the answer is computed from."""
    told, known = _told(before, answer), set()
    drawn: dict[str, set[str]] = {}  # what is in a cell's figure counts as shown with it
    for each in before:
        drawn.setdefault(each.cell, set()).update(each.uses & known)
        if each.shows and drawn[each.cell] & told:
            what = ", ".join(sorted(drawn[each.cell] & told))
            yield each.cell, f"shows {what} before {name} is answered; put {name}.answer(…) first"
        known |= each.sets


def _told(before: list[_Statement], answer: _Statement) -> set[str]:
    """Names set since the question that the answer is read off: directly, or from an outcome."""
    call = next(each for each in ast.walk(answer.node) if _is_answer(each))
    told, asked = set(), _loaded(call.args[0])
    outcomes = _outcomes(before)
    for each in reversed(before):
        if each.sets & asked:
            told |= each.sets & asked
            asked |= each.uses & outcomes
    return told


def _outcomes(before: list[_Statement]) -> set[str]:
    """Names of what a diagnosis, test or solution returned, and of functions that read them."""
    found: set[str] = set()
    for each in before:
        function = isinstance(each.node, ast.FunctionDef) or isinstance(
            getattr(each.node, "value", None), ast.Lambda
        )
        if each.called & _RESULTS or (function and each.uses & found):
            found |= each.sets
    return found


def _answer_to(name: str, statements: list[_Statement], asked: int) -> int | None:
    for at, each in enumerate(statements[asked + 1 :], asked + 1):
        calls = [node for node in ast.walk(each.node) if _is_answer(node)]
        if any(call.func.value.id == name and call.args for call in calls):
            return at
    return None


def _is_answer(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "answer"
        and isinstance(node.func.value, ast.Name)
    )


def _statements(cell: Any) -> list[_Statement]:
    try:
        body = ast.parse(cell.source).body
    except SyntaxError:  # a magic; another check looks at what runs
        return []
    found = []
    for node in body:
        call = node.value if isinstance(node, ast.Expr) else None
        last = call is not None and node is body[-1]
        called = _called(call) if isinstance(call, ast.Call) else ""
        shows = called in _SHOWN or (last and called != "answer" and not cell.source.rstrip().endswith(";"))
        found.append(_Statement(cell.id, node, shows))
    return found


def _loaded(node: ast.AST) -> set[str]:
    names = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return {each.id for each in names if isinstance(each.ctx, ast.Load)} - _passing(node)


def _passing(node: ast.AST) -> set[str]:
    """Names that live only within a statement: of loops, comprehensions and functions' arguments."""
    loops = [each.target for each in ast.walk(node) if isinstance(each, (ast.comprehension, ast.For))]
    found = {each.id for loop in loops for each in ast.walk(loop) if isinstance(each, ast.Name)}
    return found | {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
