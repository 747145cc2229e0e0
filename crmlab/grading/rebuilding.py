"""A fresh notebook from the master, with the student's blanks in it, as the plan of a run.

Of what was handed in only two things are used: the source of the blanks, found by their grade ids (where an
editor has lost all of these, by the cells around them), and code cells that the student added, each after the
cell it stands under. Everything else comes from the master.
"""

import ast
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from crmlab.exercises.copies import make_copy, solution_cells
from crmlab.exercises.masters import answer_call, role
from crmlab.grading.saying import Said, said


@dataclass
class Question:
    """What there is for one question.

    Attributes
    ----------
    name : str
    cells : list of dict
        ``id``, ``role`` (``parameters``, ``given``, ``solution``, ``extra``), ``source``; the blank one too.
    expression, own_expression : str
        What the check cell asks for, in the master's and in the student's words.
    verdict : str
    reason : Said or None
        Why it cannot be graded.
    """

    name: str
    cells: list = field(default_factory=list)
    expression: str = ""
    own_expression: str = ""
    verdict: str = ""
    reason: Said | None = None

    @property
    def is_blank(self):
        """Whether nothing was filled in."""
        own = [each for each in self.cells if each["role"] in ("solution", "extra")]
        return all(each["source"].strip() == each["blank"].strip() for each in own)


@dataclass
class Rebuilt:
    """All questions of a submission, and signs that cells were tampered with."""

    questions: list
    flags: list


def rebuild(exercise, handed, parameters):
    """Put the blanks of a `Handed` notebook into a fresh copy of the master.

    Parameters
    ----------
    exercise : Master
    handed : Handed
    parameters : dict
        The student's own, to tell which cells they edited.
    """
    copy = make_copy(exercise, parameters)
    known = {cell.id: cell for cell in copy.cells}
    roles = {cell.id: role(cell) for cell in exercise.notebook.cells}
    if not any(cell.name in known for cell in handed.cells):
        _find_by_source(handed, copy, roles)
    by_name = defaultdict(list)
    for cell in handed.cells:
        by_name[cell.name].append(cell)
    extras = _extras(handed, known)
    owner = {cell.id: name for name, cells in solution_cells(exercise).items() for cell in cells}
    check_of = {cell.id: name for name, cell in exercise.checks.items()}
    found, waiting = [], Question("")
    for cell in copy.cells:
        if cell.cell_type == "code":
            _add(waiting, cell, roles[cell.id], by_name[cell.id], owner)
        if cell.id in check_of:
            waiting.name = check_of[cell.id]
            waiting.expression = _expression(cell.source)
            waiting.own_expression = _own_expression(by_name[cell.id], waiting.name)
            found.append(waiting)
            waiting = Question("")
        waiting.cells += extras[cell.id]
    found[0].cells[0:0] = extras[""]
    return Rebuilt(found, _tampered(exercise, handed, copy, by_name, roles))


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


def _add(question, cell, kind, given, owner):
    if kind == "check":
        return
    entry = {"id": cell.id, "role": kind, "source": cell.source, "blank": cell.source}
    if kind == "solution":
        code = [each for each in given if each.kind == "code"]
        if len(given) == 1 and len(code) == 1:
            entry["source"] = code[0].source
        elif cell.id in owner and not question.verdict:
            question.verdict = "missing" if not code else "duplicate"
            what = "retyped" if given and not code else question.verdict
            question.reason = said(f"grading.cell_{what}", cell=cell.id, count=len(given))
    question.cells.append(entry)


def _extras(handed, known):
    """The student's own code cells, by the id of the master's cell that stands before them."""
    found, anchor = defaultdict(list), ""
    for cell in handed.cells:
        if cell.name in known:
            anchor = cell.name
        elif cell.kind == "code" and cell.source.strip():
            number = sum(map(len, found.values())) + 1
            found[anchor].append(
                {"id": f"extra-{number}", "role": "extra", "source": cell.source, "blank": ""}
            )
    return found


def _expression(source):
    return ast.get_source_segment(source, answer_call(source).args[1])


def _own_expression(given, name):
    """The name that the student's own check cell gives for this question, if that is all it does."""
    pattern = rf"""\s*answer\(\s*(["']){re.escape(name)}\1\s*,\s*([^\W\d]\w{{0,60}})\s*\)\s*;?\s*"""
    match = (
        re.fullmatch(pattern, given[0].source[:500]) if len(given) == 1 and given[0].kind == "code" else None
    )
    return match[2] if match else ""


# ------------------------------------------------------------------------------------------------- tampering


def _tampered(exercise, handed, copy, by_name, roles):
    """``(kind, evidence)`` of cells of the master that are not as they were released."""
    originals = {cell.id: cell for cell in exercise.notebook.cells}
    order = [cell.name for cell in handed.cells if cell.name in originals]
    for cell in copy.cells:
        kind, given = roles[cell.id], by_name[cell.id]
        if kind == "prose":
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


def plan(rebuilt, parameters, inputs, blank=(), only=None, scan=False):
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
            {"id": each["id"], "role": each["role"], "source": each["blank"] if empty else each["source"]}
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
