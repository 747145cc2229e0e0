"""Lessons of a few cells, in a folder of their own."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = """\
n_customers = 100  # customers in the cohort, 50 to 20000
seed = 1  # seed of the random numbers, 0 to 1000
effect = 0.5  # standardised path, -1 to 1
method = "ols"  # estimator, one of ols, logit
"""
TAUGHT = {"finding": "It is so.", "trap": "luck", "builds_on": [], "questions": ["Why?", "Who?"]}
RESULTS = """\
from crmlab.notebook import record
record("sum", n_customers + seed)
record("effect_seen", effect)
record("method_used", method)
"""


def code(name, source, *tags):
    return new_code_cell(source, id=name, metadata={"tags": list(tags)} if tags else {})


def text(name, source, *tags):
    return new_markdown_cell(source, id=name, metadata={"tags": list(tags)} if tags else {})


class Home:
    """A folder that stands in for the checkout."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "notebooks").mkdir()

    def write(self, name, *cells, **metadata):
        """Write a lesson of these cells; returns its path."""
        facts = {"title": name.title(), "claim": "A claim.", "minutes": 10, **TAUGHT, **metadata}
        path = self.folder / "notebooks" / f"{name}.ipynb"
        nbformat.write(new_notebook(cells=list(cells), metadata={"crmlab": facts}), path)
        return path

    def simple(self, name="09_loyalty", *more, **metadata):
        """A lesson that records its parameters, and after that runs `more`."""
        return self.write(
            name,
            text("title", "# Loyalty"),
            code("parameters", PARAMETERS, "parameters"),
            code("test", RESULTS),
            *more,
            **metadata,
        )


@pytest.fixture
def home(tmp_path, monkeypatch):
    from crmlab.notebook import running

    monkeypatch.setitem(running._runs, "count", 1)  # warm means warm: a process's first run never is
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("CRMLAB_HOME", str(folder))
    return Home(folder)


@pytest.fixture
def no_network(monkeypatch, root):
    """Python processes started from now on reach no other machine."""
    from crmlab.notebook import kernels

    kernels.end_all()  # the zygote would have been started before
    monkeypatch.setenv("PYTHONPATH", str(Path(root) / "tests" / "no_network"), prepend=":")
    yield
    kernels.end_all()
