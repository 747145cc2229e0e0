"""Honest work in many styles: each scores full and none is flagged."""

# ruff: noqa: E501
import nbformat

from .probe import cell, extra, insert_before

ALL = 6


def _helper_above(notebook):
    insert_before(notebook, "q1-solution", extra("def add_up(column):\n    return column.sum()"))
    cell(notebook, "q1-solution").source = "total = add_up(customers.spend)"


def _helper_of_q1_used_in_q3(notebook):
    cell(
        notebook, "q1-solution"
    ).source = "def frequent(visits):\n    return visits > least\ntotal = customers.spend.sum()"
    cell(notebook, "q3-solution").source = "loyal = int(frequent(customers.visits).sum()) * 1000 + least"


def _renamed(notebook):
    cell(notebook, "q1-solution").source = "my_sum = customers.spend.sum()"
    cell(notebook, "q1-check").source = 'answer("q1", my_sum)'


def _scratch(notebook):
    insert_before(notebook, "q1-solution", extra("customers.head()"))
    insert_before(notebook, "q2-solution", extra("this does not even parse"))
    insert_before(notebook, "q3-solution", extra("undefined_name + 1"))
    notebook.cells.append(extra("1 / 0"))
    notebook.cells.insert(0, extra("import os, sys, time, warnings\nimport matplotlib.pyplot as plt"))


def _last_value(notebook):
    insert_before(notebook, "q1-solution", extra("customers.spend.sum()"))
    cell(notebook, "q1-solution").source = "total = _"


def _saved_by_another_editor(notebook):
    for each in notebook.cells:
        each.metadata.pop("nbgrader", None)  # the ids stay
    notebook.metadata.clear()


def _other_ids(notebook):
    for number, each in enumerate(notebook.cells):
        each["id"] = f"a{number:07}"  # the grade ids stay


def _executed(notebook):
    for number, each in enumerate(notebook.cells, 1):
        if each.cell_type == "code":
            each.execution_count = number
            each.outputs = [nbformat.v4.new_output("stream", text="done\n")]
    notebook.metadata.kernelspec = {"display_name": "R", "language": "R", "name": "ir"}


CHANGES = {
    "helper_above": _helper_above,
    "helper_of_q1_used_in_q3": _helper_of_q1_used_in_q3,
    "renamed": _renamed,
    "scratch": _scratch,
    "last_value": _last_value,
    "saved_by_another_editor": _saved_by_another_editor,
    "other_ids": _other_ids,
    "executed": _executed,
}

SOURCES = {
    "solved": {},
    "python_number": {"q1": "total = 0.0\nfor spend in customers.spend:\n    total += float(spend)"},
    "numpy_scalar": {"q1": "total = np.float64(np.sum(customers['spend'].to_numpy()))"},
    "zero_dimensional": {"q1": "total = np.array(customers.spend.sum())"},
    "decimal": {"q1": "from decimal import Decimal\ntotal = sum(Decimal(str(each)) for each in customers.spend)"},
    "fraction": {"q1": "from fractions import Fraction\ntotal = sum(map(Fraction, customers.spend))"},
    "numpy_integer": {"q3": "loyal = np.int64((customers.visits > least).sum() * 1000 + least)"},
    "whole_float": {"q3": "loyal = float((customers.visits > least).sum() * 1000 + least)"},
    "series": {"q2": 'means = customers.groupby("segment").spend.mean()'},
    "dict": {"q2": 'means = customers.groupby("segment").spend.mean().rename("spend").to_frame().reset_index()'},
    "dict_of_columns": {"q2": 'means = customers.groupby("segment", as_index=False).spend.mean().to_dict("list")'},
    "records": {"q2": 'means = customers.groupby("segment", as_index=False).spend.mean().to_dict("records")'},
    "other_order": {"q2": 'means = customers.groupby("segment", as_index=False).spend.mean().sort_values("spend")[::-1]'},
    "more_columns": {"q2": 'means = customers.groupby("segment", as_index=False)[["visits", "spend"]].mean()'},
    "plots": {
        "q1": "import matplotlib.pyplot as plt\nimport seaborn as sns\ntotal = customers.spend.sum()\n"
        "figure, axes = plt.subplots()\naxes.hist(customers.spend)\nplt.savefig('spend.png')\nplt.show()\n"
        "sns.boxplot(data=customers, x='segment', y='spend');"
    },
    "magics": {
        "q1": "%matplotlib inline\n%time total = customers.spend.sum()",
        "q2": "%%time\nmeans = customers.groupby('segment', as_index=False).spend.mean()",
    },
    "display": {"q1": "total = customers.spend.sum()\ndisplay(customers)\nprint(customers.describe())\nget_ipython()"},
    "top_level_await": {"q1": "async def work():\n    return customers.spend.sum()\ntotal = await work()"},
    "statsmodels": {
        "q2": "import statsmodels.formula.api as smf\nfit = smf.ols('spend ~ 0 + segment', customers).fit()\n"
        "means = pd.DataFrame({'segment': [name[8:-1] for name in fit.params.index], 'spend': fit.params.values})"
    },
    "classes": {
        "q1": "from dataclasses import dataclass, field\nfrom collections import namedtuple\nfrom typing import NamedTuple\n"
        "@dataclass\nclass Shop:\n    frame: 'pd.DataFrame'\n    notes: list = field(default_factory=list)\n"
        "    @property\n    def total(self):\n        return self.frame.spend.sum()\n"
        "Point = namedtuple('Point', 'x y')\nclass Pair(NamedTuple):\n    x: int\ntotal = Shop(customers).total"
    },
    "own_files": {
        "q1": "customers.to_csv('mine.csv', index=False)\nopen('notes.txt', 'w').write('done')\n"
        "total = pd.read_csv('mine.csv').spend.sum()"
    },
    "sleepy": {"q1": "import time\ntime.sleep(0.6)\ntotal = customers.spend.sum()"},
    "threads": {
        "q1": "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(3) as pool:\n"
        "    total = sum(pool.map(float, customers.spend))"
    },
    "joblib": {
        "q1": "from joblib import Parallel, delayed\n"
        "total = sum(Parallel(n_jobs=2, prefer='threads')(delayed(float)(x) for x in customers.spend))"
    },
    "random": {"q1": "np.random.seed(3)\nimport random\nrandom.seed(1)\nnoise = np.random.normal(size=9)\ntotal = customers.spend.sum()"},
    "settings": {
        "q1": "pd.options.display.max_rows = 5\npd.set_option('display.precision', 2)\nimport matplotlib.pyplot as plt\n"
        "plt.rcParams['figure.figsize'] = (4, 3)\nplt.style.use('ggplot')\ntotal = customers.spend.sum()"
    },
    "changes_the_data": {"q1": "customers['spend'] = customers.spend * 1.0\ncustomers.columns = list(customers.columns)\ntotal = customers.spend.sum()"},
    "asserts": {"q1": "total = customers.spend.sum()\nassert total > 0, 'no'\nassert np.isclose(total, sum(customers.spend))"},
    "fails_after_the_answer": {"q1": "total = customers.spend.sum()\nplt.plot(no_such_thing)"},
    "chatty": {"q1": "total = customers.spend.sum()\nfor _ in range(3000):\n    print('customer', _, 'spent', total)"},
    "global_function": {"q1": "def f():\n    global total\n    total = customers.spend.sum()\nf()"},
    "recursion": {"q1": "def add(x):\n    return x[0] + add(x[1:]) if len(x) else 0\ntotal = add(list(customers.spend))"},
    "processes": {
        "q1": "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    total = sum(pool.map(float, customers.spend))"
    },
    "imports_more": {"q1": "import sqlite3, tqdm, lifetimes, xml.dom.minidom\nfrom tqdm.auto import tqdm\nimport tempfile, logging, uuid, zoneinfo\n"
        "logging.basicConfig(level=20)\nuuid.uuid4()\nzoneinfo.ZoneInfo('Asia/Shanghai')\npd.Timestamp.now(tz='Europe/Paris')\n"
        "with tempfile.TemporaryDirectory() as folder:\n    open(folder + '/x', 'w').close()\n"
        "total = sum(tqdm(customers.spend))"},
    "more_magics": {"q1": "%load_ext autoreload\n%timeit -n1 -r1 customers.spend.sum()\ncustomers.spend?\ntotal = customers.spend.sum();",
        "q2": "%%capture said\nmeans = customers.groupby('segment', as_index=False).spend.mean()"},
    "windows_lines": {"q1": "# Zahl \u2013 \u5ba2\u6237\r\ntotal = customers.spend.sum()\r\n"},
    "harmless_words": {"q1": "exit_rate, system, kill = 0.2, 3, 1\nimport sys\nprint(sys.version)\nsys.stdout.flush()\ntotal = customers.spend.sum()"},
    "styled": {"q1": "display(customers.style.highlight_max())\nimport ipywidgets\ndisplay(ipywidgets.IntSlider())\ntotal = customers.spend.sum()"},
    "joblib_processes": {"q1": "from joblib import Parallel, delayed\ntotal = sum(Parallel(n_jobs=2)(delayed(float)(x) for x in customers.spend))"},
    "answers_itself": {"q1": "total = customers.spend.sum()\nanswer('q1', total)\nanswer.hint('q1')"},
}  # fmt: skip
