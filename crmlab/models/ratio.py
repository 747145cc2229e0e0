"""A ratio of two estimates, as willingness to pay is, and three intervals for it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit
from scipy.stats import qmc

from crmlab.errors import InputError

Array = NDArray[np.float64]
LEVEL = 0.95


@dataclass(frozen=True)
class Ratio:
    """A ratio of two estimates, as willingness to pay is: brand's coefficient by minus the price's.

    Parameters
    ----------
    numerator, denominator : float or array of shape (cohorts,)
    covariance : array of shape (2, 2) or (cohorts, 2, 2)
        Of the two, in that order.
    """

    numerator: np.ndarray
    denominator: np.ndarray
    covariance: np.ndarray

    @classmethod
    def willingness_to_pay(
        cls, coefficients: ArrayLike, covariance: ArrayLike, attribute: int, price: int
    ) -> "Ratio":
        """Money per unit of an attribute: its coefficient over minus the price's.

        Parameters
        ----------
        coefficients : array of shape (..., terms)
        covariance : array of shape (..., terms, terms)
        attribute, price : int
            Numbers of the terms.
        """
        coefficients, covariance = np.asarray(coefficients), np.asarray(covariance)
        sign = np.array([1.0, -1.0])
        at = [attribute, price]
        return cls(
            coefficients[..., attribute],
            -coefficients[..., price],
            covariance[..., at, :][..., at] * np.outer(sign, sign),
        )

    @property
    def value(self) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.numerator / self.denominator

    @property
    def standard_error(self) -> Array:
        """By the delta method."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.sqrt(self._variance(self.value)) / np.abs(self.denominator)

    def _variance(self, ratio: Array | float) -> Array:
        """Variance of ``numerator − ratio · denominator``."""
        v = np.asarray(self.covariance)
        return v[..., 0, 0] - 2 * ratio * v[..., 0, 1] + ratio**2 * v[..., 1, 1]

    def delta(self, level: float = LEVEL) -> tuple[Array, Array]:
        """The interval of the delta method: symmetric, as if the ratio were linear near the estimates."""
        reach = ndtri(0.5 + level / 2) * self.standard_error
        return self.value - reach, self.value + reach

    def krinsky_robb(self, level: float = LEVEL, draws: int = 2048) -> tuple[Array, Array]:
        """Krinsky & Robb's (1986) interval: quantiles of the ratio over draws of the two estimates.

        The draws are the same for every cohort: a scrambled Sobol sequence in place of random numbers.

        Parameters
        ----------
        draws : int
            A power of two.
        """
        one, other = _normal_pairs(draws).T
        v = np.asarray(self.covariance)[..., None]
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.sqrt(v[..., 0, 0, :])
            slope = v[..., 0, 1, :] / root
            rest = np.sqrt(np.maximum(v[..., 1, 1, :] - slope**2, 0))
            drawn = (np.asarray(self.numerator)[..., None] + root * one) / (
                np.asarray(self.denominator)[..., None] + slope * one + rest * other
            )
        low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=-1)
        return low, high

    def fieller(
        self, level: float = LEVEL, degrees_of_freedom: float | Array = np.inf
    ) -> tuple[Array, Array]:
        """Fieller's (1954) interval: each ratio for which ``numerator − ratio · denominator = 0`` is kept.

        Where the denominator itself may be zero the set is unbounded, and so is what is returned.

        Parameters
        ----------
        degrees_of_freedom : float or array of shape (cohorts,)
            Of the covariance; infinite where it is taken as known.
        """
        z2 = stdtrit(degrees_of_freedom, 0.5 + level / 2) ** 2
        v = np.asarray(self.covariance)
        a = self.denominator**2 - z2 * v[..., 1, 1]
        b = self.numerator * self.denominator - z2 * v[..., 0, 1]
        c = self.numerator**2 - z2 * v[..., 0, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.sqrt(np.maximum(b**2 - a * c, 0))
            bounded = a > 0
            known = np.isfinite(a + b + c)
            low = np.where(bounded, (b - reach) / a, np.where(known, -np.inf, np.nan))
            high = np.where(bounded, (b + reach) / a, np.where(known, np.inf, np.nan))
        return low, high

    def z(self, null: float = 0.0) -> Array:
        """Test statistic of the ratio against a value, as Fieller has it: it divides by no estimate."""
        with np.errstate(invalid="ignore"):
            return (self.numerator - null * self.denominator) / np.sqrt(self._variance(null))


@lru_cache(maxsize=4)
def _normal_pairs(draws: int) -> Array:
    """Quasi-random pairs of standard normals, shape ``(draws, 2)``."""
    exponent = int(np.log2(draws))
    if 2**exponent != draws:
        raise InputError(f"draws is {draws}; give a power of two, such as 2048")
    uniform = qmc.Sobol(2, seed=1).random_base2(exponent)
    return ndtri(np.clip(uniform, 1e-12, 1 - 1e-12))
