"""Collecting: what came back goes to ``submitted/STUDENT/NAME/``, and what is doubtful to a human."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from crmlab import files
from crmlab.course.dates import parse_time
from crmlab.course.folder import Course
from crmlab.course.intake.arrivals import LARGEST, MOST_OF_ONE, Arrival, arrivals, shown
from crmlab.course.intake.matching import Index, Match
from crmlab.course.intake.peeking import Peek, Peeking, kind_of
from crmlab.course.intake.records import NOBODY, decisions, read_records, write_doubtful
from crmlab.course.intake.times import Worksheet, read_times
from crmlab.course.tables import table_text
from crmlab.errors import InputError, listing
from crmlab.exercises.masters import masters
from crmlab.words import words

READ_OF_ONE = 100_000_000  # bytes that are read of one hand-in; more is a bomb
LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)


@dataclass
class Row:
    """One file that came in, and what became of it.

    `status` is one of counts, earlier, unchanged, set aside, other exercise, doubtful, not on the roster,
    unusable and ignored.
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
    undecided: list = field(default_factory=list)  # decisions that fit no file

    def having(self, status: str) -> list[Row]:
        return [row for row in self.rows if row.status == status]


@dataclass
class _Candidate:
    """A file that is surely a student's. Its contents are read again if it counts."""

    arrival: Arrival
    match: Match
    peek: Peek
    row: Row
    size: int
    when: datetime | None

    @property
    def rank(self):
        return (self.when or LONG_AGO, self.arrival.order)


def collect(
    course: Course,
    which: str,
    source: Path | str,
    times: Path | str | None = None,
    on_file: Callable[[], object] | None = None,
) -> Collected:
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
    worksheet = read_times(times, course) if times else Worksheet()
    done = Collected(exercise.name, records=read_records(course, exercise.name))
    taking = _Taking(course, exercise, done, worksheet)
    by_student = defaultdict(list)
    with ExitStack() as stack:
        for arrival in arrivals(source, stack):
            candidate = taking.candidate(arrival)
            done.rows.append(candidate.row)
            if candidate.match.sure and candidate.row.status in ("", "unusable"):
                by_student[candidate.match.student].append(candidate)
            if on_file:
                on_file()
        for student, candidates in sorted(by_student.items()):
            taking.take(student, candidates, worksheet.times.get(student))
    if times and worksheet.participants:
        _keep_worksheet(course, done, times)
    done.undecided = taking.decided.unused()
    _finish(course, done)
    return done


class _Taking:
    """One collection: whose each file is, and which of a student's files counts."""

    def __init__(self, course, exercise, done, worksheet):
        self.course, self.exercise, self.done = course, exercise, done
        seeds = {course.seed(exercise, each.id): each.id for each in course.students}
        self.index = Index(course.students, seeds, exercise.name)
        self.index.numbers["moodle_id"] |= worksheet.participants
        self.decided = decisions(course, exercise.name)
        self.others = {*course.exercises, *masters()} - {exercise.name}
        self.peeking = Peeking(exercise)
        self.read, self.count = Counter(), Counter()

    # ---------------------------------------------------------------------------------------- each file

    def candidate(self, arrival):
        row, seen, size = Row(arrival.label), Peek(), 0
        self.count[arrival.hand_in] += 1
        if not arrival.problem and self.count[arrival.hand_in] > MOST_OF_ONE:
            arrival.problem = f"one of more than {MOST_OF_ONE} files handed in at once"
        if not arrival.problem:
            data = self._contents(arrival)
            size = len(data)
            row.sha256 = hashlib.sha256(data).hexdigest() if data else ""
            seen = self.peeking.peek(data) if arrival.may_be_notebook else Peek()
            if not arrival.problem and not seen.is_notebook and not arrival.file.lower().endswith(".ipynb"):
                arrival.problem = f"{kind_of(arrival.file, data)}, not a notebook"
        match = self.index.match(arrival, seen)
        decided = self.decided.of((arrival.label, arrival.file), row.sha256)
        if decided:
            match = Match("" if decided == NOBODY else decided, decided != NOBODY, "decided by hand")
        row.student, row.why = match.student, match.why
        row.status, row.note = self._status(arrival, match, seen, decided)
        return _Candidate(arrival, match, seen, row, size, self._stamped(arrival))

    def _contents(self, arrival):
        """The bytes of a file, or none: then its problem is told. A hand-in has a budget, and no more."""
        if self.read[arrival.hand_in] > READ_OF_ONE:
            arrival.problem = f"more than {READ_OF_ONE / 1e6:.0f} MB were handed in at once"
            return b""
        try:
            data = arrival.read()
        except (InputError, OSError) as error:
            arrival.problem = str(error)
            return b""
        self.read[arrival.hand_in] += max(len(data), 1000) + arrival.cost
        if len(data) > LARGEST:
            arrival.problem = f"more than the {LARGEST / 1e6:.0f} MB that are read"
            return b""
        return data

    def _status(self, arrival, match, seen, decided):
        folder = next((part for part in arrival.parts[:-1] if part in self.others), "")
        named = any(arrival.file.startswith(f"{each}_") for each in self.others)
        if folder or (
            seen.exercise and not seen.is_copy and named and not (arrival.moodle() or arrival.canvas())
        ):
            return "other exercise", folder or seen.exercise
        if decided == NOBODY:
            return "ignored", "decided by hand"
        if not seen.is_notebook and not arrival.file.lower().endswith((".ipynb", ".zip")) and not match.sure:
            return "ignored", arrival.problem
        if not match.sure:
            return ("doubtful" if match.student else "not on the roster"), arrival.problem
        if seen.exercise and not seen.is_copy:
            return "unusable", f"a notebook of another exercise, {shown(seen.exercise)}"
        return ("unusable", arrival.problem) if arrival.problem else ("", "")

    def _stamped(self, arrival):
        """The time in nbgrader's ``timestamp.txt``, which is believed in nbgrader's own tree alone."""
        *_, student, exercise, _ = ("", "", *arrival.parts)
        in_tree = student.casefold() in self.index.ids and exercise == self.exercise.name
        if not arrival.stamp or arrival.outer or not in_tree or arrival.moodle() or arrival.canvas():
            return None
        try:
            return parse_time(arrival.stamp, self.course.zone)
        except InputError:
            arrival.unread = arrival.stamp
            return None

    # ------------------------------------------------------------------------------------- each student

    def take(self, student, candidates, time):
        """Of a student's files, the latest copy of the exercise that can be read counts."""
        usable = sorted((each for each in candidates if each.row.status == ""), key=lambda each: each.rank)
        copies = [each for each in usable if each.peek.is_copy]
        if not usable:
            self._unusable(student, candidates)
            return
        if not copies and len({each.row.sha256 for each in usable}) > 1:
            for each in usable:
                each.row.status = "doubtful"
                each.row.why = "one of several files, none of them a copy of this exercise that can be read"
            return
        own = [each for each in copies if self.index.seeds.get(each.peek.seed) == student]
        by_name = [each for each in copies if each.match.why == "file name"]
        best = ((own if by_name else copies) or copies or usable)[-1]
        aside = [each for each in usable if copies and each not in copies]
        for each in usable:
            if each is not best:
                same = each.row.sha256 == best.row.sha256
                each.row.status, each.row.note = "earlier", "the same again" if same else "a later one counts"
        for each in aside:
            each.row.status, each.row.note = "set aside", _why_aside(each)
        record = self._record(student, best, [each for each in usable if each not in aside], aside, time)
        best.row.when = record["when"] or ""
        best.row.note = "; ".join(record["notes"])
        best.row.status = _store(self.course, self.done, student, record, best)

    def _unusable(self, student, candidates):
        """Nothing that can be graded: what there is, and why not."""
        told = candidates[-1].row
        for each in candidates[:-1]:
            if each.peek.is_notebook:
                told = each.row
        before = self.done.records.get(student)
        if before is None or "problem" in before:
            self.done.records[student] = {"file": told.file, "problem": told.note, "notes": []}

    def _record(self, student, best, copies, aside, time):
        when = time or best.when
        return {
            "file": best.row.file,
            "sha256": best.row.sha256 or hashlib.sha256(b"").hexdigest(),
            "bytes": best.size,
            "when": when.isoformat() if when else None,
            "late_mark": best.arrival.late,
            "is_copy": best.peek.is_copy,
            "how": best.match.why,
            "notes": list(self._notes(student, best, copies, aside)),
        }

    def _notes(self, student, best, copies, aside):
        """What an instructor should look at. Not proof of anything."""
        different = len({each.row.sha256 for each in copies})
        if different > 1:
            yield words("course.note_several", count=different)
        if aside:
            yield words("course.note_aside", files=listing([each.arrival.file for each in aside], 5))
        if not best.size:
            yield words("course.note_empty")
        if best.arrival.unread:
            yield words("course.note_stamp", stamp=best.arrival.unread)
        owner = self.index.seeds.get(best.peek.seed)
        if owner and owner != student:
            yield words("course.note_other_version", owner=owner)
        named = self.index.in_text(best.arrival.file.rpartition(".")[0])
        if named and student not in named:
            yield words("course.note_other_name", owner=listing(sorted(named)))


def _why_aside(candidate):
    if not candidate.peek.is_notebook:
        return "it cannot be read; another file is a copy of the exercise"
    return "no copy of this exercise; another file is one"


def _store(course, done, student, record, best):
    """Write a submission unless what is there already is it, is later, or is the better copy."""
    path, before = course.submitted(done.exercise, student), done.records.get(student)
    if before and path.is_file():
        if before.get("sha256") == record["sha256"]:
            record["when"] = record["when"] or before.get("when")
            record["late_mark"] = record["late_mark"] or bool(before.get("late_mark"))
            done.records[student] = record
            return "unchanged"
        if before.get("is_copy") and not record["is_copy"]:
            before["notes"] = [*before["notes"], words("course.note_aside", files=best.arrival.file)]
            return "set aside"
        if before.get("when") and record["when"] and _time(record["when"]) < _time(before["when"]):
            return "earlier"
        keep = course.path(
            "collected", done.exercise, "earlier", f"{student}_{before.get('sha256', '')[:8]}.ipynb"
        )
        files.write_bytes(keep, path.read_bytes())
    files.write_bytes(path, best.arrival.read()[:LARGEST])
    if record["when"]:
        files.write_text(path.parent / "timestamp.txt", record["when"] + "\n")
    done.records[student] = record
    return "counts"


def _time(text):
    return datetime.fromisoformat(text)


# ----------------------------------------------------------------------------------------------- records


def _keep_worksheet(course, done, times):
    """Keep Moodle's worksheet: the marks go back in it."""
    path = course.path("collected", f"{done.exercise}_worksheet.csv")
    files.write_bytes(path, Path(times).expanduser().read_bytes())


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
