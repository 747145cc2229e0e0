"""run: a lesson called as a function, and every way in which it can fail."""

import json
import os
import subprocess
import sys

import nbformat
import pytest

from crmlab.errors import InputError
from crmlab.notebook import run
from crmlab.notebook.recording import MIME

from .conftest import code, text


def test_results_parameters_and_notebook(home):
    home.simple()
    done = run("09", {"seed": 7, "effect": 0})
    assert done.ok and done.error is None and done.raise_for_error() is done
    assert done.lesson == "09_loyalty"
    assert done.parameters == {"n_customers": 100, "seed": 7, "effect": 0.0, "method": "ols"}
    assert done.results == {"sum": 107, "effect_seen": 0.0, "method_used": "ols"}
    assert done.seconds > 0
    outputs = done.notebook.cells[-1].outputs
    assert [output.data["text/plain"] for output in outputs] == [
        "sum = 107",
        "effect_seen = 0.0",
        "method_used = ols",
    ]
    assert outputs[0].data[MIME] == {"name": "sum", "value": 107}


def test_the_same_lesson_by_any_of_its_names(home):
    path = home.simple()
    for name in ("9", 9, "loyalty", "09_loyalty", path):
        assert run(name).lesson == "09_loyalty"


def test_out_holds_the_executed_notebook_and_the_results(home, tmp_path):
    path = home.simple()
    before = path.read_bytes()
    done = run("09", {"seed": 3}, out=tmp_path / "new" / "folder")
    assert sorted(os.listdir(tmp_path / "new" / "folder")) == ["09_loyalty.ipynb", "09_loyalty.json"]
    kept = json.loads((tmp_path / "new" / "folder" / "09_loyalty.json").read_text())
    assert kept == {"lesson": "09_loyalty", "parameters": done.parameters, "results": done.results}
    stored = (tmp_path / "new" / "folder" / "09_loyalty.ipynb").read_text()
    notebook = nbformat.reads(stored, as_version=4)
    nbformat.validate(notebook)
    assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == [1, 2, 3]
    assert notebook.cells[2].id == "injected-parameters" and "seed = 3" in notebook.cells[2].source
    assert (
        str(tmp_path) not in stored
        and "start_time" not in stored
        and "T0" not in stored.split('"version"')[0]
    )
    assert path.read_bytes() == before, "the lesson itself must stay as it was"


def test_what_is_stored_is_the_same_each_time(home, tmp_path):
    home.simple()
    stored = [
        run("09", out=tmp_path / str(turn)) and (tmp_path / str(turn) / "09_loyalty.ipynb").read_bytes()
        for turn in range(2)
    ]
    assert stored[0] == stored[1]


@pytest.mark.parametrize(
    "parameters, words",
    [
        ({"sed": 1}, "unknown parameter 'sed'; known: n_customers, seed, effect, method"),
        ({"seed": "x"}, "seed must be a whole number"),
        ({"seed": 1001}, "outside its range 0 to 1000"),
        ({"method": "lasso"}, "one of ols, logit"),
    ],
)
def test_bad_parameters_are_refused_before_anything_runs(home, tmp_path, parameters, words):
    home.simple("09_loyalty", code("mark", f"open({str(tmp_path / 'ran')!r}, 'w').close()"))
    with pytest.raises(InputError, match=words):
        run("09", parameters, out=tmp_path / "out")
    assert not (tmp_path / "ran").exists() and not (tmp_path / "out").exists()


def test_a_lesson_that_is_not_there_or_is_no_notebook(home, tmp_path):
    home.simple()
    with pytest.raises(InputError, match="no lesson '77'; there are 09_loyalty"):
        run("77")
    (home.folder / "notebooks" / "12_broken.ipynb").write_text("{ not json")
    with pytest.raises(InputError, match="12_broken.ipynb is not a notebook"):
        run("12")
    home.write("13_odd", code("parameters", "n = = 3", "parameters"))
    with pytest.raises(InputError, match="parameters cell of 13_odd is not Python"):
        run("13")


def test_out_that_cannot_be_a_folder(home, tmp_path):
    home.simple()
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="is a file; name a folder"):
            run("09", out=out)
    with pytest.raises(InputError, match="folder of the lesson itself"):
        run("09", out=home.folder / "notebooks")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_timeout_is_a_number_of_seconds(home, timeout):
    home.simple()
    with pytest.raises(InputError, match="timeout"):
        run("09", timeout=timeout)


@pytest.mark.parametrize("warm", [True, False])
class TestFailure:
    """Of the lesson, in a plain and in a warm kernel."""

    def fails(self, home, warm, source, *tags, after="record('late', 1)", timeout=None):
        home.simple(
            "09_loyalty", text("why", "Now it breaks."), code("break", source, *tags), code("after", after)
        )
        for seconds in (timeout, 10 * timeout, 60 * timeout) if timeout else (None,):
            done = run("09", {"seed": 2}, warm=warm, timeout=seconds)
            if "sum" in done.results:  # else this machine is too busy to come so far in that time
                break
        assert not done.ok
        assert done.results["sum"] == 102, "what was recorded before stays"
        with pytest.raises(RuntimeError, match="lesson 09_loyalty failed in cell"):
            done.raise_for_error()
        return done.error

    def test_an_exception(self, home, warm):
        error = self.fails(home, warm, "x = 1\n\nif x:\n    y = x / 0")
        assert (error.cell, error.number, error.name, error.message, error.line) == (
            "break",
            3,
            "ZeroDivisionError",
            "division by zero",
            "y = x / 0",
        )
        assert "ZeroDivisionError" in error.traceback and "\x1b" not in error.traceback
        assert str(error) == (
            "cell 'break' (code cell 3): ZeroDivisionError: division by zero, at `y = x / 0`"
        )

    def test_a_syntax_error(self, home, warm):
        error = self.fails(home, warm, "x = 1\ny = = 2")
        assert (error.cell, error.name, error.line) == ("break", "SyntaxError", "y = = 2")

    def test_an_exception_that_the_cell_allows(self, home, warm):
        assert self.fails(home, warm, "1 / 0", "raises-exception", after="pass").name == "ZeroDivisionError"

    @pytest.mark.parametrize("source", ["import sys; sys.exit(0)", "exit()", "raise SystemExit"])
    def test_leaving_early_with_status_nought(self, home, warm, source):
        error = self.fails(home, warm, source)
        assert error.cell == "break"

    def test_leaving_early_is_what_failed_though_the_kernel_dies_later(self, home, warm):
        error = self.fails(home, warm, "exit()", after="import os; os._exit(0)")
        assert (error.cell, error.name) == ("break", "Exit")

    @pytest.mark.parametrize(
        "source",
        [
            "import os; os._exit(0)",
            "import ctypes; ctypes.string_at(0)",
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        ],
    )
    def test_a_kernel_that_dies(self, home, warm, source):
        error = self.fails(home, warm, source)
        assert (error.cell, error.name) == ("break", "DeadKernel")

    def test_a_cell_that_is_skipped(self, home, warm):
        error = self.fails(home, warm, "x = 3", "skip-execution", after="pass")
        assert (error.cell, error.name) == ("break", "NotExecuted")

    def test_a_deadline_for_the_whole_lesson(self, home, warm):
        sleeping = "import time\nfor _ in range(20_000): time.sleep(.1)"  # longer than this test may take
        error = self.fails(home, warm, sleeping, timeout=3)
        assert (error.cell, error.name) == ("break", "Timeout")

    def test_a_cell_that_swallows_interrupts(self, home, warm):
        stubborn = (
            "import time\nuntil = time.monotonic() + 60\nwhile time.monotonic() < until:\n"
            "    try:\n        time.sleep(1)\n    except BaseException:\n        pass"
        )
        assert self.fails(home, warm, stubborn, timeout=3).name == "Timeout"


def test_a_result_named_twice_is_a_failure(home):
    home.simple("09_loyalty", code("again", 'record("sum", 1)'))
    error = run("09").error
    assert (error.name, error.cell) == ("DuplicateResult", "again")
    assert "'sum' is recorded 2 times, in test, again" in error.message


def test_a_result_that_is_nan_is_a_failure_that_names_it(home):
    home.simple("09_loyalty", code("bad", 'record("power", float("nan"))'))
    error = run("09").error
    assert (error.cell, error.name) == ("bad", "InputError") and "result 'power' is nan" in error.message


def test_a_failed_lesson_is_written_too(home, tmp_path):
    home.simple("09_loyalty", code("break", "1 / 0"))
    run("09", out=tmp_path / "out")
    kept = json.loads((tmp_path / "out" / "09_loyalty.json").read_text())
    assert kept["error"]["cell"] == "break"
    stored = (tmp_path / "out" / "09_loyalty.ipynb").read_text()
    assert "papermill-error" not in stored and "ZeroDivisionError" in stored


def test_cells_without_code_need_not_run(home):
    home.simple("09_loyalty", code("blank", "  \n"), code("comment", "# only a remark"))
    assert run("09").ok


def test_the_lesson_runs_in_its_own_folder(home):
    home.simple("09_loyalty", code("where", "import os\nrecord('folder', os.path.basename(os.getcwd()))"))
    assert run("09", warm=False).results["folder"] == run("09").results["folder"] == "notebooks"


def test_the_learners_settings_stay_out(home, tmp_path, monkeypatch):
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("seed_of_mine = 3")
    (tmp_path / "matplotlibrc").write_text("figure.facecolor: red")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path / "matplotlibrc"))
    home.simple(
        "09_loyalty",
        code(
            "look",
            "import matplotlib\nrecord('colour', matplotlib.rcParams['figure.facecolor'])\n"
            "record('mine', 'seed_of_mine' in globals())",
        ),
    )
    for warm in (False, True):
        assert run("09", warm=warm).results | {"sum": 0} == {
            "sum": 0,
            "effect_seen": 0.5,
            "method_used": "ols",
            "colour": "white",
            "mine": False,
        }
    assert sorted(os.listdir(tmp_path / "ipython" / "profile_default")) == ["startup"], (
        "nothing is written there"
    )


def test_no_network_is_needed(home, no_network):
    home.simple()
    for warm in (False, True):
        assert run("09", warm=warm).ok
    home.simple("10_online", code("reach", "import socket\nsocket.create_connection(('192.0.2.1', 80), 1)"))
    for warm in (False, True):
        assert "network is not allowed" in run("10", warm=warm).error.message


def test_a_run_called_from_a_running_event_loop(home):
    """As in a notebook, whose kernel is one."""
    home.simple()
    script = (
        "import asyncio\n"
        "from crmlab.notebook.running import run\n"
        "async def main():\n"
        "    return [run('09', warm=warm).ok for warm in (False, True)]\n"
        "print(asyncio.run(main()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "[True, True]", done.stderr


def test_progress_goes_to_standard_error(home, capsys):
    home.simple()
    run("09", {"seed": 3}, progress=True)
    out, errors = capsys.readouterr()
    assert out == "" and "09_loyalty" in errors and "2/2" in errors


def test_importing_the_room_is_quick():
    """`record` stands in every lesson: it must not import papermill, pandas or Jupyter."""
    script = (
        "import sys; from crmlab.notebook import record; "
        "print([m for m in ('papermill', 'pandas', 'numpy', 'nbformat', 'jupyter_client') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_slow_grammar_is_not_imported():
    """It costs a second and serves only to check addresses in JSON schemas."""
    script = (
        "import sys, crmlab.notebook.engine, crmlab.notebook.storing, crmlab.book\n"
        "print('rfc3987_syntax' in sys.modules)\nimport rfc3987_syntax"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False"
    assert done.returncode == 0 or "No module named" in done.stderr, "a lesson that wants it may have it"
