"""Journeys of six moments: their peak and end, and how closely peak–end goes with the mean of the moments.

A moment is ``m_t = g + e_t``: what a guest feels anywhere, g, and what the moment adds; 0 is neutral. The
peak is the moment farthest from 0, pleasant or not, after Kahneman et al. (1993,
doi:10.1111/j.1467-9280.1993.tb00589.x).
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr

from crmlab.mechanisms.normal import nodes_beside, normal_nodes

MOMENTS = 6
LEVEL, LEVEL_SPREAD = 1.0, 0.8  # of guests
MOMENT_SPREAD = 1.2


class JourneyScores(NamedTuple):
    """Population mean and standard deviation of both summaries of a journey, and their correlation."""

    mean: float
    mean_spread: float
    peak_end: float
    peak_end_spread: float
    correlation: float


def draw_moments(rng: Any, n: int) -> np.ndarray:
    """Moments of n guests, shape (..., n, MOMENTS)."""
    level = LEVEL + LEVEL_SPREAD * rng.standard_normal(n)
    return level[..., None] + MOMENT_SPREAD * rng.standard_normal((n, MOMENTS))


def peak_of(moments: np.ndarray) -> np.ndarray:
    """The moment farthest from 0, along the last axis; of two as far, the earlier."""
    moments = np.asarray(moments, dtype=float)
    at = np.abs(moments).argmax(-1)
    return np.take_along_axis(moments, at[..., None], -1)[..., 0]


def peak_end_of(moments: np.ndarray) -> np.ndarray:
    """The mean of the peak and the last moment, along the last axis."""
    return (peak_of(moments) + np.asarray(moments)[..., -1]) / 2


@lru_cache(maxsize=1)
def journey_scores() -> JourneyScores:
    """What peak–end and the mean of the moments are over all guests, by quadrature.

    The moments are exchangeable, so peak P and end have the covariance of P and the mean. Given g, P at x has
    the density ``T f(x) P(|m| < |x|)^(T-1)``, and the other moments are then normal within ``|x|`` of 0.
    """
    of_peak, of_square, with_mean = _peak_moments()
    mean_variance = LEVEL_SPREAD**2 + MOMENT_SPREAD**2 / MOMENTS
    covariance = with_mean - of_peak * LEVEL
    end_variance = LEVEL_SPREAD**2 + MOMENT_SPREAD**2
    variance = (of_square - of_peak**2 + end_variance + 2 * covariance) / 4
    spreads = np.sqrt([mean_variance, variance])
    correlation = (covariance + mean_variance) / 2 / spreads.prod()
    return JourneyScores(LEVEL, spreads[0], (of_peak + LEVEL) / 2, spreads[1], float(correlation))


def moment_correlations(mean_weight: float, peak_end_weight: float) -> np.ndarray:
    """Correlation of each moment with a recall of variance 1 that has these weights, shape (MOMENTS,).

    All moments count alike, but for the last: it is the end, whatever it is like.
    """
    scores = journey_scores()
    shared, own = LEVEL_SPREAD**2, MOMENT_SPREAD**2
    both = scores.correlation * scores.mean_spread * scores.peak_end_spread
    of_peak = 2 * both - scores.mean_spread**2  # covariance of the peak with any moment
    ends = np.arange(MOMENTS) == MOMENTS - 1
    with_peak_end = (of_peak + shared + own * ends) / 2 / scores.peak_end_spread
    covariance = mean_weight * scores.mean_spread + peak_end_weight * with_peak_end
    found: np.ndarray = covariance / np.sqrt(shared + own)
    return found


def _peak_moments() -> tuple[float, float, float]:
    """Means of the peak, of its square, and of its product with the mean of the moments."""
    found = np.zeros(3)
    for node, mass in zip(*normal_nodes(), strict=True):
        level = LEVEL + LEVEL_SPREAD * node
        x, density = nodes_beside(0.0, level, MOMENT_SPREAD)
        low, high = (-np.abs(x) - level) / MOMENT_SPREAD, (np.abs(x) - level) / MOMENT_SPREAD
        inside = np.maximum(ndtr(high) - ndtr(low), 1e-300)
        weight = mass * density * MOMENTS * inside ** (MOMENTS - 1)
        others = level + MOMENT_SPREAD * (_density(low) - _density(high)) / inside
        found += weight @ np.column_stack([x, x**2, x * (x + (MOMENTS - 1) * others) / MOMENTS])
    peak, square, product = map(float, found)
    return peak, square, product


def _density(z: np.ndarray) -> np.ndarray:
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
