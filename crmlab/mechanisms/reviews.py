"""Stars from 1 to 5: how satisfied customers are, and who lets others know."""

import numpy as np
from scipy.special import expit, ndtr

STARS = np.arange(1.0, 6.0)
CUTS = (-1.4, -0.7, 0.0, 0.9)  # of a standard normal satisfaction
TRUE_SHARES = np.diff(ndtr(np.array([-np.inf, *CUTS, np.inf])))


def stars_from(satisfaction: np.ndarray) -> np.ndarray:
    """Stars of standard normal satisfactions."""
    return np.asarray(1.0 + sum((satisfaction > cut) * 1.0 for cut in CUTS))


def chance_of_speaking(
    stars: np.ndarray, base: float, slope: float = 0.0, extremes: float = 0.0
) -> np.ndarray:
    """``Λ(base + slope (s − 3) + extremes |s − 3|)``: monotone in the stars s, or a J of the extremes."""
    away = np.asarray(stars) - 3
    return np.asarray(expit(base + slope * away + extremes * np.abs(away)))


def mean_of_speakers(chances: np.ndarray, shares: np.ndarray = TRUE_SHARES) -> float:
    """Mean stars of those who speak, from the chance and the share of each star: ``Σ s p π / Σ p π``."""
    heard = shares * chances
    return float(STARS @ heard / heard.sum())
