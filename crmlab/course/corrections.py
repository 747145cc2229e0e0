"""Points that stand although a corrected exercise would give fewer.

``crmlab regrade`` never takes a point away unless it is told to. What students had before it is written to
``regraded/NAME.json``, question by question, for the work that earned it: who hands in something else
afterwards is graded on that alone.
"""

import copy
import json
from dataclasses import dataclass, field

from crmlab import files
from crmlab.course.folder import Course
from crmlab.errors import InputError


@dataclass
class Kept:
    """What is kept: ``{student: {"sha256": ..., "points": {question: points}}}``."""

    students: dict[str, dict] = field(default_factory=dict)

    def points(self, student: str, question: str, sha256: str) -> float | None:
        """What a question had earned, None if nothing is kept for this work."""
        entry = self.students.get(student)
        if entry is None or entry["sha256"] != sha256:
            return None
        return entry["points"].get(question)

    def copy(self) -> "Kept":
        """One that can be changed by itself."""
        return Kept(copy.deepcopy(self.students))

    def keep(self, student: str, sha256: str, points: dict[str, float]) -> None:
        """Keep the larger of what is kept and `points` for each question."""
        entry = self.students.get(student)
        before = entry["points"] if entry and entry["sha256"] == sha256 else {}
        both = {name: max(points.get(name, 0), before.get(name, 0)) for name in {**before, **points}}
        self.students[student] = {"sha256": sha256, "points": both}


def kept_points(course: Course, exercise: str) -> Kept:
    """What earlier regrades kept."""
    path = course.path("regraded", f"{exercise}.json")
    if not path.is_file():
        return Kept()
    try:
        return Kept(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        raise InputError(f"{str(path)!r} is damaged; bring it back from a copy, or delete it") from None


def write_kept(course: Course, exercise: str, kept: Kept) -> None:
    """Write what is kept."""
    text = json.dumps(kept.students, indent=1, sort_keys=True) + "\n"
    files.write_text(course.path("regraded", f"{exercise}.json"), text)
