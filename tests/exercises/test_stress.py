"""The stress test passes our masters, and fails masters with each fault that it looks for."""

import re

import nbformat
import pytest

from crmlab.cli import main
from crmlab.exercises.authoring.stress import stress
from crmlab.exercises.masters import masters
from crmlab.exercises.running import questions
from tests.exercises.conftest import CHECK, SETUP, SOLUTION, toy_notebook

NAMES = sorted(masters())


@pytest.mark.parametrize("name", NAMES)
def test_our_masters_hold_for_25_learners(name):
    """Solved copies score in full, blank ones nothing, each misconception nothing and its own hint."""
    variants = []
    report = stress(name, 25, first=100, on_variant=lambda: variants.append(1))
    assert report.problems == []
    assert len(variants) == 25
    assert all(0 <= share < 0.05 for share in report.alike.values())


@pytest.mark.parametrize("name", NAMES)
def test_our_masters_help(name):
    """Two misconceptions, two hints, a picture and a moral for each question; units where there are any."""
    for question in questions(masters()[name], {"seed": 1}).values():
        assert len(question.misconceptions) >= 2 and len(question.hints) >= 2
        assert question.picture is not None and question.moral
    assert len(masters()[name].checks) >= 3


def test_a_sound_toy_passes(toy):
    assert stress(toy(), 30).problems == []


@pytest.mark.filterwarnings("ignore:Non-unique cell id")
@pytest.mark.parametrize(
    "parts, problem",
    [
        (
            {"solution": "### BEGIN SOLUTION\ndouble = number * float('nan')\n### END SOLUTION"},
            "does not run.*is nan; it must be finite",
        ),
        (
            {"solution": "### BEGIN SOLUTION\ndouble = 1 / (seed - 3)\n### END SOLUTION"},
            r"ZeroDivisionError.*seed 3\b",
        ),
        ({"setup": SETUP + "\nnumber = 7.0"}, "the same in all variants"),
        ({"setup": SETUP + "\nnumber = float(rng.integers(1, 4))"}, "pass for one another"),
        ({"setup": SETUP + "\nnumber = float(seed // 2)"}, "neighbouring seeds"),
        ({"check": CHECK.replace("number / 2", "double * 1.0001")}, "'half' is judged right"),
        (
            {"check": CHECK.replace('"half": (', '"first": (number / 2, "First."), "half": (')},
            "misconception 'first'",
        ),
        ({"check": CHECK.replace("points=2", "points=3")}, "points=3 in the call, 2 in the cell"),
        ({"check": CHECK.replace('"Twice."', "2")}, "a hint is 2"),
        ({"check": CHECK.replace("relative=", "relativ=")}, "unknown option 'relativ'"),
        ({"check": "print(1)\n" + CHECK}, "must be one call"),
        ({"check": CHECK + "\n", "more": [("check", "again", CHECK)]}, "asked twice|no solution cell|asked"),
        ({"solution": SOLUTION + "\nprint(double + 1)"}, "the blank copy does not run to its end.*TypeError"),
        ({"solution": SOLUTION.replace("double =", "number = double =")}, "each cell run twice|is judged"),
        ({"solution": "double = 2 * number"}, "belong together"),
        ({"solution": "### BEGIN SOLUTION\ndouble = 1"}, "not plain Python"),
        ({"setup": SETUP + "\n%matplotlib inline"}, "not plain Python"),
        ({"setup": SETUP, "more": [("given", "setup", "1")]}, "another cell has that id too"),
        (
            {
                "more": [
                    ("reference", "late", "x = 1"),
                    ("solution", "q2-solution", "### BEGIN SOLUTION\nz = x\n### END SOLUTION"),
                    ("check", "q2-check", 'answer("q2", z, points=2)'),
                ]
            },
            "the solved copy does not run.*NameError",
        ),
        (
            {
                "more": [
                    ("solution", "q2-solution", "### BEGIN SOLUTION\nsame = 2 * number\n### END SOLUTION"),
                    ("check", "q2-check", 'answer("q2", same, points=2)'),
                ]
            },
            "the answer to q2 passes for that to q1",
        ),
        (
            {
                "more": [
                    (
                        "solution",
                        "q2-solution",
                        "### BEGIN SOLUTION\nnext_ = double + rng.uniform()\n### END SOLUTION",
                    ),
                    ("check", "q2-check", 'answer("q2", next_, points=2)'),
                ]
            },
            "only q2 solved does not run to its end",
        ),
    ],
)
def test_each_fault_is_found(toy, parts, problem):
    report = stress(toy(**parts), 30)
    assert not report.ok
    assert any(re.search(problem, each) for each in report.problems), report.problems


def test_a_picture_must_draw_and_be_told_in_words(toy):
    draw = 'def draw():\n    """Short."""\n    {}\n'
    check = CHECK.replace("relative", "picture=draw, relative")
    cell = lambda body: [("reference", "picture", draw.format(body))]  # noqa: E731
    notebook = toy_notebook(check=check, more=cell("1 / 0"))
    notebook.cells.insert(3, notebook.cells.pop())
    exercise = toy()
    nbformat.write(notebook, exercise.path)
    assert "does not draw: ZeroDivisionError" in stress(masters()["90_toy"], 2).problems[-1]
    notebook.cells[3].source = draw.format("from matplotlib.figure import Figure\n    return Figure()")
    nbformat.write(notebook, exercise.path)
    assert "alt text" in stress(masters()["90_toy"], 2).problems[-1]


def test_outputs_in_a_master_are_refused(toy):
    exercise = toy()
    notebook = toy_notebook()
    notebook.cells[2].outputs = [nbformat.v4.new_output("stream", text="x")]
    nbformat.write(notebook, exercise.path)
    assert "it has outputs" in stress(masters()["90_toy"], 2).problems[0]


def test_the_command(toy, capsys):
    toy()
    assert main(["exercises", "test", "toy", "--variants", "20"]) == 0
    assert "90_toy: 20 variants, all well" in capsys.readouterr().out
    toy(check=CHECK.replace("number / 2", "double"))
    assert main(["exercises", "test", "--variants", "20"]) == 1
    assert "20 of 20 variants: seed 1, 2, 3, 4, 5, ..." in capsys.readouterr().out
    for bad in (["nope"], ["toy", "--variants", "1"], ["toy", "--variants", "x"]):
        assert main(["exercises", "test", *bad]) == 2
