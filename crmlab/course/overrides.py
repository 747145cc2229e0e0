"""What the instructor decides otherwise: ``overrides.csv``, which no command writes to after the start.

exercise, student
    whose mark; ``*`` for everyone who handed in;
question
    ``q1``: points for that question; ``total``: the whole mark, after everything else; ``late``: how many
    days late to count, 0 to excuse; ``due``: this student's own due date; empty: only a comment;
points, comment
    either may be empty; the student reads the comment. ``full`` stands for all points of a question,
    ``excused`` as a total for a mark that does not count. Points above what there is to earn are refused
    unless written with an exclamation mark, ``12!``.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crmlab.course.dates import parse_time
from crmlab.course.folder import Course
from crmlab.course.tables import read_table
from crmlab.errors import InputError, listing

COLUMNS = ("exercise", "student", "question", "points", "comment")
EVERYONE = "*"
FULL, EXCUSED = "full", "excused"


@dataclass
class Override:
    """What stands for one student and question, or for everyone.

    Attributes
    ----------
    points : float or None
        Given; days for ``late``.
    word : str
        ``full``, ``excused`` or empty.
    due : datetime or None
    comments : list of str
    """

    points: float | None = None
    word: str = ""
    due: datetime | None = None
    comments: list[str] = field(default_factory=list)

    @property
    def decides(self) -> bool:
        return self.points is not None or bool(self.word) or self.due is not None

    def points_of(self, possible: float) -> float | None:
        """The points that it gives for a question worth so many, None if it gives none."""
        return possible if self.word == FULL else self.points


Overrides = dict[tuple[str, str], dict[str, Override]]


def overrides_of(found: Overrides, exercise: str, student: str, handed_in: bool) -> dict[str, Override]:
    """``{question: Override}`` of a student: what is for everyone, and over it what is for that one."""
    everyone = found.get((exercise, EVERYONE), {}) if handed_in else {}
    own = found.get((exercise, student), {})
    both = {}
    for question in [*everyone, *(name for name in own if name not in everyone)]:
        general, special = everyone.get(question, Override()), own.get(question, Override())
        chosen = special if special.decides else general
        both[question] = Override(
            chosen.points, chosen.word, chosen.due, [*general.comments, *special.comments]
        )
    return both


def read_overrides(course: Course) -> Overrides:
    """``{(exercise, student): {question: Override}}`` of ``overrides.csv``.

    Raises
    ------
    InputError
        If a row names something that is not there, or gives more than there is to earn; all such rows are
        named.
    """
    path = course.path("overrides.csv")
    if not path.is_file():
        return {}
    known, found, problems = _Known(course), {}, []
    for number, row in enumerate(read_table(path, COLUMNS), 2):
        row = {key: value.strip() for key, value in row.items()}
        if not any(row.values()):
            continue
        try:
            _add(found, known, row)
        except InputError as error:
            problems.append(f"row {number}: {error}")
    if problems:
        raise InputError("overrides.csv cannot be used: " + "; ".join(problems[:10]))
    return found


class _Known:
    """Names that rows may use, and what there is to earn."""

    def __init__(self, course):
        self.course = course
        self.ids = {each.id.casefold(): each.id for each in course.students} | {EVERYONE: EVERYONE}
        without_zeros = {each.lstrip("0"): full for each, full in self.ids.items()}
        self.ids = {key: full for key, full in without_zeros.items() if key} | self.ids
        self.exercises = {name: course.exercise(name) for name in course.exercises}
        self.possible = {name: each.all_points for name, each in self.exercises.items()}

    def total(self, exercise):
        return self.course.settings(exercise).points or sum(self.possible[exercise].values())


def _add(found, known, row):
    exercise, student, question = _named(row, known)
    entry = found.setdefault((exercise, student), {})
    override = entry.setdefault(question, Override())
    given = _value(row["points"], exercise, question, known)
    if given.decides and override.decides:
        raise InputError(f"{question} of {student} is given points twice")
    override.comments += [row["comment"]] if row["comment"] else []
    if given.decides:
        override.points, override.word, override.due = given.points, given.word, given.due


def _named(row, known):
    exercise, student, question = row["exercise"], row["student"], row["question"]
    if exercise not in known.exercises:
        raise InputError(f"no exercise {exercise!r}; there are {listing(known.exercises) or 'none'}")
    if student.casefold() not in known.ids:
        raise InputError(f"no student {student!r} on the roster")
    names = [*known.possible[exercise], "total", "late", "due", ""]
    if question not in names:
        raise InputError(
            f"no question {question!r}; write {listing(filter(None, names))}, or nothing to comment"
        )
    return exercise, known.ids[student.casefold()], question


def _value(text, exercise, question, known):
    """What the column points says, as an `Override`."""
    if not text:
        return Override()
    if question == "":
        raise InputError("points without a question; write q1, total or late")
    if question == "due":
        due = parse_time(text, known.course.zone).astimezone(known.course.zone)
        has_time = ":" in text or "时" in text
        return Override(due=due if has_time else due + timedelta(days=1, seconds=-1))
    word = text.casefold()
    if word == FULL and question in known.possible[exercise]:
        return Override(word=FULL)
    if word == EXCUSED and question == "total":
        return Override(word=EXCUSED)
    points = _points(text.removesuffix("!"))
    most = {"total": known.total(exercise), "late": math.inf}.get(question)
    most = known.possible[exercise][question] if most is None else most
    if points > most and not text.endswith("!"):
        raise InputError(
            f"{text} for {question} is above the {most:g} that there are to earn; "
            f'if you mean it, write "{text}!"'
        )
    return Override(points)


def _points(text):
    try:
        points = float(text.replace(",", "."))
    except ValueError:
        points = math.nan
    if not (math.isfinite(points) and 0 <= points <= 1e6):
        raise InputError(f"points is {text!r}; it must be a number from 0 up")
    return points
