"""Files that Canvas and Moodle take back, as their importers read them.

Canvas (``GradebookImporter``) knows students by its own number, SIS id or login, and takes ``EX`` for
excused. Re-uploaded files are told apart by the user's and the attachment's numbers in the names that
Canvas gave them. Moodle's grading worksheet (``assignfeedback_offline``) needs the columns ``Identifier``,
``Grade`` and ``Last modified (grade)`` in the words of the site's language, and skips a grade that is newer
there than the table says; its feedback zip (``assignfeedback_file``) needs
``NAME_NUMBER_assignfeedback_file`` in front.
"""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from crmlab.course.folder import Course
from crmlab.course.intake.arrivals import CANVAS, MOODLE
from crmlab.course.intake.records import read_records
from crmlab.course.intake.times import read_times
from crmlab.course.marks import Mark
from crmlab.course.tables import decoded, number, parsed, read_table, table_text
from crmlab.errors import InputError
from crmlab.words import words

THE_DATE = (1980, 1, 1, 0, 0, 0)  # in zips, so that the same pages are the same file
GRADES = {"grade", "bewertung", "成绩", "成績", "分数", "note", "calificación", "nota"}
MODIFIED = re.compile(
    r"last modified \(grade\)|zuletzt geändert \(bewertung\)|最[后後]修改.*(教师|得分|成绩|成績|评分).*"
    r"|dernière modification \((note|classe)\)|última modificación \(calificación\)",
    re.IGNORECASE,
)
COMMENTS = re.compile(r"feedback comments|feedback als kommentare?|反馈评论|反馈意见|回饋評語", re.IGNORECASE)
MOODLE_COLUMNS = (
    "Identifier", "Full name", "ID number", "Email address", "Grade", "Maximum grade",
    "Last modified (grade)", "Feedback comments",
)  # fmt: skip


def canvas_table(course: Course, columns: Mapping[str, Sequence[Mark]]) -> str:
    """Canvas's gradebook: Grades, Import."""
    titles = {name: course.settings(name).canvas or name for name in columns}
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles.values()]
    possible = {titles[name]: number(found[0].possible) for name, found in columns.items()}
    rows: list[dict[str, Any]] = [{"Student": "    Points Possible", **possible}]
    for at, student in enumerate(course.students):
        row = {
            "Student": student.name,
            "ID": student.extra.get("canvas_id", ""),
            "SIS User ID": student.extra.get("sis_id", student.id),
            "SIS Login ID": student.extra.get("login", student.email),
            "Section": student.extra.get("section", ""),
        }
        rows.append(row | {titles[name]: _canvas_grade(found[at]) for name, found in columns.items()})
    return table_text(header, rows, kept=False)


def _canvas_grade(mark):
    return "EX" if mark.status == "excused" else number(mark.total)


# -------------------------------------------------------------------------------------------------- Moodle


def moodle_table(course: Course, found: Sequence[Mark], path: Path, now: datetime) -> str:
    """Moodle's grading worksheet, which also fits the gradebook's CSV import.

    The worksheet that was given to ``crmlab collect --times`` is filled in where there is one: its columns
    have the site's own words, and with blind marking only it knows who is who. A grade that has changed since
    the file was last written gets the time of now, so that it arrives although Moodle has an older one.

    Parameters
    ----------
    path : Path
        Of the file to be written; what stands there already is looked at.
    now : datetime
    """
    columns, rows, at = _given_worksheet(course, found) or _own_worksheet(course, found)
    before = _before(path, columns, at)
    for row in rows:
        told = (row.get(columns[at["grade"]], ""), row.get(_named(columns, at, "comments"), ""))
        name = columns[at["modified"]]
        last = before.get(_who(row, columns))
        if told[0] == "" and last is None:
            row[name] = row.get(name) or "-"
        elif last is not None and last[:2] == told:
            row[name] = last[2]
        else:
            row[name] = now.isoformat(timespec="seconds")
    return table_text(columns, rows, kept=False)


def _named(columns, at, what):
    return columns[at[what]] if what in at else ""


def _who(row, columns):
    """Whose a row is: Moodle's number may be missing in ours."""
    return row.get(columns[0], ""), row.get("ID number", "")


def _before(path, columns, at):
    """``{whose: (grade, comments, time)}`` of the file as it was written last."""
    if not path.is_file():
        return {}
    try:
        rows = read_table(path, (columns[0], columns[at["grade"]], columns[at["modified"]]))
    except InputError:
        return {}
    comments = _named(columns, at, "comments")
    return {
        _who(row, columns): (row[columns[at["grade"]]], row.get(comments, ""), row[columns[at["modified"]]])
        for row in rows
    }


def _own_worksheet(course, found):
    numbers = participants(course, found)
    rows = [
        {
            "Identifier": f"Participant {numbers[mark.student.id]}" if mark.student.id in numbers else "",
            "Full name": mark.student.name,
            "ID number": mark.student.id,
            "Email address": mark.student.email,
            "Grade": number(mark.total),
            "Maximum grade": number(mark.possible),
            "Last modified (grade)": "",
            "Feedback comments": in_short(mark),
        }
        for mark in found
    ]
    return list(MOODLE_COLUMNS), rows, {"grade": 4, "modified": 6, "comments": 7}


def _given_worksheet(course, found):
    """The worksheet that was collected with, filled in; None without one whose columns are known."""
    path = worksheet_path(course, found[0].exercise)
    if not path.is_file():
        return None
    numbered = parsed(decoded(path), path.name)
    columns, body = numbered[0][1], [row for _, row in numbered[1:]]
    at = {}
    for place, column in enumerate(each.strip() for each in columns):
        if column.casefold() in GRADES:
            at["grade"] = place
        elif MODIFIED.fullmatch(column):
            at["modified"] = place
        elif COMMENTS.fullmatch(column):
            at["comments"] = place
    if not {"grade", "modified"} <= set(at):
        return None
    numbers = participants(course, found)
    marks = {numbers[mark.student.id]: mark for mark in found if mark.student.id in numbers}
    rows = []
    for cells in body:
        row = dict(zip(columns, cells))
        match = re.search(r"(\d+)\s*$", row.get(columns[0], ""))
        mark = marks.get(match[1]) if match else None
        if mark is not None:
            row[columns[at["grade"]]] = number(mark.total)
            if "comments" in at:
                row[columns[at["comments"]]] = in_short(mark)
        rows.append(row)
    return columns, rows, at


def worksheet_path(course: Course, exercise: str) -> Path:
    """Where collecting keeps the worksheet that it was given."""
    return course.path("collected", f"{exercise}_worksheet.csv")


def participants(course: Course, found: Sequence[Mark]) -> dict[str, str]:
    """Moodle's number of each student in this assignment.

    From the worksheet, else from the name of the downloaded file, else from the roster: every assignment
    numbers its participants anew.
    """
    records = read_records(course, found[0].exercise)
    path = worksheet_path(course, found[0].exercise)
    told = read_times(path, course).participants if path.is_file() else {}
    numbers = {student: number for number, student in told.items()}
    for mark in found:
        match = _moodle_part(records.get(mark.student.id, {}).get("file", ""))
        given = match["number"] if match else numbers.get(mark.student.id, "")
        given = given or mark.student.extra.get("moodle_id", "")
        if given:
            numbers[mark.student.id] = given
    return numbers


def _moodle_part(file):
    return next((match for part in file.split("/") if (match := MOODLE.fullmatch(part))), None)


def in_short(mark: Mark) -> str:
    """A mark in one line of text."""
    if mark.status != "graded":
        return words(f"feedback.status_{mark.status.replace(' ', '_')}")
    parts = [f"{each.name}: {_points(each)}" for each in mark.questions if not each.dropped]
    if mark.percent_off:
        parts.append(words("feedback.late_short", percent=number(mark.percent_off)))
    return "; ".join(parts + comments_of(mark))


def _points(question):
    points = words("feedback.being_marked_short") if question.open else number(question.points)
    return f"{points} / {number(question.possible)}"


def comments_of(mark: Mark) -> list[str]:
    """What the instructor says of single questions, then of the whole."""
    return [comment for each in mark.questions for comment in each.comments] + mark.comments


# ------------------------------------------------------------------------------------------ feedback zips


def feedback_zips(course: Course, found: Sequence[Mark], pages: Mapping[str, Path]) -> dict[str, bytes]:
    """Zips of everyone's page, named as Moodle and Canvas want them back: ``{"moodle": ..., "canvas": ...}``.

    Only for those whose work came from there.
    """
    exercise, numbers = found[0].exercise, participants(course, found)
    records = read_records(course, exercise)
    moodle, canvas = {}, {}
    for mark in found:
        page, file = pages.get(mark.student.id), records.get(mark.student.id, {}).get("file", "")
        if page is None:
            continue
        name = f"{exercise}_{mark.student.id}.html"
        part = _moodle_part(file)
        if mark.student.id in numbers and (part or not CANVAS.fullmatch(file.rpartition("/")[2])):
            shown = re.sub(r"[\\/:*?\"<>|_]", " ", part["name"] if part else mark.student.name)
            moodle[f"{shown}_{numbers[mark.student.id]}_assignfeedback_file/{name}"] = page
        elif not part and (match := CANVAS.fullmatch(file.rpartition("/")[2])):
            late = match["late"] or ""
            canvas[f"{match['name']}{late}_{match['number']}_{match['file_number']}_{name}"] = page
    return {kind: _zip(entries) for kind, entries in (("moodle", moodle), ("canvas", canvas)) if entries}


def _zip(entries):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(entries.items()):
            entry = zipfile.ZipInfo(name, THE_DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return held.getvalue()
