"""What is stored in every lesson is what it shows when it is run, and it keeps to the template."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat

from crmlab.exercises.replaying import FRESH
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


def nbval(notebook, folder, fresh=None):
    """nbval over a notebook, which it runs; or against `fresh`, an executed one, which it says over again."""
    environment = kernels.environment() | {"IPYTHONDIR": str(folder / "ipython"), "PYTEST_ADDOPTS": ""}
    replay = []
    if fresh:
        environment[FRESH] = str(fresh)
        replay = ["-p", "crmlab.exercises.replaying"]
    command = [
        *(sys.executable, "-m", "pytest", "-q", *replay, "--nbval", "--nbval-sanitize-with", str(SANITIZE)),
        *("--rootdir", str(folder), "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly"),
        *("-c", os.devnull, str(notebook)),
    ]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@every_lesson
def test_nbval_finds_the_stored_outputs_again(lesson, tmp_path, default_run):
    """In the run with defaults that other tests look at, too: a lesson is not run once more for this."""
    fresh = tmp_path / "fresh.ipynb"
    nbformat.write(default_run(lesson).notebook, fresh)
    done = nbval(lesson.path, tmp_path, fresh)
    cells = sum(cell.cell_type == "code" for cell in nbformat.read(lesson.path, as_version=4).cells)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert f"{cells} passed" in done.stdout


def test_what_is_said_over_again_is_compared_too(tmp_path):
    for name, number in (("stored", 2), ("fresh", 3)):
        printed = nbformat.v4.new_output("stream", name="stdout", text=f"{number}\n")
        cell = nbformat.v4.new_code_cell("print(number)", execution_count=1, outputs=[printed])
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / f"{name}.ipynb")
    same, other = (
        nbval(tmp_path / "stored.ipynb", tmp_path, tmp_path / f"{name}.ipynb") for name in ("stored", "fresh")
    )
    assert same.returncode == 0 and other.returncode == 1 and "1 failed" in other.stdout


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
