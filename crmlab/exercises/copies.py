"""Copies: a learner's notebook, generated from the master and from nothing else.

A copy has the master's cells, ids and metadata, with the learner's parameters, its solutions blank, its check
cells without what the master told them, and no reference cells. A blank never raises: each name that later
code needs from it is set to ``...``.
"""

import ast
import copy
import re
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Any

from crmlab import files, places
from crmlab.errors import InputError
from crmlab.exercises.manual import blank_text
from crmlab.exercises.masters import BEGIN, END, Master, answer_call, master, role
from crmlab.notebook.running import check_folder
from crmlab.notebook.zygote import quick_import

with quick_import():
    import nbformat

BLANK = "# YOUR CODE HERE"


def make_copy(exercise: Master, parameters: dict[str, Any]) -> nbformat.NotebookNode:
    """The copy of a master for one learner.

    Parameters
    ----------
    exercise : Master
    parameters : dict
        Complete and checked (`Master.check_parameters`).

    Returns
    -------
    nbformat.NotebookNode
    """
    exercise = exercise.drawn(parameters)
    kept = [cell for cell in exercise.notebook.cells if role(cell) != "reference"]
    used, cells = set(), []
    for cell in reversed(kept):  # backwards: a blank must know what is used after it
        source = copy_source(cell, parameters, used)
        if cell.cell_type == "code":
            used |= _loaded(source)
        cells.insert(0, _copy_cell(cell, source))
    return nbformat.v4.new_notebook(
        cells=cells,
        metadata={
            "crmlab": {
                "exercise": exercise.name,
                "copy": True,
                "title": exercise.title,
                "version": exercise.version,
            },
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )


def _copy_cell(cell, source):
    metadata = {key: cell.metadata[key] for key in ("nbgrader", "tags", "jupyter") if key in cell.metadata}
    if cell.metadata.get("nbgrader", {}).get("locked"):
        metadata |= {"editable": False, "deletable": False}  # as nbgrader does on release
    make = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
    return make(source, id=cell.id, metadata=metadata)


def copy_source(cell: Any, parameters: dict[str, Any], used: set[str]) -> str:
    """The source that a copy has for a master's cell; `used` holds the names that later cells read."""
    match role(cell):
        case "parameters":
            return set_parameters(cell.source, parameters)
        case "solution":
            return blank(cell.source, used)
        case "manual":
            return blank_text(cell.source)
        case "check":
            call = answer_call(cell.source)
            return "answer({}, {})".format(*(ast.get_source_segment(cell.source, each) for each in call.args))
    return cell.source


def set_parameters(source: str, parameters: dict[str, Any]) -> str:
    """The parameters cell with other values, its comments kept."""
    lines = source.encode().splitlines()
    for statement in reversed(ast.parse(source).body):
        value, name = statement.value, statement.targets[0].id
        if name in parameters:
            first, last = value.lineno - 1, value.end_lineno - 1
            lines[first : last + 1] = [
                lines[first][: value.col_offset]
                + repr(parameters[name]).encode()
                + lines[last][value.end_col_offset :]
            ]
    return b"\n".join(lines).decode()


def start(
    which: str, seed: int | str | None = None, out: Path | str = "."
) -> tuple[Path, Master, dict[str, Any]]:
    """Write a learner's own copy, ``09_loyalty_exercises.ipynb``, into the folder `out`.

    Parameters
    ----------
    which : str
        ``"09"``, ``"loyalty"`` or ``"09_loyalty"``.
    seed : int or str, optional
        Of the learner's version; drawn at random if not given.
    out : path

    Returns
    -------
    path : pathlib.Path
    master : Master
    parameters : dict

    Raises
    ------
    InputError
        If there is no such exercise, the seed is out of range, or the file is there already.
    """
    exercise = master(which)
    known = exercise.parameters.get("seed")
    if known is None:
        raise InputError(f"{exercise.name} has no parameter seed")
    if seed is None:
        seed = secrets.randbelow(int(known.high) + 1) if known.high else secrets.randbelow(10**9)
    parameters = exercise.check_parameters({"seed": known.parse(seed) if isinstance(seed, str) else seed})
    folder = Path(out).expanduser()
    check_folder(folder, "out")
    path = folder / f"{exercise.name}_exercises.ipynb"
    if path.exists() or path.is_symlink():
        raise InputError(
            f"{str(path)!r} is there already; it may hold your work. Rename it, or choose another "
            "folder with --out"
        )
    files.write_text(path, nbformat.writes(make_copy(exercise, parameters)) + "\n")
    return path, exercise, parameters


def start_own(which: str, seed: int | str | None = None) -> tuple[Path, Master, dict[str, Any]]:
    """`start` in the folder of a student's own copies, `crmlab.places.work`, which is made if need be."""
    return start(which, seed, places.work())


# ------------------------------------------------------------------------------------------------ blanks


def blocks(source: str) -> list[tuple[int, int]]:
    """Line numbers ``(begin, end)`` of the marker lines of each solution block, counted from 1."""
    found, begin = [], None
    for number, line in enumerate(source.splitlines(), 1):
        if line.strip() == BEGIN and begin is None:
            begin = number
        elif line.strip() == END and begin is not None:
            found.append((begin, number))
            begin = None
        elif line.strip() in (BEGIN, END):
            raise SyntaxError(f"line {number}: {line.strip()} without its partner")
    if begin is not None:
        raise SyntaxError(f"line {begin}: {BEGIN} without {END}")
    return found


def blank(source: str, used: set[str]) -> str:
    """`source` with its solution blocks blank; `used` holds the names that later cells read."""
    tree, lines = ast.parse(source), source.splitlines()
    spans = blocks(source)
    for begin, end in reversed(spans):
        indent = re.match(r"\s*", lines[begin - 1])[0]
        statements = _statements_between(tree, begin, end)
        needed = used | {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and node.lineno > end
            and not any(first < node.lineno < last for first, last in spans)
        }
        stub = [f"{name} = ..." for name in _bound(statements) if name in needed]
        if any(isinstance(node, ast.Return) for each in statements for node in _own(each)):
            stub.append("return ...")
        if indent and not stub:
            stub.append("...")
        lines[begin - 1 : end] = [indent + line for line in [BLANK, *stub]]
    return "\n".join(lines)


def solved(
    notebook: nbformat.NotebookNode, exercise: Master, questions: Collection[str] | None = None
) -> nbformat.NotebookNode:
    """A copy with the master's solutions filled in: of all questions, or of those named."""
    wanted = {
        cell.id: cell.source
        for name, cells in solution_cells(exercise).items()
        if questions is None or name in questions
        for cell in cells
    }
    wanted |= {
        each.cell: each.expected
        for name, each in exercise.manual.items()
        if questions is None or name in questions
    }
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        cell.source = wanted.get(cell.id, cell.source)
    return notebook


def solution_cells(exercise: Master) -> dict[str, list[Any]]:
    """``{question: [solution cells]}``: a question's blanks stand between the check before it and its own."""
    found, waiting = {}, []
    names = {cell.id: name for name, cell in exercise.checks.items()}
    for cell in exercise.notebook.cells:
        if role(cell) == "solution":
            waiting.append(cell)
        elif cell.id in names:
            found[names[cell.id]], waiting = waiting, []
    return found


def _statements_between(tree, begin, end):
    """The outermost statements between two lines."""

    def inside(node):
        return isinstance(node, ast.stmt) and begin < node.lineno and node.end_lineno < end

    found = []
    for parent in ast.walk(tree):
        if not inside(parent):
            found += [child for child in ast.iter_child_nodes(parent) if inside(child)]
    return sorted(found, key=lambda node: node.lineno)


SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


def _own(node):
    """`node` and what is under it, but not inside a scope of its own."""
    yield node
    if not isinstance(node, SCOPES):
        for child in ast.iter_child_nodes(node):
            yield from _own(child)


def _bound(statements):
    """Names that statements bind, in order, each once."""
    names = []
    for statement in statements:
        for node in _own(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.append(node.id)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.append(node.name)
            elif isinstance(node, ast.alias):
                names.append((node.asname or node.name).partition(".")[0])
    return list(dict.fromkeys(names))


def _loaded(source):
    return {
        node.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
