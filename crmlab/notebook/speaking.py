"""A lesson in a language: which one is in force, and the lesson's prose in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from crmlab.notebook.source import Source
from crmlab.words import ENGLISH, language, prose
from crmlab.words.catalogues import catalogue_of

TOLD = ("title", "claim", "finding", "trap")  # of a lesson's metadata, that the book shows
VARIABLE = "CRMLAB_LANGUAGE"


@contextmanager
def speaking(chosen: str | None) -> Iterator[None]:
    """With this language in force, in this process and in the kernels that it starts.

    Parameters
    ----------
    chosen : str or None
        As ``zh_CN``; None leaves what is in force.

    Raises
    ------
    InputError
        If there are no catalogues for it.
    """
    before = os.environ.get(VARIABLE)
    if chosen is not None:
        if chosen != ENGLISH:
            catalogue_of(chosen)
        os.environ[VARIABLE] = chosen
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before


def in_language(source: Source) -> Source:
    """The lesson with its prose and what its metadata tell in the language in force."""
    if language() == ENGLISH:
        return source
    name = source.name
    cells: list[dict[str, Any]] = [
        {**cell, "source": prose(name, cell["id"], cell["source"])}
        if cell["cell_type"] == "markdown"
        else cell
        for cell in source.cells
    ]
    told = {
        key: prose(name, f"metadata.{key}", source.metadata[key]) for key in TOLD if source.metadata.get(key)
    }
    return replace(source, cells=cells, metadata={**source.metadata, **told})
