"""lab.py: what it decides, and what it says when it cannot go on. No test installs anything."""

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = ("lab.py", "pyproject.toml", "requirements.lock", "requirements-test.lock", "README.md", "LICENSE")


@pytest.fixture
def folder(tmp_path):
    """A copy of what lab.py reads."""
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.fixture
def lab(folder):
    """lab.py as a module, at home in `folder`."""
    spec = importlib.util.spec_from_file_location("lab", folder / "lab.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def made(lab):
    """`lab` with a complete environment, as far as it can see."""
    lab.BIN.mkdir(parents=True)
    lab.PYTHON.touch()
    lab.CRMLAB.touch()
    lab.write_stamp({"base": lab.base(), "run": lab.fingerprint("run"), "test": lab.fingerprint("test")})
    return lab


def call(folder, *arguments):
    """Run lab.py with no package index in reach and no uv."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    nowhere = (folder / "no-index").as_uri()
    return subprocess.run(
        [sys.executable, "lab.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**kept, "PATH": str(folder), "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": nowhere},
    )


# When an environment is ready -------------------------------------------------------------------------


def test_a_complete_environment_is_ready_for_both_uses(made):
    assert made.ready("run") and made.ready("test")
    assert made.set_up("test") is True


def test_nothing_is_ready_at_first(lab):
    assert lab.read_stamp() is None
    assert not lab.ready("run")


@pytest.mark.parametrize(
    "name, still_ready",
    [
        ("pyproject.toml", set()),
        ("requirements.lock", {"test"}),
        ("requirements-test.lock", {"run"}),
        ("README.md", {"run", "test"}),
    ],
)
def test_a_changed_file_calls_for_what_depends_on_it(made, name, still_ready):
    with open(made.HERE / name, "a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    assert {use for use in ("run", "test") if made.ready(use)} == still_ready


@pytest.mark.parametrize("missing", ["PYTHON", "CRMLAB", "STAMP"])
def test_an_environment_with_a_part_missing_is_not_ready(made, missing):
    getattr(made, missing).unlink()
    assert not made.ready("run")


def test_another_python_or_a_moved_folder_makes_it_unfit(made, monkeypatch):
    stamp = made.read_stamp()
    made.write_stamp({**stamp, "base": stamp["base"].replace(str(made.HERE), "/elsewhere")})
    assert not made.ready("run")
    made.write_stamp(stamp)
    monkeypatch.setattr(made.sys, "implementation", type("Other", (), {"cache_tag": "cpython-399"}))
    assert not made.ready("run")


@pytest.mark.parametrize("text", ["", "{", '{"base": '])
def test_a_stamp_cut_short_counts_as_half_made(made, text):
    made.STAMP.write_text(text, encoding="utf-8")
    assert made.read_stamp() == {}
    assert not made.ready("run")


# What is done about it --------------------------------------------------------------------------------


@pytest.fixture
def steps(monkeypatch):
    """Replace making and installing by a list of what was asked for."""
    asked = []

    def watch(lab, fails=None):
        def install(use):
            asked.append(f"install {use}")
            if fails:
                raise fails

        real = lab.prepare
        monkeypatch.setattr(lab, "prepare", lambda: asked.append("prepare") or real())
        monkeypatch.setattr(lab, "install", install)
        return asked

    return watch


def has_python(lab):
    return lab.version_of(lab.PYTHON) == lab.dotted(sys.version_info[:2])


def test_the_first_call_makes_an_environment_and_the_next_does_nothing(lab, steps):
    asked = steps(lab)
    assert lab.set_up("run") is False
    assert asked == ["prepare", "install run"]
    assert has_python(lab)
    lab.CRMLAB.touch()
    assert lab.set_up("run") is True
    assert lab.set_up("test") is False
    assert asked == ["prepare", "install run", "prepare", "install test"]
    assert lab.ready("run") and lab.ready("test")


def test_the_environment_asks_jupyterlab_not_to_fetch_news(lab, steps):
    steps(lab)
    lab.set_up("run")
    (settings,) = lab.VENV.rglob("overrides.json")
    quiet = json.loads(settings.read_text(encoding="utf-8"))["@jupyterlab/apputils-extension:notification"]
    assert quiet == {"fetchNews": "false", "checkForUpdates": False}


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_set_up_is_made_anew(lab, steps, monkeypatch, interruption):
    steps(lab, fails=interruption())
    with pytest.raises(interruption):
        lab.set_up("run")
    assert lab.read_stamp() == {}
    (lab.VENV / "half").touch()
    monkeypatch.setattr(lab, "install", lambda use: None)
    lab.set_up("run")
    assert has_python(lab) and not (lab.VENV / "half").exists()


def test_an_interrupted_update_is_made_anew_too(made, steps):
    (made.HERE / "requirements.lock").write_text("", encoding="utf-8")
    asked = steps(made, fails=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        made.set_up("run")
    assert asked == ["prepare", "install run"]
    assert made.read_stamp() == {}


def test_an_update_that_cannot_be_had_leaves_the_rest_usable(made, steps):
    """Without the network, a changed test lock must not take away what `run` needs."""
    (made.HERE / "requirements-test.lock").write_text("", encoding="utf-8")
    steps(made, fails=made.Trouble("no network"))
    with pytest.raises(made.Trouble):
        made.set_up("test")
    assert made.ready("run") and not made.ready("test")


@pytest.mark.parametrize("leftover", ["", "bin/python", "pyvenv.cfg"])
def test_a_broken_folder_is_replaced(lab, steps, leftover):
    steps(lab)
    lab.VENV.mkdir()
    if leftover:
        (lab.VENV / leftover).parent.mkdir(exist_ok=True)
        (lab.VENV / leftover).touch()
    lab.set_up("run")
    assert has_python(lab)


def test_a_working_environment_from_elsewhere_is_kept(lab, steps, monkeypatch):
    steps(lab)
    lab.VENV.mkdir()
    (lab.VENV / "mine").touch()
    monkeypatch.setattr(lab, "version_of", lambda python: lab.dotted(sys.version_info[:2]))
    lab.set_up("run")
    assert (lab.VENV / "mine").exists()
    monkeypatch.setattr(lab, "version_of", lambda python: "3.99")
    lab.STAMP.unlink()
    with pytest.raises(lab.Trouble, match="was not made by lab.py and has Python 3.99"):
        lab.set_up("run")
    assert (lab.VENV / "mine").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such lock")
def test_of_two_calls_at_once_the_second_waits_for_the_first(lab, folder):
    with lab.alone():
        other = subprocess.Popen(
            [sys.executable, "-c", "import lab; lab.alone().__enter__(); print('in')"],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert "waiting" in other.stdout.readline()
        assert other.poll() is None
    assert "in" in other.communicate(timeout=300)[0]


# How it installs --------------------------------------------------------------------------------------


def test_uv_comes_first_and_pip_follows(lab, monkeypatch):
    monkeypatch.setattr(lab.shutil, "which", lambda name: "/somewhere/uv")
    monkeypatch.setattr(lab, "succeeds", lambda command: True)
    assert [name for name, _ in lab.installers()] == ["uv", "pip"]


def test_pip_is_looked_for_inside_then_outside_then_bundled(lab, monkeypatch):
    inside, outside, bundled = "-m pip --version", f"--python {lab.PYTHON} --version", "-m ensurepip"
    tried = []

    def succeeds(command):
        tried.append(" ".join(map(str, command)))
        return any(tried[-1].endswith(each) for each in available)

    monkeypatch.setattr(lab, "succeeds", succeeds)

    available = [inside]
    assert lab.find_pip() == [lab.PYTHON, "-m", "pip"]
    available = [outside]
    assert lab.find_pip() == [lab.starting_python(), "-m", "pip", "--python", lab.PYTHON]
    available = [bundled]
    assert lab.find_pip() == [lab.PYTHON, "-m", "pip"]
    available, tried[:] = [], []
    assert lab.find_pip() is None
    assert [each.split(" -m ")[1].split()[0] for each in tried] == ["pip", "pip", "ensurepip"]


def test_without_uv_or_pip_it_says_what_to_install(lab, monkeypatch):
    monkeypatch.setattr(lab.shutil, "which", lambda name: None)
    monkeypatch.setattr(lab, "succeeds", lambda command: False)
    with pytest.raises(lab.Trouble, match="apt install python3-venv"):
        list(lab.installers())


@pytest.mark.parametrize("works", ["uv", "pip"])
def test_every_package_is_checked_against_its_hash(lab, monkeypatch, works):
    done = []
    monkeypatch.setattr(lab, "installers", lambda: iter([("uv", ["uv"]), ("pip", ["pip"])]))
    monkeypatch.setattr(lab, "follow", lambda name, command: done.append(command) or name == works)
    lab.VENV.mkdir()
    lab.install("test")
    lock = ["--require-hashes", "-r", "requirements-test.lock"]
    package = ["--no-deps", "--no-build-isolation", "--editable", "."]
    assert done == [["uv", *lock]] * (works == "pip") + [[works, *lock], [works, *package]]


def test_programs_run_as_if_the_environment_were_activated(lab, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "kept")
    monkeypatch.setenv("PYTHONHOME", "/harmful")
    variables = lab.environment()
    assert variables["PATH"].split(os.pathsep)[0] == str(lab.BIN)
    assert variables["VIRTUAL_ENV"] == str(lab.VENV)
    assert variables["PIP_INDEX_URL"] == "kept"
    assert "PYTHONHOME" not in variables


@pytest.mark.parametrize(
    "command, expected",
    [
        (
            ["run", "--only", "09,11", "-p", "x=3"],
            ["build", "--out", "build", "--only", "09,11", "-p", "x=3"],
        ),
        (["test", "--", "-k", "packaging"], ["--no-loadscope-reorder", "-k", "packaging"]),
        (["open", "09", "--no-browser"], ["open", "09", "--no-browser"]),
    ],
)
def test_the_rest_of_the_line_is_passed_on(made, monkeypatch, command, expected):
    handed = []
    monkeypatch.setattr(made, "hand_over", lambda command: handed.extend(map(str, command)) or 7)
    assert made.main(command) == 7
    assert handed[-len(expected) :] == expected


def test_a_call_with_an_environment_there_imports_little_and_hands_over(folder, made):
    """What every call costs before the real work starts; about 0.05 s, and no process but the last."""
    made.CRMLAB.write_text('#!/bin/sh\necho "$@"; exit 3\n', encoding="utf-8")
    made.CRMLAB.chmod(0o755)
    if os.name == "nt":
        pytest.skip("a shell script stands in for crmlab")
    answer = call(folder, "run", "--only", "00")
    assert (answer.returncode, answer.stdout, answer.stderr) == (3, "build --out build --only 00\n", "")


# What it says -----------------------------------------------------------------------------------------


def test_it_reads_as_python_3_8_would(lab):
    ast.parse((ROOT / "lab.py").read_text(encoding="utf-8"), feature_version=(3, 8))


def test_an_old_python_is_told_in_words(lab, monkeypatch, capsys):
    monkeypatch.setattr(lab.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(lab.shutil, "which", lambda name: None)
    assert lab.main(["run"]) == 1
    said = capsys.readouterr().err
    assert "needs Python 3.11 or newer, and this is 3.9.2" in said and "Install a newer one" in said


def test_an_old_python_points_at_a_newer_one(lab, monkeypatch):
    monkeypatch.setattr(lab.shutil, "which", lambda name: name == "python3.12")
    monkeypatch.setattr(lab, "version_of", lambda python: "3.12")
    monkeypatch.setattr(lab.sys, "argv", ["lab.py", "test", "-x"])
    assert lab.too_old((3, 10, 1), "python3").endswith("type: python3.12 lab.py test -x")


def test_an_unknown_command_is_refused_with_the_known_ones(folder):
    answer = call(folder, "tests")
    assert answer.returncode == 2
    assert answer.stderr == "lab.py: no command 'tests'; there are run, test, check, open, setup, lock\n"


@pytest.mark.parametrize("arguments", [(), ("help",), ("--help",)])
def test_help_shows_the_commands(folder, arguments):
    answer = call(folder, *arguments)
    assert answer.returncode == 0
    for command in ("run", "test", "open", "setup"):
        assert f"python3 lab.py {command}" in answer.stdout


def test_without_packages_in_reach_it_says_what_it_needs(folder):
    """For real: a virtual environment is made, pip looks for the packages and finds none."""
    answer = call(folder, "run")
    assert answer.returncode == 1
    assert "could not be downloaded. The first set-up needs the network" in answer.stderr
    assert "give the same command again" in answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr
    assert json.loads((folder / ".venv" / "crmlab.json").read_text(encoding="utf-8")) == {}


@pytest.mark.parametrize(
    "log, expected",
    [
        (
            "ERROR: Could not find a version that satisfies the requirement numpy (from versions: none)",
            "network",
        ),
        ("error: Failed to fetch x\n  Caused by: dns error: failed to lookup address information", "network"),
        (
            "Retrying after connection broken by 'NewConnectionError(Failed to establish a connection)'",
            "network",
        ),
        ("ERROR: Could not install packages due to an OSError: No space left on device", "No space left"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            "DO NOT MATCH THE HASHES",
        ),
        ("error: Microsoft Visual C++ 14.0 or greater is required.", "Visual C"),
        ("", "could not be installed"),
    ],
)
def test_what_the_installer_said_is_put_in_words(lab, log, expected):
    said = lab.what_went_wrong(log)
    assert expected in said
    assert ("network" in said) == (expected == "network")


def test_a_folder_that_cannot_be_written_is_one_sentence(lab, monkeypatch, capsys):
    def refuse():
        raise PermissionError(13, "Permission denied", str(lab.VENV))

    monkeypatch.setattr(lab, "prepare", refuse)
    assert lab.main(["setup"]) == 1
    assert capsys.readouterr().err == f"lab.py: {lab.VENV}: Permission denied\n"
