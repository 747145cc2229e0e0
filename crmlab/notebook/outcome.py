"""What came of running a lesson: its results, or where and why it failed."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crmlab.errors import listing

if TYPE_CHECKING:
    from nbformat import NotebookNode

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Failure:
    """Why and where a lesson did not run to its end."""

    name: str
    message: str
    cell: str = ""
    number: int | None = None
    line: str = ""
    traceback: str = field(default="", repr=False)

    def __str__(self) -> str:
        where = f"cell {self.cell!r} (code cell {self.number}): " if self.cell else ""
        line = f", at `{self.line}`" if self.line else ""
        return f"{where}{self.name}{': ' if self.message else ''}{self.message}{line}"

    def as_dict(self) -> dict[str, str | int | None]:
        return {
            "cell": self.cell,
            "number": self.number,
            "name": self.name,
            "message": self.message,
            "line": self.line,
        }


@dataclass(frozen=True)
class Run:
    """What came of running a lesson.

    Attributes
    ----------
    lesson : str
        The notebook's name, ``"09_loyalty"``.
    parameters : dict
        All of them, with the defaults that were used.
    results : dict
        What the lesson recorded, by name; on failure, up to there.
    seconds : float
    error : Failure or None
    notebook : nbformat.NotebookNode
        The executed notebook.
    """

    lesson: str
    parameters: dict[str, Any]
    results: dict[str, Any]
    seconds: float
    error: Failure | None
    notebook: "NotebookNode" = field(repr=False)

    @property
    def ok(self) -> bool:
        return self.error is None

    def raise_for_error(self) -> "Run":
        """Raise RuntimeError if the run failed; return the run otherwise."""
        if self.error is not None:
            raise RuntimeError(f"lesson {self.lesson} failed in {self.error}")
        return self

    def as_dict(self) -> dict[str, Any]:
        """What is the same on every machine: lesson, parameters, results, and the error if there is one."""
        content = {"lesson": self.lesson, "parameters": self.parameters, "results": self.results}
        return content if self.ok else {**content, "error": self.error.as_dict()}

    def as_json(self) -> str:
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def find_failure(notebook: "NotebookNode", twice: Mapping[str, list[str]]) -> Failure | None:
    """The first `Failure` that an executed notebook shows, or None; `twice` as `recorded` returns it."""
    failure = _failed_cell(notebook) or _unexecuted(notebook)
    if failure is None and twice:
        name, cells = next(iter(twice.items()))
        failure = Failure(
            "DuplicateResult",
            f"result {name!r} is recorded {len(cells)} times, "
            f"in {listing(dict.fromkeys(cells))}; give each result its own name",
            cells[-1],
            _number(notebook, cells[-1]),
        )
    return failure


def code_cells(notebook: "NotebookNode") -> list["NotebookNode"]:
    """The cells with code of the lesson itself, without the one that papermill injects."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code"
        and cell.source.strip()
        and "injected-parameters" not in cell.metadata.get("tags", [])
    ]


def _number(notebook: "NotebookNode", cell_id: str | None) -> int | None:
    return next((i for i, cell in enumerate(code_cells(notebook), 1) if cell.get("id") == cell_id), None)


def _failed_cell(notebook: "NotebookNode") -> Failure | None:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return failure_at(notebook, cell, output.ename, output.evalue, output.traceback)
    return None


def _unexecuted(notebook: "NotebookNode") -> Failure | None:
    """papermill is content with a notebook that ended early, as by ``sys.exit(0)``; a run is not."""
    for cell in code_cells(notebook):
        if cell.execution_count is None:
            return failure_at(
                notebook, cell, "NotExecuted", "the run ended before this cell; every code cell must run"
            )
    return None


def failure_at(
    notebook: "NotebookNode", cell: "NotebookNode", name: str, message: str, traceback: Sequence[str] = ()
) -> Failure:
    """A `Failure` in `cell`, with the source line if the traceback tells it."""
    text = _ANSI.sub("", "\n".join(traceback))
    found = re.search(r"(?:Cell In\[\d+\]|<ipython-input[^>]*>), line (\d+)", text)
    lines = cell.source.splitlines()
    line = lines[int(found[1]) - 1].strip() if found and int(found[1]) <= len(lines) else ""
    first = (_ANSI.sub("", message).strip().splitlines() or [""])[0]
    return Failure(name, first, cell.get("id", ""), _number(notebook, cell.get("id")), line, text)
