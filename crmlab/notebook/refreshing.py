"""``refresh``: a committed lesson executed again, its fresh outputs stored in place."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from crmlab import files, places
from crmlab.notebook.outcome import Run
from crmlab.notebook.running import execute
from crmlab.notebook.source import read
from crmlab.notebook.storing import as_text
from crmlab.notebook.widgets import without_widgets
from crmlab.places import STORING


def refresh(
    lesson: str | places.Lesson, warm: bool = False, on_cell: Callable[[Any], None] | None = None
) -> tuple[Run, bool]:
    """Execute a lesson with its defaults in a clean kernel and store its outputs in its own file.

    A lesson that fails is left as it was. The file changes only where the outputs do. Results on real data
    that are here are stored anew, too (`crmlab.data.verified`).

    Returns
    -------
    run : Run
    changed : bool
        Whether the file is different now.
    """
    source = read(lesson)
    defaults = {name: each.default for name, each in source.parameters.items()}
    with _storing():
        done = execute(source, {}, defaults, warm=warm, on_cell=on_cell)
    if not done.ok:
        return done, False
    path = source.lesson.path
    text = as_text(without_widgets(done.notebook))
    changed = text != path.read_text(encoding="utf-8")
    if changed:
        files.write_text(path, text)
    return done, changed


@contextmanager
def _storing() -> Iterator[None]:
    """Let the lesson's kernel, which inherits the environment, store results on real data."""
    before = os.environ.get(STORING)
    os.environ[STORING] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[STORING]
        else:
            os.environ[STORING] = before
