"""Simulation-based calibration of every customer-base model: the truth is drawn anew for each cohort.

    python tests/benchmarks/bench_calibration.py --sims 1000                    # all models, a table
    python tests/benchmarks/bench_calibration.py --sims 1000 --only BGNBD BGBB  # some
    python tests/benchmarks/bench_calibration.py --sims 1000 --picture ranks.png

Parameters are log-normal around usual ones, a factor of 1.5 each way in two of three cases. Each cohort is
simulated and fitted, and the place of the truth in the confidence distribution of each estimate is kept: over
cohorts these places are uniform if intervals keep their promise at every level (`crmlab.design.calibration`).
Fits without an interior maximum have no distribution; they are counted, and left out.
"""

import argparse
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd

from crmlab.cores import available_cores
from crmlab.design.calibration import ranks, uniformity
from crmlab.models import btyd

SPREAD = np.log(1.5)
BG = dict(r=0.8, alpha=5.0, a=0.8, b=2.5)
PARETO = dict(r=0.8, alpha=6.0, s=0.9, beta=12.0)
EFFECTS = dict(purchase=0.4, dropout=-0.4)


def history(kind, n, T, truth, seed):
    """A cohort of a model of histories, and its fit."""
    model = kind.from_params(**truth)
    data = model.simulate(n, T, seed)
    fresh = kind(truth["k"]) if "k" in truth else kind()
    return fresh.fit(data.frequency, data.recency, data.T)


def with_covariates(kind, n, T, truth, seed):
    """The same with one covariate of both sides."""
    z = np.random.default_rng(seed).standard_normal((n, 1))
    moves = {f"{side}_covariates": z for side in EFFECTS}
    moves |= {f"{side}_effects": [effect] for side, effect in EFFECTS.items()}
    data = kind._simulator(n, T, seed=seed, **truth, **moves)
    return kind().fit(data.frequency, data.recency, data.T, purchase_covariates=z, dropout_covariates=z)


def spend(kind, n, truth, seed):
    """Mean amounts of customers with one to eight purchases."""
    x = np.random.default_rng(seed).integers(1, 9, n)
    return kind().fit(x, kind.from_params(**truth).simulate(x, seed)[0])


def periods(kind, n, count, truth, seed):
    """Purchases at regular opportunities."""
    data = kind.from_params(**truth).simulate(n, count, seed)
    return kind().fit(data.frequency, data.recency, data.T)


def contracts(kind, n, count, truth, seed):
    """Renewals of one cohort."""
    return kind().fit(kind.from_params(**truth).simulate(n, count, seed))


CASES = {
    "BGNBD": (partial(history, btyd.BGNBD, 1500, 52.0), BG),
    "ModifiedBGNBD": (partial(history, btyd.ModifiedBGNBD, 1500, 52.0), BG),
    "ParetoNBD": (partial(history, btyd.ParetoNBD, 1500, 52.0), PARETO),
    "BGCNBD": (partial(history, btyd.BGCNBD, 1500, 52.0), BG | {"k": 3, "r": 1.5}),
    "ModifiedBGCNBD": (partial(history, btyd.ModifiedBGCNBD, 1500, 52.0), BG | {"k": 2, "r": 1.5}),
    "BGNBD, covariates": (partial(with_covariates, btyd.BGNBD, 1500, 52.0), BG),
    "ParetoNBD, covariates": (partial(with_covariates, btyd.ParetoNBD, 1500, 52.0), PARETO),
    "GammaGamma": (partial(spend, btyd.GammaGamma, 1500), dict(p=6.0, q=4.0, gamma=15.0)),
    "BGBB": (partial(periods, btyd.BGBB, 4000, 10), dict(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)),
    "ShiftedBetaGeometric": (
        partial(contracts, btyd.ShiftedBetaGeometric, 1000, 8),
        dict(alpha=0.7, beta=1.2),
    ),
}


def one(name, seed):
    """Where the truth of one cohort falls, by parameter; None without an interior maximum."""
    make, centre = CASES[name]
    generator = np.random.default_rng([seed, len(name)])
    truth = {each: value * np.exp(SPREAD * generator.standard_normal()) for each, value in centre.items()}
    if "k" in centre:
        truth["k"] = centre["k"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make(truth, seed)
    if model.convergence_.status != "converged":
        return None
    k = len(model.parameter_names)
    at = [np.log(truth[each]) for each in model.parameter_names]
    at += [EFFECTS[each.split("_")[0]] for each in model.params_.index[k:]]
    places = ranks(model._coefficients, model._coefficient_spread, np.array(at))
    return dict(zip(model.params_.index, places))


def table(names, sims):
    """Ranks of each model, one row a cohort."""
    found = {}
    with ProcessPoolExecutor(available_cores()) as pool:
        for name in names:
            rows = list(pool.map(partial(one, name), range(sims), chunksize=8))
            found[name] = (pd.DataFrame([row for row in rows if row is not None]), rows.count(None))
    return found


def told(found):
    """A row a model and parameter: coverage with its error, and whether ranks are uniform."""
    rows = []
    for name, (places, lost) in found.items():
        for parameter, column in places.items():
            inside = ((column > 0.025) & (column < 0.975)).mean()
            error = np.sqrt(inside * (1 - inside) / len(column))
            p = uniformity(column.to_numpy()).p_value
            rows.append((name, parameter, len(column), lost, f"{inside:.3f} ({error:.3f})", f"{p:.3f}"))
    heads = ["model", "parameter", "cohorts", "no maximum", "coverage of 95%", "p of uniform ranks"]
    return pd.DataFrame(rows, columns=heads)


def draw(found, path):
    """Each model's distribution of ranks minus the uniform one, with the band for one of its parameters."""
    import matplotlib

    matplotlib.use("Agg")
    from crmlab.plots import PALETTE, subplots, use_style

    use_style()
    figure, axes = subplots(2, 5, figsize=(13, 5.5), sharex=True, sharey=True)
    for axis, (name, (places, _)) in zip(axes.flat, found.items()):
        for (parameter, column), colour in zip(places.items(), list(PALETTE.values()) * 2):
            fit = uniformity(column.to_numpy())
            axis.plot(fit.at, fit.share - fit.at, color=colour, label=parameter, linewidth=1.2)
        axis.fill_between(fit.at, fit.low - fit.at, fit.high - fit.at, color="grey", alpha=0.2, linewidth=0)
        axis.set_title(name, fontsize=10)
        axis.legend(fontsize=6, frameon=False, ncols=2)
    figure.supxlabel("place of the truth in the confidence distribution")
    figure.supylabel("share of cohorts below, minus uniform")
    figure.savefig(path, dpi=120)
    print("wrote", path)


if __name__ == "__main__":
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--sims", type=int, default=1000)
    options.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    options.add_argument("--picture", metavar="PNG")
    given = options.parse_args()
    found = table(given.only, given.sims)
    print(told(found).to_string(index=False))
    if given.picture:
        draw(found, given.picture)
