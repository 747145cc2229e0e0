"""Masters for the tests, and toy ones in a home of their own."""

import nbformat
import pytest

from crmlab.exercises import practice
from crmlab.exercises.masters import masters

PARAMETERS = "seed = 1  # your own version, 0 to 999999999"
SETUP = """import numpy as np
from crmlab.exercises import open_exercise

answer = open_exercise("90_toy", seed=seed)
rng = np.random.default_rng([seed, 1])
number = rng.uniform(1, 100)"""
SOLUTION = "### BEGIN SOLUTION\ndouble = 2 * number\n### END SOLUTION"
CHECK = """answer("q1", double, points=2, relative=0.001, hints=["Twice.", "Times two."],
       misconceptions={"half": (number / 2, "You took half.")})"""


def toy_notebook(check=CHECK, solution=SOLUTION, setup=SETUP, more=()):
    """A master with one question; `more` are (role, id, source) of further cells."""
    cells = [
        ("prose", "title", "# Toy"),
        ("parameters", "parameters", PARAMETERS),
        ("given", "setup", setup),
        ("solution", "q1-solution", solution),
        ("check", "q1-check", check),
        *more,
    ]
    notebook = nbformat.v4.new_notebook(metadata={"crmlab": {"title": "Toy"}})
    for role, name, source in cells:
        if role == "prose":
            notebook.cells.append(nbformat.v4.new_markdown_cell(source, id=name))
            continue
        grading = {
            "grade": role == "check",
            "grade_id": name,
            "locked": role != "solution",
            "schema_version": 3,
            "solution": role == "solution",
            "task": False,
        } | ({"points": 2} if role == "check" else {})
        tags = {"tags": [role]} if role in ("parameters", "reference") else {}
        notebook.cells.append(
            nbformat.v4.new_code_cell(source, id=name, metadata={"nbgrader": grading, **tags})
        )
    return notebook


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Call it to write a toy master into a home of its own; returns the Master."""
    home = tmp_path / "home"
    (home / "notebooks").mkdir(parents=True)
    (home / "exercises" / "90_toy").mkdir(parents=True)
    monkeypatch.setenv("CRMLAB_HOME", str(home))

    def write(**parts):
        nbformat.write(toy_notebook(**parts), home / "exercises" / "90_toy" / "master.ipynb")
        return masters()["90_toy"]

    return write


@pytest.fixture(autouse=True)
def forget_attempts():
    """Hints start anew in each test."""
    practice._attempts.clear()
