"""``crmlab progress``: what is done in the copies of a folder, as they were last saved."""

import os
from pathlib import Path

from crmlab.errors import InputError
from crmlab.exercises.cards import MARKS
from crmlab.exercises.checking import columns, read_copy, saved_points, saved_verdicts
from crmlab.words import words

SKIPPED = {"node_modules", "__pycache__", "site-packages", "build"}


def overview(folder="."):
    """The table that ``crmlab progress`` prints.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise InputError(f"no folder {str(folder)!r}")
    rows, got, of = [], 0, 0
    for path in _notebooks(folder):
        row = _row(path, path.relative_to(folder))
        if row is not None:
            rows.append(row[0])
            got, of = got + row[1], of + row[2]
    if not rows:
        return words("progress.none", folder=folder)
    if len(rows) > 1:
        rows.append([words("progress.total"), "", "", f"{got:g} / {of:g}", ""])
    return "\n".join(columns([words("progress.header").split("|"), *rows]))


def _notebooks(folder):
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED)
        yield from (
            Path(place) / name
            for name in sorted(names)
            if name.endswith(".ipynb") and not name.startswith(".")
        )


def _row(path, name):
    """A line of the table with points got and possible; None for what is no copy."""
    try:
        if b'"crmlab"' not in path.read_bytes():
            return None
        copy = read_copy(path)
    except (InputError, OSError) as error:
        problem = str(error)
        known = path.name.endswith("_exercises.ipynb")
        return ([str(name), "", "", "", words("progress.unread", problem=problem)], 0, 0) if known else None
    points, verdicts = copy.exercise.points, saved_verdicts(copy)
    got = sum(saved_points(copy).values())
    marks = "  ".join(f"{question} {MARKS.get(verdict, '✗')}" for question, verdict in verdicts.items())
    total = sum(points.values())
    return [str(name), copy.exercise.title, marks, f"{got:g} / {total:g}", _next(name, verdicts)], got, total


def _next(name, verdicts):
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
