"""All files of a book from its chapters: name to content."""

from collections.abc import Sequence

from crmlab.book import claims, pages, printing, searching, slides, syllabus, teaching
from crmlab.book.chapters import Chapter
from crmlab.book.glossary import glossary


def assembled(book: Sequence[Chapter], solutions: bool = False) -> dict[str, str]:
    """The book's files by name, without the notebooks and the contents page.

    Parameters
    ----------
    book : sequence of Chapter
    solutions : bool, optional
        Whether the exercises' solutions are among them.
    """
    terms = glossary([chapter.source for chapter in book])
    made = {}
    for chapter in book:
        made[chapter.page] = pages.lesson_page(book, chapter)
        made[slides.slides_name(chapter)] = slides.slides_page(chapter)
        made[teaching.teaching_name(chapter)] = teaching.teaching_page(chapter)
    made |= _solutions(book) if solutions else {}
    made["instructors.html"] = _instructors(book, solutions)
    made["glossary.html"] = pages.glossary_page(book, terms)
    made[claims.LEDGER], made[claims.AUDITS] = claims.ledger_page(book), claims.numbers_page()
    made["bibliography.html"] = pages.bibliography_page(book)
    shared = [(name, made[name]) for name in ("glossary.html", "bibliography.html")]
    made["course.html"] = printing.course_page(book, shared)
    made["from-lifetimes.html"] = pages.lifetimes_page()
    made["search.html"] = pages.search_page()
    made[searching.FILE] = searching.search_index(book, terms)
    return made


def _solutions(book: Sequence[Chapter]) -> dict[str, str]:
    masters = {chapter: teaching.master_of(chapter) for chapter in book}
    return {
        teaching.solutions_name(chapter): teaching.solutions_page(chapter, master)
        for chapter, master in masters.items()
        if master is not None
    }


def _instructors(book: Sequence[Chapter], solutions: bool) -> str:
    solved = [chapter for chapter in book if solutions and teaching.master_of(chapter) is not None]
    return pages.filled(
        "instructors.html.j2",
        book=book,
        solved=solved,
        map=syllabus.concept_map(book),
        syllabi=[syllabus.syllabus(book, weeks) for weeks in syllabus.LENGTHS],
        class_minutes=syllabus.CLASS_MINUTES,
    )
