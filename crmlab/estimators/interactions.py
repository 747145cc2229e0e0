"""Interactions on the scale that matters: the chance, not the index behind it.

In a probit the product's coefficient is not how one cause changes what the other does to the chance, and may
have the other sign (Ai & Norton 2003, doi:10.1016/S0165-1765(03)00032-6).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scipy.special import ndtr

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError, check_known
from crmlab.estimators.binary import ProbitRegression
from crmlab.estimators.regression import Combination


def cross_difference(chance: Callable[[float, float], Any], low: float = -1.0, high: float = 1.0) -> Any:
    """By how much the second cause changes what the first does: ``Δ₁Δ₂`` of a chance.

    Parameters
    ----------
    chance : callable
        Levels of both causes to the chance: a number, or an array.
    low, high : float
        The two levels of either cause.

    Examples
    --------
    >>> cross_difference(lambda one, other: 0.5 + 0.1 * one + 0.05 * one * other)
    0.2
    """
    return chance(high, high) - chance(high, low) - chance(low, high) + chance(low, low)


@dataclass(frozen=True)
class CrossDifference(Estimator):
    """The cross-difference of a probit's chance in two of its terms, all others at 0, by the delta method.

    Parameters
    ----------
    regression : ProbitRegression
        Holds an intercept, both terms and their product.
    first, second : str
    low, high : float
        As for `cross_difference`.
    """

    regression: ProbitRegression
    first: str
    second: str
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        check_known("term", ["Intercept", self.first, self.second], self.regression.terms)
        if self.product not in self.regression.terms:
            raise InputError(f"the regression has no product of {self.first} and {self.second}")

    @property
    def product(self) -> str:
        """The product's name among the terms."""
        names = f"{self.first}:{self.second}", f"{self.second}:{self.first}"
        return next((name for name in names if name in self.regression.terms), "")

    def _of(self, b):
        def chance(one, other):
            rest = b["Intercept"] + one * b[self.first] + other * b[self.second]
            return ndtr(rest + one * other * b[self.product])

        return cross_difference(chance, self.low, self.high)

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        return Combination(self.regression, self._of).batch(tables)

    def why(self, tables: Tables) -> str:
        """Why the probit could not be fitted."""
        return self.regression.why(tables)
