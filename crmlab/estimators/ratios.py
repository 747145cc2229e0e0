"""A ratio of two effects of one cause, with an interval that divides by no estimate."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.stats import norm

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError
from crmlab.estimators.linear import LeastSquares
from crmlab.models.ratio import Ratio
from crmlab.models.stacked import orthogonal


@dataclass(frozen=True)
class RatioOfEffects(Estimator):
    """What one outcome gains for each unit that another gains, when a lot moves both: is it above zero?

    The estimate is that of two-stage least squares with the lot as instrument. Its interval is Fieller's
    (1954), which keeps its level however little the lot moves the denominator, and may then be endless.

    Parameters
    ----------
    numerator, denominator : LeastSquares
        Regressions of two outcomes on the same terms and rows, with the lot as `term`.

    Notes
    -----
    Errors are heteroskedasticity-consistent, HC2 (MacKinnon & White 1985). The p-value is that of the
    numerator's effect: where the lot raises the denominator, which it must by design, the ratio is above zero
    where that effect is.
    """

    numerator: LeastSquares
    denominator: LeastSquares

    failure: ClassVar[str] = "the terms are not of full rank"

    def __post_init__(self) -> None:
        one, other = self.numerator, self.denominator
        if (one.terms, one.term, one.table) != (other.terms, other.term, other.table):
            raise InputError(
                "numerator and denominator differ in terms, term or table; let only their outcomes differ"
            )

    def ratio(self, tables: Tables) -> Ratio:
        """Both effects of each cohort with their covariance, for intervals and tests of one's own."""
        (outcome, matrix), (other, _) = (each._arrays(tables) for each in (self.numerator, self.denominator))
        at = self.numerator.terms.index(self.numerator.term)
        basis, back = orthogonal(matrix)
        outcomes = np.stack(np.broadcast_arrays(outcome, other), axis=-1)
        with np.errstate(all="ignore"):
            loadings = basis.swapaxes(-1, -2) @ outcomes
            pull = (basis @ back.swapaxes(-1, -2))[..., at]  # of each row on the effects
            stretch = pull / np.sqrt(1 - (basis**2).sum(-1))
            influence = stretch[..., None] * (outcomes - basis @ loadings)
            effects = (back @ loadings)[..., at, :]
            return Ratio(effects[..., 0], effects[..., 1], influence.swapaxes(-1, -2) @ influence)

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        ratio = self.ratio(tables)
        return Estimate(
            ratio.value, ratio.standard_error, interval=ratio.fieller(), p_value=norm.sf(ratio.z())
        )
