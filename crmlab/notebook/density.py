"""How dense a lesson may be: what can be counted of "a tired student finishes it".

``crmlab lint`` holds every lesson to these limits.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

from crmlab.notebook.pictures import KINDS
from crmlab.notebook.source import Source
from crmlab.notebook.spoiling import spoiled
from crmlab.notebook.widgets import is_fallback

WORDS = 2400  # of prose
SHOWN = 160  # lines of code in cells that are not folded, without comments and blank ones
CODE = 370  # lines of code in all
WIDE = 100  # characters in a line of code, about what JupyterLab shows at 1280 pixels
DRAWING = 60  # lines of code that draw
ROWS = 60  # of the tables shown
TABLES = 14
HYPOTHESES = 6  # argued in the prose
LONGEST_SHOWN = 15  # lines of a cell that is not folded
SITTING = 50  # minutes, the most for one
OPTION = 2, 12  # an option of a quiz is at most so many times, or so many characters, longer than another
QUIZ = "application/vnd.crmlab.quiz+json"  # what a quiz stores for machines; crmlab.widgets.quiz writes it

_DRAWS = re.compile(
    r"\b(axes?|figure|plt|sns|subplots|legend|colou?r|label|xlim|ylim|set_[xy]\w+|errorbar|fill_between)\b"
    r"|\bmarkers?="
)
_HYPOTHESIS = re.compile(r"\bH\d[a-z]?\b")
_FOLDED = re.compile(r"(?<![.\w])(explore|explore_market|Explorable|causal_diagram|predict|quiz)\(")
_Found = Iterator[tuple[str, str]]


def too_dense(notebook: Any, source: Source) -> _Found:
    """``(cell, message)`` for each limit that a lesson goes beyond.

    Parameters
    ----------
    notebook : NotebookNode
    source : Source
    """
    checks = (
        _counts,
        _captions,
        _folds,
        _lines_too_wide,
        _predictions,
        _spoilers,
        _sittings,
        _quizzes,
        _options,
        _ranges,
    )
    for check in checks:
        yield from check(notebook, source)


def counts(notebook: Any) -> dict[str, int]:
    """What `too_dense` counts, by name: words, code, shown, drawing, tables, rows, figures."""
    lines = [line for cell in _code(notebook) for line in _lines(cell)]
    outputs = [output for cell in _code(notebook) for output in cell.get("outputs", [])]
    tables = ["".join(output.get("data", {}).get("text/html", "")) for output in outputs]
    tables = [table for table in tables if "<table" in table]
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return {
        "words": sum(len(text.split()) for text in prose),
        "code": len(lines),
        "shown": sum(len(_lines(cell)) for cell in _code(notebook) if not _is_folded(cell)),
        "drawing": sum(bool(_DRAWS.search(line)) for line in lines),
        "tables": len(tables),
        "rows": sum(table.count("<tr") - table.count("<thead") for table in tables),
        "hypotheses": len({name for text in prose for name in _HYPOTHESIS.findall(text)}),
        "figures": sum("image/png" in output.get("data", {}) for output in outputs),
    }


def _counts(notebook: Any, _source: Source) -> _Found:
    found = counts(notebook)
    limits = {
        "words": (WORDS, "words of prose"),
        "code": (CODE, "lines of code"),
        "shown": (SHOWN, "lines of code in cells that are not folded"),
        "drawing": (DRAWING - 1, "lines of code that draw"),
        "tables": (TABLES, "tables"),
        "rows": (ROWS, "rows of tables shown"),
        "hypotheses": (HYPOTHESES, "hypotheses named in the prose"),
    }
    for name, (most, what) in limits.items():
        if found[name] > most:
            yield "", f"{found[name]} {what}; {most} are the most"


def _captions(notebook: Any, _source: Source) -> _Found:
    for cell in _code(notebook):
        for output in cell.get("outputs", []):
            pictured = any(kind in output.get("data", {}) for kind in KINDS)
            about = output.get("metadata", {}).get("image/png", {})
            if pictured and not is_fallback(output) and not about.get("caption"):
                yield cell.id, 'a picture without a caption; show(figure, alt="…", caption="the finding")'


def _folds(notebook: Any, _source: Source) -> _Found:
    for cell in _code(notebook):
        asks = _FOLDED.search(cell.source)
        if not _is_folded(cell) and (asks or len(_lines(cell)) > LONGEST_SHOWN):
            why = f"calls {asks[1]}" if asks else f"has more than {LONGEST_SHOWN} lines of code"
            yield cell.id, f'{why}; fold it: metadata "jupyter": {{"source_hidden": true}}'


def _lines_too_wide(notebook: Any, _source: Source) -> _Found:
    for cell in _code(notebook):
        widest = max(cell.source.splitlines(), key=len, default="")
        if len(widest) > WIDE:
            yield (
                cell.id,
                f"a line of {len(widest)} characters, {widest.strip()[:40]!r}…; {WIDE} are the most",
            )


def _spoilers(notebook: Any, _source: Source) -> _Found:
    yield from dict.fromkeys(spoiled(_code(notebook)))


def _predictions(notebook: Any, _source: Source) -> _Found:
    asked, answered = {}, {}
    for number, cell in enumerate(_code(notebook)):
        for name in re.findall(r"^(\w+) = predict\(", cell.source, re.MULTILINE):
            asked[name] = (number, cell)
        for name in re.findall(r"\b(\w+)\.answer\(", cell.source):
            answered.setdefault(name, (number, cell))
    if not asked:
        yield "", "asks for no prediction: name = predict(…), answered where the result falls"
    for name, (number, cell) in asked.items():
        if name not in answered:
            yield cell.id, f"the prediction {name} is not answered: {name}.answer(truth)"
        elif answered[name][0] <= number:
            yield answered[name][1].id, f"answers {name} before it has been asked"


def _sittings(notebook: Any, source: Source) -> _Found:
    """A lesson says how long each sitting takes, and where the next begins."""
    sittings = source.metadata.get("sittings", [source.minutes])
    if sum(sittings) != source.minutes:
        yield "", f"crmlab.sittings {sittings} do not add up to crmlab.minutes, {source.minutes}"
    if max(sittings) > SITTING:
        yield "", f"a sitting of {max(sittings)} minutes; {SITTING} are the most, metadata crmlab.sittings"
    begun = sum("sitting" in cell.metadata.get("tags", []) for cell in notebook.cells)
    if begun != len(sittings) - 1:
        yield (
            "",
            f"{len(sittings)} sittings, and {begun} markdown cells tagged sitting where a later one begins",
        )


def _quizzes(notebook: Any, source: Source) -> _Found:
    sittings = len(source.metadata.get("sittings", [source.minutes]))
    calls = [(cell, call) for cell in _code(notebook) for call in _calls(cell.source)]
    found = sum(_name(call) == "quiz" for _, call in calls)
    if found < sittings:
        yield "", f"{found} quizzes in {sittings} sittings; each ends with one"
    for cell, call in calls:
        if _name(call) == "Question":
            values = [
                *call.args[1:3],
                *(each.value for each in call.keywords if each.arg in ("right", "wrong")),
            ]
            flat = [
                part
                for value in values
                for part in (value.values if isinstance(value, ast.Dict) else [value])
            ]
            if any(isinstance(each, (ast.Constant, ast.UnaryOp)) for each in flat):
                yield cell.id, "an answer of a quiz is typed in; let each come from a result"


def _options(notebook: Any, _source: Source) -> _Found:
    """Whether stored quizzes leave a choice, and no option stands out by its length."""
    times, more = OPTION
    for cell in _code(notebook):
        stored = [output.get("data", {}).get(QUIZ, {}) for output in cell.get("outputs", [])]
        for question in (each for one in stored for each in one.get("questions", [])):
            lengths = sorted(len(text) for text, _right in question["options"])
            if len(lengths) < 2:
                yield cell.id, f"{question['text']!r} has one option: all analyses say the same; ask another"
            elif lengths[-1] > max(times * lengths[0], lengths[0] + more):
                told = f"{question['text']!r} has options of {lengths[0]} to {lengths[-1]} characters"
                yield cell.id, f"{told}; a length that stands out tells which is right"


def _ranges(notebook: Any, source: Source) -> _Found:
    if source.parameters and not any("check_parameters(" in cell.source for cell in _code(notebook)):
        yield "", f'nothing holds the parameters to their ranges: check_parameters("{source.lesson.number}")'


def _code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _is_folded(cell: Any) -> bool:
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden", False))


def _lines(cell: Any) -> list[str]:
    return [line for line in cell.source.splitlines() if line.strip() and not line.strip().startswith("#")]


def _calls(code: str) -> list[ast.Call]:
    try:
        return [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    except SyntaxError:  # a magic; another check looks at what runs
        return []


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
