"""Questions that are answered in words and marked by people.

In a master such a question is a text cell with nbgrader's metadata for a manually graded answer
(``solution`` and ``grade``, ``points``, not ``locked``), with the id ``q4-answer``. It holds what may be
expected and how it is marked; both are taken out of copies::

    ### BEGIN SOLUTION
    Loyal customers are those who would have stayed anyway, so ...
    ### END SOLUTION
    ### BEGIN MARK SCHEME
    - 1: names what the naive estimate confounds
    - 1: says what the manager should do instead
    ### END MARK SCHEME
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from crmlab.errors import InputError

BLANK = "*YOUR ANSWER HERE*"
REGIONS = {name: re.compile(rf"^### BEGIN {name}\n(.*?)^### END {name}\n?", re.DOTALL | re.MULTILINE)
           for name in ("SOLUTION", "MARK SCHEME")}  # fmt: skip
ENDING = "-answer"


@dataclass(frozen=True)
class ManualQuestion:
    """A question that people mark.

    Attributes
    ----------
    name, cell : str
        ``q4`` and the id of its text cell, ``q4-answer``.
    points : float
    expected : str
        What the master's author would write; Markdown.
    rubric : tuple of (float, str)
        What earns how many points.
    """

    name: str
    cell: str
    points: float
    expected: str
    rubric: tuple[tuple[float, str], ...]


def is_manual(cell: Any) -> bool:
    """Whether a cell is a text cell that is graded."""
    grading = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "markdown" and bool(grading.get("grade") and grading.get("solution"))


def manual_question(cell: Any) -> ManualQuestion:
    """What a master's text cell asks and expects.

    Raises
    ------
    InputError
        If its id, points or mark scheme do not fit.
    """
    name, points = cell.id.removesuffix(ENDING), cell.metadata.nbgrader.get("points")
    if not (cell.id.endswith(ENDING) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,40}", name)):
        raise InputError(f"cell {cell.id!r} is graded by hand; its id must be like q4{ENDING}")
    if isinstance(points, bool) or not isinstance(points, (int, float)) or not 0 < points <= 1000:
        raise InputError(f"cell {cell.id!r}: points is {points!r}; give a number above 0")
    expected = REGIONS["SOLUTION"].search(cell.source)
    if not expected:
        raise InputError(f"cell {cell.id!r} has no ### BEGIN SOLUTION with what you would accept")
    rubric = _rubric(REGIONS["MARK SCHEME"].search(cell.source), cell.id)
    if rubric and abs(sum(worth for worth, _ in rubric) - points) > 1e-9:
        raise InputError(
            f"cell {cell.id!r}: the mark scheme adds up to {sum(worth for worth, _ in rubric):g} points, "
            f"the cell is worth {points:g}"
        )
    return ManualQuestion(name, cell.id, points, expected[1].strip(), rubric)


def _rubric(match, cell):
    lines = [line.strip() for line in match[1].splitlines() if line.strip()] if match else []
    found = []
    for line in lines:
        item = re.fullmatch(r"[-*]\s*(\d+(?:\.\d+)?)(?:\s*points?)?\s*:\s*(.+)", line)
        if not item:
            raise InputError(
                f"cell {cell!r}: the mark scheme's line {line[:60]!r} is not like '- 1: says why'"
            )
        found.append((float(item[1]), item[2]))
    return tuple(found)


def blank_text(source: str) -> str:
    """The text cell as copies have it: what is expected and how it is marked taken out."""
    without = REGIONS["MARK SCHEME"].sub("", source)
    return REGIONS["SOLUTION"].sub(BLANK + "\n", without).strip()


def answer_in(source: str) -> str:
    """What someone wrote into a copy's cell; empty where nothing was."""
    return source.replace(BLANK, "").strip()


def written_answer(cells: Sequence[Any], copy: Sequence[Any], asked: ManualQuestion) -> str | None:
    """What a learner wrote, or None if there is no cell for it.

    Parameters
    ----------
    cells : list of Cell
        Of the notebook as handed in (`crmlab.exercises.reading`). Pieces of a split cell are put together.
        Where an editor has dropped the ids, the text cell under the task counts.
    copy : list of NotebookNode
        The cells as they were given out.
    """
    found = [cell.source for cell in cells if cell.name == asked.cell]
    if not found:
        at = next(number for number, cell in enumerate(copy) if cell.id == asked.cell)
        task = copy[at - 1].source.strip() if at else ""
        pairs = pairwise(cells)
        found = [
            after.source for cell, after in pairs if cell.source.strip() == task and after.kind != "code"
        ]
    return answer_in("\n\n".join(found)) if found else None
