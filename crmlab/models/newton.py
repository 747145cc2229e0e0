"""Newton's method on many likelihoods at once: each goes on until it has arrived, the others wait."""

from collections.abc import Callable

import numpy as np

from crmlab.models.stacked import inverse

STEPS = 40
HALVINGS = 12

Derivatives = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
Height = Callable[[np.ndarray, np.ndarray], np.ndarray]


def maximise(
    derivatives: Derivatives,
    start: np.ndarray,
    *,
    height: Height | None = None,
    steps: int = STEPS,
    tolerance: float = 1e-8,
    largest: float = np.inf,
) -> tuple[np.ndarray, np.ndarray]:
    """Maximise a stack of log-likelihoods.

    Parameters
    ----------
    derivatives : callable
        ``(parameters, which)`` to the score, of shape (m, k), and the information (minus the second
        derivative), of shape (m, k, k), of the m likelihoods with these numbers.
    start : array of shape (likelihoods, k)
    height : callable, optional
        ``(parameters, which)`` to the log-likelihoods, of shape (m,). With it a step that lowers a likelihood
        is halved until it does not.
    steps : int
    tolerance : float
        A likelihood has arrived when no coordinate of its step is larger than this times one plus the
        coordinate's size.
    largest : float
        To which a step's coordinates are cut.

    Returns
    -------
    parameters : array of shape (likelihoods, k)
        NaN where there is no maximum, or the method did not arrive.
    arrived : array of bool, shape (likelihoods,)
    """
    point = np.array(start, dtype=float)
    arrived, moving = np.zeros(len(point), dtype=bool), np.arange(len(point))
    now = np.zeros(len(point)) if height is None else height(point, moving)
    with np.errstate(all="ignore"):
        for _ in range(steps):
            score, information = derivatives(point[moving], moving)
            step = np.clip((inverse(information) @ score[..., None])[..., 0], -largest, largest)
            if height is None:
                point[moving] += step
                going = np.isfinite(step).all(-1)
            else:
                point[moving], now[moving], going = _uphill(point[moving], now[moving], step, height, moving)
            near = (np.abs(step) < tolerance * (1 + np.abs(point[moving]))).all(-1)
            arrived[moving] = going & near
            moving = moving[going & ~near]
            if not len(moving):
                break
    point[~arrived] = np.nan
    return point, arrived


def _uphill(point, now, step, height, which):
    """The step, halved for those that it takes downhill; where they arrive, how high, and whether any did."""
    tried, reached = point + step, np.full(len(point), -np.inf)
    scale, waiting = np.ones(len(point)), np.arange(len(point))
    for _ in range(HALVINGS):
        tried[waiting] = point[waiting] + scale[waiting, None] * step[waiting]
        reached[waiting] = height(tried[waiting], which[waiting])
        waiting = waiting[~(reached[waiting] >= now[waiting] - 1e-10 * np.abs(now[waiting]))]
        if not len(waiting):
            break
        scale[waiting] /= 2
    going = np.ones(len(point), dtype=bool)
    going[waiting] = False
    return np.where(going[:, None], tried, point), np.where(going, reached, now), going
