"""Chances compared between two settings of some columns, averaged over all other columns as they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, ndtr

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import check_known
from crmlab.estimators.binary import BinaryRegression, ProbitRegression


@dataclass(frozen=True)
class Standardised(Estimator):
    """The mean chance if columns were set to one value for everybody, less that if set to another.

    Parameters
    ----------
    regression : LogisticRegression or ProbitRegression
    setting, against : mapping of str to float
        Columns and the value that every row has: ``{"failed": 1, "redressed": 1}``, ``{"failed": 0, …}``.

    Notes
    -----
    With ``b`` the coefficients, of covariance ``V``, and ``g`` the mean derivative of a row's difference in
    them, the variance is ``g'Vg`` plus that of the differences over the number of rows: the rows are a
    sample, too.
    """

    regression: BinaryRegression
    setting: Mapping[str, float]
    against: Mapping[str, float]

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        fitted, columns = self.regression.fitted(tables), tables.columns(self.regression.table)
        (one, rise), (other, fall) = (
            self._chances(fitted.coefficients, columns, setting) for setting in (self.setting, self.against)
        )
        difference, slope = one - other, rise - fall
        variance = np.einsum("st,stk,sk->s", slope, fitted.covariance, slope)
        variance = variance + difference.var(-1) / difference.shape[-1]
        with np.errstate(invalid="ignore"):
            return Estimate(difference.mean(-1), np.sqrt(variance))

    def why(self, tables: Tables) -> str:
        """Why the regression could not be fitted."""
        return self.regression.why(tables)

    def _chances(self, coefficients: np.ndarray, columns: Mapping, setting: Mapping) -> tuple[Any, Any]:
        """Each row's chance, and the mean of its derivative in the coefficients."""
        check_known("column", setting, columns)
        rows = np.shape(next(iter(columns.values())))
        given = {**columns, **{name: np.full(rows, float(value)) for name, value in setting.items()}}
        matrix = self.regression._formula.arrays(given)[1]
        index = (matrix @ coefficients[..., None])[..., 0]
        if isinstance(self.regression, ProbitRegression):
            chance, density = ndtr(index), np.exp(-(index**2) / 2) / np.sqrt(2 * np.pi)
        else:
            chance = expit(index)
            density = chance * (1 - chance)
        return chance, (density[..., None, :] @ matrix)[..., 0, :] / index.shape[-1]
