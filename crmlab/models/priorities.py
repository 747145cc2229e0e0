"""Choosing among options by several criteria: weights from pairwise comparisons (AHP), and TOPSIS.

AHP takes as weights the eigenvector of a matrix of "how many times as important", and says by the largest
eigenvalue how far the comparisons contradict one another (Saaty 1977, Journal of Mathematical
Psychology 15, 234–281).
TOPSIS ranks options by their nearness to the best that any offers on each criterion, and their distance from
the worst (Hwang & Yoon 1981, Multiple attribute decision making, Springer).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import InputError

# Mean consistency index of random reciprocal matrices of 1 to 10 criteria, as Saaty prints them.
RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49)


@dataclass(frozen=True, eq=False)
class Priorities:
    """What a matrix of pairwise comparisons says.

    Attributes
    ----------
    weights : array of shape (criteria,)
        They add up to 1.
    eigenvalue : float
        The largest; the number of criteria if no comparison contradicts another.
    consistency_ratio : float
        ``(λ - n) / (n - 1)`` over its mean for random matrices; Saaty asks for at most .10.
    """

    weights: np.ndarray
    eigenvalue: float
    consistency_ratio: float


def comparisons(upper: Sequence[Sequence[float]]) -> np.ndarray:
    """The whole matrix from the rows of its upper triangle: below the diagonal the reciprocals.

    Parameters
    ----------
    upper : sequence of sequences
        ``n - 1`` rows of ``n - 1, …, 1`` numbers above 0: how many times as important the row's criterion is
        as each later one.

    Returns
    -------
    array of shape (n, n)

    Raises
    ------
    InputError
        If the rows are no triangle, or a number is not above 0.
    """
    size = len(upper) + 1
    lengths = [len(row) for row in upper]
    if size < 2 or lengths != list(range(size - 1, 0, -1)):
        raise InputError(f"upper has rows of {lengths} numbers; give {size - 1} rows, each one shorter, to 1")
    matrix = np.eye(size)
    for at, row in enumerate(upper):
        matrix[at, at + 1 :] = row
    if not ((above := matrix[np.triu_indices(size)]) > 0).all() or not np.isfinite(above).all():
        raise InputError("upper holds a number that is not above 0; say 1/5 where the other is five times so")
    return np.where(np.tri(size, k=-1), 1 / np.where(matrix.T > 0, matrix.T, 1.0), matrix)


def priorities(matrix: ArrayLike) -> Priorities:
    """Weights and consistency of a matrix of pairwise comparisons.

    Parameters
    ----------
    matrix : array of shape (n, n)
        Reciprocal, of 2 to 10 criteria: ``matrix[i, j]`` says how many times as important i is as j.

    Returns
    -------
    Priorities

    Raises
    ------
    InputError
        If the matrix is not square and reciprocal, or of another size.
    """
    given = np.asarray(matrix, dtype=float)
    size = len(given)
    if given.shape != (size, size) or not 2 <= size <= len(RANDOM_INDEX):
        raise InputError(
            f"matrix has shape {given.shape}; it must be square, of 2 to {len(RANDOM_INDEX)} rows"
        )
    if not (given > 0).all() or not np.allclose(given * given.T, 1.0, rtol=1e-6):
        raise InputError("matrix is not reciprocal; matrix[j, i] must be 1 / matrix[i, j], above 0")
    values, vectors = np.linalg.eig(given)
    largest = int(values.real.argmax())
    weights = np.abs(vectors[:, largest].real)
    index = (values[largest].real - size) / (size - 1)
    expected = RANDOM_INDEX[size - 1]
    return Priorities(
        weights / weights.sum(), float(values[largest].real), float(index / expected) if expected else 0.0
    )


def closeness(scores: pd.DataFrame, weights: ArrayLike) -> pd.Series:
    """TOPSIS: how near each option is to the best of all, 1, against the worst of all, 0.

    Parameters
    ----------
    scores : DataFrame
        A row an option, a column a criterion; more is better.
    weights : array of shape (criteria,)
        Not below 0, not all 0.

    Returns
    -------
    Series
        By option.

    Raises
    ------
    InputError
        If weights do not fit the criteria, or fewer than two options differ.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (scores.shape[1],) or (weights < 0).any() or not weights.sum() > 0:
        raise InputError(f"weights must be {scores.shape[1]} numbers from 0 on, one a criterion, not all 0")
    values = scores.to_numpy(dtype=float)
    sizes = np.sqrt((values**2).sum(0))
    scaled = values / np.where(sizes > 0, sizes, 1.0) * weights / weights.sum()
    to_best, to_worst = (
        np.sqrt(((scaled - extreme) ** 2).sum(1)) for extreme in (scaled.max(0), scaled.min(0))
    )
    if not (to_best + to_worst > 0).all():
        raise InputError("scores are the same in all options; give two options or more that differ")
    return pd.Series(to_worst / (to_best + to_worst), index=scores.index, name="closeness")


def reversal_weight(gaps: ArrayLike, weights: ArrayLike, moved: int) -> float:
    """At which weight of one criterion two options tie, the other weights keeping their proportions.

    Parameters
    ----------
    gaps : array of shape (criteria,)
        By how much the first option scores more.
    weights : array of shape (criteria,)
        They are divided by their sum.
    moved : int
        The criterion's place.

    Returns
    -------
    float
        NaN where no weight from 0 to 1 makes them tie.
    """
    gaps, weights = np.asarray(gaps, dtype=float), np.asarray(weights, dtype=float)
    rest = np.delete(weights, moved)
    others = float(np.delete(gaps, moved) @ rest / rest.sum())
    if others == gaps[moved]:
        return float("nan")
    tie = others / (others - gaps[moved])
    return float(tie) if 0 <= tie <= 1 else float("nan")
