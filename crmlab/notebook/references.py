"""What a lesson cites: the entries of its reference list, and the places in its text that speak of them."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_NAME = r"(?:(?:van|von|de|der|den) )*[A-Z][\w'’-]*[\wÀ-ž]"
_AND = r"(?:&amp;|&|and)"
_YEAR = r"(?:1[89]|20)\d\d[a-z]?"
_CITATION = re.compile(
    rf"(?P<names>{_NAME}(?:, {_NAME})*(?:,? {_AND} {_NAME}| et al\.)?)(?:['’]s)?"
    rf"(?P<mark>,? \(|,? )(?P<years>{_YEAR}(?:(?:, | and |; ){_YEAR})*)\b"
)
_AUTHOR = re.compile(r"((?:(?:van|von|de|der|den) )*[A-Z][^\s,]*(?: [A-Z][^\s,.]*)*), (?:[A-Z]\.[ -]?)+")
_DOI = re.compile(r"\b(10\.\d{4,9}/(?:[^\s<>]|<[^\s<>]*>)*[^\s<>.,;)])")
MONTHS = frozenset(
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
)


@dataclass(frozen=True)
class Reference:
    """One entry of a reference list.

    Attributes
    ----------
    text : str
        As it stands, in Markdown.
    authors : tuple of str
        Surnames; empty if the entry does not begin with names and a year, as a data set's.
    year : str
        With its letter, ``"2005a"``.
    doi : str
        Empty if the entry gives none.
    """

    text: str
    authors: tuple[str, ...]
    year: str
    doi: str

    @property
    def anchor(self) -> str:
        """The entry's name in a page, ``ref-fader-hardie-2007``."""
        names = self.authors[:2] or tuple(re.findall(r"\w+", self.text)[:3])
        return re.sub(r"[^\w]+", "-", f"ref {' '.join(names)} {self.year}".strip().lower())


@dataclass(frozen=True)
class Citation:
    """A place where a text names authors and a year."""

    start: int
    end: int
    text: str
    authors: tuple[str, ...]
    year: str

    def means(self, reference: Reference) -> bool:
        """Whether this is the entry that is meant: the same first author, the same year, no name too many."""
        named = [_folded(name) for name in self.authors]
        known = [_folded(name) for name in reference.authors]
        return (
            self.year == reference.year and bool(known) and named[0] == known[0] and set(named) <= set(known)
        )


def read_references(text: str) -> list[Reference]:
    """The entries of a reference list in Markdown: its items ``- Author, A. (2001). Title. …``."""
    items = re.findall(r"^[-*] +(.+(?:\n {2,}.+)*)", text, re.MULTILINE)
    return [read_reference(re.sub(r"\s*\n\s*", " ", item)) for item in items]


def read_reference(item: str) -> Reference:
    """One entry, read."""
    item = item.strip()
    head = re.match(rf"(?P<authors>.{{2,400}}?) \((?P<year>{_YEAR})\)", item)
    authors = tuple(_AUTHOR.findall(head["authors"])) if head else ()
    doi = _DOI.search(item)
    return Reference(item, authors, head["year"] if head and authors else "", doi[1] if doi else "")


def citations(text: str) -> Iterator[Citation]:
    """The citations in a text, one for each year that is named.

    ``Oliver (1980)``, ``Fader and Hardie (2007, 2010)``, ``(Nickell 1981)``, ``Jones et al. (2000)``. Names
    and a year without a bracket are a citation only inside brackets.
    """
    for match in _CITATION.finditer(text):
        bracketed = "(" in match["mark"] or _open_before(text, match.start())
        authors = tuple(re.findall(_NAME, match["names"].replace(" et al.", "")))
        if not bracketed or authors[0] in MONTHS:
            continue
        for at, year in enumerate(re.finditer(_YEAR, match["years"])):
            begin = match.start("years") + year.start() if at else match.start()
            end = match.start("years") + year.end()
            yield Citation(begin, end, text[begin:end], authors, year[0])


def reference_section(cells: Sequence[Any]) -> tuple[int, list[Reference]]:
    """Where the reference list begins among a lesson's cells, and its entries; ``len(cells)`` if none."""
    for at, cell in enumerate(cells):
        named = "section:references" in cell["metadata"].get("tags", []) or cell.get("id") == "references"
        if cell["cell_type"] == "markdown" and named:
            text = "\n".join(
                "".join(each["source"]) for each in cells[at:] if each["cell_type"] == "markdown"
            )
            return at, read_references(text)
    return len(cells), []


def cited_text(cell: Any) -> str:
    """What readers of a cell see as text: its source, and what its outputs say."""
    texts = ["".join(cell["source"])]
    for output in cell.get("outputs", []):
        texts += ["".join(output.get("text", ""))]
        texts += ["".join(data) for kind, data in output.get("data", {}).items() if kind.startswith("text/")]
    return html.unescape(re.sub(r"<[^>]+>", " ", "\n".join(texts)))


def uncited(cells: Sequence[Any]) -> list[Reference]:
    """Entries of the reference list that no cell of the lesson cites."""
    begin, references = reference_section(cells)
    found = [each for cell in cells[:begin] for each in citations(cited_text(cell))]
    return [each for each in references if each.authors and not any(one.means(each) for one in found)]


def unreferenced(cells: Sequence[Any]) -> list[tuple[str, Citation]]:
    """Citations that the reference list has no entry for, each with its cell's id."""
    begin, references = reference_section(cells)
    return [
        (cell.get("id", ""), each)
        for cell in cells[:begin]
        for each in citations(cited_text(cell))
        if not any(each.means(reference) for reference in references)
    ]


def _open_before(text: str, at: int) -> bool:
    """Whether a bracket that was opened in this paragraph is still open there."""
    before = text[:at].rpartition("\n\n")[2]
    return before.count("(") > before.count(")")


def _folded(name: str) -> str:
    return re.sub(r"['’]s$", "", name).replace("’", "'").lower()
