"""How well a structural model fits, for stacks of samples: chi-square, CFI, TLI, RMSEA, SRMR, AIC, BIC.

Formulas as in Bollen (1989, chapter 7), with N, not N - 1, and Bentler's SRMR: lavaan prints the same
numbers. Moments of exogenous observed variables are neither explained nor counted.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, ncx2

from crmlab.models.structural.engine import Array
from crmlab.models.structural.model import Fits


def fit_statistics(fits: Fits) -> dict[str, Array]:
    """Statistics of each fit, arrays of shape (samples,), by name.

    Returns
    -------
    dict
        ``chi_square``, ``degrees_of_freedom``, ``p_value``, ``baseline_chi_square`` and
        ``baseline_degrees_of_freedom`` (of the model without arrows, exogenous variables' covariances
        apart), ``cfi``, ``tli``, ``rmsea``, ``rmsea_low`` and ``rmsea_high`` (its 90% interval), ``srmr``,
        ``log_likelihood``, ``aic``, ``bic``.
    """
    model, rows = fits.model, fits.likelihood.rows
    freedom = model.degrees_of_freedom
    chi_square = rows * (fits.height - _saturated(fits))
    baseline, baseline_freedom = _baseline(fits)
    beyond, baseline_beyond = chi_square - freedom, baseline - baseline_freedom
    low, high = _rmsea_interval(chi_square, freedom, rows, len(model.groups))
    log_likelihood = _log_likelihood(fits)
    with np.errstate(all="ignore"):
        found = {
            "chi_square": chi_square,
            "degrees_of_freedom": freedom,
            "p_value": chi2.sf(chi_square, freedom) if freedom else np.nan,
            "baseline_chi_square": baseline,
            "baseline_degrees_of_freedom": baseline_freedom,
            "cfi": 1 - np.maximum(beyond, 0) / np.maximum(np.maximum(beyond, baseline_beyond), 1e-300),
            "tli": 1 - (beyond / freedom) / (baseline_beyond / baseline_freedom) if freedom else 1.0,
            "rmsea": _rmsea(np.maximum(beyond, 0), freedom, rows, len(model.groups)),
            "rmsea_low": low,
            "rmsea_high": high,
            "srmr": _srmr(fits),
            "log_likelihood": log_likelihood,
            "aic": -2 * log_likelihood + 2 * len(model.names),
            "bic": -2 * log_likelihood + np.log(rows) * len(model.names),
        }
    return {name: np.where(fits.converged, value, np.nan) for name, value in found.items()}


def _logarithm(matrices: Array) -> Array:
    return np.linalg.slogdet(matrices)[1]


def _saturated(fits: Fits) -> Array:
    """The height of the model that explains everything: ``log|S| + p``."""
    groups = zip(fits.likelihood.shares, fits.likelihood.moments)
    logarithm = np.sum([share * _logarithm(each.covariance) for share, each in groups], axis=0)
    return logarithm + len(fits.model.observed)


def _given(fits: Fits) -> tuple[Array, Array]:
    """Numbers of the exogenous observed variables, and of the others."""
    given = fits.model.layouts[0].exogenous
    return given, np.setdiff1d(np.arange(len(fits.model.observed)), given)


def _baseline(fits: Fits) -> tuple[Array, int]:
    """Chi-square and degrees of freedom of the model without arrows."""
    given, others = _given(fits)
    total = np.zeros(())
    for share, each in zip(fits.likelihood.shares, fits.likelihood.moments):
        spread = np.diagonal(each.covariance, axis1=1, axis2=2)[:, others]
        apart = np.log(spread).sum(-1) - _logarithm(each.covariance)
        if len(given):
            apart = apart + _logarithm(each.covariance[:, given[:, None], given])
        total = total + share * apart
    pairs = len(others) * (len(others) - 1) // 2 + len(others) * len(given)
    return fits.likelihood.rows * total, pairs * len(fits.model.groups)


def _rmsea(beyond: Array, freedom: int, rows: int, groups: int) -> Array:
    return np.sqrt(beyond / (freedom * rows) * groups) if freedom else np.zeros(np.shape(beyond))


def _rmsea_interval(chi_square: Array, freedom: int, rows: int, groups: int) -> tuple[Array, Array]:
    """90% interval from the noncentral chi-square distribution (Steiger 1990)."""
    ends = np.array([[_noncentrality(value, freedom, tail) for value in chi_square] for tail in (0.95, 0.05)])
    low, high = _rmsea(ends, freedom, rows, groups)
    return low, high


def _noncentrality(value: float, freedom: int, tail: float) -> float:
    """The noncentrality under which this share of chi-squares lies below the value; 0 if none does."""
    if not freedom or not np.isfinite(value) or chi2.cdf(value, freedom) < tail:
        return 0.0
    top = max(value, 1.0)
    while ncx2.cdf(value, freedom, top) > tail:
        top *= 2
    return float(brentq(lambda of: ncx2.cdf(value, freedom, of) - tail, 1e-12, top))


def _srmr(fits: Fits) -> Array:
    """Root mean square of the residuals over the sample's standard deviations."""
    states = fits.likelihood.states(fits.values, np.arange(len(fits.values)))
    total = np.zeros(())
    for share, each, state in zip(fits.likelihood.shares, fits.likelihood.moments, states):
        scale = 1 / np.sqrt(np.diagonal(each.covariance, axis1=1, axis2=2))
        residual = (each.covariance - state["sigma"]) * scale[:, :, None] * scale[:, None, :]
        rows, columns = np.tril_indices(residual.shape[-1])
        squares, count = (residual[:, rows, columns] ** 2).sum(-1), len(rows)
        if fits.model.means:
            squares, count = squares + ((state["beside"] * scale) ** 2).sum(-1), count + residual.shape[-1]
        total = total + share * np.sqrt(squares / count)
    return total


def _log_likelihood(fits: Fits) -> Array:
    """Of the other variables given the exogenous ones."""
    given, others = _given(fits)
    height = fits.height + len(others) * np.log(2 * np.pi)
    if len(given):
        for share, each in zip(fits.likelihood.shares, fits.likelihood.moments):
            height = height - share * (_logarithm(each.covariance[:, given[:, None], given]) + len(given))
    return -fits.likelihood.rows / 2 * height
