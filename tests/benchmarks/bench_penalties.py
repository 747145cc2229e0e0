"""What a prior and a penalty do to fits of few customers: bias, error and coverage, each with its own error.

    python tests/benchmarks/bench_penalties.py --sims 400                     # the table
    python tests/benchmarks/bench_penalties.py --sims 400 --picture what.png  # and a picture

BG/NBD customers are drawn at known parameters, observed for a year, and fitted with and without help. Of each
fit three things are asked: whether there was an interior maximum, what it expects of a new customer in two
years, on the log scale, and whether its 95% intervals hold the truth, that expectation's and a/(a + b)'s. A fit without a
covariance has no interval, and holds nothing.
"""

import argparse
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd

from crmlab.cores import available_cores
from crmlab.mechanisms.purchases import bg_nbd
from crmlab.models.btyd import BGNBD
from crmlab.plots.intervals import interval

WORLDS = {
    "CDNOW's": dict(r=0.243, alpha=4.41, a=0.793, b=2.43),
    "frequent": dict(r=0.8, alpha=6.0, a=0.8, b=2.5),
    "loyal": dict(r=1.5, alpha=15.0, a=0.3, b=3.0),
    "alike": dict(r=6.0, alpha=60.0, a=4.0, b=16.0),  # far from the prior's medians
}
HELP = {
    "none": {},
    "prior": {"prior": "weak"},
    "penalizer_coef .001": {"penalizer_coef": 0.001},
    "penalizer_coef .01": {"penalizer_coef": 0.01},
    "penalizer_coef .1": {"penalizer_coef": 0.1},
}
YEAR, AHEAD = 52.0, 104.0


def questions(model):
    """The logarithm of what is expected of a new customer, and the logit of the mean dropout probability."""
    p = model.params_
    return np.array([np.log(model.expected_purchases(AHEAD)), np.log(p["a"] / p["b"])])


def one(world, n, seed):
    """What each way of fitting said of one cohort."""
    truth = questions(BGNBD.from_params(**WORLDS[world]))
    data, rows = bg_nbd(n, YEAR, seed=seed, **WORLDS[world]), []
    for name, options in HELP.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = BGNBD(**options).fit(data.frequency, data.recency, data.T)
        said, low, high = interval(model, questions)
        known = low is not None
        inside = (low <= truth) & (truth <= high) if known else np.zeros(2, bool)
        ends = model.convergence_.status == "converged"
        rows.append((world, n, name, ends, known, *(said - truth), *inside))
    return rows


def table(sims):
    """A row a world, a size and a way of fitting; Monte-Carlo errors in brackets."""
    rows = []
    with ProcessPoolExecutor(available_cores()) as pool:
        for world in WORLDS:
            for n in (50, 100, 200, 1000):
                for found in pool.map(partial(one, world, n), range(sims), chunksize=8):
                    rows += found
    names = [
        "world",
        "customers",
        "help",
        "interior",
        "known",
        "bias",
        "dropout_bias",
        "cover",
        "dropout_cover",
    ]
    return pd.DataFrame(rows, columns=names)


def summarised(rows):
    """Means with their errors, of the fits."""

    def told(group):
        error = group["bias"]
        root = np.sqrt((error**2).mean())

        def share(column):
            mean = group[column].mean()
            return f"{mean:.2f} ({np.sqrt(mean * (1 - mean) / len(group)):.2f})"

        return pd.Series(
            {
                "interior": share("interior"),
                "bias": f"{error.mean():+.2f} ({error.std() / len(group) ** 0.5:.2f})",
                "error": f"{root:.2f} ({(error**2).std() / (2 * root * len(group) ** 0.5):.2f})",
                "coverage": share("cover"),
                "dropout: bias": f"{group['dropout_bias'].median():+.2f}",
                "coverage ": share("dropout_cover"),
            }
        )

    return rows.groupby(["world", "customers", "help"], sort=False).apply(told)


def draw(rows, path):
    """Error and coverage by number of customers."""
    import matplotlib

    matplotlib.use("Agg")
    from crmlab.plots import PALETTE, subplots, use_style

    use_style()
    figure, axes = subplots(2, len(WORLDS), figsize=(11, 5.5), sharex=True, sharey="row")
    for column, world in enumerate(WORLDS):
        for (name, colour), marker in zip(zip(HELP, PALETTE.values()), "os^Dv"):
            part = rows[(rows["world"] == world) & (rows["help"] == name)].groupby("customers")
            root = part["bias"].apply(lambda each: np.sqrt((each**2).mean()))
            for axis, values in zip(axes[:, column], (root, 100 * part["cover"].mean())):
                axis.semilogx(values.index, values, marker=marker, color=colour, label=name)
        axes[1, column].axhline(95, color="black", linewidth=1)
        axes[0, column].set(title=f"{world} customers", ylim=(0, 1))
        axes[1, column].set(xlabel="customers", ylim=(0, 100))
    axes[0, 0].set(ylabel="error of log expected purchases")
    axes[1, 0].set(ylabel="coverage of 95% intervals, %")
    axes[0, -1].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=130)
    print("wrote", path)


if __name__ == "__main__":
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--sims", type=int, default=400)
    options.add_argument("--picture", metavar="PNG")
    given = options.parse_args()
    found = table(given.sims)
    print(summarised(found).to_string())
    if given.picture:
        draw(found, given.picture)
