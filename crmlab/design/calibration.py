"""Whether intervals keep their promise at every level, not at 95% alone.

An estimate and its error make a confidence distribution; where the truth falls in it is a number between 0
and 1, uniform over repeated cohorts if the errors are right. It is the counterpart, for fitted models, of
simulation-based calibration's rank (Talts et al. 2018, arXiv:1804.06788). The band that says how far from
uniform chance alone takes them is simulated, as in Säilynoja, Bürkner & Vehtari (2022).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import InputError

BAND_SIMS = 2000
POINTS = 100  # where the distribution function is looked at


def ranks(estimate: np.ndarray, standard_error: np.ndarray, truth: float | np.ndarray) -> np.ndarray:
    """Where the truth falls in the normal confidence distribution of each fit.

    Parameters
    ----------
    estimate, standard_error : array of shape (fits,)
        On the scale on which the estimator is about normal, as the logarithm of a positive parameter.
    truth : float or array of shape (fits,)
        Fixed, or drawn anew for each fit.
    """
    return norm.cdf((truth - np.asarray(estimate)) / np.asarray(standard_error))


def confidence_ranks(simulations: pd.DataFrame) -> np.ndarray:
    """Where each simulation's truth falls in its confidence distribution.

    Parameters
    ----------
    simulations : DataFrame
        Rows of one hypothesis, estimator and point of a `Diagnosis`: estimate, standard_error, low, high,
        estimand. Where the 95% interval is not symmetric, each side has the scale that its end implies.

    Returns
    -------
    array of shape (rows that gave an answer,)
    """
    done = simulations[simulations["failure"] == ""]
    above = done["estimand"] - done["estimate"]
    reach = np.where(above > 0, done["high"] - done["estimate"], done["estimate"] - done["low"])
    with np.errstate(divide="ignore", invalid="ignore"):
        return norm.cdf(above / (reach / norm.ppf(0.975)))


@dataclass(frozen=True)
class Uniformity:
    """How far ranks are from uniform.

    Attributes
    ----------
    at, share : array of shape (points,)
        The distribution function of the ranks.
    low, high : array of shape (points,)
        The band that holds the whole of a uniform sample's function with probability `level`.
    p_value : float
        The share of uniform samples that stray farther than these ranks did.
    level : float
    """

    at: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: float
    level: float

    @property
    def uniform(self) -> bool:
        """Whether the ranks keep inside the band everywhere."""
        return bool(((self.share >= self.low) & (self.share <= self.high)).all())


def uniformity(ranks: np.ndarray, level: float = 0.95, seed: int = 1) -> Uniformity:
    """Hold ranks against the uniform distribution, by a band for the whole curve.

    The distance is the largest gap between the two distribution functions in units of its standard
    deviation at that place; the band's width is that distance's quantile over simulated uniform samples.

    Raises
    ------
    InputError
        If there are fewer than 20 ranks, or some are not between 0 and 1.
    """
    ranks = np.asarray(ranks, dtype=float)
    if len(ranks) < 20 or not ((ranks >= 0) & (ranks <= 1)).all():
        raise InputError(f"ranks holds {len(ranks)} numbers; give 20 or more, each between 0 and 1")
    at = (np.arange(POINTS - 1) + 1) / POINTS
    spread = np.sqrt(at * (1 - at) / len(ranks))
    share = _function(ranks, at)
    uniform = np.random.default_rng(seed).random((BAND_SIMS, len(ranks)))
    strays = np.array([np.abs((_function(row, at) - at) / spread).max() for row in uniform])
    width = np.quantile(strays, level) * spread
    stray = np.abs((share - at) / spread).max()
    p_value = (1 + (strays >= stray).sum()) / (1 + BAND_SIMS)
    return Uniformity(at, share, at - width, at + width, float(p_value), level)


def _function(ranks: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.sort(ranks), at, side="right") / len(ranks)
