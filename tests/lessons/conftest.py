"""Runs of the lessons that several tests look at."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import nbformat
import pytest

from .common import PREFIX

RUN = (
    "import sys; from crmlab.notebook import run; run(sys.argv[1], out=sys.argv[2], warm=False, timeout=300)"
)


@pytest.fixture(scope="session", autouse=True)
def no_downloads(tmp_path_factory):
    """Stored lessons are as they are without downloaded data, whatever this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLAB_DATA", str(tmp_path_factory.mktemp("no_downloads")))
        yield


@dataclass(frozen=True)
class Offline:
    """A run by a kernel of its own, away from the network, and what it tried to reach."""

    results: dict
    error: dict | None
    notebook: object
    tried: str

    @property
    def ok(self):
        return self.error is None


@pytest.fixture(scope="session")
def default_run(offline):
    """A lesson's run with its defaults, which is made once for all tests that look at it."""
    made = {}
    return lambda lesson: made.get(lesson.stem) or made.setdefault(lesson.stem, offline(lesson.path))


@pytest.fixture(scope="session")
def offline(root, tmp_path_factory):
    """Runs a notebook where nothing but this machine can be reached."""

    def run(path, prefix=PREFIX):
        folder = tmp_path_factory.mktemp("offline")
        environment = {
            **os.environ,
            "CRMLAB_HOME": str(root),
            "NO_NETWORK_LOG": str(folder / "tried"),
            "PYTHONPATH": os.pathsep.join([str(root / "tests" / "no_network"), str(root)]),
        }
        done = subprocess.run(
            [*prefix, sys.executable, "-c", RUN, str(path), str(folder)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=330,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        kept = json.loads((folder / f"{path.stem}.json").read_text(encoding="utf-8"))
        tried = (folder / "tried").read_text() if (folder / "tried").exists() else ""
        return Offline(
            kept["results"], kept.get("error"), nbformat.read(folder / path.name, as_version=4), tried
        )

    return run
