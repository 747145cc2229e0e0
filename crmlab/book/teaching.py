"""What instructors get for a lesson: minutes a section, where students stumble, what to ask, what to skip."""

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from nbconvert.filters.markdown_mistune import MarkdownWithMath

from crmlab import places
from crmlab.book.cells import Renderer
from crmlab.book.chapters import Chapter
from crmlab.book.pages import filled
from crmlab.exercises.masters import BEGIN, END, Master, answer_call, role
from crmlab.notebook.lint import SECTIONS
from crmlab.words.marks import as_html

# What a section takes before it is scaled to the lesson's own minutes: prose at the speed of reading aloud,
# code and tables explained, a figure looked at, a guess made, sliders moved.
WORDS_A_MINUTE = 150
CODE_LINES_A_MINUTE = 12
MINUTES = {"picture": 1.0, "html": 0.5, "result": 0.1, "widget": 3.0}
SOLUTIONS = "*.solutions.html"
SKIPPABLE = ("data", "explorable")  # sections on which no later one rests
UNTAUGHT = ("title", "references")  # sections that take no time in class


@dataclass(frozen=True)
class Section:
    """A section of a lesson; `minutes` are what it takes, so that all add up to the lesson's."""

    title: str
    anchor: str
    minutes: int
    skippable: bool = False


@dataclass
class Discussed:
    """A question of an exercise as one discusses it in class."""

    name: str
    title: str = ""
    task: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    solution: list[str] = field(default_factory=list)
    points: float = 0
    hints: list[str] = field(default_factory=list)
    misconceptions: dict[str, str] = field(default_factory=dict)
    moral: str = ""


def teaching_name(chapter: Chapter) -> str:
    """The file of a lesson's page for instructors."""
    return f"{chapter.name}.teaching.html"


def solutions_name(chapter: Chapter) -> str:
    """The file of a lesson's exercises with their solutions."""
    return f"{chapter.name}.solutions.html"


def master_of(chapter: Chapter) -> Master | None:
    """The exercises of a lesson, if it has any."""
    path = places.root() / "exercises" / chapter.name / "master.ipynb"
    return Master(path) if path.is_file() else None


def teaching_page(chapter: Chapter) -> str:
    """The instructor's page of a lesson."""
    master = master_of(chapter)
    return filled(
        "teaching.html.j2",
        chapter=chapter,
        sections=sections(chapter),
        exercise=master,
        questions=discussed(master) if master else [],
        asked=[
            Markup(as_html(each)) for each in [*chapter.about.get("questions", []), *predictions(chapter)]
        ],
        stumbles=chapter.about.get("stumbles", []),
        skips=chapter.about.get("skip", []),
        prose=prose,
    )


def solutions_page(chapter: Chapter, master: Master) -> str:
    """The exercises of a lesson with their solutions, discussed."""
    return filled(
        "solutions.html.j2", chapter=chapter, exercise=master, questions=discussed(master), prose=prose
    )


def sections(chapter: Chapter) -> list[Section]:
    """The sections of a lesson and their minutes, in whole minutes that add up to the lesson's."""
    weights: list[list[Any]] = []
    headings = iter([(text, anchor) for level, text, anchor in chapter.rendered.headings if level <= 2])
    names, inside = _section_names(chapter), ""
    for cell in chapter.rendered.cells:
        html = str(cell["html"])
        for _ in re.findall(r"<h[12]\b", html) if cell["kind"] == "text" else ():
            text, anchor = next(headings)
            weights.append([text, anchor, 0.0, names.get(cell["id"], "") in SKIPPABLE])
        if not weights:
            weights.append([chapter.title, "content", 0.0, False])
        inside = names.get(cell["id"], "") if names.get(cell["id"], "") in SECTIONS else inside
        weights[-1][2] += 0.0 if inside in UNTAUGHT else _weight(cell, html)
    total = sum(weight for _, _, weight, _ in weights) or 1.0
    budget = chapter.source.minutes or round(total)
    shares = _rounded([weight * budget / total for _, _, weight, _ in weights], budget)
    return [
        Section(text, anchor, minutes, skippable)
        for (text, anchor, _, skippable), minutes in zip(weights, shares, strict=True)
        if minutes
    ]


def predictions(chapter: Chapter) -> list[str]:
    """What the lesson asks to be predicted: the first argument of each ``predict("…")``."""
    found = []
    for cell in chapter.run.notebook.cells:
        if cell.cell_type == "code" and "predict(" in cell.source:
            try:
                tree = ast.parse(cell.source)
            except SyntaxError:  # a magic, say
                continue
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
            named = [call for call in calls if getattr(call.func, "id", "") == "predict"]
            found += [_text(call.args[0]) for call in named]
    return found


def discussed(master: Master) -> list[Discussed]:
    """The questions of a master, each with its task, its solution and what is said about wrong answers."""
    found, open_one, begun = [], Discussed(""), False
    for cell in master.notebook.cells:
        if cell.cell_type == "markdown":
            heading = re.match(r"##+ +(.+)", cell.source)
            begun = begun or bool(heading)
            if heading:
                open_one.title = re.sub(r"[*_`$]|^\d+ ", "", heading[1]).strip()
            if begun:
                open_one.task.append(re.sub(r"^##+ .+\n*", "", cell.source))
        elif role(cell) == "solution":
            open_one.solution.append(_without_marks(cell.source))
        elif role(cell) == "given" and begun:
            open_one.given.append(cell.source)
        elif role(cell) == "check":
            found.append(_checked(open_one, cell.source))
            open_one = Discussed("")
    return found


def prose(text: str) -> Markup:
    """Markdown of an exercise as HTML."""
    return Markup(MarkdownWithMath(renderer=Renderer(places.root(), ())).render(text))


def _checked(question: Discussed, source: str) -> Discussed:
    """The question, with what its ``answer(...)`` call says."""
    call = answer_call(source)
    told = {each.arg: each.value for each in call.keywords}
    question.name = call.args[0].value
    question.points = ast.literal_eval(told["points"]) if "points" in told else 1
    question.hints = [_text(each) for each in getattr(told.get("hints"), "elts", ())]
    wrong = told.get("misconceptions")
    if isinstance(wrong, ast.Call) and wrong.args:  # what chooses among those that are told
        wrong = wrong.args[0]
    if isinstance(wrong, ast.Dict):
        for key, value in zip(wrong.keys, wrong.values, strict=True):
            if name := _text(key):  # one that is computed has no name to print
                question.misconceptions[name] = _text(value.elts[1]) if isinstance(value, ast.Tuple) else ""
    question.moral = _text(told["moral"]) if "moral" in told else ""
    return question


def _text(node: ast.AST | None) -> str:
    """A text in source code; what an f-string fills in stands in it as code."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            f"`{ast.unparse(each.value)}`" if isinstance(each, ast.FormattedValue) else _text(each)
            for each in node.values
        )
    return f"`{ast.unparse(node)}`" if node is not None else ""


def _without_marks(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if line.strip() not in (BEGIN, END))


def _section_names(chapter: Chapter) -> dict[str, str]:
    """Cell id to the template's name of the section that it begins."""
    return {
        cell.get("id"): next(
            (
                tag.removeprefix("section:")
                for tag in cell["metadata"].get("tags", [])
                if tag.startswith("section:")
            ),
            cell.get("id"),
        )
        for cell in chapter.run.notebook.cells
    }


def _weight(cell: dict[str, Any], html: str) -> float:
    """Minutes that a cell takes before scaling."""
    text = re.sub(r"<[^>]+>", " ", html)
    if cell["kind"] == "text":
        return len(text.split()) / WORDS_A_MINUTE
    code = 0.0 if cell["folded"] else text.strip().count("\n") / CODE_LINES_A_MINUTE
    return code + sum(_output_minutes(output) for output in cell["outputs"])


def _output_minutes(output: dict[str, Any]) -> float:
    return MINUTES["widget"] if output.get("widget") else MINUTES.get(output["kind"], 0.2)


def _rounded(shares: list[float], total: int) -> list[int]:
    """Whole numbers that add up to `total`: the largest remainders are rounded up."""
    whole = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda at: whole[at] - shares[at])
    for at in by_remainder[: total - sum(whole)]:
        whole[at] += 1
    return whole
