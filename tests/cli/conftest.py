"""The fixtures of the notebook room: lessons of a few cells."""

import importlib.util
import sys
from pathlib import Path

_path = Path(__file__).resolve().parent.parent / "notebook" / "conftest.py"
_spec = importlib.util.spec_from_file_location("notebook_fixtures", _path)
lessons = sys.modules["notebook_fixtures"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lessons)
home = lessons.home
