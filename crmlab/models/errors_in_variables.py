"""Least squares on predictors that are measured with error, when the rows tell how much error there is.

A scale of several items tells its own measurement error: what its items do not share. A marker scale tells
what all scales of one questionnaire share. Both are averages over rows, so the corrected normal equations
are averages too: their errors follow from the rows, and a bootstrap is one matrix product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from crmlab.errors import InputError
from crmlab.models.stacked import inverse

Array = np.ndarray
ALPHA = 1.0  # of Fuller's modification


def scale_score(items: Sequence[Array]) -> tuple[Array, Array]:
    """A scale's mean score and, row by row, an unbiased statement of its error.

    Parameters
    ----------
    items : sequence of array of shape (..., rows)
        At least two, with independent errors.

    Returns
    -------
    score : array of shape (..., rows)
        The items' mean, centred.
    noise : array of shape (..., rows)
        Averages over rows to the variance of the score's error, if the items load alike: the score's square
        less the mean product of two different items.
    """
    items = np.stack([item - item.mean(-1, keepdims=True) for item in items])
    count = len(items)
    if count < 2:
        raise InputError("items holds one; a scale tells its error only if it has two or more")
    score = items.mean(0)
    products = ((count * score) ** 2 - (items**2).sum(0)) / (count * (count - 1))
    return score, score**2 - products


@dataclass(frozen=True, eq=False)
class MeasuredRegression:
    """A regression with the predictors' error, and what the questionnaire adds, taken out.

    Parameters
    ----------
    outcome : array of shape (..., rows)
    predictors : array of shape (..., rows, terms)
        One sample, or many at once.
    noise : array of shape (..., rows, terms), optional
        Averages to each predictor's error variance; 0 for one that is measured without error.
    shared : array of shape (..., rows), optional
        Averages to the covariance that all answers to one questionnaire have for that reason.
    exposed : sequence of bool, optional
        Which predictors are such answers.
    outcome_exposed : bool
        Whether the outcome is.

    Notes
    -----
    With ``M = X'X/n - κ (diag(noise) + shared·e e')`` and ``m = X'y/n - κ shared·e`` (e is 1 where exposed, 0
    elsewhere) the coefficients are ``M⁻¹ m``. The whole correction, κ = 1, has no moments in small samples:
    now and then M is nearly singular. Fuller's (1987, Measurement Error Models, section 2.5) modification
    takes ``κ = min(1, λ - 1/(n-1)) - α/(n-1)``, where λ is the least root of ``|Z'Z/n - λ Σ|``, Z holding
    outcome and predictors and Σ all that is taken out of them. Without corrections this is ordinary least
    squares with HC1 errors.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> trait = rng.standard_normal(5000)
    >>> score, noise = scale_score([trait + rng.standard_normal(5000) for _ in range(3)])
    >>> outcome = 0.5 * trait + rng.standard_normal(5000)
    >>> plain = MeasuredRegression(outcome, score[:, None]).fit()[0]
    >>> corrected = MeasuredRegression(outcome, score[:, None], noise[:, None]).fit()[0]
    >>> bool(abs(plain[0] - 0.375) < 0.05), bool(abs(corrected[0] - 0.5) < 0.05)
    (True, True)
    """

    outcome: Array
    predictors: Array
    noise: Any = None
    shared: Any = None
    exposed: Any = None
    outcome_exposed: bool = False

    def __post_init__(self) -> None:
        def put(name, value):
            return object.__setattr__(self, name, value)

        predictors, outcome = np.asarray(self.predictors, float), np.asarray(self.outcome, float)
        if outcome.shape != predictors.shape[:-1]:
            raise InputError(
                f"outcome has shape {outcome.shape}, predictors {predictors.shape}; rows must agree"
            )
        put("predictors", predictors - predictors.mean(-2, keepdims=True))
        put("outcome", outcome - outcome.mean(-1, keepdims=True))
        put("noise", np.zeros(predictors.shape) if self.noise is None else np.asarray(self.noise, float))
        put("shared", np.zeros(outcome.shape) if self.shared is None else np.asarray(self.shared, float))
        put("exposed", np.zeros(self.terms) if self.exposed is None else np.asarray(self.exposed, float))

    @property
    def rows(self) -> int:
        return self.predictors.shape[-2]

    @property
    def terms(self) -> int:
        return self.predictors.shape[-1]

    @property
    def degrees_of_freedom(self) -> float:
        return float(self.rows - self.terms - 1)

    @property
    def _all(self) -> Array:
        """Predictors and outcome side by side: ``(..., rows, terms + 1)``."""
        return np.concatenate([self.predictors, self.outcome[..., None]], -1)

    def _taken_out(self, noise: Array, shared: Array) -> Array:
        """Σ, what is taken out of the moments of predictors and outcome: ``(..., terms + 1, terms + 1)``."""
        exposed = np.append(self.exposed, float(self.outcome_exposed))
        found = shared[..., None, None] * np.outer(exposed, exposed)
        at = np.arange(self.terms)
        found[..., at, at] += noise
        return found

    def fit(self) -> tuple[Array, Array]:
        """Coefficients and their covariance.

        Returns
        -------
        coefficients : array of shape (..., terms)
            NaN for a sample whose fully corrected moments are not positive definite: too few customers, or
            too little signal.
        covariance : array of shape (..., terms, terms)
            The sandwich of the corrected normal equations, times n / (n - terms - 1). What is taken out
            counts as estimated, not as known.
        """
        together = self._all
        moments = together.swapaxes(-1, -2) @ together / self.rows
        out = self._taken_out(self.noise.mean(-2), self.shared.mean(-1))
        signal = inverse((moments - out)[..., :-1, :-1], 1e9, definite=True)
        share = _fuller_share(moments, out, self.rows)
        corrected = moments - share[..., None, None] * out
        back = inverse(corrected[..., :-1, :-1]) + 0 * signal
        coefficients = (back @ corrected[..., :-1, -1:])[..., 0]
        influence = self._scores(coefficients, share[..., None]) @ back
        covariance = influence.swapaxes(-1, -2) @ influence / (self.rows * self.degrees_of_freedom)
        return coefficients, covariance

    def _scores(self, coefficients: Array, share: Array) -> Array:
        """Each row's part of the corrected normal equations: ``(..., rows, terms)``."""
        residual = self.outcome - (self.predictors @ coefficients[..., None])[..., 0]
        unexplained = self.outcome_exposed - coefficients @ self.exposed
        each = self.predictors * residual[..., None]
        each += share[..., None] * self.noise * coefficients[..., None, :]
        each -= (share * self.shared * unexplained[..., None])[..., None] * self.exposed
        return each

    def resample(self, resamples: int, seed: int) -> Array:
        """Coefficients on resamples of the rows; by Fuller's modification every resample has them.

        Parameters
        ----------
        resamples, seed : int
            The same two, and the same number of rows, give the same resamples.

        Returns
        -------
        array of shape (..., resamples, terms)
        """
        weights = resampled_rows(self.rows, resamples, seed)
        together, width = self._all, self.terms + 1
        first, second = np.triu_indices(width)
        noisy = np.flatnonzero(np.abs(self.noise).reshape(-1, self.terms).max(0))
        features = np.concatenate(
            [together[..., first] * together[..., second], together, self.noise[..., noisy]], -1
        )
        features = np.concatenate([features, self.shared[..., None]], -1)
        means = np.moveaxis(features.swapaxes(-1, -2) @ weights.T, -2, 0)  # (features, ..., resamples)
        products, levels, rest = np.split(means, [len(first), len(first) + width])
        moments, out = (np.zeros((width, width, *means.shape[1:])) for _ in range(2))
        moments[first, second] = products - levels[first] * levels[second]
        exposed = np.append(self.exposed, float(self.outcome_exposed))
        out[first, second] = (exposed[first] * exposed[second])[(...,) + (None,) * rest[-1].ndim] * rest[-1]
        out[noisy, noisy] += rest[:-1]
        return self._solved(moments, out)

    def _solved(self, moments: Array, out: Array) -> Array:
        """Coefficients ``(..., terms)`` from upper triangles of shape ``(terms + 1, terms + 1, ...)``."""
        spare = 1 / (self.rows - 1)
        definite = _eliminated(moments - (1 + spare) * out)[1]
        share = np.where(definite, 1.0, np.nan) - ALPHA * spare
        few = np.flatnonzero(~definite)
        if len(few):
            some, others = (
                np.moveaxis(each.reshape(*each.shape[:2], -1)[:, :, few], -1, 0) for each in (moments, out)
            )
            share.flat[few] = _fuller_share(_symmetric(some), _symmetric(others), self.rows)
        return np.moveaxis(_eliminated(moments - share * out)[0], 0, -1)


def _symmetric(upper: Array) -> Array:
    return np.triu(upper) + np.triu(upper, 1).swapaxes(-1, -2)


def _fuller_share(moments: Array, out: Array, rows: int) -> Array:
    """κ, the share of what is to be taken out that Fuller's modification takes out: ``(...)``."""
    root = np.linalg.inv(np.linalg.cholesky(_regular(moments)))
    largest = np.linalg.eigvalsh(root @ out @ root.swapaxes(-1, -2))[..., -1]
    spare = 1 / (rows - 1)
    with np.errstate(divide="ignore"):
        return np.minimum(1.0, np.where(largest > 0, 1 / largest, np.inf) - spare) - ALPHA * spare


def _regular(moments: Array) -> Array:
    """Moments with singular ones replaced, so that they do not spoil the stack: their estimates are NaN."""
    size = moments.shape[-1]
    scale = np.trace(moments, axis1=-2, axis2=-1)[..., None, None] / size
    bad = ~(np.linalg.eigvalsh(moments)[..., 0] > 1e-12 * scale[..., 0, 0])
    return np.where(bad[..., None, None], np.eye(size), moments)


def _eliminated(matrices: Array) -> tuple[Array, Array]:
    """Gauss's elimination on stacks of symmetric matrices, their numbers along the last axes.

    Parameters
    ----------
    matrices : array of shape (k, k, ...)
        Upper triangles. The last column is the right side of the equations that the rest makes.

    Returns
    -------
    solution : array of shape (k - 1, ...)
    definite : array of bool, shape (...)
        Whether the whole matrix is positive definite.
    """
    work, size = matrices.copy(), len(matrices)
    definite = np.ones(matrices.shape[2:], dtype=bool)
    with np.errstate(all="ignore"):
        for at in range(size):
            definite &= work[at, at] > 1e-10 * np.abs(matrices[at, at])
            for row in range(at + 1, size):
                work[row, row:] -= work[at, row] / work[at, at] * work[at, row:]
        solution = np.empty((size - 1, *definite.shape))
        for at in range(size - 2, -1, -1):
            known = (work[at, at + 1 : -1] * solution[at + 1 :]).sum(0)
            solution[at] = (work[at, -1] - known) / work[at, at]
    return solution, definite


@lru_cache(maxsize=8)
def resampled_rows(rows: int, resamples: int, seed: int) -> Array:
    """How much of each resample each row makes up: ``(resamples, rows)``, every line adding up to 1."""
    rng = np.random.default_rng([seed, rows])
    return rng.multinomial(rows, np.full(rows, 1 / rows), resamples) / rows
