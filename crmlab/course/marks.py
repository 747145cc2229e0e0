"""Marks: a report, what people marked, the late rule and what the instructor decided, put together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crmlab.course.batch import read_reports
from crmlab.course.corrections import Kept, kept_points
from crmlab.course.folder import Course, Settings
from crmlab.course.intake.records import read_records
from crmlab.course.marking import Marking, read_marking
from crmlab.course.overrides import EXCUSED, Override, overrides_of, read_overrides
from crmlab.course.roster import Student
from crmlab.errors import InputError, listing
from crmlab.exercises.masters import Master
from crmlab.grading.reports import QuestionResult, Report

STATUSES = ("graded", "missing", "unusable", "excused", "not graded")


@dataclass
class QuestionMark(QuestionResult):
    """One question of a mark: as reported, and what became of it.

    Attributes
    ----------
    overridden : bool
        Its points are the instructor's.
    comments : list of str
    by_hand, open : bool
        It is marked by people, and has not been yet (or not with one voice).
    dropped, bonus : bool
        It does not count; it can only add points.
    kept : bool
        Its points are from before the exercise was corrected.
    """

    overridden: bool = False
    comments: list[str] = field(default_factory=list)
    by_hand: bool = False
    open: bool = False
    dropped: bool = False
    bonus: bool = False
    kept: bool = False


@dataclass
class Mark:
    """One student's mark for one exercise.

    Attributes
    ----------
    status : str
        graded, missing (nothing handed in), unusable (nothing that could be read), excused or "not graded"
        (yet).
    questions : list of QuestionMark
    earned, possible : float
        Points before lateness, in the gradebook's scale.
    due : datetime or None
        This student's.
    extended : bool
        It is not everyone's.
    days_late : int
    late_unknown : bool
        Marked late, but nothing says by how much; counted as one day.
    percent_off : float
    total : float or None
        None if not graded or excused; without the questions that are still to be marked.
    comments : list of str
    overridden : bool
    """

    student: Student
    exercise: str
    status: str
    questions: list[QuestionMark] = field(default_factory=list)
    earned: float = 0.0
    possible: float = 0.0
    when: str = ""
    due: datetime | None = None
    extended: bool = False
    days_late: int = 0
    late_unknown: bool = False
    percent_off: float = 0.0
    total: float | None = None
    comments: list[str] = field(default_factory=list)
    overridden: bool = False
    notes: list[str] = field(default_factory=list)
    walls: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of the points that there are, those earned; bonus points may make it more than 1."""
        return (self.total or 0.0) / self.possible if self.possible else 0.0

    @property
    def open(self) -> list[str]:
        """Questions that people have still to mark."""
        return [each.name for each in self.questions if each.open]


def marks(
    course: Course, exercise: Master, reports: dict[str, Report] | None = None, kept: Kept | None = None
) -> list[Mark]:
    """Everyone's `Mark` for an exercise, in the roster's order.

    Parameters
    ----------
    reports, kept : optional
        In place of those on disk: what marks would be.
    """
    making = _Making(course, exercise, reports, kept)
    return [making.mark(student) for student in course.students]


class _Making:
    """All that marks of one exercise are made of."""

    def __init__(
        self, course: Course, exercise: Master, reports: dict[str, Report] | None, kept: Kept | None
    ) -> None:
        self.course, self.exercise = course, exercise
        self.settings: Settings = course.settings(exercise.name)
        self.reports = read_reports(course, exercise.name) if reports is None else reports
        self.records = read_records(course, exercise.name)
        self.overrides = read_overrides(course)
        self.marking: Marking = read_marking(course, exercise)
        self.kept: Kept = kept_points(course, exercise.name) if kept is None else kept
        self.full = _full(exercise, self.settings)
        self.scale = (self.settings.points or self.full) / self.full

    def mark(self, student: Student) -> Mark:
        report, record = self.reports.get(student.id), self.records.get(student.id)
        handed_in = record is not None and "problem" not in record
        given = overrides_of(self.overrides, self.exercise.name, student.id, handed_in)
        mark = Mark(student, self.exercise.name, _status(report, record), possible=self.full * self.scale)
        _take_record(mark, record or {})
        for about in ("", "total", "late", "due"):
            mark.comments += given[about].comments if about in given else []
        self._take_due(mark, given.get("due"))
        if report is not None:
            self._take_report(mark, report, given, record or {})
        mark.overridden = any(each.decides for each in given.values())
        _take_total(mark, given.get("total", Override()))
        return mark

    def _take_due(self, mark, override):
        mark.due = self.settings.due
        if override is not None and override.due is not None:
            mark.due, mark.extended = override.due, True

    def _take_report(self, mark, report, given, record):
        sha256 = record.get("sha256", "")
        mark.questions = [
            self._question(mark.student, each, given.get(each.name), sha256) for each in report.questions
        ]
        mark.walls = list(report.walls)
        counting = [each for each in mark.questions if not each.dropped]
        mark.earned = self.scale * math.fsum(each.points for each in counting)
        _lateness(mark, self.settings, record, given.get("late"))
        mark.total = round(mark.earned * (1 - mark.percent_off / 100), 2) + 0.0

    def _question(self, student, reported, override, sha256):
        entry = QuestionMark(**vars(reported))
        entry.dropped, entry.bonus = entry.name in self.settings.drop, entry.name in self.settings.bonus
        kept = self.kept.points(student.id, entry.name, sha256)
        if kept is not None and min(kept, entry.possible) > entry.points:
            entry.points, entry.kept = min(kept, entry.possible), True
        entry.by_hand = entry.name in self.exercise.manual
        if entry.verdict == "manual":
            merged = self.marking.of(student.id, entry.name, entry.given)
            entry.points, entry.open = merged.points or 0.0, merged.points is None
            entry.comments += merged.comments
        if override is not None:
            points = override.points_of(entry.possible)
            entry.comments = [*entry.comments, *override.comments]
            if points is not None:
                entry.points, entry.overridden, entry.open = points, True, False
        return entry


def late_students(course: Course, exercise: str, records: dict[str, dict[str, Any]]) -> list[str]:
    """Who handed in late, by their own due dates."""
    settings, overrides = course.settings(exercise), read_overrides(course)
    found = []
    for student, record in records.items():
        given = overrides_of(overrides, exercise, student, "problem" not in record)
        own = given["due"].due if "due" in given else None
        when = datetime.fromisoformat(record["when"]) if record.get("when") else None
        marked = when is None and record.get("late_mark") and own is None
        if marked or settings.late.days_late(when, own or settings.due) > 0:
            found.append(student)
    return found


def _full(exercise, settings):
    """Points that there are, without dropped questions and those that can only add."""
    known = exercise.all_points
    odd = [each for each in (*settings.drop, *settings.bonus) if each not in known]
    if odd:
        raise InputError(
            f"course.toml: {exercise.name} has no question {listing(odd)}; there are {listing(known)}"
        )
    full = sum(points for name, points in known.items() if name not in (*settings.drop, *settings.bonus))
    if not full:
        raise InputError(f"course.toml: {exercise.name} has no question left that counts")
    return full


def _status(report, record):
    if report is None:
        return "not graded"
    if record is None:
        return "missing"
    return "unusable" if "problem" in record else "graded"


def _take_record(mark, record):
    mark.notes, mark.when = list(record.get("notes", [])), record.get("when") or ""
    if "problem" in record:
        mark.notes.append(f"{record['file']}: {record['problem']}")


def _lateness(mark, settings, record, override):
    when = datetime.fromisoformat(record["when"]) if record.get("when") else None
    mark.days_late = settings.late.days_late(when, mark.due)
    if when is None and record.get("late_mark") and not mark.extended:
        mark.days_late, mark.late_unknown = 1, True
    if override is not None and override.points is not None:
        mark.days_late, mark.late_unknown = math.ceil(override.points), False
    mark.percent_off = settings.late.percent_off(mark.days_late)


def _take_total(mark, override):
    if override.word == EXCUSED:
        mark.total, mark.status = None, "excused"
    elif override.points is not None:
        mark.total = override.points
        for each in mark.questions:
            each.open = False


def open_marks(found: Sequence[Mark]) -> dict[str, int]:
    """How many marks miss something: ``ungraded``, and by hand-marked question."""
    counts: dict[str, int] = {}
    for mark in found:
        names = ["ungraded"] if mark.status == "not graded" and mark.total is None else mark.open
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    return counts


def as_facts(mark: Mark) -> dict[str, Any]:
    """What a mark comes to, to be compared with another."""
    return {"total": mark.total, **{each.name: each.points for each in mark.questions}}
