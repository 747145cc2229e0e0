"""Grading a whole course: who is graded on what, what is done already, and what came out."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from crmlab import __version__
from crmlab.course.folder import Course
from crmlab.course.intake.records import read_records
from crmlab.errors import InputError
from crmlab.exercises.masters import Master
from crmlab.grading.reports import Report
from crmlab.words import words
from crmlab.words.saying import spoken


@dataclass
class Batch:
    """What a grading run did.

    Attributes
    ----------
    exercise : Master
    reports : dict of str to Report
        Of everyone on the roster, as stored.
    graded, skipped : int
        How many were graded now, and how many had been before.
    seconds : float
    """

    exercise: object
    reports: dict = field(default_factory=dict)
    graded: int = 0
    skipped: int = 0
    seconds: float = 0.0


def grade(
    course: Course,
    which: str,
    jobs: int = 2,
    allow_weak_walls: bool = False,
    again: bool = False,
    on_start: Callable[[int], object] | None = None,
    on_done: Callable[[Report], object] | None = None,
) -> Batch:
    """Grade everyone on the roster; reports go to ``autograded/NAME/STUDENT.json``.

    An interrupted run, called again, goes on where it was: a report stands as long as everything that it
    depends on is what it was.

    Parameters
    ----------
    course : Course
    which : str
    jobs : int
    allow_weak_walls : bool
        Grade even where student code cannot be kept away from this machine.
    again : bool
        Grade everything anew.
    on_start, on_done : callable, optional
        Called with the number of students, and with each report.

    Raises
    ------
    InputError
        If the released master is another than the one that the marks were made with: `regrade` shows first
        whose marks would move.
    """
    exercise, started = course.exercise(which), time.monotonic()
    out, records = course.reports(exercise.name), read_records(course, exercise.name)
    known = read_reports(course, exercise.name)
    if not again and any(each.master != digest_of(exercise) for each in known.values()):
        raise InputError(words("course.master_changed", exercise=exercise.name))
    before = {} if again else {name: each.key for name, each in known.items()}
    batch = Batch(exercise)
    if on_start:
        on_start(len(course.students))

    def done(report):
        if before.get(report.student) == report.key:
            batch.skipped += 1
        else:
            batch.graded += 1
            course.log(
                "graded",
                exercise=exercise.name,
                student=report.student,
                master=report.master,
                submission=records.get(report.student, {}).get("sha256"),
                walls=list(report.walls),
                score=report.score,
                possible=report.possible,
                key=report.key,
                crmlab=__version__,
            )
        if on_done:
            on_done(report)

    if again:
        for student in course.students:
            (out / f"{student.id}.json").unlink(missing_ok=True)
    grade_into(course, exercise, out, jobs, allow_weak_walls, done)
    batch.seconds, batch.reports = time.monotonic() - started, read_reports(course, exercise.name)
    return batch


def grade_into(
    course: Course,
    exercise: Master,
    out: Path,
    jobs: int,
    allow_weak_walls: bool,
    on_done: Callable[[Report], object],
) -> None:
    """Grade everyone's work with `exercise`; reports go to the folder `out`."""
    from crmlab import grading

    records = read_records(course, exercise.name)
    grading.grade_batch(
        exercise,
        [_submission(course, exercise, student.id, records) for student in course.students],
        course.drawing(exercise),
        out,
        jobs=jobs,
        on_done=on_done,
        allow_weak_walls=allow_weak_walls,
        limits=grading.Limits(question_seconds=course.settings(exercise.name).question_seconds),
    )


def digest_of(exercise: Master) -> str:
    """SHA-256 of a master's file, as reports name it."""
    return hashlib.sha256(exercise.path.read_bytes()).hexdigest()


def _submission(course, exercise, student, records):
    from crmlab import grading

    path = course.submitted(exercise.name, student)
    there = path.is_file() and not path.is_symlink()
    record = records.get(student, {})
    problem = "" if there or "problem" not in record else f"{record['file']}: {record['problem']}"
    seed = course.seed(exercise, student)
    return grading.Submission(student, path if there else None, seed, problem)


def _report(path):
    try:
        return Report.from_text(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_reports(course: Course, exercise: str, folder: Path | None = None) -> dict[str, Report]:
    """``{student: report}`` of everyone on the roster who has been graded."""
    folder = folder or course.reports(exercise)
    found = {student.id: _report(folder / f"{student.id}.json") for student in course.students}
    return {student: report for student, report in found.items() if report is not None}


def flags_of(reports: dict[str, Report]) -> list[tuple[str, str, str]]:
    """``[(student, kind, evidence)]`` of all reports, in the reader's language."""
    return [
        (student, str(flag.get("kind", "")), spoken(flag.get("evidence", "")))
        for student, report in reports.items()
        for flag in report.flags
    ]
