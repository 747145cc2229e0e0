"""In which order tests run, and which of them on one core (``--dist loadgroup``).

A file's tests stay together, since they share what its fixtures made. A lesson's tests stay together whatever
their file, so that all look at the same run of it, and so do a theory's, which look at the same diagnoses;
different lessons and theories go to different cores. What takes longest comes first: then no core is left
with a long group at the end.
"""

from pathlib import Path

import pytest

# Seconds of groups that take more than 20, measured; others go by their number of tests.
SECONDS = {
    "tests/lessons/test_three_files.py": 117,
    "tests/grading/test_threats.py": 100,
    "lesson": 60,
    "theory": 30,
}


def group(item):
    """The group of a test: its lesson, its theory, or its file."""
    drawn = item.callspec.params if hasattr(item, "callspec") else {}
    place = Path(item.location[0]).as_posix()
    if "lesson" in drawn and place.startswith("tests/lessons/"):
        return f"lesson {drawn['lesson'].stem}"
    if "name" in drawn and place == "tests/theories/test_every_theory.py":
        return f"theory {drawn['name']}"
    return place


def seconds(name, tests):
    """About how long a group of so many tests takes."""
    return SECONDS.get(name) or SECONDS.get(name.partition(" ")[0]) or tests / 100


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Put the longest groups first, each in its own order, unless an order is drawn at random."""
    if not config.getoption("loadgroup", False):  # what xdist tells its workers
        return
    groups = {}
    for item in items:
        name = group(item)
        item.add_marker(pytest.mark.xdist_group(name))
        groups.setdefault(name, []).append(item)

    longest = sorted(groups, key=lambda name: seconds(name, len(groups[name])), reverse=True)
    items[:] = [item for name in longest for item in groups[name]]
