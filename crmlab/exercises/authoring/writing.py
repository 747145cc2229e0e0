"""A new master to start from: one question that runs and passes the stress test."""

import re
from pathlib import Path
from typing import Any

from crmlab import files, places
from crmlab.errors import InputError
from crmlab.exercises.masters import SCHEMA, Master, masters
from crmlab.notebook.zygote import quick_import

with quick_import():
    import nbformat

NAME = re.compile(r"\d\d_[a-z][a-z0-9_]*")

_WELCOME = """# {title}: practice

One question, about {minutes} minutes. The numbers are yours alone: they follow from the `seed` below.

Replace the dots under `# YOUR CODE HERE`, run the cell, then run the `answer(...)` cell below it."""
_SETUP = """import numpy as np

from crmlab.exercises import open_exercise

answer = open_exercise("{name}", seed=seed)"""
_GIVEN = """rng = np.random.default_rng([seed, 1])                 # a generator of its own for each question
margin = int(rng.integers(40, 400))                    # euros a year, received at the end of each year
retention = round(float(rng.uniform(0.84, 0.92)), 3)  # a year
discount = round(float(rng.uniform(0.06, 0.12)), 3)   # a year
print(f"{margin = }, {retention = }, {discount = }")"""
_TASK = """## 1 What is a customer worth?

A customer who has just signed stays from year to year with probability `retention`. At the end of every year
that they stay for, you receive `margin`; a euro next year is worth `1 / (1 + discount)` today.

**q1.** What is this customer worth today? Call it `worth`."""
_SOLUTION = """### BEGIN SOLUTION
worth = margin * retention / (1 + discount - retention)
### END SOLUTION
worth"""
_REFERENCE = """undiscounted = margin * retention / (1 - retention)
paid_at_once = margin * (1 + discount) / (1 + discount - retention)"""
_CHECK = """answer(
    "q1", worth, points=2, relative=0.001, units="euros",
    hints=[
        "Write down what the first, second and third year bring: a geometric series.",
        "The ratio of the series is `retention / (1 + discount)`.",
    ],
    misconceptions={
        "no discounting": (undiscounted, "That counts a euro in twenty years like one today."),
        "paid at once": (paid_at_once, "That has the first margin today, and for certain. It comes at the "
                                       "end of the first year, from those who stay."),
    },
    moral="Most of the worth lies in the years after the first.",
)"""


def metadata(name: str, role: str, points: float | None = None) -> dict[str, Any]:
    """The metadata of a master's cell in nbgrader's schema."""
    grading = {
        "grade": role in ("check", "manual"),
        "grade_id": name,
        "locked": role not in ("solution", "manual"),
        "schema_version": SCHEMA,
        "solution": role in ("solution", "manual"),
        "task": False,
    }
    if points is not None:
        grading["points"] = points
    return {"nbgrader": grading, **({"tags": [role]} if role in ("parameters", "reference") else {})}


def cell(role: str, name: str, source: str, points: float | None = None) -> nbformat.NotebookNode:
    """A cell of a master."""
    if role == "prose":
        return nbformat.v4.new_markdown_cell(source, id=name)
    if role == "manual":
        return nbformat.v4.new_markdown_cell(source, id=name, metadata=metadata(name, role, points))
    return nbformat.v4.new_code_cell(source, id=name, metadata=metadata(name, role, points))


def notebook(cells: list, name: str, title: str, minutes: int) -> nbformat.NotebookNode:
    """A master of these cells, for lesson `name`."""
    about = {"title": f"{title}: practice", "lesson": name, "minutes": minutes}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(
        cells=cells, metadata={"crmlab": about, "kernelspec": kernel, "language_info": {"name": "python"}}
    )


def new_master(name: str, folder: Path | str | None = None) -> Master:
    """Write a master with one question that runs and passes the stress test.

    Parameters
    ----------
    name : str
        ``12_churn``; of a lesson, if it is one's exercise.
    folder : path, optional
        Where ``12_churn/master.ipynb`` goes; by default among the exercises that come with crmlab, where
        everyone can read it.
    """
    path = free_path(name, folder)
    title = title_of(name)
    cells = [
        cell("prose", "title", _WELCOME.format(title=title, minutes=10)),
        cell("parameters", "parameters", "seed = 1  # your own version, 0 to 999999999"),
        cell("given", "setup", _SETUP.format(name=name)),
        cell("prose", "q1-task", _TASK),
        cell("given", "q1-given", _GIVEN),
        cell("solution", "q1-solution", _SOLUTION),
        cell("reference", "q1-reference", _REFERENCE),
        cell("check", "q1-check", _CHECK, points=2),
    ]
    files.write_text(path, nbformat.writes(notebook(cells, name, title, 10)) + "\n")
    return Master(path)


def free_path(name: str, folder: Path | str | None = None) -> Path:
    """Where a new master goes, refusing names that do not fit and masters that are there."""
    if not NAME.fullmatch(name):
        raise InputError(f"NAME is {name!r}; write two digits, _ and small letters, like 12_churn")
    if folder is not None:
        path = Path(folder).expanduser() / name / "master.ipynb"
        if path.exists():
            raise InputError(f"{str(path)!r} is there already; choose another name")
        return path
    taken = [each for each in masters() if each.partition("_")[0] == name.partition("_")[0]]
    if taken:
        raise InputError(f"there is an exercise {taken[0]!r} already; choose another number")
    return places.root() / "exercises" / name / "master.ipynb"


def title_of(name: str) -> str:
    """The title of the lesson that bears the name, else the name in words."""
    for lesson in places.lessons():
        if lesson.stem == name:
            about = nbformat.read(lesson.path, 4).metadata.get("crmlab", {})
            return about.get("title") or name
    return name.partition("_")[2].replace("_", " ").capitalize()
