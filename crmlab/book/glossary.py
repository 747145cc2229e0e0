"""The glossary: what the theories speak of, and the terms of statistics that the lessons use."""

import importlib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

from crmlab.errors import InputError
from crmlab.notebook.source import Source
from crmlab.words import FOLDER, of_key, translated

_THEORY = re.compile(r"\w+")


@dataclass(frozen=True)
class Term:
    """An entry of the glossary.

    Attributes
    ----------
    anchor : str
        Its name in the glossary's page.
    label : str
    definition : str
    forms : tuple of str
        The ways in which a lesson may write it, the label among them.
    theory : str
        The title of the theory that defines it; empty for a term of statistics.
    """

    anchor: str
    label: str
    definition: str
    forms: tuple[str, ...]
    theory: str = ""


def glossary(sources: Iterable[Source]) -> list[Term]:
    """All terms, by label: those of statistics, and the constructs of the theories that these lessons teach.

    A construct that several theories define is listed once, as the first lesson defines it.
    """
    found = {term.label.lower(): term for term in statistical_terms()}
    for source in sources:
        for term in _constructs(source):
            found.setdefault(term.label.lower(), term)
    return sorted(found.values(), key=lambda term: term.label.lower())


def statistical_terms() -> tuple[Term, ...]:
    """The terms in ``crmlab/words/terms``, in the reader's language."""
    text = (FOLDER / "terms" / "en.toml").read_text(encoding="utf-8")
    return tuple(
        Term(name, *_of_term(name, each), (each["label"], *each.get("forms", ())))
        for name, each in tomllib.loads(text).items()
    )


def _of_term(name: str, term: dict[str, str]) -> tuple[str, str]:
    """A term's label and definition in the reader's language."""
    label, definition = (of_key(f"term.{name}.{part}", term[part]) for part in ("label", "definition"))
    return label, definition


def _constructs(source: Source) -> Iterable[Term]:
    """What the lesson's theory speaks of, from its design."""
    theory = source.metadata.get("theory", "")
    if not _THEORY.fullmatch(theory):
        return
    try:
        design = importlib.import_module(f"crmlab.theories.{theory}").design
    except ModuleNotFoundError:
        raise InputError(f"lesson {source.name} names the theory {theory!r}, which there is not") from None
    for name, construct in design.constructs.items():
        anchor = re.sub(r"[^\w]+", "-", name.lower())
        label, definition = translated(construct.label), translated(construct.definition)
        yield Term(anchor, label, definition, (label,), translated(design.title))
