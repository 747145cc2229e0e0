"""A small exercise for these tests, and submissions to it.

Three questions: q1 a number (2 points), q2 a table (3 points), q3 a whole number (1 point).
"""

import copy
import json

import nbformat
import pytest

from crmlab.exercises.copies import make_copy, solved
from crmlab.exercises.masters import Master
from crmlab.grading import Limits, Submission, building

needs_walls = pytest.mark.skipif(not building.strong(), reason=f"no strong walls: {building.why_not()}")

CANARY = "kanari-" + "4711-master"  # in the master's solutions and reference cells only
SEED, FRESH = 5, [1001, 1002]
LIMITS = Limits(question_seconds=2.5, total_seconds=25, memory=700 << 20, tree=900 << 20, processes=24,
                output=2 << 20, scratch=16 << 20, files=8 << 20)  # fmt: skip

_CELLS = {
    "parameters": ("seed = 1  # your own version, 0 to 999999999", {"locked": True}),
    "setup": (
        (
            "import numpy as np\nimport pandas as pd\n\nfrom crmlab.exercises import open_exercise\n\n"
            'answer = open_exercise("90_probe", seed=seed)'
        ),
        {"locked": True},
    ),
    "q1-given": (
        (
            "rng = np.random.default_rng([seed, 1])\n"
            'customers = pd.DataFrame({"segment": rng.choice(["a", "b", "c"], 60), '
            '"spend": rng.gamma(2, 40, 60).round(2), "visits": rng.poisson(4, 60)})'
        ),
        {"locked": True},
    ),
    "q1-solution": (
        f"### BEGIN SOLUTION\ntotal = customers.spend.sum()  # {CANARY}\n### END SOLUTION\ntotal",
        {"solution": True},
    ),
    "q1-reference": (f"of_mean = customers.spend.mean()  # {CANARY}", {"locked": True, "reference": True}),
    "q1-check": (
        (
            'answer("q1", total, points=2, relative=1e-6, units="euros", hints=["Add up."], '
            'misconceptions={"mean": (of_mean, "That is the mean.")})'
        ),
        {"locked": True, "grade": True, "points": 2},
    ),
    "q2-solution": (
        '### BEGIN SOLUTION\nmeans = customers.groupby("segment", as_index=False).spend.mean()\n### END SOLUTION',
        {"solution": True},
    ),
    "q2-check": (
        'answer("q2", means, points=3, key="segment", relative=1e-6)',
        {"locked": True, "grade": True, "points": 3},
    ),
    "q3-given": ("least = int(np.random.default_rng([seed, 3]).integers(2, 7))", {"locked": True}),
    "q3-solution": (
        "### BEGIN SOLUTION\nloyal = int((customers.visits > least).sum() * 1000 + least)\n### END SOLUTION",
        {"solution": True},
    ),
    "q3-check": ('answer("q3", loyal, points=1)', {"locked": True, "grade": True, "points": 1}),
}


def write_master(folder):
    """Write the exercise's master; returns it."""
    cells = []
    for name, (source, flags) in _CELLS.items():
        flags = dict(flags)
        tags = [name] if name == "parameters" else ["reference"] if flags.pop("reference", False) else []
        grading = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
        cells.append(
            nbformat.v4.new_code_cell(
                source, id=name, metadata={"nbgrader": grading | flags | {"grade_id": name}, "tags": tags}
            )
        )
    path = folder / "90_probe" / "master.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"crmlab": {"title": "Probe"}}), path)
    return Master(path)


class Course:
    """Submissions in a folder, made from the solved copy."""

    def __init__(self, folder, master):
        self.folder, self.master, self.submissions = folder, master, []
        folder.mkdir()

    def honest(self, seed=SEED):
        return solved(make_copy(self.master, {"seed": seed}), self.master)

    def blank(self, seed=SEED):
        return make_copy(self.master, {"seed": seed})

    def hand_in(self, student, seed=SEED, change=None, data=None, **sources):
        """A solved copy with other `sources` for q1, q2, q3, changed by `change`; or the bytes `data`."""
        path = self.folder / f"{student}.ipynb"
        if data is None:
            notebook = copy.deepcopy(self.honest(seed))
            for question, source in sources.items():
                cell(notebook, f"{question}-solution").source = source
            if change:
                change(notebook)
            data = json.dumps(notebook).encode()  # escapes what UTF-8 cannot say
        path.write_bytes(data)
        return self.add(student, path, seed)

    def add(self, student, path, seed=SEED):
        self.submissions.append(Submission(student, path, seed))
        return self.submissions[-1]


def cell(notebook, name):
    return next(each for each in notebook.cells if each.id == name)


def extra(source, **options):
    return nbformat.v4.new_code_cell(source, **options)


def insert_before(notebook, name, new):
    notebook.cells.insert([each.id for each in notebook.cells].index(name), new)


def right_answer(master, seed=SEED, question="q1"):
    from crmlab.exercises import running

    return running.questions(master, {"seed": seed})[question].right
