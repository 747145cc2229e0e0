"""Linear algebra on stacks of small matrices, in which one bad matrix does not spoil the others."""

import numpy as np

CONDITION = 1e14  # in the 1-norm; beyond it an inverse has no digit left


def inverse(matrices: np.ndarray, condition: float = CONDITION, definite: bool = False) -> np.ndarray:
    """Inverses of a stack; NaN for a matrix that has none, where NumPy would give up on the whole stack.

    Parameters
    ----------
    matrices : array of shape (..., k, k)
    condition : float
        A matrix whose condition number in the 1-norm is beyond it counts as one without an inverse.
    definite : bool
        Refuse symmetric matrices that are not positive definite, too: their least eigenvalue must be above
        the trace over `condition`.

    Returns
    -------
    array of shape (..., k, k)
    """
    size = matrices.shape[-1]
    good = np.isfinite(matrices).all((-1, -2))
    safe = matrices if good.all() else np.where(good[..., None, None], matrices, np.eye(size))
    if definite:
        good = good & (np.linalg.eigvalsh(safe)[..., 0] > np.trace(safe, axis1=-2, axis2=-1) / condition)
        safe = np.where(good[..., None, None], safe, np.eye(size))
    try:
        found = np.linalg.inv(safe)
    except np.linalg.LinAlgError:  # one is singular to the last digit: find out which
        good = good & (np.linalg.cond(safe) < condition)
        found = np.linalg.inv(np.where(good[..., None, None], safe, np.eye(size)))
    with np.errstate(all="ignore"):
        good = good & (_norm(safe) * _norm(found) < condition)
    return found if good.all() else np.where(good[..., None, None], found, np.nan)


def _norm(matrices: np.ndarray) -> np.ndarray:
    return np.abs(matrices).sum(-2).max(-1)


def solve(matrices: np.ndarray, vectors: np.ndarray, condition: float = CONDITION) -> np.ndarray:
    """Solutions ``(..., k)`` of ``matrices @ x = vectors``, NaN where there is none; see `inverse`."""
    return (inverse(matrices, condition) @ vectors[..., None])[..., 0]


def orthogonal(matrix: np.ndarray, condition: float = 1e10) -> tuple[np.ndarray, np.ndarray]:
    """``X = Q R`` for each matrix of a stack.

    Parameters
    ----------
    matrix : array of shape (..., rows, terms)
    condition : float
        Of the matrix with columns of length 1; beyond it, it is not of full rank.

    Returns
    -------
    basis : array of shape (..., rows, terms)
        Q.
    back : array of shape (..., terms, terms)
        The inverse of R, NaN where the matrix is not of full rank.
    """
    rows, terms = matrix.shape[-2:]
    if rows <= terms:
        return np.zeros(matrix.shape), np.full((*matrix.shape[:-2], terms, terms), np.nan)
    basis, triangular = np.linalg.qr(matrix)
    length = np.linalg.norm(triangular, axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = triangular / length[..., None, :]
        return basis, inverse(scaled, condition) / length[..., :, None]
