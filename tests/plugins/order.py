"""In which order tests run, and which of them on one core (``--dist loadgroup``).

A file's tests stay together, since they share what its fixtures made. A lesson's tests stay together whatever
their file, so that all look at the same run of it, and so do a theory's, which look at the same diagnoses;
different lessons and theories go to different cores. What takes longest comes first: then no core is left
with a long group at the end.
"""

import re

import pytest

# Seconds of groups that take more than 20, measured; others go by their number of tests.
SECONDS = {
    "tests/lessons/test_three_files.py": 117,
    "tests/grading/test_threats.py": 100,
    "lesson": 60,
    "theory": 30,
}
LESSON = re.compile(r"\d\d_\w+")
PRESETS = {"null", "literature", "claim", "trap"}


def group(node):
    """The group of a test, of which the id is known: its lesson, its theory, or its file."""
    place, _, test = node.partition("::")
    drawn = test.partition("[")[2].removesuffix("]").split("-")
    if place.startswith("tests/lessons/") and LESSON.fullmatch(drawn[0]):
        return f"lesson {drawn[0]}"
    if place == "tests/theories/test_every_theory.py":
        return " ".join(["theory", *(each for each in drawn if each not in PRESETS)])
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
        groups.setdefault(group(item.nodeid), []).append(item)
    longest = sorted(groups, key=lambda name: seconds(name, len(groups[name])), reverse=True)
    items[:] = [item for name in longest for item in groups[name]]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give each core a group at a time. (xdist's own marks of groups are lost with pytest 9.2.)"""
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Grouped(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group(nodeid)

    return Grouped(config, log)
