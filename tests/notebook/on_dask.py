"""A lesson swept by a local Dask cluster's workers, with the lines that a user types, and in this process.

A program of its own, since a cluster leaves sockets and settings behind in the process that started it. It
fails where the tables differ.
"""

import sys
from pathlib import Path

import distributed
import joblib
import pandas as pd

from crmlab.notebook import sweep


def main(lesson: str, out: str) -> None:
    grid = {"seed": [0, 1, 2, 3]}
    here = sweep(lesson, grid, jobs=1, progress=False)
    options = dict(n_workers=2, threads_per_worker=1, dashboard_address=None, env={"RAN": "by a worker"})
    with distributed.Client(**options), joblib.parallel_config(backend="dask"):
        there = sweep(lesson, grid, out=out, progress=False)
    assert set(here.pop("ran")) == {"here"} and set(there.pop("ran")) == {"by a worker"}
    pd.testing.assert_frame_equal(here, there)
    assert Path(out).exists() and not Path(f"{out}.parts").exists()


if __name__ == "__main__":
    main(*sys.argv[1:])
