"""What the pages of a course share: templates, and facts of reports in the reader's words."""

import functools
import html
import re
from pathlib import Path

import jinja2
from markupsafe import Markup

from crmlab.course.tables import number
from crmlab.exercises.masters import Master
from crmlab.grading.reports import QuestionResult
from crmlab.pages import environment
from crmlab.words import words
from crmlab.words.saying import spoken

FOLDER = Path(__file__).resolve().parent
LONGEST = 1500  # characters of anything that came out of a student's run


@functools.cache
def template(name: str) -> jinja2.Template:
    """One of this room's templates."""
    filters = {"number": number, "prose": prose}
    return environment(FOLDER, FOLDER / "course.css", filters=filters).get_template(name)


def prose(text: object) -> Markup:
    """A hint or comment as HTML: everything escaped, `code` set as code and *words* with emphasis."""
    parts = html.escape(str(text)[:LONGEST]).split("`")
    if len(parts) % 2 == 0:  # an odd backtick is just a backtick
        return Markup("`".join(parts))

    def emphasis(part):
        return re.sub(r"(?<![\w*])\*(\w[^*]{0,80}?)\*(?![\w*])", r"<em>\1</em>", part)

    return Markup(
        "".join(f"<code>{part}</code>" if at % 2 else emphasis(part) for at, part in enumerate(parts))
    )


def question_titles(exercise: Master) -> dict[str, str]:
    """``{question: the nearest heading above its check or answer}``, without Markdown."""
    found, last = {}, ""
    at = {cell.id: name for name, cell in exercise.checks.items()}
    at |= {asked.cell: name for name, asked in exercise.manual.items()}
    for cell in exercise.notebook.cells:
        if cell.id in at:
            found[at[cell.id]] = last
        elif cell.cell_type == "markdown":
            headings = re.findall(r"^#{2,4}\s+(.+?)\s*#*$", cell.source, re.MULTILINE)
            last = re.sub(r"[*_`$]", "", headings[-1]) if headings else last
    return found


def reason_words(question: QuestionResult) -> str:
    """Why a question has the verdict that it has, in the reader's language."""
    return spoken(question.reason) if question.reason else words_or("feedback.reason", question.verdict, "")


def verdict_words(verdict: str, misconception: str = "") -> str:
    """A verdict as people read it."""
    said = words_or("feedback.verdict", verdict)
    return f"{said}: {misconception.replace('_', ' ')[:LONGEST]}" if misconception else said


def words_or(section: str, name: str, default: str | None = None) -> str:
    """The text for a name that other code chose; the name itself, readable, if there is none."""
    try:
        return words(f"{section}_{name.replace(' ', '_')}")
    except KeyError:
        return name.replace("_", " ")[:LONGEST] if default is None else default
