"""How concentrated sales are where customers buy by chance and differ: exact sums, no simulation.

A customer's purchases in a window are negative binomial (a gamma of rates, Poisson counts), and each purchase
brings an amount that is lognormal between customers:

    λ ~ Gamma(k, mean μ),   N ~ Poisson(λ),   m ~ Lognormal(median 1, log-sd σ),   S = N m.

In the next window a customer keeps his rate with chance ρ, else draws a new one. All functions take arrays of
markets at once. Sums over counts run until what is left of the sales is below `TAIL`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import ndtr

Floats = NDArray[np.float64]

TAIL = 1e-9  # the share of purchases that may lie beyond the last count summed
HALVINGS = 48  # of the interval in which a cut lies: its logarithm is known to 1e-12
CHUNK = 256  # markets whose counts are summed together
NODES = 48  # of the quadrature under a Lorenz curve


@dataclass(frozen=True)
class Concentration:
    """What the buyers above a cut hold, one entry a market.

    Attributes
    ----------
    share : array
        Of the buyers' sales in this window, from 0 to 1.
    next_share : array
        Of the same buyers' sales in the next window.
    mean, next_mean : array
        Sales a buyer above the cut, in this window and the next, in units of the median amount.
    """

    share: Floats
    next_share: Floats
    mean: Floats
    next_mean: Floats


def best_buyers(
    fraction: float, k: ArrayLike, mean: ArrayLike, sigma: ArrayLike, persistence: ArrayLike = 1.0
) -> Concentration:
    """What the best `fraction` of buyers hold now, and what they hold next.

    Parameters
    ----------
    fraction : float
        Of all who bought in the window, from 0 to 1.
    k, mean : array
        The gamma's shape, and the purchases a customer and window.
    sigma : array
        Standard deviation of the logarithm of a customer's amount.
    persistence : array
        The chance that a customer's rate stays as it is in the next window.

    Notes
    -----
    Above a cut q lie ``P(S > q) = Σ pₙ Φ(zₙ)`` with ``zₙ = −ln(q/n)/σ``, their sales are
    ``Σ pₙ n m̄ Φ(zₙ + σ)``, and their sales next ``Σ pₙ (ρ E[λ|n] + (1 − ρ) μ) m̄ Φ(zₙ + σ)``, where
    ``E[λ|n] = (k + n)/(k/μ + 1)`` and ``m̄ = exp(σ²/2)``. Ours; checked by simulation in the tests.
    """
    markets = np.broadcast_arrays(*(np.asarray(each, dtype=float) for each in (k, mean, sigma, persistence)))
    shape = markets[0].shape
    flat = [each.ravel() for each in markets]
    found = np.empty((4, flat[0].size))
    for rows in _by_size(flat[0], flat[1]):
        found[:, rows] = _above_the_cut(fraction, *(each[rows, None] for each in flat))
    return Concentration(*(row.reshape(shape) for row in found))


def worst_buyers(
    fraction: float, k: ArrayLike, mean: ArrayLike, sigma: ArrayLike, persistence: ArrayLike = 1.0
) -> Concentration:
    """What the worst `fraction` of buyers hold: all less those above the cut. As `best_buyers`."""
    everybody = best_buyers(1.0, k, mean, sigma, persistence)
    above = best_buyers(1 - fraction, k, mean, sigma, persistence)
    below = [
        (whole - (1 - fraction) * best) / fraction
        for whole, best in ((everybody.mean, above.mean), (everybody.next_mean, above.next_mean))
    ]
    return Concentration(1 - above.share, 1 - above.next_share, *below)


@dataclass(frozen=True)
class Below:
    """The customers whose sales stay below an amount, those who buy nothing among them; one entry a market.

    Attributes
    ----------
    share : array
        Of all customers.
    next_sales : array
        What they bring in the next window, spread over all customers, in units of the median amount.
    """

    share: Floats
    next_sales: Floats


def below(
    amount: ArrayLike, k: ArrayLike, mean: ArrayLike, sigma: ArrayLike, persistence: ArrayLike = 1.0
) -> Below:
    """Who brings less than an `amount` in this window, and what these customers bring in the next.

    Parameters
    ----------
    amount : array
        Above 0, in units of the median amount.
    k, mean, sigma, persistence : array
        As for `best_buyers`; customers who never buy are not in it.

    Notes
    -----
    ``P(S < c) = p₀ + Σ pₙ Φ(z)`` with ``z = ln(c/n)/σ``; of next sales they bring
    ``Σ pₙ (ρ E[λ|n] + (1 − ρ) μ) m̄ Φ(z − σ)``, those with n = 0 all of theirs. Ours; checked by simulation.
    """
    given = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (amount, k, mean, sigma, persistence)))
    shape = given[0].shape
    threshold, shapes, means, spread, keeps = (each.ravel()[:, None] for each in given)
    success = shapes / (shapes + means)
    n = np.arange(stats.nbinom.isf(TAIL, shapes + 1, success).max() + 1)
    chance = stats.nbinom.pmf(n, shapes, success)
    with np.errstate(divide="ignore"):
        z = (np.log(threshold) - np.log(n)) / spread
    rate_next = keeps * (shapes + n) / (shapes / means + 1) + (1 - keeps) * means
    brings = (chance * rate_next * np.exp(spread**2 / 2) * ndtr(z - spread)).sum(axis=1)
    return Below((chance * ndtr(z)).sum(axis=1).reshape(shape), brings.reshape(shape))


def buying(k: ArrayLike, mean: ArrayLike) -> Floats:
    """The share of customers who buy at all in the window: one less ``(k/(k + μ))ᵏ``."""
    shape = np.asarray(k, dtype=float)
    return 1 - (shape / (shape + np.asarray(mean, dtype=float))) ** shape


def share_of_best(
    fractions: ArrayLike,
    k: float,
    mean: float,
    sigma: float,
    persistence: float = 1.0,
    *,
    listed: bool = False,
    dormant: float = 0.0,
    following: bool = False,
) -> Floats:
    """What the best hold of one market's sales, at many fractions at once: the Lorenz curve from the top.

    Parameters
    ----------
    fractions : array
        Of the buyers, from 0 to 1; with `listed`, of everybody on the list.
    k, mean, sigma, persistence : float
        As for `best_buyers`.
    listed : bool
        Whether those who buy nothing count, too.
    dormant : float
        Share of the list that never buys; for `listed`.
    following : bool
        Of the same buyers' sales in the next window in place of this one's.
    """
    asked = np.atleast_1d(np.asarray(fractions, dtype=float))
    who = np.minimum(asked / ((1 - dormant) * buying(k, mean)), 1.0) if listed else asked
    found = np.zeros(asked.shape)
    for at, fraction in enumerate(who):
        if fraction > 0:
            best = best_buyers(float(fraction), k, mean, sigma, persistence)
            found[at] = best.next_share if following else best.share
    return found


def gini(k: float, mean: float, sigma: float, *, listed: bool = False, dormant: float = 0.0) -> float:
    """The Gini coefficient of one market's sales: of its buyers or, with `listed`, of its whole list.

    Twice the area between the Lorenz curve and the diagonal, by Gauss & Legendre's rule. A share of the list
    that brings nothing moves the buyers' coefficient G to ``1 − π(1 − G)``, with π the share of buyers.
    """
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    held = share_of_best((nodes + 1) / 2, k, mean, sigma)
    of_buyers = float(weights @ held - 1)
    return of_buyers if not listed else 1 - float((1 - dormant) * buying(k, mean)) * (1 - of_buyers)


def least_decile_ratio(top_fifth_share: ArrayLike) -> Floats:
    """The least ratio of best to worst tenth that a share of the best fifth leaves possible.

    A share L of something that nobody has less than none of: the best tenth holds at least L/2, the worst at
    most (1 − L)/8, an even spread of what the other four fifths hold. So the ratio is at least 4L/(1 − L):
    16 for 80/20.
    """
    share = np.asarray(top_fifth_share, dtype=float)
    return np.divide(4 * share, 1 - share, out=np.full(share.shape, np.inf), where=share < 1)


def _by_size(k: Floats, mean: Floats) -> Iterator[NDArray[np.intp]]:
    """Rows in chunks whose largest counts are near one another, so that few terms are wasted."""
    order = np.argsort(mean * (1 + mean / k))
    yield from (order[start : start + CHUNK] for start in range(0, order.size, CHUNK))


def _above_the_cut(
    fraction: float, k: Floats, mean: Floats, sigma: Floats, persistence: Floats
) -> tuple[Floats, ...]:
    """Share, next share, mean and next mean of the best; arrays of (markets, 1)."""
    success = k / (k + mean)
    last = stats.nbinom.isf(TAIL, k + 1, success).max()  # purchases by count are negative binomial in k + 1
    n = np.arange(1.0, last + 1)
    chance = stats.nbinom.pmf(n, k, success)
    buyers = chance.sum(axis=1, keepdims=True)
    log_n = np.log(n)
    z = (log_n - _cut(fraction * buyers, chance, log_n, sigma)) / sigma if fraction < 1 else np.inf * n
    amount = np.exp(sigma**2 / 2) * ndtr(z + sigma)
    rate_next = persistence * (k + n) / (k / mean + 1) + (1 - persistence) * mean
    now = (chance * n * amount).sum(axis=1)
    then = (chance * rate_next * amount).sum(axis=1)
    whole = np.exp(sigma**2 / 2)
    of_now = (chance * n * whole).sum(axis=1)
    of_then = (chance * rate_next * whole).sum(axis=1)
    many = fraction * buyers[:, 0]
    return now / of_now, then / of_then, now / many, then / many


def _cut(wanted: Floats, chance: Floats, log_n: Floats, sigma: Floats) -> Floats:
    """The logarithm of the sales above which a `wanted` share of all customers lies, by bisection."""
    low = np.full_like(sigma, log_n[0]) - 9 * sigma
    high = np.full_like(sigma, log_n[-1]) + 9 * sigma
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = (chance * ndtr((log_n - middle) / sigma)).sum(axis=1, keepdims=True)
        low, high = np.where(above > wanted, middle, low), np.where(above > wanted, high, middle)
    return (low + high) / 2


TIERS = ("best fifth", "three fifths", "last fifth", "buy nothing")


def tier_moves(before: ArrayLike, after: ArrayLike) -> Floats:
    """How many of one window's buyers move from tier to tier, the tiers of each window being its buyers'.

    Parameters
    ----------
    before, after : array of shape (customers,)
        Sales in two windows. Who bought nothing in the first is left out.

    Returns
    -------
    array of shape (4, 4)
        From the row's tier to the column's, in the order of `TIERS`.
    """
    first, second = _tier_numbers(np.asarray(before, float)), _tier_numbers(np.asarray(after, float))
    moves = np.zeros((4, 4))
    np.add.at(moves, (first, second), 1)
    moves[3] = 0
    return moves


def _tier_numbers(sales: Floats) -> NDArray[np.intp]:
    """0 for the best fifth of buyers, 1 for the next three, 2 for the last, 3 for who bought nothing."""
    buyers = int((sales > 0).sum())
    rank = np.empty(sales.size)
    rank[np.argsort(-sales, kind="stable")] = np.arange(sales.size)
    tiers = np.searchsorted(np.rint([0.2 * buyers, 0.8 * buyers]), rank, side="right")
    return np.where(sales > 0, tiers, 3)
