"""Questions that are answered in words: what masters say of them, what copies show, what is read back."""

import pytest

from crmlab.errors import InputError
from crmlab.exercises.authoring.writing import cell, notebook
from crmlab.exercises.copies import make_copy, solved
from crmlab.exercises.manual import BLANK, manual_question, written_answer
from crmlab.exercises.masters import Master
from crmlab.exercises.reading import Cell

SOURCE = """### BEGIN SOLUTION
Because the loyal would have stayed.
### END SOLUTION
### BEGIN MARK SCHEME
- 1: says who would have stayed
- 0.5 points: says what to do
### END MARK SCHEME"""


def manual(source=SOURCE, points=1.5, name="q2-answer"):
    return cell("manual", name, source, points)


@pytest.fixture
def exercise(tmp_path):
    import nbformat

    made = notebook(
        [
            cell("parameters", "parameters", "seed = 1  # your own version, 0 to 999999999"),
            cell("given", "setup", "answer = print"),
            cell("solution", "q1-solution", "### BEGIN SOLUTION\nx = seed\n### END SOLUTION"),
            cell("check", "q1-check", 'answer("q1", x, points=2)', 2),
            cell("prose", "q2-task", "## 2 Why?\n\nIn two sentences."),
            manual(),
        ],
        "90_words",
        "Words",
        5,
    )  # fmt: skip
    path = tmp_path / "90_words" / "master.ipynb"
    path.parent.mkdir()
    nbformat.write(made, path)
    return Master(path)


def test_what_a_master_says(exercise):
    asked = exercise.manual["q2"]
    assert (asked.points, asked.expected) == (1.5, "Because the loyal would have stayed.")
    assert asked.rubric == ((1.0, "says who would have stayed"), (0.5, "says what to do"))
    assert exercise.all_points == {"q1": 2, "q2": 1.5} and exercise.points == {"q1": 2}


def test_a_copy_shows_neither_the_answer_nor_the_scheme(exercise):
    copy = make_copy(exercise, {"seed": 3})
    assert copy.cells[-1].source == BLANK and not copy.cells[-1].metadata.nbgrader.locked
    assert solved(copy, exercise).cells[-1].source == "Because the loyal would have stayed."


@pytest.mark.parametrize(
    "source, points, name, said",
    [
        ("nothing", 1, "q2-answer", "no ### BEGIN SOLUTION"),
        (SOURCE, 2, "q2-answer", "adds up to 1.5 points"),
        (SOURCE, 0, "q2-answer", "points is 0"),
        (SOURCE, 1.5, "second", "its id must be like q4-answer"),
        (SOURCE.replace("- 1:", "one:"), 1.5, "q2-answer", "is not like"),
    ],
)
def test_masters_that_do_not_fit_are_refused(source, points, name, said):
    with pytest.raises(InputError, match=said):
        manual_question(manual(source, points, name))


def read(exercise, *cells):
    copy = make_copy(exercise, {"seed": 3}).cells
    given = [Cell("markdown", source, name, {"grade_id": grade_id}, []) for name, grade_id, source in cells]
    return written_answer(given, copy, exercise.manual["q2"])


def test_what_was_written_is_found(exercise):
    assert read(exercise, ("a", "q2-answer", "Since they stay.")) == "Since they stay."
    assert read(exercise, ("a", "q2-answer", BLANK)) == ""
    assert read(exercise, ("a", "q2-answer", "One."), ("b", "q2-answer", "Two.")) == "One.\n\nTwo."
    assert (
        read(exercise, ("a", "", "## 2 Why?\n\nIn two sentences."), ("b", "", "They stay.")) == "They stay."
    )
    assert read(exercise, ("a", "", "elsewhere")) is None
