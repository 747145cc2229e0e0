"""A slope with effects of two kinds of units, as film and user: too many for a design matrix."""

from dataclasses import dataclass

import numpy as np

from crmlab.errors import InputError

Array = np.ndarray
ROUNDS = 500


@dataclass(frozen=True)
class Slope:
    """A slope and its standard errors.

    Attributes
    ----------
    value : float
    errors : tuple of float
        Clustered by each kind of unit in turn.
    """

    value: float
    errors: tuple[float, ...]


def slope_within(outcome: Array, cause: Array, *units: Array, tolerance: float = 1e-9) -> Slope:
    """Slope of an outcome in a cause with an intercept for each unit of every kind.

    Parameters
    ----------
    outcome, cause : array of shape (rows,)
    *units : arrays of shape (rows,)
        Which unit a row belongs to, one array a kind.
    tolerance : float
        Means of units are taken off in turn until none is larger than this.

    Raises
    ------
    InputError
        If the cause does not vary within units.

    Notes
    -----
    Taking off means in turn converges to the residual of a regression on all dummies (Guimarães & Portugal
    2010); the slope of residuals is that of the whole regression (Frisch, Waugh & Lovell). Errors are
    ``Σ (Σ x e)²`` over clusters, over ``(Σ x²)²``, without a factor for small samples.
    """
    if not units:
        raise InputError("units is empty; give at least one kind of unit")
    numbers = [np.unique(each, return_inverse=True)[1] for each in units]
    y, x = (_without_means(np.asarray(each, float), numbers, tolerance) for each in (outcome, cause))
    spread = x @ x
    if spread <= 1e-12 * len(x):
        raise InputError("cause does not vary within units; leave out the units that it belongs to")
    value = x @ y / spread
    scores = x * (y - value * x)
    return Slope(
        float(value), tuple(float(np.sqrt((_sums(at, scores) ** 2).sum()) / spread) for at in numbers)
    )


def _sums(at: Array, values: Array) -> Array:
    return np.bincount(at.astype(np.intp, copy=False), values)


def _without_means(values: Array, numbers: list[Array], tolerance: float) -> Array:
    sizes = [_sums(at, np.ones(len(at))) for at in numbers]
    for _ in range(ROUNDS):
        largest = 0.0
        for at, size in zip(numbers, sizes, strict=True):
            means = _sums(at, values) / size
            values, largest = values - means[at], max(largest, float(np.abs(means).max()))
        if largest < tolerance:
            break
    return values
