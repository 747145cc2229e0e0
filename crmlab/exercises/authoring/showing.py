"""What one student has: the copy, and its right answers in a line each."""

import copy
from pathlib import Path
from typing import Any

from crmlab import files
from crmlab.exercises import running
from crmlab.exercises.copies import make_copy
from crmlab.exercises.masters import Master
from crmlab.exercises.questions import Question
from crmlab.notebook.zygote import quick_import

with quick_import():
    import nbformat


def preview(
    exercise: Master, student: str, seed: int, out: Path | str
) -> tuple[Path, dict[str, Any], dict[str, Question]]:
    """Write the copy that a student has, and say what the right answers to it are.

    Returns
    -------
    path : pathlib.Path
    parameters : dict
    questions : dict of str to Question
    """
    parameters = exercise.check_parameters({"seed": seed})
    questions = running.questions(exercise, parameters)
    path = Path(out).expanduser() / f"{exercise.name}_{student}_preview.ipynb"
    files.write_text(path, nbformat.writes(copy.deepcopy(make_copy(exercise, parameters))) + "\n")
    return path, parameters, questions


def told(value: Any) -> str:
    """A right answer in one line, shortened."""
    if isinstance(value, dict) and "rows" in value:
        text = "; ".join(", ".join(_short(each) for each in row) for row in value["rows"])
    elif isinstance(value, dict) and "pairs" in value:
        text = "; ".join(f"{key}: {_short(each)}" for key, each in value["pairs"])
    elif isinstance(value, dict) and "returned" in value:
        text = "; ".join(map(told, value["returned"]))
    elif isinstance(value, list):
        text = ", ".join(map(_short, value))
    else:
        text = _short(value)
    return text if len(text) <= 100 else text[:99] + "…"


def _short(value):
    if isinstance(value, dict):  # plain data's words for what JSON cannot hold
        return str(value.get("float") or value.get("unknown") or value.get("raised") or value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def tolerance(kind: Any) -> str:
    """What is allowed around a right answer, in one line."""
    kinds = [kind, *(each for _, each in getattr(kind, "columns", ())), *getattr(kind, "results", ())]
    entry = getattr(kind, "entry", None)
    found = [
        f"± {getattr(each, name):g}" + (" of it" if name == "relative" else "")
        for each in filter(None, [*kinds, entry])
        for name in ("tolerance", "relative")
        if getattr(each, name, 0)
    ]
    return ", ".join(dict.fromkeys(found)) or "exact"
