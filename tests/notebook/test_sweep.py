"""sweep: one tidy table, whatever finishes first, and whatever interrupts it."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.notebook import run, sweep
from crmlab.notebook.recording import flattened
from crmlab.notebook.source import read
from crmlab.notebook.sweeping import _column, as_table, parse_values

from .conftest import code

NESTED = (
    "record('nested', {'a': {'b': seed}, 'c': effect})\nrecord('list', [1, 2])\n"
    "import pandas\nrecord('table', pandas.DataFrame({'x': [seed]}))\n"
)


def test_the_table_is_the_grid_with_results(home):
    home.simple("09_loyalty", code("more", NESTED))
    table = sweep("09", {"seed": range(1, 3), "n_customers": np.array([60, 100])}, jobs=2, progress=False)
    assert list(table.columns) == [
        "seed",
        "n_customers",
        "sum",
        "effect_seen",
        "method_used",
        "nested.a.b",
        "nested.c",
        "list",
        "table",
        "error",
    ]
    assert table[["seed", "n_customers"]].values.tolist() == [[1, 60], [1, 100], [2, 60], [2, 100]]
    assert table["sum"].tolist() == [61, 101, 62, 102]
    assert table["nested.a.b"].tolist() == [1, 1, 2, 2]
    assert json.loads(table["table"][3]) == {"columns": ["x"], "rows": [[2]]}
    assert table["error"].eq("").all()


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_files_hold_the_same_table_for_any_number_of_jobs(home, tmp_path, ending):
    home.simple(
        "09_loyalty", code("more", NESTED), code("late", "import time; time.sleep(.3 if seed == 0 else 0)")
    )
    grid = {"seed": range(3), "method": ["ols", "logit"]}
    tables = [
        sweep("09", grid, jobs=jobs, out=tmp_path / f"{jobs}.{ending}", progress=False) for jobs in (1, 3)
    ]
    pd.testing.assert_frame_equal(*tables)
    assert (tmp_path / f"1.{ending}").read_bytes() == (tmp_path / f"3.{ending}").read_bytes()
    assert sorted(os.listdir(tmp_path)) == [f"1.{ending}", f"3.{ending}", "home"]
    read_back = duckdb.sql(f"SELECT * FROM '{tmp_path}/1.{ending}'").df()
    assert read_back["sum"].tolist() == tables[0]["sum"].tolist()
    assert read_back["method"].tolist() == ["ols", "logit"] * 3


def test_a_failing_run_is_a_row_and_the_others_go_on(home, tmp_path):
    home.simple("09_loyalty", code("fragile", "1 / (seed - 1)\nrecord('after', seed)"))
    table = sweep("09", {"seed": range(3)}, jobs=2, out=tmp_path / "t.parquet", progress=False)
    assert table["error"].str.contains("ZeroDivisionError").tolist() == [False, True, False]
    assert "cell 'fragile'" in table["error"][1]
    assert table["sum"].tolist() == [100, 101, 102], "what was recorded before it broke stays"
    assert table["after"].isna().tolist() == [False, True, False]
    assert duckdb.sql(f"SELECT after FROM '{tmp_path}/t.parquet'").fetchall() == [(0,), (None,), (2,)]


def test_a_kernel_that_dies_is_a_row_too(home):
    home.simple("09_loyalty", code("fragile", "import os\nif seed == 1: os._exit(3)"))
    table = sweep("09", {"seed": range(3)}, jobs=2, progress=False)
    assert table["error"].str.contains("DeadKernel").tolist() == [False, True, False]


def test_the_workers_of_a_cluster_make_the_same_table(home, tmp_path):
    if importlib.util.find_spec("distributed") is None:
        pytest.skip("the extra [cluster] is not installed: no dask.distributed")
    broken = "assert seed != 2, 'a failing run is a row there, too'"
    home.simple("09_loyalty", code("where", f"import os\nrecord('ran', os.getenv('RAN', 'here'))\n{broken}"))
    program = Path(__file__).with_name("on_dask.py")
    command = [sys.executable, str(program), "09", str(tmp_path / "table.parquet")]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # where Dask leaves its scratch folder
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]


def executions(folder):
    return sorted(int(path.name) for path in folder.iterdir())


def test_an_interrupted_sweep_goes_on_where_it_was(home, tmp_path):
    """Ctrl-C after some runs; the second call runs the others only, and the table is that of one call."""
    ran = tmp_path / "ran"
    ran.mkdir()
    home.simple(
        "09_loyalty",
        code(
            "mark",
            f"import os, time\nopen(f'{ran}/{{seed}}', 'x').close()\n"
            "time.sleep(30 if seed == 2 and not os.environ.get('GO') else 0)",
        ),
    )
    out = tmp_path / "table.csv"
    command = [
        sys.executable,
        "-m",
        "crmlab.cli",
        "sweep",
        "09",
        "-p",
        "seed=0:4",
        "--out",
        str(out),
        "--jobs",
        "1",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 300
    while not (ran / "2").exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert (
        "2 finished runs are kept in" in errors
        and "goes on from there" in errors
        and "Traceback" not in errors
    )
    assert not out.exists() and len(os.listdir(f"{out}.parts")) == 2
    (ran / "2").unlink()

    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "GO": "1"})
    assert done.returncode == 0, done.stderr
    assert executions(ran) == list(range(4)), (
        "runs that were finished must not run again: the files are opened with x"
    )
    assert not os.path.exists(f"{out}.parts")
    assert pd.read_csv(out)["sum"].tolist() == list(range(100, 104))


def test_finished_runs_of_another_source_are_not_used(home, tmp_path):
    from crmlab.notebook.sweeping import Parts

    path = home.simple()
    parts = Parts(tmp_path / "t.csv", read("09"))
    parts.keep({"seed": 1}, {"results": {"sum": 1}, "error": ""})
    assert Parts(tmp_path / "t.csv", read("09")).load({"seed": 1}) == {"results": {"sum": 1}, "error": ""}
    assert parts.load({"seed": 2}) is None
    path.write_text(path.read_text().replace("effect_seen", "effect_shown"))
    assert Parts(tmp_path / "t.csv", read("09")).load({"seed": 1}) is None


def test_damaged_parts_are_run_again(home, tmp_path):
    home.simple()
    from crmlab.notebook.sweeping import Parts

    parts = Parts(tmp_path / "t.csv", read("09"))
    values = {"n_customers": 100, "seed": 1, "effect": 0.5, "method": "ols"}
    parts.keep(values, {"results": {}, "error": ""})
    for path in parts.folder.iterdir():
        path.write_text("{ half")
    assert sweep("09", {"seed": 1}, out=tmp_path / "t.csv", progress=False)["sum"].tolist() == [101]


@pytest.mark.parametrize(
    "grid, words",
    [
        ({"sed": [1]}, "unknown parameter 'sed'; known"),
        ({"seed": []}, "seed has no values"),
        ({"seed": [1, 2000]}, "outside its range"),
        ({"seed": ["a"]}, "whole number"),
        ({"seed": [1, 1]}, "1 twice"),
        ({"n_customers": range(50, 20001), "seed": range(1001)}, "combinations; 1000000 are the most"),
    ],
)
def test_bad_grids(home, tmp_path, grid, words):
    home.simple("09_loyalty", code("mark", f"open({str(tmp_path / 'ran')!r}, 'w').close()"))
    with pytest.raises(InputError, match=words):
        sweep("09", grid, out=tmp_path / "new" / "t.csv")
    assert sorted(os.listdir(tmp_path)) == ["home"]


def test_bad_files_and_jobs(home, tmp_path):
    home.simple()
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.csv").mkdir()
    for out, words in (
        ("t.xlsx", "must end in .parquet or .csv"),
        ("t", "must end in"),
        ("folder.csv", "is a folder"),
        ("file/t.csv", "is a file"),
    ):
        with pytest.raises(InputError, match=words):
            sweep("09", {"seed": [1]}, out=tmp_path / out)
    for jobs in (0, -1, 1.5, "2", True):
        with pytest.raises(InputError, match="jobs"):
            sweep("09", {"seed": [1]}, jobs=jobs)


def test_one_value_is_a_grid_of_one(home):
    home.simple()
    assert sweep("09", {"seed": 3, "method": "logit"}, progress=False)["sum"].tolist() == [103]
    assert sweep("09", {}, progress=False)["sum"].tolist() == [101]


@pytest.mark.parametrize(
    "name, text, values",
    [
        ("seed", "3", [3]),
        ("seed", "0:4", [0, 1, 2, 3]),
        ("seed", "0:10:4", [0, 4, 8]),
        ("seed", "5:2:-1", [5, 4, 3]),
        ("seed", "1,5:7", [1, 5, 6]),
        ("effect", "0:0.5:0.1", [0.0, 0.1, 0.2, 0.3, 0.4]),
        ("effect", "-1,0.5", [-1.0, 0.5]),
        ("effect", "0:1", [0.0]),
        ("method", "ols,logit", ["ols", "logit"]),
        ("shown", "yes,no", [True, False]),
        ("sizes", "[1, 2], [3]", [[1, 2], [3]]),
        ("sizes", "[1, 2]", [[1, 2]]),
    ],
)
def test_values_on_the_command_line(home, name, text, values):
    home.write(
        "09_loyalty",
        code(
            "parameters",
            "seed = 1  # 0 to 100\neffect = 0.5  # -1 to 1\nmethod = 'ols'\nshown = True\nsizes = [5]\n",
            "parameters",
        ),
    )
    parsed = parse_values(read("09").parameters[name], text)
    assert parsed == values and [type(each) for each in parsed] == [type(each) for each in values]


@pytest.mark.parametrize(
    "name, text",
    [
        ("seed", "5:5"),
        ("seed", "0:4:0"),
        ("seed", "0:4:1:1"),
        ("seed", "a:b"),
        ("seed", "0:1:0.5"),
        ("seed", "0:2000"),
        ("seed", ""),
        ("seed", "1,,2"),
        ("seed", ":"),
        ("seed", "0:9e99"),
        ("effect", "0:inf"),
        ("effect", "nan:1"),
        ("method", "lasso"),
        ("method", ""),
    ],
)
def test_values_that_mean_nothing(home, name, text):
    home.simple()
    known = {**read("09").parameters}
    with pytest.raises(InputError, match=f"parameter {name}"):
        parse_values(known[name], text)


def test_a_result_named_like_a_parameter_keeps_both_columns():
    table = as_table(["seed"], [({"seed": 1}, {"results": {"seed": 5, "error": 2.0}, "error": ""})])
    assert list(table.columns) == ["seed", "results.seed", "results.error", "error"]


def test_columns_have_one_type_each():
    kinds = {
        "int": [1, 2],
        "missing int": [1, None],
        "float": [1, 2.5],
        "bool": [True, False],
        "text": ["a", None],
        "mixed": [1, "a"],
        "large": [2**70, 1],
        "nothing": [None, None],
    }
    found = {name: str(_column(values).dtype) for name, values in kinds.items()}
    assert found == {
        "int": "int64",
        "missing int": "Int64",
        "float": "float64",
        "bool": "bool",
        "text": "str",
        "mixed": "str",
        "large": "str",
        "nothing": "str",
    }


def test_dictionaries_are_spread_over_columns():
    assert dict(
        flattened({"a": {"b": {"c": 1}}, "d": [1], "e": {"columns": ["x"], "rows": [[1]]}, "f": {}})
    ) == {"a.b.c": 1, "d": "[1]", "e": '{"columns": ["x"], "rows": [[1]]}'}


def test_a_sweep_is_what_single_runs_give(home):
    home.simple()
    table = sweep("09", {"seed": [1, 2]}, progress=False)
    assert table["sum"].tolist() == [run("09", {"seed": seed}).results["sum"] for seed in (1, 2)]
