"""Gamma-gamma spend: what purchases are worth, drawn as totals first and shared out among them later."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from crmlab.errors import InputError, check_known, listing
from crmlab.mechanisms.purchases.checks import check_positive, numbers
from crmlab.mechanisms.purchases.streams import BLOCK, SPEND, Seed, in_threads, sequence_of, stream

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def gamma_gamma(
    frequency: npt.ArrayLike, *, p: float, q: float, gamma: float, seed: Seed
) -> tuple[Array, Array]:
    """Draw mean spends: a purchase is worth Gamma(p, ν), and ν ~ Gamma(q, gamma) over customers.

    Parameters
    ----------
    frequency : array_like, shape (n,)
        Purchases that each mean is over.
    p, q, gamma : float
        As Fader, Hardie & Lee (2005, https://doi.org/10.1509/jmkr.2005.42.4.415); gamma in the unit of money.
    seed : int, numpy.random.SeedSequence or numpy.random.Generator
        A generator gives one number, from which all streams follow.

    Returns
    -------
    monetary_value, mean_spend : arrays, shape (n,)
        The observed mean (0 where frequency is 0) and the customer's true mean p/ν.
    """
    check_positive(dict(p=p, q=q, gamma=gamma))
    x = numbers("frequency", frequency)
    bad = ~(np.isfinite(x) & (x >= 0) & (x == np.rint(x)))
    if x.ndim != 1 or bad.any():
        raise InputError(
            f"frequency has shape {x.shape} and {bad.sum()} values that are no whole number from 0; give one "
            f"count of purchases a customer"
        )
    sequence = sequence_of(seed)
    mean, truth = np.empty(x.size), np.empty(x.size)
    for start in range(0, x.size, BLOCK):
        part = slice(start, start + BLOCK)
        total, rate = totals_of(stream(sequence, start // BLOCK, SPEND), x[part], p, q, gamma)
        mean[part], truth[part] = total / np.maximum(x[part], 1), p / rate
    return mean, truth


def spending(
    sequence: np.random.SeedSequence, first: int, x: Counts, spend: Mapping[str, float], threads: int
) -> tuple[Array, Array]:
    """Each customer's total of x repeat purchases and rate ν, arrays of shape (n,)."""
    check_known("parameter of spend", spend, ("p", "q", "gamma"))
    if len(spend) < 3:
        raise InputError(f"spend has {listing(spend)}; give p, q and gamma")
    check_positive(spend)
    total, rate = np.empty(x.size), np.empty(x.size)

    def block(start: int) -> None:
        part = slice(start, start + BLOCK)
        own = stream(sequence, (first + start) // BLOCK, SPEND)
        total[part], rate[part] = totals_of(own, x[part], **spend)

    in_threads(block, range(0, x.size, BLOCK), threads)
    return total, rate


def totals_of(
    generator: np.random.Generator, x: Counts | Array, p: float, q: float, gamma: float
) -> tuple[Array, Array]:
    """Total of x gamma-gamma amounts, and each customer's rate ν."""
    rate = np.maximum(generator.standard_gamma(q, x.size) / gamma, 1e-300)
    return generator.standard_gamma(p * x) / rate, rate


def amounts_of(
    generator: np.random.Generator, p: float, rate: Array, total: Array, x: Counts, counts: Counts
) -> Array:
    """Amounts that add up to each customer's total, after the first purchase's own amount."""
    draws = generator.standard_gamma(p, int(counts.sum()))
    starts = np.cumsum(counts) - counts
    first = draws[starts] / rate
    draws[starts] = 0.0
    sums = np.add.reduceat(draws, starts)
    scale = np.divide(total, sums, out=np.zeros(x.size), where=sums > 0)
    amounts = draws * np.repeat(scale, counts.astype(np.intp, copy=False))
    amounts[starts] = first
    return amounts
