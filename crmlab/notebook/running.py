"""``run``: a lesson called as a function."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from crmlab import files
from crmlab.errors import InputError
from crmlab.notebook.outcome import Run, find_failure
from crmlab.notebook.parallel import bar
from crmlab.notebook.parameters import Cell, Value, checked
from crmlab.notebook.recording import recorded
from crmlab.notebook.source import Source, read
from crmlab.places import Lesson
from crmlab.words import words

_runs = {"count": 0, "lock": threading.Lock()}


def run(
    lesson: Lesson | str | int | Path,
    parameters: Mapping[str, object] | None = None,
    out: str | Path | None = None,
    warm: bool = True,
    timeout: float | None = None,
    progress: bool = False,
) -> Run:
    """Execute a lesson with papermill and return the results it recorded.

    Parameters
    ----------
    lesson : str, int, path or Lesson
        ``"09"``, ``"loyalty"``, ``"09_loyalty"`` or a notebook's path.
    parameters : dict, optional
        Checked against the lesson's parameters cell before anything runs.
    out : path, optional
        Folder for the executed notebook and its results, ``09_loyalty.ipynb`` and ``09_loyalty.json``.
    warm : bool, optional
        Fork the kernel from a warm process where the system can. The first run of a process starts a plain
        kernel in any case, for warming up takes as long as one plain start.
    timeout : float, optional
        Seconds that the whole lesson may take.
    progress : bool, optional
        Whether to show a progress bar on standard error.

    Returns
    -------
    Run
        Failures of the lesson are in ``Run.error``; ``Run.raise_for_error()`` raises them.

    Raises
    ------
    InputError
        If the lesson or a parameter is unknown, a value is of the wrong type or out of range, or `out` is
        not a folder that can be written. Nothing is written then.
    """
    source = read(lesson)
    parameters = dict(parameters or {})
    values = checked(source.parameters, parameters, source.name)
    timeout = checked_timeout(timeout)
    out = None if out is None else _checked_folder(out, source)
    with _runs["lock"]:
        _runs["count"] += 1
        warm = warm and _runs["count"] > 1
    with bar(len(code_of(source)), source.name, words("notebook.cell_unit"), shown=progress) as shown:
        done = execute(source, parameters, values, warm, timeout, lambda _: shown.update())
    if out is not None:
        write(done, out)
    return done


def code_of(source: Source) -> list[Cell]:
    """The cells of a lesson that a run executes."""
    return [cell for cell in source.cells if cell["cell_type"] == "code" and cell["source"].strip()]


def execute(
    source: Source,
    given: Iterable[str],
    values: dict[str, Value],
    warm: bool,
    timeout: float | None = None,
    on_cell: Callable[[Cell], object] | None = None,
) -> Run:
    """Run a lesson whose parameters have been checked; `on_cell` is called after each cell that ran."""
    from crmlab.notebook import engine, kernels  # papermill takes a moment to import

    own = {cell.get("id") for cell in code_of(source)}
    injected = {name: values[name] for name in given}
    if warm:
        kernels.wait_until_warm()  # not counted as this lesson's time
    started = time.monotonic()
    notebook, failure = engine.execute(
        source, injected, warm, timeout, lambda cell: on_cell and cell.get("id") in own and on_cell(cell)
    )
    seconds = time.monotonic() - started
    results, twice = recorded(notebook.cells)
    failure = failure or find_failure(notebook, twice)
    return Run(source.name, values, results, seconds, failure, notebook)


def write(done: Run, out: str | Path) -> None:
    """Write an executed notebook and its results into the folder `out`."""
    from crmlab.notebook.storing import as_text

    files.write_text(Path(out) / f"{done.lesson}.ipynb", as_text(done.notebook))
    files.write_text(Path(out) / f"{done.lesson}.json", done.as_json())


def checked_timeout(timeout: float | None) -> float | None:
    """`timeout`, if it is None or a number of seconds above 0."""
    if timeout is not None and not 0 < timeout < float("inf"):
        raise InputError(f"timeout must be a number of seconds above 0, got {timeout!r}")
    return timeout


def _checked_folder(out: str | Path, source: Source) -> Path:
    folder = Path(out).expanduser()
    check_folder(folder, "out")
    if folder.resolve() == source.lesson.path.parent.resolve():
        raise InputError(f"out is the folder of the lesson itself, {str(out)!r}; name another one")
    return folder


def check_folder(folder: str | Path, what: str) -> None:
    """Refuse a folder that is a file, lies in a file, or cannot be written to; creates nothing."""
    nearest = Path(folder).absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise InputError(f"{what} is {str(folder)!r}, but {str(nearest)!r} is a file; name a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{what} is {str(folder)!r}, but {str(nearest)!r} cannot be written to")
