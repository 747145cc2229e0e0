"""Times of handing in, and Moodle's numbers of participants, out of a table."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from crmlab.course.dates import parse_time
from crmlab.course.folder import Course
from crmlab.course.intake.matching import name_key
from crmlab.course.roster import entries_of
from crmlab.course.tables import decoded
from crmlab.errors import InputError

TIME = re.compile(
    r"time|timestamp|submitted at|last modified \(submission\)|zuletzt geändert \((abgabe|lösung)\)"
    r"|最[后後]修改.*(学生|提交|作业|繳交).*",
    re.IGNORECASE,
)


@dataclass
class Worksheet:
    """What a table says of handing in.

    Attributes
    ----------
    times : dict of str to datetime
        By student.
    participants : dict of str to str
        Moodle's numbers in this assignment, and whose they are.
    """

    times: dict[str, datetime] = field(default_factory=dict)
    participants: dict[str, str] = field(default_factory=dict)


def read_times(path: Path | str, course: Course) -> Worksheet:
    """Times of handing in, from a CSV file; Moodle's grading worksheet gives the participants' numbers, too.

    Students are found by the columns that a roster may have: id, e-mail address, full name, or Moodle's
    number; with blind marking by the number alone, which the roster must know then. Times stand in ``time``
    or Moodle's ``Last modified (submission)``.

    Raises
    ------
    InputError
        If a time cannot be read, or there is neither a time nor a number of anyone on the roster.
    """
    name = Path(path).name
    columns, rows = entries_of(decoded(Path(path).expanduser()), name)
    at = next((each for each in columns if TIME.fullmatch(each)), None)
    known, found = _who(course.students), Worksheet()
    for number, row in rows:
        keys = (row.get("id", ""), row.get("email", ""), f"participant {row.get('moodle_id', '')}")
        keys = [key.casefold() for key in keys] + [name_key(_name(row))]
        student = next((known[key] for key in keys if key and key in known), None)
        if student is None:
            continue
        if row.get("moodle_id"):
            found.participants[row["moodle_id"]] = student
        time = row.get(at, "") if at else ""
        if time not in ("", "-"):
            try:
                found.times[student] = parse_time(time, course.zone)
            except InputError as error:
                raise InputError(f"{name}, row {number}: {error}") from None
    if not (found.times or found.participants):
        raise InputError(f"{name} has no time of anyone on the roster; it needs the columns id,time")
    return found


def _name(row):
    return row.get("name") or " ".join(filter(None, (row.get("first_name"), row.get("last_name"))))


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
