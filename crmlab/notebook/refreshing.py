"""``refresh``: a committed lesson executed again, its fresh outputs stored in place."""

from crmlab import files
from crmlab.notebook.running import execute
from crmlab.notebook.source import read
from crmlab.notebook.storing import as_text
from crmlab.notebook.widgets import without_widgets


def refresh(lesson, warm=False, on_cell=None):
    """Execute a lesson with its defaults in a clean kernel and store its outputs in its own file.

    A lesson that fails is left as it was. The file changes only where the outputs do.

    Returns
    -------
    run : Run
    changed : bool
        Whether the file is different now.
    """
    source = read(lesson)
    defaults = {name: each.default for name, each in source.parameters.items()}
    done = execute(source, {}, defaults, warm=warm, on_cell=on_cell)
    if not done.ok:
        return done, False
    path = source.lesson.path
    text = as_text(without_widgets(done.notebook))
    changed = text != path.read_text(encoding="utf-8")
    if changed:
        files.write_text(path, text)
    return done, changed
