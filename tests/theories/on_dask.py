"""Every theory's headline tests on a local Dask cluster and in this process: the same rows, or which differ.

A program of its own, since a cluster leaves sockets and settings behind in the process that started it.
"""

import importlib
import pkgutil
import sys
import warnings
from dataclasses import replace

import distributed
import pandas as pd
from joblib import parallel_config

import crmlab.theories


def headlines(design):
    """The design with each hypothesis' headline estimator alone."""
    kept = [
        replace(each, estimators={each.headline: each.estimators[each.headline]})
        for each in design.hypotheses
    ]
    return replace(design, hypotheses=kept)


def main() -> int:
    """How many theories differ."""
    differing = []
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        for each in pkgutil.iter_modules(crmlab.theories.__path__):
            module = importlib.import_module(f"crmlab.theories.{each.name}")
            if not hasattr(module, "design"):
                continue  # a part of a theory
            design = headlines(module.design)
            one = design.diagnose(sims=6, seed=20)
            with parallel_config(backend="dask"):
                other = design.diagnose(sims=6, seed=20)
            try:
                pd.testing.assert_frame_equal(one.simulations, other.simulations, check_exact=True)
            except AssertionError as error:
                differing.append(f"{each.name}: {error}")
            print(each.name)
    print("\n".join(differing), file=sys.stderr)
    return len(differing)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
