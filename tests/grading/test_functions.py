"""Answers that are functions, graded behind the walls on inputs that the grader draws."""

import nbformat
import pytest

from crmlab.exercises import running
from crmlab.exercises.masters import Master
from crmlab.grading import grade_batch

from .probe import CANARY, FRESH, LIMITS, SEED, Course, needs_walls, write_master

pytestmark = needs_walls
RIGHT = "def total(rate, values):\n    return float(values.sum() * rate)"
WORK = {
    # name: (source, points, verdict, flags)
    "named": (RIGHT, 2, "right", set()),
    "lambda": ("total = lambda rate, values: sum(rate * each for each in values)", 2, "right", set()),
    "object": (
        ("class Total:\n    def __call__(self, rate, values):\n        return np.dot(values, np.full(len(values), rate))\n"
        "total = Total()"), 2, "right", set()),
    "spoils_its_inputs": (
        "def total(rate, values):\n    values *= rate\n    return values.sum()", 2, "right", set()),
    "called_already": (RIGHT + "\ntotal = total(1.0, customers.spend)", 0, "type", set()),
    "raises": ("def total(rate, values):\n    return values.no_such_thing", 0, "type", set()),
    "leaves": ("def total(rate, values):\n    raise SystemExit", 0, "error", {"exit"}),
    "ends_its_process": ("import os\ndef total(rate, values):\n    os._exit(0)", 0, "exited", {"exited"}),
    "never_returns": ("def total(rate, values):\n    while True:\n        pass", 0, "timeout", {"timeout"}),
    "wrong": ("def total(rate, values):\n    return values.mean()", 0, "wrong", set()),
    "lies": (
        ("class Lie(float):\n    def __eq__(self, other):\n        return True\n"
        "def total(rate, values):\n    return Lie(1)"), 0, "magnitude", {"equality"}),
    "finds_its_inputs": (
        ("import sys\ndef total(rate, values):\n    frame = sys._getframe()\n    while frame:\n"
        "        if 'right' in frame.f_locals:\n            return frame.f_locals['right']\n        frame = frame.f_back"),
        0, "todo", {"introspection"}),
    "a_list_of_results": ("total = [1.0, 2.0, 3.0]", 0, "type", set()),
}  # fmt: skip


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("functions")
    exercise = _with_a_function(folder)
    course = Course(folder / "submitted", exercise)
    for name, (source, *_) in WORK.items():
        course.hand_in(name, q1=source)
    course.hand_in("solved")
    course.add("blank", course.folder / "blank.ipynb")
    nbformat.write(course.blank(), course.folder / "blank.ipynb")
    found = grade_batch(exercise, course.submissions, FRESH, folder / "out", jobs=2, limits=LIMITS)
    return exercise, {each.student: each for each in found}


def _with_a_function(folder):
    """The probe, its first question answered by a function."""
    path = write_master(folder).path
    text = path.read_text(encoding="utf-8")
    for before, after in (
        (f"total = customers.spend.sum()  # {CANARY}", RIGHT.replace("\n", "\\n")),
        (f"of_mean = customers.spend.mean()  # {CANARY}",
         ("trials = [(round(rng.uniform(0.5, 2), 2), rng.gamma(2, 40, n)) for n in (5, 9, 2)]\\n"
         "def of_mean(rate, values):\\n    return rate * values.mean()")),
        ("points=2, relative=1e-6,", "points=2, relative=1e-6, inputs=trials,"),
    ):  # fmt: skip
        assert before in text
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")
    return Master(path)


@pytest.mark.parametrize("name", WORK)
def test_a_function_scores_what_it_returns(graded, name):
    _, points, verdict, flags = WORK[name]
    report = graded[1][name]
    question = report.questions[0]
    assert (question.points, question.verdict) == (points, verdict), question
    assert report.score == points + 4
    kinds = {flag["kind"] for flag in report.flags}
    assert flags <= kinds and bool(flags) == bool(kinds), report.flags


def test_solved_and_blank(graded):
    assert graded[1]["solved"].score == 6 and graded[1]["blank"].score == 0
    assert graded[1]["blank"].questions[0].verdict == "todo"


def test_each_student_is_asked_other_inputs(graded):
    exercise, _ = graded
    first, second = (
        running.questions(exercise, {"seed": seed})["q1"].kind.inputs for seed in (SEED, SEED + 1)
    )
    assert len(first) == 3 and first != second
