"""A student's own notebook, open on the kernel that the test plays."""

import json

import pytest

from crmlab.notebook import guesses
from crmlab.notebook.session import SESSION


@pytest.fixture
def own_copy(tmp_path, monkeypatch):
    """The path of a student's copy, as Jupyter's server would name it to the kernel."""
    path = tmp_path / "work" / "09_loyalty.ipynb"
    path.parent.mkdir()
    path.write_text("{}")
    monkeypatch.setenv(SESSION, str(path))
    return path


@pytest.fixture
def kept(own_copy):
    """What is kept beside it."""
    return lambda: json.loads(guesses.guesses_file(own_copy).read_text(encoding="utf-8"))
