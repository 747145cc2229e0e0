"""The roster: who is in the course."""

import csv
import io
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from crmlab.errors import InputError, listing

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))}
EXTRA = ("login", "section", "sis_id", "canvas_id", "moodle_id")
SAME_AS = {  # other tools' names for our columns
    "student_id": "id",
    "username": "login",
    "sis user id": "sis_id",
    "sis_user_id": "sis_id",
    "sis login id": "login",
    "id number": "id",
    "email address": "email",
    "e-mail": "email",
    "first name": "first_name",
    "last name": "last_name",
    "surname": "last_name",
    "full name": "name",
    "student": "name",
    "lms_user_id": "canvas_id",
}
SHOWN = 10  # problems listed in one message


@dataclass(frozen=True)
class Student:
    """One row of the roster.

    Attributes
    ----------
    id : str
        Names the student's files.
    name, email : str
    extra : dict of str to str
        Of `EXTRA`, what the roster has: ids in other systems.
    """

    id: str
    name: str
    email: str = ""
    extra: dict = field(default_factory=dict, compare=False)


def read_roster(path):
    """The students in a CSV file with the columns ``id``, ``name`` and, if you have them, more.

    ``first_name`` and ``last_name`` may stand for ``name``. The separator may be a comma, semicolon or tab.

    Returns
    -------
    list of Student
        In the order of the file.

    Raises
    ------
    InputError
        If the file cannot be read or rows are not usable; names the rows as a spreadsheet counts them.
    """
    path = Path(path).expanduser()
    return parse_roster(_text(path), path.name)


def parse_roster(text, name="roster.csv"):
    """See `read_roster`."""
    rows = _rows(text, name)
    header = [_column(each) for each in rows[0][1]]
    _check_header(header, name)
    students, problems, seen = [], [], {}
    for number, row in rows[1:]:
        entry = {column: _clean(value) for column, value in zip(header, row) if column}
        student = _student(entry)
        found = _problems(student, number, seen, len(row) - len(header))
        problems.extend(f"row {number}: {problem}" for problem in found)
        students.append(student)
    if problems:
        more = f"; and {len(problems) - SHOWN} problems more" if len(problems) > SHOWN else ""
        raise InputError(f"{name} cannot be used: " + "; ".join(problems[:SHOWN]) + more)
    if not students:
        raise InputError(f"{name} lists nobody; give one row a student under the header id,name,email")
    return students


def _text(path):
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"no roster {str(path)!r}; give a CSV file with the columns id,name,email") from None
    except UnicodeDecodeError as error:
        row = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InputError(f"{path.name}, row {row}: not UTF-8; save it as 'CSV UTF-8'") from None
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from None


def _rows(text, name):
    """Rows that hold something, with their numbers."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",;\t", key=first.count)
    try:
        rows = list(enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), 1))
    except csv.Error as error:
        raise InputError(f"{name} is not a CSV file: {error}") from None
    rows = [(number, row) for number, row in rows if any(value.strip() for value in row)]
    if not rows:
        raise InputError(f"{name} is empty; it needs the header id,name,email and one row a student")
    return rows


def _column(text):
    text = _clean(text).lower()
    return SAME_AS.get(text, text)


def _check_header(header, name):
    double = sorted({each for each in header if each and header.count(each) > 1})
    if double:
        raise InputError(f"{name}, row 1: column {listing(double)} is there twice")
    if "id" not in header or not ("name" in header or {"first_name", "last_name"} <= set(header)):
        raise InputError(
            f"{name}, row 1: the header is {listing(filter(None, header)) or 'empty'}; it must have "
            "the columns id and name (or first_name and last_name)"
        )


def _clean(text):
    """Without outer and double spaces, and without characters that show nothing."""
    text = "".join(each for each in unicodedata.normalize("NFC", text) if unicodedata.category(each) != "Cf")
    return " ".join(text.split())


def _student(entry):
    name = entry.get("name") or " ".join(filter(None, (entry.get("first_name"), entry.get("last_name"))))
    extra = {key: entry[key] for key in EXTRA if entry.get(key)}
    return Student(entry.get("id", ""), name, entry.get("email", ""), extra)


def _problems(student, number, seen, surplus):
    if surplus > 0:
        yield f"{surplus} values too many; put quotes around a value that holds the separator"
    if not student.id:
        yield "the id is missing"
    elif not ID.fullmatch(student.id) or student.id.lower().partition(".")[0] in DEVICES:
        yield f"the id {student.id[:40]!r} must be letters, digits and . _ @ + -, at most 64"
    if not student.name:
        yield "the name is missing"
    if student.email and not re.fullmatch(r"[^@\s]+@[^@\s]+", student.email):
        yield f"the email {student.email[:60]!r} is none"
    unique = {"id": student.id, "email": student.email}
    unique |= {key: student.extra.get(key, "") for key in ("login", "sis_id", "canvas_id", "moodle_id")}
    for column, value in unique.items():
        if value:
            before = seen.setdefault((column, value.casefold()), number)
            if before != number:
                yield f"the {column} {value!r} is in row {before} already"
