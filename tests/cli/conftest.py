"""The fixtures of the notebook room, lessons of a few cells, and one that calls commands in this process."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from crmlab import cli

_path = Path(__file__).resolve().parent.parent / "notebook" / "conftest.py"
_spec = importlib.util.spec_from_file_location("notebook_fixtures", _path)
lessons = sys.modules["notebook_fixtures"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lessons)
home = lessons.home


@pytest.fixture
def call(capsys):
    """Call the command line in this process."""

    def call(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        out, errors = capsys.readouterr()
        return SimpleNamespace(status=status, out=out, errors=errors)

    return call
