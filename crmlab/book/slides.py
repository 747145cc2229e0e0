"""Slides of a lesson, from what it holds: claim, question, cover, trap, diagnosis, finding."""

import re
from collections.abc import Iterator
from typing import Any

import bs4
from markupsafe import Markup

from crmlab.book.chapters import Chapter
from crmlab.book.pages import filled
from crmlab.words import words

# Which figure stands for what: the first cell with the tag, else the one with the id, else in the section.
FIGURES = {"cover": (), "trap": ("trap-picture",), "diagnosis": ("diagnosis-picture", "diagnose-all")}

QUOTED = "\u300c"  # the bracket that opens a quotation from the sources


def slides_name(chapter: Chapter) -> str:
    """The file of a lesson's slides."""
    return f"{chapter.name}.slides.html"


def slides_page(chapter: Chapter) -> str:
    """The slides of a lesson as one page that keys turn."""
    page = filled("slides.html.j2", chapter=chapter, slides=list(_slides(chapter)))
    return page.replace('href="#ref-', f'href="{chapter.page}#ref-')  # its references stand in the lesson


def _slides(chapter: Chapter) -> Iterator[dict[str, Any]]:
    """What comes after the title, one slide each."""
    quotation = _quotation(chapter)
    if quotation:
        yield {"title": words("slides.said"), "html": Markup(quotation)}
    questions = [*chapter.about.get("questions", [])]
    if questions:
        yield {"title": words("slides.predict"), "items": questions[:3]}
    shown = []
    for role in FIGURES:
        output = _figure(chapter, role)
        if output is not None and output not in shown:
            shown.append(output)
            yield {"title": words(f"slides.{role}"), "figure": output}
    if chapter.finding:
        yield {"title": words("slides.finding"), "text": chapter.finding}
    if len(questions) > 3:
        yield {"title": words("slides.discuss"), "items": questions[3:]}


def _figure(chapter: Chapter, role: str) -> dict[str, Any] | None:
    """The figure of a lesson that plays a role; the cover's is the first if no cell has the tag."""
    tagged = [
        cell.get("id") for cell in chapter.run.notebook.cells if role in cell["metadata"].get("tags", [])
    ]
    figures = chapter.rendered.figures
    for name in (*tagged, *FIGURES[role], *_in_section(chapter, "diagnose" if role == "diagnosis" else "")):
        for output in figures:
            if output["cell"] == name:
                return output
    return figures[0] if role == "cover" and figures else None


def _in_section(chapter: Chapter, section: str) -> list[str]:
    """Ids of the cells from a section's first to the next heading of its level."""
    found: list[str] = []
    for cell in chapter.run.notebook.cells:
        begins = cell.cell_type == "markdown" and re.match(r"##? ", cell.source)
        if section and (
            cell.get("id") == section or f"section:{section}" in cell["metadata"].get("tags", [])
        ):
            found.append(cell.id)
        elif found:
            if begins:
                break
            found.append(cell.id)
    return found


def _quotation(chapter: Chapter) -> str:
    """What practitioners are quoted with: the section's first quotation set apart, else one in its text."""
    inside = _in_section(chapter, "practitioners")
    html = "".join(
        str(cell["html"])
        for cell in chapter.rendered.cells
        if cell["id"] in inside and cell["kind"] == "text"
    )
    soup = bs4.BeautifulSoup(html, "html.parser")
    apart = soup.find("blockquote")
    if apart is not None:
        return str(apart)
    for element in soup.find_all(["li", "p"]):
        if QUOTED in element.get_text() and not element.find(["li", "p"]):
            return f"<blockquote>{element.decode_contents()}</blockquote>"
    return ""
