"""Twenty realistic notebooks on two cores: papermill's command line, its API, and ours.

    python tests/benchmarks/bench_notebook.py [COUNT]

Prints seconds a notebook, wall-clock over the whole batch, and ratios; on a busy machine compare the seconds
of processor. The first line includes the start of the warm process, the second does not. All must give the
same results.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

JOBS = 2
CELLS = [
    (
        "parameters",
        "seed = 0  # seed of the random numbers, 0 to 1000000\nn_customers = 500  # customers, 50 to 20000",
    ),
    (
        "imports",
        (
            "import matplotlib.pyplot as plt\nimport numpy as np\nimport pandas as pd\nimport seaborn as sns\n"
            "import statsmodels.formula.api as smf\nfrom crmlab.notebook import record"
        ),
    ),
    (
        "simulate",
        (
            "rng = np.random.default_rng(seed)\n"
            "customers = pd.DataFrame({'satisfaction': rng.normal(size=n_customers),\n"
            "    'group': rng.choice(list('abc'), n_customers)})\n"
            "customers['attitude'] = .6 * customers.satisfaction + rng.normal(size=n_customers)\n"
            "customers['renewed'] = (customers.attitude + rng.normal(size=n_customers) > 0).astype(int)\n"
            "customers.describe().round(3)"
        ),
    ),
    (
        "look",
        (
            "figure, axes = plt.subplots(1, 2, figsize=(8, 3))\naxes[0].hist(customers.attitude, 30)\n"
            "axes[1].scatter(customers.satisfaction, customers.attitude, s=6)\nplt.show()"
        ),
    ),
    (
        "test",
        (
            "fit = smf.ols('attitude ~ satisfaction + C(group)', customers).fit()\n"
            "logit = smf.logit('renewed ~ satisfaction', customers).fit(disp=False)\n"
            "record('slope', fit.params['satisfaction'])\nrecord('logit', logit.params['satisfaction'])\n"
            "fit.summary().tables[1]"
        ),
    ),
    (
        "curve",
        "sns.regplot(customers, x='satisfaction', y='attitude', seed=1, scatter_kws={'s': 6})\nplt.show()",
    ),
    (
        "diagnose",
        (
            "estimates = []\nfor _ in range(200):\n    x = rng.normal(size=200)\n"
            "    estimates.append(np.polyfit(x, .6 * x + rng.normal(size=200), 1)[0])\n"
            "record('bias', np.mean(estimates) - .6)\nplt.hist(estimates, 20)\nplt.show()"
        ),
    ),
]


def write_lesson(folder):
    cells = [new_markdown_cell("# A lesson of the usual kind", id="title")]
    for name, source in CELLS:
        cells.append(
            new_code_cell(source, id=name, metadata={"tags": ["parameters"]} if name == "parameters" else {})
        )
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    path = folder / "notebooks" / "01_usual.ipynb"
    path.parent.mkdir()
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)
    return path


def seconds(function, count, warm=False):
    """Seconds of wall-clock and of processor a notebook, and what the notebooks gave."""
    from crmlab.notebook import kernels

    if warm:
        kernels.wait_until_warm()
    started, busy = time.perf_counter(), _busy()
    with ThreadPoolExecutor(JOBS) as pool:
        results = list(pool.map(function, range(count)))
    took = time.perf_counter() - started
    kernels.end_all()  # what its children took is known when they have ended
    return took / count, (_busy() - busy) / count, results


def _busy():
    """Processor seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


def results_of(notebook):
    from crmlab.notebook.recording import recorded

    return recorded(notebook.cells)[0]


def by_command_line(path, folder):
    def run(seed):
        out = folder / f"cli-{seed}.ipynb"
        subprocess.run(
            [
                sys.executable,
                "-m",
                "papermill",
                str(path),
                str(out),
                "-p",
                "seed",
                str(seed),
                "--no-progress-bar",
            ],
            check=True,
            capture_output=True,
        )
        return results_of(nbformat.read(out, as_version=4))

    return run


def by_api(path, folder):
    import papermill

    def run(seed):
        done = papermill.execute_notebook(
            str(path), str(folder / f"api-{seed}.ipynb"), {"seed": seed}, progress_bar=False
        )
        return results_of(done)

    return run


def by_ours(path):
    from crmlab.notebook.running import execute
    from crmlab.notebook.source import read

    source = read(path)
    defaults = {name: parameter.default for name, parameter in source.parameters.items()}

    def run(seed):
        return (
            execute(source, {"seed": seed}, {**defaults, "seed": seed}, warm=True).raise_for_error().results
        )

    return run


def main(count=20):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write_lesson(folder)
        os.environ["CRMLAB_HOME"] = name
        rows = {
            "ours, with the start of the warm process": seconds(by_ours(path), count),
            "ours": seconds(by_ours(path), count, warm=True),
            "papermill API, two threads": seconds(by_api(path, folder), count),
            "papermill command line, two at a time": seconds(by_command_line(path, folder), count),
        }
    ours, _, results = rows["ours"]
    for label, (each, busy, found) in rows.items():
        assert json.dumps(found) == json.dumps(results), f"{label} gave other results"
        print(
            f"{label:<42} {each:6.2f} s a notebook ({busy:5.2f} s of processor)   {each / ours:5.1f} x ours"
        )
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
