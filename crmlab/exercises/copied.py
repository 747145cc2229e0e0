"""A learner's copy as it stands in its file: which exercise, whose numbers, which cells, what its cards say.

It may have lost what an editor loses: the notebook's metadata, the cells' ids or their tags.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmlab.errors import InputError, listing
from crmlab.exercises.cards import MIME
from crmlab.exercises.masters import Master, masters, read_notebook
from crmlab.exercises.reading import Handed, read
from crmlab.exercises.rebuilding import Rebuilt, rebuild
from crmlab.exercises.verdicts import REASONS
from crmlab.notebook.parameters import checked, read_parameters
from crmlab.words import words

LARGEST = 50_000_000  # bytes
OPENS = re.compile(r"open_exercise\(\s*[\"']([^\"'\n]{1,80})[\"']")


@dataclass(frozen=True)
class Copy:
    """A learner's copy.

    Attributes
    ----------
    path : pathlib.Path
    notebook : NotebookNode
    exercise : Master
    parameters : dict
    handed : Handed
        The same as grading reads it, its cells named after the master's.
    rebuilt : Rebuilt
        The master with its blanks.
    """

    path: Path
    notebook: Any
    exercise: Master
    parameters: dict
    handed: Handed
    rebuilt: Rebuilt

    def cell(self, name: str) -> list[int]:
        """Numbers of the cells that are the master's cell `name`: by their ids, else as grading does."""
        by_id = [number for number, cell in enumerate(self.notebook.cells) if cell.get("id") == name]
        return by_id or [number for number, cell in enumerate(self.handed.cells) if cell.name == name]


def read_copy(path: Path | str) -> Copy:
    """The copy at `path`.

    Raises
    ------
    InputError
        If there is no such file, it is no copy of an exercise that is here, or has no parameters.
    """
    path = Path(path).expanduser()
    notebook = read_notebook(path)
    exercise = _exercise(path, notebook)
    known = exercise.parameters
    try:
        given = read_parameters(notebook.cells) or _untagged(notebook, known)
    except Exception as error:  # whatever a learner may have typed there
        raise InputError(
            f"the parameters cell of {path.name} cannot be read: {error}; it must have lines like "
            f"{next(iter(known))} = {next(iter(known.values())).default!r}"
        ) from None
    if set(given) != set(known):
        raise InputError(
            f"the parameters cell of {path.name} sets {listing(given) or 'nothing'}; it must set "
            f"{listing(known)} and nothing else. Write a fresh copy with crmlab start {exercise.name} "
            "--out and paste your work into it"
        )
    parameters = checked(known, {name: each.default for name, each in given.items()}, exercise.name)
    exercise, handed = exercise.drawn(parameters), read(path, LARGEST)
    return Copy(path.resolve(), notebook, exercise, parameters, handed, rebuild(exercise, handed, parameters))


def _untagged(notebook, known):
    """The parameters of a copy that has lost its tags: of the cell that sets these and nothing else."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", []):
            try:
                found = read_parameters([{**cell, "metadata": {"tags": ["parameters"]}}])
            except Exception:  # noqa: S112 - any other code cell
                continue
            if set(found) == set(known):
                return found
    return {}


def _exercise(path, notebook):
    """The master of a copy: named by its metadata or, where these are lost, by the exercise that it opens."""
    about, known = notebook.metadata.get("crmlab"), masters()
    if isinstance(about, dict) and about.get("copy") is True:
        name = about.get("exercise")
        if isinstance(name, str) and name in known:
            return known[name]
        raise InputError(
            f"{path.name} says it is a copy of {str(name)[:60]!r}; there are exercises "
            f"{listing(known) or 'none'}"
        )
    opened = {
        name for cell in notebook.cells if cell.cell_type == "code" for name in OPENS.findall(cell.source)
    }
    if not isinstance(about, dict) and len(opened & set(known)) == 1:
        return known[(opened & set(known)).pop()]
    raise InputError(f"{str(path)!r} is not an exercise copy; crmlab start writes one")


def describe(notebook: Any, number: int) -> str:
    """A cell as a learner finds it: its place, and its first line of code."""
    lines = [line.strip() for line in notebook.cells[number].source.splitlines()]
    first = next((line for line in lines if line and not line.startswith("#")), lines[0] if lines else "")
    return words("check.cell", number=number + 1, first=first if len(first) <= 44 else first[:43] + "…")


def cards(cell: Any) -> Iterator[dict]:
    """The judged answers in a cell's outputs, as `answer` left them for machines."""
    return (card for card in left_by_answer(cell) if card.get("verdict") != "hint")


def left_by_answer(cell: Any) -> Iterator[dict]:
    """All that `answer` left in a cell's outputs, hints too."""
    for output in cell.get("outputs", []):
        data = output.get("data")
        card = data.get(MIME) if isinstance(data, dict) else None
        if isinstance(card, dict):
            yield card


def saved_verdicts(copy: Copy) -> dict[str, str]:
    """``{question: reason}`` as the saved cards say; ``todo`` where there is none."""
    reasons = {name: card.get("verdict", "todo") for name, card in _saved_cards(copy).items()}
    return {name: reason if reason in REASONS else "unchecked" for name, reason in reasons.items()}


def saved_points(copy: Copy) -> dict[str, float]:
    """``{question: points}``: the master's for what the saved cards call right, theirs for parts of it."""
    found, possible = {}, copy.exercise.points
    for name, card in _saved_cards(copy).items():
        points = possible[name] if card.get("verdict") == "right" else card.get("points", 0)
        fits = isinstance(points, (int, float)) and 0 <= points <= possible[name]
        found[name] = points if fits else 0
    return found


def _saved_cards(copy):
    """The last saved card of each question, empty where there is none."""
    found = {}
    for name, check in copy.exercise.checks.items():
        told = [
            card
            for number in copy.cell(check.id)
            for card in cards(copy.notebook.cells[number])
            if card.get("question") == name
        ]
        found[name] = told[-1] if told else {}
    return found
