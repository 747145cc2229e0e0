"""The page in which a grader marks answers in words, all to one question side by side.

It needs no network and sends nothing anywhere: its button saves the table that ``crmlab mark --take`` reads.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crmlab.course.folder import Course
from crmlab.course.pages.templates import question_titles, template
from crmlab.exercises.masters import Master

SCRIPT = Path(__file__).with_name("marking.js")


def marking_page(course: Course, exercise: Master, grader: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The page for one grader.

    Parameters
    ----------
    rows : sequence of mapping
        Of the grader's table (`crmlab.course.marking.COLUMNS`).
    """
    titles = question_titles(exercise)
    questions = [
        {"asked": asked, "title": titles.get(name, ""), "task": _task(exercise, asked),
         "rows": [row for row in rows if row["question"] == name]}
        for name, asked in exercise.manual.items()
    ]  # fmt: skip
    return template("marking.html.j2").render(
        course=course,
        exercise=exercise,
        grader=grader,
        questions=[each for each in questions if each["rows"]],
        script=SCRIPT.read_text(encoding="utf-8"),
    )


def _task(exercise, asked):
    """The text above the answer's cell."""
    cells = exercise.notebook.cells
    at = next(number for number, cell in enumerate(cells) if cell.id == asked.cell)
    source = cells[at - 1].source if at and cells[at - 1].cell_type == "markdown" else ""
    return re.sub(r"^#+ .*\n+", "", source)  # its heading is the section's
