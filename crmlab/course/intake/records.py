"""What collecting writes down: whose submission came when and from where, and what a human decided."""

import json

from crmlab import files
from crmlab.course.tables import read_table, table_text
from crmlab.errors import InputError

DOUBTFUL = ("file", "sha256", "suggestion", "why", "student")
NOBODY = "-"


def read_records(course, exercise):
    """What has been collected: ``{student: {"file", "sha256", "when", "late_mark", "notes", ...}}``."""
    path = course.path("collected", f"{exercise}.json")
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))["submissions"]
    except (ValueError, KeyError, UnicodeDecodeError):
        raise InputError(f"{str(path)!r} is damaged; delete it and collect again") from None


def write_doubtful(course, done, rows):
    """Rows for a human, under those decided already."""
    before = [row for row in read_doubtful(course, done.exercise) if row["student"]]
    rows = [
        dict(file=row.file, sha256=row.sha256, suggestion=row.student, why=row.why, student="")
        for row in rows
    ]
    files.write_text(done.doubtful_file, table_text(DOUBTFUL, before + rows))


def read_doubtful(course, exercise):
    """Rows of the table of files whose owner is in doubt, none if there is no table."""
    path = course.path("collected", f"{exercise}_doubtful.csv")
    if not path.is_file():
        return []
    return read_table(path, DOUBTFUL)


def decisions(course, exercise):
    """Whose a human says that files are: ``{(file, sha256): id}``."""
    known, found = {each.id.casefold(): each.id for each in course.students} | {NOBODY: NOBODY}, {}
    for number, row in enumerate(read_doubtful(course, exercise), 2):
        given = row["student"].strip()
        if given:
            if given.casefold() not in known:
                raise InputError(
                    f"{exercise}_doubtful.csv, row {number}: no student {given!r} on the roster; write an "
                    "id, or - for nobody"
                )
            found[row["file"].removeprefix("'"), row["sha256"]] = known[given.casefold()]
    return found
