"""Exercise masters: where they are and what is in them.

A master is a notebook with its solutions. Its cells play one role each, told by nbgrader's metadata and tags:

given
    code that every copy keeps as it is (``locked``);
solution
    code with blanks between ``### BEGIN SOLUTION`` and ``### END SOLUTION``;
reference
    tagged ``reference``; wrong values, pictures: whatever only the master needs;
check
    ``grade``; one call ``answer("q1", value, points=2, ...)`` and nothing else;
manual
    a text cell with ``solution`` and ``grade``: a question that people mark (`crmlab.exercises.manual`);
cell of parameters
    tagged ``parameters``; plain assignments ``seed = 1  # your own version, 0 to 999999999``.
"""

import ast
import copy
import hashlib
import json
import os
import warnings
from functools import cached_property
from pathlib import Path
from typing import Any

from crmlab import places
from crmlab.errors import InputError, listing
from crmlab.exercises.manual import ManualQuestion, is_manual, manual_question
from crmlab.notebook.parameters import checked, read_parameters
from crmlab.notebook.zygote import quick_import

with quick_import():
    import nbformat

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
SCHEMA = 3  # nbgrader's cell metadata
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)  # what ast.parse raises


class Master:
    """One exercise: a master notebook and what can be read from it without running it.

    Parameters
    ----------
    path : pathlib.Path
        ``exercises/09_loyalty/master.ipynb``.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path).resolve()
        self.name = self.path.parent.name
        self.picks: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"Master({self.name!r})"

    # ------------------------------------------------------------------------------- alternative questions

    @property
    def alternatives(self) -> dict[str, list[str]]:
        """``{question: [alternative]}`` as the cells' tags ``alternative:q2:b`` name them, in order."""
        found = {}
        for cell in self.notebook.cells:
            if told := alternative(cell):
                found.setdefault(told[0], {})[told[1]] = None
        return {question: list(names) for question, names in found.items()}

    def picked(self, parameters: dict) -> dict[str, str]:
        """The alternative of each question that a learner's parameters pick; each question by itself."""
        return {
            question: names[_number(self.name, question, parameters) % len(names)]
            for question, names in self.alternatives.items()
        }

    def drawn(self, parameters: dict) -> "Master":
        """The exercise as one learner has it: of alternative questions, those that their parameters pick.

        What has been drawn once stays as it is: fresh numbers for the same questions.
        """
        return self if self.picks is not None else self.taking(self.picked(parameters))

    def taking(self, picks: dict[str, str]) -> "Master":
        """The exercise with these alternatives and no others."""
        one = Master(self.path)
        one.name, one.picks = self.name, dict(picks)
        one.version, one.notebook = self.version, copy.deepcopy(self.notebook)
        one.notebook.cells = [
            cell
            for cell in one.notebook.cells
            if (told := alternative(cell)) is None or picks.get(told[0], told[1]) == told[1]
        ]
        return one

    @cached_property
    def notebook(self) -> nbformat.NotebookNode:
        return read_notebook(self.path)

    @cached_property
    def about(self) -> dict[str, Any]:
        """What the notebook's metadata say: ``title``, ``minutes``, ``lesson``."""
        return dict(self.notebook.metadata.get("crmlab", {}))

    @property
    def title(self) -> str:
        return self.about.get("title", self.name)

    @cached_property
    def version(self) -> str:
        """Digest of the cells: changes when anything a learner could notice changes."""
        cells = [
            (cell.get("id"), cell.cell_type, cell.source, sorted(cell.metadata.get("tags", [])))
            for cell in self.notebook.cells
        ]
        return hashlib.sha256(repr(cells).encode()).hexdigest()[:16]

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """``{name: Parameter}`` of the parameters cell."""
        found = read_parameters(self.notebook.cells)
        if not found:
            raise InputError(
                f"{self.name}/master.ipynb has no cell tagged parameters with a line like seed = 1"
            )
        return found

    @cached_property
    def checks(self) -> dict[str, Any]:
        """``{question: cell}`` for every check cell, in order."""
        found = {}
        for cell in self.notebook.cells:
            if role(cell) == "check":
                call = answer_call(cell.source)
                if call is None:
                    raise InputError(
                        f"cell {cell.get('id')!r} of {self.name} is graded; it must be one call "
                        'answer("name", value, ...)'
                    )
                found[call.args[0].value] = cell
        return found

    @cached_property
    def functions(self) -> list[str]:
        """Questions that are answered by a function: their check cells name ``inputs``."""
        return [
            name
            for name, cell in self.checks.items()
            if any(told.arg == "inputs" for told in answer_call(cell.source).keywords)
        ]

    @property
    def points(self) -> dict[str, float]:
        """``{question: points}`` as the check cells' metadata declare them."""
        return {name: cell.metadata.nbgrader.points for name, cell in self.checks.items()}

    @cached_property
    def manual(self) -> dict[str, ManualQuestion]:
        """``{question: ManualQuestion}`` of those that are answered in words, in order."""
        found = [manual_question(cell) for cell in self.notebook.cells if role(cell) == "manual"]
        double = [each.name for each in found if each.name in self.checks]
        if double or len({each.name for each in found}) < len(found):
            raise InputError(f"{self.name} asks {listing(double) or 'a question in words'} twice")
        return {each.name: each for each in found}

    @property
    def all_points(self) -> dict[str, float]:
        """``{question: points}`` of all questions, those marked by people too, in the notebook's order."""
        at = {cell.id: number for number, cell in enumerate(self.notebook.cells)}
        places = {name: at[cell.id] for name, cell in self.checks.items()}
        places |= {name: at[each.cell] for name, each in self.manual.items()}
        worth = self.points | {name: each.points for name, each in self.manual.items()}
        return {name: worth[name] for name in sorted(places, key=places.__getitem__)}

    def check_parameters(self, given: dict[str, Any]) -> dict[str, Any]:
        """Complete and checked parameters: `given` over the defaults."""
        return checked(self.parameters, given, self.name)


def alternative(cell: Any) -> tuple[str, str] | None:
    """The question and the alternative to which a cell belongs, by its tag ``alternative:q2:b``, or None."""
    for tag in cell.metadata.get("tags", []):
        if isinstance(tag, str) and tag.startswith("alternative:") and tag.count(":") == 2:
            _, question, name = tag.split(":")
            return question, name
    return None


def _number(name, question, parameters):
    """A number that follows from a learner's parameters, another one for each question."""
    told = json.dumps([name, question, sorted(parameters.items())], default=str)
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:8])


def masters() -> dict[str, Master]:
    """All masters there are, by name."""
    folder = places.root() / "exercises"
    return {path.parent.name: Master(path) for path in sorted(folder.glob("*/master.ipynb"))}


def master(which: str | int | Path) -> Master:
    """The master that `which` names: ``"09"``, ``9``, ``"loyalty"`` or ``"09_loyalty"``.

    One outside the repository is named by its path: ``path/to/12_churn`` or its ``master.ipynb``.

    Raises
    ------
    InputError
        If there is none; the message lists the exercises.
    """
    text = str(which).strip()
    if "/" in text or os.sep in text or text.endswith(".ipynb"):
        path = Path(text).expanduser()
        path = path / "master.ipynb" if path.is_dir() else path
        if path.name != "master.ipynb" or not path.is_file():
            raise InputError(f"no master.ipynb at {text[:200]!r}")
        return Master(path)
    known = masters()
    for name, each in known.items():
        number, _, word = name.partition("_")
        if text in (name, number, word) or (
            text.isdecimal() and number.isdecimal() and int(text) == int(number)
        ):
            return each
    raise InputError(f"no exercises {text[:60]!r}; there are {listing(known) or 'none yet'}")


# ------------------------------------------------------------------------------------------ reading cells


def role(cell: Any) -> str:
    """``parameters``, ``given``, ``solution``, ``reference``, ``check``, ``manual`` or ``prose``."""
    tags, grading = cell.metadata.get("tags", []), cell.metadata.get("nbgrader", {})
    if cell.cell_type != "code":
        return "manual" if is_manual(cell) else "prose"
    for tag in ("parameters", "reference"):
        if tag in tags:
            return tag
    if grading.get("grade"):
        return "check"
    return "solution" if grading.get("solution") else "given"


def answer_call(source: str) -> ast.Call | None:
    """The call in ``answer("q1", value, ...)`` if that is all that `source` does, else None."""
    try:
        body = ast.parse(source).body
    except UNREADABLE:
        return None
    if len(body) != 1 or not isinstance(body[0], ast.Expr) or not isinstance(body[0].value, ast.Call):
        return None
    call = body[0].value
    named = isinstance(call.func, ast.Name) and call.func.id == "answer"
    fits = (
        len(call.args) == 2 and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    )
    return call if named and fits else None


def read_notebook(path: Path | str) -> nbformat.NotebookNode:
    """The notebook at `path`, of format 4.

    Raises
    ------
    InputError
        If there is no such file, or it is no notebook that can be used.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise InputError(f"{str(path)!r} is not a file; name a notebook")
        if size > 50_000_000:
            raise InputError(
                f"{path} has {size / 1e6:.0f} MB; that is no exercise. Clear its outputs and try again"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nbformat mends missing and double ids, and says so
            notebook = nbformat.reads(path.read_text(encoding="utf-8-sig"), as_version=4)
            nbformat.validate(notebook, relax_add_props=True)
        if not all("metadata" in cell and "source" in cell for cell in notebook.cells):
            raise ValueError("a cell lacks its source or metadata")
    except FileNotFoundError:
        raise InputError(f"no file {str(path)!r}") from None
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from None
    except InputError:
        raise
    except Exception as error:  # nbformat raises many kinds, KeyError and RecursionError among them
        what = (str(error).splitlines() or [""])[0][:120]
        raise InputError(
            f"{str(path)!r} is not a Jupyter notebook that can be read ({type(error).__name__}: {what})"
        ) from None
    return notebook
