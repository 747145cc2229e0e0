"""Times of handing in, out of a table."""

from collections import defaultdict
from pathlib import Path

from crmlab.course.dates import parse_time
from crmlab.course.intake.matching import name_key
from crmlab.course.tables import read_table
from crmlab.errors import InputError


def read_times(path, course):
    """Times of handing in by student, from a CSV file.

    Students are found by the columns ``id``, ``Email address``, ``Full name`` or Moodle's ``Identifier``;
    times stand in ``time`` or Moodle's ``Last modified (submission)``.
    """
    rows = read_table(path, ())
    if not rows:
        raise InputError(f"{Path(path).name} has no rows")

    def lower(row):
        return {str(key).strip().lower(): value.strip() for key, value in row.items()}

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
