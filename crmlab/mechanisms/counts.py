"""Counts whose mean differs from row to row and from simulation to simulation."""

import numpy as np
from scipy.stats import binom

from crmlab.errors import InputError

BLOCK = 1 << 14  # rows inverted together, so that they stay in the processor's cache


def poisson_counts(mean: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Poisson counts by inversion: the smallest count whose cumulative probability is above a uniform draw.

    A generator that draws many simulations at once takes numbers alone for the parameters of a distribution;
    uniform draws have none. And the same draws give nearby counts at nearby means.

    Parameters
    ----------
    mean : array
        Not negative; of at most some hundreds, since probabilities are added up one by one.
    uniform : array of the same shape
        From 0 to below 1.

    Returns
    -------
    array of float, of that shape

    Raises
    ------
    InputError
        If a mean is negative, above 500 or not a number.

    Examples
    --------
    >>> poisson_counts(np.array([1.0, 1.0, 4.0]), np.array([0.2, 0.5, 0.5])).tolist()
    [0.0, 1.0, 4.0]
    """
    flat = np.asarray(mean, dtype=float).ravel()
    good = (flat >= 0) & (flat <= 500)
    if not good.all():
        raise InputError(f"mean holds {flat[~good][0]}; Poisson means must lie from 0 to 500")
    draws = np.broadcast_to(np.asarray(uniform, dtype=float), np.shape(mean)).ravel()
    count = np.empty(len(flat))
    for start in range(0, len(flat), BLOCK):
        block = slice(start, start + BLOCK)
        count[block] = _inverted(flat[block], draws[block])
    return count.reshape(np.shape(mean))


def _inverted(mean: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Counts of one block: probabilities are added up in all rows; those that are done are left behind."""
    count, found = np.zeros(len(mean)), np.zeros(len(mean))
    probability = np.exp(-mean)
    total, at, place = probability.copy(), 0, np.arange(len(mean))
    while len(place):
        above = (draw >= total) & ((probability > 1e-17) | (at < mean))  # rounding leaves no count
        found += above
        at += 1
        if 2 * np.count_nonzero(above) < len(place):
            count[place] = found
            kept = np.flatnonzero(above)
            place, mean, draw, found = place[kept], mean[kept], draw[kept], found[kept]
            probability, total = probability[kept], total[kept]
        probability *= mean
        probability /= at
        total += probability
    return count


def binomial_counts(trials: np.ndarray | int, chance: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Binomial counts by inversion, for the same reasons as `poisson_counts`.

    Parameters
    ----------
    trials : int or array
        Whole numbers, 0 or more.
    chance : array
        From 0 to 1.
    uniform : array
        From 0 to below 1. The three are broadcast against each other.

    Returns
    -------
    array of float

    Raises
    ------
    InputError
        If a chance does not lie from 0 to 1.

    Examples
    --------
    >>> binomial_counts(10, np.array([0.5, 0.5, 0.0]), np.array([0.01, 0.5, 0.9])).tolist()
    [1.0, 5.0, 0.0]
    """
    flat = np.asarray(chance, dtype=float).ravel()
    good = (flat >= 0) & (flat <= 1)
    if not good.all():
        raise InputError(f"chance holds {flat[~good][0]}; chances must lie from 0 to 1")
    return binom.ppf(np.maximum(uniform, 1e-300), trials, chance)  # at 0 it is -1
