"""What is stored in every lesson is what it shows when it is run, and it keeps to the template."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat

from crmlab.notebook import kernels
from crmlab.notebook.lint import lint

from .common import every_lesson

MOVING = (
    "explore(",
    "explore_market(",
    "Explorable(",
    "predict(",
    ".answer(",
    "quiz(",
    "verified(",
    "is_available(",
)
SANITIZE = Path(__file__).parent / "nbval_sanitize.cfg"


def nbval(notebook, folder):
    """nbval over a copy of a notebook; with the environment that stored outputs are made in."""
    environment = kernels.environment() | {"IPYTHONDIR": str(folder / "ipython"), "PYTEST_ADDOPTS": ""}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--nbval",
        "--nbval-sanitize-with",
        str(SANITIZE),
        "--rootdir",
        str(folder),
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-c",
        os.devnull,
        str(notebook),
    ]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def copied(lesson, folder):
    """A copy of the lesson beside a `datasets` folder, as it is at home."""
    path = folder / "notebooks" / lesson.path.name
    path.parent.mkdir()
    path.write_text(lesson.path.read_text(encoding="utf-8"), encoding="utf-8")
    return path


@every_lesson
def test_nbval_finds_the_stored_outputs_again(lesson, tmp_path):
    done = nbval(copied(lesson, tmp_path), tmp_path)
    cells = sum(cell.cell_type == "code" for cell in nbformat.read(lesson.path, as_version=4).cells)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert f"{cells} passed" in done.stdout


def test_nbval_would_find_another_number(tmp_path):
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "print(1 + 1)",
                execution_count=1,
                outputs=[nbformat.v4.new_output("stream", name="stdout", text="3\n")],
            )
        ]
    )
    nbformat.write(notebook, tmp_path / "wrong.ipynb")
    done = nbval(tmp_path / "wrong.ipynb", tmp_path)
    assert done.returncode == 1 and "1 failed" in done.stdout


@every_lesson
def test_only_what_moves_is_left_out_of_the_comparison(lesson):
    """All is compared but widgets, whose ids are new each time, and real data, not on every machine."""
    for cell in nbformat.read(lesson.path, as_version=4).cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code":
            moves = any(word in cell.source for word in MOVING)
            assert ("nbval-ignore-output" in tags) == moves, cell.id
            assert not {"nbval-skip", "nbval-raises-exception", "raises-exception", "skip-execution"} & set(
                tags
            ), cell.id


@every_lesson
def test_it_keeps_to_the_template(lesson):
    assert [str(each) for each in lint(lesson)] == []


@every_lesson
def test_it_holds_nothing_of_the_machine_it_ran_on(lesson):
    text = lesson.path.read_text(encoding="utf-8")
    assert str(Path.home()) not in text or str(Path.home()) == "/"
    assert str(lesson.path.parent.parent) not in text
    assert '"execution": {' not in text and '"papermill"' not in text and '"widgets"' not in text
