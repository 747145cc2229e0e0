"""The book's pages: HTML that asks nothing of a network, and needs no server."""

import functools
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from crmlab.book.bibliography import bibliography
from crmlab.book.chapters import Chapter
from crmlab.book.glossary import Term
from crmlab.models.as_lifetimes.calls import calls
from crmlab.pages import environment, number

_FOLDER = Path(__file__).resolve().parent / "templates"


def lesson_page(book: Sequence[Chapter], chapter: Chapter) -> str:
    """The page of one lesson; `book` has all of them, for the links to those before and after."""
    place = [each.name for each in book].index(chapter.name)
    return filled(
        "lesson.html.j2",
        chapter=chapter,
        before=book[place - 1] if place else None,
        after=book[place + 1] if place + 1 < len(book) else None,
    )


def contents_page(book: Sequence[Chapter], extras: Sequence[str] = ()) -> str:
    """The contents page; `extras` are further files that it leads to, ``"course.pdf"``."""
    return filled(
        "index.html.j2",
        book=book,
        failed=[chapter for chapter in book if not chapter.run.ok],
        extras=extras,
    )


def glossary_page(book: Sequence[Chapter], terms: Sequence[Term]) -> str:
    """All terms by their letter, each with the lessons that use it."""
    letters: dict[str, list[dict[str, Any]]] = {}
    for term in terms:
        users = [chapter for chapter in book if term in chapter.terms]
        letters.setdefault(term.label[0].upper(), []).append({"term": term, "users": users})
    return filled("glossary.html.j2", letters=letters)


def bibliography_page(book: Sequence[Chapter]) -> str:
    """What all lessons cite, each entry once, with the lessons that cite it."""
    return filled("bibliography.html.j2", entries=bibliography(book))


def lifetimes_page() -> str:
    """Every call of lifetimes' quickstart beside ours."""
    sections = [(name, list(some)) for name, some in itertools.groupby(calls(), lambda call: call.section)]
    return filled("lifetimes.html.j2", sections=sections)


def search_page() -> str:
    """The page that searches the book, by the index beside it."""
    return filled("search.html.j2")


def filled(name: str, **values: Any) -> str:
    """A template of the book, filled in."""
    return _template(name).render(**values)


@functools.cache
def _template(name: str) -> jinja2.Template:
    made = environment(_FOLDER, _FOLDER / "book.css", filters={"number": number})
    made.globals["script"] = (_FOLDER / "book.js").read_text(encoding="utf-8")
    return made.get_template(name)
