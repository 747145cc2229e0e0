"""Means over a normal variable, exactly enough: Gaussian quadrature, and slopes by Stein's lemma."""

import itertools
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from crmlab.errors import InputError

NODES = 80  # exact for polynomials up to degree 159
FAR = 9.0  # standard deviations from the mean: beyond them lies a mass of 2e-19


@lru_cache(maxsize=16)
def normal_nodes(count: int = NODES) -> tuple[np.ndarray, np.ndarray]:
    """Points and their probability masses that stand for a standard normal variable.

    Parameters
    ----------
    count : int
        Of points; integrals of polynomials up to degree ``2 count - 1`` are exact.

    Returns
    -------
    points, masses : array of shape (count,)
        Read only. The masses add up to 1.
    """
    if count < 1:
        raise InputError(f"count is {count}; give 1 or more quadrature points")
    points, masses = np.polynomial.hermite_e.hermegauss(count)
    masses = masses / masses.sum()
    points.flags.writeable = masses.flags.writeable = False
    return points, masses


def nodes_beside(
    corner: float, mean: float = 0.0, spread: float = 1.0, count: int = NODES
) -> tuple[np.ndarray, np.ndarray]:
    """Points and masses that stand for a normal variable where a function of it has a corner.

    Gauss–Legendre on both sides of the corner, so that neither side's rule sees it.

    Parameters
    ----------
    corner : float
        Where the function or its slope jumps.
    mean, spread : float
        Of the variable; `spread` is its standard deviation.
    count : int
        Of points on each side.

    Returns
    -------
    points, masses : array of shape (2 count,), or (count,) with the corner far out
        The masses add up to 1.

    Examples
    --------
    >>> points, masses = nodes_beside(0.0)
    >>> round(float(masses @ abs(points)), 6), round((2 / np.pi) ** 0.5, 6)
    (0.797885, 0.797885)
    """
    if spread <= 0:
        raise InputError(f"spread is {spread}; a normal variable with a corner needs one above 0")
    low, high = mean - FAR * spread, mean + FAR * spread
    edges = itertools.pairwise(np.unique(np.clip([low, corner, high], low, high)))
    nodes, weights = np.polynomial.legendre.leggauss(count)
    sides = [((a + b) / 2 + (b - a) / 2 * nodes, (b - a) * weights) for a, b in edges]
    points, masses = (np.concatenate(each) for each in zip(*sides, strict=True))
    masses = masses * np.exp(-(((points - mean) / spread) ** 2) / 2)
    return points, masses / masses.sum()


def mean_over_normal(
    function: Callable[[np.ndarray], np.ndarray], mean: float = 0.0, spread: float = 1.0, nodes: int = NODES
) -> float:
    """``E f(X)`` for a normal X.

    Parameters
    ----------
    function : callable
        An array of values of X, shape (nodes,), to an array of that shape.
    mean, spread : float
        Of X; `spread` is its standard deviation.
    nodes : int
        Quadrature points. A function with a corner needs those of `nodes_beside`.

    Examples
    --------
    >>> round(mean_over_normal(lambda x: x**4, spread=2.0), 6)
    48.0
    """
    points, masses = normal_nodes(nodes)
    return float(masses @ function(mean + spread * points))


def mean_slope(
    function: Callable[[np.ndarray], np.ndarray], mean: float = 0.0, spread: float = 1.0, nodes: int = NODES
) -> float:
    """``E f'(X)`` for a normal X: what one unit of X adds on average, without a derivative.

    By Stein's lemma it is ``Cov(X, f(X)) / Var X``, which is also the slope of the least squares line
    through ``f(X)``.

    Parameters
    ----------
    function, mean, spread, nodes
        As in `mean_over_normal`.

    Examples
    --------
    >>> round(mean_slope(lambda x: x**3, mean=1.0), 6)
    6.0
    """
    if spread <= 0:
        raise InputError(f"spread is {spread}; a slope over a normal variable needs one above 0")
    points, masses = normal_nodes(nodes)
    return float((masses * points) @ function(mean + spread * points) / spread)
