"""The delta method: errors of what is computed from estimates, with derivatives by central differences."""

from collections.abc import Callable

import numpy as np

STEP = 1e-5  # of a coordinate, relative to its size where that is above 1


def jacobian(
    function: Callable, point: np.ndarray, step: float = STEP, at: np.ndarray | None = None
) -> np.ndarray:
    """Derivative of a function of a vector, by central differences.

    Parameters
    ----------
    function : callable
        A vector of shape (k,) to a number or an array; or a stack of shape (m, k) to shape (m, ...).
    point : array of shape (k,) or (m, k)
    step : float
    at : array, optional
        The function's value at the point, if it is known: differences are then taken to one side, at half the
        cost and with an error of the order of the step.

    Returns
    -------
    array of shape (k, ...)
        The coordinates along the first axis.
    """
    point = np.asarray(point, dtype=float)
    reach = step * np.maximum(1.0, np.abs(point))
    rises = []
    for number in range(point.shape[-1]):
        move = np.zeros_like(point)
        move[..., number] = reach[..., number]
        below = np.asarray(function(point - move) if at is None else at)
        rise = np.asarray(function(point + move)) - below
        width = (2 if at is None else 1) * reach[..., number]
        rises.append(rise / width.reshape(width.shape + (1,) * (rise.ndim - width.ndim)))
    return np.stack(rises)


def delta_method(
    function: Callable, values: np.ndarray, covariance: np.ndarray, step: float = STEP
) -> tuple[np.ndarray, np.ndarray]:
    """A function of estimates with its standard error, ``sqrt(g' V g)``.

    Parameters
    ----------
    function : callable
        As for `jacobian`.
    values : array of shape (k,) or (m, k)
        Estimates of one sample, or of many.
    covariance : array of shape (k, k) or (m, k, k)
    step : float
        Of the derivatives; see `jacobian`.

    Returns
    -------
    value, standard_error : float or array
        Of the shape that the function returns.
    """
    values, covariance = np.asarray(values, dtype=float), np.asarray(covariance, dtype=float)
    gradient = jacobian(function, values, step)
    axes = "am...,mab,bm...->m..." if values.ndim == 2 else "a...,ab,b...->..."
    variance = np.einsum(axes, gradient, covariance, gradient)
    with np.errstate(invalid="ignore"):
        return np.asarray(function(values), dtype=float)[()], np.sqrt(variance)[()]
