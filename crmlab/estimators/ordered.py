"""Ordered probit: a regression of ratings that takes them for ranks, in one pass over many cohorts."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crmlab.errors import InputError
from crmlab.estimators.regression import Regression
from crmlab.models.ordered_probit import fit_ordered_probit


@dataclass(frozen=True)
class OrderedProbit(Regression):
    """One coefficient of an ordered probit, in standard deviations of the latent error.

    Parameters
    ----------
    formula, term, table
        As for `Regression`; without a constant (``"rating ~ 0 + price"``), whose place the thresholds take.
    points : int
        Of the scale; ratings are whole numbers from 1 to it.
    """

    points: int = 7

    failure: ClassVar[str] = "the ordered probit has no maximum on these data"

    def __post_init__(self) -> None:
        super().__post_init__()
        if "Intercept" in self.terms:
            raise InputError(f"formula {self.formula!r} has a constant; start its right side with 0 +")

    def _fit_all(self, outcome, matrix, columns):
        fitted = fit_ordered_probit(outcome.astype(np.intp) - 1, matrix, self.points)
        return fitted.coefficients, fitted.covariance, np.inf
