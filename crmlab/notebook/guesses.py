"""What a student guessed and answered in a lesson: one small file beside the student's own copy.

``work/09_loyalty.guesses.json`` belongs to ``work/09_loyalty.ipynb``. A kernel that no student opened, one of
``crmlab build`` or of a test, knows no notebook and writes nothing.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from crmlab import files, places
from crmlab.notebook.session import notebook_path

SUFFIX = ".guesses.json"


def guesses_file(notebook: Path) -> Path:
    """Where the guesses made in a notebook are kept: beside it, but never among the lessons themselves."""
    folder = notebook.parent
    if folder.resolve() == places.root() / "notebooks":
        folder = places.work()
    return folder / f"{notebook.stem}{SUFFIX}"


def recall(kind: str, name: str) -> dict[str, Any]:
    """What was kept under a name: of ``"predictions"`` or ``"quizzes"``; empty for nothing."""
    notebook = notebook_path()
    kept = read(guesses_file(notebook)) if notebook is not None else {}
    found = kept.get(kind, {}).get(name, {})
    return found if isinstance(found, dict) else {}


def keep(kind: str, name: str, facts: dict[str, Any]) -> None:
    """Keep facts under a name, beside what is kept already; without a student's notebook, nowhere."""
    notebook = notebook_path()
    if notebook is None:
        return
    path = guesses_file(notebook)
    kept = read(path)
    kept.setdefault(kind, {}).setdefault(name, {}).update(facts)
    with suppress(OSError):  # a folder that cannot be written keeps nobody from the lesson
        files.write_text(path, json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def read(path: Path) -> dict[str, Any]:
    """A file of guesses; empty if it is not there or not one."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    sound = isinstance(kept, dict) and all(isinstance(each, dict) for each in kept.values())
    return kept if sound else {}


def closeness(facts: dict[str, Any]) -> float | None:
    """How near a guess came, from 0 to 1: one less the distance to the truth over the slider's length.

    A chosen word is near or not. None while guess or truth is missing.
    """
    guess, truth = facts.get("guess"), facts.get("truth")
    if guess is None or truth is None:
        return None
    if isinstance(guess, str) or isinstance(truth, str):
        return float(guess == truth)
    length = facts.get("high", 0) - facts.get("low", 0)
    return max(0.0, 1 - abs(guess - truth) / length) if length > 0 else None
