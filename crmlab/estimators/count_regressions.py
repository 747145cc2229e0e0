"""Regressions of counts by maximum likelihood: Poisson and negative binomial, many cohorts in one pass.

Both say ``log E[y] = x'b + log(exposure)``: a coefficient is the relative change of the expected count. The
book on them is Cameron & Trivedi's Regression Analysis of Count Data. Tests hold the batched answers to
statsmodels' own.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import statsmodels.api as sm
from scipy.special import gammaln, polygamma, psi
from statsmodels.tools.sm_exceptions import ConvergenceWarning, HessianInversionWarning

from crmlab.design import EstimationFailed, Tables
from crmlab.errors import InputError, check_known, listing
from crmlab.estimators.regression import Regression, clustered, rank_failure
from crmlab.models.newton import maximise
from crmlab.models.stacked import inverse, orthogonal

Array = npt.NDArray[np.float64]
NEWTON_STEPS = 60
LARGEST_STEP = 3.0  # of a coordinate: a factor of 20 in the expected count
MANY = 2000  # counts up to here are summed over, exactly
NO_DISPERSION = 1e-5  # below it the variance is the mean's, to any digit that is printed
QUIET = (ConvergenceWarning, HessianInversionWarning, RuntimeWarning)


@dataclass(frozen=True)
class CountRegression(Regression):
    """One coefficient of a regression of counts.

    Parameters
    ----------
    formula, term, table, cluster
        As for `Regression`; the outcome holds whole numbers from 0.
    covariance : {"nonrobust", "HC0"}
        The inverse of the observed information, or the sandwich, which holds whatever the counts' variance.
    exposure : str, optional
        A column of numbers above 0 to which the expected count is proportional: time observed, visits made.
    """

    exposure: str | None = None

    covariances: ClassVar[tuple[str, ...]] = ("nonrobust", "HC0")

    def _arrays(self, tables: Tables) -> tuple[Array, Array]:
        outcome, matrix = super()._arrays(tables)
        strange = outcome[(outcome < 0) | (outcome != np.rint(outcome))]
        if strange.size:
            raise InputError(
                f"the outcome of {self.formula!r} holds {listing(np.unique(strange), 5)}; counts are whole "
                "numbers from 0"
            )
        return outcome, matrix

    def _exposures(self, columns: Mapping[str, Array]) -> Array | float:
        """How much of it there was, by row."""
        if self.exposure is None:
            return 1.0
        check_known("column", [self.exposure], columns)
        found = np.asarray(columns[self.exposure], dtype=float)
        if not ((found > 0) & np.isfinite(found)).all():
            raise InputError(f"{self.exposure} must be above 0 in every row; leave out rows without exposure")
        return found

    def why(self, tables: Tables) -> str:
        """Whether it is the columns or the counts."""
        _, matrix = self._arrays(tables)
        if np.isnan(orthogonal(matrix[None])[1]).any():
            return rank_failure(self.terms, matrix)
        return f"{type(self).__name__} has no maximum: where some columns are not 0, all counts may be 0"

    def fit(self, tables: Tables) -> Any:
        """The regression on one cohort's tables by statsmodels: its fitted model.

        Raises
        ------
        EstimationFailed
            If the likelihood has no maximum.
        """
        outcome, matrix = self._arrays(tables)
        start = self._fit_all(outcome[None], matrix[None], tables.columns(self.table))[0][0]
        if not np.isfinite(start).all():
            raise EstimationFailed(self.why(tables))
        options: dict[str, Any] = {"cov_type": self.covariance}
        if self.cluster is not None:
            groups = np.asarray(tables.columns(self.table)[self.cluster])
            options = {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
        with warnings.catch_warnings():
            for category in QUIET:
                warnings.simplefilter("ignore", category)
            model, start = self._by_statsmodels(tables, start)
            return model.fit(start_params=start, method="newton", maxiter=NEWTON_STEPS, disp=0, **options)

    def _by_statsmodels(self, tables: Tables, start: Array) -> tuple[Any, Array]:
        """A model of statsmodels' and where its fit may start."""
        return sm.Poisson(*self._arrays(tables), exposure=self._row_exposures(tables)), start

    def _row_exposures(self, tables: Tables) -> Array:
        """One a row, shape (rows,)."""
        given = self._exposures(tables.columns(self.table))
        return np.array(np.broadcast_to(given, self._arrays(tables)[0].shape))

    def _fit_all(
        self, outcome: Array, matrix: Array, columns: Mapping[str, Array]
    ) -> tuple[Array, Array, float | Array]:
        likelihood = Likelihood.of(outcome, matrix, np.log(self._exposures(columns)))
        point, dispersion = self._maximum(likelihood)
        with np.errstate(all="ignore"):
            scores, information = likelihood.curvature(point, dispersion)
            covariance, freedom = inverse(information), np.inf
            middle = None
            if self.cluster is not None:
                middle, freedom = clustered(scores, columns[self.cluster], scores.shape[-1])
            elif self.covariance == "HC0":
                middle = scores.swapaxes(-1, -2) @ scores
            if middle is not None:
                covariance = covariance @ middle @ covariance
        terms = matrix.shape[-1]
        back = likelihood.back
        covariance = back @ covariance[:, :terms, :terms] @ back.swapaxes(-1, -2)
        return (back @ point[..., None])[..., 0], covariance, freedom

    def _maximum(self, likelihood: "Likelihood") -> tuple[Array, Array | None]:
        """Coefficients ``(simulations, terms)``, and the dispersions if there are any."""
        return likelihood.poisson(), None


@dataclass(frozen=True)
class PoissonRegression(CountRegression):
    """One coefficient of a Poisson regression; see `CountRegression`.

    It is consistent for the expected count whatever the counts' distribution (Gourieroux, Monfort & Trognon
    1984); its errors then need ``covariance="HC0"``.
    """


@dataclass(frozen=True)
class NegativeBinomialRegression(CountRegression):
    """One coefficient of a negative binomial regression; see `CountRegression`.

    The variance is ``μ + α μ²`` (NB2): a Poisson count whose rate is what the columns say times a gamma of
    mean 1 and variance α. The dispersion α is estimated with the coefficients. Where counts vary no more than
    Poisson's, α is 0 and the estimates are those of `PoissonRegression`.
    """

    def _maximum(self, likelihood: "Likelihood") -> tuple[Array, Array | None]:
        return likelihood.negative_binomial()

    def _by_statsmodels(self, tables: Tables, start: Array) -> tuple[Any, Array]:
        (dispersion,) = self.dispersion(tables.stacked())
        if dispersion == 0:
            return super()._by_statsmodels(tables, start)
        exposures = self._row_exposures(tables)
        return sm.NegativeBinomial(*self._arrays(tables), exposure=exposures), np.append(start, dispersion)

    def dispersion(self, tables: Tables) -> Array:
        """α of each cohort, shape (simulations,); NaN where there is no fit."""
        outcome, matrix = self._arrays(tables)
        exposures = np.log(self._exposures(tables.columns(self.table)))
        point, dispersion = Likelihood.of(outcome, matrix, exposures).negative_binomial()
        return np.where(np.isfinite(point).all(-1), dispersion, np.nan)


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Counts of many cohorts, in a basis in which Newton's steps are safe.

    Attributes
    ----------
    outcome, offset : arrays of shape (simulations, rows)
    basis : array of shape (simulations, rows, terms)
        Columns that are orthogonal and of mean square 1.
    back : array of shape (simulations, terms, terms)
        Takes coefficients in the basis to those of the columns; NaN where the columns are not of full rank.
    """

    outcome: Array
    offset: Array
    basis: Array
    back: Array

    @classmethod
    def of(cls, outcome: Array, matrix: Array, offset: Array | float) -> "Likelihood":
        """The likelihood of outcomes (simulations, rows) and a design matrix (simulations, rows, terms)."""
        basis, back = orthogonal(matrix)
        scale = np.sqrt(matrix.shape[-2])
        return cls(outcome, np.broadcast_to(offset, outcome.shape), basis * scale, back * scale)

    def _rates(self, point: Array, which: npt.NDArray[np.intp]) -> Array:
        return np.exp((self.basis[which] @ point[..., None])[..., 0] + self.offset[which])

    def _pulled(self, slope: Array, bend: Array, which: npt.NDArray[np.intp]) -> tuple[Array, Array]:
        """Score and information in the coefficients, of slopes and bends in the index."""
        turned = self.basis[which].swapaxes(-1, -2)
        return (turned @ slope[..., None])[..., 0], (turned * bend[..., None, :]) @ self.basis[which]

    def poisson(self) -> Array:
        """The maximum in the coefficients if counts are Poisson, shape (simulations, terms)."""

        def derivatives(point: Array, which: npt.NDArray[np.intp]) -> tuple[Array, Array]:
            rates = self._rates(point, which)
            return self._pulled(self.outcome[which] - rates, rates, which)

        def height(point: Array, which: npt.NDArray[np.intp]) -> Array:
            index = (self.basis[which] @ point[..., None])[..., 0] + self.offset[which]
            return (self.outcome[which] * index - np.exp(index)).sum(-1)

        rough = np.log(self.outcome + 0.5) - self.offset
        start = (self.basis * rough[..., None]).mean(-2)
        found, _ = maximise(derivatives, start, height=height, steps=NEWTON_STEPS, largest=LARGEST_STEP)
        lost = np.asarray(np.isnan(self.back).any((-1, -2)))
        return np.where(lost[:, None], np.nan, found)

    def negative_binomial(self) -> tuple[Array, Array]:
        """The maximum in coefficients and dispersion: shapes (simulations, terms) and (simulations,)."""
        point = self.poisson()
        every = np.arange(len(point))
        with np.errstate(all="ignore"):
            rates = self._rates(point, every)
            rough = ((self.outcome - rates) ** 2 - self.outcome).sum(-1) / (rates**2).sum(-1)
            dispersion = np.where(np.isnan(rough), np.nan, 0.0)
            spread = np.flatnonzero(rough > NO_DISPERSION)
        part = Likelihood(*(each[spread] for each in (self.outcome, self.offset, self.basis, self.back)))
        start = np.column_stack([point[spread], np.log(rough[spread])])

        def height(joint: Array, which: npt.NDArray[np.intp]) -> Array:
            return part.terms(joint, which).sum(-1)

        def derivatives(joint: Array, which: npt.NDArray[np.intp]) -> tuple[Array, Array]:
            scores, information = part.joint(joint, which)
            return scores.sum(-2), information

        found, _ = maximise(derivatives, start, height=height, steps=NEWTON_STEPS, largest=LARGEST_STEP)
        point[spread], dispersion[spread] = found[:, :-1], np.exp(found[:, -1])
        return point, dispersion

    def terms(self, joint: Array, which: npt.NDArray[np.intp]) -> Array:
        """Each row's log-likelihood at coefficients and log dispersion, but for ``log y!``."""
        y, rates, dispersion = self.outcome[which], self._rates(joint[:, :-1], which), np.exp(joint[:, -1:])
        rising = sums_below(y, dispersion)[0]
        return y * np.log(rates) + rising - (y + 1 / dispersion) * np.log1p(dispersion * rates)

    def joint(self, joint: Array, which: npt.NDArray[np.intp]) -> tuple[Array, Array]:
        """Each row's score, shape (m, rows, terms + 1), and the information; log dispersion comes last."""
        y, rates, dispersion = self.outcome[which], self._rates(joint[:, :-1], which), np.exp(joint[:, -1:])
        basis, rest, moved = self.basis[which], y - rates, dispersion * rates
        wide = 1 + moved
        _, first, second = sums_below(y, dispersion)
        drop = np.log1p(moved) / dispersion - rates / wide
        scores = np.concatenate(
            [basis * (rest / wide)[..., None], (first + drop - y * moved / wide)[..., None]], axis=-1
        )
        terms = basis.shape[-1]
        information = np.empty((len(joint), terms + 1, terms + 1))
        bend = rates * (1 + dispersion * y) / wide**2
        information[:, :terms, :terms] = (basis.swapaxes(-1, -2) * bend[..., None, :]) @ basis
        cross = (basis * (rest * moved / wide**2)[..., None]).sum(-2)
        information[:, :terms, terms] = information[:, terms, :terms] = cross
        information[:, terms, terms] = (drop - second + rest * moved / wide**2).sum(-1)
        return scores, information

    def curvature(self, point: Array, dispersion: Array | None) -> tuple[Array, Array]:
        """Each row's score and the information at a maximum; of Poisson's where there is no dispersion."""
        every = np.arange(len(point))
        rates = self._rates(point, every)
        scores = self.basis * (self.outcome - rates)[..., None]
        information = (self.basis.swapaxes(-1, -2) * rates[..., None, :]) @ self.basis
        if dispersion is None:
            return scores, information
        terms = point.shape[-1]
        wide = np.concatenate([scores, np.zeros((*scores.shape[:2], 1))], axis=-1)
        whole = np.zeros((len(point), terms + 1, terms + 1))
        whole[:, :terms, :terms], whole[:, terms, terms] = information, 1.0  # α stands still at 0
        spread = np.flatnonzero(dispersion > 0)
        joint = np.column_stack([point[spread], np.log(dispersion[spread])])
        wide[spread], whole[spread] = self.joint(joint, spread)
        return wide, whole


def sums_below(counts: Array, dispersion: Array) -> tuple[Array, Array, Array]:
    """Sums over j = 0, …, y − 1 of ``log(1 + αj)`` and of its first and second derivative in ``log α``.

    They are what a negative binomial likelihood has in place of gamma functions, whose differences lose their
    digits where α is small.

    Parameters
    ----------
    counts : array of shape (m, rows)
    dispersion : array of shape (m, 1)
        α.

    Returns
    -------
    three arrays of shape (m, rows)
    """
    most = int(counts.max(initial=0))
    if most > MANY:  # then α that small is far from what the counts allow
        size = 1 / dispersion
        inverse_sum = size * (psi(counts + size) - psi(size))
        squared_sum = size**2 * (polygamma(1, size) - polygamma(1, counts + size))
        logs = gammaln(counts + size) - gammaln(size) - counts * np.log(size)
        return logs, counts - inverse_sum, inverse_sum - squared_sum
    moved = dispersion * np.arange(most)
    at = counts.astype(np.intp)

    def below(each: Array) -> Array:
        return np.take_along_axis(np.pad(np.cumsum(each, axis=1), ((0, 0), (1, 0))), at, axis=1)

    return below(np.log1p(moved)), below(moved / (1 + moved)), below(moved / (1 + moved) ** 2)
