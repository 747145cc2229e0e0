"""Saved outputs against fresh ones, by nbval.

nbval runs a notebook and compares. Ours has just been run, so nbval gets a kernel that says again what that
run said (`crmlab.exercises.replaying`), in a process of its own. It obeys skip tags and comments wherever
they stand, so it is given notebooks from which these are gone.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from xml.etree import ElementTree

from crmlab.exercises.replaying import FRESH
from crmlab.notebook.zygote import quick_import

with quick_import():
    import nbformat

SANITIZE = Path(__file__).with_name("sanitize.cfg")
SECONDS = 120


class Failed(Exception):
    """The comparison did not come to an end."""


def differing(
    saved: nbformat.NotebookNode, fresh: nbformat.NotebookNode, ignored: Collection[int] = ()
) -> list[int]:
    """Numbers of the cells that show something else than they did when they were saved.

    Parameters
    ----------
    saved, fresh : NotebookNode
        With the same cells.
    ignored : set of int
        Numbers of cells that are not compared. Cells that were not run when saved never are.

    Raises
    ------
    Failed
        If nbval does not come to an end.
    """
    numbers = [number for number, cell in enumerate(saved.cells) if cell.cell_type == "code"]
    with tempfile.TemporaryDirectory(prefix="crmlab-check-", ignore_cleanup_errors=True) as scratch:
        scratch = Path(scratch)
        nbformat.write(_cleaned(saved, numbers, ignored), scratch / "saved.ipynb")
        nbformat.write(_cleaned(fresh, numbers, ignored), scratch / "fresh.ipynb")
        problems = _compare(scratch)
    return [number for at, number in enumerate(numbers) if at in problems]


def _cleaned(notebook, numbers, ignored):
    """A notebook of the numbered cells for nbval: their outputs, and nothing that tells nbval what to do."""
    cells = []
    for at, number in enumerate(numbers):
        cell = notebook.cells[number]
        ran = cell.get("execution_count") is not None
        cells.append(
            nbformat.v4.new_code_cell(
                f"cell {at}",
                execution_count=cell.get("execution_count"),
                outputs=cell.get("outputs", []) if ran else [],
                metadata={"tags": ["nbval-ignore-output"] if number in ignored else []},
            )
        )
    return nbformat.v4.new_notebook(cells=cells)


def _compare(scratch):
    """Run nbval on ``saved.ipynb``; which of its cells fail, counted from 0."""
    (scratch / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [
        sys.executable,
        "-P",
        "-m",
        "pytest",
        "-q",
        "-p",
        "crmlab.exercises.replaying",
        "-p",
        "nbval.plugin",
        "-p",
        "no:cacheprovider",
        "-c",
        "pytest.ini",
        "--rootdir",
        ".",
        "--noconftest",
        "--nbval",
        "--nbval-sanitize-with",
        str(SANITIZE),
        "--junitxml",
        "report.xml",
        "saved.ipynb",
    ]
    variables = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_ADDOPTS": "",
        FRESH: str(scratch / "fresh.ipynb"),
    }
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=scratch,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"nbval took longer than {SECONDS} s") from None
    if done.returncode not in (0, 1) or not (scratch / "report.xml").is_file():
        raise Failed(f"nbval ended with status {done.returncode}")
    return {
        int(case.get("name").split()[-1])
        for case in ElementTree.parse(scratch / "report.xml").iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    }
