"""The permutation test of necessary condition analysis for an outcome of yes or no, exactly."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import gammaln

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import check_known
from crmlab.estimators.counts import mid_p_interval


@dataclass(frozen=True)
class NecessaryCondition(Estimator):
    """The share of events among the rows that count, "near zero" by the permutation test of NCA.

    With an outcome of 0 and 1 the ceiling's corner is the least condition at which the event happened, and
    the share of all permutations whose corner lies as high is ``C(n − r, m) / C(n, m)``, with m events among
    n rows and r rows below the corner: the test of Dul, van der Laan & Kuik (2020,
    doi:10.1177/1094428118795272) without drawing permutations.

    Parameters
    ----------
    condition, event, among : str
        Columns: the condition, whether the event happened (0 or 1), and which rows have too little of the
        condition (0 or 1).
    table : str, optional
        Needed when the cohort has several.
    """

    condition: str
    event: str
    among: str
    table: str | None = None

    failure: ClassVar[str] = "the event never happened, or no row counts"

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        columns = tables.columns(self.table)
        check_known("column", [self.condition, self.event, self.among], columns)
        condition, event, among = (
            np.asarray(columns[name], dtype=float) for name in (self.condition, self.event, self.among)
        )
        events, trials = (event * among).sum(-1), among.sum(-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = events / trials
            error = np.sqrt(share * (1 - share) / trials)
        low, high = mid_p_interval(events, trials)
        corner = np.where(event > 0, condition, np.inf).min(-1, keepdims=True)
        below, all_events, rows = (condition < corner).sum(-1), event.sum(-1), event.shape[-1]
        found = (share >= 0) & (all_events > 0)
        p_value = np.exp(_log_choose(rows - below, all_events) - _log_choose(rows, all_events))
        share, low, high = (np.where(found, each, np.nan) for each in (share, low, high))
        return Estimate(share, error, interval=(low, high), p_value=np.where(found, p_value, np.nan))


def _log_choose(rows, chosen):
    return gammaln(rows + 1.0) - gammaln(chosen + 1.0) - gammaln(np.maximum(rows - chosen, 0) + 1.0)
