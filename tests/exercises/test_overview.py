"""crmlab progress: what is done, as last saved."""

import nbformat
import pytest

from crmlab.cli import main
from crmlab.exercises.cards import MIME
from crmlab.exercises.copies import start


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
    monkeypatch.chdir(tmp_path)
    assert "crmlab start 09" in printed(capsys)


@pytest.mark.parametrize("name", ["nowhere", "a_file"])
def test_no_folder_is_refused(tmp_path, capsys, name):
    (tmp_path / "a_file").write_text("")
    assert main(["progress", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
