"""Alternative questions: of each, the seed picks one, for the copy, the card, the check and the grade."""

import copy

import nbformat
import pytest

from crmlab.exercises import running
from crmlab.exercises.authoring.stress import static_problems, stress
from crmlab.exercises.copies import make_copy, solved
from crmlab.exercises.masters import masters
from crmlab.grading import grade_batch
from tests.exercises.conftest import toy_notebook
from tests.grading.probe import LIMITS, Submission, needs_walls

OTHER = """answer("q1", double, points=2, relative=0.001)"""


def task(name, text):
    metadata = {"tags": [f"alternative:q1:{name}"]}
    return nbformat.v4.new_markdown_cell(text, id=f"task-{name}", metadata=metadata)


def with_alternatives(points=2):
    """q1 asks for twice the number, or for three times; both call it double."""
    notebook = toy_notebook()
    asked = {"a": notebook.cells[3:], "b": copy.deepcopy(notebook.cells[3:])}
    for name, cells in asked.items():
        for cell in cells:
            cell.metadata.tags = [*cell.metadata.get("tags", []), f"alternative:q1:{name}"]
    solution, check = asked["b"]
    for cell in asked["b"]:
        cell.id = cell.metadata.nbgrader.grade_id = f"{cell.id}-b"
    solution.source = "### BEGIN SOLUTION\ndouble = 3 * number + 1\n### END SOLUTION"
    check.source, check.metadata.nbgrader.points = OTHER.replace("points=2", f"points={points}"), points
    notebook.cells[3:] = [
        task("a", "Twice."),
        *asked["a"],
        nbformat.v4.new_markdown_cell(
            "Thrice, and one.", id="task-b", metadata={"tags": ["alternative:q1:b"]}
        ),
        *asked["b"],
    ]
    return notebook


@pytest.fixture
def exercise(toy):
    made = toy()
    nbformat.write(with_alternatives(), made.path)
    return masters()["90_toy"]


def seeds(exercise):
    """A seed for each alternative."""
    return {exercise.picked({"seed": seed})["q1"]: seed for seed in range(20, 0, -1)}


def test_the_seed_picks_and_both_come_up(exercise):
    picks = [exercise.picked({"seed": seed})["q1"] for seed in range(400)]
    assert 150 < picks.count("a") < 250 and set(picks) == {"a", "b"}


def test_a_copy_holds_one_alternative_and_its_answer_is_that_ones(exercise):
    for name, seed in seeds(exercise).items():
        ids = [cell.id for cell in make_copy(exercise, {"seed": seed}).cells]
        assert ("q1-solution" in ids, "q1-solution-b" in ids) == (name == "a", name == "b")
        assert ("task-a" in ids, "task-b" in ids) == (name == "a", name == "b")
        number = running.questions(exercise.taking({"q1": "a"}), {"seed": seed})["q1"].right / 2
        right = running.questions(exercise, {"seed": seed})["q1"].right
        assert right == pytest.approx(2 * number if name == "a" else 3 * number + 1)


def test_fresh_numbers_are_for_the_same_question(exercise):
    for name, seed in seeds(exercise).items():
        one = exercise.drawn({"seed": seed})
        assert all(one.drawn({"seed": other}).picks == {"q1": name} for other in range(20))


def test_the_stress_test_goes_through_both(exercise):
    report = stress(exercise, variants=12)
    assert not [each for each in report.problems if "does not" in each or "is judged" in each], (
        report.problems
    )
    assert static_problems(exercise) == []
    nbformat.write(with_alternatives(points=3), exercise.path)
    (problem,) = static_problems(masters()["90_toy"])
    assert "different points" in problem


@needs_walls
def test_each_is_graded_on_the_question_that_was_asked(exercise, tmp_path):
    handed = []
    for name, seed in seeds(exercise).items():
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(solved(make_copy(exercise, {"seed": seed}), exercise), path)
        handed.append(Submission(name, path, seed))
        other = tmp_path / f"{name}-wrong.ipynb"
        notebook = solved(make_copy(exercise, {"seed": seed}), exercise)
        for cell in notebook.cells:
            cell.source = cell.source.replace("double = 2 * number", "double = 3 * number + 1")
        nbformat.write(notebook, other)
        handed.append(Submission(f"{name}-wrong", other, seed))
    found = {
        each.student: each.score
        for each in grade_batch(exercise, handed, list(range(500, 506)), limits=LIMITS)
    }
    assert found == {"a": 2, "b": 2, "a-wrong": 0, "b-wrong": 2}
