"""Collecting: what came back goes to ``submitted/STUDENT/NAME/``, and what is doubtful to a human."""

import hashlib
import json
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from crmlab import files
from crmlab.course.intake.arrivals import LARGEST, arrivals
from crmlab.course.intake.matching import Index, Match, Peek, peek
from crmlab.course.intake.records import NOBODY, decisions, read_records, write_doubtful
from crmlab.course.intake.times import read_times
from crmlab.course.tables import table_text
from crmlab.errors import InputError, listing
from crmlab.words import words

READ_IN_ALL = 8_000_000_000  # bytes; an archive that unpacks to more is a bomb
LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)


@dataclass
class Row:
    """One file that came in, and what became of it.

    `status` is one of counts, earlier, unchanged, other exercise, doubtful, not on the roster, unusable and
    ignored.
    """

    file: str
    student: str = ""
    why: str = ""
    status: str = ""
    note: str = ""
    when: str = ""
    sha256: str = ""


@dataclass
class Collected:
    """What a collection did."""

    exercise: str
    rows: list = field(default_factory=list)
    records: dict = field(default_factory=dict)
    missing: list = field(default_factory=list)
    doubtful_file: Path | None = None
    without_time: int = 0

    def having(self, status):
        return [row for row in self.rows if row.status == status]


@dataclass
class _Candidate:
    arrival: object
    match: Match
    peek: Peek
    data: bytes
    row: Row

    @property
    def rank(self):
        return (self.arrival.when or LONG_AGO, self.arrival.order)


def collect(course, which, source, times=None, on_file=None):
    """Take submissions of an exercise into the course.

    Parameters
    ----------
    course : Course
    which : str
    source : path
        A folder (nbgrader's ``submitted/``, an unpacked download, loose files), a zip that Moodle or Canvas
        made, or one notebook.
    times : path, optional
        CSV with the times of handing in: Moodle's grading worksheet, or the columns ``id,time``.
    on_file : callable, optional
        Called after each file.

    Returns
    -------
    Collected
    """
    exercise = course.exercise(which)
    known_times = read_times(times, course) if times else {}
    index = Index(course.students, {course.seed(exercise, each.id): each.id for each in course.students})
    done = Collected(exercise.name, records=read_records(course, exercise.name))
    decided = decisions(course, exercise.name)
    by_student = defaultdict(list)
    with ExitStack() as stack:
        budget = READ_IN_ALL
        for arrival in arrivals(source, stack):
            candidate = _candidate(arrival, index, exercise.name, decided, course.exercises)
            budget -= len(candidate.data)
            if budget < 0:
                raise InputError(
                    f"{str(source)!r} unpacks to more than {READ_IN_ALL / 1e9:.0f} GB; nothing was taken"
                )
            done.rows.append(candidate.row)
            if candidate.match.sure and candidate.row.status in ("", "unusable"):
                by_student[candidate.match.student].append(candidate)
            if on_file:
                on_file()
    for student, candidates in sorted(by_student.items()):
        _take(course, done, student, candidates, index, known_times.get(student))
    _finish(course, done)
    return done


# -------------------------------------------------------------------------------------------- each file


def _candidate(arrival, index, exercise, decided, exercises):
    row = Row(arrival.label)
    data, seen = b"", Peek()
    if not arrival.problem and arrival.is_notebook:
        try:
            data = arrival.read()
        except (InputError, OSError) as error:
            arrival.problem = str(error)
        if len(data) > LARGEST:
            data, arrival.problem = b"", f"more than the {LARGEST / 1e6:.0f} MB that are read"
        row.sha256 = hashlib.sha256(data).hexdigest() if data else ""
        seen = peek(data)
    match = index.match(arrival, seen)
    decided = decided.get((arrival.label, row.sha256)) or decided.get((arrival.file, row.sha256))
    if decided:
        match = Match("" if decided == NOBODY else decided, decided != NOBODY, "decided by hand")
    row.student, row.why = match.student, match.why
    row.status, row.note = _status(arrival, match, seen, exercise, exercises, decided)
    return _Candidate(arrival, match, seen, data, row)


def _status(arrival, match, seen, exercise, exercises, decided):
    others = set(exercises) - {exercise}
    if not arrival.is_notebook and not arrival.problem:
        return "ignored", "not a notebook"
    if seen.exercise in others or any(part in others for part in arrival.parts[:-1]):
        return "other exercise", seen.exercise
    if decided == NOBODY:
        return "ignored", "decided by hand"
    if not match.sure:
        return ("doubtful" if match.student else "not on the roster"), arrival.problem
    return ("unusable", arrival.problem) if arrival.problem else ("", "")


def _take(course, done, student, candidates, index, time):
    """The latest usable notebook of a student counts."""
    usable = sorted((each for each in candidates if each.row.status == ""), key=lambda each: each.rank)
    if not usable:
        problem = candidates[-1].row.note
        done.records.setdefault(student, {"file": candidates[-1].row.file, "problem": problem, "notes": []})
        return
    best = usable[-1]
    for each in usable[:-1]:
        same = each.row.sha256 == best.row.sha256
        each.row.status, each.row.note = "earlier", "the same again" if same else "a later one counts"
    when = time or best.arrival.when
    record = {
        "file": best.row.file,
        "sha256": hashlib.sha256(best.data).hexdigest(),
        "bytes": len(best.data),
        "when": when.isoformat() if when else None,
        "late_mark": best.arrival.late,
        "how": best.match.why,
        "notes": _notes(student, best, usable, index),
    }
    best.row.when = record["when"] or ""
    best.row.note = "; ".join(record["notes"])
    best.row.status = _store(course, done, student, record, best.data)


def _notes(student, best, usable, index):
    """What an instructor should look at. Not proof of anything."""
    notes = []
    different = len({each.row.sha256 for each in usable})
    if different > 1:
        notes.append(words("course.note_several", count=different))
    if not best.data.strip():
        notes.append(words("course.note_empty"))
    owner = index.seeds.get(best.peek.seed)
    if owner and owner != student:
        notes.append(words("course.note_other_version", owner=owner))
    named = index.in_text(best.arrival.file.rpartition(".")[0])
    if named and student not in named:
        notes.append(words("course.note_other_name", owner=listing(sorted(named))))
    return notes


def _store(course, done, student, record, data):
    """Write a submission unless what is there already is it, or is later."""
    path, before = course.submitted(done.exercise, student), done.records.get(student)
    if before and path.is_file():
        if before.get("sha256") == record["sha256"]:
            record["when"] = record["when"] or before.get("when")
            record["late_mark"] = record["late_mark"] or bool(before.get("late_mark"))
            done.records[student] = record
            return "unchanged"
        if before.get("when") and record["when"] and _time(record["when"]) < _time(before["when"]):
            return "earlier"
        keep = course.path(
            "collected", done.exercise, "earlier", f"{student}_{before.get('sha256', '')[:8]}.ipynb"
        )
        files.write_bytes(keep, path.read_bytes())
    files.write_bytes(path, data)
    if record["when"]:
        files.write_text(path.parent / "timestamp.txt", record["when"] + "\n")
    done.records[student] = record
    return "counts"


def _time(text):
    return datetime.fromisoformat(text)


# ----------------------------------------------------------------------------------------------- records


def _finish(course, done):
    on_roster = [each.id for each in course.students]
    done.records = {student: done.records[student] for student in sorted(done.records)}
    done.missing = [each for each in on_roster if each not in done.records]
    done.without_time = sum(
        not (each.get("when") or each.get("late_mark") or each.get("how", "").startswith("Canvas"))
        for each in done.records.values()
    )
    folder = course.path("collected")
    files.write_text(
        folder / f"{done.exercise}.json",
        json.dumps({"exercise": done.exercise, "submissions": done.records}, indent=1) + "\n",
    )
    rows = [asdict(row) for row in done.rows]
    files.write_text(folder / f"{done.exercise}.csv", table_text(list(asdict(Row(""))), rows))
    open_rows = done.having("doubtful") + done.having("not on the roster")
    if open_rows:
        done.doubtful_file = folder / f"{done.exercise}_doubtful.csv"
        write_doubtful(course, done, open_rows)
    course.log(
        "collected",
        exercise=done.exercise,
        files=len(done.rows),
        submissions=len(done.records),
        doubtful=len(open_rows),
    )
