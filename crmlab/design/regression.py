"""Regressions as estimators: statsmodels for one cohort, the same arithmetic in one pass for many.

A formula is the one that statsmodels reads (``"renewed ~ rated + I(rated ** 2) + rated:rivals"``), over
numeric columns. A test holds the batched answers to statsmodels' own.
"""

import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import statsmodels.api as sm
from patsy import ModelDesc, PatsyError
from scipy.special import expit, log_ndtr
from statsmodels.tools.sm_exceptions import (
    ConvergenceWarning,
    HessianInversionWarning,
    PerfectSeparationWarning,
)

from crmlab.design.estimate import Estimate, EstimationFailed
from crmlab.errors import InputError, check_known, listing

NEWTON_STEPS = 35
CONDITION = 1e10  # of the design matrix with columns of length 1; beyond it, too few digits are left


class Formula:
    """A regression formula evaluated on arrays of shape ``(..., rows)``.

    Attributes
    ----------
    terms : list of str
        Names of the design matrix's columns, as statsmodels prints them.
    """

    def __init__(self, text):
        self.text = text
        try:
            parsed = ModelDesc.from_formula(text)
        except PatsyError as error:
            raise InputError(f"formula {text!r} cannot be read: {str(error).splitlines()[0]}") from None
        if len(parsed.lhs_termlist) != 1 or len(parsed.lhs_termlist[0].factors) != 1:
            raise InputError(f"formula {text!r} must have one outcome on its left")
        self._outcome = parsed.lhs_termlist[0].factors[0].code
        self._factors = {
            term.name(): [factor.code for factor in term.factors] for term in parsed.rhs_termlist
        }
        self.terms = list(self._factors)

    def arrays(self, columns):
        """Outcome ``(..., rows)`` and design matrix ``(..., rows, terms)``.

        Raises
        ------
        InputError
            If a column is missing, is not numeric or holds missing or infinite values.
        """
        outcome = self._evaluate(self._outcome, columns)
        values = {code: self._evaluate(code, columns) for codes in self._factors.values() for code in codes}
        shape = np.broadcast_shapes(outcome.shape, *(each.shape for each in values.values()))
        matrix = np.ones((*shape, len(self.terms)))
        for at, codes in enumerate(self._factors.values()):
            for code in codes:
                matrix[..., at] *= values[code]
        return np.broadcast_to(outcome, shape), matrix

    def _evaluate(self, code, columns):
        try:
            value = eval(code, {"np": np, "I": np.asarray}, _Columns(columns))
            value = np.asarray(value, dtype=float)
        except InputError:
            raise
        except (TypeError, ValueError):
            raise InputError(
                f"{code!r} in formula {self.text!r} is not numeric; "
                "give indicator columns of 0 and 1 for categories"
            ) from None
        if not np.isfinite(value).all():
            raise InputError(
                f"{code!r} in formula {self.text!r} has {int((~np.isfinite(value)).sum())} missing or "
                "infinite values; drop or fill them, and say how"
            )
        return value


class _Columns(dict):
    """Columns for `eval`: a name that is not there is the user's mistake, not a KeyError."""

    def __missing__(self, name):
        if name in ("np", "I"):
            raise KeyError(name)  # lets eval look among its globals
        check_known("column", [name], self)


@lru_cache(maxsize=256)
def formula(text):
    """The parsed `Formula`; parsing takes longer than a regression, so it is done once."""
    return Formula(text)


@dataclass(frozen=True)
class _Regression:
    """What the regressions share: which column of which formula on which table.

    Parameters
    ----------
    formula : str
        Outcome and terms.
    term : str
        The coefficient that is the estimate.
    table : str, optional
        Needed when the cohort has several.
    covariance : str
        ``"nonrobust"``, or a heteroskedasticity-consistent one: ``"HC1"`` or ``"HC3"`` for least squares
        (MacKinnon & White 1985), ``"HC0"`` for logistic regression.
    """

    formula: str
    term: str
    table: str | None = None
    covariance: str = "nonrobust"

    def __post_init__(self):
        check_known("term", [self.term], self._formula.terms)
        if self.covariance not in self.covariances:
            raise InputError(
                f"covariance is {self.covariance!r}; it must be one of {listing(self.covariances)}"
            )

    @cached_property
    def _formula(self):
        return formula(self.formula)

    def __getstate__(self):  # a patsy parse is not worth sending to a worker
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __setstate__(self, state):
        self.__dict__.update(state)

    def _arrays(self, tables):
        return self._formula.arrays(tables.columns(self.table))

    def batch(self, tables):
        """The estimates on many cohorts at once: arrays of shape ``(simulations,)``, NaN where a fit failed.

        Estimators that pick another term of the same regression share one fit.
        """
        key = (type(self).__name__, self.formula, self.table, self.covariance)
        coefficients, covariance, freedom = tables.once(key, lambda: self._fit_all(*self._arrays(tables)))
        at = self._formula.terms.index(self.term)
        with np.errstate(invalid="ignore"):
            return Estimate(coefficients[:, at], np.sqrt(covariance[:, at, at]), freedom)

    def __call__(self, tables):
        """The estimate on one cohort's tables, by statsmodels."""
        fit = self.fit(tables)
        at = self._formula.terms.index(self.term)
        freedom = fit.df_resid if fit.use_t else np.inf
        return Estimate(float(fit.params[at]), float(fit.bse[at]), float(freedom))


@dataclass(frozen=True)
class LeastSquares(_Regression):
    """One coefficient of an ordinary least squares regression."""

    covariances = ("nonrobust", "HC1", "HC3")

    def fit(self, tables):
        """The fitted statsmodels model on one cohort's tables."""
        outcome, matrix = self._arrays(tables)
        basis = _require_full_rank(matrix)
        if self.covariance == "HC3" and (basis**2).sum(-1).max() > 1 - 1e-9:
            raise EstimationFailed("HC3: a row decides a coefficient alone, so its error cannot be told")
        return sm.OLS(outcome, matrix).fit(cov_type=self.covariance, use_t=True)

    def _fit_all(self, outcome, matrix):
        """Coefficients ``(simulations, terms)``, their covariances and the degrees of freedom."""
        basis, back = _orthogonal(matrix)  # X = Q R; back is the inverse of R
        freedom = matrix.shape[-2] - matrix.shape[-1]
        with np.errstate(all="ignore"):
            loadings = basis.swapaxes(-1, -2) @ outcome[..., None]
            squares = (outcome - (basis @ loadings)[..., 0]) ** 2
            leverage = (basis**2).sum(-1)
            if self.covariance == "nonrobust":
                middle = squares.sum(-1)[..., None, None] / freedom * np.eye(matrix.shape[-1])
            else:
                weight = (
                    squares * matrix.shape[-2] / freedom
                    if self.covariance == "HC1"
                    else (squares / np.where(leverage > 1 - 1e-9, np.nan, 1 - leverage) ** 2)
                )
                middle = (basis.swapaxes(-1, -2) * weight[..., None, :]) @ basis
            return (back @ loadings)[..., 0], back @ middle @ back.swapaxes(-1, -2), float(freedom)


class _BinaryRegression(_Regression):
    """A regression of an outcome of 0 and 1, by maximum likelihood."""

    covariances = ("nonrobust", "HC0")

    def fit(self, tables):
        """The fitted statsmodels model on one cohort's tables.

        Raises
        ------
        EstimationFailed
            If the likelihood has no maximum (separation) or Newton's method does not reach it.
        """
        outcome, matrix = self._arrays(tables)
        _require_full_rank(matrix)
        with warnings.catch_warnings():
            for category in (
                ConvergenceWarning,
                HessianInversionWarning,
                PerfectSeparationWarning,
                RuntimeWarning,
            ):
                warnings.simplefilter("ignore", category)
            try:
                fit = self.model(outcome, matrix).fit(disp=0, maxiter=NEWTON_STEPS, cov_type=self.covariance)
            except np.linalg.LinAlgError as error:
                raise EstimationFailed(f"{self.model.__name__}: {error}") from None
        if not fit.mle_retvals["converged"] or not np.isfinite(fit.bse).all():
            raise EstimationFailed(f"{self.model.__name__} did not converge: the outcome may be separated")
        return fit

    def _arrays(self, tables):
        outcome, matrix = super()._arrays(tables)
        if ((outcome != 0) & (outcome != 1)).any():
            strange = np.setdiff1d(outcome, (0.0, 1.0))
            raise InputError(
                f"the outcome of {self.formula!r} holds {listing(strange, 5)}; it must be 0 or 1"
            )
        return outcome, matrix

    def _fit_all(self, outcome, matrix):
        """Coefficients ``(simulations, terms)``, NaN where a fit failed, their covariances, and infinity."""
        matrix, back = _orthogonal(matrix)  # Newton's steps are the same in any basis, and safest in this one
        back *= np.sqrt(matrix.shape[-2])  # columns of mean square 1
        matrix *= np.sqrt(matrix.shape[-2])
        transposed = matrix.swapaxes(-1, -2)
        coefficients = np.zeros((*outcome.shape[:-1], matrix.shape[-1]))
        moving = np.arange(len(coefficients))  # the simulations that have not converged yet
        with np.errstate(all="ignore"):
            for _ in range(NEWTON_STEPS):
                slope, bend = self._derivatives(outcome[moving], _index(matrix[moving], coefficients[moving]))
                information = (transposed[moving] * bend[..., None, :]) @ matrix[moving]
                score = transposed[moving] @ slope[..., None]
                step = (_inverse(information) @ score)[..., 0]
                coefficients[moving] += step
                moving = moving[~(np.abs(step) < 1e-8).all(-1)]
                if not len(moving):
                    break
            coefficients[moving] = np.nan
            slope, bend = self._derivatives(outcome, _index(matrix, coefficients))
            covariance = _inverse((transposed * bend[..., None, :]) @ matrix)
            if self.covariance == "HC0":
                covariance = covariance @ ((transposed * (slope**2)[:, None, :]) @ matrix) @ covariance
            return (back @ coefficients[..., None])[..., 0], back @ covariance @ back.swapaxes(-1, -2), np.inf


@dataclass(frozen=True)
class LogisticRegression(_BinaryRegression):
    """One coefficient of a logistic regression, in logit units."""

    model = sm.Logit

    @staticmethod
    def _derivatives(outcome, index):
        """First and (minus) second derivative of each row's log-likelihood in the index."""
        chance = expit(index)
        return outcome - chance, chance * (1 - chance)


@dataclass(frozen=True)
class ProbitRegression(_BinaryRegression):
    """One coefficient of a probit regression, in standard deviations of the index' error."""

    model = sm.Probit

    @staticmethod
    def _derivatives(outcome, index):
        """First and (minus) second derivative of each row's log-likelihood in the index."""
        sign = 2 * outcome - 1
        slope = sign * np.exp(-0.5 * index**2 - log_ndtr(sign * index)) / np.sqrt(2 * np.pi)
        return slope, slope * (slope + index)


@dataclass(frozen=True)
class Product:
    """The product of two estimates from separate equations, as an indirect effect is.

    Its standard error is the delta method's, ``sqrt(b² var(a) + a² var(b))`` (Sobel 1982).
    """

    first: object
    second: object

    def __call__(self, tables):
        """Estimate both and combine them."""
        return self._combine(self.first(tables), self.second(tables))

    def batch(self, tables):
        """As a call, for a stack of cohorts."""
        return self._combine(self.first.batch(tables), self.second.batch(tables))

    @staticmethod
    def _combine(a, b):
        variance = (b.value * a.standard_error) ** 2 + (a.value * b.standard_error) ** 2
        return Estimate(a.value * b.value, np.sqrt(variance))


def _index(matrix, coefficients):
    return (matrix @ coefficients[..., None])[..., 0]


def _orthogonal(matrix):
    """``X = Q R`` for each matrix of a stack: Q, and the inverse of R, NaN where X is not of full rank."""
    rows, terms = matrix.shape[-2:]
    if rows <= terms:
        return np.zeros(matrix.shape), np.full((*matrix.shape[:-2], terms, terms), np.nan)
    basis, triangular = np.linalg.qr(matrix)
    length = np.linalg.norm(triangular, axis=-2)
    with np.errstate(invalid="ignore"):
        return basis, _inverse(triangular / length[..., None, :], CONDITION) / length[..., :, None]


def _require_full_rank(matrix):
    """An orthogonal basis of the columns; EstimationFailed if one of them follows from the others."""
    basis, back = _orthogonal(matrix[None])
    if np.isnan(back).any():
        raise EstimationFailed("the design matrix is not of full rank")
    return basis[0]


def _inverse(matrices, condition=1e14):
    """Inverses of a stack; NaN for those that have none, where NumPy would give up on the whole stack."""
    good = np.isfinite(matrices).all((-1, -2))
    safe = np.where(good[:, None, None], matrices, np.eye(matrices.shape[-1]))
    good &= np.linalg.cond(safe) < condition
    safe = np.where(good[:, None, None], safe, np.eye(matrices.shape[-1]))
    return np.where(good[:, None, None], np.linalg.inv(safe), np.nan)
