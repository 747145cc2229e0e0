"""Cards that are stamped at each purchase and earn a reward when full, in shops that give stamps beforehand.

    hazard a week after j stamps = λ exp(g progress),   λ ~ Gamma(k, mean .5)
    progress = j / 10,                                     on a card of ten
             = (1 − ψ) j / 10 + ψ (j + 2) / 12,            on a card of twelve with two stamps given

Both cards take ten purchases. ψ is how far the given stamps are taken for progress made (illusory progress;
Kivetz, Urminsky & Zheng 2006, doi:10.1509/jmkr.43.1.39).
"""

from typing import Any

import numpy as np
from scipy.special import expit

from crmlab.mechanisms.counts import poisson_counts

STAMPS, GIVEN, WEEKS, EARLIER_WEEKS, A_WEEK = 10, 2, 40.0, 26.0, 0.5
LEANING = 1.5  # logit units a log point of λ, towards the card with given stamps where one may choose

PROGRESS = np.arange(STAMPS) / STAMPS
HEAD_START = (np.arange(STAMPS) + GIVEN) / (STAMPS + GIVEN) - PROGRESS
STAGES = {"progress": np.stack([PROGRESS, PROGRESS]), "head start": np.stack([0 * HEAD_START, HEAD_START])}


def draw_cards(
    number: int, gradient: float, illusion: float, shape: float, choosing: float, rng: Any
) -> dict[str, np.ndarray]:
    """Cards and how they filled in forty weeks; half of them have given stamps, by lot.

    Parameters
    ----------
    number : int
    gradient, illusion, shape : float
        g, ψ and k.
    choosing : float
        Share of customers whose shop lets them choose their card.
    rng : Generator, of one cohort or of many

    Returns
    -------
    dict of array, shape (..., number)
        ``given`` and ``by_lot`` (0 or 1), ``earlier_orders`` of the half year before the card, ``stamps``
        earned, ``weeks`` until the card was full or forty, and ``week_1`` … ``week_10``: weeks spent on the
        way to each stamp, 0 where it was not tried.
    """
    rate = rng.standard_gamma(shape, number) * A_WEEK / shape
    chooses, lot = rng.random(number) < choosing, rng.random(number)
    likes = expit(LEANING * np.log(np.maximum(rate, 1e-300) / A_WEEK))
    given = lot < np.where(chooses, likes, 0.5)
    speed = gradient * (PROGRESS[:, None] + illusion * HEAD_START[:, None] * given[..., None, :])
    with np.errstate(divide="ignore"):
        waited = rng.standard_exponential((STAMPS, number)) / (rate[..., None, :] * np.exp(speed))
    waited = np.minimum(waited, 2 * WEEKS)  # who buys next to never waits longer than is looked at
    reached = np.cumsum(waited, -2)
    spent = np.clip(WEEKS - reached + waited, 0, waited)
    columns = {f"week_{stage + 1}": spent[..., stage, :] for stage in range(STAMPS)}
    return {
        "given": given * 1.0,
        "by_lot": (~chooses) * 1.0,
        "earlier_orders": poisson_counts(EARLIER_WEEKS * rate, rng.random(number)),
        "stamps": (reached <= WEEKS).sum(-2) * 1.0,
        "weeks": spent.sum(-2),
    } | columns
