"""crmlab progress: what is done, as last saved."""

import json
import os
import re

import nbformat
import pytest

from crmlab.cli import main
from crmlab.exercises import checking
from crmlab.exercises.cards import MIME
from crmlab.exercises.copies import start, start_own
from crmlab.exercises.overview import the_copy
from crmlab.exercises.remembering import remember


def save_cards(path, **verdicts):
    """Write cards with these verdicts into a copy, as a session would have left them."""
    notebook = nbformat.read(path, 4)
    for question, verdict in verdicts.items():
        cell = next(cell for cell in notebook.cells if cell.id == f"{question}-check")
        cell.outputs = [
            nbformat.v4.new_output(
                "display_data", {MIME: {"question": question, "verdict": verdict, "points": 99, "of": 99}}
            )
        ]
    nbformat.write(notebook, path)


@pytest.fixture
def folder(tmp_path):
    start("09", 1, tmp_path)
    start("11", 2, tmp_path / "later")
    save_cards(tmp_path / "09_loyalty_exercises.ipynb", q1="right", q2="units", q3="right")
    return tmp_path


def printed(capsys, *arguments):
    assert main(["progress", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_points_are_the_masters_and_the_next_step_is_named(folder, capsys):
    lines = printed(capsys, folder).splitlines()
    assert "Loyalty: practice" in lines[2] and "q1 ✓  q2 ✗  q3 ✓" in lines[2] and "5 / 7" in lines[2]
    assert lines[2].endswith("q2: wrong unit")
    assert "0 / 7" in lines[3] and lines[3].endswith("open it and begin with q1")
    assert lines[4].split() == ["total", "5", "/", "14"]


def test_when_all_is_right_check_is_next(folder, capsys):
    save_cards(folder / "09_loyalty_exercises.ipynb", q2="right")
    assert "crmlab check 09_loyalty_exercises.ipynb" in printed(capsys, folder)


def test_what_is_no_copy_is_left_out_and_what_cannot_be_read_is_said(folder, capsys):
    (folder / "other.ipynb").write_text("{}")
    (folder / "crm.ipynb").write_text('{"metadata": {"crmlab": 3}}')
    (folder / "broken_exercises.ipynb").write_text('{"crmlab": ')
    (folder / ".hidden").mkdir()
    start("09", 1, folder / ".hidden")
    out = printed(capsys, folder)
    assert "other" not in out and "crm.ipynb" not in out and "hidden" not in out
    assert "broken_exercises.ipynb" in out and "cannot be read" in out


def test_made_up_verdicts_count_nothing(folder, capsys):
    save_cards(folder / "09_loyalty_exercises.ipynb", q1="RIGHT", q2=["right"], q3={"a": 1})
    line = printed(capsys, folder).splitlines()[2]
    assert "0 / 7" in line and "could not be checked" in line


def test_an_empty_folder_says_how_to_begin(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CRMLAB_WORK", str(tmp_path / "work"))
    monkeypatch.chdir(tmp_path)
    assert "crmlab open 09 --exercises" in printed(capsys)


@pytest.mark.parametrize("name", ["nowhere", "a_file"])
def test_no_folder_is_refused(tmp_path, capsys, name):
    (tmp_path / "a_file").write_text("")
    assert main(["progress", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


# What check found ---------------------------------------------------------------------------------------


def found(path, stale=(), **reasons):
    """The report of a check with these verdicts, without running anything."""
    from crmlab.exercises.checking import Report, Row, read_copy
    from crmlab.exercises.verdicts import Verdict

    copy = read_copy(path)
    points = copy.exercise.points
    rows = [
        Row(name, Verdict(reason), reason, points[name] if reason == "right" else 0, points[name])
        for name, reason in reasons.items()
    ]
    return Report(copy, rows, stale=list(stale))


def test_what_check_found_counts_until_the_copy_changes(folder, capsys):
    path = folder / "09_loyalty_exercises.ipynb"
    remember(found(path, q1="right", q2="right", q3="right"))
    line = printed(capsys, folder).splitlines()[2]
    assert "q1 ✓  q2 ✓  q3 ✓" in line and "7 / 7" in line and "done: all right when checked on" in line
    save_cards(path, q1="sign")
    line = printed(capsys, folder).splitlines()[2]
    assert "q1 ✗" in line and "done" not in line


def test_a_check_that_found_stale_outputs_is_not_done(folder, capsys):
    path = folder / "09_loyalty_exercises.ipynb"
    remember(found(path, stale=["cell 3 was run out of order"], q1="right", q2="right", q3="right"))
    assert "done" not in printed(capsys, folder)


def test_check_without_a_file_takes_the_copy_saved_last(folder, monkeypatch, capsys):
    os.utime(folder / "later" / "11_customer_lifetime_value_exercises.ipynb", (1, 1))
    assert the_copy(folder).name == "09_loyalty_exercises.ipynb"
    os.utime(folder / "09_loyalty_exercises.ipynb", (0, 0))
    assert the_copy(folder).name == "11_customer_lifetime_value_exercises.ipynb"
    monkeypatch.chdir(folder)
    monkeypatch.setattr(checking, "check", lambda path, **_: found(path, q1="right", q2="sign"))
    assert main(["check"]) == 1 and "Customer lifetime value" in capsys.readouterr().out
    assert (folder / "later" / "11_customer_lifetime_value_exercises.check.json").is_file()


def test_where_there_is_no_copy_check_says_how_to_get_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRMLAB_WORK", str(tmp_path / "work"))
    monkeypatch.chdir(tmp_path)
    assert main(["check"]) == 2
    assert "crmlab open 09 --exercises" in capsys.readouterr().err


def test_without_a_folder_one_s_own_copies_are_listed_wherever_one_stands(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRMLAB_WORK", str(tmp_path / "work"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    start_own("09", 1)
    start("11", 2, tmp_path / "here")
    lines = printed(capsys).splitlines()
    assert lines[2].startswith("11_customer") and lines[3].startswith(str(tmp_path / "work" / "09_loyalty"))
    monkeypatch.chdir(tmp_path)  # which holds work/: nothing stands there twice
    assert len([line for line in printed(capsys).splitlines() if "09_loyalty" in line]) == 1


def test_a_check_says_what_to_do_next(folder):
    path = folder / "09_loyalty_exercises.ipynb"
    assert str(found(path, q1="right", q2="sign", q3="todo")).splitlines()[-1] == (
        f"Next: go on with q2 in {path}, save, and check again."
    )
    assert "crmlab progress" in str(found(path, q1="right", q2="right", q3="right")).splitlines()[-1]
    stale = str(found(path, stale=["cell 3 was run out of order"], q1="sign")).splitlines()[-1]
    assert stale.startswith("Next: in JupyterLab choose Run > Restart Kernel")


# Guesses ------------------------------------------------------------------------------------------------


def test_guesses_are_scored_by_their_distance(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRMLAB_WORK", str(tmp_path / "work"))
    scale = {"low": 0, "high": 100}
    kept = {
        "predictions": {
            "a": {"guess": 40, "truth": 86, **scale},
            "b": {"guess": 90, "truth": 86, **scale},
            "c": scale,
        },
        "quizzes": {"s1": {"q1": True, "q2": False, "q3": True}},
    }
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "09_loyalty.guesses.json").write_text(json.dumps(kept))
    (tmp_path / "work" / "10_lifecycle.guesses.json").write_text("torn")
    lines = printed(capsys, tmp_path).splitlines()
    assert lines[2].split() == ["09_loyalty", "3", "75%", "2", "/", "3"]
    monkeypatch.chdir(tmp_path / "work")
    assert "75%" in printed(capsys)


# Marks in words -----------------------------------------------------------------------------------------


def test_emphasis_is_shown_as_such_and_code_stays_code():
    from crmlab.words.marks import as_html, as_text

    said = "of *all* buyers, `a*b*c`, 2 * 3 * 4 < *x*"
    assert as_html(said) == "of <em>all</em> buyers, <code>a*b*c</code>, 2 * 3 * 4 &lt; <em>x</em>"
    assert as_text(said) == "of all buyers, `a*b*c`, 2 * 3 * 4 < x"


def test_no_card_of_any_exercise_shows_an_asterisk():
    """Hints and misconceptions, as a learner of each exercise sees them."""
    from crmlab.exercises.cards import Card
    from crmlab.exercises.masters import masters

    starred = 0
    for exercise in masters().values():
        for cell in exercise.notebook.cells:
            for text in re.findall(r'"((?:[^"\\]|\\.)*\*[A-Za-z][^"*]*\*(?:[^"\\]|\\.)*)"', cell.source):
                if cell.cell_type == "code" and "answer(" in cell.source:
                    starred += 1
                    card = Card("q1", "misconception", (text,), hints=(text,), total_hints=1)
                    assert "<em>" in card.html() and "*" not in re.sub("`[^`]*`", "", card.text()), text
    assert starred >= 10
