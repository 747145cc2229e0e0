"""Links that a lesson's text does not write: to other lessons, to its references, to the glossary."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from crmlab.book.glossary import Term
from crmlab.notebook.references import Reference, citations

_TAG = re.compile(r"(<[^>]+>)")
_CLOSED = frozenset(
    [
        "a",
        "code",
        "pre",
        "math",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "button",
        "summary",
        "script",
        "style",
        "svg",
    ]
)
_LESSONS = re.compile(r"\b[Ll]essons? (?P<numbers>\d\d(?:(?:,| and|, and| to| or) \d\d)*)\b")
_Span = tuple[int, int, str]


class Linker:
    """Adds links to the HTML of one lesson, piece by piece in its order.

    Parameters
    ----------
    number : str
        Of the lesson itself, which is not linked to.
    pages : mapping
        Number of a lesson to its page, ``{"09": "09_loyalty.html"}``.
    references : sequence of Reference
        The lesson's own, to which its citations lead.
    terms : iterable of Term
        The first use of each is linked to the glossary.
    """

    def __init__(
        self, number: str, pages: Mapping[str, str], references: Sequence[Reference], terms: Iterable[Term]
    ) -> None:
        self.pages = {each: page for each, page in pages.items() if each != number}
        self.references = references
        self.waiting = {_key(form): term for term in terms for form in term.forms}
        self.used: list[Term] = []
        forms = sorted(self.waiting, key=len, reverse=True)
        self.pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, forms))})(?![\w-])", re.IGNORECASE)

    def __call__(self, text: str) -> str:
        """The HTML with links; nothing inside links, headings, code or formulas changes."""
        parts, depth = [], 0
        for part in _TAG.split(text):
            if _TAG.fullmatch(part):
                name = re.match(r"</?([a-zA-Z0-9]+)", part)
                if name and name[1].lower() in _CLOSED and not part.endswith("/>"):
                    depth += -1 if part.startswith("</") else 1
                parts.append(part)
            else:
                parts.append(part if depth else self._linked(part))
        return "".join(parts)

    def _linked(self, text: str) -> str:
        spans = sorted([*self._lessons(text), *self._citations(text)])
        spans = sorted([*spans, *self._terms(text, spans)])
        parts, done = [], 0
        for start, end, opening in spans:
            if start >= done:
                parts += [text[done:start], opening, text[start:end], "</a>"]
                done = end
        return "".join([*parts, text[done:]])

    def _lessons(self, text: str) -> Iterator[_Span]:
        for match in _LESSONS.finditer(text):
            numbers = list(re.finditer(r"\d\d", match["numbers"]))
            for each in numbers:
                if each[0] in self.pages:
                    start = match.start() if len(numbers) == 1 else match.start("numbers") + each.start()
                    end = match.start("numbers") + each.end()
                    yield start, end, f'<a href="{html.escape(self.pages[each[0]])}">'

    def _citations(self, text: str) -> Iterator[_Span]:
        for citation in citations(text):
            for reference in self.references:
                if citation.means(reference):
                    yield citation.start, citation.end, f'<a class="cite" href="#{reference.anchor}">'
                    break

    def _terms(self, text: str, taken: Sequence[_Span]) -> Iterator[_Span]:
        if not self.waiting:
            return
        for match in self.pattern.finditer(text):
            term = self.waiting.get(_key(match[0])) or self.waiting.get(match[0].lower())
            free = all(match.end() <= start or match.start() >= end for start, end, _ in taken)
            if term is not None and term not in self.used and free:
                self.used.append(term)
                meaning = html.escape(term.definition)
                yield (
                    match.start(),
                    match.end(),
                    f'<a class="term" href="glossary.html#{term.anchor}" title="{meaning}">',
                )


def _key(form: str) -> str:
    """How a form is looked up: acronyms as they are written, all else in any case."""
    return form if form.isupper() else form.lower()
