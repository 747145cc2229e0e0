"""Times until something happens: proportional hazards, by lifelines, one cohort at a time."""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from crmlab.design import Estimate, EstimationFailed, SingleEstimator, Tables
from crmlab.errors import check_known


@dataclass(frozen=True)
class ProportionalHazards(SingleEstimator):
    """One log hazard ratio of a Cox regression (Cox 1972).

    Parameters
    ----------
    duration, event : str
        Columns: time until the event or until observation ended, and whether the event was seen.
    terms : tuple of str
        Covariates.
    term : str
        The one whose coefficient is the estimate.
    table : str, optional
    entry : str, optional
        When a customer came under observation (late entry, or the start of a spell with its covariates).
    cluster : str, optional
        Rows of one customer; errors are then the sandwich's.
    """

    duration: str
    event: str
    terms: tuple[str, ...]
    term: str
    table: str | None = None
    entry: str | None = None
    cluster: str | None = None

    failure: ClassVar[str] = "the Cox regression did not converge"

    def __post_init__(self) -> None:
        check_known("term", [self.term], self.terms)

    def fit(self, tables: Tables) -> Any:
        """The fitted lifelines model."""
        from lifelines import CoxPHFitter
        from lifelines.exceptions import ConvergenceError

        columns = tables.columns(self.table)
        named = [self.duration, self.event, *self.terms, self.entry, self.cluster]
        used = [name for name in named if name is not None]
        check_known("column", used, columns)
        frame = pd.DataFrame({name: np.asarray(columns[name]) for name in used})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what lifelines warns of shows in the estimate, or raises
            try:
                return CoxPHFitter().fit(
                    frame,
                    self.duration,
                    self.event,
                    entry_col=self.entry,
                    cluster_col=self.cluster,
                )
            except ConvergenceError as error:
                raise EstimationFailed(f"{self.failure}: {str(error).splitlines()[0]}") from None

    def one(self, tables: Tables) -> Estimate:
        """As `SingleEstimator.one`."""
        fit = self.fit(tables)
        return Estimate(float(fit.params_[self.term]), float(fit.standard_errors_[self.term]))
