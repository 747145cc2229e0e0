"""A lesson's notebook as it stands on disk, read without Jupyter so that listing lessons is quick."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmlab import places
from crmlab.errors import InputError
from crmlab.notebook.parameters import Cell, Parameter, read_parameters


@dataclass(frozen=True)
class Source:
    """What a lesson says about itself."""

    lesson: places.Lesson
    cells: list[Cell]
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.lesson.path.stem

    @property
    def title(self) -> str:
        return self.metadata.get("title", "")

    @property
    def claim(self) -> str:
        return self.metadata.get("claim", "")

    @property
    def minutes(self) -> int | None:
        return self.metadata.get("minutes")

    @property
    def parameters(self) -> dict[str, Parameter]:
        """`Parameter` by name."""
        try:
            return read_parameters(self.cells)
        except SyntaxError as error:
            raise InputError(f"the parameters cell of {self.name} is not Python: {error}") from None

    @property
    def has_exercises(self) -> bool:
        return any((places.root() / "exercises" / self.name).glob("*.ipynb"))


def read(which: places.Lesson | str | int | Path) -> Source:
    """The `Source` of a lesson.

    Parameters
    ----------
    which : Lesson, str, int or path

    Raises
    ------
    InputError
        If there is no such lesson, or its file is not a notebook.
    """
    lesson = which if isinstance(which, places.Lesson) else places.lesson(which)
    try:
        content = json.loads(lesson.path.read_text(encoding="utf-8"))
        cells = [{**cell, "source": "".join(cell["source"])} for cell in content["cells"]]
        return Source(lesson, cells, content.get("metadata", {}).get("crmlab", {}))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{lesson.path.name} is not a notebook: {error}") from None
