"""Importing an nbgrader source notebook: what carries over, and a list of what does not.

nbgrader judges by assertions that run beside the student's code; here a question is one value, computed by
the master and compared elsewhere. So each autograded test cell becomes ``answer(name, value)``, the value
being what its assertions look at: ``assert area(2) == 12.57`` asks for ``area(2)``. Solutions carry over with
their markers; what cannot be told apart from free code is named for the author to finish.
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

from crmlab import files
from crmlab.errors import InputError
from crmlab.exercises import running
from crmlab.exercises.authoring.writing import cell, free_path, notebook, title_of
from crmlab.exercises.copies import blocks
from crmlab.exercises.manual import ENDING
from crmlab.exercises.masters import BEGIN, END, UNREADABLE, Master, read_notebook, role
from crmlab.notebook.zygote import quick_import

with quick_import():
    import nbformat

COMPARING = {
    "isclose",
    "allclose",
    "array_equal",
    "approx",
    "assert_equal",
    "assert_almost_equal",
    "eq_",
    "assert_allclose",
    "assert_array_equal",
    "assert_array_almost_equal",
    "assertEqual",
    "assertAlmostEqual",
    "assert_frame_equal",
    "assert_series_equal",
}
HIDDEN = re.compile(r"^\s*###\s*(BEGIN|END) HIDDEN TESTS\s*$", re.MULTILINE)
MARKS = re.compile(r"^\s*###\s*(BEGIN|END) (MARK SCHEME)\s*$", re.MULTILINE)


@dataclass
class Imported:
    """What an import made, and what it could not.

    Attributes
    ----------
    path : pathlib.Path
    questions : dict of str to float
        Points by question.
    lost : list of str
        Sentences that an author can act on.
    """

    path: Path
    questions: dict[str, float] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


def import_source(file: Path | str, name: str) -> Imported:
    """Write a master from an nbgrader source notebook.

    Parameters
    ----------
    file : path
        A notebook of nbgrader's ``source/``.
    name : str
        Of the new exercise, ``12_churn``.

    Raises
    ------
    InputError
        If it is no source notebook, or nothing in it could become a question.
    """
    path, source = free_path(name), read_notebook(Path(file).expanduser())
    if not any("nbgrader" in each.metadata for each in source.cells):
        raise InputError(f"{str(file)!r} has no cell with nbgrader's metadata; it is no source notebook")
    for flat in (
        False,
        True,
    ):  # a list of what a cell's assertions look at; of its numbers, if that is too mixed
        done = _imported(path, source, name, flat)
        if not any(_NOT_RUNNING in each for each in done.lost):
            break
    return done


_NOT_RUNNING = "the master does not run yet"


def _imported(path, source, name, flat):
    done = Imported(path)
    made = _Made(done, flat)
    for each in source.cells:
        made.add(each)
    if not any(each.cell_type == "code" and role(each) == "check" for each in made.cells):
        raise InputError(
            f"{path.parent.name}: no autograded test could become a question; "
            + ("; ".join(done.lost[:5]) or "nothing is graded in the notebook")
        )
    _note_variants(done, source)
    title = title_of(name)
    cells = [
        cell("prose", "about", f"# {title}: practice"),
        cell("parameters", "parameters", "seed = 1  # your own version, 0 to 999999999"),
        cell(
            "given",
            "setup",
            ("import numpy as np\n\n" if flat else "") + "from crmlab.exercises import open_exercise\n\n"
            f'answer = open_exercise("{name}", seed=seed)',
        ),
        *made.cells,
    ]
    files.write_text(path, nbformat.writes(notebook(cells, name, title, 30)) + "\n")
    exercise = Master(path)
    try:
        running.questions(exercise, exercise.check_parameters({}))
    except InputError as error:
        done.lost.append(f"{_NOT_RUNNING}: {error}")
    return done


class _Made:
    """The cells made so far."""

    def __init__(self, done, flat):
        self.done, self.flat = done, flat
        self.cells, self.used = [], {"about", "parameters", "setup"}

    def add(self, given):
        grading = given.metadata.get("nbgrader", {})
        name = self._name(grading.get("grade_id") or given.get("id") or "cell")
        if given.cell_type == "raw":
            self._lose(name, "a raw cell, left out")
        elif given.cell_type == "markdown":
            self._add_prose(name, given.source, grading)
        elif grading.get("grade") and not grading.get("solution"):
            self._add_tests(name, given.source, grading)
        elif grading.get("solution"):
            self._add_solution(name, given.source, grading)
        else:
            self.cells.append(cell("given", name, self._plain(name, given.source)))

    def _name(self, wanted):
        base = re.sub(r"[^A-Za-z0-9_-]+", "-", str(wanted)).strip("-")[:60] or "cell"
        name, number = base, 2
        while name in self.used:
            name, number = f"{base}-{number}", number + 1
        self.used.add(name)
        return name

    def _lose(self, name, what):
        self.done.lost.append(f"{name}: {what}")

    def _plain(self, name, source):
        """Code as Python, without magics."""
        lines = source.splitlines()
        kept = [line for line in lines if not re.match(r"\s*[%!]", line)]
        if len(kept) < len(lines):
            self._lose(name, "lines with % or ! were left out; copies hold plain Python")
        return "\n".join(kept)

    def _add_prose(self, name, source, grading):
        if grading.get("task"):
            self._lose(
                name,
                f"a task marked by hand ({grading.get('points', 0)} points): kept as text; give its "
                "points in overrides.csv",
            )
            source = MARKS.split(source)[0]
        elif grading.get("grade") and grading.get("points"):
            self._add_manual(name, source, grading["points"])
            return
        elif grading.get("grade"):
            self._lose(name, "an answer in words that gives no points; left out")
            return
        self.cells.append(cell("prose", name, source.strip() or "…"))

    def _add_manual(self, name, source, points):
        """An answer in words, which people mark here as there."""
        question = f"q{len(self.done.questions) + 1}"
        before, _, inside = source.partition(BEGIN)
        expected = (inside.partition(END)[0] if inside else source).strip() or "…"
        if inside and before.strip():
            self.cells.append(cell("prose", self._name(f"{name}-task"), before.strip()))
        expected = MARKS.sub("", expected).strip()
        text = f"{BEGIN}\n{expected}\n{END}"
        self.cells.append(cell("manual", self._name(f"{question}{ENDING}"), text, points))
        self.done.questions[question] = points
        if MARKS.search(source):
            self._lose(name, "its mark scheme stands with the answer; write it in lines like '- 1: ...'")

    def _add_solution(self, name, source, grading):
        if grading.get("grade"):
            self._lose(
                name,
                f"code marked by hand ({grading.get('points', 0)} points): kept as a blank without points",
            )
        source = self._plain(name, source)
        try:
            ast.parse(source)
            if not blocks(source):
                source = f"{BEGIN}\n{source}\n{END}"
        except SyntaxError as error:
            self._lose(name, f"its solution is not plain Python ({error}); kept as text")
            self.cells.append(cell("prose", name, f"```python\n{source}\n```"))
            return
        self.cells.append(cell("solution", name, source))

    def _add_tests(self, name, source, grading):
        hidden = bool(HIDDEN.search(source))
        source = self._plain(name, HIDDEN.sub("", source))
        before, looked_at, lost = _assertions(source)
        points = grading.get("points", 0)
        if not looked_at:
            self._lose(name, f"its tests ({points} points) compare nothing that could be asked for; left out")
            return
        if lost:
            self._lose(
                name, f"{lost} of its {lost + len(looked_at)} assertions could not be turned into values"
            )
        if hidden:
            self._lose(name, "hidden tests are in sight now")
        if not points:
            self._lose(name, "it gave no points; it gives 1 now")
            points = 1
        if before:
            self.cells.append(cell("given", self._name(f"{name}-before"), before))
        question, value = f"q{len(self.done.questions) + 1}", looked_at[0]
        if len(looked_at) > 1:
            value = f"np.hstack([{', '.join(looked_at)}])" if self.flat else f"[{', '.join(looked_at)}]"
        self.cells.append(cell("check", name, f'answer("{question}", {value}, points={points:g})', points))
        self.done.questions[question] = points


def _assertions(source):
    """Code before the assertions, the expressions that they look at, and how many were not understood."""
    try:
        body = ast.parse(source).body
    except UNREADABLE:
        return "", [], 0
    before, looked_at, lost = [], [], 0
    for statement in body:
        test = statement.test if isinstance(statement, ast.Assert) else None
        if isinstance(statement, ast.Expr) and _is_comparing(statement.value):
            test = statement.value
        if test is None:
            if not isinstance(statement, (ast.Assert, ast.Expr)):
                before.append(statement)
            lost += isinstance(statement, (ast.With, ast.Try, ast.For, ast.If))
            continue
        found = _looked_at(test)
        if found is None:
            lost += 1
        elif found not in looked_at:
            looked_at.append(found)
    before = [
        each
        for each in before
        if not isinstance(each, (ast.With, ast.Try, ast.For, ast.If)) and not _imports_only_tests(each)
    ]
    return "\n".join(map(ast.unparse, before)), looked_at, lost


def _imports_only_tests(statement):
    return isinstance(statement, ast.ImportFrom) and (statement.module or "").split(".")[0] in (
        "nose",
        "pytest",
    )


def _is_comparing(node):
    name = node.func if isinstance(node, ast.Call) else None
    called = name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")
    return called in COMPARING and len(node.args) >= 1


def _looked_at(test):
    """The side of a comparison that comes from the student's code: the one that is no literal."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        sides = [test.left, test.comparators[0]]
        if isinstance(test.ops[0], (ast.Lt, ast.LtE)) and (inner := _difference(sides[0])):
            return inner  # abs(x - 3) < 0.01
        if isinstance(test.ops[0], ast.Eq):
            return _side(sides)
        return None
    if isinstance(test, ast.Call) and _is_comparing(test):
        return _side(test.args[:2])
    return None


def _difference(node):
    called = node.func if isinstance(node, ast.Call) else None
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    if name in ("abs", "fabs", "absolute") and len(node.args) == 1:
        match node.args[0]:
            case ast.BinOp(left=left, op=ast.Sub(), right=right):
                return _side([left, right])
    return None


def _side(sides):
    for side in sides:
        try:
            ast.literal_eval(side)
        except ValueError:
            names = {each.id for each in ast.walk(side) if isinstance(each, ast.Name)}
            if names:
                return ast.unparse(side)
    return None


def _note_variants(done, source):
    if not any("seed" in each.source for each in source.cells if each.cell_type == "code"):
        done.lost.append(
            "variants: nothing depends on seed yet, so everyone has the same numbers; draw them from "
            "np.random.default_rng([seed, 1])"
        )
    for what, pattern in (("tolerances", r"isclose|almost|approx|abs\("),):
        if any(re.search(pattern, each.source) for each in source.cells if each.cell_type == "code"):
            done.lost.append(f"{what}: numbers must agree to six digits now; say tolerance= or relative=")
    done.lost.append("hints, misconceptions and units: nbgrader has none; add them to the answer(...) cells")
