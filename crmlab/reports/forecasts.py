"""What customers are expected to do and to be worth, and how far totals could be from it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmlab.cores import available_cores
from crmlab.models.btyd import GammaGamma
from crmlab.models.btyd.special import barycentric, chebyshev
from crmlab.plots.intervals import REACH, interval

BLOCK = 1 << 10  # rows computed together
NODES = 28  # times observed at which the futures of one frequency are computed
REGULAR = 96  # the same, for regular purchases, whose expectations rise in waves
SAMPLE = 20_000  # customers on whom uncertainty is computed
SUMMED = ("probability_alive", "expected_purchases", "value")  # of which there are totals


@dataclass(frozen=True)
class Total:
    """A total with its 95% interval.

    Attributes
    ----------
    value : float
    low, high : float
        Between which the total will be in 95 of 100 cases, if the model is right; NaN where it cannot be
        said.
    parameters, chance : float
        Standard errors that come from the estimates, and from what customers happen to do.
    """

    value: float
    low: float
    high: float
    parameters: float
    chance: float


def forecast(model: Any, summary: pd.DataFrame, horizon: float, rate: float) -> pd.DataFrame:
    """The summary with P(alive), expected purchases and discounted expected purchases.

    A customer who is active has one future whatever the time of the last purchase, so futures are computed
    once for each frequency and T, and weighted by P(alive).

    Parameters
    ----------
    horizon : float
        In the summary's unit of time.
    rate : float
        Discount rate per unit of time.
    """
    x, t_x, T = (summary[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    alive = model.probability_alive(x, t_x, T)
    if getattr(model, "k_", 1) == 1:
        ahead, discounted = _futures(model, x, T, horizon, rate)
    else:  # the future depends on the phase, of which only probabilities are known
        weights = model.phases(x, t_x, T).T
        futures = [_futures(model, x, T, horizon, rate, phase) for phase in range(model.k_)]
        ahead, discounted = (sum(weights * np.array(each)) for each in zip(*futures))
    return summary.assign(
        probability_alive=alive, expected_purchases=alive * ahead, discounted_purchases=alive * discounted
    )


def _futures(
    model: Any, x: np.ndarray, T: np.ndarray, horizon: float, rate: float, phase: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Expected and discounted purchases of active customers, for each customer.

    For one frequency they are smooth in T: where there are many T, they are interpolated between the
    Chebyshev points of log(T + α) (or β, if less: futures depend on T through α + T and β + T), which is
    exact to eight digits (tested).
    """
    code, windows = pd.factorize(T)
    which, pairs = pd.factorize(x * len(windows) + code)
    n, window = (pairs // len(windows)).astype(float), windows[(pairs % len(windows)).astype(int)]
    counts, row = np.unique(n, return_inverse=True)
    count = NODES if phase is None else REGULAR
    if len(n) <= 2 * count * len(counts):
        found = _computed(model, n, window, horizon, rate, phase)
        return found[0][which], found[1][which]
    scale = _scale(model)
    low, high = np.log(window.min() + scale), np.log(window.max() + scale)
    nodes = np.cos((2.0 * np.arange(count) + 1.0) * np.pi / (2.0 * count))
    at = np.exp(0.5 * (low + high) + 0.5 * (high - low) * nodes) - scale
    grid = np.maximum(np.tile(at, len(counts)), 0.0)
    known = _computed(model, np.repeat(counts, count), grid, horizon, rate, phase)
    weights = barycentric(nodes, (2.0 * np.log(window + scale) - low - high) / (high - low))
    ahead, discounted = (
        np.einsum("ij,ij->i", weights, each.reshape(len(counts), count)[row])[which] for each in known
    )
    return ahead, discounted


def _computed(
    model: Any, frequency: np.ndarray, T: np.ndarray, horizon: float, rate: float, phase: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Expected and discounted purchases of customers known to be active, asked of the model."""
    times, weights = _discounting(model, horizon, rate)

    def block(part: slice) -> tuple[np.ndarray, np.ndarray]:
        history = frequency[part], np.where(frequency[part] > 0, T[part], 0.0), T[part]
        if phase is None:
            ahead = model.conditional_expected_purchases(times[:, None], *history)
            ahead /= model.probability_alive(*history)
        else:
            ahead = model.expected_of_active(times[:, None], frequency[part], T[part], phase)
        return ahead[-1], weights @ ahead

    parts = [slice(start, start + BLOCK) for start in range(0, len(frequency), BLOCK)]
    with ThreadPoolExecutor(available_cores()) as pool:
        found = list(pool.map(block, parts))
    return np.concatenate([each[0] for each in found]), np.concatenate([each[1] for each in found])


def _discounting(model: Any, horizon: float, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Times, the last the horizon, and weights of what is expected until them, for discounted purchases.

    Purchases are discounted at the end of each unit of time. Expectations are smooth in time: where the ends
    are many, those between Chebyshev points of log(t + α) are interpolated.
    """
    ends = np.minimum(np.arange(1.0, np.ceil(horizon) + 1.0), horizon)
    factor = (1.0 + rate) ** -ends
    weights = factor - np.r_[factor[1:], 0.0]  # of Σ (E(t_k) − E(t_k−1)) d^k, in E(t_k)
    if len(ends) <= NODES:
        return ends, weights
    scale = _scale(model)
    low, high = np.log(scale), np.log(horizon + scale)
    nodes = chebyshev(NODES)
    times = np.exp(0.5 * (low + high) + 0.5 * (high - low) * nodes) - scale
    between = barycentric(nodes, (2.0 * np.log(ends + scale) - low - high) / (high - low))
    return np.r_[np.maximum(times, 0.0), horizon], np.r_[weights @ between, 0.0]


def _scale(model: Any) -> float:
    """The time by which futures change: they depend on times through α + T and β + T."""
    return float(min(model.params_[name] for name in ("alpha", "beta") if name in model.params_))


def valued(
    customers: pd.DataFrame, spend: GammaGamma | None, margin: float, mean: float | None = None
) -> pd.DataFrame:
    """Expected spend a purchase, and value: margin times spend times discounted purchases.

    Where the model of spend gives nothing finite, the `mean` over buyers stands in, that of these customers
    unless it is given.
    """
    usable = (customers["frequency"] > 0) & (customers["monetary_value"] > 0)
    if mean is None:
        mean = customers["monetary_value"][usable].mean() if usable.any() else np.nan
    if spend is None:
        expected = np.full(len(customers), mean)
    else:
        expected = spend.expected_spend(
            np.where(usable, customers["frequency"], 0), np.where(usable, customers["monetary_value"], 0.0)
        )
        expected = np.where(np.isfinite(expected), expected, mean)
    value = margin * expected * customers["discounted_purchases"]
    return customers.assign(expected_spend=expected, value=value)


# -- totals --------------------------------------------------------------------------------------------------


def totals(
    model: Any,
    spend: GammaGamma | None,
    customers: pd.DataFrame,
    horizon: float,
    margin: float,
    seed: int = 0,
    asked: Any = None,
) -> dict[str, Total]:
    """Active customers, expected purchases and value over all customers, with intervals.

    What comes from the estimates is found by the delta method on a sample of customers, what comes from
    chance by drawing a future for each of the sample: whether active, how often bought, what was spent.
    `asked` is about the same customers, in any order; see `crmlab.reports.asking.Asked`.
    """
    some = customers.iloc[np.linspace(0, len(customers) - 1, min(len(customers), SAMPLE)).astype(int)]
    sums = {name: float(customers[name].sum()) for name in SUMMED if name in customers}
    asked = None if asked is None else asked.some(asked.summary.index.get_indexer(some.index))
    return totals_of(model, spend, some, len(customers), sums, horizon, margin, seed, asked)


def totals_of(
    model: Any,
    spend: GammaGamma | None,
    some: pd.DataFrame,
    n: int,
    sums: dict[str, float],
    horizon: float,
    margin: float,
    seed: int = 0,
    asked: Any = None,
) -> dict[str, Total]:
    """The same from a sample of `n` customers and the `sums` over all of what is expected of them."""
    from crmlab.reports.asking import Summarised

    asked = Summarised(some) if asked is None else asked
    generator = np.random.default_rng(seed)
    alive, bought = asked.drawn(model, horizon, generator)
    drawn = {"active": alive.astype(float), "expected_purchases": bought}
    expected = {"active": "probability_alive", "expected_purchases": "expected_purchases"}
    doubts = {
        "active": _doubt(model, lambda m: asked.alive(m).mean()),
        "expected_purchases": _doubt(model, lambda m: asked.expected(m, horizon).mean()),
    }
    if "value" in sums:
        drawn["value"] = margin * _drawn_spend(spend, some, bought, generator)
        drawn["value"] *= _ratio(some["discounted_purchases"], some["expected_purchases"])
        expected["value"] = "value"
        doubts["value"] = np.hypot(doubts["expected_purchases"], _doubt_of_spend(spend, some))
    found = {}
    for name, column in expected.items():
        error = drawn[name] - some[column].to_numpy(float)
        found[name] = _total(sums[column], doubts[name], float(np.sqrt(n * np.mean(error**2))))
    return found


def _total(value: float, doubt: float, chance: float) -> Total:
    """A total whose interval is symmetric on the log scale, where its parts' errors add up."""
    if not (value > 0 and np.isfinite(doubt)):
        return Total(value, np.nan, np.nan, np.nan, chance)
    reach = REACH * np.hypot(doubt, chance / value)
    return Total(value, float(value * np.exp(-reach)), float(value * np.exp(reach)), value * doubt, chance)


def _ratio(above: pd.Series, below: pd.Series) -> np.ndarray:
    return np.divide(above.to_numpy(), below.to_numpy(), out=np.zeros(len(above)), where=below.to_numpy() > 0)


def _doubt(model: Any, function: Any) -> float:
    """Relative standard error of a mean, from the covariance of the estimates."""
    _, low, high = interval(model, function, "log")
    return np.nan if low is None else float(np.log(high / low) / (2.0 * REACH))


def _doubt_of_spend(spend: GammaGamma | None, some: pd.DataFrame) -> float:
    """Relative standard error of the worth of the expected purchases, from the estimates of spend."""
    if spend is None:
        return 0.0
    usable = (some["frequency"] > 0) & (some["monetary_value"] > 0)
    x, m = np.where(usable, some["frequency"], 0), np.where(usable, some["monetary_value"], 0.0)
    weight = some["discounted_purchases"].to_numpy()

    def worth(model: GammaGamma) -> float:
        expected = np.asarray(model.expected_spend(x, m))
        return float(weight @ np.where(np.isfinite(expected), expected, 0.0))

    doubt = _doubt(spend, worth)
    return doubt if np.isfinite(doubt) else 0.0


# -- futures by chance ---------------------------------------------------------------------------------------


def drawn_futures(
    model: Any, history: tuple[np.ndarray, ...], horizon: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """For each customer, whether still active and how many purchases in the horizon, drawn given the history.

    Given that a customer is active, rate and dropout have the conjugate distributions: Gamma(r + x, α + T),
    and Beta(a, b + x) (MBG/NBD: b + x + 1) or Gamma(s, β + T). Where every k-th tick is a purchase, ticks
    come at rate Gamma(r + k·x + phase, α + T).
    """
    x, _, T = history
    alive = generator.random(len(x)) < model.probability_alive(*history)
    p = model.params_
    k = getattr(model, "k_", 1)
    phase = _drawn_phases(model, history, generator) if k > 1 else 0
    rate = generator.gamma(p["r"] + k * x + phase, 1.0 / (p["alpha"] + T))
    if "s" in p:
        lifetime = generator.exponential(1.0, len(x)) / generator.gamma(p["s"], 1.0 / (p["beta"] + T))
        return alive, alive * generator.poisson(rate * np.minimum(lifetime, horizon))
    first = float(getattr(model, "flips_at_start", False))
    leaves = np.clip(generator.beta(p["a"], p["b"] + x + first), 1e-12, 1.0)
    made = (generator.poisson(rate * horizon) + phase) // k
    return alive, alive * np.minimum(made, generator.geometric(leaves))


def _drawn_phases(model: Any, history: tuple[np.ndarray, ...], generator: np.random.Generator) -> np.ndarray:
    """Ticks since each customer's last purchase, drawn given that the customer is active."""
    reached = np.cumsum(model.phases(*history), axis=1)
    return (generator.random(len(reached))[:, None] > reached[:, :-1]).sum(axis=1)


def _drawn_spend(
    spend: GammaGamma | None, some: pd.DataFrame, bought: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """What the drawn purchases are worth: a customer's ν given the history, then a sum of gammas."""
    if spend is None:
        return bought * some["expected_spend"].to_numpy()
    p, q, gamma = (float(spend.params_[name]) for name in ("p", "q", "gamma"))
    usable = ((some["frequency"] > 0) & (some["monetary_value"] > 0)).to_numpy()
    x = np.where(usable, some["frequency"], 0)
    total = np.where(usable, x * some["monetary_value"], 0.0)
    nu = generator.gamma(q + p * x, 1.0 / (gamma + total))
    amounts = generator.gamma(np.maximum(p * bought, 1e-300)) / nu
    known = np.isfinite(spend.expected_spend()) | (x > 0)
    return np.where(bought > 0, np.where(known, amounts, bought * some["expected_spend"]), 0.0)
