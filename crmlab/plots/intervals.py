"""Intervals of what is drawn of a fitted model: of any function of it, by the delta method."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

REACH = 1.959963984540054  # of a 95% interval, in standard errors
STEP = 1e-4  # relative, of numerical derivatives
SCALES = {"plain": (lambda y: y, lambda y: y), "log": (np.log, np.exp), "logit": (logit, expit)}


def interval(
    model: Any, function: Callable[[Any], ArrayLike], scale: str = "plain"
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """What `function(model)` gives, with its 95% interval by the delta method.

    Parameters
    ----------
    model
        A fitted model: ``params_`` and ``covariance_``.
    function : callable
        From a model to an array.
    scale : {"plain", "log", "logit"}
        On which scale the interval is symmetric.

    Returns
    -------
    estimate, low, high : arrays
        `low` and `high` are None where the model has no covariance.
    """
    there, back = SCALES[scale]
    estimate = np.asarray(function(model), float)
    covariance = getattr(model, "covariance_", None)
    if covariance is None or not np.isfinite(covariance.to_numpy()).all():
        return estimate, None, None
    with np.errstate(divide="ignore", invalid="ignore"):
        at = there(estimate)
        slopes = []
        for name, value in model.params_.items():
            near, step = copy.copy(model), STEP * (value or 1.0)
            near.params_ = model.params_.copy()
            near.params_[name] += step
            slopes.append((there(np.asarray(function(near), float)) - at) / step)
        slopes = np.nan_to_num(slopes, posinf=0.0, neginf=0.0)  # where there is nothing to be unsure of
        variance = np.einsum("i...,ij,j...->...", slopes, covariance.to_numpy(), slopes)
        error = np.sqrt(np.maximum(variance, 0.0))
        return estimate, back(at - REACH * error), back(at + REACH * error)
