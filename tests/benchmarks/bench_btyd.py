"""Speed of the customer-base engine against lifetimes, both in one run.

    python tests/benchmarks/bench_btyd.py                 # figures and ratios at 1,000,000 customers
    python tests/benchmarks/bench_btyd.py --growth growth.png   # 10^4 to 10^7 customers, one picture
    python tests/benchmarks/bench_btyd.py --agreement 200       # estimates against lifetimes on random data
    python tests/benchmarks/bench_btyd.py --covariates          # by week or season, as times the static fit
    python tests/benchmarks/bench_btyd.py --coverage 1000       # of their intervals, with Monte-Carlo errors

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


SEASON = {"purchase_quarter_1": -0.4, "purchase_quarter_2": 0.1, "purchase_quarter_3": -0.2}
HIGH = [5, 6, 11, 12]  # months
WEEKLY = dict(r=0.8, alpha=8.0, s=0.7, beta=12.0), dict(r=0.8, alpha=8.0, a=0.8, b=2.5)


def retailer(n, weeks=104):
    """Customers like the apparel retailer's: own rows by week with a high season, and gender and channel."""
    import pandas as pd

    from crmlab.models.btyd.varying import ByPeriod, Static, TimeVaryingParetoNBD

    generator, ids = np.random.default_rng(5), pd.RangeIndex(n, name="customer_id")
    fixed = pd.DataFrame(generator.integers(0, 2, (n, 2)) * 1.0, index=ids, columns=["gender", "channel"])
    days = pd.date_range("2005-01-02", periods=weeks + 1, freq="7D")
    rows = {"customer_id": np.repeat(ids, len(days)), "period": np.tile(days, n)}
    table = pd.DataFrame(rows).join(fixed, on="customer_id")
    high = ByPeriod(table.assign(high=table["period"].dt.month.isin(HIGH) * 1.0))
    season = ByPeriod(high.table[["period", "high"]].drop_duplicates())
    price = ByPeriod(table[["customer_id", "period"]].assign(price=generator.normal(size=len(table))))
    truth = dict(r=1.8, alpha=90.0, s=1.2, beta=90.0, purchase_high=0.7, purchase_gender=0.3)
    truth |= dict(purchase_channel=0.6, purchase_price=-0.4, dropout_gender=-0.6, dropout_channel=0.6)
    static = Static(fixed)
    model = TimeVaryingParetoNBD.from_params(
        **truth, purchase_covariates=season + static + price, dropout_covariates=static
    )
    end = days[0] + pd.Timedelta(weeks=weeks)
    return model.simulate([days[0]] * n, end, seed=1, ids=ids), static, high, price


def with_covariates(n, repeats):
    """Seconds of fits with covariates, as times the fit with static ones to the same customers."""
    from crmlab.models.btyd.varying import TimeVaryingBGNBD, TimeVaryingParetoNBD

    customers, static, high, price = retailer(n)
    summary, z = customers.summary, static.table
    columns = summary["frequency"], summary["recency"], summary["T"]
    print(f"{n:,} customers, 104 weeks; processor seconds, median of {repeats}, as times the static fit")
    for plain, kind in ((ParetoNBD, TimeVaryingParetoNBD), (BGNBD, TimeVaryingBGNBD)):
        both = {"purchase_covariates": z, "dropout_covariates": z}
        _, base = median_seconds(lambda: plain().fit(*columns, **both), repeats)
        print(f"{plain.__name__}, static covariates of both processes{base:40.4f}")
        cases = {
            "the same, asked by period": (static, static),
            "high season, gender, channel by week; dropout static": (high, static),
            "season by month, of all customers": ("monthly", None),
            "a price of each customer's own each week": (price, static),
        }
        for name, (purchase, dropout) in cases.items():
            given = {"purchase_covariates": purchase, "dropout_covariates": dropout}
            _, seconds = median_seconds(lambda: kind().fit(customers, **given), repeats)
            print(f"    {name:55}{seconds:12.4f}{seconds / base:8.1f}x")


def coverage(rounds):
    """Share of 95% intervals that cover the truth, of a season and a campaign on both processes."""
    import pandas as pd

    from crmlab.models.btyd.varying import ByPeriod, Season, TimeVaryingBGNBD, TimeVaryingParetoNBD

    days = pd.date_range("2021-01-03", "2024-06-30", freq="28D")
    mail = (np.arange(len(days)) % 3 == 0) * 1.0
    campaign = ByPeriod(pd.DataFrame({"period": days, "mail": mail}))
    given = {"purchase_covariates": Season("quarterly") + campaign, "dropout_covariates": campaign}
    start = (pd.Timestamp("2021-01-10") - pd.Timestamp(0)).days
    first = start + np.random.default_rng(0).uniform(0, 350, 1500)
    for kind, truth in zip((TimeVaryingParetoNBD, TimeVaryingBGNBD), WEEKLY):
        model = kind.from_params(**truth, **SEASON, purchase_mail=0.5, dropout_mail=0.6, **given)
        covered, usable = np.zeros(len(model.params_)), 0
        for seed in range(rounds):
            found = kind().fit(model.simulate(first, "2023-12-31", seed=seed), **given)
            ends = found.confidence_intervals_
            usable += bool(found.convergence_)
            covered += ((ends.low <= model.params_) & (model.params_ <= ends.high)).to_numpy()
        print(f"{kind.__name__}: {usable} of {rounds} fits converged; coverage (Monte-Carlo error)")
        for name, share in zip(model.params_.index, covered / rounds):
            print(f"    {name:24}{share:7.3f} ({np.sqrt(share * (1 - share) / rounds):.3f})")


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
    options.add_argument("--covariates", type=int, nargs="?", const=600, metavar="CUSTOMERS")
    options.add_argument("--coverage", type=int, metavar="ROUNDS")
    given = options.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    if given.growth:
        growth(given.growth, given.largest)
    elif given.agreement:
        agreement(given.agreement)
    elif given.covariates:
        with_covariates(given.covariates, given.repeats)
    elif given.coverage:
        coverage(given.coverage)
    else:
        compare(given.customers, given.peer_customers, given.repeats)
