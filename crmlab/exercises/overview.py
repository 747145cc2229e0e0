"""``crmlab progress``: what is done in the copies of a folder, and how near the guesses in lessons came.

A copy counts as it was last saved, or as ``crmlab check`` found it if it has not changed since.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from crmlab import places
from crmlab.errors import InputError
from crmlab.exercises.cards import MARKS
from crmlab.exercises.checking import columns
from crmlab.exercises.copied import read_copy, saved_points, saved_verdicts
from crmlab.exercises.remembering import remembered
from crmlab.notebook import guesses
from crmlab.words import words

SKIPPED = {"node_modules", "__pycache__", "site-packages", "build"}


def overview(folder: str | os.PathLike | None = None) -> str:
    """The tables that ``crmlab progress`` prints.

    Parameters
    ----------
    folder : path, optional
        The current one, and that of a student's own copies, if not given.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    here = Path() if folder is None else Path(folder).expanduser()
    if not here.is_dir():
        raise InputError(f"no folder {str(here)!r}")
    own = [places.work()] if folder is None and places.work().is_dir() else []
    folders = [here, *(each for each in own if not each.resolve().is_relative_to(here.resolve()))]
    tables = [table for table in (_exercises(folders), _guesses(folders)) if table]
    return "\n\n".join(tables) or words("progress.none", folder=here)


def exercise_copies(folder: Path) -> list[Path]:
    """Exercise copies in a folder and under it, the one saved last first."""
    found = [path for path in _files(folder, ".ipynb") if path.stem.endswith("_exercises")]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def the_copy(folder: Path, named: str | None = None) -> Path:
    """The exercise copy that is meant: a file, or the one saved last, here or among a student's own.

    Parameters
    ----------
    folder : path
        Where one stands.
    named : str, optional
        A file; or a lesson, ``"09"``, ``"loyalty"`` or ``"09_loyalty"``, whose copy is meant.

    Raises
    ------
    InputError
        If there is none.
    """
    if named is not None and (os.path.exists(named) or not re.fullmatch(r"\w+", named)):
        return Path(named)
    stem = places.lesson(named).stem if named is not None else None
    for place in (folder, places.work()):
        for path in exercise_copies(place):
            if stem is None or path.stem == f"{stem}_exercises":
                return path
    of = f" of lesson {stem}" if stem else ""
    raise InputError(
        f"no exercise copy{of} in {folder.resolve()}; write one and open it: "
        f"crmlab open {named or '09'} --exercises"
    )


def _exercises(folders: list[Path]) -> str:
    rows, got, of = [], 0.0, 0.0
    for path, name in (
        (path, _name(path, folder)) for folder in folders for path in _files(folder, ".ipynb")
    ):
        row = _row(path, name)
        if row is not None:
            rows.append(row[0])
            got, of = got + row[1], of + row[2]
    if len(rows) > 1:
        rows.append([words("progress.total"), "", "", f"{got:g} / {of:g}", ""])
    return "\n".join(columns([words("progress.header").split("|"), *rows])) if rows else ""


def _name(path: Path, folder: Path) -> Path:
    """What a file is called from where one stands."""
    return path if folder == places.work() else path.relative_to(folder)


def _files(folder: Path, end: str) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED)
        yield from (
            Path(place) / name for name in sorted(names) if name.endswith(end) and not name.startswith(".")
        )


def _row(path: Path, name: Path) -> tuple[list[str], float, float] | None:
    """A line of the table with points got and possible; None for what is no copy."""
    try:
        if b'"crmlab"' not in path.read_bytes():
            return None
        copy = read_copy(path)
    except (InputError, OSError) as error:
        known = path.name.endswith("_exercises.ipynb")
        unread = [str(name), "", "", "", words("progress.unread", problem=error)]
        return (unread, 0, 0) if known else None
    checked = remembered(path)
    verdicts = checked.get("verdicts") or saved_verdicts(copy)
    got = sum((checked.get("points") or saved_points(copy)).values())
    marks = "  ".join(f"{question} {MARKS.get(verdict, '✗')}" for question, verdict in verdicts.items())
    total = sum(copy.exercise.points.values())
    step = words("progress.done", day=checked["day"]) if _all_right(checked) else _next(name, verdicts)
    return [str(name), copy.exercise.title, marks, f"{got:g} / {total:g}", step], got, total


def _all_right(checked: dict) -> bool:
    return bool(checked) and not checked["stale"] and set(checked["verdicts"].values()) == {"right"}


def _next(name: Path, verdicts: dict[str, str]) -> str:
    open_ = {question: verdict for question, verdict in verdicts.items() if verdict != "right"}
    if not open_:
        return words("progress.check", file=name)
    question, verdict = next(iter(open_.items()))
    if len(open_) == len(verdicts) and verdict == "todo":
        return words("progress.start", question=question)
    return words(
        "progress.continue",
        question=question,
        verdict=words(f"check.verdict_{verdict}", name="").rstrip(": "),
    )


def _guesses(folders: list[Path]) -> str:
    """How near the guesses made in lessons came, a line a lesson, and what is meant by near."""
    paths = {path.resolve() for folder in folders for path in _files(folder, guesses.SUFFIX)}
    rows = []
    for path in sorted(paths):
        kept = guesses.read(path)
        near = [guesses.closeness(each) for each in kept.get("predictions", {}).values()]
        scored = [each for each in near if each is not None]
        first = [right for each in kept.get("quizzes", {}).values() for right in each.values()]
        share = f"{sum(scored) / len(scored):.0%}" if scored else ""
        quiz = f"{sum(first)} / {len(first)}" if first else ""
        rows.append([path.name.removesuffix(guesses.SUFFIX), str(len(near)), share, quiz])
    table = columns([words("progress.guesses").split("|"), *rows])
    return "\n".join([*table, "", words("progress.near")]) if rows else ""
