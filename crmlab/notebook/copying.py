"""A student's own copy of a lesson: without outputs, outside the lessons' folder, never written over.

The copy notes which version of the lesson it was made from. A newer lesson is offered; taking it moves the
student's copy aside, with what was guessed in it.
"""

import datetime
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmlab import files, places
from crmlab.notebook.guesses import SUFFIX
from crmlab.notebook.source import Source, read

_LINK = re.compile(r"(\]\()([^)\s:#]+)((?:#[^)\s]*)?\))")


@dataclass(frozen=True)
class OwnCopy:
    """A student's copy of a lesson.

    Attributes
    ----------
    path : Path
    made : bool
        Whether it was made just now.
    newer : bool
        Whether the lesson has changed since the copy was made.
    aside : Path or None
        Where the copy before it lies now, if a fresh one was asked for.
    """

    path: Path
    made: bool
    newer: bool
    aside: Path | None = None


def own_copy(lesson: str | places.Lesson, fresh: bool = False, folder: Path | None = None) -> OwnCopy:
    """The student's copy of a lesson, made if there is none.

    Parameters
    ----------
    lesson : str or Lesson
    fresh : bool
        Make a new one; the copy that is there is moved aside.
    folder : Path, optional
        `crmlab.places.work` if not given.

    Raises
    ------
    InputError
        If there is no such lesson.
    """
    source = read(lesson)
    folder = places.work() if folder is None else folder
    path = folder / f"{source.name}.ipynb"
    aside = _moved_aside(path) if fresh and path.exists() else None
    if path.exists():
        return OwnCopy(path, made=False, newer=_version_of(path) not in (None, version(source)))
    files.write_text(path, json.dumps(_without_outputs(source, folder), indent=1, ensure_ascii=False) + "\n")
    return OwnCopy(path, made=True, newer=False, aside=aside)


def version(source: Source) -> str:
    """What tells one state of a lesson from another: a hash of its cells, outputs aside."""
    cells = [[cell.get("id"), cell["cell_type"], cell["source"]] for cell in source.cells]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:16]


def _without_outputs(source: Source, folder: Path) -> dict[str, Any]:
    notebook = json.loads(source.lesson.path.read_text(encoding="utf-8"))
    notebook["metadata"]["crmlab"] = {
        **notebook["metadata"].get("crmlab", {}),
        "copy_of": source.name,
        "version": version(source),
    }
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
        else:
            text = _relinked("".join(cell["source"]), source.lesson.path.parent, folder)
            cell["source"] = text.splitlines(keepends=True)
    return notebook


def _relinked(text: str, home: Path, folder: Path) -> str:
    """Links that lead from the lesson's folder, leading from the copy's; other lessons lie beside it."""

    def relink(match: re.Match[str]) -> str:
        target = home / match[2]
        if (target.suffix == ".ipynb" and target.parent == home) or not target.exists():
            return match[0]
        return match[1] + Path(os.path.relpath(target.resolve(), folder.resolve())).as_posix() + match[3]

    return _LINK.sub(relink, text)


def _version_of(path: Path) -> str | None:
    """The version that a copy was made from; None for what is no copy of ours."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))["metadata"]["crmlab"]
        return str(about["version"]) if "copy_of" in about else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _moved_aside(path: Path) -> Path:
    """Rename a copy, and the file of its guesses, to a name with today's date that is free."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    number, aside = 1, path.with_name(f"{path.stem}_until_{today}.ipynb")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.stem}_until_{today}_{number}.ipynb")
    guessed = path.with_name(f"{path.stem}{SUFFIX}")
    if guessed.exists():
        guessed.rename(aside.with_name(f"{aside.stem}{SUFFIX}"))
    path.rename(aside)
    return aside
