"""Correlations, and which of two is closer; of the same units or of different ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import check_known
from crmlab.estimators.influence import mean_of


@dataclass(frozen=True)
class Correlation(Estimator):
    """The correlation of two columns.

    Parameters
    ----------
    outcome, predictor : str
        Columns.
    table : str, optional
        Needed when the cohort has several.
    among : str, optional
        Column of 0 and 1: the rows that count. All do if none is given.

    Notes
    -----
    A row's influence on a correlation ρ of standardised a and y is ``ay - ρ(a² + y²)/2`` (Devlin,
    Gnanadesikan & Kettenring 1975, doi:10.1093/biomet/62.3.531); the standard error is the spread of the
    influences over the root of the rows. It asks for no normal distribution.
    """

    outcome: str
    predictor: str
    table: str | None = None
    among: str | None = None

    failure: ClassVar[str] = "a column does not vary"

    def influence(self, columns: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The correlation, shape (simulations,), and each row's influence on it, (simulations, rows)."""
        named = [name for name in (self.outcome, self.predictor, self.among) if name is not None]
        check_known("column", named, columns)
        one, other = (np.asarray(columns[name], float) for name in (self.outcome, self.predictor))
        weight = np.ones(one.shape) if self.among is None else np.asarray(columns[self.among], float)
        with np.errstate(all="ignore"):
            weight = weight / weight.mean(-1, keepdims=True)
            one, other = standardised(one, weight), standardised(other, weight)
            correlation = (weight * one * other).mean(-1)
            pull = one * other - correlation[..., None] * (one**2 + other**2) / 2
            return correlation, weight * pull

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        value, influence = self.influence(tables.columns(self.table))
        return mean_of(influence + value[..., None])


@dataclass(frozen=True)
class CorrelationDifference(Estimator):
    """The correlation of an outcome with one column less its correlation with another.

    Parameters
    ----------
    outcome, first, second : str
        Columns.
    table : str, optional
        Needed when the cohort has several.
    first_among, second_among : str, optional
        Columns of 0 and 1: the rows that count for either. Without them all rows count for both.

    Notes
    -----
    Influences are subtracted row by row, so that what the two correlations share is allowed for, as Williams'
    test of dependent correlations does under a normal distribution (Steiger 1980, Psychological Bulletin 87).
    """

    outcome: str
    first: str
    second: str
    table: str | None = None
    first_among: str | None = None
    second_among: str | None = None

    failure: ClassVar[str] = Correlation.failure

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        columns = tables.columns(self.table)
        (one, pull), (other, counter) = (
            Correlation(self.outcome, predictor, self.table, among).influence(columns)
            for predictor, among in ((self.first, self.first_among), (self.second, self.second_among))
        )
        return mean_of(pull - counter + (one - other)[..., None])


def standardised(values: np.ndarray, weight: np.ndarray | float = 1.0) -> np.ndarray:
    """Values less their mean, over their standard deviation, along the last axis; NaN if all are alike.

    `weight` has the mean 1.
    """
    centred = values - (weight * values).mean(-1, keepdims=True)
    spread = np.sqrt((weight * centred**2).mean(-1, keepdims=True))
    return centred / np.where(spread > 1e-12, spread, np.nan)
