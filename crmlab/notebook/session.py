"""Whether a person has a notebook open on this kernel, which, and how that person is shown progress."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

SESSION = "JPY_SESSION_NAME"  # Jupyter's server tells a kernel whose it is; `crmlab run` does not


def notebook_path() -> Path | None:
    """The notebook that a person has open on this kernel, or None."""
    named = os.environ.get(SESSION, "")
    if not named and (shell := _shell()) is not None:
        named = str(shell.user_ns.get("__vsc_ipynb_file__", ""))  # Visual Studio Code's way to tell
    path = Path(named)
    return path if path.suffix == ".ipynb" and path.is_file() else None


def is_watched() -> bool:
    """Whether somebody sees what is being done: at a terminal, or in a notebook of their own."""
    return sys.stderr.isatty() or notebook_path() is not None


class CellBar(tqdm):
    """A progress bar in a cell's output, gone when it is done.

    ``tqdm.notebook`` leaves a widget behind, of which a notebook that is opened again says "model not found".
    """

    @staticmethod
    def status_printer(_file: Any) -> Callable[[str], None]:
        """What shows a line of text: one display that is written over."""
        from IPython.display import display

        handle = None

        def shown(text: str) -> None:
            nonlocal handle
            bundle = {"text/plain": text}
            if handle is not None:
                handle.update(bundle, raw=True)
            elif text:
                handle = display(bundle, raw=True, display_id=True)

        return shown


def progress_bar(**options: Any) -> tqdm:
    """A progress bar with the time left, where this process is seen: in a cell's output or at a terminal."""
    in_notebook = getattr(_shell(), "kernel", None) is not None
    return CellBar(file=io.StringIO(), **options) if in_notebook else tqdm(**options)


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
