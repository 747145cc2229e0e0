"""A file's tests run on one core, and so do those of a lesson and of a theory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TEST = """
@pytest.mark.parametrize("name", {names})
def test_{number}(name):
    time.sleep(0.02)
    place = pathlib.Path(os.environ["FOUND"], os.environ["PYTEST_XDIST_WORKER"] + " " + name)
    with place.open("a") as file:
        file.write("{number} ")
"""


def write_tests(place, *names):
    place.parent.mkdir(parents=True, exist_ok=True)
    several = [TEST.format(names=names, number=number) for number in range(9)]
    place.write_text("import os, pathlib, time, pytest\n" + "\n".join(several), encoding="utf-8")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Of each lesson, theory or file: the workers that ran its tests, with the numbers of the tests."""
    folder = tmp_path_factory.mktemp("order")
    (folder / "found").mkdir()
    write_tests(folder / "tests/lessons/test_one.py", "01_a", "02_b", "03_c")
    write_tests(folder / "tests/lessons/test_two.py", "01_a", "02_b", "03_c")
    write_tests(folder / "tests/theories/test_every_theory.py", "needs", "loyalty")
    for name in ("one", "two", "three"):
        write_tests(folder / f"tests/other/test_{name}.py", name)
    plugins = Path(__file__).parent / "plugins"
    environment = {
        **os.environ,
        "PYTHONPATH": str(plugins),
        "FOUND": str(folder / "found"),
        "PYTEST_ADDOPTS": "",
        "PYTEST_PLUGINS": "",
    }
    spread = ["-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder", "--import-mode=importlib"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "order",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            "-c",
            os.devnull,
            "--rootdir",
            str(folder),
            *spread,
            "tests",
        ],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ran = {}
    for path in (folder / "found").iterdir():
        worker, name = path.name.split()
        ran.setdefault(name, {})[worker] = path.read_text().split()
    return ran


def test_what_belongs_together_runs_on_one_core(found):
    assert {name: len(workers) for name, workers in found.items()} == dict.fromkeys(found, 1)
    assert set(found) == {"01_a", "02_b", "03_c", "needs", "loyalty", "one", "two", "three"}
    assert {worker for workers in found.values() for worker in workers} == {"gw0", "gw1"}


def test_each_test_runs_once(found):
    expected = {name: 18 if name[0].isdigit() else 9 for name in found}
    assert {name: len(next(iter(found[name].values()))) for name in found} == expected
