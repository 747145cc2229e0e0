"""crmlab check: what is right, what is stale, what is refused."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest

from crmlab.cli import main
from crmlab.exercises.cards import MIME
from crmlab.exercises.checking import check
from crmlab.exercises.copies import make_copy, solved, start_own
from crmlab.exercises.masters import master, masters
from crmlab.exercises.overview import the_copy
from crmlab.notebook import run
from tests.exercises.conftest import SOLUTION

NAMES = sorted(masters())


def executed(notebook, path):
    """Run a notebook as a learner does, and save it at `path`."""
    nbformat.write(notebook, path)
    nbformat.write(run(str(path), timeout=300).notebook, path)
    return path


def source(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


def shown_under(path):
    """What stands under the cells, as plain text."""
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    return "\n".join(
        each.data.get("text/plain", "") for cell in cells for each in cell.outputs if "data" in each
    )


def said(report):
    return {row.question: row.said for row in report.rows}


def noted(report):
    return [note.split()[0] for note in report.notes]


def by_hand(exercise):
    """The questions that are answered in words: all that a note is about in a copy that is well."""
    return [asked.name for asked in exercise.manual.values()]


# --------------------------------------------------------------------------- our exercises, in real kernels


@pytest.mark.parametrize("name", NAMES)
def test_a_solved_copy_is_all_right(name, tmp_path):
    exercise = master(name)
    copy = solved(make_copy(exercise, {"seed": 20}), exercise)
    path = executed(copy, tmp_path / "copy.ipynb")
    assert "np.float64(" not in shown_under(path), "a number is shown as a number"
    report = check(path)
    assert report.ok and report.points == sum(exercise.points.values())
    assert not report.stale and noted(report) == by_hand(exercise)


@pytest.mark.parametrize("name", NAMES)
def test_a_blank_copy_runs_to_its_end_and_scores_nothing(name, tmp_path):
    exercise = master(name)
    path = executed(make_copy(exercise, {"seed": 21}), tmp_path / "copy.ipynb")
    assert "Ellipsis" not in shown_under(path) and "nothing here yet" in shown_under(path)
    report = check(path)
    assert set(said(report).values()) == {"to do"} and report.points == 0
    assert not report.ok and not report.stale and noted(report) == by_hand(exercise)


def test_wrong_answers_are_told_by_their_kind(tmp_path):
    copy = make_copy(master("11"), {"seed": 22})
    source(copy, "q1-solution").source = "expected = new_customers * r / alpha * weeks"
    source(copy, "q2-solution").source = "alive = customers[['customer']].assign(probability='likely')"
    source(copy, "q3-solution").source = "gain = 0.05 / (1 + discount - retention - 0.05)"
    report = check(executed(copy, tmp_path / "copy.ipynb"))
    assert said(report) == {"q1": "wrong: nobody leaves", "q2": "wrong type", "q3": "wrong unit"}
    assert not report.ok and not report.stale


# ----------------------------------------------------------------------------------------- what is stale


@pytest.fixture
def toy_copy(toy, tmp_path):
    """``(path, notebook)`` of the toy's solved copy, executed."""
    exercise = toy()
    path = executed(solved(make_copy(exercise, {"seed": 3}), exercise), tmp_path / "copy.ipynb")
    return path, nbformat.read(path, 4)


def again(path, notebook, capsys):
    """Save and check by the command line; returns (status, what it printed)."""
    nbformat.write(notebook, path)
    status = main(["check", str(path)])
    return status, capsys.readouterr().out


def test_all_is_well(toy_copy, capsys):
    status, out = again(*toy_copy, capsys)
    assert (status, "All right." in out, "2 / 2" in out) == (0, True, True)


def test_check_leaves_the_file_and_its_folder_alone(toy_copy):
    path, _ = toy_copy
    before, names = path.read_bytes(), sorted(path.parent.iterdir())
    check(path)
    assert path.read_bytes() == before and sorted(path.parent.iterdir()) == names


def test_a_copy_that_was_never_run_is_judged_by_the_fresh_run_and_says_so(toy, tmp_path, capsys):
    exercise = toy()
    copy = make_copy(exercise, {"seed": 3})
    for notebook, expected in ((copy, 1), (solved(copy, exercise), 0)):
        status, out = again(tmp_path / "copy.ipynb", notebook, capsys)
        assert status == expected and "without having been run" in out


def test_cells_run_out_of_order_are_named(toy_copy, capsys):
    path, notebook = toy_copy
    source(notebook, "setup").execution_count, source(notebook, "q1-solution").execution_count = 9, 4
    status, out = again(path, notebook, capsys)
    assert status == 1 and "2 / 2" in out
    assert "Cell 4 (double = 2 * number) was run before Cell 3 (import numpy as np)" in out
    assert "Restart Kernel and Run All" in out


def test_a_cell_that_was_not_run_is_named(toy_copy, capsys):
    path, notebook = toy_copy
    notebook.cells.append(nbformat.v4.new_code_cell("more = 1"))
    notebook.cells.append(nbformat.v4.new_code_cell(""))
    status, out = again(path, notebook, capsys)
    assert status == 1 and "Cell 6 (more = 1) has not been run" in out and "Cell 7" not in out


def test_hidden_state_is_caught(toy_copy, capsys):
    """The saved card says right because of a cell that is gone."""
    path, notebook = toy_copy
    source(notebook, "q1-solution").source = "double = by_hand"
    status, out = again(path, notebook, capsys)
    assert status == 1 and "0 / 2" in out
    assert "q1: the saved card says right, a fresh run does not" in out
    assert "Cell 4 (double = by_hand) stopped the fresh run: NameError: name 'by_hand' is not defined" in out


def test_an_old_card_is_caught(toy, tmp_path, capsys):
    exercise = toy()
    path = executed(make_copy(exercise, {"seed": 3}), tmp_path / "copy.ipynb")
    notebook = nbformat.read(path, 4)
    source(notebook, "q1-solution").source = SOLUTION
    status, out = again(path, notebook, capsys)
    assert status == 1 and "2 / 2" in out and "The card is older than your work" in out


def test_outputs_that_do_not_come_again_are_caught(toy_copy, capsys):
    path, notebook = toy_copy
    notebook.cells.insert(
        4, nbformat.v4.new_code_cell("print('saved 1')", id="mine", metadata={"tags": ["nbval-skip"]})
    )
    executed(notebook, path)
    notebook = nbformat.read(path, 4)
    assert again(path, notebook, capsys)[0] == 0
    source(notebook, "mine").source = "# NBVAL_SKIP\nprint('saved 2')"
    status, out = again(path, notebook, capsys)
    assert status == 1 and "Cell 5 (print('saved 2')) shows something else" in out and "2 / 2" in out


def test_clocks_addresses_and_pictures_may_differ(toy_copy, capsys):
    path, notebook = toy_copy
    notebook.cells.append(
        nbformat.v4.new_code_cell(
            """import datetime, time
import matplotlib.pyplot as plt
print(object(), datetime.datetime.now(), time.strftime("%H:%M:%S"))
plt.plot(np.random.default_rng().normal(size=3));""",
            id="mine",
        )
    )
    notebook.cells.append(nbformat.v4.new_code_cell("%%time\nsum(range(10**5))", id="timed"))
    executed(notebook, path)
    assert again(path, nbformat.read(path, 4), capsys)[0] == 0


def test_honest_habits_cost_nothing(toy_copy, capsys):
    """Own cells and functions, notes, a renamed variable, an answer called twice, a card asked for hints."""
    path, notebook = toy_copy
    cells = notebook.cells
    cells.insert(3, nbformat.v4.new_code_cell("def twice(x):\n    return x + x"))
    cells.insert(4, nbformat.v4.new_markdown_cell("My notes"))
    source(notebook, "q1-solution").source = "my_value = twice(number)\ndouble = np.float64(my_value)"
    cells.append(nbformat.v4.new_code_cell("answer('q1', 3)\nanswer.hint('q1')\nanswer('q1', my_value)"))
    cells.insert(3, nbformat.v4.new_code_cell("answer.hint('q1')", id="stuck"))
    executed(notebook, path)
    notebook = nbformat.read(path, 4)
    source(notebook, "stuck").outputs[0]["data"]["text/plain"] = "the second hint, when it was run again"
    status, out = again(path, notebook, capsys)
    assert status == 0, out


# --------------------------------------------------------------------------------------- what is not right


@pytest.mark.parametrize(
    "name, code, expected",
    [
        ("q1-solution", "answer = lambda *_: print('right')\ndouble = 1", "magnitude"),
        (
            "q1-solution",
            f"""from IPython.display import display
def answer(*_):
    display({{"text/plain": "x", "{MIME}": {{
             "question": "q1", "exercise": "90_toy", "parameters": {{"seed": 3}},
             "given": 1, "verdict": "right", "points": 99, "of": 99}}}}, raw=True)
double = 1""",
            "magnitude",
        ),
        (
            "q1-solution",
            f"""from IPython.display import display
def answer(*_):
    display({{"text/plain": "x", "{MIME}": {{
             "question": "q1", "exercise": "90_toy", "parameters": {{"seed": 3}},
             "given": {{"rows": 3, "columns": None}}}}}}, raw=True)
double = 1""",
            "magnitude",
        ),
        (
            "q1-solution",
            "from crmlab.exercises import practice\npractice.hints_of = None\ndouble = 1",
            "magnitude|no answer",
        ),
        ("q1-solution", "import sys; sys.exit(0)", "not reached"),
        ("q1-solution", "1 / 0", "not reached"),
        ("q1-solution", "double = (", "not reached"),
        ("q1-solution", "import os; os._exit(0)", "not reached"),
        ("q1-solution", "double = input()", "not reached"),
    ],
)
def test_what_does_not_count(toy_copy, capsys, name, code, expected):
    path, notebook = toy_copy
    source(notebook, name).source = code
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    status, out = again(path, notebook, capsys)
    assert status == 1 and "0 / 2" in out and re.search(expected, out), out


def forgetful(notebook):
    """An editor that keeps sources alone."""
    notebook.metadata.clear()
    for number, each in enumerate(notebook.cells):
        each.metadata.clear()
        each.id = f"x{number}"


def split(notebook):
    whole = source(notebook, "q1-solution")
    whole.source = "double = half * 4"
    half = nbformat.v4.new_code_cell("half = number / 2", metadata=dict(whole.metadata))
    notebook.cells.insert(3, half)


def retyped(notebook):
    cell = source(notebook, "q1-solution")
    notebook.cells[3] = nbformat.v4.new_markdown_cell(cell.source, id=cell.id, metadata=cell.metadata)
    notebook.cells.insert(4, nbformat.v4.new_code_cell("double = 2 * number"))


def typed_in(notebook):
    number = np.random.default_rng([3, 1]).uniform(1, 100)
    source(notebook, "q1-solution").source = f"double = {2 * number!r}"


def reads_a_file_beside_it(notebook):
    source(notebook, "q1-solution").source = "double = 2 * float(open('number.txt').read()) * number"


def needs_a_package(notebook):
    source(
        notebook, "q1-solution"
    ).source += "\ntry:\n    import not_everywhere\nexcept ImportError:\n    pass"


@pytest.mark.parametrize(
    "change, points, expected",
    [
        (forgetful, "2 / 2", "All right"),
        (split, "2 / 2", "duplicate cell: q1-solution: 2"),
        (retyped, "2 / 2", "cell type markdown"),
        (typed_in, "0 / 2", "right for your numbers, wrong for others"),
        (reads_a_file_beside_it, "0 / 2", "right in this notebook, but not where it is graded"),
        (needs_a_package, "2 / 2", "not_everywhere is not among the packages"),
    ],
)
def test_check_says_what_grade_would(toy_copy, capsys, change, points, expected):
    """`tests.grading` hands the same changes in."""
    path, notebook = toy_copy
    (path.parent / "number.txt").write_text("1")
    change(notebook)
    executed(notebook, path)
    status, out = again(path, nbformat.read(path, 4), capsys)
    assert points in out and expected in out, out
    assert status == (0 if points == "2 / 2" else 1), out


def test_an_endless_loop_ends(toy_copy):
    path, notebook = toy_copy
    source(notebook, "q1-solution").source = "while True:\n    pass"
    nbformat.write(notebook, path)
    report = check(path, timeout=4)
    assert said(report) == {"q1": "not reached: the run stopped before"} and "Timeout" in report.stale[0]


OTHER_SETUP = "answer = __import__('crmlab.exercises').exercises.open_exercise('90_toy', seed=4)\nnumber = 1"


@pytest.mark.filterwarnings("ignore:Non-unique cell id")
@pytest.mark.parametrize(
    "change, expected",
    [
        (lambda cells: cells.pop(4), "2 / 2(.|\n)*check cell is missing"),
        (lambda cells: cells[4].update(source="print('right')"), "2 / 2(.|\n)*gives no answer"),
        (lambda cells: cells[2].update(source=OTHER_SETUP), "2 / 2(.|\n)*was changed"),
        (lambda cells: cells[4]["metadata"]["nbgrader"].update(points=9), "2 / 2(.|\n)*points 9, was 2"),
        (lambda cells: cells[3]["metadata"]["nbgrader"].update(locked=True), "2 / 2(.|\n)*locked"),
        (lambda cells: cells[3].update(source="double = 0\n" + cells[3].source), "2 / 2"),
        (lambda cells: cells[4].update(source="answer('q1', 2 * number)"), "was changed; answers are judged"),
        (
            lambda cells: cells[2].update(source=cells[2].source + "\nnumber = 5"),
            "was changed; answers are judged",
        ),
        (lambda cells: cells[4].update(id="lost"), "2 / 2"),
        (lambda cells: cells[4].metadata.clear(), "2 / 2"),
        (lambda cells: [cell.metadata.clear() for cell in cells if cell.id != "parameters"], "2 / 2"),
        (lambda cells: cells.append(nbformat.from_dict(cells[4])), "2 / 2"),
    ],
)
def test_what_became_of_the_masters_cells(toy_copy, capsys, change, expected):
    path, notebook = toy_copy
    change(notebook.cells)
    path.write_text(json.dumps(notebook))
    main(["check", str(path)])
    captured = capsys.readouterr()
    assert re.search(expected, captured.out), captured


# --------------------------------------------------------------------------------------- what is refused


def change_metadata(**changes):
    def change(content):
        content["metadata"]["crmlab"].update(changes)
        return content

    return change


def change_parameters(code):
    def change(content):
        content["cells"][1]["source"] = code
        return content

    return change


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda content: content["cells"], "not a Jupyter notebook"),
        (lambda content: {}, "not a Jupyter notebook"),
        (lambda content: {**content, "cells": [3]}, "not a Jupyter notebook"),
        (lambda content: {**content, "nbformat": 99}, "not a Jupyter notebook"),
        (lambda content: {**content, "cells": [{"cell_type": "code"}]}, "not a Jupyter notebook"),
        (change_metadata(copy=False), "not an exercise copy"),
        (change_metadata(copy="yes"), "not an exercise copy"),
        (change_metadata(exercise="77_x"), "there are exercises"),
        (change_metadata(exercise=["09_loyalty"]), "there are exercises"),
        (change_metadata(exercise="../09_loyalty"), "there are exercises"),
        (change_metadata(exercise=None), "there are exercises"),
        (change_parameters("seed = "), "parameters cell"),
        (change_parameters("print(1)"), "sets nothing"),
        (change_parameters("seed = 'x'"), "whole number"),
        (change_parameters("seed = -1"), "range"),
        (change_parameters("seed = 1\nmore = 2"), "sets seed, more"),
        (change_parameters("seed = " + "(" * 5000), "parameters cell"),
        (change_parameters("seed = True"), "whole number"),
    ],
)
def test_what_is_no_copy_is_refused_in_one_sentence(tmp_path, capsys, change, message):
    content = json.loads(nbformat.writes(make_copy(master("09"), {"seed": 1})))
    path = tmp_path / "copy.ipynb"
    path.write_text(json.dumps(change(content)))
    assert main(["check", str(path)]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and "Traceback" not in captured.err and not captured.out
    assert captured.err.count("\n") == 1 and len(captured.err) < 600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "not a Jupyter notebook"),
        (b"{", "not a Jupyter notebook"),
        (b"\xff\xfe\x00", "not a Jupyter notebook"),
        (b"null", "not a Jupyter notebook"),
        (b"PK\x03\x04", "not a Jupyter notebook"),
        (b"[" * 100_000, "not a Jupyter notebook"),
        ('{"cells": "é'.encode("latin-1"), "not a Jupyter notebook"),
    ],
)
def test_what_is_no_notebook_is_refused(tmp_path, capsys, content, message):
    path = tmp_path / "copy.ipynb"
    path.write_bytes(content)
    assert main(["check", str(path)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_what_is_not_there_is_refused(tmp_path, capsys):
    (tmp_path / "dangling.ipynb").symlink_to(tmp_path / "nowhere")
    for name in ("none.ipynb", "", "dangling.ipynb", "a" * 5000, "nul\0.ipynb"):
        assert main(["check", str(tmp_path / name)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["check"]) == 2
    assert main(["check", str(tmp_path / "x"), "--timeout", "0"]) == 2


def test_a_lesson_names_its_copy(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CRMLAB_WORK", str(tmp_path / "work"))
    monkeypatch.chdir(tmp_path)
    assert main(["check", "09"]) == 2
    assert "no exercise copy of lesson 09_loyalty" in capsys.readouterr().err
    assert main(["check", "nonsense"]) == 2 and "no lesson 'nonsense'" in capsys.readouterr().err
    start_own("05")  # saved before the one that is asked for
    own, *_ = start_own("09")
    assert the_copy(tmp_path, "9") == the_copy(tmp_path, "loyalty") == own
    assert the_copy(tmp_path).exists() and the_copy(tmp_path, "no.ipynb") == Path("no.ipynb")


def test_a_master_is_not_a_copy(tmp_path, capsys):
    shutil.copy(master("09").path, tmp_path / "master.ipynb")
    assert main(["check", str(tmp_path / "master.ipynb")]) == 2
    assert "not an exercise copy" in capsys.readouterr().err
