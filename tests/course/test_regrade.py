"""Correcting a released exercise: nothing moves unseen, nothing falls unasked."""

import json

import nbformat
import pytest

from crmlab import cli
from crmlab.course.batch import grade
from crmlab.course.marks import marks
from crmlab.course.regrading import apply, propose
from crmlab.errors import InputError

from .conftest import submit, worked
from .test_marks import override, totals


@pytest.fixture
def graded(course, core):
    """The master of q2 is wrong: who squares is told off, who triples is right by chance."""
    change(course.path("source", "90_toy", "master.ipynb"), "square = number**2", "square = 3 * number")
    submit(
        course,
        s001=worked(course, "s001"),
        s002=worked(course, "s002", q2="square = 3 * number"),
        s003=worked(course, "s003", q1="double = ...", q2="square = 7"),
    )
    grade(course, "90")
    return course


def change(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def corrected(course, tmp_path):
    path = tmp_path / "right.ipynb"
    path.write_bytes(course.path("source", "90_toy", "master.ipynb").read_bytes())
    change(path, "square = 3 * number", "square = number**2")
    return path


def files_of(course):
    left_out = ("audit.jsonl", "moves.csv")
    paths = [path for path in course.folder.rglob("*") if path.is_file() and path.name not in left_out]
    return {path: path.read_bytes() for path in paths if "regraded" not in path.parts}


def test_a_proposal_says_who_moves_and_changes_nothing(graded, tmp_path):
    assert totals(graded) == {"s001": 2, "s002": 5, "s003": 0, "s004": 0, "s005": 0}
    before = files_of(graded)
    done = propose(graded, "90", corrected(graded, tmp_path))
    assert files_of(graded) == before
    assert {move.student: (move.before, move.after, move.without_keeping) for move in done.moves} == {
        "s001": (2, 5, 5),
        "s002": (5, 5, 2),
    }
    (change,) = next(move for move in done.moves if move.student == "s001").changes
    assert (change.question, change.before, change.after) == ("q2", 0, 3)
    assert change.verdict_before != "right" == change.verdict_after
    assert [len(done.up), len(done.down), len(done.held)] == [1, 0, 1]


def test_taken_no_mark_falls(graded, tmp_path):
    apply(graded, propose(graded, "90", corrected(graded, tmp_path)))
    assert totals(graded) == {"s001": 5, "s002": 5, "s003": 0, "s004": 0, "s005": 0}
    mark = {each.student.id: each for each in marks(graded, graded.exercise("90"))}["s002"]
    assert mark.questions[1].kept and mark.questions[1].points == 3
    assert "square = number**2" in graded.path("source", "90_toy", "master.ipynb").read_text()
    (earlier,) = graded.path("source", "90_toy", "earlier").glob("*/*/master.ipynb")
    assert "3 * number" in earlier.read_text() and graded.exercises == ["90_toy"]
    assert grade(graded, "90").graded == 0  # and what was taken stands
    entry = json.loads(graded.path("audit.jsonl").read_text().splitlines()[-1])
    assert (entry["what"], entry["up"], entry["kept"]) == ("regraded", ["s001"], ["s002"])


def test_other_work_keeps_nothing(graded, tmp_path):
    apply(graded, propose(graded, "90", corrected(graded, tmp_path)))
    submit(graded, s002=worked(graded, "s002", q2="square = 0"))
    grade(graded, "90")
    assert totals(graded)["s002"] == 2


def test_told_to_marks_fall(graded, tmp_path):
    apply(graded, propose(graded, "90", corrected(graded, tmp_path), down=True), down=True)
    assert totals(graded)["s002"] == 2


def test_a_mark_that_would_fall_all_the_same_stops_it(graded, tmp_path):
    """A question is worth less."""
    path = corrected(graded, tmp_path)
    change(path, "points=2", "points=1")
    notebook = nbformat.read(path, 4)
    next(cell for cell in notebook.cells if cell.id == "q1-check").metadata.nbgrader.points = 1
    nbformat.write(notebook, path)
    before = files_of(graded)
    done = propose(graded, "90", path)
    with pytest.raises(InputError, match="1 marks would go down"):
        apply(graded, done)
    assert files_of(graded) == before


def test_grading_with_a_changed_master_is_refused(graded):
    """The file in source/ is the instructor's to correct; marks move by regrade alone."""
    change(graded.path("source", "90_toy", "master.ipynb"), "square = 3 * number", "square = number**2")
    with pytest.raises(InputError, match="crmlab regrade 90_toy"):
        grade(graded, "90")
    assert [move.student for move in propose(graded, "90").up] == ["s001"]


def test_the_exercises_own_master_is_taken_when_it_has_been_corrected(graded):
    done = propose(graded, "90")
    assert "number**2" in done.exercise.path.read_text() and [move.student for move in done.up] == ["s001"]


def test_nothing_to_correct(graded, tmp_path):
    with pytest.raises(InputError, match="name a corrected one"):
        propose(graded, "90", graded.path("source", "90_toy", "master.ipynb"))
    with pytest.raises(InputError, match="no master"):
        propose(graded, "90", tmp_path / "none.ipynb")


def test_overrides_stay_and_an_overridden_question_does_not_move(graded, tmp_path):
    override(graded, "90_toy,s001,q2,1,Half.")
    done = propose(graded, "90", corrected(graded, tmp_path))
    assert "s001" not in [move.student for move in done.moves]


def test_by_the_command_line(graded, tmp_path, capsys):
    path = corrected(graded, tmp_path)
    line = ["regrade", "90", "--course", str(graded.folder), "--master", str(path)]
    assert cli.main(line) == 0
    said = capsys.readouterr().out
    assert "of 5 marks 1 would go up, 0 down, 4 stay" in said and "Nothing has been changed" in said
    assert "s001: 2 -> 5" in said and "q2: 0 -> 3  (" in said and "-> Right)" in said
    assert "s002: 5 -> 5 (kept; 2 by the correction alone)" in said
    assert cli.main([*line, "--apply"]) == 0 and totals(graded)["s001"] == 5
