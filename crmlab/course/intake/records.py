"""What collecting writes down: whose submission came when and from where, and what a human decided."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from crmlab import files
from crmlab.course.folder import Course
from crmlab.course.tables import read_table, table_text
from crmlab.errors import InputError

DOUBTFUL = ("file", "sha256", "suggestion", "why", "student")
NOBODY = "-"


def read_records(course: Course, exercise: str) -> dict[str, dict[str, Any]]:
    """What has been collected: ``{student: {"file", "sha256", "when", "late_mark", "notes", ...}}``."""
    path = course.path("collected", f"{exercise}.json")
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))["submissions"]
    except (ValueError, KeyError, UnicodeDecodeError):
        raise InputError(f"{str(path)!r} is damaged; delete it and collect again") from None


def write_doubtful(course: Course, done: Any, rows: Sequence[Any]) -> None:
    """Rows for a human, under those decided already."""
    before = [row for row in read_doubtful(course, done.exercise) if row["student"]]
    rows = [
        dict(file=row.file, sha256=row.sha256, suggestion=row.student, why=row.why, student="")
        for row in rows
    ]
    files.write_text(done.doubtful_file, table_text(DOUBTFUL, before + rows))


def read_doubtful(course: Course, exercise: str) -> list[dict[str, str]]:
    """Rows of the table of files whose owner is in doubt, none if there is no table."""
    path = course.path("collected", f"{exercise}_doubtful.csv")
    if not path.is_file():
        return []
    return read_table(path, DOUBTFUL)


@dataclass
class Decisions:
    """Whose a human says that files are.

    Attributes
    ----------
    by_name : dict
        ``{(file, sha256): id}``.
    by_digest : dict
        ``{sha256: id}`` where that says one thing: a spreadsheet may have garbled the file's name.
    listed : set
        ``(file, sha256)`` of all rows, those left open too.
    used : set of str
        Digests that fitted a file.
    """

    by_name: dict[tuple[str, str], str]
    by_digest: dict[str, str]
    listed: set[tuple[str, str]]
    used: set[str] = field(default_factory=set)

    def of(self, names: tuple[str, ...], sha256: str) -> str:
        """An id, ``-`` for nobody, or empty for no decision."""
        found = next((given for name in names if (given := self.by_name.get((name, sha256)))), "")
        if not found and sha256 and not any((name, sha256) in self.listed for name in names):
            found = self.by_digest.get(sha256, "")
        if found:
            self.used.add(sha256)
        return found

    def unused(self) -> list[str]:
        """Files decided on that were not among those that came."""
        return sorted(file for file, sha256 in self.by_name if sha256 not in self.used)


def decisions(course: Course, exercise: str) -> Decisions:
    """What was decided on files whose owner was in doubt."""
    known = {each.id.casefold(): each.id for each in course.students}
    known |= {key.lstrip("0"): each for key, each in known.items() if key.lstrip("0") not in known}
    known, found = known | {NOBODY: NOBODY}, {}
    for number, row in enumerate(read_doubtful(course, exercise), 2):
        given = row["student"].strip()
        if given:
            if given.casefold() not in known:
                raise InputError(
                    f"{exercise}_doubtful.csv, row {number}: no student {given!r} on the roster; write an "
                    "id, or - for nobody"
                )
            found[row["file"], row["sha256"]] = known[given.casefold()]
    said = defaultdict(set)
    for (_, sha256), given in found.items():
        said[sha256].add(given)
    by_digest = {sha256: next(iter(one)) for sha256, one in said.items() if len(one) == 1}
    listed = {(row["file"], row["sha256"]) for row in read_doubtful(course, exercise)}
    return Decisions(found, by_digest, listed)
