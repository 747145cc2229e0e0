"""A theory is three files: with them in place every command finds it, and nothing else has to change.

The theory is the one that CONTRIBUTING.md gives as its example. It is added to a copy of the house.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NEW = ["crmlab/theories/trust.py", "notebooks/20_trust.ipynb", "exercises/20_trust/master.ipynb"]

LESSON = [
    ("title", "# 20 · Trust and commitment\n\n**Claim.** Customers who trust a firm commit to it."),
    ("objectives", "## What you will be able to do\n\n- tell trust from a good history."),
    (
        "parameters",
        (
            "seed = 20  # of every draw, 0 to 999999999\n"
            "n_customers = 300  # customers in the cohort, 20 to 20000\n"
            "sims = 50  # simulated cohorts, 20 to 5000"
        ),
    ),
    (
        "imports",
        (
            "import statsmodels.formula.api as smf\n\nfrom crmlab.notebook import record\n"
            "from crmlab.plots import causal_diagram, estimates_plot, show, subplots\n"
            "from crmlab.theories.trust import design\n"
            "from crmlab.widgets import Explorable, power_curve, slider"
        ),
    ),
    ("practitioners", "## What practitioners say\n\nTrust comes first."),
    ("dag", "## The causal picture"),
    (
        "draw-dag",
        (
            'figure = causal_diagram({"history": (0.5, 1), "trust": (0, 0), "commitment": (1, 0)},\n'
            '                        [("trust", "commitment"), ("history", "trust"), ("history", "commitment")])\n'
            'show(figure, "History causes trust and commitment; trust causes commitment.")'
        ),
    ),
    ("predict", "## Predict before you run\n\nHow strong is it?"),
    ("simulate", "## Simulate"),
    ("cohort", "cohort = design.replace(n_customers=n_customers).simulate(seed)\ncohort"),
    ("look", "## Look"),
    (
        "scatter",
        (
            "figure, axes = subplots()\naxes.scatter(cohort.customers.trust, cohort.customers.commitment)\n"
            'show(figure, "Commitment against trust.")'
        ),
    ),
    ("test", "## Test"),
    (
        "regression",
        'fit = smf.ols("commitment ~ trust + history", cohort.customers).fit()\nfit.summary().tables[1]',
    ),
    ("truth", "## Estimate against truth"),
    (
        "agreement",
        (
            'tests = design.test(cohort)\nassert abs(tests.estimate[0] - fit.params["trust"]) < 1e-9\n'
            'record("adjusted_estimate", tests.estimate[0])\nshow(estimates_plot(tests), "Estimates and the truth.")'
        ),
    ),
    ("break", "## Break an assumption"),
    ("trap", 'trap = design.preset("trap")\ntrap.test(trap.simulate(seed)).round(3)'),
    ("diagnose", "## Diagnose"),
    (
        "diagnosis",
        (
            "diagnosis = design.vary(preset=list(design.presets)).diagnose(sims=sims, seed=seed)\n"
            'record("naive_in_trap", diagnosis.row("H1", "naive", preset="trap").rejection_rate)\ndiagnosis'
        ),
    ),
    ("explorable", "## Explore"),
    (
        "explore",
        (
            "def draw(effect):\n    figure, axes = subplots()\n"
            '    power_curve(axes, design.replace(trust_to_commitment=effect), "H1", (25, 100), 20, seed)\n'
            '    return figure, f"Power at an effect of {effect}."\n\n\n'
            'Explorable(draw, {"effect": slider("effect", 0.5, 0.0, 1.0)})'
        ),
        "nbval-ignore-output",
    ),
    ("exercises", "## Exercises"),
    ("summary", "## Summary\n\nCompare like with like."),
    ("references", "## References\n\n- Morgan, R. M., & Hunt, S. D. (1994). doi:10.1177/002224299405800302"),
]
SOLUTION = "### BEGIN SOLUTION\ndouble = 2 * number\n### END SOLUTION"
MASTER = [
    ("title", "# Trust: practice", None),
    ("parameters", "seed = 1  # your own version, 0 to 999999999", "parameters"),
    (
        "setup",
        (
            "import numpy as np\n\nfrom crmlab.exercises import open_exercise\n\n"
            'answer = open_exercise("20_trust", seed=seed)\nnumber = np.random.default_rng([seed, 1]).uniform(1, 100)'
        ),
        "given",
    ),
    ("q1-solution", SOLUTION, "solution"),
    (
        "q1-check",
        (
            'answer("q1", double, points=2, relative=0.001, hints=["Twice.", "Times two."],\n'
            '       misconceptions={"half": (number / 2, "You took half.")})'
        ),
        "check",
    ),
]


def lesson_notebook():
    code = {
        "parameters",
        "imports",
        "draw-dag",
        "cohort",
        "scatter",
        "regression",
        "agreement",
        "trap",
        "diagnosis",
        "explore",
    }
    cells = []
    for name, source, *tags in LESSON:
        tags += ["parameters"] * (name == "parameters")
        make = new_code_cell if name in code else new_markdown_cell
        cells.append(make(source, id=name, metadata={"tags": tags} if tags else {}))
    facts = {
        "title": "Trust and commitment",
        "claim": "Customers who trust a firm commit to it.",
        "minutes": 30,
        "theory": "trust",
    }
    return new_notebook(cells=cells, metadata={"crmlab": facts})


def master_notebook():
    cells = []
    for name, source, role in MASTER:
        if role is None:
            cells.append(new_markdown_cell(source, id=name))
            continue
        grading = {
            "grade": role == "check",
            "grade_id": name,
            "locked": role != "solution",
            "schema_version": 3,
            "solution": role == "solution",
            "task": False,
        } | ({"points": 2} if role == "check" else {})
        tags = {"tags": [role]} if role == "parameters" else {}
        cells.append(new_code_cell(source, id=name, metadata={"nbgrader": grading, **tags}))
    return new_notebook(
        cells=cells, metadata={"crmlab": {"title": "Trust: practice", "lesson": "20_trust", "minutes": 5}}
    )


class House:
    """A copy of the house, in a folder of its own, with one theory more."""

    def __init__(self, root, folder):
        self.folder = folder
        left = shutil.ignore_patterns("__pycache__", "*.pyc", ".ipynb_checkpoints")
        for name in ("crmlab", "notebooks", "exercises", "datasets", "tests"):
            shutil.copytree(root / name, folder / name, ignore=left)
        for name in ("pyproject.toml", "CONTRIBUTING.md"):
            shutil.copy(root / name, folder / name)
        self.before = self.files()
        theory, lesson, master = (folder / name for name in NEW)
        (example,) = re.findall(
            r"^```python\n(.*?)^```$",
            (root / "CONTRIBUTING.md").read_text(encoding="utf-8"),
            re.MULTILINE | re.DOTALL,
        )
        theory.write_text(example, encoding="utf-8")
        nbformat.write(lesson_notebook(), lesson)
        master.parent.mkdir()
        nbformat.write(master_notebook(), master)

    def files(self):
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and ".hypothesis" not in path.parts
        }

    def python(self, *arguments, cwd, status=0):
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTEST_ADDOPTS": ""}
        environment.pop("CRMLAB_HOME", None)
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == status, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def crmlab(self, *arguments, cwd, status=0):
        return self.python("-m", "crmlab.cli", *arguments, cwd=cwd, status=status)


@pytest.fixture(scope="module")
def house(root, tmp_path_factory):
    house = House(root, tmp_path_factory.mktemp("house"))
    where = house.python("-c", "import crmlab; print(crmlab.__file__)", cwd=house.folder.parent)
    assert where.startswith(str(house.folder)), "crmlab is imported from the copy"
    assert "20_trust: outputs stored" in house.crmlab("refresh", "20", cwd=house.folder)
    return house


def test_the_list_shows_it(house, tmp_path):
    assert "20  Trust and commitment  (30 min, exercises)" in house.crmlab("list", cwd=tmp_path)
    assert "n_customers  300" in house.crmlab("list", "trust", cwd=tmp_path)


def test_it_runs(house, tmp_path):
    done = json.loads(house.crmlab("run", "trust", "-p", "seed=3", "-p", "sims=20", "--json", cwd=tmp_path))
    assert done["lesson"] == "20_trust" and done["results"]["naive_in_trap"] > 0.8


def test_its_stored_lesson_passes_the_lint(house, tmp_path):
    assert house.crmlab("lint", "20", cwd=tmp_path) == "20_trust: no problems\n"


def test_the_book_has_it(house, tmp_path):
    house.crmlab("build", "--only", "20", "-p", "sims=20", "--out", tmp_path / "build", cwd=tmp_path)
    index = (tmp_path / "build" / "index.html").read_text(encoding="utf-8")
    assert "Trust and commitment" in index and "Customers who trust a firm commit to it." in index
    assert "adjusted_estimate" in (tmp_path / "build" / "results.json").read_text(encoding="utf-8")


def test_its_exercises_are_handed_out_and_checked(house, tmp_path):
    house.crmlab("start", "20", "--seed", "5", "--out", tmp_path, cwd=tmp_path)
    copy = tmp_path / "20_trust_exercises.ipynb"
    assert "BEGIN SOLUTION" not in copy.read_text(encoding="utf-8")
    house.crmlab("check", copy, cwd=tmp_path, status=1)
    notebook = nbformat.read(copy, as_version=4)
    next(cell for cell in notebook.cells if cell.id == "q1-solution").source = "double = number + number"
    nbformat.write(notebook, copy)
    assert "2 / 2" in house.crmlab("check", copy, cwd=tmp_path)


def test_the_tests_find_it(house):
    tests = house.python(
        "-m",
        "pytest",
        "-q",
        "--collect-only",
        "tests/theories/test_every_theory.py",
        "tests/lessons",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        cwd=house.folder,
    )
    assert (
        tests.count("[trust") >= 12 and "test_lessons.py::test_it_runs_with_its_defaults[20_trust]" in tests
    )
    house.python(
        "-m",
        "pytest",
        "-q",
        "tests/theories/test_every_theory.py",
        "-k",
        "trust and not dask and not jobs",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        cwd=house.folder,
    )


def test_nothing_else_has_changed(house):
    after = house.files()
    assert sorted(set(after) - set(house.before)) == sorted(NEW)
    assert [name for name, content in house.before.items() if after.get(name) != content] == []
