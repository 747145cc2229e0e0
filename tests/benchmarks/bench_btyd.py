"""Speed of the customer-base engine against lifetimes, both in one run.

    python tests/benchmarks/bench_btyd.py                 # figures and ratios at 1,000,000 customers
    python tests/benchmarks/bench_btyd.py --growth growth.png   # 10^4 to 10^7 customers, one picture
    python tests/benchmarks/bench_btyd.py --agreement 200       # estimates against lifetimes on random data

lifetimes fits Pareto/NBD and simulates on fewer customers (--peer-customers), scaled up in the ratio.
"""

import argparse
import contextlib
import gc
import io
import statistics
import time
import warnings

import numpy as np

from crmlab.mechanisms import purchases
from crmlab.models.btyd import BGNBD, GammaGamma, ModifiedBGNBD, ParetoNBD

# CDNOW's parameters with time in days, and a quarter of a year of acquisition, as there.
BG = dict(r=0.2426, alpha=30.9, a=0.7929, b=2.4258)
PARETO = dict(r=0.5533, alpha=74.0, s=0.6062, beta=81.7)
SPEND = dict(p=6.25, q=3.74, gamma=15.44)
BARS = {
    "simulate BG/NBD": 0.25,
    "simulate Pareto/NBD": 0.25,
    "fit BG/NBD": 0.25,
    "fit Pareto/NBD": 2.0,
    "fit Gamma-Gamma": 0.1,
}


def median_seconds(work, repeats):
    """Median wall and processor seconds of `work`, after one unmeasured run."""
    work()
    wall, processor = [], []
    for _ in range(repeats):
        gc.collect()
        start, busy = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - busy)
    return statistics.median(wall), statistics.median(processor)


def windows(n, seed=0):
    return np.random.default_rng(seed).integers(189, 273, n).astype(float)


def engine(n):
    """The engine's jobs on n customers of day grain, by name."""
    T = windows(n)
    bg = purchases.bg_nbd(n, T, **BG, seed=1, grain=1.0)
    pareto = purchases.pareto_nbd(n, T, **PARETO, seed=1, grain=1.0)
    count = np.maximum(bg.frequency, 1)
    money, _ = purchases.gamma_gamma(count, **SPEND, seed=1)
    return {
        "simulate BG/NBD": lambda: purchases.bg_nbd(n, T, **BG, seed=2),
        "simulate Pareto/NBD": lambda: purchases.pareto_nbd(n, T, **PARETO, seed=2),
        "fit BG/NBD": lambda: BGNBD().fit(bg.frequency, bg.recency, bg.T),
        "fit Pareto/NBD": lambda: ParetoNBD().fit(pareto.frequency, pareto.recency, pareto.T),
        "fit Gamma-Gamma": lambda: GammaGamma().fit(count, money),
    }


def peer(n, few):
    """lifetimes' jobs with the number of customers each is run on."""
    import lifetimes
    from lifetimes.generate_data import beta_geometric_nbd_model, pareto_nbd_model

    def data(size):
        T = windows(size)
        bg = purchases.bg_nbd(size, T, **BG, seed=1, grain=1.0)
        pareto = purchases.pareto_nbd(size, T, **PARETO, seed=1, grain=1.0)
        return bg, pareto

    bg, _ = data(n)
    _, pareto = data(few)
    count = np.maximum(bg.frequency, 1)
    money, _ = purchases.gamma_gamma(count, **SPEND, seed=1)
    some = min(few, 10_000)
    return {
        "simulate BG/NBD": (some, lambda: beta_geometric_nbd_model(windows(some), *BG.values(), size=some)),
        "simulate Pareto/NBD": (some, lambda: pareto_nbd_model(windows(some), *PARETO.values(), size=some)),
        "fit BG/NBD": (n, lambda: lifetimes.BetaGeoFitter().fit(bg.frequency, bg.recency, bg.T)),
        "fit Pareto/NBD": (
            few,
            lambda: lifetimes.ParetoNBDFitter().fit(pareto.frequency, pareto.recency, pareto.T),
        ),
        "fit Gamma-Gamma": (n, lambda: lifetimes.GammaGammaFitter().fit(count, money)),
    }


def compare(n, few, repeats):
    ours, theirs = engine(n), peer(n, few)
    print(f"{n:,} customers, day grain; wall seconds, median of {repeats} (processor seconds beside)")
    print(f"{'':22}{'crmlab':>10}{'cpu':>8}{'bar':>8}{'lifetimes':>12}{'ratio':>9}")
    for name, work in ours.items():
        wall, processor = median_seconds(work, repeats)
        size, other = theirs[name]
        start = time.perf_counter()
        other()
        scaled = (time.perf_counter() - start) * n / size
        bar = BARS[name] * (n / 1e6)
        note = "" if size == n else f"  ({size:,} customers, scaled)"
        print(f"{name:22}{wall:10.3f}{processor:8.3f}{bar:8.2f}{scaled:12.1f}{scaled / wall:8.0f}x{note}")


def growth(path, largest):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sizes = [int(size) for size in 10 ** np.arange(4, np.log10(largest) + 0.1, 0.5)]
    seconds = {name: [] for name in BARS}
    for n in sizes:
        for name, work in engine(n).items():
            seconds[name].append(median_seconds(work, 1 if n > 2e6 else 3)[0])
        print(
            f"{n:>12,} " + "  ".join(f"{name} {times[-1]:.3f}" for name, times in seconds.items()), flush=True
        )
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    colours = ["#0072B2", "#56B4E9", "#D55E00", "#CC79A7", "#009E73"]
    for (name, times), colour, marker in zip(seconds.items(), colours, "os^Dv"):
        axes.loglog(sizes, times, marker=marker, color=colour, label=name)
    axes.set(xlabel="customers", ylabel="seconds", title="Day grain, standard errors included, two cores")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    print("wrote", path)


def quietly(work, *arguments):
    """lifetimes prints its optimiser's state when it gives up."""
    with contextlib.redirect_stdout(io.StringIO()):
        return work(*arguments)


def agreement(sets):
    """Largest relative difference from lifetimes' estimates, and the smallest gain in log-likelihood."""
    import lifetimes

    generator = np.random.default_rng(11)
    worst = {}
    for seed in range(sets):
        n, T = 1500, generator.uniform(20, 60, 1500).round(1)
        r, alpha, a, b = (generator.uniform(*ends) for ends in ((0.3, 1.5), (3, 12), (0.5, 1.5), (1.5, 5)))
        s, beta = generator.uniform(0.4, 1.5), generator.uniform(6, 20)
        beta_geometric = dict(r=r, alpha=alpha, a=a, b=b)
        pareto = dict(r=r, alpha=alpha, s=s, beta=beta)
        for model, fitter, draw, truth in (
            (BGNBD, lifetimes.BetaGeoFitter, purchases.bg_nbd, beta_geometric),
            (ModifiedBGNBD, lifetimes.ModifiedBetaGeoFitter, purchases.mbg_nbd, beta_geometric),
            (ParetoNBD, lifetimes.ParetoNBDFitter, purchases.pareto_nbd, pareto),
        ):
            data = draw(n, T, **truth, seed=seed)
            columns = data.frequency, data.recency, data.T
            ours = model().fit(*columns)
            try:
                theirs = quietly(fitter().fit, *columns).params_
            except Exception as error:  # lifetimes' own ConvergenceError has no stable place
                print(
                    f"{model.__name__} set {seed}: lifetimes failed ({type(error).__name__}), "
                    f"ours {ours.convergence_.status}"
                )
                continue
            gap = max(abs(theirs[name] / ours.params_[name] - 1) for name in truth)
            gain = ours.log_likelihood_ - model.from_params(**{k: theirs[k] for k in truth}).log_likelihood(
                *columns
            )
            if gap > 1e-4 or not ours.convergence_:
                print(
                    f"{model.__name__} set {seed}: gap {gap:.2g}, gain {gain:.3g}, {ours.convergence_.status}"
                )
            worst.setdefault(model.__name__, []).append((gap, gain))
    for name, pairs in worst.items():
        gaps, gains = np.array(pairs).T
        print(
            f"{name:15} {len(gaps)} sets: largest gap {gaps.max():.2g}, median {np.median(gaps):.1g}, "
            f"smallest gain {gains.min():.2g}"
        )


if __name__ == "__main__":
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--customers", type=int, default=1_000_000)
    options.add_argument("--peer-customers", type=int, default=20_000)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--growth", metavar="PNG")
    options.add_argument("--largest", type=float, default=1e7)
    options.add_argument("--agreement", type=int, metavar="SETS")
    given = options.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    if given.growth:
        growth(given.growth, given.largest)
    elif given.agreement:
        agreement(given.agreement)
    else:
        compare(given.customers, given.peer_customers, given.repeats)
