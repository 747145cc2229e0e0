"""The command line, as a user meets it: another process, its two streams and its exit status."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

from crmlab import cli

from .conftest import lessons

code, text = lessons.code, lessons.text


def crmlab(*arguments, **options):
    """Call the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "crmlab.cli", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        **options,
    )


@pytest.fixture
def call(capsys):
    """Call the command line in this process, which spares its start."""

    def call(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        out, errors = capsys.readouterr()
        return SimpleNamespace(returncode=status, stdout=out, stderr=errors)

    return call


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_run_prints_the_results_under_each_other(home, call):
    home.simple(
        "09_loyalty",
        code(
            "more",
            "import pandas\nrecord('table', pandas.DataFrame({'a': [1, 22], 'b': ['x', None]}))\n"
            "record('nested', {'one': 1, 'twenty': 20})",
        ),
    )
    done = call("run", "09", "-p", "seed=7", "-p", "method=logit")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "sum          107",
        "effect_seen  0.5",
        "method_used  logit",
        "table         a  b",
        "              1  x",
        "             22   ",
        "nested       one     1",
        "             twenty  20",
    ]
    assert "09_loyalty: done in" in done.stderr


def test_json_is_all_that_is_printed_and_the_same_each_time(home, tmp_path):
    home.simple("09_loyalty", code("noise", "print('hello')\nimport os; os.system('echo from below')"))
    first, second = (crmlab("run", "09", "-p", "seed=3", "--json") for _ in range(2))
    assert first.returncode == 0 and first.stderr == "" and first.stdout == second.stdout
    assert json.loads(first.stdout) == {
        "lesson": "09_loyalty",
        "parameters": {"n_customers": 100, "seed": 3, "effect": 0.5, "method": "ols"},
        "results": {"sum": 103, "effect_seen": 0.5, "method_used": "ols"},
    }


def test_out_writes_two_files(home, call, tmp_path):
    home.simple()
    assert call("run", "loyalty", "--out", str(tmp_path / "a" / "b")).returncode == 0
    assert everything(tmp_path / "a") == ["b", "b/09_loyalty.ipynb", "b/09_loyalty.json"]


def test_a_failing_lesson_says_where_and_ends_with_1(home, call):
    home.simple("09_loyalty", code("break", "x = 1\ny = x / 0"))
    done = call("run", "09", "--json")
    assert done.returncode == 1
    assert done.stderr == (
        "09_loyalty failed in cell 'break' (code cell 3): ZeroDivisionError: division by zero, "
        "at `y = x / 0`\n"
    )
    assert json.loads(done.stdout)["error"]["cell"] == "break"


def test_a_deadline(home, call):
    home.simple("09_loyalty", code("slow", "import time; time.sleep(60)"))
    done = call("run", "09", "--timeout", "4")
    assert done.returncode == 1 and "Timeout: the lesson took longer than 4 s" in done.stderr


BAD = [
    ((), "arguments are required: COMMAND"),
    (("rum", "09"), "invalid choice: 'rum'"),
    (("run",), "arguments are required: LESSON"),
    (("run", "09", "--colour"), "unrecognized arguments: --colour"),
    (("run", "77"), "no lesson '77'; there are 09_loyalty, 12_broken"),
    (("run", "12"), "12_broken.ipynb is not a notebook"),
    (("run", "nowhere.ipynb"), "no lesson 'nowhere.ipynb'"),
    (("run", "09", "-p", "sed=1"), "unknown parameter 'sed'; known: n_customers, seed, effect, method"),
    (("run", "09", "-p", "seed"), "-p takes name=value, got 'seed'"),
    (("run", "09", "-p", "seed=1", "-p", "seed=2"), "parameter seed is given twice"),
    (("run", "09", "-p", "seed=one"), "parameter seed must be a whole number, got 'one'"),
    (("run", "09", "-p", "seed=1.5"), "parameter seed must be a whole number"),
    (("run", "09", "-p", "effect=nan"), "parameter effect must be a number"),
    (("run", "09", "-p", "effect=1.5"), "parameter effect is 1.5, outside its range -1 to 1"),
    (("run", "09", "-p", "method=lasso"), "parameter method is 'lasso'; it must be one of ols, logit"),
    (("run", "09", "--timeout", "soon"), "--timeout: invalid float value: 'soon'"),
    (("run", "09", "--timeout", "0"), "timeout must be a number of seconds above 0"),
    (("run", "09", "--out", "file"), "is a file; name a folder"),
    (("run", "09", "--out", "file/below"), "is a file; name a folder"),
    (("sweep", "09", "-p", "seed=3:3", "--out", "t.csv"), "a range without values"),
    (("sweep", "09", "-p", "seed=0:3:0", "--out", "t.csv"), "a range is a:b or a:b:step of whole numbers"),
    (("sweep", "09", "-p", "seed=0:3000", "--out", "t.csv"), "outside its range 0 to 1000"),
    (("sweep", "09", "-p", "sed=0:3", "--out", "t.csv"), "unknown parameter 'sed'"),
    (("sweep", "09", "-p", "seed=0:3", "--out", "t.xlsx"), "must end in .parquet or .csv"),
    (("sweep", "09", "-p", "seed=0:3", "--out", "file/t.csv"), "is a file; name a folder"),
    (
        ("sweep", "09", "-p", "seed=0:3", "--out", "t.csv", "--jobs", "0"),
        "jobs must be a whole number from 1",
    ),
    (("sweep", "09", "-p", "seed=0:3", "--out", "t.csv", "--jobs", "two"), "invalid int value: 'two'"),
    (("build", "--only", "77"), "no lesson '77'"),
    (("build", "--only", "09", "-p", "sed=1"), "no lesson here has the parameter 'sed'"),
    (("build", "--only", "09", "--out", "file"), "is a file; name a folder"),
    (("build", "--only", ",", "--out", "b"), "only names no lesson"),
    (("list", "77"), "no lesson '77'"),
    (("refresh", "77"), "no lesson '77'"),
    (("lint", "77"), "no lesson '77'"),
]


@pytest.mark.parametrize(
    "arguments, words", BAD, ids=[" ".join(arguments) or "nothing" for arguments, _ in BAD]
)
def test_bad_input_is_one_sentence_and_status_2(home, tmp_path, monkeypatch, capsys, arguments, words):
    home.simple("09_loyalty", code("mark", f"open({str(tmp_path / 'ran')!r}, 'w').close()"))
    (home.folder / "notebooks" / "12_broken.ipynb").write_text("{ not json")
    (tmp_path / "file").write_text("mine")
    monkeypatch.chdir(tmp_path)
    before = everything(tmp_path)
    assert cli.main(arguments) == 2
    out, errors = capsys.readouterr()
    assert out == "" and errors.startswith("crmlab: ") and errors.count("\n") == 1
    assert words in errors
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "77"),
        ("run", "09", "-p", "seed=x"),
        ("sweep", "09", "--out", "t"),
        ("build", "--only", "77"),
        ("list", "77"),
        ("nonsense",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_bad_input_as_a_process(home, tmp_path, arguments):
    home.simple()
    before = everything(tmp_path)
    done = crmlab(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == "" and "Traceback" not in done.stderr
    assert done.stderr.startswith("crmlab: ") and done.stderr.count("\n") == 1
    assert everything(tmp_path) == before


def test_no_lessons_at_all(tmp_path, monkeypatch):
    monkeypatch.setenv("CRMLAB_HOME", str(tmp_path))
    done = crmlab("list")
    assert done.returncode == 2 and "no folder notebooks/" in done.stderr


def test_list_shows_what_there_is(home, call):
    home.simple()
    (home.folder / "exercises" / "09_loyalty").mkdir(parents=True)
    (home.folder / "exercises" / "09_loyalty" / "master.ipynb").write_text("{}")
    home.write(
        "11_value",
        code("parameters", "rate = 0.1  # discount a year, 0 to 1", "parameters"),
        title="Lifetime value",
        claim="Five percent.",
        minutes=50,
    )
    done = call("list")
    assert done.returncode == 0 and done.stdout.splitlines() == [
        "09  09_Loyalty  (10 min, exercises)",
        "    A claim.",
        "    -p n_customers=100 (50 to 20000); seed=1 (0 to 1000); effect=0.5 (-1 to 1); method=ols (one of",
        "       ols, logit)",
        "11  Lifetime value  (50 min, no exercises)",
        "    Five percent.",
        "    -p rate=0.1 (0 to 1)",
    ]
    done = call("list", "value")
    assert [line.split() for line in done.stdout.splitlines()[-2:]] == [
        ["parameter", "default", "range"],
        ["rate", "0.1", "0", "to", "1", "discount", "a", "year"],
    ]


def test_a_broken_lesson_does_not_hide_the_others(home, call):
    home.simple()
    (home.folder / "notebooks" / "12_broken.ipynb").write_text("{ not json")
    done = call("list")
    assert (
        done.returncode == 1
        and "09_Loyalty" in done.stdout
        and "12_broken.ipynb is not a notebook" in done.stderr
    )


def test_sweep_writes_one_table(home, call, tmp_path):
    home.simple("09_loyalty", code("fragile", "assert seed != 1, 'odd'"))
    done = call(
        "sweep", "09", "-p", "seed=0:3", "-p", "effect=0,0.5", "--jobs", "2", "--out", str(tmp_path / "t.csv")
    )
    assert done.returncode == 1
    assert done.stdout == f"wrote {tmp_path}/t.csv: 6 rows, 6 columns\n"
    assert "2 failed, the first in cell 'fragile'" in done.stderr and "Traceback" not in done.stderr
    table = pd.read_csv(tmp_path / "t.csv")
    assert table["seed"].tolist() == [0, 0, 1, 1, 2, 2] and table["error"].notna().tolist() == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    done = call("sweep", "09", "-p", "seed=2", "--out", str(tmp_path / "u.parquet"))
    assert done.returncode == 0 and everything(tmp_path)[-2:] == ["t.csv", "u.parquet"]


def test_build_reports_failures_and_goes_on(home, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home.simple()
    home.write(
        "12_odd", code("parameters", "rate = .5  # rate, 0 to 1", "parameters"), code("break", "1 / 0")
    )
    done = call("build", "--jobs", "2", "-p", "seed=2")
    assert done.returncode == 1
    assert (
        "12_odd failed in cell 'break'" in done.stdout + done.stderr
        and "1 of 2 lessons failed" in done.stderr
    )
    assert (
        json.loads((tmp_path / "build" / "results.json").read_text())["09_loyalty"]["results"]["sum"] == 102
    )
    done = call("build", "--only", "09", "--out", "some")
    assert done.returncode == 0 and "lessons in the book: 1; open some" in done.stdout


def test_refresh_and_lint(home, call):
    path = home.simple()
    done = call("refresh")
    assert done.returncode == 0 and "09_loyalty: outputs stored" in done.stdout
    assert "09_loyalty: nothing changed" in call("refresh", "09").stdout
    done = call("lint")
    assert done.returncode == 1 and "09_loyalty: section dag is missing" in done.stdout
    path.write_text(path.read_text().replace("n_customers + seed", "n_customers / 0"))
    done = call("refresh", "09")
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr


def test_help_and_list_import_nothing_slow(home):
    home.simple()
    script = (
        "import sys; from crmlab.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "print([m for m in ('numpy', 'pandas', 'papermill', 'nbformat', 'IPython', 'jupyter_client', 'tqdm') "
        "if m in sys.modules])"
    )
    for arguments in (["--help"], ["run", "--help"], ["list"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "[]", arguments


def test_help_names_every_command():
    done = crmlab("--help")
    assert done.returncode == 0
    for command in ("run", "sweep", "list", "build", "refresh", "lint"):
        assert f"\n    {command} " in done.stdout
    assert crmlab("--version").stdout.startswith("crmlab ")


def test_a_new_module_adds_its_commands(tmp_path, monkeypatch, capsys):
    (tmp_path / "greetings.py").write_text(
        "def add_commands(commands):\n"
        "    parser = commands.add_parser('greet', help='say hello')\n"
        "    parser.set_defaults(command=lambda chosen: print('hello'))\n"
    )
    monkeypatch.setattr(cli, "__path__", [*cli.__path__, str(tmp_path)])
    assert cli.main(["greet"]) == 0 and capsys.readouterr().out == "hello\n"
    sys.modules.pop("crmlab.cli.greetings")


def test_a_reader_that_leaves_early_is_no_error(home):
    home.simple()
    done = subprocess.run(
        f"'{sys.executable}' -m crmlab.cli list | head -0", shell=True, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr


def test_nothing_is_written_into_the_home(home, call):
    home.simple()
    before = everything(home.folder)
    call("run", "09")
    assert everything(home.folder) == before and os.listdir(home.folder) == ["notebooks"]


def test_a_sweep_without_a_file_writes_beside_you(home, call, tmp_path, monkeypatch):
    home.simple("09_loyalty")
    monkeypatch.chdir(tmp_path)
    done = call("sweep", "09", "-p", "seed=0:2")
    assert done.returncode == 0 and "09_loyalty_sweep.csv" in done.stdout
    assert list(pd.read_csv(tmp_path / "09_loyalty_sweep.csv")["seed"]) == [0, 1]


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="/proc is a folder that nobody can write, on Linux")
def test_a_folder_that_cannot_be_written_is_one_sentence(home, call):
    home.simple("09_loyalty")
    done = call("run", "09", "--out", "/proc/nowhere/results")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "/proc/nowhere" in done.stderr


# open -----------------------------------------------------------------------------------------------


@pytest.fixture
def jupyter(monkeypatch):
    """What JupyterLab would be called with."""
    from crmlab.cli import opening

    calls = []
    monkeypatch.setattr(opening, "_jupyter", lambda path, options: calls.append((path, options)) or 0)
    return calls


def test_open_makes_copies_of_all_lessons_and_opens_the_one_asked_for(home, call, jupyter):
    home.simple("00_start_here")
    home.simple("09_loyalty")
    done = call("open", "09", "--no-browser", "--lab=--port=9000")
    work = home.folder / "work"
    assert done.returncode == 0 and str(work / "09_loyalty.ipynb") in done.stdout
    assert jupyter == [(work / "09_loyalty.ipynb", ["--no-browser", "--port=9000"])]
    assert sorted(path.name for path in work.iterdir()) == ["00_start_here.ipynb", "09_loyalty.ipynb"]
    call("open")
    assert jupyter[-1] == (work / "00_start_here.ipynb", [])


def test_open_exercises_writes_them_once_and_opens_them(monkeypatch, call, jupyter, tmp_path):
    monkeypatch.setenv("CRMLAB_WORK", str(tmp_path))
    copy = tmp_path / "09_loyalty_exercises.ipynb"
    assert call("open", "09", "--exercises").returncode == 0 and jupyter[-1][0] == copy
    copy.write_text(copy.read_text().replace("Exercises", "My exercises", 1))
    mine = copy.read_text()
    assert call("open", "loyalty", "--exercises").returncode == 0 and copy.read_text() == mine
    assert (tmp_path / "09_loyalty.ipynb").is_file(), "the lesson lies beside them"
    assert call("open", "09", "--exercises", "--fresh").returncode == 2 and copy.read_text() == mine


def test_open_offers_a_newer_lesson(home, call, jupyter):
    path = home.simple("09_loyalty")
    call("open", "09")
    path.write_text(path.read_text().replace("n_customers = 100", "n_customers = 200"))
    said = call("open", "09").stdout
    assert "has changed since" in said and "crmlab open 09 --fresh" in said
    said = call("open", "09", "--fresh").stdout
    assert "09_loyalty_until_" in said and "has changed" not in said
