"""A theory is three files: with them in place every command finds it, and nothing else has to change.

The theory is the one that ``crmlab new`` writes. It is added to a copy of the house.
"""

import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest

NEW = ["crmlab/theories/trust.py", "notebooks/20_trust.ipynb", "exercises/20_trust/master.ipynb"]


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
        assert (
            self.crmlab("new", "20_trust", "--title", "Trust and commitment", cwd=folder).splitlines()[:3]
            == NEW
        )

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
    assert "Trust and commitment" in index and "Customers with more x show more y." in index
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
        "trust and not trust_commitment and not dask and not jobs",
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
