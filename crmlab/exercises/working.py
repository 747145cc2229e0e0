"""A learner's notebook at work: a plan's cells, run in one namespace, and what its questions are answered.

Whoever runs a plan says where: `crmlab.exercises.foretelling` in a process of the learner's own,
`crmlab.grading.inside` behind walls.
"""

import ast
import asyncio
import builtins
import importlib
import inspect
import linecache
import signal
import sys
import types
from typing import Any

from crmlab.exercises import running
from crmlab.exercises.calling import returned
from crmlab.exercises.plain import plain
from crmlab.exercises.source import parsed

_eval, _exec, _compile = eval, exec, compile  # students may put others in their place
TEXT = 300  # characters of an error that are passed on


class _Ignore:
    """Stands in for ``answer``: what is graded is asked for by name."""

    def __call__(self, *values, **told):
        return None

    def hint(self, name=None):
        return None


class Work:
    """The namespace that a notebook's cells share, and the running of its questions."""

    def __init__(self, plan: dict[str, Any]):
        self.parameters = plan["parameters"]
        self.module = types.ModuleType("__main__")
        self.names = self.module.__dict__
        self.names["__builtins__"] = builtins
        sys.modules["__main__"] = self.module
        running._collector.set(_Ignore())
        builtins.get_ipython = self.shell
        from IPython.display import display

        builtins.display = display
        sys.argv = ["notebook"]
        sys.path.insert(0, "")  # as in a notebook: a module that a cell has written can be imported
        self._shell = None
        import warnings

        warnings.simplefilter("ignore")

    def shell(self) -> Any:
        """IPython, made when a notebook's magic asks for it."""
        if self._shell is None:
            from IPython.core.interactiveshell import InteractiveShell
            from traitlets.config import Config

            class Shell(InteractiveShell):
                def enable_matplotlib(self, gui=None):
                    return "agg", "agg"  # pictures go nowhere

                def enable_gui(self, gui=None):
                    pass

            config = Config()
            config.HistoryManager.enabled = False
            config.InteractiveShell.colors = "NoColor"
            self._shell = Shell.instance(user_module=self.module, user_ns=self.names, config=config)
        return self._shell

    def question(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run the cells of a question and give its answer."""
        signal.alarm(0)
        trouble = None
        for cell in asked["cells"]:
            self.names.update(self.parameters) if cell["role"] == "given" else None
            failed = self.run(cell)
            if failed and cell["role"] != "extra":
                trouble = failed
            if failed and "exited" in failed:
                trouble = failed
        if asked["expression"] is None:
            return {"skipped": True}
        if trouble and trouble.get("error", {}).get("type", "").endswith("MemoryError"):
            return trouble
        try:
            return {
                "answer": self.value(asked),
                **({"exited": True} if trouble and "exited" in trouble else {}),
            }
        except _NoValue:
            return trouble or {"unnamed": asked["expression"][:TEXT]}
        except BaseException as error:
            return trouble or _told(error, "")

    def value(self, asked: dict[str, Any]) -> Any:
        """What the check cell's expression gives; if it is blank, what the student's own one gives."""
        found = ...
        for expression in (asked["expression"], asked["own_expression"]):
            try:
                found = _eval(expression, self.names) if expression else ...
            except NameError:
                if expression == asked["expression"]:
                    found = _NoValue
            if found is not ... and found is not None and found is not _NoValue:
                break
        if found is _NoValue:
            raise _NoValue
        return plain(found) if asked.get("inputs") is None else returned(found, asked["inputs"])

    def run(self, cell: dict[str, Any]) -> dict[str, Any] | None:
        """Run one cell; None, or what went wrong."""
        place = f"<{cell['id']}>"
        try:
            if cell["role"] == "parameters":
                self.names.update(self.parameters)
                return None
            importlib.invalidate_caches()
            tree = parsed(cell["source"])
            linecache.cache[place] = (len(cell["source"]), None, cell["source"].splitlines(True), place)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            self.execute(tree, place)
            if last is not None:
                self.names["_"] = self.execute(ast.Expression(last.value), place)
        except SystemExit:
            return {"exited": True}
        except BaseException as error:
            return _told(error, place)
        return None

    def execute(self, tree: ast.Module | ast.Expression, place: str) -> Any:
        """Run a part of a cell, ``await`` at its top level included; an expression's value."""
        mode = "eval" if isinstance(tree, ast.Expression) else "exec"
        code = _compile(tree, place, mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        if code.co_flags & inspect.CO_COROUTINE:
            return asyncio.run(_eval(code, self.names))
        return _eval(code, self.names) if mode == "eval" else _exec(code, self.names)


class _NoValue(Exception):
    pass


def _told(error, place):
    """An error as data: its type, its message, and the line of the cell it came from."""
    line, cell, trace = None, place.strip("<>"), error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == place:
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and line is None:
        line = error.lineno
    try:
        message = str.__str__(str(error))[:TEXT]
    except BaseException:
        message = ""
    return {"error": {"type": type(error).__name__[:60], "message": message, "line": line, "cell": cell}}
