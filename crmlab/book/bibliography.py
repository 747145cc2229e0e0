"""One bibliography, gathered from the lessons' reference lists."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from markupsafe import Markup
from nbconvert.filters.markdown_mistune import MarkdownWithMath

from crmlab.book.cells import Renderer
from crmlab.book.chapters import Chapter
from crmlab.notebook.references import Reference
from crmlab.places import root


@dataclass
class Entry:
    """An entry of the bibliography, and the lessons that have it."""

    reference: Reference
    lessons: list[Chapter] = field(default_factory=list)

    @property
    def html(self) -> Markup:
        renderer = Renderer(root(), ())
        text = MarkdownWithMath(renderer=renderer).render(self.reference.text)
        return Markup(re.sub(r"^<p>|</p>\s*$", "", text.strip()))


def bibliography(chapters: Iterable[Chapter]) -> list[Entry]:
    """The entries by author and year, each once, in its fullest form."""
    found: dict[tuple[str, ...], Entry] = {}
    for chapter in chapters:
        for reference in chapter.references:
            entry = found.setdefault(_identity(reference), Entry(reference))
            if (bool(reference.doi), len(reference.text)) > (
                bool(entry.reference.doi),
                len(entry.reference.text),
            ):
                entry.reference = reference
            entry.lessons.append(chapter)
    return sorted(found.values(), key=lambda entry: _order(entry.reference))


def _identity(reference: Reference) -> tuple[str, ...]:
    """The same for two forms of one entry: its authors, its year and how its title begins."""
    title = re.sub(r"[*_\"“”]", "", reference.text.partition(f"({reference.year})")[2])
    return (*reference.authors, reference.year, *re.findall(r"\w+", title.lower())[:4])


def _order(reference: Reference) -> tuple[str, str]:
    return reference.text.replace("*", "").lower(), reference.year
