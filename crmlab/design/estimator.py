"""What an estimator is: tables in, an `Estimate` out, of one cohort or of many in one pass."""

from typing import ClassVar

import numpy as np

from crmlab.design.cohort import Tables
from crmlab.design.estimate import Estimate, EstimationFailed


class Estimator:
    """Base of the estimators that take many cohorts in one pass.

    A subclass writes `batch` alone; the estimate on one cohort is that of a batch of one.
    """

    failure: ClassVar[str] = "the estimate is not finite"

    def batch(self, tables: Tables) -> Estimate:
        """The estimates on many cohorts: arrays of shape ``(simulations,)``, NaN where there is none.

        Parameters
        ----------
        tables : Tables
            Columns of shape ``(simulations, rows)``, or ``(rows,)`` where all cohorts share them.
        """
        raise NotImplementedError(f"{type(self).__name__} has no batch(tables)")

    def why(self, tables: Tables) -> str:
        """Why there is no estimate on one cohort's tables; `failure` if nothing more is known."""
        return self.failure

    def __call__(self, tables: Tables) -> Estimate:
        """The estimate on one cohort's tables.

        Raises
        ------
        EstimationFailed
            If it is not finite.
        """
        estimate = self.batch(tables.stacked()).one(0)
        if not estimate.sound:
            raise EstimationFailed(self.why(tables))
        return estimate


class SingleEstimator:
    """Base of the estimators that take one cohort at a time: a subclass writes `one`."""

    failure: ClassVar[str] = "the estimate is not finite"

    def one(self, tables: Tables) -> Estimate:
        """The estimate on one cohort's tables."""
        raise NotImplementedError(f"{type(self).__name__} has no one(tables)")

    def __call__(self, tables: Tables) -> Estimate:
        """As `one`; raises `EstimationFailed` if the estimate is not finite."""
        estimate = self.one(tables)
        if not np.all(estimate.sound):
            raise EstimationFailed(self.failure)
        return estimate
