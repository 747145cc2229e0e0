"""Which of two predictors goes with an outcome more closely, when both are known of the same units."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crmlab.design import Estimate, Estimator, Tables


@dataclass(frozen=True)
class CorrelationDifference(Estimator):
    """The correlation of an outcome with one column less its correlation with another, in the same rows.

    Parameters
    ----------
    outcome, first, second : str
        Columns.
    table : str, optional
        Needed when the cohort has several.

    Notes
    -----
    A row's influence on a correlation ρ of standardised a and y is ``ay - ρ(a² + y²)/2``; the standard error
    is the spread of the difference of two such influences, over the root of the rows. It asks for no normal
    distribution, as Williams' test of dependent correlations does (Steiger 1980, Psychological Bulletin 87).
    """

    outcome: str
    first: str
    second: str
    table: str | None = None

    failure: ClassVar[str] = "a column does not vary"

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        columns = tables.columns(self.table)
        with np.errstate(all="ignore"):
            outcome, first, second = (
                standardised(columns[name]) for name in (self.outcome, self.first, self.second)
            )
            one, other = _influence(outcome, first), _influence(outcome, second)
            error = (one[1] - other[1]).std(-1, ddof=1) / np.sqrt(outcome.shape[-1])
        return Estimate(one[0] - other[0], error)


def standardised(values: np.ndarray) -> np.ndarray:
    """Values less their mean, over their standard deviation, along the last axis; NaN if all are alike."""
    centred = values - values.mean(-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(-1, keepdims=True))
    return centred / np.where(spread > 0, spread, np.nan)


def _influence(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The correlation of two standardised columns, and each row's influence on it."""
    product = one * other
    correlation = product.mean(-1)
    return correlation, product - correlation[..., None] * (one**2 + other**2) / 2
