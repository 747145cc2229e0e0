"""Marks: a report, the late rule and what the instructor overrides, put together.

Overrides stand in ``overrides.csv``, a file that no command writes to after the course has started:

exercise, student
    whose mark;
question
    ``q1``: points for that question; ``total``: the whole mark, after everything else; ``late``: how many
    days late to count, 0 to excuse; empty: only a comment;
points, comment
    either may be empty; the student reads the comment.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime

from crmlab.course.batch import read_reports
from crmlab.course.intake.records import read_records
from crmlab.course.tables import read_table
from crmlab.errors import InputError, listing
from crmlab.grading.reports import QuestionResult

COLUMNS = ("exercise", "student", "question", "points", "comment")


@dataclass
class QuestionMark(QuestionResult):
    """One question of a mark: as reported, and what the instructor says of it."""

    overridden: bool = False
    comments: list[str] = field(default_factory=list)


@dataclass
class Mark:
    """One student's mark for one exercise.

    Attributes
    ----------
    status : str
        graded, missing (nothing handed in), unusable (nothing that could be read) or "not graded" (yet).
    questions : list of QuestionMark
    earned, possible : float
        Points before lateness, in the gradebook's scale.
    days_late : int
    late_unknown : bool
        Marked late, but nothing says by how much; counted as one day.
    percent_off : float
    total : float or None
        None if not graded.
    comments : list of str
    overridden : bool
    """

    student: object
    exercise: str
    status: str
    questions: list = field(default_factory=list)
    earned: float = 0.0
    possible: float = 0.0
    when: str = ""
    days_late: int = 0
    late_unknown: bool = False
    percent_off: float = 0.0
    total: float | None = None
    comments: list = field(default_factory=list)
    overridden: bool = False
    notes: list = field(default_factory=list)
    walls: list = field(default_factory=list)


def marks(course, exercise):
    """Everyone's `Mark` for an exercise (a Master), in the roster's order."""
    reports, records = read_reports(course, exercise.name), read_records(course, exercise.name)
    overrides = read_overrides(course)
    return [
        _mark(
            course,
            exercise,
            student,
            reports.get(student.id),
            records.get(student.id),
            overrides.get((exercise.name, student.id), {}),
        )
        for student in course.students
    ]


def _mark(course, exercise, student, report, record, overrides):
    settings, full = course.settings(exercise.name), sum(exercise.points.values())
    scale = (settings.points or full) / full
    mark = Mark(student, exercise.name, _status(report, record), possible=full * scale)
    mark.notes, mark.when = list((record or {}).get("notes", [])), (record or {}).get("when") or ""
    if record and "problem" in record:
        mark.notes.append(f"{record['file']}: {record['problem']}")
    mark.comments = overrides.get("", (None, []))[1] + overrides.get("total", (None, []))[1]
    mark.comments += overrides.get("late", (None, []))[1]
    if report is not None:
        mark.questions = [_question(each, overrides.get(each.name)) for each in report.questions]
        mark.walls = list(report.walls)
        mark.earned = scale * math.fsum(each.points for each in mark.questions)
        _lateness(mark, settings, record or {}, overrides.get("late"))
        mark.total = round(mark.earned * (1 - mark.percent_off / 100), 2) + 0.0
    given = overrides.get("total", (None, []))[0]
    mark.total = mark.total if given is None else given
    mark.overridden = any(points is not None for points, _ in overrides.values())
    return mark


def _status(report, record):
    if report is None:
        return "not graded"
    if record is None:
        return "missing"
    return "unusable" if "problem" in record else "graded"


def _question(reported, override):
    entry = QuestionMark(**vars(reported))
    if override is not None:
        points, entry.comments = override
        if points is not None:
            entry.points, entry.overridden = points, True
    return entry


def _lateness(mark, settings, record, override):
    when = datetime.fromisoformat(record["when"]) if record.get("when") else None
    mark.days_late = settings.late.days_late(when, settings.due)
    if when is None and record.get("late_mark"):
        mark.days_late, mark.late_unknown = 1, True
    if override is not None and override[0] is not None:
        mark.days_late, mark.late_unknown = math.ceil(override[0]), False
    mark.percent_off = settings.late.percent_off(mark.days_late)


def read_overrides(course):
    """``{(exercise, student): {question: (points or None, comments)}}`` of ``overrides.csv``.

    Raises
    ------
    InputError
        If a row names something that is not there; all such rows are named.
    """
    path = course.path("overrides.csv")
    if not path.is_file():
        return {}
    found, problems = {}, []
    ids = {each.id.casefold(): each.id for each in course.students}
    questions = {name: list(course.exercise(name).checks) for name in course.exercises}
    for number, row in enumerate(read_table(path, COLUMNS), 2):
        row = {key: value.strip() for key, value in row.items()}
        if not any(row.values()):
            continue
        try:
            exercise, student, question = _named(row, questions, ids)
            entry = found.setdefault((exercise, student), {})
            points, comments = entry.get(question, (None, []))
            given = _points(row["points"])
            if given is not None and points is not None:
                raise InputError(f"{question} of {student} is given points twice")
            if given is not None and question == "":
                raise InputError("points without a question; write q1, total or late")
            entry[question] = (
                points if given is None else given,
                comments + ([row["comment"]] if row["comment"] else []),
            )
        except InputError as error:
            problems.append(f"row {number}: {error}")
    if problems:
        raise InputError("overrides.csv cannot be used: " + "; ".join(problems[:10]))
    return found


def _named(row, questions, ids):
    exercise, student, question = row["exercise"], row["student"], row["question"]
    if exercise not in questions:
        raise InputError(f"no exercise {exercise!r}; there are {listing(questions) or 'none'}")
    if student.casefold() not in ids:
        raise InputError(f"no student {student!r} on the roster")
    known = [*questions[exercise], "total", "late", ""]
    if question not in known:
        raise InputError(
            f"no question {question!r}; write {listing(filter(None, known))}, or nothing to comment"
        )
    return exercise, ids[student.casefold()], question


def _points(text):
    if not text:
        return None
    try:
        points = float(text.replace(",", "."))
    except ValueError:
        points = math.nan
    if not (math.isfinite(points) and 0 <= points <= 1e6):
        raise InputError(f"points is {text!r}; it must be a number from 0 up")
    return points
