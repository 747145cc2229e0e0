"""What all regressions share: a formula, a table, the coefficient that is asked for, and groups of rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError, check_known, listing
from crmlab.estimators.formulas import Formula, formula
from crmlab.models.delta import delta_method

CLUSTERED = "clustered"


@dataclass(frozen=True, eq=False)
class Fitted:
    """A regression fitted to each of many cohorts; NaN where there is no fit.

    Attributes
    ----------
    terms : list of str
    coefficients : array of shape (simulations, terms)
    covariance : array of shape (simulations, terms, terms)
    degrees_of_freedom : float or array of shape (simulations,)
    """

    terms: list[str]
    coefficients: np.ndarray
    covariance: np.ndarray
    degrees_of_freedom: float | np.ndarray = np.inf

    def estimate(self, term: str) -> Estimate:
        """The estimate of one coefficient."""
        check_known("term", [term], self.terms)
        at = self.terms.index(term)
        with np.errstate(invalid="ignore"):
            error = np.sqrt(np.maximum(self.covariance[:, at, at], 0.0))  # zero may round to less
        return Estimate(self.coefficients[:, at], error, self.degrees_of_freedom)


class Fits(Protocol):
    """What has coefficients to be combined: a regression, or several fitted together."""

    @property
    def table(self) -> str | None:
        """Whose columns it reads."""

    def fitted(self, tables: Tables) -> Fitted:
        """The fits of all cohorts."""

    def why(self, tables: Tables) -> str:
        """Why there is no fit on one cohort's tables."""


@dataclass(frozen=True)
class Regression(Estimator):
    """One coefficient of a regression.

    Parameters
    ----------
    formula : str
        Outcome and terms, as statsmodels reads them, over numeric columns.
    term : str
        The coefficient that is the estimate.
    table : str, optional
        Needed when the cohort has several.
    covariance : str
        Which errors; each regression lists those that it knows in `covariances`.
    cluster : str, optional
        A column of whole numbers; errors are then robust to whatever rows with the same number share
        (Liang & Zeger 1986), with statsmodels' small-sample factor ``G/(G-1) · (n-1)/(n-k)``.
    """

    formula: str
    term: str
    table: str | None = None
    covariance: str = "nonrobust"
    cluster: str | None = None

    covariances: ClassVar[tuple[str, ...]] = ("nonrobust",)

    def __post_init__(self) -> None:
        check_known("term", [self.term], self.terms)
        if self.covariance not in self.covariances:
            raise InputError(
                f"covariance is {self.covariance!r}; it must be one of {listing(self.covariances)}"
            )

    @cached_property
    def _formula(self) -> Formula:
        return formula(self.formula)

    @property
    def terms(self) -> list[str]:
        """Names of the coefficients, in order."""
        return self._formula.terms

    def __getstate__(self):  # a patsy parse is not worth sending to a worker
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __setstate__(self, state):
        self.__dict__.update(state)

    def _key(self):
        """What tells one fit from another: all but the term."""
        fields = (getattr(self, name) for name in self.__dataclass_fields__ if name != "term")
        return type(self).__name__, *fields

    def _arrays(self, tables):
        return self._formula.arrays(tables.columns(self.table))

    def _fit_all(self, outcome: np.ndarray, matrix: np.ndarray, columns: Mapping) -> tuple:
        """Coefficients ``(simulations, terms)``, their covariances and the degrees of freedom."""
        raise NotImplementedError

    def fitted(self, tables: Tables) -> Fitted:
        """The fits of all cohorts. Estimators that pick another term of the same regression share them."""

        def fit():
            outcome, matrix = self._arrays(tables)
            return Fitted(self.terms, *self._fit_all(outcome, matrix, tables.columns(self.table)))

        return tables.once(self._key(), fit)

    def batch(self, tables: Tables) -> Estimate:
        """The estimates on many cohorts: arrays of shape ``(simulations,)``, NaN where a fit failed."""
        return self.fitted(tables).estimate(self.term)


def rank_failure(terms: Sequence[str], matrix: np.ndarray) -> str:
    """Why a design matrix of shape (rows, terms) is not of full rank, as far as single columns show it."""
    why, (rows, many) = "the design matrix is not of full rank", matrix.shape
    if rows < many:
        return f"{why}: {rows} rows for {many} terms"
    alike = [name for name, column in zip(terms, matrix.T) if name != "Intercept" and np.ptp(column) == 0]
    if not alike or "Intercept" not in terms:
        return why
    return f"{why}: {listing(alike, 2)} {'does' if len(alike) == 1 else 'do'} not vary"


@dataclass(frozen=True)
class Combination(Estimator):
    """A function of a regression's coefficients, with the delta method's standard error.

    Parameters
    ----------
    regression : Regression
    function : callable
        A dict of coefficients by term, each an array of shape (simulations,), to an array of that shape:
        ``lambda b: b["gain"] / b["loss"]``.
    known : sequence of str
        Columns of the regression's table, the same in all rows, that the function needs beside the
        coefficients: a price, a spend. They are in the dict, too, and have no error.
    """

    regression: "Fits"
    function: Callable[[dict[str, Any]], Any]
    known: Sequence[str] = ()

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        fitted = self.regression.fitted(tables)
        constants = {name: self._constant(tables, name) for name in self.known}

        def combined(values):
            return self.function(dict(zip(fitted.terms, np.moveaxis(values, -1, 0))) | constants)

        with np.errstate(all="ignore"):
            value, error = delta_method(combined, fitted.coefficients, fitted.covariance)
        return Estimate(value, error, fitted.degrees_of_freedom)

    def _constant(self, tables, name):
        columns = tables.columns(self.regression.table)
        check_known("column", [name], columns)
        values = np.asarray(columns[name], dtype=float)
        if (values != values[..., :1]).any():
            raise InputError(f"column {name!r} differs from row to row; what is known has one value for all")
        return values[..., 0]

    def why(self, tables: Tables) -> str:
        """Why the regression could not be fitted."""
        return self.regression.why(tables)


@dataclass(frozen=True)
class AverageSlope(Estimator):
    """The mean over the rows of a regression's slope that differs from row to row.

    With weights ``w`` of a row, their mean ``m`` and coefficients ``b`` of covariance ``V`` it is the mean of
    ``w'b``, of variance ``m'Vm + var(w'b) / rows``: the rows are a sample, too.

    Parameters
    ----------
    regression : Regression
    weights : callable
        The table's columns to one weight a term, in the order of the terms: a number, or an array with one a
        row. ``lambda c: (0, 1, 2 * c["price"])`` for the slope in ``price`` of
        ``"1 + price + I(price ** 2)"``.

    Raises
    ------
    InputError
        If there are more or fewer weights than terms.
    """

    regression: Regression
    weights: Callable[[Mapping[str, np.ndarray]], Sequence[Any]]

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        fitted = self.regression.fitted(tables)
        columns = tables.columns(self.regression.table)
        given = self.weights(columns)
        if len(given) != len(fitted.terms):
            raise InputError(
                f"weights gives {len(given)} for {len(fitted.terms)} terms; one a term is needed"
            )
        rows = np.broadcast_shapes(*map(np.shape, columns.values()))
        weights = np.stack([np.broadcast_to(np.asarray(each, float), rows) for each in given], axis=-1)
        mean, slopes = weights.mean(-2), (weights @ fitted.coefficients[..., None])[..., 0]
        variance = np.einsum("st,stk,sk->s", mean, fitted.covariance, mean) + slopes.var(-1) / rows[-1]
        value = (fitted.coefficients * mean).sum(-1)
        return Estimate(value, np.sqrt(variance), fitted.degrees_of_freedom)

    def why(self, tables: Tables) -> str:
        """Why the regression could not be fitted."""
        return self.regression.why(tables)


@dataclass(frozen=True)
class Product(Estimator):
    """The product of two estimates from separate equations, as an indirect effect is.

    Its standard error is the delta method's, ``sqrt(b² var(a) + a² var(b))`` (Sobel 1982).
    """

    first: Estimator
    second: Estimator

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        a, b = self.first.batch(tables), self.second.batch(tables)
        variance = (b.value * a.standard_error) ** 2 + (a.value * b.standard_error) ** 2
        return Estimate(a.value * b.value, np.sqrt(variance))


@dataclass(frozen=True)
class Contrast(Estimator):
    """A weighted sum of estimates from samples that have no unit in common: a mean, or a difference.

    Parameters
    ----------
    parts : sequence of Estimator
    weights : sequence of float
        One a part: ``(1, -1)`` for a difference, ``(0.5, 0.5)`` for a mean.

    Raises
    ------
    InputError
        If there are more or fewer weights than parts.
    """

    parts: Sequence[Estimator]
    weights: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.parts) != len(self.weights):
            raise InputError(
                f"weights gives {len(self.weights)} for {len(self.parts)} parts; give one a part"
            )

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        estimates = [part.batch(tables) for part in self.parts]
        value = sum(weight * each.value for weight, each in zip(self.weights, estimates))
        variance = sum((w * each.standard_error) ** 2 for w, each in zip(self.weights, estimates))
        return Estimate(value, np.sqrt(variance))


def group_numbers(groups: np.ndarray, simulations: int) -> tuple[np.ndarray, int]:
    """Groups of rows as numbers from 0, and how many numbers there are.

    Parameters
    ----------
    groups : array of shape (rows,) or (simulations, rows)
    simulations : int

    Returns
    -------
    numbers : array of shape (simulations, rows)
    count : int
    """
    kinds, found = np.unique(groups, return_inverse=True)
    numbers: np.ndarray = found.reshape(np.shape(groups))
    return np.broadcast_to(numbers, (simulations, numbers.shape[-1])), len(kinds)


def group_sums(values: np.ndarray, numbers: np.ndarray, count: int) -> np.ndarray:
    """Sums over the rows of each group.

    Parameters
    ----------
    values : array of shape (simulations, rows) or (simulations, rows, terms)
    numbers : array of shape (simulations, rows)
        As `group_numbers` gives them.
    count : int

    Returns
    -------
    array of shape (simulations, count) or (simulations, count, terms)
    """
    simulations = len(numbers)
    place = (numbers + count * np.arange(simulations)[:, None]).ravel()
    wide: np.ndarray = values.reshape(*numbers.shape, -1)
    sums = [
        np.bincount(place.astype(np.intp, copy=False), wide[..., at].ravel(), simulations * count)
        for at in range(wide.shape[-1])
    ]
    found = np.stack(sums, -1).reshape(simulations, count, -1)
    return found if values.ndim == 3 else found[..., 0]


def clustered(
    scores: np.ndarray, groups: np.ndarray, estimated: int, seen: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The middle of a cluster-robust sandwich, and its degrees of freedom.

    Parameters
    ----------
    scores : array of shape (simulations, rows, terms)
        Each row's score.
    groups : array of shape (rows,) or (simulations, rows)
    estimated : int
        Number of coefficients, k of the factor ``G/(G-1) · (n-1)/(n-k)``.
    seen : array of bool, shape (simulations, rows), optional
        Which rows count.

    Returns
    -------
    middle : array of shape (simulations, terms, terms)
    degrees_of_freedom : array of shape (simulations,)
        Groups less one.
    """
    numbers, count = group_numbers(groups, len(scores))
    sums = group_sums(scores, numbers, count)
    seen = np.ones(numbers.shape) if seen is None else seen
    present = (group_sums(seen, numbers, count) > 0).sum(-1)
    rows = seen.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = present / (present - 1) * (rows - 1) / (rows - estimated)
        return factor[:, None, None] * (sums.swapaxes(-1, -2) @ sums), present - 1.0
