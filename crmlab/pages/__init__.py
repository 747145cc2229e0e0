"""What every page of ours shares: one template environment, one shell, one style sheet.

The book, the reports about customers and the pages of a course are single HTML files that ask nothing of a
network. Each room keeps its own templates and what its pages alone look like; the rest is here.
"""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path

import jinja2

from crmlab.words import words

FOLDER = Path(__file__).resolve().parent
STYLE = FOLDER / "style.css"


@functools.cache
def style(*sheets: Path) -> str:
    """The shared style sheet, then those of a room, as the text of one ``<style>``."""
    return "\n".join(path.read_text(encoding="utf-8").strip() for path in (STYLE, *sheets))


def environment(
    folder: Path, *sheets: Path, filters: Mapping[str, Callable[..., object]] | None = None
) -> jinja2.Environment:
    """The environment in which a room's templates are filled in.

    Everything that is filled in is escaped, a name without a value is an error, and templates may extend
    ``page.html.j2``, which knows ``words`` and ``style``.

    Parameters
    ----------
    folder : Path
        Of the room's templates. A template of the same name here comes after it.
    *sheets : Path
        Style sheets of the room, added to the shared one.
    filters : mapping, optional
        Filters of the room, by name.
    """
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, FOLDER]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.globals.update(words=words, style=style(*sheets))
    made.filters.update(filters or {})
    return made


def number(value: object) -> str:
    """A number as people write it: thousands set apart, no more than four significant digits otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
