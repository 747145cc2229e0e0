"""Intervals and p-values from a bootstrap, as mediation analyses use them."""

import numpy as np
from scipy.stats import norm

from crmlab.errors import InputError, listing

METHODS = ("percentile", "bias-corrected")


def bootstrap_interval(draws, estimate, method="percentile", level=0.95):
    """Interval of an estimate from its bootstrap draws.

    Parameters
    ----------
    draws : array of shape (resamples,)
        The estimate on each resample.
    estimate : float
        On the sample itself.
    method : {"percentile", "bias-corrected"}
        Bias-corrected (Efron & Tibshirani 1993, chapter 14, without acceleration) shifts the percentiles by
        twice the normal score of the share of draws below the estimate.
    level : float

    Returns
    -------
    low, high : float
    """
    draws, shift = _checked(draws, estimate, method)
    tails = norm.ppf([(1 - level) / 2, (1 + level) / 2])
    return tuple(float(bound) for bound in np.quantile(draws, norm.cdf(2 * shift + tails)))


def bootstrap_p_value(draws, estimate, method="percentile", null=0.0, direction=">"):
    """One-sided p-value: the least level at which the one-sided bootstrap interval leaves the null out.

    Parameters
    ----------
    direction : {">", "<"}
        Where the estimand lies, as seen from the null, if the claim is true.
    """
    if direction not in (">", "<"):
        raise InputError(f"direction is {direction!r}; it must be > or <")
    draws, shift = _checked(draws, estimate, method)
    beyond = draws <= null if direction == ">" else draws >= null
    share = (1 + beyond.sum()) / (len(draws) + 1)
    sign = 1 if direction == ">" else -1
    return float(norm.cdf(norm.ppf(share) - sign * 2 * shift))


def _checked(draws, estimate, method):
    """The draws as an array, and how far their middle lies from the estimate, in standard deviations."""
    draws = np.asarray(draws, dtype=float)
    if draws.ndim != 1 or len(draws) < 2 or not np.isfinite(draws).all():
        raise InputError("draws must be two or more finite numbers in a row")
    if method not in METHODS:
        raise InputError(f"method is {method!r}; it must be one of {listing(METHODS)}")
    if method == "percentile":
        return draws, 0.0
    below = ((draws < estimate).sum() + (draws == estimate).sum() / 2) / len(draws)
    return draws, float(norm.ppf(np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws))))
