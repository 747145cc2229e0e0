"""Chapters: executed lessons, rendered once for every page that shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crmlab.book.cells import Rendered, rendered_cells
from crmlab.book.glossary import Term, glossary
from crmlab.book.linking import Linker
from crmlab.notebook.outcome import Run
from crmlab.notebook.pictures import Picture, cover
from crmlab.notebook.references import Reference, reference_section
from crmlab.notebook.source import Source
from crmlab.words import words

HEADLINES = 4


@dataclass(frozen=True, eq=False)
class Chapter:
    """A lesson of the book.

    Attributes
    ----------
    source : Source
    run : Run
        What came of executing it.
    rendered : Rendered
    references : list of Reference
    terms : list of Term
        Those of the glossary that the lesson uses.
    """

    source: Source
    run: Run
    rendered: Rendered
    references: list[Reference]
    terms: list[Term]

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def number(self) -> str:
        return self.source.lesson.number

    @property
    def title(self) -> str:
        return self.source.title or self.source.name

    @property
    def page(self) -> str:
        return f"{self.name}.html"

    @property
    def about(self) -> dict[str, Any]:
        """What the notebook's metadata say of the lesson."""
        return self.source.metadata

    @property
    def finding(self) -> str:
        """What the lesson found, in a sentence; empty if its metadata do not say."""
        return str(self.about.get("finding", "")).strip()

    @property
    def duration(self) -> str:
        """How long the lesson takes, in words; empty if it does not say."""
        sittings = self.about.get("sittings", [])
        if not self.source.minutes:
            return ""
        key = "build.minutes_in_sittings" if len(sittings) > 1 else "build.minutes"
        return words(key, minutes=self.source.minutes, sittings=len(sittings))

    @property
    def trap(self) -> str:
        """The trap that the lesson teaches, in a few words."""
        return str(self.about.get("trap", "")).strip()

    @property
    def builds_on(self) -> list[str]:
        """Numbers of the lessons that this one builds on."""
        return [str(number) for number in self.about.get("builds_on", [])]

    @cached_property
    def cover(self) -> Picture | None:
        return cover(self.run.notebook)

    @property
    def has_title(self) -> bool:
        return any(level == 1 for level, *_ in self.rendered.headings)

    @property
    def changed(self) -> dict[str, Any]:
        """Parameters that were not at their defaults."""
        return {
            name: value
            for name, value in self.run.parameters.items()
            if name in self.source.parameters and value != self.source.parameters[name].default
        }

    @property
    def headlines(self) -> list[tuple[str, Any]]:
        """The results that represent a lesson without a finding in words: its first numbers."""
        wanted = self.about.get("headlines")
        if wanted is None:
            numbers = [
                name
                for name, value in self.run.results.items()
                if isinstance(value, (int, float)) and not isinstance(value, bool)
            ]
            wanted = [] if self.finding else numbers[:HEADLINES]
        return [(name, self.run.results[name]) for name in wanted if name in self.run.results]


def chapters(sources: Sequence[Source], runs: Sequence[Run]) -> list[Chapter]:
    """Lessons and what came of executing them, rendered."""
    terms = glossary(sources)
    names = [source.name for source in sources]
    pages = {source.lesson.number: f"{source.name}.html" for source in sources if source.lesson.number}
    found = []
    for source, run in zip(sources, runs, strict=True):
        _, references = reference_section(run.notebook.cells)
        linker = Linker(source.lesson.number, pages, references, terms)
        rendered = rendered_cells(
            run.notebook, source.lesson.path.parent, names, linker, source.lesson.number
        )
        found.append(Chapter(source, run, rendered, references, linker.used))
    return found
