"""``lint``: does a lesson keep to the template that all lessons share?

A section begins with a markdown cell that carries the tag ``section:NAME``, or whose id is ``NAME``. The
notebook's metadata say which template it follows: ``"crmlab": {"template": "start"}`` is the short one of
lesson 00.
"""

import itertools
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from crmlab.errors import InputError, listing
from crmlab.notebook.about import missing
from crmlab.notebook.density import too_dense
from crmlab.notebook.formulas import check_formula
from crmlab.notebook.jupyter import nbformat
from crmlab.notebook.parameters import parameters_cell, read_parameters, unreadable_lines
from crmlab.notebook.pictures import KINDS, alt_text
from crmlab.notebook.recording import recorded
from crmlab.notebook.references import reference_section, uncited, unreferenced
from crmlab.notebook.source import read
from crmlab.notebook.storing import as_text
from crmlab.notebook.widgets import is_fallback
from crmlab.places import Lesson

SECTIONS = (
    "title",
    "objectives",
    "practitioners",
    "dag",
    "predict",
    "simulate",
    "look",
    "test",
    "truth",
    "break",
    "diagnose",
    "data",
    "explorable",
    "exercises",
    "summary",
    "references",
)
OPTIONAL = {
    "lesson": {"data", "exercises"},
    "start": set(SECTIONS) - {"title", "objectives", "summary", "references"},
}
LONGEST_CELL = 30
LONGEST_RUN = 3
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_DOI = re.compile(r"\b10\.\d{4,9}/\S+")
_FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|(?<![\\$])\$(?P<inline>[^$\n]+?)(?<!\\)\$(?!\$)", re.DOTALL)
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<address>[^)\s]+)[^)]*\)")
_CHANGING = (
    (re.compile(r"\b0x[0-9a-f]{6,}"), "a memory address"),
    (re.compile(r"<(Figure|Axes)[ :]"), "the representation of a figure; end the line with ; or use show"),
    (
        re.compile(r"\b(?!00?:00:00)\d{1,2}:\d\d:\d\d\b"),
        "a time of day (statsmodels' summary() shows one; use summary().tables[1])",
    ),
    (re.compile(r"(?<![\w:/])/(tmp|home|Users|root|var|private)/\S+"), "a path of this machine"),
    (re.compile(r"\b[A-Z]:\\\\?Users"), "a path of this machine"),
)


@dataclass(frozen=True)
class Problem:
    """What is wrong, and in which cell; ``cell`` is empty if it is the whole lesson."""

    cell: str
    message: str

    def __str__(self):
        return f"cell {self.cell!r}: {self.message}" if self.cell else self.message


def lint(lesson: str | int | Path | Lesson) -> list[Problem]:
    """Problems of a lesson, in the order of its cells.

    Parameters
    ----------
    lesson : str, int, path or Lesson

    Returns
    -------
    list of Problem
    """
    source = read(lesson)
    text = source.lesson.path.read_text(encoding="utf-8")
    names = [cell.get("id", "") for cell in source.cells]
    twice = [name for name in dict.fromkeys(names) if name and names.count(name) > 1]
    if twice:  # nbformat would give them new ones
        return [Problem(name, "this id stands twice; each cell has its own") for name in twice]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            notebook = nbformat.reads(text, as_version=4)
            nbformat.validate(notebook)
    except Exception as error:  # nbformat raises errors of several libraries
        return [Problem("", f"not a valid notebook: {str(error).splitlines()[0]}")]
    checks = (
        _metadata,
        _cells,
        _parameters,
        _sections,
        _prose,
        _pictures,
        _outputs,
        _results,
        _references,
        _density,
    )
    problems = [problem for check in checks for problem in check(notebook, source)]
    if not problems and as_text(notebook) != text:
        problems.append(Problem("", "stored otherwise than crmlab refresh would; run it"))
    order = {cell.get("id", ""): index for index, cell in enumerate(notebook.cells)}
    return sorted(problems, key=lambda problem: order.get(problem.cell, -1))


def _metadata(notebook, source):
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        yield Problem(
            "", "older than notebook format 4.5, which gives cells their ids; save it in a current Jupyter"
        )
    for message in missing(source):
        yield Problem("", message)


def _cells(notebook, source):
    in_a_row = 0
    for cell in notebook.cells:
        name = cell.get("id", "")
        if not _ID.fullmatch(name) or re.fullmatch(r"[0-9a-f]{8}|.*[0-9a-f]{8}-[0-9a-f]{4}.*", name):
            yield Problem(name, "the id is not made of words, such as test-convexity")
        if not cell.source.strip():
            yield Problem(name, "the cell is empty")
        in_a_row = in_a_row + 1 if cell.cell_type == "code" else 0
        if in_a_row == LONGEST_RUN + 1:
            yield Problem(name, f"more than {LONGEST_RUN} code cells in a row; say in a sentence what comes")
        if cell.cell_type == "code" and (lines := len(cell.source.splitlines())) > LONGEST_CELL:
            yield Problem(name, f"{lines} lines of code; {LONGEST_CELL} are the most, one idea a cell")


def _parameters(notebook, source):
    cell = parameters_cell(notebook.cells)
    if cell is None:
        yield Problem("", "no code cell has the tag parameters")
        return
    first = next(each for each in notebook.cells if each.cell_type == "code")
    if first is not cell:
        yield Problem(cell.id, "the parameters cell must be the first code cell")
    try:
        parameters = read_parameters([cell])
    except SyntaxError as error:
        yield Problem(cell.id, f"not Python: {error}")
        return
    for line in unreadable_lines(cell.source):
        yield Problem(cell.id, f"`{line}` is not one parameter with a plain value")
    for parameter in parameters.values():
        if not parameter.description:
            yield Problem(cell.id, f"parameter {parameter.name} needs a comment that says what it is")
        if parameter.kind in (int, float) and not parameter.range:
            yield Problem(
                cell.id, f"parameter {parameter.name} needs a range, ending its comment: LOW to HIGH"
            )
        try:
            parameter.check(parameter.default)
        except InputError as error:
            yield Problem(cell.id, f"the default does not pass: {error}")


def _sections(notebook, source):
    template = source.metadata.get("template", "lesson")
    if template not in OPTIONAL:
        yield Problem("", f"crmlab.template is {template!r}; known: {listing(OPTIONAL)}")
        return
    found = {}
    for cell in notebook.cells:
        for name in _section_names(cell):
            if name not in SECTIONS:
                yield Problem(cell.id, f"there is no section {name!r}; known: {listing(SECTIONS)}")
            elif name in found:
                yield Problem(cell.id, f"section {name} stands twice, first at {found[name].id!r}")
            else:
                found[name] = cell
    for name in SECTIONS:
        if name not in found and name not in OPTIONAL[template]:
            yield Problem("", f"section {name} is missing: a markdown cell with the tag section:{name}")
    present = list(found)
    for earlier, later in itertools.pairwise(present):
        if SECTIONS.index(earlier) > SECTIONS.index(later):
            yield Problem(found[later].id, f"section {later} must come before {earlier}")
    for name, cell in found.items():
        asked = template == "lesson" or name not in OPTIONAL[template]
        if asked and not cell.source.lstrip().startswith("# " if name == "title" else "#"):
            yield Problem(cell.id, f"section {name} must begin with a heading")
    references = _section_text(notebook, found.get("references"))
    if "references" in found and template == "lesson" and not _DOI.search(references):
        yield Problem(found["references"].id, "the references name no DOI")
    if (
        source.metadata.get("template", "lesson") == "lesson"
        and source.has_exercises
        and "exercises" not in found
    ):
        yield Problem("", "there are exercises, but no section that leads to them (section:exercises)")


def _section_names(cell):
    if cell.cell_type != "markdown":
        return []
    tags = [
        tag.removeprefix("section:") for tag in cell.metadata.get("tags", []) if tag.startswith("section:")
    ]
    return tags or ([cell.id] if cell.get("id") in SECTIONS else [])


def _section_text(notebook, start):
    """The prose of a section: from its first cell to the next section's."""
    if start is None:
        return ""
    cells = notebook.cells[notebook.cells.index(start) :]
    texts = [start.source]
    for cell in cells[1:]:
        if _section_names(cell):
            break
        texts.append(cell.source)
    return "\n".join(texts)


def _prose(notebook, source):
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        text = re.sub(r"```.*?```|`[^`\n]*`", "", cell.source, flags=re.DOTALL)
        for match in _FORMULA.finditer(text):
            formula = match["block"] or match["inline"]
            try:
                check_formula(formula)
            except ValueError as error:
                yield Problem(cell.id, f"formula {formula.strip()!r} cannot be shown offline: {error}")
        for match in _LINK.finditer(text):
            yield from _link(cell, match, source.lesson.path.parent)


def _link(cell, match, folder):
    address = match["address"]
    if match["image"] and not match["text"].strip():
        yield Problem(cell.id, f"the picture {address} needs a text for those who cannot see it: ![text](…)")
    if match["image"] and re.match(r"https?:", address):
        yield Problem(cell.id, f"the picture {address} lies on the network; no lesson needs that")
    if not re.match(r"[a-z]+:|#", address) and not (folder / address.partition("#")[0]).exists():
        yield Problem(cell.id, f"the link leads to {address}, which is not there")


def _pictures(notebook, source):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for kind in KINDS:
                if kind in output.get("data", {}) and not alt_text(output, kind) and not is_fallback(output):
                    yield Problem(
                        cell.id,
                        "a picture without a text for those who cannot see it; "
                        'use crmlab.plots.show(figure, alt="…")',
                    )


def _outputs(notebook, source):
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        yield Problem("", "the stored outputs are not those of one run from the top; run crmlab refresh")
    for cell in code:
        for output in cell.outputs:
            if output.output_type == "error":
                yield Problem(cell.id, f"the stored output is an error: {output.ename}: {output.evalue}")
            elif output.output_type == "stream" and output.name == "stderr":
                yield Problem(
                    cell.id, f"writes to standard error: {output.text.strip().splitlines()[-1][:100]}"
                )
            texts = [
                output.get("text", ""),
                *(str(data) for kind, data in output.get("data", {}).items() if kind.startswith("text/")),
            ]
            for pattern, what in _CHANGING:
                if any(pattern.search(text) for text in texts):
                    yield Problem(cell.id, f"the output shows {what}")


def _results(notebook, source):
    results, twice = recorded(notebook.cells)
    if not results:
        yield Problem("", 'no result is recorded; give the main ones a name with record("name", value)')
    for name, cells in twice.items():
        yield Problem(cells[-1], f"result {name!r} is recorded twice, in {listing(cells)}")


def _references(notebook, source):
    """Every reference is cited, and every citation has a reference."""
    at, references = reference_section(notebook.cells)
    if at == len(notebook.cells):
        return
    where = notebook.cells[at].id
    for reference in uncited(notebook.cells):
        name = f"{' & '.join(reference.authors)} ({reference.year})"
        yield Problem(where, f"{name} is not cited in the lesson; cite it where it is used, or leave it out")
    if any(reference.authors for reference in references):
        for cell, citation in unreferenced(notebook.cells):
            yield Problem(cell, f"{citation.text!r} has no entry in the references")


def _density(notebook, source):
    if isinstance(source.minutes, int):  # else it has been said
        for cell, message in too_dense(notebook, source):
            yield Problem(cell, message)
