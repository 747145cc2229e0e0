"""Honest work in many styles: each scores full and none is flagged."""

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


def _colab(notebook):
    for number, each in enumerate(notebook.cells):
        kept = {key: each.metadata[key] for key in ("nbgrader", "tags") if key in each.metadata}
        each.metadata = kept | {
            "id": f"Xy{number}_zZ",
            "outputId": "3f0c",
            "colab": {"base_uri": "https://localhost:8080/"},
        }
        del each["id"]
    notebook.nbformat_minor, notebook.metadata = 0, {"colab": {"provenance": []}, "accelerator": "GPU"}


def _without_any_id(notebook):
    insert_before(notebook, "q1-given", extra("import math"))
    insert_before(notebook, "q2-solution", extra("by_segment = customers.groupby('segment', as_index=False)"))
    cell(notebook, "q2-solution").source = "means = by_segment.spend.mean()"
    cell(notebook, "q3-check").source = "answer('q3',  loyal )"
    _colab(notebook)
    for each in notebook.cells:
        each.metadata.pop("nbgrader", None)
    notebook.cells.append(extra("means.plot.bar(x='segment')"))


def _vs_code(notebook):
    for number, each in enumerate(notebook.cells):
        each["id"], each.metadata["vscode"] = f"{number:08x}", {"languageId": "python"}


def _windows_lines_everywhere(notebook):
    for each in notebook.cells:
        each.source = each.source.replace("\n", "\r\n")


def _helpers_anywhere(notebook):
    notebook.cells.insert(0, extra("import numpy as np\ndef add_up(frame):\n    return frame.spend.sum()"))
    cell(notebook, "q1-solution").source = "total = ..."
    insert_before(notebook, "q1-check", extra("total = add_up(customers)"))
    insert_before(
        notebook, "q2-solution", extra("def by(frame, key):\n    return frame.groupby(key, as_index=False)")
    )
    cell(notebook, "q2-solution").source = "means = by(customers, 'segment').spend.mean()"


def _split(notebook):
    """JupyterLab's Split Cell: both halves keep the grade id."""
    whole = cell(notebook, "q2-solution")
    whole.source = "means = by_segment.spend.mean()"
    half = extra("by_segment = customers.groupby('segment', as_index=False)", metadata=dict(whole.metadata))
    insert_before(notebook, "q2-solution", half)


def _split_around_a_scratch_cell(notebook):
    _split(notebook)
    insert_before(notebook, "q2-solution", extra("assert len(by_segment) == 3"))


def _blank_copy_left_below(notebook):
    blank = "# YOUR CODE HERE\ntotal = ...\ntotal"
    insert_before(notebook, "q1-check", extra(blank, metadata=dict(cell(notebook, "q1-solution").metadata)))


def _copied_for_the_next_question(notebook):
    """q1's cell was copied, pasted under q2 and rewritten there; q2's own is gone."""
    source = cell(notebook, "q2-solution").source
    insert_before(notebook, "q2-check", extra(source, metadata=dict(cell(notebook, "q1-solution").metadata)))
    notebook.cells.remove(cell(notebook, "q2-solution"))


def _turned_into_text(notebook):
    source = cell(notebook, "q1-solution").source
    cell(notebook, "q1-solution").cell_type = "markdown"
    insert_before(notebook, "q1-check", extra(source))


def _made_anew(notebook):
    source = cell(notebook, "q3-solution").source
    notebook.cells.remove(cell(notebook, "q3-solution"))
    insert_before(notebook, "q3-check", extra(source))


def _merged(notebook):
    """Merge Cells: given, solution and check in one."""
    cells = [cell(notebook, f"q3-{part}") for part in ("given", "solution", "check")]
    cells[0].source = "\n".join(each.source for each in cells)
    for each in cells[1:]:
        notebook.cells.remove(each)


# What an editor does to the cells: told to the instructor, and no point lost.
MOVED_ABOUT = {
    "split": (_split, {"duplicate cell"}),
    "split_around_a_scratch_cell": (_split_around_a_scratch_cell, {"duplicate cell"}),
    "blank_copy_left_below": (_blank_copy_left_below, {"duplicate cell"}),
    "copied_for_the_next_question": (_copied_for_the_next_question, {"duplicate cell", "missing cell"}),
    "turned_into_text": (_turned_into_text, {"edited metadata"}),
    "made_anew": (_made_anew, {"missing cell"}),
    "merged": (_merged, {"missing cell", "edited cell"}),
}


def _helper_module(notebook):
    insert_before(
        notebook,
        "q1-solution",
        extra("%%writefile helper.py\ndef add(frame):\n    return frame.spend.sum()"),
    )
    cell(notebook, "q1-solution").source = "import helper\ntotal = helper.add(customers)"


CHANGES = {
    "helper_module": _helper_module,
    "colab": _colab,
    "without_any_id": _without_any_id,
    "vs_code": _vs_code,
    "windows_lines_everywhere": _windows_lines_everywhere,
    "helpers_anywhere": _helpers_anywhere,
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
    "default_dict": {
        "q2": "from collections import OrderedDict, defaultdict\nfound = defaultdict(list)\n"
        "for segment, spend in zip(customers.segment, customers.spend):\n    found[segment].append(spend)\n"
        "means = OrderedDict((segment, np.mean(each)) for segment, each in found.items())"
    },
    "sql": {"q1": "import sqlite3\nwith sqlite3.connect(':memory:') as base:\n    customers.to_sql('c', base)\n    total = pd.read_sql('select sum(spend) s from c', base).s[0]"},
    "which_system": {"q1": "import os, platform, sys\nprint(platform.platform(), sys.version, os.getcwd(), os.listdir('.'))\ntotal = customers.spend.sum()"},
    "compares_its_own": {
        "q1": "class Money:\n    def __init__(self, euros):\n        self.euros = euros\n    def __eq__(self, other):\n        return self.euros == other.euros\n"
        "    def __lt__(self, other):\n        return self.euros < other.euros\n    def __add__(self, other):\n        return Money(self.euros + other.euros)\n"
        "purse = Money(0)\nfor spend in customers.spend:\n    purse = purse + Money(spend)\ntotal = purse.euros"
    },
    "pickles_and_collects": {"q1": "import gc, pickle\ntotal = pickle.loads(pickle.dumps(customers)).spend.sum()\ngc.collect()"},
    "own_event_loop": {"q1": "import asyncio\nasync def work():\n    await asyncio.sleep(0.01)\n    return customers.spend.sum()\ntotal = asyncio.run(work())"},
    "addresses": {"q1": "from urllib.parse import quote\nprint('https://example.org/home/' + quote('a b'))\ntotal = customers.spend.sum()"},
    "setting_for_a_library": {"q1": "import os\nos.environ['OMP_NUM_THREADS'] = '1'\nos.path.join('..', 'data.csv')\ntotal = customers.spend.sum()"},
    "more_recursion": {"q1": "import sys\nsys.setrecursionlimit(5000)\ndef add(at):\n    return customers.spend[at] + add(at - 1) if at >= 0 else 0\ntotal = add(len(customers) - 1)"},
    "commands": {"q1": "!ls\n%pip list\n%pwd\ntotal = customers.spend.sum()"},
    "unit_tests": {"q1": "import unittest\ntotal = customers.spend.sum()\nclass Sums(unittest.TestCase):\n    def test(self):\n        self.assertGreater(total, 0)\nunittest.main(argv=[''], exit=False)"},
    "pivot": {"q2": "means = customers.pivot_table(index='segment', values='spend', aggfunc='mean')"},
    "categories": {"q2": "means = customers.astype({'segment': 'category'}).groupby('segment', observed=True).spend.mean().reset_index()"},
    "slow": {"q1": "import time\ntime.sleep(1.5)\ntotal = customers.spend.sum()"},
    "loops_over_words": {"q1": "for record in [1, 2]:\n    pass\nfor seed in range(3):\n    noise = np.random.default_rng(seed).normal()\n"
        "def simulate(seed, answer=None):\n    seed = seed + 1\n    return seed\nsecret = [seed for seed in range(2)]\ntotal = customers.spend.sum()"},
    "says_words": {"q1": "secret, exit, kill = 1, 0.2, 3\nprint(f'the secret of loyalty is {secret}; see /etc/ or the gradebook', exit)\n"
        "customers['secret'] = customers.spend\ntotal = customers['secret'].sum()\n'autograded and submitted/late'\nassert total > 0, 'no secret socket'"},
    "own_stats": {"q1": "from types import SimpleNamespace\nstats = SimpleNamespace()\nstats.norm = stats.mean = customers.spend.mean()\ntotal = stats.mean * len(customers)"},
    "asks_whether_it_is_colab": {"q1": "import os, sys\nIN_COLAB = 'google.colab' in sys.modules\ntry:\n    import google.colab\n    IN_COLAB = True\n"
        "except ImportError:\n    IN_COLAB = False\nif os.environ.get('COLAB_GPU') or 'COLAB_RELEASE_TAG' in os.environ or os.getenv('KAGGLE_URL_BASE'):\n"
        "    print('colab')\ntotal = customers.spend.sum()"},
    "inspects_its_own": {"q1": "import inspect\ndef add(frame):\n    return frame.spend.sum()\nprint(inspect.signature(add), inspect.getdoc(add))\ntotal = add(customers)"},
    "opens_the_exercise_again": {"q2": "import crmlab\nfrom crmlab.exercises import open_exercise\nmeans = customers.groupby('segment', as_index=False).spend.mean()"},
    "keeps_the_processor_busy": {"q1": "import time\nbegun = time.process_time()\nwhile time.process_time() - begun < 1.2:\n    total = customers.spend.sum()"},
    "answers_itself": {"q1": "total = customers.spend.sum()\nanswer('q1', total)\nanswer.hint('q1')"},
}  # fmt: skip
