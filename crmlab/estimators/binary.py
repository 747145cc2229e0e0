"""Regressions of yes and no: logit and probit by maximum likelihood, in one pass over many cohorts.

Tests hold the batched answers to statsmodels' own.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import statsmodels.api as sm
from scipy.special import expit, log_ndtr
from statsmodels.tools.sm_exceptions import (
    ConvergenceWarning,
    HessianInversionWarning,
    PerfectSeparationWarning,
)

from crmlab.design import EstimationFailed, Tables
from crmlab.errors import InputError, check_known, listing
from crmlab.estimators.regression import Regression, clustered, rank_failure
from crmlab.models.newton import maximise
from crmlab.models.stacked import inverse, orthogonal

NEWTON_STEPS = 35
QUIET = (ConvergenceWarning, HessianInversionWarning, PerfectSeparationWarning, RuntimeWarning)


@dataclass(frozen=True)
class BinaryRegression(Regression):
    """A regression of an outcome of 0 and 1, or of successes among trials, by maximum likelihood.

    Parameters
    ----------
    formula, term, table, cluster
        As for `Regression`.
    covariance : {"nonrobust", "HC0"}
        The inverse of the observed information, or the sandwich.
    trials : str, optional
        A column of trials, where the outcome counts successes among them: rows of the same kind taken
        together. The estimates are those of the regression on single trials.
    bias_reduced : bool
        Firth's (1993) adjusted score: each row's slope gains its leverage times
        ``μ''/2μ'``, derivatives of its chance in the index. Estimates are finite in small samples and under
        separation (Heinze & Schemper 2002, doi:10.1002/sim.1047) and have no bias of order 1/n. For the
        logit the adjustment is Jeffreys' prior. Errors are from the information.
    """

    trials: str | None = None
    bias_reduced: bool = False

    covariances: ClassVar[tuple[str, ...]] = ("nonrobust", "HC0")
    model: ClassVar[Callable]

    def _arrays(self, tables):
        outcome, matrix = super()._arrays(tables)
        if self.trials is not None:
            trials = self._trials(tables.columns(self.table))
            if ((outcome < 0) | (outcome > trials)).any():
                raise InputError(
                    f"the outcome of {self.formula!r} must lie from 0 to {self.trials}, its number of trials"
                )
        elif ((outcome != 0) & (outcome != 1)).any():
            strange = np.setdiff1d(outcome, (0.0, 1.0))
            raise InputError(
                f"the outcome of {self.formula!r} holds {listing(strange, 5)}; it must be 0 or 1"
            )
        return outcome, matrix

    def _trials(self, columns):
        if self.trials is None:
            return 1.0
        check_known("column", [self.trials], columns)
        return np.asarray(columns[self.trials], dtype=float)

    def why(self, tables: Tables) -> str:
        """Whether it is the columns or the outcome."""
        _, matrix = self._arrays(tables)
        seen = np.broadcast_to(self._trials(tables.columns(self.table)), len(matrix)) > 0
        if np.isnan(orthogonal(matrix[seen][None])[1]).any():
            return rank_failure(self.terms, matrix[seen])
        return f"{type(self).__name__} did not converge: the outcome may be separated"

    def fit(self, tables: Tables) -> Any:
        """The regression on one cohort's tables by statsmodels: its fitted model, a GLM if there are trials.

        Raises
        ------
        EstimationFailed
            If the likelihood has no maximum (separation) or Newton's method does not reach it.
        InputError
            If the estimator is bias-reduced, which statsmodels does not know.
        """
        if self.bias_reduced:
            raise InputError(
                "statsmodels has no bias-reduced fit; call the estimator itself, or set bias_reduced=False"
            )
        outcome, matrix = self._arrays(tables)
        seen = np.broadcast_to(self._trials(tables.columns(self.table)), len(matrix)) > 0
        if np.isnan(orthogonal(matrix[seen][None])[1]).any():
            raise EstimationFailed(self.why(tables))
        with warnings.catch_warnings():
            for category in QUIET:
                warnings.simplefilter("ignore", category)
            try:
                fit, converged = self._by_statsmodels(outcome, matrix, tables.columns(self.table))
            except np.linalg.LinAlgError as error:
                raise EstimationFailed(f"{type(self).__name__}: {error}") from None
        if not converged or not np.isfinite(fit.bse).all():
            raise EstimationFailed(self.why(tables))
        return fit

    def _by_statsmodels(self, outcome, matrix, columns):
        if self.trials is not None:
            trials = self._trials(columns)
            counts, seen = np.column_stack([outcome, trials - outcome]), trials > 0
            link = {"Logit": sm.families.links.Logit, "Probit": sm.families.links.Probit}
            family = sm.families.Binomial(link[self.model.__name__]())
            fit = sm.GLM(counts[seen], matrix[seen], family).fit(tol=1e-12, tol_criterion="params")
            return fit, fit.converged
        options = {"cov_type": self.covariance}
        if self.cluster is not None:
            options = {"cov_type": "cluster", "cov_kwds": {"groups": np.asarray(columns[self.cluster])}}
        fit = self.model(outcome, matrix).fit(disp=0, maxiter=NEWTON_STEPS, **options)
        return fit, fit.mle_retvals["converged"]

    @staticmethod
    def _derivatives(outcome, trials, index):
        """First and (minus) second derivative of each row's log-likelihood in the index."""
        raise NotImplementedError

    def _fit_all(self, outcome, matrix, columns):
        trials = np.broadcast_to(self._trials(columns), outcome.shape)
        # Newton's steps are the same in any basis, and safest in an orthogonal one
        basis, back = orthogonal(matrix * np.sqrt(np.minimum(trials, 1.0))[..., None])
        scale = np.sqrt(matrix.shape[-2])
        back = back * scale
        with np.errstate(all="ignore"):
            basis = basis * scale if self.trials is None else matrix @ np.nan_to_num(back)
            transposed = basis.swapaxes(-1, -2)

            def information(bend, which):
                return (transposed[which] * bend[..., None, :]) @ basis[which]

            def derivatives(coefficients, which):
                index = (basis[which] @ coefficients[..., None])[..., 0]
                slope, bend = self._derivatives(outcome[which], trials[which], index)
                bends = information(bend, which)
                if self.bias_reduced:
                    slope = slope + self._adjustment(basis[which], trials[which], index)
                return (transposed[which] @ slope[..., None])[..., 0], bends

            start = np.zeros((len(outcome), matrix.shape[-1]))
            coefficients, _ = maximise(derivatives, start, steps=self._steps, largest=5.0)
            every = np.arange(len(outcome))
            slope, bend = self._derivatives(outcome, trials, (basis @ coefficients[..., None])[..., 0])
            covariance, freedom = inverse(information(bend, every)), np.inf
            if self.cluster is not None:
                scores = basis * slope[..., None]
                middle = clustered(scores, columns[self.cluster], matrix.shape[-1])[0]
                covariance = covariance @ middle @ covariance
            elif self.covariance == "HC0":
                covariance = covariance @ information(slope**2, every) @ covariance
            return (
                (back @ coefficients[..., None])[..., 0],
                back @ covariance @ back.swapaxes(-1, -2),
                freedom,
            )

    @property
    def _steps(self):
        return 5 * NEWTON_STEPS if self.bias_reduced else NEWTON_STEPS

    def _adjustment(self, basis, trials, index):
        """What Firth's adjustment adds to each row's slope: its leverage times ``μ''/2μ'``."""
        weight, curvature = self._expected(trials, index)
        back = inverse((basis.swapaxes(-1, -2) * weight[..., None, :]) @ basis)
        return weight * ((basis @ back) * basis).sum(-1) * curvature

    @staticmethod
    def _expected(trials, index):
        """Each row's expected information in the index, and ``μ''/2μ'``."""
        raise NotImplementedError


@dataclass(frozen=True)
class LogisticRegression(BinaryRegression):
    """One coefficient of a logistic regression, in logit units; see `BinaryRegression`."""

    model: ClassVar[Callable] = sm.Logit

    @staticmethod
    def _derivatives(outcome, trials, index):
        chance = expit(index)
        return outcome - trials * chance, trials * chance * (1 - chance)

    @staticmethod
    def _expected(trials, index):
        chance = expit(index)
        return trials * chance * (1 - chance), 0.5 - chance


@dataclass(frozen=True)
class ProbitRegression(BinaryRegression):
    """One coefficient of a probit regression, in standard deviations of the index' error."""

    model: ClassVar[Callable] = sm.Probit

    @staticmethod
    def _derivatives(outcome, trials, index):
        yes, no = (np.exp(-0.5 * index**2 - log_ndtr(sign * index)) / np.sqrt(2 * np.pi) for sign in (1, -1))
        slope = outcome * yes - (trials - outcome) * no
        return slope, outcome * yes * (yes + index) + (trials - outcome) * no * (no - index)

    @staticmethod
    def _expected(trials, index):
        weight = np.exp(-(index**2) - log_ndtr(index) - log_ndtr(-index)) / (2 * np.pi)
        return trials * weight, -0.5 * index
