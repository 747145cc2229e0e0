"""The gradebook, and files that Canvas and Moodle import.

Everything is a function of the roster, the reports, ``overrides.csv`` and ``course.toml``: called again, it
writes the same bytes.
"""

import re
from dataclasses import dataclass, field

from crmlab import files
from crmlab.course.intake.records import read_records
from crmlab.course.marks import marks
from crmlab.course.tables import table_text
from crmlab.errors import InputError
from crmlab.words import words


@dataclass
class Gradebook:
    """What was written, and how many marks are still open by exercise."""

    paths: list = field(default_factory=list)
    open: dict = field(default_factory=dict)


def write_gradebook(course):
    """Write ``gradebook.csv`` and the folder ``gradebook/``.

    Returns
    -------
    Gradebook
    """
    exercises = [course.exercise(name) for name in course.exercises]
    if not exercises:
        raise InputError("nothing has been released in this course, so there are no marks")
    columns = {each.name: marks(course, each) for each in exercises}
    done = Gradebook()
    for name, found in columns.items():
        count = sum(mark.total is None for mark in found)
        if count:
            done.open[name] = count
    tables = {"gradebook.csv": _overall(course, columns), "gradebook/canvas.csv": _canvas(course, columns)}
    for exercise in exercises:
        tables[f"gradebook/{exercise.name}.csv"] = _detailed(exercise, columns[exercise.name])
        tables[f"gradebook/moodle_{exercise.name}.csv"] = _moodle(course, columns[exercise.name])
    for name, text in tables.items():
        done.paths.append(files.write_text(course.path(name), text))
    course.log("gradebook", files=list(tables), open=done.open)
    return done


def number(value):
    """Points as people write them: ``7.5``, ``10``; nothing for None."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def _overall(course, columns):
    rows = []
    for at, student in enumerate(course.students):
        mine = {name: found[at] for name, found in columns.items()}
        row = {"id": student.id, "name": student.name, "email": student.email}
        row |= {name: number(mark.total) for name, mark in mine.items()}
        row["total"] = number(sum(mark.total or 0 for mark in mine.values()))
        row["possible"] = number(sum(mark.possible for mark in mine.values()))
        rows.append(row)
    return table_text(["id", "name", "email", *columns, "total", "possible"], rows)


def _detailed(exercise, found):
    questions = list(exercise.checks)
    rows = []
    for mark in found:
        points = {each.name: number(each.points) for each in mark.questions}
        rows.append(
            {
                "id": mark.student.id,
                "name": mark.student.name,
                "status": mark.status,
                **points,
                "earned": number(mark.earned),
                "handed_in": mark.when,
                "days_late": mark.days_late,
                "percent_off": number(mark.percent_off),
                "total": number(mark.total),
                "possible": number(mark.possible),
                "overridden": "yes" if mark.overridden else "",
                "comment": " ".join(_comments(mark)),
            }
        )
    after = ["earned", "handed_in", "days_late", "percent_off", "total", "possible", "overridden", "comment"]
    return table_text(["id", "name", "status", *questions, *after], rows)


def _canvas(course, columns):
    """Canvas takes students by its own number, by SIS id or by login, whichever is there."""
    titles = {name: course.settings(name).canvas or found[0].exercise for name, found in columns.items()}
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles.values()]
    possible = {titles[name]: number(found[0].possible) for name, found in columns.items()}
    rows = [{"Student": "    Points Possible", **possible}]
    for at, student in enumerate(course.students):
        row = {
            "Student": student.name,
            "ID": student.extra.get("canvas_id", ""),
            "SIS User ID": student.extra.get("sis_id", student.id),
            "SIS Login ID": student.extra.get("login", student.email),
            "Section": student.extra.get("section", ""),
        }
        row |= {titles[name]: number(found[at].total) for name, found in columns.items()}
        rows.append(row)
    return table_text(header, rows)


def _moodle(course, found):
    """Fits both of Moodle's doors: the assignment's grading worksheet and the gradebook's CSV import."""
    records = read_records(course, found[0].exercise)
    rows = [
        {
            "Identifier": _participant(mark.student, records.get(mark.student.id, {})),
            "Full name": mark.student.name,
            "ID number": mark.student.id,
            "Email address": mark.student.email,
            "Grade": number(mark.total),
            "Maximum grade": number(mark.possible),
            "Last modified (grade)": "-",
            "Feedback comments": in_short(mark),
        }
        for mark in found
    ]
    return table_text(list(rows[0]), rows)


def _participant(student, record):
    """Moodle's number of the participant: from the roster, else from the name of the downloaded file."""
    match = re.search(r"_(\d+)_assignsubmission_", record.get("file", ""))
    given = student.extra.get("moodle_id") or (match[1] if match else "")
    return f"Participant {given}" if given else ""


def in_short(mark):
    """A mark in one line of text."""
    if mark.status != "graded":
        return words(f"feedback.status_{mark.status.replace(' ', '_')}")
    parts = [f"{each.name}: {number(each.points)} / {number(each.possible)}" for each in mark.questions]
    if mark.percent_off:
        parts.append(words("feedback.late_short", percent=number(mark.percent_off)))
    return "; ".join(parts + _comments(mark))


def _comments(mark):
    """What the instructor says of single questions, then of the whole."""
    return [comment for each in mark.questions for comment in each.comments] + mark.comments
