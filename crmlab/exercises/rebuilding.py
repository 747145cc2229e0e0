"""A fresh notebook from the master, with the student's blanks in it, as the plan of a run.

Of what was handed in only two things are used: the source of the blanks, found by their grade ids (where an
editor has lost all of these, by the cells around them), and code cells that the student added, each after the
cell it stands under. A blank that was split or pasted is several cells with one grade id: the first in its
question's place fills the blank, the others count as added, so that all run in the order in which they stand.
Everything else comes from the master.
"""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from crmlab.exercises.copies import make_copy
from crmlab.exercises.masters import Master, answer_call, role
from crmlab.exercises.reading import Handed
from crmlab.words.saying import Said, said


@dataclass
class Question:
    """What there is for one question.

    Attributes
    ----------
    name : str
    cells : list of dict
        ``id``, ``role`` (``parameters``, ``given``, ``solution``, ``extra``), ``source``; ``blank``, what
        stands there in a blank copy.
    expression, own_expression : str
        What the check cell asks for, in the master's and in the student's words.
    verdict : str
    reason : Said or None
        Why it cannot be graded.
    """

    name: str
    cells: list[dict] = field(default_factory=list)
    expression: str = ""
    own_expression: str = ""
    verdict: str = ""
    reason: Said | None = None

    @property
    def is_blank(self) -> bool:
        """Whether nothing was filled in."""
        return not any(_is_work(each) for each in self.cells)

    @property
    def code(self) -> str:
        """The student's own code, as it runs."""
        return "\n".join(each["source"] for each in self.cells if _is_work(each))


def _is_work(entry: dict) -> bool:
    own = entry["role"] in ("solution", "extra")
    return own and entry["source"].strip() not in ("", entry["blank"].strip())


@dataclass
class Rebuilt:
    """All questions of a submission, and signs that cells were tampered with."""

    questions: list[Question]
    flags: Iterable[tuple[str, str]]


def rebuild(exercise: Master, handed: Handed, parameters: dict) -> Rebuilt:
    """Put the blanks of a `Handed` notebook into a fresh copy of the master.

    Parameters
    ----------
    exercise : Master
    handed : Handed
    parameters : dict
        The student's own, to tell which cells they edited.
    """
    return _Rebuilding(exercise.drawn(parameters), handed, parameters).done()


class _Rebuilding:
    def __init__(self, exercise, handed, parameters):
        self.exercise, self.handed = exercise, handed
        self.copy = make_copy(exercise, parameters)
        self.roles = {cell.id: role(cell) for cell in exercise.notebook.cells}
        self.check_of = {cell.id: name for name, cell in exercise.checks.items()}
        self.question_of = _question_of(self.copy, self.check_of)
        if not any(cell.name in self.question_of for cell in handed.cells):
            _find_by_source(handed, self.copy, self.roles)
        self.by_name = defaultdict(list)
        for cell in handed.cells:
            self.by_name[cell.name].append(cell)
        self.following = self._following()
        self.first = {cell.id: self._first(cell) for cell in self.copy.cells}
        self.extras = self._extras()

    def done(self):
        found, waiting = [], Question("")
        for cell in self.copy.cells:
            if cell.cell_type == "code" and cell.id not in self.check_of:
                waiting.cells.append(self._entry(cell))
            if cell.id in self.check_of:
                waiting.name = self.check_of[cell.id]
                waiting.expression = _expression(cell.source)
                waiting.own_expression = _own_expression(self.by_name[cell.id], waiting.name)
                self._judge_cells(waiting)
                found.append(waiting)
                waiting = Question("")
            waiting.cells += self.extras[cell.id]
        found[0].cells[0:0] = self.extras[""]
        return Rebuilt(found, _tampered(self.exercise, self.handed, self.copy, self.by_name, self.roles))

    def _following(self):
        """For each cell as handed in, the question of the next one that is the master's."""
        found, question = {}, None
        for cell in reversed(self.handed.cells):
            found[id(cell)] = question
            question = self.question_of.get(cell.name, question)
        return found

    def _first(self, cell):
        """Of the cells that bear a name, the one that stands for the master's."""
        given = self.by_name[cell.id]
        if self.roles[cell.id] != "solution":
            return next((each for each in given if each.source.strip() == cell.source.strip()), None) or (
                given[0] if given else None
            )
        code = [each for each in given if each.kind == "code"]
        placed = [each for each in code if self.following[id(each)] == self.question_of[cell.id]]
        return next(iter(placed + code), None)

    def _extras(self):
        """The student's own code cells, by the id of the master's cell that stands before them."""
        found, anchor = defaultdict(list), ""
        blanks = {cell.id: cell.source.strip() for cell in self.copy.cells}
        number = Counter()
        for cell in self.handed.cells:
            known = cell.name in self.question_of
            if known and (cell.kind != "code" or cell is self.first[cell.name]):
                anchor = cell.name
            elif cell.kind == "code" and cell.source.strip() not in ("", blanks.get(cell.name)):
                name = cell.name if known else "extra"
                number[name] += 1
                entry = {"id": f"{name}-{number[name] + known}", "role": "extra", "blank": ""}
                entry |= {"source": cell.source, "question": self.following[id(cell)]}
                found[anchor].append(entry)
        return found

    def _entry(self, cell):
        """What runs in a cell's place. A blank that is gone leaves its place empty."""
        entry = {"id": cell.id, "role": self.roles[cell.id], "source": cell.source, "blank": cell.source}
        if entry["role"] == "solution":
            entry["source"] = self.first[cell.id].source if self.first[cell.id] else ""
        return entry

    def _judge_cells(self, question):
        """Tell the question that has lost a cell and has nothing in its place."""
        lost = [each for each in question.cells if each["role"] == "solution" and not self.first[each["id"]]]
        for entry in lost:
            self._add_merged(question, entry)
        work = [
            each
            for each in question.cells
            if _is_work(each) and each.get("question", question.name) == question.name
        ]
        if lost and not work:
            name = lost[0]["id"]
            what = "retyped" if self.by_name[name] else "missing"
            question.verdict, question.reason = "missing", said(f"grading.cell_{what}", cell=name)

    def _add_merged(self, question, entry):
        """What was merged with the locked cell above: all that it holds beyond its own source."""
        for at, each in enumerate(question.cells):
            given = self.first.get(each["id"])
            if each["role"] != "given" or not given:
                continue
            source, own = given.source.strip(), each["blank"].strip()
            if source.startswith(own + "\n"):
                rest = source[len(own) :]
                more = {"id": f"{each['id']}-rest", "role": "extra", "source": rest, "blank": ""}
                question.cells.insert(at + 1, more)
                return


def _question_of(copy, check_of):
    """For each of a copy's cells, the question to which it leads."""
    found, question = {}, None
    for cell in reversed(copy.cells):
        question = check_of.get(cell.id, question)
        found[cell.id] = question
    return found


def _find_by_source(handed, copy, roles):
    """Name the cells of a notebook that an editor has robbed of every id.

    Locked cells are known by their source; code cells between two of them are the blanks there, the last
    ones if there are more, for in which of them the work stands makes no difference to a run.
    """
    given = [cell for cell in handed.cells if cell.kind == "code"]
    begin, blanks = 0, []
    for cell in copy.cells:
        if roles[cell.id] == "solution":
            blanks.append(cell.id)
        elif cell.cell_type == "code":
            at = next((at for at in range(begin, len(given)) if _says(given[at], cell, roles)), None)
            if at is not None:
                _name(given[begin:at], blanks)
                _name([given[at]], [cell.id])
                begin, blanks = at + 1, []


def _says(given, cell, roles):
    """Whether a cell is a locked one by its source; of a check cell, by the question that it asks."""
    if roles[cell.id] != "check":
        return given.source.strip() == cell.source.strip()
    call = answer_call(given.source)
    return call is not None and call.args[0].value == answer_call(cell.source).args[0].value


def _name(cells, names):
    for cell, name in zip(reversed(cells), reversed(names)):
        cell.id, cell.grading = name, {}


def _expression(source):
    return ast.get_source_segment(source, answer_call(source).args[1])


def _own_expression(given, name):
    """The name that the student's own check cell gives for this question, if that is all it does."""
    pattern = rf"""\s*answer\(\s*(["']){re.escape(name)}\1\s*,\s*([^\W\d]\w{{0,60}})\s*\)\s*;?\s*"""
    found = [re.fullmatch(pattern, each.source[:500]) for each in given if each.kind == "code"]
    return next((match[2] for match in reversed(found) if match), "")


# ------------------------------------------------------------------------------------------------- tampering


def _tampered(exercise, handed, copy, by_name, roles):
    """``(kind, evidence)`` of cells of the master that are not as they were released."""
    originals = {cell.id: cell for cell in exercise.notebook.cells}
    order = [cell.name for cell in handed.cells if cell.name in originals]
    for cell in copy.cells:
        kind, given = roles[cell.id], by_name[cell.id]
        if kind in ("prose", "manual"):
            continue
        if not given:
            yield "missing cell", cell.id
        if len(given) > 1:
            yield "duplicate cell", f"{cell.id}: {len(given)}"
        if kind != "solution" and any(each.source.strip() != cell.source.strip() for each in given):
            yield "edited cell", cell.id
        for each in given:
            yield from _edited_metadata(each, cell)
    released = [cell.id for cell in copy.cells if cell.id in set(order)]
    if [name for name, _ in Counter(order).items()] != released:
        yield (
            "moved cells",
            ", ".join(name for name, place in zip(dict.fromkeys(order), released) if name != place),
        )


def _edited_metadata(given, original):
    if given.kind != original.cell_type:
        yield "edited metadata", f"{original.id}: cell type {given.kind}"
    expected = original.metadata.get("nbgrader", {})
    for key in ("grade", "points", "solution", "task"):
        if given.grading and given.grading.get(key) != expected.get(key):
            yield (
                "edited metadata",
                f"{original.id}: {key} {given.grading.get(key)!r}, was {expected.get(key)!r}",
            )
    if expected.get("locked") != given.grading.get("locked", expected.get("locked")):
        yield "edited metadata", f"{original.id}: locked"
    more = set(given.tags) - set(original.metadata.get("tags", []))
    if more:
        yield "edited metadata", f"{original.id}: tags {', '.join(sorted(more))}"


def plan(
    rebuilt: Rebuilt,
    parameters: dict,
    inputs: dict,
    blank: Collection[str] = (),
    only: str | None = None,
    scan: bool = False,
) -> dict:
    """The plan of one run.

    Parameters
    ----------
    rebuilt : Rebuilt
    parameters : dict
    inputs : dict
        Of the questions that ask for a function, what it is called on.
    blank : set of str
        Questions whose blanks stay blank.
    only : str, optional
        The one question that is filled in.
    """
    questions = []
    for question in rebuilt.questions:
        left_out = question.name in blank or only not in (None, question.name)
        empty = left_out or bool(question.verdict)
        cells = [
            {
                "id": each["id"],
                "role": each["role"],
                "source": each["blank"] if empty and each["role"] == "solution" else each["source"],
            }
            for each in question.cells
            if not (left_out and each["role"] == "extra")
        ]
        questions.append(
            {
                "cells": cells,
                "expression": None if empty else question.expression,
                "own_expression": question.own_expression,
                "inputs": inputs.get(question.name),
            }
        )
    return {"parameters": parameters, "questions": questions, "scan": scan}
