"""Both ways: our masters in nbgrader, nbgrader's sources here."""

import ast

import jsonschema
import nbformat
import pytest

from crmlab.course.nbgrader import _looked_at, import_source
from crmlab.errors import InputError
from crmlab.exercises.authoring.stress import stress
from crmlab.exercises.authoring.writing import new_master
from crmlab.exercises.copies import make_copy
from crmlab.exercises.masters import Master, masters

# What nbgrader 0.9 demands of a cell's metadata, schema version 3.
FLAG = {"type": "boolean"}
SCHEMA = {
    "type": "object",
    "required": ["schema_version", "grade", "locked", "solution"],
    "additionalProperties": False,
    "properties": {
        "schema_version": {"const": 3},
        "grade": FLAG,
        "locked": FLAG,
        "solution": FLAG,
        "task": FLAG,
        "grade_id": {"type": "string", "pattern": r"^[a-zA-Z0-9_\-]+$"},
        "points": {"type": "number", "minimum": 0},
        "checksum": {"type": "string"},
        "cell_type": {"enum": ["raw", "code", "markdown"]},
    },
}


def check_as_nbgrader_does(notebook):
    seen = set()
    for cell in notebook.cells:
        grading = cell.metadata.get("nbgrader")
        if grading is None:
            continue
        jsonschema.validate(grading, SCHEMA)
        assert grading["grade_id"] not in seen
        seen.add(grading["grade_id"])
        assert not grading["grade"] or "points" in grading
        assert not grading.get("task")
        by_hand = grading["grade"] and grading["solution"] and not grading["locked"]
        assert cell.cell_type == "code" or (cell.cell_type == "markdown" and by_hand)


def test_masters_and_copies_open_in_nbgrader():
    assert masters()
    for master in masters().values():
        check_as_nbgrader_does(master.notebook)
        check_as_nbgrader_does(make_copy(master, master.check_parameters({"seed": 5})))


def test_a_new_master_passes_its_test(home):
    made = new_master("91_churn")
    check_as_nbgrader_does(made.notebook)
    report = stress(made, 12)
    assert report.ok, report.problems


@pytest.mark.parametrize("name", ["churn", "91", "91_Churn", "../91_x", "90_again"])
def test_names_of_new_masters(home, name):
    with pytest.raises(InputError):
        new_master(name)


# ------------------------------------------------------------------------------------------------ importing


def source(*cells):
    """An nbgrader source notebook of (kind, id, source, points)."""
    flags = {
        "text": None,
        "given": (0, 0, 1),
        "solution": (0, 1, 0),
        "tests": (1, 0, 1),
        "by hand": (1, 1, 0),
        "prose by hand": (1, 1, 0),
        "task": (0, 0, 1),
    }
    notebook = nbformat.v4.new_notebook()
    for kind, name, text, points in cells:
        make = (
            nbformat.v4.new_markdown_cell
            if kind in ("text", "prose by hand", "task")
            else nbformat.v4.new_code_cell
        )
        cell = make(text)
        if flags[kind]:
            grade, solution, locked = map(bool, flags[kind])
            cell.metadata["nbgrader"] = {
                "schema_version": 3,
                "grade": grade,
                "solution": solution,
                "locked": locked,
                "task": kind == "task",
                "grade_id": name,
                "points": points,
            }
        notebook.cells.append(cell)
    return notebook


AREA = "def area(r):\n    ### BEGIN SOLUTION\n    return 3.14 * r**2\n    ### END SOLUTION"


def imported(tmp_path, *cells):
    path = tmp_path / "ps1.ipynb"
    nbformat.write(source(*cells), path)
    return import_source(path, "92_imported")


def test_what_carries_over(home, tmp_path):
    done = imported(
        tmp_path,
        ("text", "", "# Areas", 0),
        ("given", "start", "import math", 0),
        ("solution", "area", AREA, 0),
        ("tests", "area-1", "radius = 2\nassert area(1) == 3.14\nassert abs(area(radius) - 12.56) < 0.01", 2),
        ("solution", "word", "### BEGIN SOLUTION\nword = 'yes'\n### END SOLUTION", 0),
        ("tests", "word-1", "from nose.tools import assert_equal\nassert_equal(word, 'yes')", 1),
    )
    master = Master(done.path)
    assert done.questions == {"q1": 2, "q2": 1} and master.points == done.questions
    check_as_nbgrader_does(master.notebook)
    sources = {cell.id: cell.source for cell in master.notebook.cells}
    assert sources["area-1"] == 'answer("q1", [area(1), area(radius)], points=2)'
    assert sources["area-1-before"] == "radius = 2" and sources["word-1"] == 'answer("q2", word, points=1)'
    problems = stress(master, 3).problems
    assert problems and all(
        "the same in all variants" in each or "neighbouring" in each or "passes for" in each
        for each in problems
    ), problems  # it runs, solved and blank; variants are the author's


def test_mixed_forms_become_one_list_of_numbers(home, tmp_path):
    squares = (
        "def squares(n):\n    ### BEGIN SOLUTION\n    return [k**2 for k in range(n)]\n    ### END SOLUTION"
    )
    done = imported(
        tmp_path,
        ("solution", "s", squares, 0),
        ("tests", "t", "assert squares(2) == [0, 1]\nassert squares(3) == [0, 1, 4]", 1),
    )
    assert "np.hstack([squares(2), squares(3)])" in Master(done.path).checks["q1"].source
    assert not any("does not run" in each for each in done.lost)


def test_what_does_not_is_listed(home, tmp_path):
    done = imported(
        tmp_path,
        ("solution", "area", AREA, 0),
        (
            "tests",
            "ok",
            (
                "### BEGIN HIDDEN TESTS\nassert area(1) == 3.14\n"
                "### END HIDDEN TESTS\nassert isinstance(area(1), float)"
            ),
            2,
        ),
        ("tests", "raises", "try:\n    area(-1)\nexcept ValueError:\n    pass", 1),
        ("by hand", "plot", "### BEGIN SOLUTION\nprint(1)\n### END SOLUTION", 3),
        ("prose by hand", "why", "Because circles are round, the model answer.", 4),
        ("task", "task", "Do it.", 5),
        ("given", "magic", "%matplotlib inline\nprint(2)", 0),
        ("tests", "free", "assert area(2) == 12.56", 0),
    )
    listed = " ".join(done.lost)
    for said in (
        "ok: hidden tests are in sight now",
        "ok: 1 of its 2 assertions",
        "raises: its tests (1 points)",
        "plot: code marked by hand (3 points)",
        "task: a task marked by hand (5 points)",
        "magic: lines with %",
        "free: it gave no points",
        "variants: nothing depends on seed",
        "hints, misconceptions and units",
    ):
        assert said in listed, said
    exercise = Master(done.path)
    (asked,) = exercise.manual.values()
    assert (asked.points, asked.expected) == (4, "Because circles are round, the model answer.")
    copy = make_copy(exercise, exercise.check_parameters({}))
    assert not any("Because circles" in cell.source for cell in copy.cells)


@pytest.mark.parametrize(
    "test, looked_at",
    [
        ("x == 3", "x"),
        ("3 == x", "x"),
        ("f(2, [1]) == [1, 2]", "f(2, [1])"),
        ("math.isclose(x, 3)", "x"),
        ("np.allclose(3.0, g(x))", "g(x)"),
        ("abs(x - 3) <= 1e-6", "x"),
        ("np.abs(3 - x) < tol", "x"),
        ("assert_almost_equal(f(1), 2.5, 3)", "f(1)"),
        ("x > 3", None),
        ("isinstance(x, int)", None),
        ("x", None),
        ("True", None),
        ("3 == 3", None),
        ("a < b < c", None),
    ],
)
def test_what_an_assertion_looks_at(test, looked_at):
    assert _looked_at(ast.parse(test, mode="eval").body) == looked_at


@pytest.mark.parametrize(
    "cells, said",
    [
        ([("text", "", "# only text", 0)], "no cell with nbgrader's metadata"),
        ([("solution", "area", AREA, 0)], "no autograded test"),
    ],
)
def test_sources_that_are_none(home, tmp_path, cells, said):
    with pytest.raises(InputError, match=said):
        imported(tmp_path, *cells)
    assert not (home / "exercises" / "92_imported").exists()
