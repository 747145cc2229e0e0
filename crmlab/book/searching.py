"""The search index: every section's text, in a script that a page can load from a file, without a server."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

import bs4

from crmlab.book.chapters import Chapter
from crmlab.book.glossary import Term
from crmlab.words import words

Section = tuple[str, str, str, str, str]
FILE = "search-index.js"


def search_index(chapters: Sequence[Chapter], terms: Iterable[Term]) -> str:
    """A script that sets ``sections``: page, lesson, section, text and code of each section and term."""
    sections = [section for chapter in chapters for section in _sections(chapter)]
    title = words("build.glossary")
    sections += [
        (f"glossary.html#{term.anchor}", title, term.label, f"{', '.join(term.forms)}: {term.definition}", "")
        for term in terms
    ]
    text = ",\n".join(json.dumps(section, ensure_ascii=False) for section in sections)
    return f"const sections = [\n{text}\n];\n".replace("</", "<\\/")


def _sections(chapter: Chapter) -> Iterator[Section]:
    """The sections of a lesson, from one heading to the next."""
    title = f"{chapter.number} {chapter.title}".strip()
    anchor, section = "", chapter.title
    texts: list[str] = []
    codes: list[str] = []

    def made() -> Section:
        page = chapter.page + (f"#{anchor}" if anchor else "")
        return page, title, section, _spaced(" ".join(texts)), "\n".join(codes)

    for kind, text, name in _pieces(chapter):
        if kind == "heading":
            if texts or codes:
                yield made()
            anchor, section, texts, codes = name, text, [], []
        else:
            (codes if kind == "code" else texts).append(text)
    if texts or codes:
        yield made()


def _pieces(chapter: Chapter) -> Iterator[tuple[str, str, str]]:
    """Headings, prose, captions, tables and code in their order, as ``(kind, text, anchor)``."""
    for cell in chapter.rendered.cells:
        soup = bs4.BeautifulSoup(str(cell["html"]), "html.parser")
        if cell["kind"] == "text":
            for formula in soup.find_all("math"):
                formula.replace_with(str(formula.get("alttext", "")))
            for element in soup.find_all(recursive=False):
                heading = re.fullmatch(r"h[1-6]", element.name)
                yield "heading" if heading else "prose", element.get_text(" "), str(element.get("id", ""))
            continue
        yield "code", soup.get_text(), ""
        for output in cell["outputs"]:
            shown = output.get("caption") or output.get("table") or output.get("html") or ""
            yield "output", bs4.BeautifulSoup(str(shown), "html.parser").get_text(" "), ""


def _spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
