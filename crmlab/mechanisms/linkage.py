"""Customers with two devices: what a firm knows of them when it links the two, rightly or wrongly.

Purchases a year on the known device, on the other, and next year's on both are Poisson(λ, λ, 2λ), with λ
gamma. Devices are linked with a chance ``Λ(links + purchases_to_link · ln λ)``; a share of the links leads
to a stranger's device. The forecast is the mean of λ given the counts (Poisson counts with a gamma prior).
"""

from collections.abc import Mapping
from functools import lru_cache
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, roots_genlaguerre

from crmlab.mechanisms.counts import poisson_counts

Array = np.ndarray
SHAPE, MEAN_RATE = 1.5, 2.0  # of λ: purchases a year on one device


def draw_accounts(p: Mapping[str, float], n: int, rng: Any) -> dict[str, Array]:
    """Accounts with a year of purchases, and the next year's.

    Parameters
    ----------
    p : mapping
        The parameters of `gain_of_linkage` by name.
    n : int
        Accounts.
    rng : Generator

    Returns
    -------
    dict of array
        purchases (known device), linked, unlinked, other_device (0 if unlinked), next_year, forecast.
    """
    rate, strangers = (rng.gamma(SHAPE, MEAN_RATE / SHAPE, n) for _ in range(2))
    linked = (rng.random(n) < chance_of_link(rate, p["links"], p["purchases_to_link"])) * 1.0
    other = np.where(rng.random(n) < p["wrong_links"], strangers, rate)
    known, elsewhere, later = (poisson_counts(mean, rng.random(n)) for mean in (rate, other, 2 * rate))
    return {
        "purchases": known,
        "linked": linked,
        "unlinked": 1 - linked,
        "other_device": linked * elsewhere,
        "next_year": later,
        "forecast": forecast(known, linked * elsewhere, linked),
    }


def chance_of_link(rate: ArrayLike, links: float, purchases_to_link: float) -> Any:
    """Chance that both devices of somebody who buys at this rate are linked."""
    return expit(links + purchases_to_link * np.log(rate))


def forecast(known: ArrayLike, elsewhere: ArrayLike, linked: ArrayLike) -> Any:
    """Purchases a device and year, given the counts: ``(k + X₁ + L X₂) / (k/mean + 1 + L)``, k the shape."""
    linked = np.asarray(linked)
    return (SHAPE + np.add(known, elsewhere)) / (SHAPE / MEAN_RATE + 1 + linked)


@lru_cache(maxsize=2)
def rate_nodes(nodes: int = 80) -> tuple[Array, Array]:
    """Rates λ and their masses, by Gauss–Laguerre quadrature."""
    points, masses = roots_genlaguerre(nodes, SHAPE - 1)
    return points * MEAN_RATE / SHAPE, masses / masses.sum()


def gain_of_linkage(links: float, purchases_to_link: float, wrong_links: float) -> float:
    """Correlation of next year's purchases with the forecast, less that with the known device's count."""
    rate, mass = rate_nodes()
    linked = chance_of_link(rate, links, purchases_to_link)
    alone, together = (forecast(0.0, 0.0, at) for at in (0.0, 1.0))  # forecasts at no purchase
    per_alone, per_together = alone / SHAPE, together / SHAPE  # what one purchase adds to them
    both, both_square = _moments_of_both(rate, wrong_links)
    mean = linked * (together + per_together * both) + (1 - linked) * (alone + per_alone * rate)
    square_together = together**2 + 2 * together * per_together * both + per_together**2 * both_square
    square_alone = alone**2 + 2 * alone * per_alone * rate + per_alone**2 * (rate + rate**2)
    square = linked * square_together + (1 - linked) * square_alone
    covariance = mass @ (2 * rate * mean) - 2 * MEAN_RATE * (mass @ mean)
    spread = sqrt(mass @ square - (mass @ mean) ** 2)
    variance = MEAN_RATE**2 / SHAPE  # of λ
    later = sqrt(2 * MEAN_RATE + 4 * variance)
    return float(covariance / (spread * later) - 2 * variance / (sqrt(MEAN_RATE + variance) * later))


def _moments_of_both(rate, wrong_links):
    """Mean and mean square of the purchases on two linked devices, given the rate."""
    stranger_square = MEAN_RATE + MEAN_RATE**2 * (1 + 1 / SHAPE)
    elsewhere = (1 - wrong_links) * rate + wrong_links * MEAN_RATE
    square = (1 - wrong_links) * (rate + rate**2) + wrong_links * stranger_square
    return rate + elsewhere, rate + rate**2 + 2 * rate * elsewhere + square
