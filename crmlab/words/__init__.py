"""Every word that a reader meets, in the reader's language.

The words of the code stand in ``en.toml`` by key; those of lessons and designs stand where they are used, in
English. An edition in another language is a folder of gettext catalogues in ``locales/``, made and brought up
to date by ``crmlab translate``; ``CRMLAB_LANGUAGE`` chooses it. What a catalogue lacks is shown in English.
"""

import os
import tomllib
from functools import cache
from pathlib import Path

from crmlab.words.catalogues import Catalogue, catalogue_of, note, produced

FOLDER = Path(__file__).resolve().parent
ENGLISH = "en"


def language() -> str:
    """The language in force: ``en``, ``zh_CN`` …; ``qps`` is the pseudo-language that tests use."""
    return os.environ.get("CRMLAB_LANGUAGE") or ENGLISH


@cache
def entries() -> dict[str, str]:
    """All English words of the code as ``{"section.key": text}``."""
    sections = tomllib.loads((FOLDER / "en.toml").read_text(encoding="utf-8"))
    return {f"{section}.{key}": text for section, keys in sections.items() for key, text in keys.items()}


def words(key: str, /, **values: object) -> str:
    """The text called `key`, with ``{name}`` filled in from `values`.

    Examples
    --------
    >>> words("design.estimand")
    'estimand (truth)'
    """
    text = entries().get(key)
    if text is None:
        raise KeyError(f"no text {key!r} in crmlab/words")
    text = of_key(key, text)
    return produced(text.format(**values) if values else text)


def of_key(key: str, text: str) -> str:
    """An English text that has a key, in the reader's language."""
    return text if language() == ENGLISH else _catalogue().word(key, text)


def say(text: str, /, **values: object) -> str:
    """A sentence of a lesson with numbers in it, in the reader's language.

    Parameters
    ----------
    text : str
        English, with ``{name}`` and ``{name:.0%}`` where values go. Write it as one literal: it is what
        translators see.
    **values
        By name.

    Examples
    --------
    >>> say("found in {share:.0%} of cohorts", share=0.052)
    'found in 5% of cohorts'
    """
    return produced(translated(text).format(**values))


def translated(text: str) -> str:
    """A label, unit, claim or name as it is shown: its translation, or itself where there is none."""
    if produced.holds(text):
        return text
    known = language() == ENGLISH or _catalogue().knows(text)
    note(text, known)
    return produced(_catalogue().text(text)) if known and language() != ENGLISH else text


def prose(lesson: str, cell: str, text: str) -> str:
    """A Markdown cell of a lesson in the reader's language."""
    return text if language() == ENGLISH else _catalogue().cell(lesson, cell, text)


def _catalogue() -> Catalogue:
    return catalogue_of(language())
