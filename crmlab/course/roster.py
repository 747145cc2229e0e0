"""The roster: who is in the course.

Besides our own, the tables that Canvas (Grades, Export), Moodle (participants, grades, an assignment's
worksheet) and nbgrader write are read as they are, in English, German and Chinese. Rows that are no student,
Canvas's points possible and test student, are left out.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from crmlab.course.tables import decoded, parsed, plain
from crmlab.errors import InputError, listing

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))}
EXTRA = ("login", "section", "language", "sis_id", "canvas_id", "moodle_id")
SAME_AS = {  # other tools' names for our columns, by column
    "id": "student_id|id number|id-nummer|matrikelnummer|matrikel-nr.|学号|學號|id号|学生编号",
    "name": "full name|student|vollständiger name|teilnehmer|姓名|全名",
    "first_name": "first name|vorname|名|名字",
    "last_name": "last name|surname|nachname|姓|姓氏",
    "email": "email address|e-mail|e-mail-adresse|mail|邮箱|電子郵件|电子邮件|电子邮件地址|邮件地址|电邮地址",
    "login": "username|sis login id|anmeldename|login id|用户名|登录名",
    "language": "sprache|语言|preferred language",
    "section": "groups|group|gruppen|gruppe|班级|小组|组",
    "sis_id": "sis user id|sis_user_id",
    "canvas_id": "lms_user_id",
    "moodle_id": "identifier|teilnehmer/in-nummer|标识符|编号",
}
COLUMN = {other: ours for ours, others in SAME_AS.items() for other in others.split("|")}
NOBODY = re.compile(r"points possible|student, test|test student", re.IGNORECASE)
HAN = re.compile(r"[\u3400-\u9fff]+")
# Moodle's word for someone whose name is hidden, in front of the number that a worksheet has.
PARTICIPANT = re.compile(r"(participante?|teilnehmer(/in)?|参与者|參與者|参加者)\s*\d+", re.IGNORECASE)
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
    extra: dict[str, str] = field(default_factory=dict, compare=False)


def read_roster(path: Path | str) -> list[Student]:
    """The students in a CSV file with the columns ``id``, ``name`` and, if you have them, more.

    ``first_name`` and ``last_name`` may stand for ``name``. The separator may be a comma, semicolon or tab.
    Where the tables of a learning platform give no id, the SIS id stands for it, else the login, else the
    part of the e-mail address before the @.

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
    if not path.exists():
        raise InputError(f"no roster {str(path)!r}; give a CSV file with the columns id,name,email")
    return parse_roster(decoded(path), path.name)


def parse_roster(text: str, name: str = "roster.csv") -> list[Student]:
    """See `read_roster`."""
    rows = parsed(text.removeprefix("\ufeff"), name)
    if not rows:
        raise InputError(f"{name} is empty; it needs the header id,name,email and one row a student")
    header = _header(rows[0][1])
    _check_header(header, name)
    entries = [(number, _entry(header, row), len(row) - len(header)) for number, row in rows[1:]]
    entries = _each_once(header, [each for each in entries if _is_student(header, each[1])])
    _give_ids([entry for _, entry, _ in entries])
    students, problems, seen = [], [], {}
    for number, entry, surplus in entries:
        student = _student(entry)
        problems += [f"row {number}: {each}" for each in _problems(student, number, seen, surplus)]
        students.append(student)
    if problems:
        more = f"; and {len(problems) - SHOWN} problems more" if len(problems) > SHOWN else ""
        raise InputError(f"{name} cannot be used: " + "; ".join(problems[:SHOWN]) + more)
    if not students:
        raise InputError(f"{name} lists nobody; give one row a student under the header id,name,email")
    return students


def entries_of(text: str, name: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Our names of a table's columns, and its rows by them, numbered as a spreadsheet does.

    A column that no roster has keeps its name in small letters.
    """
    rows = parsed(text.removeprefix("\ufeff"), name)
    if len(rows) < 2:
        raise InputError(f"{name} has no rows")
    header = _header(rows[0][1])
    return header, [(number, _entry(header, row)) for number, row in rows[1:]]


# ------------------------------------------------------------------------------------- tables of platforms


def _header(row):
    """Our names of the columns. Canvas's ``ID`` is its own number, not the student's."""
    found = [COLUMN.get(text, text) for text in (_clean(each).lower() for each in row)]
    if "student" in (_clean(each).lower() for each in row) and {"section", "sis_id", "login"} & set(found):
        found = ["canvas_id" if each == "id" else each for each in found]
    literal = [at for at, each in enumerate(row) if _clean(each).lower() == "id"]
    if found.count("id") == 2 and len(literal) == 1:
        found[literal[0]] = "moodle_id"  # a German worksheet calls its identifier ID
    return found


def _entry(header, row):
    entry = {column: _clean(plain(value)) for column, value in zip(header, row) if column}
    if PARTICIPANT.fullmatch(entry.get("id", "")):
        entry["moodle_id"] = entry.pop("id")
    moodle = re.fullmatch(r"\D*(\d+)", entry.get("moodle_id", ""))
    return entry | ({"moodle_id": moodle[1]} if moodle else {})


def _is_student(header, entry):
    """Not Canvas's rows of points and of settings, nor its test student."""
    if "canvas_id" not in header:
        return True
    own = [entry.get(each, "") for each in ("name", "canvas_id", "sis_id", "login", "section")]
    return any(own) and not (NOBODY.search(entry.get("name", "")) and not entry.get("sis_id"))


def _each_once(header, entries):
    """nbgrader's table of grades has a row for each student and assignment."""
    if not {"assignment", "id", "max_score"} <= set(header):
        return entries
    first = {}
    for number, entry, surplus in entries:
        first.setdefault(entry.get("id", ""), (number, entry, surplus))
    return list(first.values())


def _give_ids(entries):
    """Ids of those who have none: SIS id, login, e-mail address before the @, and all of it if need be."""
    before_at = Counter(entry.get("email", "").partition("@")[0].casefold() for entry in entries)
    for entry in entries:
        email = entry.get("email", "")
        local = email.partition("@")[0]
        short = local if before_at[local.casefold()] == 1 else email
        given = (entry.get(each) for each in ("id", "sis_id", "login"))
        entry["id"] = next(filter(None, given), "") or short


def _check_header(header, name):
    double = sorted({each for each in header if each in SAME_AS and header.count(each) > 1})
    if double:
        raise InputError(f"{name}, row 1: column {listing(double)} is there twice")
    named = "name" in header or {"first_name", "last_name"} <= set(header)
    platform = {"canvas_id", "moodle_id", "first_name"} & set(header) and {"email", "login"} & set(header)
    if not named or ("id" not in header and not platform):
        raise InputError(
            f"{name}, row 1: the header is {listing(filter(None, header)) or 'empty'}; it must have "
            "the columns id and name (or first_name and last_name)"
        )


# ------------------------------------------------------------------------------------------- each student


def _clean(text):
    """Without outer and double spaces, and without characters that show nothing."""
    text = "".join(each for each in unicodedata.normalize("NFC", text) if unicodedata.category(each) != "Cf")
    return " ".join(text.split())


def _student(entry):
    first, last = entry.get("first_name", ""), entry.get("last_name", "")
    together = last + first if HAN.fullmatch(last + first) else " ".join(filter(None, (first, last)))
    name = entry.get("name") or together
    if "canvas_id" in entry and "section" in entry and name.count(",") == 1:  # Canvas writes Doe, Jane
        name = " ".join(reversed([each.strip() for each in name.split(",")]))
    extra = {key: entry[key] for key in EXTRA if entry.get(key)}
    return Student(entry.get("id", ""), name, entry.get("email", ""), extra)


def _problems(student: Student, number: int, seen: dict, surplus: int) -> Iterator[str]:
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
