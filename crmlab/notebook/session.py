"""Whether a person has a notebook open on this kernel, and which."""

import os
import sys
from pathlib import Path
from typing import Any

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


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
