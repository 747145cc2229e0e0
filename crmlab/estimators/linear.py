"""Linear regressions: least squares, fixed effects, instruments. Each in one pass over many cohorts.

Tests hold the batched answers to statsmodels' own.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import statsmodels.api as sm

from crmlab.design import Estimate, EstimationFailed, Estimator, Tables
from crmlab.errors import InputError, check_known
from crmlab.estimators.formulas import formula
from crmlab.estimators.regression import (
    CLUSTERED,
    Regression,
    clustered,
    group_numbers,
    group_sums,
    rank_failure,
)
from crmlab.models.stacked import orthogonal

SATURATED = 1 - 1e-9  # leverage of a row that decides a coefficient alone


@dataclass(frozen=True)
class LeastSquares(Regression):
    """One coefficient of an ordinary least squares regression.

    Parameters
    ----------
    formula, term, table, cluster
        As for `Regression`.
    covariance : {"nonrobust", "HC1", "HC2", "HC3"}
        The latter three are heteroskedasticity-consistent (MacKinnon & White 1985). HC2 is unbiased where the
        errors are alike. With `cluster` it is not looked at.
    """

    covariances: ClassVar[tuple[str, ...]] = ("nonrobust", "HC1", "HC2", "HC3")

    def why(self, tables: Tables) -> str:
        """Whether it is the columns or a row."""
        _, matrix = self._arrays(tables)
        basis, back = orthogonal(matrix[None])
        if np.isnan(back).any():
            return rank_failure(self.terms, matrix)
        if self.covariance in ("HC2", "HC3") and (basis**2).sum(-1).max() > SATURATED:
            return f"{self.covariance}: a row decides a coefficient alone, so its error cannot be told"
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

    def residual_spread(self, tables: Tables) -> np.ndarray:
        """Standard deviation of the residuals of each cohort, degrees of freedom taken into account."""
        outcome, matrix = self._arrays(tables)
        coefficients = self.fitted(tables).coefficients
        residual = outcome - (matrix @ coefficients[..., None])[..., 0]
        return np.sqrt((residual**2).sum(-1) / (matrix.shape[-2] - matrix.shape[-1]))

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
        kept = np.where(leverage > SATURATED, np.nan, 1 - leverage)
        return 1 / (kept if self.covariance == "HC2" else kept**2)


def robust(formula: str, term: str, table: str) -> LeastSquares:
    """One coefficient by least squares, with errors that allow for unequal variances (HC1)."""
    return LeastSquares(formula, term, table, covariance="HC1")


@dataclass(frozen=True)
class InResidualDeviations(Estimator):
    """A least squares coefficient in standard deviations of the residual, which is taken as known.

    So it is comparable with the coefficient of a probit, whose error has a standard deviation of 1.

    Parameters
    ----------
    regression : LeastSquares
    """

    regression: LeastSquares

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        estimate, scale = self.regression.batch(tables), self.regression.residual_spread(tables)
        return Estimate(estimate.value / scale, estimate.standard_error / scale, estimate.degrees_of_freedom)

    def why(self, tables: Tables) -> str:
        """Why the regression could not be fitted."""
        return self.regression.why(tables)


@dataclass(frozen=True)
class Within(Regression):
    """One slope of a regression with an intercept for each unit: fixed effects.

    All columns are taken less their unit's mean, so a unit with one row says nothing and is not counted.

    Parameters
    ----------
    formula, term, table
        As for `Regression`; what does not change within units cannot be a term.
    unit : str
        Column of whole numbers: whose intercept.
    covariance : {"clustered", "nonrobust"}
        Clustered by `cluster`, or by unit if none is given, with k the number of slopes, as intercepts that
        lie within clusters cost no degrees of freedom (Cameron & Miller 2015).
    """

    covariance: str = CLUSTERED
    unit: str = ""

    covariances: ClassVar[tuple[str, ...]] = (CLUSTERED, "nonrobust")
    failure: ClassVar[str] = "a column does not change within units, or follows from the others there"

    @property
    def terms(self) -> list[str]:
        """Names of the slopes."""
        return [term for term in self._formula.terms if term != "Intercept"]

    def _fit_all(self, outcome, matrix, columns):
        keep = [term != "Intercept" for term in self._formula.terms]
        numbers, count = group_numbers(columns[self.unit], len(outcome))
        sizes = group_sums(np.ones(numbers.shape), numbers, count)
        place = np.arange(len(outcome))[:, None], numbers

        def less_mean(values):
            sums, size = group_sums(values, numbers, count), np.maximum(sizes, 1)
            means = sums / (size if values.ndim == 2 else size[..., None])
            return values - means[place]

        again = (sizes > 1)[place]
        matrix, outcome = less_mean(matrix[..., keep]) * again[..., None], less_mean(outcome) * again
        basis, back = orthogonal(matrix)
        terms = matrix.shape[-1]
        with np.errstate(all="ignore"):
            loadings = basis.swapaxes(-1, -2) @ outcome[..., None]
            residual = outcome - (basis @ loadings)[..., 0]
            if self.covariance == CLUSTERED:
                groups = columns[self.cluster or self.unit]
                middle, freedom = clustered(basis * residual[..., None], groups, terms, again)
            else:
                freedom = again.sum(-1) - (sizes > 1).sum(-1) - float(terms)
                middle = ((residual**2).sum(-1) / freedom)[:, None, None] * np.eye(terms)
            return (back @ loadings)[..., 0], back @ middle @ back.swapaxes(-1, -2), freedom


@dataclass(frozen=True)
class TwoStageLeastSquares(Regression):
    """One coefficient by two-stage least squares: instruments for the endogenous terms.

    Parameters
    ----------
    formula, term, table, cluster
        As for `Regression`; the formula is the structural equation.
    endogenous : tuple of str
        Those of its terms that need instruments.
    instruments : tuple of str
        Terms that stand in for them, at least as many.
    covariance : {"nonrobust", "HC1"}

    Notes
    -----
    With X̂ the projection of X on instruments and exogenous terms the coefficients are ``(X̂'X̂)⁻¹ X̂'y``, and
    the residuals of their errors are those at X, not at X̂ (Wooldridge 2010, Econometric Analysis of Cross
    Section and Panel Data, chapter 5).
    """

    endogenous: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()

    covariances: ClassVar[tuple[str, ...]] = ("nonrobust", "HC1")
    failure: ClassVar[str] = "the instruments, or the terms as they predict them, are not of full rank"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_known("term", self.endogenous, self.terms)
        if not 0 < len(self.endogenous) <= len(self.instruments):
            raise InputError(
                f"endogenous is {self.endogenous} and instruments {self.instruments}; "
                "give an endogenous term, and at least as many instruments"
            )

    def _instrumented(self, matrix, columns):
        """Exogenous terms and instruments, shape (simulations, rows, ...), the instruments last."""
        exogenous = matrix[..., [term not in self.endogenous for term in self.terms]]
        return np.concatenate([exogenous, added(self.formula, self.instruments, columns)], axis=-1)

    def _fit_all(self, outcome, matrix, columns):
        rows, terms = matrix.shape[-2:]
        first, back = orthogonal(self._instrumented(matrix, columns))
        with np.errstate(all="ignore"):
            first = first * np.where(np.isnan(back).any((-1, -2)), np.nan, 1.0)[:, None, None]
            fitted = first @ (first.swapaxes(-1, -2) @ matrix)
            basis, back = orthogonal(np.nan_to_num(fitted))
            coefficients = (back @ (basis.swapaxes(-1, -2) @ outcome[..., None]))[..., 0]
            residual = outcome - (matrix @ coefficients[..., None])[..., 0]
            freedom: Any = float(rows - terms)
            if self.cluster is not None:
                middle, freedom = clustered(basis * residual[..., None], columns[self.cluster], terms)
            elif self.covariance == "HC1":
                middle = (basis.swapaxes(-1, -2) * (residual**2 * rows / freedom)[..., None, :]) @ basis
            else:
                middle = ((residual**2).sum(-1) / freedom)[:, None, None] * np.eye(terms)
            return coefficients, back @ middle @ back.swapaxes(-1, -2), freedom

    def first_stage_f(self, tables: Tables) -> np.ndarray:
        """The instruments' F statistic in the first stage of the first endogenous term, by cohort.

        Below about 10 two-stage least squares leans towards least squares and its intervals are not to be
        trusted (Staiger & Stock 1997).

        Returns
        -------
        array of shape (simulations,), or a number for one cohort's tables
        """
        _, matrix = self._arrays(tables)
        columns = tables.columns(self.table)
        target = matrix[..., self.terms.index(self.endogenous[0]), None]
        every = self._instrumented(matrix, columns)
        squares = []
        for regressors in (every[..., : -len(self.instruments)], every):
            basis = np.linalg.qr(regressors)[0] if regressors.shape[-1] else regressors
            rest = target - basis @ (basis.swapaxes(-1, -2) @ target)
            squares.append((rest**2).sum((-1, -2)))
        freedom = matrix.shape[-2] - every.shape[-1]
        return (squares[0] - squares[1]) / len(self.instruments) / (squares[1] / freedom)


@dataclass(frozen=True)
class ControlFunction(TwoStageLeastSquares):
    """One coefficient of a least squares regression with the first stages' residuals as further terms.

    Where the endogenous term enters as it is, the coefficients are those of two-stage least squares; where it
    is squared or interacts, they take the residual to stand for all that is endogenous (Wooldridge 2015).
    The residual's coefficient tests whether the term is endogenous at all. Terms
    of the residuals are called ``residual_1``, ``residual_2``, and so on.

    Parameters
    ----------
    formula, term, table, covariance, cluster, endogenous, instruments
        As for `TwoStageLeastSquares`.
    derived : tuple of str
        Further terms that are made of the endogenous ones, such as their squares: no part of the first stage.

    Notes
    -----
    Errors are heteroskedasticity-consistent and know of the first stage: rows' influence through the second
    stage, ``A₂⁻¹ x₂ e``, plus through the first, ``A₂⁻¹ D A₁⁻¹ w v`` with D the derivative of the second
    stage's score in the first stage's coefficients.
    """

    covariance: str = "HC1"
    derived: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_known("term", self.derived, self._formula.terms)

    @property
    def terms(self) -> list[str]:
        """Names of the coefficients, the residuals' last."""
        return [*self._formula.terms, *(f"residual_{at + 1}" for at in range(len(self.endogenous)))]

    def _instrumented(self, matrix, columns):
        moved = {*self.endogenous, *self.derived}
        keep = [term not in moved for term in self._formula.terms]
        return np.concatenate([matrix[..., keep], added(self.formula, self.instruments, columns)], axis=-1)

    def _fit_all(self, outcome, matrix, columns):
        names = self._formula.terms
        target = matrix[..., [names.index(term) for term in self.endogenous]]
        first = self._instrumented(matrix, columns)
        basis, back = orthogonal(first)
        with np.errstate(all="ignore"):
            residual = target - basis @ (basis.swapaxes(-1, -2) @ target)
            residual = residual * np.where(np.isnan(back).any((-1, -2)), np.nan, 1.0)[:, None, None]
            wide = np.concatenate([matrix, residual], axis=-1)
            second, home = orthogonal(np.nan_to_num(wide))
            coefficients = (home @ (second.swapaxes(-1, -2) @ outcome[..., None]))[..., 0]
            error = outcome - (wide @ coefficients[..., None])[..., 0]
            influence = second * error[..., None]  # in the orthogonal basis, where A₂ is the identity
            for at in range(len(self.endogenous)):
                loading = coefficients[:, len(names) + at, None, None]
                slope = loading * second.swapaxes(-1, -2) @ basis
                own = home[:, -len(self.endogenous) + at, :, None]
                slope = slope - own * (error[..., None, :] @ basis)
                influence = influence + (basis * residual[..., at, None]) @ slope.swapaxes(-1, -2)
            rows, terms = wide.shape[-2:]
            freedom: Any = float(rows - terms)
            if self.cluster is not None:
                middle, freedom = clustered(influence, columns[self.cluster], terms)
            else:
                middle = influence.swapaxes(-1, -2) @ influence * rows / freedom
            return coefficients, home @ middle @ home.swapaxes(-1, -2), freedom


def added(text: str, terms: tuple[str, ...], columns: Any) -> np.ndarray:
    """Columns of further terms over the rows of a formula, shape (simulations, rows, terms)."""
    outcome = text.split("~", maxsplit=1)[0]
    return formula(f"{outcome} ~ 0 + {' + '.join(terms)}").arrays(columns)[1]
