"""Catalogues of a language, as gettext has them: ``locales/LANGUAGE/*.po``, read by Babel.

``words.po`` has the key as context; ``NN_lesson.po`` the cell's id; ``texts.po`` none: its texts stand in
pictures, tables and widgets. An entry that is empty or marked fuzzy counts as untranslated.
"""

import json
import os
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from crmlab.errors import InputError, listing

LOCALES = Path(__file__).resolve().parent / "locales"
PSEUDO = "qps"
WORDS, TEXTS = "words", "texts"
ACCENTED = str.maketrans("aeiouyAEIOUY", "àéîõüýÀÉÎÕÜÝ")
_FIELD = re.compile(r"(\{[^{}]*\}|`[^`]*`|\$[^$]+\$|<[^<>]+>|\]\([^)\s]*\))")


class Catalogue:
    """All translations into one language."""

    def __init__(self, entries: dict[str, dict[tuple[str, str], str]]):
        self._entries = entries
        # a lesson may say in its own code what the words say, too
        self._texts = {text: string for (_, text), string in entries.get(WORDS, {}).items()}
        self._texts |= {text: string for (_, text), string in entries.get(TEXTS, {}).items()}

    def word(self, key: str, text: str) -> str:
        """A text of the code by its key."""
        return self._entries.get(WORDS, {}).get((key, text), text)

    def cell(self, lesson: str, cell: str, text: str) -> str:
        """A Markdown cell of a lesson."""
        return self._entries.get(lesson, {}).get((cell, text), text)

    def knows(self, text: str) -> bool:
        """Whether a text without a key has a translation."""
        return text in self._texts

    def text(self, text: str) -> str:
        """A text without a key."""
        return self._texts.get(text, text)


class _Pseudo(Catalogue):
    """Marks what some language's catalogues hold, so that what no catalogue holds stays bare."""

    def __init__(self, known: Catalogue):
        self._known = known

    def word(self, key: str, text: str) -> str:
        return pseudo(text)

    def cell(self, lesson: str, cell: str, text: str) -> str:
        return pseudo(text) if (cell, text) in self._known._entries.get(lesson, {}) else text

    def knows(self, text: str) -> bool:
        return self._known.knows(text)

    def text(self, text: str) -> str:
        return pseudo(text) if self._known.knows(text) else text


def languages() -> list[str]:
    """The languages that have catalogues."""
    return sorted(each.name for each in LOCALES.iterdir() if each.is_dir()) if LOCALES.is_dir() else []


@cache
def catalogue_of(language: str) -> Catalogue:
    """The catalogue of a language.

    Raises
    ------
    InputError
        If there is none; the message lists those that there are.
    """
    if language == PSEUDO:
        return _Pseudo(Catalogue(_merged(languages())))
    if language not in languages():
        raise InputError(f"no catalogues for language {language!r}; there are en, {listing(languages())}")
    return Catalogue(_read(language))


def _read(language: str, untranslated: bool = False) -> dict[str, dict[tuple[str, str], str]]:
    """Translations by domain, context and English; with `untranslated`, the English of all others, too."""
    from babel.messages.pofile import read_po  # paid for by other languages only

    found = {}
    for path in sorted((LOCALES / language).glob("*.po")):
        with path.open("rb") as file:
            content = read_po(file, locale=language)
        found[path.stem] = {
            (each.context or "", each.id): each.string or each.id
            for each in content
            if each.id and (untranslated or (each.string and not each.fuzzy))
        }
    return found


def _merged(many: list[str]) -> dict[str, dict[tuple[str, str], str]]:
    merged: dict[str, dict[tuple[str, str], str]] = {}
    for language in many:
        for domain, entries in _read(language, untranslated=True).items():
            merged.setdefault(domain, {}).update(entries)
    return merged


def pseudo(text: str) -> str:
    """A text as the pseudo-language has it: in ⟦brackets⟧ and accented, its fields, code and formulas whole.

    Examples
    --------
    >>> pseudo("found in {share:.0%} of `null`")
    '⟦fõüñd îñ {share:.0%} õf `null`⟧'
    """
    if not any(letter in string.ascii_letters for letter in _FIELD.sub("", text)):
        return text
    parts = _FIELD.split(text)
    accented = [
        part if at % 2 else part.translate(ACCENTED).replace("n", "ñ") for at, part in enumerate(parts)
    ]
    lead = re.match(r"\s*(#+ |[-*|>] )?", text)
    start = lead.end() if lead else 0
    whole = "".join(accented)
    return f"{whole[:start]}⟦{whole[start:]}⟧"


class _Produced:
    """Remembers which texts are already in the language in force, so that none is translated twice."""

    def __init__(self) -> None:
        self._texts: dict[str, set[str]] = {}

    def __call__(self, text: str) -> str:
        self._texts.setdefault(os.environ.get("CRMLAB_LANGUAGE", ""), set()).add(text)
        return text

    def holds(self, text: str) -> bool:
        return text in self._texts.get(os.environ.get("CRMLAB_LANGUAGE", ""), ())


produced = _Produced()
_noted: set[str] = set()


def note(text: str, known: bool) -> None:
    """Where ``CRMLAB_NOTE_TEXTS`` names a file, write down there what is shown, for `crmlab translate`."""
    path = os.environ.get("CRMLAB_NOTE_TEXTS")
    if path and text not in _noted and any(letter.isalpha() for letter in text):
        _noted.add(text)
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"text": text, "known": known}, ensure_ascii=False) + "\n")


def noted(path: Path) -> Iterator[tuple[str, bool]]:
    """What was written down, each text once."""
    seen = set()
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        found = json.loads(line)
        if found["text"] not in seen:
            seen.add(found["text"])
            yield found["text"], found["known"]
