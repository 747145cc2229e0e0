"""Least squares on predictors that are measured with error, when the rows tell how much error there is.

A scale of several items tells its own measurement error: what its items do not share. A marker scale tells
what all scales of one questionnaire share. Both are averages over rows, so the corrected normal equations
are averages too: their errors follow from the rows, and a bootstrap is one matrix product.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from crmlab.errors import InputError
from crmlab.models.stacked import inverse


def scale_score(items):
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
    With ``M = X'X/n - diag(noise) - shared·e e'`` and ``m = X'y/n - shared·e`` (e is 1 where exposed, 0
    elsewhere) the coefficients are ``M⁻¹ m``: Fuller (1987), Measurement Error Models, section 2.2. Without
    corrections they are ordinary least squares with HC1 errors.

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

    outcome: np.ndarray
    predictors: np.ndarray
    noise: np.ndarray | None = None
    shared: np.ndarray | None = None
    exposed: tuple | None = None
    outcome_exposed: bool = False

    def __post_init__(self):
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
    def rows(self):
        return self.predictors.shape[-2]

    @property
    def terms(self):
        return self.predictors.shape[-1]

    @property
    def degrees_of_freedom(self):
        return float(self.rows - self.terms - 1)

    def fit(self):
        """Coefficients and their covariance.

        Returns
        -------
        coefficients : array of shape (..., terms)
            NaN for a sample whose corrected moments have no inverse.
        covariance : array of shape (..., terms, terms)
            The sandwich of the corrected normal equations, times n / (n - terms - 1). What is taken out
            counts as estimated, not as known.
        """
        transposed = self.predictors.swapaxes(-1, -2)
        back, coefficients = self._solve(
            transposed @ self.predictors / self.rows,
            (transposed @ self.outcome[..., None])[..., 0] / self.rows,
            self.noise.mean(-2),
            self.shared.mean(-1),
        )
        residual = self.outcome - (self.predictors @ coefficients[..., None])[..., 0]
        unexplained = self.outcome_exposed - coefficients @ self.exposed
        each = self.predictors * residual[..., None] + self.noise * coefficients[..., None, :]
        each -= (self.shared * unexplained[..., None])[..., None] * self.exposed
        influence = each @ back
        covariance = influence.swapaxes(-1, -2) @ influence / (self.rows * self.degrees_of_freedom)
        return coefficients, covariance

    def resample(self, resamples, seed):
        """Coefficients on resamples of one sample's rows.

        Parameters
        ----------
        resamples, seed : int
            The same two, and the same number of rows, give the same resamples.

        Returns
        -------
        array of shape (resamples, terms)
        """
        share = resampled_rows(self.rows, resamples, seed)
        together = np.column_stack([self.predictors, self.outcome])
        width = self.terms + 1
        products = share @ (together[:, :, None] * together[:, None, :]).reshape(self.rows, -1)
        means = share @ together
        moments = products.reshape(-1, width, width) - means[:, :, None] * means[:, None, :]
        return self._solve(
            moments[:, :-1, :-1], moments[:, :-1, -1], share @ self.noise, share @ self.shared
        )[1]

    def _solve(self, squares, products, noise, shared):
        """Inverse of the corrected moments, and the coefficients."""
        common = shared[..., None]
        moments = squares - common[..., None] * np.outer(self.exposed, self.exposed)
        moments[..., np.arange(self.terms), np.arange(self.terms)] -= noise
        back = inverse(moments, 1e9, definite=True)  # corrected, they may lose their definiteness
        right = products - common * self.exposed * self.outcome_exposed
        return back, (back @ right[..., None])[..., 0]


@lru_cache(maxsize=8)
def resampled_rows(rows, resamples, seed):
    """How much of each resample each row makes up: ``(resamples, rows)``, every line adding up to 1."""
    rng = np.random.default_rng([seed, rows])
    return rng.multinomial(rows, np.full(rows, 1 / rows), resamples) / rows
