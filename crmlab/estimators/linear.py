"""Linear regressions: least squares, fixed effects, instruments. Each in one pass over many cohorts.

Tests hold the batched answers to statsmodels' own.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import statsmodels.api as sm

from crmlab.design import EstimationFailed, Tables
from crmlab.estimators.regression import Regression, clustered
from crmlab.models.stacked import orthogonal

SATURATED = 1 - 1e-9  # leverage of a row that decides a coefficient alone


@dataclass(frozen=True)
class LeastSquares(Regression):
    """One coefficient of an ordinary least squares regression.

    Parameters
    ----------
    formula, term, table, cluster
        As for `Regression`.
    covariance : {"nonrobust", "HC1", "HC3"}
        HC1 and HC3 are heteroskedasticity-consistent (MacKinnon & White 1985,
        doi:10.1016/0304-4076(85)90158-7). With `cluster` it is not looked at.
    """

    covariances: ClassVar[tuple[str, ...]] = ("nonrobust", "HC1", "HC3")

    def why(self, tables: Tables) -> str:
        """Whether it is the columns or a row."""
        _, matrix = self._arrays(tables)
        basis, back = orthogonal(matrix[None])
        if np.isnan(back).any():
            return "the design matrix is not of full rank"
        if self.covariance == "HC3" and (basis**2).sum(-1).max() > SATURATED:
            return "HC3: a row decides a coefficient alone, so its error cannot be told"
        return self.failure

    def fit(self, tables: Tables) -> Any:
        """The regression on one cohort's tables by statsmodels: its fitted model."""
        outcome, matrix = self._arrays(tables)
        if np.isnan(orthogonal(matrix[None])[1]).any():
            raise EstimationFailed(self.why(tables))
        model = sm.OLS(outcome, matrix)
        if self.cluster is None:
            return model.fit(cov_type=self.covariance, use_t=True)
        groups = {"groups": np.asarray(tables.columns(self.table)[self.cluster])}
        return model.fit(cov_type="cluster", cov_kwds=groups, use_t=True)

    def _fit_all(self, outcome, matrix, columns):
        basis, back = orthogonal(matrix)  # X = Q R; back is the inverse of R
        rows, terms = matrix.shape[-2:]
        freedom: Any = float(rows - terms)
        with np.errstate(all="ignore"):
            loadings = basis.swapaxes(-1, -2) @ outcome[..., None]
            residual = outcome - (basis @ loadings)[..., 0]
            if self.cluster is not None:
                scores = basis * residual[..., None]
                middle, freedom = clustered(scores, columns[self.cluster], terms)
            elif self.covariance == "nonrobust":
                middle = (residual**2).sum(-1)[..., None, None] / freedom * np.eye(terms)
            else:
                weight = residual**2 * self._stretch(basis, rows, freedom)
                middle = (basis.swapaxes(-1, -2) * weight[..., None, :]) @ basis
            return (back @ loadings)[..., 0], back @ middle @ back.swapaxes(-1, -2), freedom

    def _stretch(self, basis, rows, freedom):
        """By how much squared residuals are stretched before they stand for squared errors."""
        if self.covariance == "HC1":
            return rows / freedom
        leverage = (basis**2).sum(-1)
        return 1 / np.where(leverage > SATURATED, np.nan, 1 - leverage) ** 2
