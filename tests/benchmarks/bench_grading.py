"""Submissions graded in a minute, against plain papermill, in one run.

The exercise loads pandas and statsmodels, simulates a cohort of 2,000 customers and fits a regression. Ours runs
each submission behind the strong walls, on the student's own numbers and on two fresh sets, and judges it;
papermill runs it once, without walls, and judges nothing.

    python tests/benchmarks/bench_grading.py [submissions] [of them by papermill]
"""

import concurrent.futures
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from crmlab.exercises.copies import make_copy, solved
from crmlab.exercises.masters import Master
from crmlab.grading import Submission, building, grade_batch

JOBS, FRESH = 2, [900_001, 900_002]
GRADING = {"grade": False, "locked": True, "solution": False, "task": False, "schema_version": 3}
CELLS = {
    "parameters": ("seed = 1  # your own version, 0 to 999999999", {"tags": ["parameters"]}, {}),
    "setup": (
        ("import numpy as np\nimport pandas as pd\nimport statsmodels.formula.api as smf\n\n"
        'from crmlab.exercises import open_exercise\n\nanswer = open_exercise("99_bench", seed=seed)'),
        {}, {},
    ),
    "q1-given": (
        ("rng = np.random.default_rng([seed, 1])\nn = 2000\n"
        "rate, dropout = rng.gamma(0.4, 1 / 6, n), rng.beta(0.8, 3.0, n)\n"
        "x, t, alive = np.zeros(n, int), np.zeros(n), np.ones(n, bool)\n"
        "while alive.any():\n    t[alive] += rng.exponential(size=alive.sum()) / rate[alive]\n"
        "    alive &= t < 52\n    x += alive\n    alive &= rng.random(n) >= dropout\n"
        'customers = pd.DataFrame({"purchases": x, "satisfaction": rng.normal(0, 1, n)})\n'
        'customers["spend"] = 20 + 8 * customers.purchases + 5 * customers.satisfaction + rng.normal(0, 9, n)'),
        {}, {},
    ),
    "q1-solution": (
        ('### BEGIN SOLUTION\nfit = smf.ols("spend ~ purchases + satisfaction", customers).fit()\n'
        "slope = fit.params.satisfaction\n### END SOLUTION\nslope"),
        {}, {"locked": False, "solution": True},
    ),
    "q1-check": ('answer("q1", slope, points=2, relative=1e-6)', {}, {"grade": True, "points": 2}),
    "q2-solution": (
        ('### BEGIN SOLUTION\nmeans = customers.assign(active=customers.purchases > 0)'
        '.groupby("active", as_index=False).spend.mean()\n### END SOLUTION\nmeans'),
        {}, {"locked": False, "solution": True},
    ),
    "q2-check": ('answer("q2", means, points=1, key="active", relative=1e-6)', {}, {"grade": True, "points": 1}),
}  # fmt: skip


def main(submissions=120, by_papermill=10):
    if not building.strong():
        sys.exit(f"no strong walls: {building.why_not()}")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        exercise = _master(folder)
        handed = [_submission(exercise, folder, number) for number in range(submissions)]
        ours, steady = _ours(exercise, handed, folder)
        theirs = _papermill(handed[:by_papermill])
    print(f"{submissions} submissions, {JOBS} at a time")
    print(f"crmlab, isolated, 3 variants each   {ours:6.0f} a minute, start included")
    print(f"                                    {steady:6.0f} a minute, once warm")
    print(f"papermill, 1 variant, no isolation  {theirs:6.0f} a minute ({by_papermill} submissions)")
    print(f"ratio                               {ours / theirs:6.1f}")


def _master(folder):
    cells = [
        nbformat.v4.new_code_cell(
            source, id=name, metadata={**more, "nbgrader": GRADING | grading | {"grade_id": name}}
        )
        for name, (source, more, grading) in CELLS.items()
    ]
    path = folder / "exercises" / "99_bench" / "master.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"crmlab": {"title": "Benchmark"}}), path)
    return Master(path)


def _submission(exercise, folder, number):
    seed = 10_000 + number
    path = folder / f"s{number:03}.ipynb"
    nbformat.write(solved(make_copy(exercise, {"seed": seed}), exercise), path)
    return Submission(path.stem, path, seed)


def _ours(exercise, handed, folder):
    """Submissions a minute: of the whole batch, and between its first and last tenth."""
    done, started = [], time.perf_counter()
    reports = grade_batch(
        exercise,
        handed,
        FRESH,
        folder / "out",
        jobs=JOBS,
        on_done=lambda report: done.append(time.perf_counter()),
    )
    seconds = time.perf_counter() - started
    assert all(report.score == report.possible and "network" in report.walls for report in reports)
    edge = len(done) // 10
    return 60 * len(done) / seconds, 60 * (len(done) - 2 * edge) / (done[-1 - edge] - done[edge])


def _papermill(handed):
    """What an instructor would type, two at a time."""

    def run(submission):
        command = [sys.executable, "-m", "papermill", "--log-level", "ERROR", "--no-progress-bar"]
        out = submission.path.with_suffix(".out.ipynb")
        subprocess.run([*command, str(submission.path), str(out)], check=True, capture_output=True)

    started = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(run, handed))
    return 60 * len(handed) / (time.perf_counter() - started)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
