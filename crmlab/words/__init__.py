"""Every word that a learner reads in a picture, a card or a progress line, in one place.

An edition in another language is one more file beside ``en.toml``; ``CRMLAB_LANGUAGE`` chooses it.
"""

import os
import tomllib
from functools import cache
from pathlib import Path

from crmlab.errors import InputError, listing

FOLDER = Path(__file__).resolve().parent


@cache
def catalogue(language: str) -> dict[str, str]:
    """All entries of a language as ``{"section.key": text}``."""
    path = FOLDER / f"{language}.toml"
    if not path.is_file():
        have = listing(sorted(each.stem for each in FOLDER.glob("*.toml")))
        raise InputError(f"no words for language {language!r}; there are {have}")
    sections = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        f"{section}.{key}": text for section, entries in sections.items() for key, text in entries.items()
    }


def words(key: str, /, **values: object) -> str:
    """The text called `key`, with ``{name}`` filled in from `values`.

    Examples
    --------
    >>> words("design.estimand")
    'estimand (truth)'
    """
    text = catalogue(os.environ.get("CRMLAB_LANGUAGE", "en")).get(key)
    if text is None:
        raise KeyError(f"no text {key!r} in crmlab/words")
    return text.format(**values) if values else text
