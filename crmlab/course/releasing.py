"""Releasing: everyone's own copy of an exercise."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from crmlab import files
from crmlab.course.folder import SETTINGS, start_course
from crmlab.course.roster import read_roster
from crmlab.errors import InputError, listing
from crmlab.exercises.copies import make_copy
from crmlab.exercises.masters import Master, master
from crmlab.notebook.zygote import quick_import

with quick_import():
    import nbformat

THE_DATE = (1980, 1, 1, 0, 0, 0)  # in zips, so that the same copy is the same file


@dataclass
class Released:
    """What a release did: ids by what became of their copy."""

    exercise: str
    folder: Path
    written: list = field(default_factory=list)
    unchanged: list = field(default_factory=list)
    kept: list = field(default_factory=list)  # differ from what would be written now
    started: bool = False
    roster_change: str = ""


def release(
    which: str,
    folder: Path | str = ".",
    roster: Path | str | None = None,
    zipped: bool = False,
    again: bool = False,
    on_copy: Callable[[], object] | None = None,
) -> Released:
    """Write each student's copy of an exercise; copies that are there are left alone.

    Parameters
    ----------
    which : str
        ``"09"``, ``"loyalty"`` or ``"09_loyalty"``; an exercise in the course's own ``source/``; or the
        path of a master anywhere.
    folder : path
        Of the course; started if there is none yet.
    roster : path, optional
        Becomes the course's ``roster.csv``, which is used if none is given.
    zipped : bool
        One zip a student in place of one folder.
    again : bool
        Take the master as it is today, and write copies anew that differ.
    on_copy : callable, optional
        Called after each copy.
    """
    text, students = _roster(folder, roster)
    if not (Path(folder).expanduser() / SETTINGS).is_file() and not _own(folder, which):
        master(which)  # an exercise that is not there starts no course
    course, started = start_course(folder)
    change = _take_roster(course, text, students)
    exercise = _pinned(course, which, again)
    done = Released(exercise.name, course.released(exercise.name), started=started, roster_change=change)
    for student in course.students:
        parameters = exercise.check_parameters({"seed": course.seed(exercise, student.id)})
        notebook = nbformat.writes(make_copy(exercise, parameters)) + "\n"
        _write(done, student.id, notebook.encode(), zipped, again)
        if on_copy:
            on_copy()
    course.log(
        "released",
        exercise=exercise.name,
        master=exercise.version,
        students=len(course.students),
        written=len(done.written),
    )
    return done


def copy_name(exercise: str, student: str) -> str:
    """``09_loyalty_s017.ipynb``: says whose it is, wherever it turns up."""
    return f"{exercise}_{student}.ipynb"


def _roster(folder, roster):
    """The roster's text, checked before anything is written."""
    own = Path(folder).expanduser() / "roster.csv"
    path = own if roster is None else Path(roster).expanduser()
    if roster is None and not own.is_file():
        raise InputError(f"no roster in {str(folder)!r}; name one with --roster FILE (columns id,name,email)")
    return (path.read_bytes() if path.is_file() else b""), read_roster(path)


def _take_roster(course, text, students):
    path = course.path("roster.csv")
    if path.is_file() and path.read_bytes() == text:
        return ""
    before = {each.id for each in read_roster(path)} if path.is_file() else None
    _check_zeros(before or set(), {each.id for each in students})
    files.write_bytes(path, text)
    if before is None:
        return ""
    now = {each.id for each in students}
    return f"{len(now - before)} added, {len(before - now)} gone"


def _check_zeros(before, now):
    """A spreadsheet makes 101 of 0000101, and everyone would be someone new."""
    lost = {each for each in now - before if any(each == old.lstrip("0") for old in before - now)}
    if lost:
        raise InputError(
            f"the ids {listing(sorted(lost), 5)} have lost the leading zeros that they had; a spreadsheet "
            "does that. Make the column a text column, or take the roster from where you had it"
        )


def _own(folder, which):
    """The name of the exercise in a course's own ``source/`` that `which` names, or ""."""
    wanted = str(which).strip()
    names = [path.parent.name for path in (Path(folder).expanduser() / "source").glob("*/master.ipynb")]
    found = [name for name in names if wanted in (name, *name.split("_", 1))]
    return found[0] if len(found) == 1 else ""


def _pinned(course, which, again):
    """The course's own master, taken from the exercises the first time."""
    own = _own(course.folder, which)
    if own and not again:
        return course.exercise(own)
    try:
        original = master(which)
    except InputError:
        if own:
            return course.exercise(own)
        raise
    path = course.path("source", original.name, "master.ipynb")
    if again or not path.is_file():
        _ = original.parameters, original.checks  # refuse an unusable one before it is taken
        files.write_bytes(path, original.path.read_bytes())
    return Master(path)


def _write(done, student, notebook, zipped, again):
    name = copy_name(done.exercise, student)
    path = done.folder / f"{student}.zip" if zipped else done.folder / student / name
    data = _zip(name, notebook) if zipped else notebook
    if path.is_file():
        same = path.read_bytes() == data
        if same or not again:
            (done.unchanged if same else done.kept).append(student)
            return
    files.write_bytes(path, data)
    done.written.append(student)


def _zip(name, data):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        entry = zipfile.ZipInfo(name, THE_DATE)
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    return held.getvalue()
