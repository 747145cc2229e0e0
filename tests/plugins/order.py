"""In which order tests run, and which of them on one core (``--dist loadgroup``).

A file's tests stay together, since they share what its fixtures made. A lesson's tests stay together whatever
their file, so that all look at the same run of it, while different lessons go to different cores. What takes
longest comes first: then no core is left with a long group at the end.
"""

from pathlib import Path

import pytest

# Processor seconds of groups that take more than 20, measured; others go by their number of tests.
SECONDS = {
    "tests/lessons/test_three_files.py": 117,
    "a lesson": 60,
}


def group(item):
    """The group of a test: its lesson, or its file."""
    lesson = getattr(item, "callspec", None) and item.callspec.params.get("lesson")
    place = Path(item.location[0]).as_posix()
    if lesson is not None and place.startswith("tests/lessons/"):
        return f"lesson {lesson.stem}"
    return place


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

    def seconds(name):
        return (
            SECONDS["a lesson"] if name.startswith("lesson ") else SECONDS.get(name, len(groups[name]) / 100)
        )

    items[:] = [item for name in sorted(groups, key=seconds, reverse=True) for item in groups[name]]
