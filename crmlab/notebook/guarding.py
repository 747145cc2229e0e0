"""``check_parameters``: the ranges that a lesson's parameters cell states hold in the notebook, too.

``crmlab run`` refuses a value out of range before it runs anything. Whoever types one into the cell is told
by the same words: when the next cell checks, and from then on as soon as the value is typed.
"""

import ast
import sys
from typing import Any

from IPython.core.error import InputRejected

from crmlab.errors import InputError
from crmlab.notebook.parameters import Parameter
from crmlab.notebook.source import read
from crmlab.notebook.tables import translate_tables


class RefusedParameter(InputError, InputRejected):
    """A parameter out of its range, typed into a cell; IPython then does not run the cell."""


class Guard(ast.NodeTransformer):
    """Looks at what a cell assigns to a lesson's parameters before it runs; changes nothing."""

    def __init__(self, parameters: dict[str, Parameter]) -> None:
        self.parameters = parameters

    def visit(self, node: ast.AST) -> ast.AST:
        for statement in getattr(node, "body", []):
            if isinstance(statement, ast.Assign) and isinstance(statement.value, (ast.Constant, ast.UnaryOp)):
                for target in statement.targets:
                    if isinstance(target, ast.Name) and target.id in self.parameters:
                        self._check(target.id, statement.value)
        return node

    def _check(self, name: str, value: ast.expr) -> None:
        try:
            given = ast.literal_eval(value)
        except ValueError:
            return
        try:
            self.parameters[name].check(given)
        except InputError as error:
            raise RefusedParameter(str(error)) from None


def check_parameters(lesson: str, names: dict[str, Any] | None = None) -> None:
    """Hold a lesson's parameters to the ranges that its parameters cell states.

    Stands in the cell `imports`: ``check_parameters("09")``.

    Parameters
    ----------
    lesson : str
        ``"09"`` or ``"loyalty"``.
    names : dict, optional
        The values by name; those of the notebook if not given. Outside a notebook nothing is checked then.

    Raises
    ------
    InputError
        If there is no such lesson, or a value is of another type or out of its range.
    """
    translate_tables()
    known = read(lesson).parameters
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        shell.ast_transformers[:] = [each for each in shell.ast_transformers if not isinstance(each, Guard)]
        shell.ast_transformers.append(Guard(known))
    given = names if names is not None else getattr(shell, "user_ns", {})
    for name, parameter in known.items():
        if name in given:
            parameter.check(given[name])
