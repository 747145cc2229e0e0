"""A small home with a toy exercise, a course in it, and a grading core that only pretends."""

import hashlib
import json

import nbformat
import pytest

from crmlab import grading
from crmlab.course.batch import digest_of
from crmlab.course.folder import Course
from crmlab.course.releasing import release
from crmlab.exercises import running
from crmlab.exercises.authoring.writing import cell, notebook
from crmlab.exercises.copies import make_copy
from crmlab.exercises.manual import written_answer
from crmlab.exercises.masters import read_notebook
from crmlab.exercises.reading import read
from crmlab.words.saying import said

ROSTER = """id,name,email
s001,Ana López,ana@example.edu
s002,"Doe, Jane",jane@example.edu
s003,Wei Wang,wei1@example.edu
s004,Wei Wang,wei2@example.edu
s005,Émile Ó Briain,emile@example.edu
"""
SETUP = """import numpy as np
from crmlab.exercises import open_exercise
answer = open_exercise("90_toy", seed=seed)
rng = np.random.default_rng([seed, 1])
number = int(rng.integers(10, 1000))"""


def toy_notebook():
    """A master with two questions."""
    return notebook(
        [
            cell("prose", "title", "# Toy"),
            cell("parameters", "parameters", "seed = 1  # your own version, 0 to 999999999"),
            cell("given", "setup", SETUP),
            cell("prose", "q1-task", "## 1 Twice *as much*"),
            cell("solution", "q1-solution", "### BEGIN SOLUTION\ndouble = 2 * number\n### END SOLUTION"),
            cell("reference", "q1-reference", "half = number / 2"),
            cell(
                "check",
                "q1-check",
                'answer("q1", double, points=2, tolerance=0.1, misconceptions={"half": (half, '
                '"You took `half`.")})',
                2,
            ),
            cell("prose", "q2-task", "## 2 The square"),
            cell("solution", "q2-solution", "### BEGIN SOLUTION\nsquare = number**2\n### END SOLUTION"),
            cell("check", "q2-check", 'answer("q2", square, points=3)', 3),
        ],
        "90_toy",
        "Toy",
        5,
    )


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of its own with one exercise, ``90_toy``."""
    return make_home(tmp_path, monkeypatch)


WHY = """### BEGIN SOLUTION
Because twice is not the square.
### END SOLUTION
### BEGIN MARK SCHEME
- 1: says what twice is
- 1: says what the square is
### END MARK SCHEME"""


@pytest.fixture
def wordy(home, tmp_path):
    """A course whose exercise has a third question, to be answered in words."""
    path = home / "exercises" / "90_toy" / "master.ipynb"
    made = nbformat.read(path, 4)
    made.cells += [cell("prose", "q3-task", "## 3 Why?"), cell("manual", "q3-answer", WHY, 2)]
    nbformat.write(made, path)
    (tmp_path / "students.csv").write_text(ROSTER, encoding="utf-8")
    release("90", tmp_path / "course", tmp_path / "students.csv")
    return Course(tmp_path / "course")


def make_home(tmp_path, monkeypatch):
    place = tmp_path / "home"
    (place / "notebooks").mkdir(parents=True)
    (place / "exercises" / "90_toy").mkdir(parents=True)
    monkeypatch.setenv("CRMLAB_HOME", str(place))
    nbformat.write(toy_notebook(), place / "exercises" / "90_toy" / "master.ipynb")
    return place


@pytest.fixture
def course(home, tmp_path):
    """A course in which 90_toy has been released to five students."""
    (tmp_path / "students.csv").write_text(ROSTER, encoding="utf-8")
    release("90", tmp_path / "course", tmp_path / "students.csv")
    return Course(tmp_path / "course")


def copy_of(course, student):
    """The bytes that a student was given."""
    return course.path("release", "90_toy", student, f"90_toy_{student}.ipynb").read_bytes()


def worked(course, student, q1="double = 2 * number", q2="square = number**2", words="*YOUR ANSWER HERE*"):
    """A student's copy with something in its blanks."""
    made = nbformat.reads(copy_of(course, student).decode(), 4)
    for each in made.cells:
        each.source = {"q1-solution": q1, "q2-solution": q2, "q3-answer": words}.get(each.id, each.source)
    return nbformat.writes(made).encode()


def submit(course, **work):
    """Put submissions where collecting puts them."""
    records = {}
    for student, data in work.items():
        path = course.submitted("90_toy", student)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        records[student] = {
            "file": f"{student}.ipynb",
            "sha256": hashlib.sha256(data).hexdigest(),
            "when": None,
            "late_mark": False,
            "notes": [],
        }
    place = course.path("collected", "90_toy.json")
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps({"exercise": "90_toy", "submissions": records}))


# -------------------------------------------------------------------------------------- a pretended core


class Core:
    """Runs submissions in this process: fit for what the tests here write, and for nothing else."""

    def __init__(self):
        self.graded, self.stop_after = [], None

    def __call__(
        self, exercise, submissions, fresh_seeds, out, jobs=2, on_done=None, allow_weak_walls=False, **more
    ):
        out.mkdir(parents=True, exist_ok=True)
        for each in submissions:
            path = out / f"{each.student}.json"
            digest = hashlib.sha256(each.path.read_bytes()).hexdigest() if each.path else ""
            fresh = fresh_seeds(each.student, digest)
            key = repr([each.seed, fresh, exercise.version, each.path and each.path.read_bytes()])
            key = hashlib.sha256(key.encode()).hexdigest()
            if path.is_file() and json.loads(path.read_text())["key"] == key:
                report = grading.Report.from_text(path.read_text())
            else:
                if self.stop_after is not None and len(self.graded) >= self.stop_after:
                    raise KeyboardInterrupt
                report = self.grade(exercise, each)
                report.key = key
                self.graded.append(each.student)
            path.write_text(report.text())
            if on_done:
                on_done(report)

    def grade(self, exercise, submission):
        given = _run(submission, exercise)
        questions = running.questions(exercise, exercise.check_parameters({"seed": submission.seed}))
        rows = []
        for name, question in questions.items():
            verdict = question.judge(given.get(name))
            right = verdict.right
            rows.append(
                grading.QuestionResult(
                    name,
                    question.points,
                    question.points if right else 0,
                    verdict.reason,
                    said(f"cards.{verdict.text or 'say_' + verdict.reason}", **verdict.facts),
                    3 if right else 0,
                    3,
                    hint=verdict.facts.get("hint"),
                    misconception=verdict.misconception,
                )
            )
        rows += _written(submission, exercise)
        return grading.Report(submission.student, exercise.name, digest_of(exercise), ["clock"], rows)


def _written(submission, exercise):
    """Answers in words, as the real core takes them in."""
    cells = read(submission.path, 10**8).cells or []
    copy = make_copy(exercise, exercise.check_parameters({"seed": submission.seed})).cells
    for name, asked in exercise.manual.items():
        text = written_answer(cells, copy, asked)
        verdict = "manual" if text else "missing" if text is None else "todo"
        yield grading.QuestionResult(name, asked.points, verdict=verdict, given=text or None)


def _run(submission, exercise):
    if submission.path is None:
        return {}
    cells = read_notebook(submission.path).cells
    parameters = exercise.check_parameters({"seed": submission.seed})
    return running.run_cells(cells, parameters, running.Given(), exercise.name)


@pytest.fixture
def core(monkeypatch):
    """Grades in place of the real core; counts what it was asked to grade."""
    pretended = Core()
    monkeypatch.setattr(grading, "grade_batch", pretended, raising=False)
    return pretended
