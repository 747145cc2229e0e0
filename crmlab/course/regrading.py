"""Correcting a released exercise: who moves, by how much and why, before any mark is moved.

The corrected master grades everyone's work into a folder apart. Nothing that marks are made of is touched
until the instructor says so; and points that the correction would take away stay, question by question,
unless told otherwise.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from crmlab import files
from crmlab.course.batch import digest_of, grade_into, read_reports
from crmlab.course.corrections import Kept, kept_points, write_kept
from crmlab.course.folder import Course
from crmlab.course.intake.records import read_records
from crmlab.course.marks import Mark, marks
from crmlab.course.tables import number, table_text
from crmlab.errors import InputError
from crmlab.exercises.masters import Master, master
from crmlab.grading.reports import Report
from crmlab.words import words


@dataclass(frozen=True)
class Change:
    """One question of one student: points and verdict, before and after."""

    question: str
    before: float
    after: float
    verdict_before: str
    verdict_after: str


@dataclass(frozen=True)
class Move:
    """What the correction does to one student's mark.

    Attributes
    ----------
    student : str
    before, after : float
        Totals.
    without_keeping : float
        The total if points that the correction takes away were taken away.
    changes : tuple of Change
        Questions whose points would change by grading alone.
    """

    student: str
    before: float
    after: float
    without_keeping: float
    changes: tuple[Change, ...]


@dataclass
class Regrade:
    """A correction, proposed or taken.

    Attributes
    ----------
    exercise : Master
        The corrected one.
    moves : list of Move
        Of students of whom anything changes.
    students : int
    kept : Kept
        Points that stand though the correction gives fewer.
    folder : Path
        Where the new reports lie.
    """

    exercise: Master
    students: int
    folder: Path
    moves: list[Move] = field(default_factory=list)
    kept: Kept = field(default_factory=Kept)

    @property
    def up(self) -> list[Move]:
        return [each for each in self.moves if each.after > each.before]

    @property
    def down(self) -> list[Move]:
        return [each for each in self.moves if each.after < each.before]

    @property
    def held(self) -> list[Move]:
        """Those who would fall if nothing were kept."""
        return [each for each in self.moves if each.without_keeping < each.after]


def propose(
    course: Course,
    which: str,
    corrected: Path | str | None = None,
    jobs: int = 2,
    allow_weak_walls: bool = False,
    down: bool = False,
    on_start: Callable[[int], object] | None = None,
    on_done: Callable[[Report], object] | None = None,
) -> Regrade:
    """Grade everyone with a corrected master, and say whose mark would move. No mark is changed.

    Parameters
    ----------
    corrected : path, optional
        The corrected master. If not given: the course's own ``source/NAME/master.ipynb`` where it is another
        than the one that the marks were made with, else the one in the exercises' folder.
    down : bool
        Let points go down too.

    Raises
    ------
    InputError
        If nothing has been graded, or nothing is corrected.
    """
    released = course.exercise(which)
    name, old = released.name, read_reports(course, released.name)
    if not old:
        raise InputError(f"{name} has not been graded, so there is nothing to regrade; crmlab grade {name}")
    folder = course.path("regraded", name)
    exercise = _candidate(released, old, corrected, folder)
    if on_start:
        on_start(len(course.students))
    grade_into(course, exercise, folder / "reports", jobs, allow_weak_walls, on_done or (lambda report: None))
    new = read_reports(course, name, folder / "reports")
    done = Regrade(exercise, len(course.students), folder)
    done.kept = Kept() if down else _keeping(course, name, old, new)
    before = {mark.student.id: mark for mark in marks(course, _made_with(course, released, old))}
    after = marks(course, exercise, new, done.kept)
    without = marks(course, exercise, new, Kept())
    for mark, bare in zip(after, without, strict=True):
        move = _move(before[mark.student.id], mark, bare)
        done.moves += [move] if move else []
    files.write_text(folder / "moves.csv", _moves_table(done))
    return done


def _candidate(released, old, corrected, folder):
    """The corrected master, under the exercise's own name."""
    made_with = {each.master for each in old.values()}
    if corrected is not None:
        path = Path(corrected).expanduser()
        if not path.is_file():
            raise InputError(f"no master {str(path)!r}; name the corrected notebook")
    else:
        path = released.path
        if {digest_of(released)} == made_with:
            path = _in_exercises(released.name) or path
    place = folder / "corrected" / released.name / "master.ipynb"
    files.write_bytes(place, path.read_bytes())
    exercise = Master(place)
    if {digest_of(exercise)} == made_with:
        raise InputError(
            f"{released.name}: the master is the one that the marks were made with. Correct "
            f"{str(released.path)!r}, or name a corrected one with --master FILE"
        )
    if not (exercise.parameters and exercise.all_points):  # both refuse a master that cannot be used
        raise InputError(f"{str(path)!r} asks nothing")
    return exercise


def _in_exercises(name):
    try:
        return master(name).path
    except InputError:
        return None


def _made_with(course, released, old):
    """The master that the marks were made with: as released, or as an earlier regrade set it aside."""
    made_with = {each.master for each in old.values()}
    earlier = sorted(course.path("source", released.name, "earlier").glob("*/*/master.ipynb"))
    for each in (released, *map(Master, earlier)):
        if digest_of(each) in made_with:
            return each
    return released


def _keeping(course, name, old, new):
    """What earlier regrades kept, and the points that this one would take away."""
    kept, records = kept_points(course, name).copy(), read_records(course, name)
    for student, report in old.items():
        sha256 = records.get(student, {}).get("sha256", "")
        now = {each.name: each.points for each in new[student].questions} if student in new else {}
        lost = {
            each.name: each.points
            for each in report.questions
            if each.name in now and each.points > now[each.name]
        }
        if lost:
            kept.keep(student, sha256, lost)
    return kept


def _move(before: Mark, after: Mark, bare: Mark) -> Move | None:
    if before.total is None or after.total is None or bare.total is None:
        return None
    old = {each.name: each for each in before.questions}
    changes = tuple(
        Change(each.name, old[each.name].points if each.name in old else 0.0, each.points,
               old[each.name].verdict if each.name in old else "", each.verdict)
        for each in bare.questions
        if each.name not in old or old[each.name].points != each.points
    )  # fmt: skip
    gone = tuple(
        Change(each.name, each.points, 0.0, each.verdict, "")
        for each in before.questions
        if each.name not in {other.name for other in bare.questions} and each.points
    )
    if not changes + gone and before.total == after.total:
        return None
    return Move(after.student.id, before.total, after.total, bare.total, changes + gone)


def _moves_table(done):
    columns = ["student", "before", "after", "without_keeping", "question", "points_before", "points_after",
               "verdict_before", "verdict_after"]  # fmt: skip
    rows = [
        {
            "student": move.student, "before": number(move.before), "after": number(move.after),
            "without_keeping": number(move.without_keeping), "question": each.question,
            "points_before": number(each.before), "points_after": number(each.after),
            "verdict_before": each.verdict_before, "verdict_after": each.verdict_after,
        }
        for move in done.moves
        for each in move.changes
    ]  # fmt: skip
    return table_text(columns, rows)


def apply(course: Course, done: Regrade, down: bool = False) -> None:
    """Take a proposed correction: the corrected master, the new reports, the points that are kept.

    Raises
    ------
    InputError
        If a mark would go down all the same, without `down`: a question is gone, or worth less.
    """
    if done.down and not down:
        names = ", ".join(each.student for each in done.down[:10])
        raise InputError(words("course.regrade_down", count=len(done.down), names=names))
    name = done.exercise.name
    released = course.exercise(name)
    if digest_of(released) != digest_of(done.exercise):
        aside = course.path("source", name, "earlier", released.version, name, "master.ipynb")
        files.write_bytes(aside, released.path.read_bytes())
    files.write_bytes(released.path, done.exercise.path.read_bytes())
    write_kept(course, name, done.kept)
    for path in sorted((done.folder / "reports").glob("*.json")):
        files.write_bytes(course.reports(name) / path.name, path.read_bytes())
    course.log(
        "regraded",
        exercise=name,
        master=digest_of(done.exercise),
        up=[each.student for each in done.up],
        down=[each.student for each in done.down],
        kept=[each.student for each in done.held],
    )
    shutil.rmtree(done.folder / "reports", ignore_errors=True)
