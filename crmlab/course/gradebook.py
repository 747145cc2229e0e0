"""The gradebook: one row a student, details and statistics, and files that Canvas and Moodle import.

Everything is a function of the roster, the reports, what people marked, ``overrides.csv`` and
``course.toml``: called again, it writes the same bytes. Only Moodle's file names the time at which a grade
was first written so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from crmlab import files
from crmlab.course.folder import Course
from crmlab.course.marks import Mark, marks
from crmlab.course.platforms import canvas_table, comments_of, moodle_table
from crmlab.course.statistics import QuestionStatistics, question_statistics
from crmlab.course.tables import number, table_text
from crmlab.errors import InputError
from crmlab.exercises.masters import Master


@dataclass
class Gradebook:
    """What was written, and what is still open.

    Attributes
    ----------
    paths : list of Path
    open : dict of str to int
        Marks that are still open, by exercise.
    unmarked : dict of str to int
        Marks of which people have still to mark a question, by exercise.
    """

    paths: list[Path] = field(default_factory=list)
    open: dict[str, int] = field(default_factory=dict)
    unmarked: dict[str, int] = field(default_factory=dict)


def write_gradebook(course: Course) -> Gradebook:
    """Write ``gradebook.csv`` and the folder ``gradebook/``."""
    exercises = [course.exercise(name) for name in course.exercises]
    if not exercises:
        raise InputError("nothing has been released in this course, so there are no marks")
    columns = {each.name: marks(course, each) for each in exercises}
    done, now = Gradebook(), datetime.now(UTC)
    for name, found in columns.items():
        _count_open(done, name, found)
    tables = {
        "gradebook.csv": _overall(course, columns),
        "gradebook/canvas.csv": canvas_table(course, columns),
    }
    for exercise in exercises:
        name, found = exercise.name, columns[exercise.name]
        tables[f"gradebook/{name}.csv"] = _detailed(exercise, found)
        tables[f"gradebook/statistics_{name}.csv"] = _statistics(question_statistics(found, exercise))
        path = course.path("gradebook", f"moodle_{name}.csv")
        tables[f"gradebook/moodle_{name}.csv"] = moodle_table(course, found, path, now)
    for name, text in tables.items():
        done.paths.append(files.write_text(course.path(name), text))
    course.log("gradebook", files=list(tables), open=done.open, unmarked=done.unmarked)
    return done


def _count_open(done, name, found):
    ungraded = sum(mark.total is None and mark.status != "excused" for mark in found)
    unmarked = sum(bool(mark.open) for mark in found)
    done.open |= {name: ungraded} if ungraded else {}
    done.unmarked |= {name: unmarked} if unmarked else {}


def _overall(course: Course, columns: Mapping[str, Sequence[Mark]]) -> str:
    rows = []
    for at, student in enumerate(course.students):
        mine = {name: found[at] for name, found in columns.items()}
        counting = [mark for mark in mine.values() if mark.status != "excused"]
        row = {"id": student.id, "name": student.name, "email": student.email}
        row |= {
            name: "excused" if mark.status == "excused" else number(mark.total) for name, mark in mine.items()
        }
        row["total"] = number(sum(mark.total or 0 for mark in counting))
        row["possible"] = number(sum(mark.possible for mark in counting))
        rows.append(row)
    return table_text(["id", "name", "email", *columns, "total", "possible"], rows)


def _detailed(exercise: Master, found: Sequence[Mark]) -> str:
    before = ["id", "name", "section", "status", *exercise.all_points]
    after = ["earned", "due", "handed_in", "days_late", "percent_off", "total", "possible", "overridden",
             "to_mark", "comment"]  # fmt: skip
    return table_text([*before, *after], [_details(mark) for mark in found])


def _details(mark):
    points = {each.name: "" if each.open else number(each.points) for each in mark.questions}
    return {
        "id": mark.student.id,
        "name": mark.student.name,
        "section": mark.student.extra.get("section", ""),
        "status": mark.status,
        **points,
        "earned": number(mark.earned),
        "due": mark.due.isoformat(timespec="minutes") if mark.due else "",
        "handed_in": mark.when,
        "days_late": mark.days_late,
        "percent_off": number(mark.percent_off),
        "total": number(mark.total),
        "possible": number(mark.possible),
        "overridden": "yes" if mark.overridden else "",
        "to_mark": " ".join(mark.open),
        "comment": " ".join(comments_of(mark)),
    }


def _statistics(found: Sequence[QuestionStatistics]) -> str:
    """A row for each question and each wrong way that was taken; the first of a question has its figures."""
    columns = ["question", "possible", "answers", "right", "mean", "discrimination", "hours_before_due_right",
               "hours_before_due_others", "wrong_way", "name", "students"]  # fmt: skip
    rows = []
    for each in found:
        figures = {
            "possible": number(each.possible), "answers": each.count, "right": f"{each.right:.3f}",
            "mean": number(each.mean), "discrimination": _figure(each.discrimination, 3),
            "hours_before_due_right": _figure(each.lead_right, 1),
            "hours_before_due_others": _figure(each.lead_other, 1),
        }  # fmt: skip
        for at, (verdict, name, count) in enumerate(each.wrong or [("", "", "")]):
            way = {"question": each.name, "wrong_way": verdict, "name": name, "students": count}
            rows.append((figures if at == 0 else {}) | way)
    return table_text(columns, rows)


def _figure(value, digits):
    return "" if value is None else f"{value:.{digits}f}"
