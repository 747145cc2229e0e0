"""Collecting: what came back goes to ``submitted/STUDENT/NAME/``, and what is doubtful to a human."""

import csv
import hashlib
import io
import json
import re
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from crmlab import files
from crmlab.course.arrivals import LARGEST, arrivals, parse_time
from crmlab.course.matching import Index, Match, Peek, name_key, peek
from crmlab.errors import InputError, listing
from crmlab.words import words

READ_IN_ALL = 8_000_000_000  # bytes; an archive that unpacks to more is a bomb
DOUBTFUL = ("file", "sha256", "suggestion", "why", "student")
NOBODY = "-"
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
    decisions = _decisions(course, exercise.name)
    by_student = defaultdict(list)
    with ExitStack() as stack:
        budget = READ_IN_ALL
        for arrival in arrivals(source, stack):
            candidate = _candidate(arrival, index, exercise.name, decisions, course.exercises)
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
    _finish(course, done, exercise)
    return done


# -------------------------------------------------------------------------------------------- each file


def _candidate(arrival, index, exercise, decisions, exercises):
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
    decided = decisions.get((arrival.label, row.sha256)) or decisions.get((arrival.file, row.sha256))
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


def read_records(course, exercise):
    """What has been collected: ``{student: {"file", "sha256", "when", "late_mark", "notes", ...}}``."""
    path = course.path("collected", f"{exercise}.json")
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))["submissions"]
    except (ValueError, KeyError, UnicodeDecodeError):
        raise InputError(f"{str(path)!r} is damaged; delete it and collect again") from None


def _finish(course, done, exercise):
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
        _write_doubtful(course, done, open_rows)
    course.log(
        "collected",
        exercise=done.exercise,
        files=len(done.rows),
        submissions=len(done.records),
        doubtful=len(open_rows),
    )


def _write_doubtful(course, done, rows):
    """Rows for a human, under those decided already."""
    before = [row for row in _read_doubtful(course, done.exercise) if row["student"]]
    rows = [
        dict(file=row.file, sha256=row.sha256, suggestion=row.student, why=row.why, student="")
        for row in rows
    ]
    files.write_text(done.doubtful_file, table_text(DOUBTFUL, before + rows))


def _read_doubtful(course, exercise):
    path = course.path("collected", f"{exercise}_doubtful.csv")
    if not path.is_file():
        return []
    return read_table(path, DOUBTFUL)


def _decisions(course, exercise):
    """Whose a human says that files are: ``{(file, sha256): id}``."""
    known, found = {each.id.casefold(): each.id for each in course.students} | {NOBODY: NOBODY}, {}
    for number, row in enumerate(_read_doubtful(course, exercise), 2):
        given = row["student"].strip()
        if given:
            if given.casefold() not in known:
                raise InputError(
                    f"{exercise}_doubtful.csv, row {number}: no student {given!r} on the roster; write an "
                    "id, or - for nobody"
                )
            found[row["file"].removeprefix("'"), row["sha256"]] = known[given.casefold()]
    return found


def read_table(path, columns):
    """The rows of a CSV file that has these columns, as dicts of text."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {str(path)!r}: {error}; it must be a CSV file in UTF-8") from None
    first = text.splitlines()[0] if text.strip() else ""
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), restval="")
    lacking = [each for each in columns if each not in (reader.fieldnames or ())]
    if lacking:
        raise InputError(f"{Path(path).name}, row 1: the column {listing(lacking)} is missing")
    return [{key: value for key, value in row.items() if isinstance(value, str)} for row in reader]


def table_text(columns, rows):
    """A CSV table. Text that a spreadsheet would take for a formula is kept text."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column, "")) for column in columns] for row in rows)
    return held.getvalue()


def _cell(value):
    text = "" if value is None else str(value)
    risky = isinstance(value, str) and re.match(r"[=@\t\r]|[+-](?![\d.]*$)", text)
    return f"'{text}" if risky else text


def read_times(path, course):
    """Times of handing in by student, from a CSV file.

    Students are found by the columns ``id``, ``Email address``, ``Full name`` or Moodle's ``Identifier``;
    times stand in ``time`` or Moodle's ``Last modified (submission)``.
    """
    rows = read_table(path, ())
    if not rows:
        raise InputError(f"{Path(path).name} has no rows")
    lower = lambda row: {str(key).strip().lower(): value.strip() for key, value in row.items()}
    known = _who(course.students)
    found = {}
    for number, row in enumerate(map(lower, rows), 2):
        time = row.get("time") or row.get("last modified (submission)") or ""
        keys = [row.get(each, "").casefold() for each in ("id", "id number", "email address", "email")]
        keys.append("participant " + row.get("identifier", "").lower().removeprefix("participant").strip())
        keys.append(name_key(row.get("full name", row.get("name", ""))))
        student = next((known[key] for key in keys if key and key in known), None)
        if student and time not in ("", "-"):
            try:
                found[student] = parse_time(time, course.zone)
            except InputError as error:
                raise InputError(f"{Path(path).name}, row {number}: {error}") from None
    if not found:
        raise InputError(
            f"{Path(path).name} has no time of anyone on the roster; it needs the columns id,time"
        )
    return found


def _who(students):
    known, names = {}, defaultdict(list)
    for each in students:
        known[each.id.casefold()] = each.id
        if each.email:
            known[each.email.casefold()] = each.id
        if "moodle_id" in each.extra:
            known["participant " + each.extra["moodle_id"]] = each.id
        names[name_key(each.name)].append(each.id)
    return known | {key: ids[0] for key, ids in names.items() if len(ids) == 1}
