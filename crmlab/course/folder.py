"""A course's folder: its settings, its secret, and where everything is."""

import hashlib
import hmac
import json
import os
import secrets as random_secrets
import stat
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from crmlab import files
from crmlab.course.dates import parse_time
from crmlab.course.late import LateRule, parse_late
from crmlab.course.roster import Student, read_roster
from crmlab.errors import InputError, check_known, listing
from crmlab.exercises.masters import Master, master
from crmlab.words import words

SETTINGS, SECRET, AUDIT = "course.toml", ".secret", "audit.jsonl"
KNOWN = ("title", "language", "fresh_variants", "late", "timezone", "question_seconds", "exercises")
KNOWN_EXERCISE = ("due", "points", "late", "fresh_variants", "question_seconds", "canvas", "drop", "bonus")
IGNORED = """# The secret and students' work do not belong in a repository.
*
!.gitignore
!course.toml
!source/
!source/**
"""


@dataclass(frozen=True)
class Settings:
    """What ``course.toml`` says about one exercise.

    Attributes
    ----------
    due : datetime or None
        With its time zone.
    points : float or None
        What the exercise counts in the gradebook; the master's own points if None.
    late : LateRule
    fresh_variants : int
        Variants besides the student's own that each question is graded on.
    question_seconds : float
        That a student's code may take for one question of one variant.
    canvas : str
        Canvas's name of the assignment, ``Loyalty (12345)``.
    drop, bonus : tuple of str
        Questions that do not count, and those that can only add points.
    """

    due: datetime | None = None
    points: float | None = None
    late: LateRule = LateRule()
    fresh_variants: int = 2
    question_seconds: float = 20.0
    canvas: str = ""
    drop: tuple[str, ...] = ()
    bonus: tuple[str, ...] = ()


class Course:
    """One course. Reading it writes nothing.

    Parameters
    ----------
    folder : path
        Holds ``course.toml``.
    """

    def __init__(self, folder: Path | str = ".") -> None:
        self.folder = Path(folder).expanduser().resolve()
        if not (self.folder / SETTINGS).is_file():
            raise InputError(
                f"no {SETTINGS} in {str(folder)!r}, so it is no course; crmlab release NAME --roster FILE "
                "starts one, --course DIR names one elsewhere"
            )

    # ------------------------------------------------------------------------------------------ places

    def path(self, *parts: str) -> Path:
        return self.folder.joinpath(*parts)

    def released(self, exercise: str) -> Path:
        return self.path("release", exercise)

    def submitted(self, exercise: str, student: str) -> Path:
        return self.path("submitted", student, exercise, f"{exercise}.ipynb")

    def reports(self, exercise: str) -> Path:
        return self.path("autograded", exercise)

    def overview(self, exercise: str) -> Path:
        return self.path("autograded", exercise, "overview.html")

    def feedback(self, exercise: str, student: str) -> Path:
        return self.path("feedback", exercise, f"{student}.html")

    # ---------------------------------------------------------------------------------------- contents

    @cached_property
    def config(self) -> dict[str, Any]:
        try:
            config = tomllib.loads((self.folder / SETTINGS).read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{SETTINGS} cannot be read: {error}") from None
        check_known("setting", config, KNOWN)
        exercises = config.get("exercises", {})
        if not isinstance(exercises, dict) or not all(isinstance(each, dict) for each in exercises.values()):
            raise InputError(f"{SETTINGS}: write each exercise as a section [exercises.09_loyalty]")
        return config

    @property
    def title(self) -> str:
        return str(self.config.get("title", self.folder.name))

    @cached_property
    def language(self) -> str:
        """In which students read their feedback, unless the roster says otherwise of one; empty for ours."""
        return _typed(self.config.get("language"), str, "", "language")

    @cached_property
    def zone(self) -> ZoneInfo:
        name = self.config.get("timezone", "UTC")
        try:
            return ZoneInfo(name)
        except Exception:  # zoneinfo raises several kinds
            raise InputError(f'{SETTINGS}: timezone is {name!r}; write like "Europe/Berlin"') from None

    @cached_property
    def students(self) -> list[Student]:
        return read_roster(self.folder / "roster.csv")

    def student(self, name: str) -> Student:
        """The student with this id."""
        for each in self.students:
            if each.id == name:
                return each
        raise InputError(
            f"no student {name!r} on the roster; there are {listing(s.id for s in self.students)}"
        )

    @property
    def exercises(self) -> list[str]:
        """Names of the exercises that have been released, in order."""
        return sorted(path.parent.name for path in self.folder.glob("source/*/master.ipynb"))

    def exercise(self, which: str) -> Master:
        """The master of an exercise as it was released.

        Raises
        ------
        InputError
            If it has not been released.
        """
        wanted = str(which).strip()
        own = [name for name in self.exercises if wanted in (name, *name.split("_", 1))]
        name = own[0] if len(own) == 1 else master(wanted).name
        path = self.path("source", name, "master.ipynb")
        if not path.is_file():
            raise InputError(
                f"{name} has not been released in this course ({listing(self.exercises) or 'nothing has'}); "
                f"crmlab release {name} does it"
            )
        return Master(path)

    def settings(self, exercise: str) -> Settings:
        """`Settings` of an exercise, its own over the course's."""
        config = self.config
        own = config.get("exercises", {}).get(exercise, {})
        check_known(f"setting of {exercise}", own, KNOWN_EXERCISE)
        both = {key: own.get(key, config.get(key)) for key in KNOWN_EXERCISE}
        return Settings(
            due=self._due(own.get("due"), exercise),
            points=_positive(both["points"], f"points of {exercise}"),
            late=parse_late(_typed(both["late"], str, "none", f"late of {exercise}")),
            fresh_variants=_variants(_typed(both["fresh_variants"], int, 2, "fresh_variants")),
            question_seconds=_positive(both["question_seconds"], "question_seconds") or 20.0,
            canvas=_typed(both["canvas"], str, "", f"canvas of {exercise}"),
            drop=_questions(own.get("drop"), f"drop of {exercise}"),
            bonus=_questions(own.get("bonus"), f"bonus of {exercise}"),
        )

    def _due(self, value, exercise):
        if value is None:
            return None
        if isinstance(value, str):
            try:
                value = parse_time(value, self.zone)
            except InputError as error:
                raise InputError(f"{SETTINGS}: due of {exercise}: {error}") from None
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time(23, 59, 59))
        if not isinstance(value, datetime):
            raise InputError(f"{SETTINGS}: due of {exercise} is {value!r}; write like 2026-11-30T23:59:00")
        return value.astimezone(self.zone) if value.tzinfo else value.replace(tzinfo=self.zone)

    # ------------------------------------------------------------------------------------------ secret

    @cached_property
    def secret(self) -> bytes:
        """The course's secret.

        Raises
        ------
        InputError
            If it is missing, or others than its owner may read it.
        """
        path = self.folder / SECRET
        try:
            text, mode = path.read_text(encoding="ascii").strip(), stat.S_IMODE(path.stat().st_mode)
            key = bytes.fromhex(text)
        except FileNotFoundError:
            raise InputError(
                f"the secret {str(path)!r} is missing. Everyone's version depends on it: bring it back from "
                "a copy; a new one would change all versions"
            ) from None
        except (OSError, ValueError) as error:
            raise InputError(f"the secret {str(path)!r} cannot be read: {error}") from None
        if os.name == "posix" and mode & 0o077:
            raise InputError(f"others may read the secret {str(path)!r} (mode {mode:o}); chmod 600 it")
        if len(key) < 32:
            raise InputError(f"the secret {str(path)!r} is too short; bring it back from a copy")
        return key

    def seed(self, exercise: Master, student: str) -> int:
        """The seed of a student's own version of `exercise` (a Master)."""
        return self._drawn(exercise, f"student\0{exercise.name}\0{student}")

    def fresh_seeds(self, exercise: Master, student: str, digest: str) -> list[int]:
        """Seeds of the variants that nobody has seen, drawn for one submission: `digest` is its SHA-256.

        The same work is graded on the same variants again, and another on others.
        """
        return self.drawing(exercise)(student, digest)

    def drawing(self, exercise: Master) -> Callable[[str, str], list[int]]:
        """`fresh_seeds` for many submissions of one exercise."""
        taken = {self.seed(exercise, each.id) for each in self.students}
        wanted = self.settings(exercise.name).fresh_variants
        return lambda student, digest: self._fresh(exercise, set(taken), wanted, f"{student}\0{digest}")

    def _fresh(self, exercise, taken, wanted, whose):
        found, number = [], 0
        while len(found) < wanted:
            seed = self._drawn(exercise, f"fresh\0{exercise.name}\0{whose}\0{number}")
            if seed not in taken:
                taken.add(seed)
                found.append(seed)
            number += 1
            if number > 1000 * (wanted + 1):
                raise InputError(f"{exercise.name}: its seeds do not suffice for {wanted} fresh variants")
        return found

    def _drawn(self, exercise, message):
        known = exercise.parameters.get("seed")
        if known is None or known.low is None or not isinstance(known.default, int):
            raise InputError(
                f"{exercise.name} needs a parameter like: seed = 1  # your version, 0 to 999999999"
            )
        number = int.from_bytes(hmac.new(self.secret, message.encode(), hashlib.sha256).digest())
        return int(known.low) + number % (int(known.high) - int(known.low) + 1)

    # ------------------------------------------------------------------------------------------- audit

    def log(self, what: str, **facts: Any) -> None:
        """Add a line to the audit log."""
        entry = {"when": datetime.now(UTC).isoformat(timespec="seconds"), "what": what, **facts}
        line = json.dumps(entry, ensure_ascii=False, sort_keys=False, default=str) + "\n"
        with open(self.folder / AUDIT, "a", encoding="utf-8") as file:
            file.write(line)


def start_course(folder: Path | str) -> tuple[Course, bool]:
    """Make a course of a folder: settings, secret. What is there already is kept.

    Returns
    -------
    course : Course
    new : bool
    """
    folder = Path(folder).expanduser()
    new = not (folder / SETTINGS).exists()
    if new:
        if (folder / SECRET).exists() or any(folder.glob("release/*")):
            raise InputError(f"{str(folder)!r} holds a course whose {SETTINGS} is missing; bring it back")
        folder.mkdir(parents=True, exist_ok=True)
        write_secret(folder / SECRET)
        files.write_text(folder / ".gitignore", IGNORED)
        files.write_text(folder / "overrides.csv", "exercise,student,question,points,comment\n")
        files.write_text(folder / SETTINGS, words("course.settings", title=folder.resolve().name))
    return Course(folder), new


def write_secret(path: Path) -> None:
    """A new secret that its owner alone may read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(random_secrets.token_hex(32) + "\n")


def _typed(value, kind, default, what):
    if value is None:
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(
            f"{SETTINGS}: {what} is {value!r}; it must be {'a text' if kind is str else 'a number'}"
        )
    return value


def _positive(value, what):
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0
    ):
        raise InputError(f"{SETTINGS}: {what} is {value!r}; it must be a number above 0")
    return value


def _questions(value, what):
    names = [] if value is None else value
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise InputError(f'{SETTINGS}: {what} is {value!r}; write like ["q3"]')
    return tuple(names)


def _variants(number):
    if not 0 <= number <= 20:
        raise InputError(f"{SETTINGS}: fresh_variants is {number}; it must be 0 to 20")
    return number
