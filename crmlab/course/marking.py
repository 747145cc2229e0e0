"""Questions that people mark: sheets with all answers to a question, and points read back from them.

Each grader has a file of their own, ``marking/NAME/GRADER.csv``, with a row for each answer, and a page
``GRADER.html`` beside it in which to fill it in. Answers stand in an order that says nothing of who wrote
them. What several graders say is put together when marks are made; where they differ, the question stays open
and is named. Nothing here holds up what the machine has marked.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from crmlab import files
from crmlab.course.batch import read_reports
from crmlab.course.folder import Course
from crmlab.course.tables import read_table, table_text
from crmlab.errors import InputError, listing
from crmlab.exercises.masters import Master
from crmlab.words import words

COLUMNS = ("question", "number", "student", "points", "comment", "answer", "digest")
NEEDED = ("question", "student", "points", "comment", "digest")
GRADER = re.compile(r"[^\W_][\w.-]{0,40}")


@dataclass(frozen=True)
class Answer:
    """One answer in words.

    Attributes
    ----------
    question, student, text : str
    number : int
        Its place among the answers to the question, in an order that says nothing of who wrote them.
    """

    question: str
    student: str
    text: str
    number: int = 0

    @property
    def digest(self) -> str:
        return digest_of(self.text)


@dataclass(frozen=True)
class Given:
    """What one grader says of one answer; `digest` tells which text that was."""

    grader: str
    points: float | None
    comment: str
    digest: str


@dataclass(frozen=True)
class Merged:
    """What all graders say of one answer.

    Attributes
    ----------
    points : float or None
        None where nobody has marked it, or the graders differ.
    comments : tuple of str
    conflict : tuple of (str, float)
        Who gives what, where they differ.
    stale : bool
        What was marked is another text than what was handed in last.
    """

    points: float | None = None
    comments: tuple[str, ...] = ()
    conflict: tuple[tuple[str, float], ...] = ()
    stale: bool = False


@dataclass
class Marking:
    """What all graders of an exercise say.

    Attributes
    ----------
    given : dict
        ``{(student, question): [Given]}``.
    problems : list of str
        Rows that cannot be used, each with its file.
    """

    given: dict[tuple[str, str], list[Given]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def of(self, student: str, question: str, text: str) -> Merged:
        """What is said of a student's answer."""
        every = self.given.get((student, question), [])
        now = [each for each in every if each.digest == digest_of(text)]
        told = [(each.grader, each.points) for each in now if each.points is not None]
        comments = tuple(dict.fromkeys(each.comment for each in now if each.comment))
        stale = not told and any(each.points is not None for each in every)
        if len({points for _, points in told}) > 1:
            return Merged(comments=comments, conflict=tuple(told))
        return Merged(told[0][1] if told else None, comments, stale=stale)


def digest_of(text: str) -> str:
    """Which text was marked: a short digest."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def answers(course: Course, exercise: Master) -> list[Answer]:
    """All answers in words that were handed in, by question."""
    found = [
        (row.name, digest_of(f"{exercise.name} {row.given}"), student, row.given)
        for student, report in read_reports(course, exercise.name).items()
        for row in report.questions
        if row.verdict == "manual"
    ]
    numbered, counts = [], dict.fromkeys(exercise.manual, 0)
    for name, _, student, text in sorted(
        found, key=lambda each: (list(exercise.manual).index(each[0]), each)
    ):
        counts[name] += 1
        numbered.append(Answer(name, student, text, counts[name]))
    return numbered


def folder_of(course: Course, exercise: Master) -> Path:
    """Where graders' files are."""
    return course.path("marking", exercise.name)


def read_marking(course: Course, exercise: Master) -> Marking:
    """What is in all graders' files. Rows that cannot be used are named in it and stop nothing."""
    found = Marking()
    for path in sorted(folder_of(course, exercise).glob("*.csv")) if exercise.manual else ():
        try:
            rows = read_sheet(course, exercise, path, found.problems)
        except InputError as error:
            found.problems.append(str(error))
            continue
        for (student, question), given in rows.items():
            found.given.setdefault((student, question), []).append(given)
    return found


def read_sheet(
    course: Course, exercise: Master, path: Path, problems: list[str]
) -> dict[tuple[str, str], Given]:
    """One grader's file; rows that cannot be used are added to `problems`."""
    found, ids = {}, {each.id for each in course.students}
    for number, row in enumerate(read_table(path, NEEDED), 2):
        row = {key: value.strip() for key, value in row.items()}
        try:
            if not (row["points"] or row["comment"]):
                continue
            asked = exercise.manual.get(row["question"])
            if asked is None or row["student"] not in ids:
                raise InputError(f"no answer of {row['student']!r} to {row['question']!r}")
            points = _points(row["points"], asked.points)
            found[row["student"], asked.name] = Given(path.stem, points, row["comment"], row["digest"])
        except InputError as error:
            problems.append(f"{path.name}, row {number}: {error}")
    return found


def _points(text, most):
    if not text:
        return None
    try:
        points = float(text.replace(",", "."))
    except ValueError:
        points = -1.0
    if not 0 <= points <= most:
        raise InputError(f"points is {text!r}; it must be 0 to {most:g}")
    return points


# ------------------------------------------------------------------------------------------------- sheets


@dataclass
class Sheet:
    """What was written for a grader, and how far the marking is.

    Attributes
    ----------
    page, table : pathlib.Path
    answers : list of Answer
        Theirs.
    cleared : list of str
        Students whose answer has changed since this grader marked it.
    """

    page: Path
    table: Path
    answers: list[Answer]
    cleared: list[str] = field(default_factory=list)


def write_sheet(course: Course, exercise: Master, grader: str, part: tuple[int, int] = (1, 1)) -> Sheet:
    """Write a grader's page and table; what they have filled in stays.

    Parameters
    ----------
    grader : str
        Names the files.
    part : (int, int)
        ``(2, 3)``: the second of three parts of the answers.

    Raises
    ------
    InputError
        If nobody has answered, or the grader's file cannot be read.
    """
    from crmlab.course.pages.marking import marking_page

    if not GRADER.fullmatch(grader):
        raise InputError(f"grader is {grader!r}; give letters and digits, as it names a file")
    if not exercise.manual:
        raise InputError(f"{exercise.name} has no question that people mark")
    every = answers(course, exercise)
    if not every:
        raise InputError(f"nobody's words are there to be marked; crmlab grade {exercise.name} takes them in")
    mine = [each for each in every if each.number % part[1] == part[0] % part[1]]
    place = folder_of(course, exercise)
    sheet = Sheet(place / f"{grader}.html", place / f"{grader}.csv", mine)
    problems: list[str] = []
    before = read_sheet(course, exercise, sheet.table, problems) if sheet.table.is_file() else {}
    if problems:
        raise InputError(f"nothing was written: {listing(problems, 5)}")
    mine += [each for each in every if (each.student, each.question) in before and each not in mine]
    rows = [_row(each, before.get((each.student, each.question)), sheet.cleared) for each in mine]
    files.write_text(sheet.table, table_text(COLUMNS, rows))
    files.write_text(sheet.page, marking_page(course, exercise, grader, rows))
    return sheet


def _row(answer, given, cleared):
    row = {"question": answer.question, "number": answer.number, "student": answer.student, "points": "",
           "answer": answer.text, "digest": answer.digest}  # fmt: skip
    row["comment"] = given.comment if given else ""
    if given and given.digest != answer.digest:
        cleared.append(answer.student)
    elif given and given.points is not None:
        row["points"] = f"{given.points:g}"
    return row


def take_sheet(course: Course, exercise: Master, path: Path, grader: str) -> int:
    """Take a filled-in table into the course; returns how many answers it marks.

    Raises
    ------
    InputError
        If a row cannot be used; nothing is taken then.
    """
    problems: list[str] = []
    given = read_sheet(course, exercise, Path(path).expanduser(), problems)
    if problems:
        raise InputError(f"nothing was taken: {listing(problems, 5)}")
    table = folder_of(course, exercise) / f"{grader}.csv"
    before = read_sheet(course, exercise, table, []) if table.is_file() else {}
    texts = {(each.student, each.question): each for each in answers(course, exercise)}
    rows = []
    for key, one in {**before, **given}.items():
        text = texts.get(key)
        rows.append({"question": key[1], "student": key[0], "comment": one.comment, "digest": one.digest,
                     "number": text.number if text else "", "answer": text.text if text else "",
                     "points": "" if one.points is None else f"{one.points:g}"})  # fmt: skip
    files.write_text(table, table_text(COLUMNS, rows))
    count = sum(one.points is not None for one in given.values())
    course.log("marked", exercise=exercise.name, grader=grader, answers=count)
    return count


def progress(course: Course, exercise: Master) -> Iterable[str]:
    """How far the marking is, question by question, and what is in the way."""
    marking = read_marking(course, exercise)
    for name in exercise.manual:
        mine = [each for each in answers(course, exercise) if each.question == name]
        merged = [(each, marking.of(each.student, name, each.text)) for each in mine]
        done = sum(one.points is not None for _, one in merged)
        yield words("course.marking_progress", question=name, count=len(mine), done=done)
        for each, one in merged:
            if one.conflict:
                told = ", ".join(f"{grader} {points:g}" for grader, points in one.conflict)
                yield words("course.marking_conflict", student=each.student, question=name, told=told)
            elif one.stale:
                yield words("course.marking_stale", student=each.student, question=name)
    for problem in marking.problems:
        yield words("course.marking_problem", problem=problem)
