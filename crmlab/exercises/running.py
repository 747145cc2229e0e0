"""Running an exercise's cells in this process, quietly, and collecting what its questions were answered.

The cells run in a namespace of their own, so nothing that a learner has defined reaches them and nothing of
theirs reaches the learner. While they run, `crmlab.exercises.open_exercise` hands them a collector in place
of the cards.
"""

import contextlib
import io
import random
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from crmlab.errors import InputError
from crmlab.exercises.masters import Master, role
from crmlab.exercises.plain import plain
from crmlab.exercises.questions import Question, question

_collector = ContextVar("crmlab_exercise_collector", default=None)


def collector() -> Any:
    """What collects answers here and now, or None when they are a learner's."""
    return _collector.get()


class Asked:
    """Collects the questions of a master."""

    def __init__(self):
        self.found = {}

    def __call__(self, name: str, value: Any, **told: Any) -> None:
        if name in self.found:
            raise InputError(f"question {name!r} is asked twice")
        self.found[name] = question(name, value, told)

    def hint(self, name: Any = None) -> None:
        """Nothing: hints are for learners."""


class Given(Asked):
    """Collects the answers of a copy, as plain data; the last one counts.

    Parameters
    ----------
    questions : dict of str to Question, optional
        What the copy is asked; needed where answers are functions.
    """

    def __init__(self, questions: dict[str, Question] | None = None):
        super().__init__()
        self.questions = questions or {}

    def __call__(self, name: str, value: Any = ..., **told: Any) -> None:
        known = self.questions.get(name)
        self.found[name] = known.kind.observe(value) if known else plain(value)


def questions(master: Master, parameters: dict[str, Any]) -> dict[str, Question]:
    """The questions of `master` for one learner's parameters, right answers and all.

    Cached. The right answer is what the master returns, so this runs its cells.

    Returns
    -------
    dict of str to Question

    Raises
    ------
    InputError
        If the master does not run or asks something that does not fit.
    """
    stamp = master.path.stat().st_mtime_ns
    picks = master.picked(parameters) if master.picks is None else master.picks
    return _questions(
        str(master.path), stamp, tuple(sorted(parameters.items())), tuple(sorted(picks.items()))
    )


@lru_cache(maxsize=512)
def _questions(path, stamp, parameters, picks):  # noqa: ARG001 (a changed file has another stamp)
    master = Master(path).taking(dict(picks))
    asked = run_cells(master.notebook.cells, dict(parameters), Asked(), master.name)
    if list(asked) != list(master.checks):
        raise InputError(f"{master.name} asked {list(asked)} but has check cells for {list(master.checks)}")
    return asked


def run_cells(
    cells: Sequence[Any], parameters: dict[str, Any], collect: Asked, name: str, times: int = 1
) -> dict[str, Any]:
    """Run code cells one after the other and return what `collect` found.

    Parameters
    ----------
    cells : list of NotebookNode
    parameters : dict
        Set right after the cell tagged ``parameters``.
    collect : Asked or Given
    name : str
        Of the exercise, for messages.
    times : int
        How often each cell is run before the next one, as learners do.

    Raises
    ------
    InputError
        If a cell raises; the message names the cell, the line and the error.
    """
    namespace = {"__name__": "__main__"}
    token = _collector.set(collect)
    try:
        with quiet():
            for cell in cells:
                for _ in range(times if cell.cell_type == "code" else 0):
                    _run_cell(cell, namespace, name)
                    if role(cell) == "parameters":
                        namespace.update(parameters)
    finally:
        _collector.reset(token)
    return collect.found


def _run_cell(cell, namespace, name):
    place = f"{name}:{cell.get('id', '?')}"
    try:
        exec(compile(cell.source, f"<{place}>", "exec"), namespace)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a cell must not end its host
        trace, line = error.__traceback__, "?"
        while trace:
            if trace.tb_frame.f_code.co_filename == f"<{place}>":
                line = trace.tb_lineno
            trace = trace.tb_next
        raise InputError(f"{place}, line {line}: {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No output, no shown figures, no warnings, and the caller's global state as it was."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(_no_output())
        stack.enter_context(_same_random_state())
        stack.enter_context(_no_figures())
        yield


@contextlib.contextmanager
def _no_output():
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        from IPython.utils.capture import capture_output

        with capture_output():  # print and display alike
            yield
    else:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield


@contextlib.contextmanager
def _same_random_state():
    import numpy as np

    legacy, builtin = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(legacy)
        random.setstate(builtin)


@contextlib.contextmanager
def _no_figures():
    """Figures drawn by pyplot inside are closed, its style is restored, and `show` shows nothing."""
    import matplotlib.pyplot as plt
    from matplotlib import rc_context

    before, active, show = set(plt.get_fignums()), None, plt.show
    if before:
        active = plt.gcf().number
    plt.show = lambda *args, **options: None
    try:
        with rc_context():
            yield
    finally:
        plt.show = show
        for number in set(plt.get_fignums()) - before:
            plt.close(number)
        if active is not None and plt.fignum_exists(active):
            plt.figure(active)
