"""The linear mixed model with a random intercept: rows within groups, many cohorts in one pass.

Rows of a group share an intercept of their own, ``y = Xβ + u_group + e``, with variances τ² of u and σ² of e.
Everything below follows from sums over groups, for groups of any sizes: with γ = τ²/σ² the inverse of a
group's covariance is ``(I − γ/(1 + γn) 11')/σ²`` (Searle, Casella & McCulloch 1992, Variance Components).
Tests hold the answers to statsmodels' MixedLM.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import statsmodels.api as sm
from scipy import stats

from crmlab.design import Estimate, EstimationFailed, Estimator, Tables
from crmlab.errors import InputError, check_known, listing
from crmlab.estimators.formulas import formula as parsed
from crmlab.estimators.regression import Fitted, Regression, group_numbers, group_sums
from crmlab.models.stacked import inverse, orthogonal

METHODS = ("REML", "ML")
SHARES = np.concatenate([[0.0], np.geomspace(1e-3, 0.5, 24), 1 - np.geomspace(0.45, 1e-5, 20)])
BISECTIONS = 52  # halves an interval of length 1 to a float's last digit
STILL = 1e-9  # share of a column's variation below which it does not vary within groups


def within_and_between(values: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A column's part within groups, and its group's mean less the mean of all rows.

    As two terms of a regression they carry two effects that one term would mix: that of being above one's
    group, and that of being in a group that is above the others (Mundlak 1978).

    Parameters
    ----------
    values : array of shape (rows,) or (simulations, rows)
    groups : array of shape (rows,) or (simulations, rows)

    Returns
    -------
    within, between : arrays of the shape of `values`
        They add up to `values` less its mean.
    """
    values = np.asarray(values, dtype=float)
    stacked = np.atleast_2d(values)
    numbers, count = group_numbers(groups, len(stacked))
    sizes = group_sums(np.ones(numbers.shape), numbers, count)
    means = group_sums(stacked, numbers, count) / np.maximum(sizes, 1)
    of_group = np.take_along_axis(means, numbers, axis=1)
    within, between = stacked - of_group, of_group - stacked.mean(-1, keepdims=True)
    return within.reshape(values.shape), between.reshape(values.shape)


@dataclass(frozen=True, eq=False)
class GroupedRows:
    """What a random-intercept model needs of its rows: cross-products, and sums over groups.

    Attributes
    ----------
    cross : array of shape (simulations, terms + 1, terms + 1)
        Of an orthogonal basis of the terms, and the outcome last.
    sums : array of shape (simulations, groups, terms + 1)
    sizes : array of shape (simulations, groups)
        Rows of each group; a group may be empty in some simulations.
    back : array of shape (simulations, terms, terms)
        From coefficients of the basis to those of the terms; NaN where the terms are not of full rank.
    """

    cross: np.ndarray
    sums: np.ndarray
    sizes: np.ndarray
    back: np.ndarray

    @classmethod
    def of(cls, outcome: np.ndarray, matrix: np.ndarray, groups: np.ndarray) -> "GroupedRows":
        """Those of outcomes ``(simulations, rows)``, terms ``(simulations, rows, terms)`` and groups."""
        basis, back = orthogonal(matrix)
        basis = np.where(np.isnan(back).any((-1, -2))[:, None, None], np.nan, basis)
        joined = np.concatenate([basis, outcome[..., None]], axis=-1)
        numbers, count = group_numbers(groups, len(outcome))
        sums = group_sums(joined, numbers, count)
        sizes = group_sums(np.ones(numbers.shape), numbers, count)
        return cls(joined.swapaxes(-1, -2) @ joined, sums, sizes, back)

    @property
    def rows(self) -> np.ndarray:
        """Number of rows, by simulation."""
        return self.sizes.sum(-1)

    @property
    def terms(self) -> int:
        """Number of terms."""
        return self.cross.shape[-1] - 1

    def _weighted(self, weights: np.ndarray) -> tuple[np.ndarray, ...]:
        """Cross-products after `weights` (simulations, groups) of the groups' sums are taken off."""
        less = (self.sums * weights[..., None]).swapaxes(-1, -2) @ self.sums
        left = self.cross - less
        return left[:, :-1, :-1], left[:, :-1, -1], left[:, -1, -1]

    def solved(self, share: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Generalised least squares where groups have this share of the variance.

        Returns
        -------
        coefficients : array of shape (simulations, terms)
            Of the basis.
        inverse : array of shape (simulations, terms, terms)
            Their covariance over σ².
        squares : array of shape (simulations,)
            The weighted sum of squared residuals; its mean is σ² times rows less terms.
        """
        ratio = (share / (1 - share))[:, None]
        information, loadings, outcome = self._weighted(ratio / (1 + ratio * self.sizes))
        back = inverse(information)
        coefficients = (back @ loadings[..., None])[..., 0]
        return coefficients, back, outcome - (coefficients * loadings).sum(-1)

    def slope(self, share: np.ndarray, method: str) -> np.ndarray:
        """Derivative of the profile log-likelihood in γ at this share, up to a positive factor."""
        ratio = (share / (1 - share))[:, None]
        coefficients, back, squares = self.solved(share)
        weights = 1 / (1 + ratio * self.sizes) ** 2
        residual = self.sums[..., -1] - (self.sums[..., :-1] @ coefficients[..., None])[..., 0]
        found = (weights * residual**2).sum(-1) / squares
        lost = (self.sizes / (1 + ratio * self.sizes)).sum(-1)
        if method == "ML":
            return self.rows * found - lost
        spread = ((self.sums[..., :-1] @ back) * self.sums[..., :-1]).sum(-1)
        return (self.rows - self.terms) * found - lost + (weights * spread).sum(-1)

    def height(self, share: np.ndarray, method: str) -> np.ndarray:
        """Twice the profile log-likelihood at this share of the groups, up to a constant."""
        ratio = (share / (1 - share))[:, None]
        _, back, squares = self.solved(share)
        level = -np.log1p(ratio * self.sizes).sum(-1)
        if method == "ML":
            return level - self.rows * np.log(squares)
        return level + np.linalg.slogdet(back)[1] - (self.rows - self.terms) * np.log(squares)

    def likeliest(self, method: str) -> np.ndarray:
        """The share of the variance that lies between groups at which the likelihood is highest."""
        every = np.ones(len(self.cross))
        with np.errstate(all="ignore"):
            heights = np.stack([self.height(share * every, method) for share in SHARES])
            best = np.where(np.isnan(heights), -np.inf, heights).argmax(0)
            low, high = SHARES[np.maximum(best - 1, 0)], SHARES[np.minimum(best + 1, len(SHARES) - 1)]
            flat = (best == 0) & (self.slope(0.0 * every, method) <= 0)
            found = bisected(lambda share: self.slope(share, method) > 0, low, high)
        return np.where(np.isnan(heights).any(0), np.nan, np.where(flat, 0.0, found))

    def within(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Squared residuals with an intercept for each group, their degrees of freedom, and the groups'.

        The last is by how much the rank grows when groups are added to the terms.
        """
        seen = self.sizes > 0
        left, loadings, outcome = self._weighted(seen / np.maximum(self.sizes, 1))
        good = np.isfinite(left).all((-1, -2))
        roots, vectors = np.linalg.eigh(np.where(good[:, None, None], left, np.eye(self.terms)))
        moving = roots > STILL
        along = (vectors.swapaxes(-1, -2) @ loadings[..., None])[..., 0]
        explained = np.where(moving, along**2 / np.where(moving, roots, 1.0), 0.0).sum(-1)
        between = seen.sum(-1) + moving.sum(-1) - self.terms
        return np.where(good, outcome - explained, np.nan), self.rows - self.terms - between, between

    def pivot(self, share: np.ndarray, within: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        """Wald's ratio: F distributed if groups have this share of the variance, and falling in it.

        `within` is what the method of that name returns.
        """
        left, freedom, between = within
        return (self.solved(share)[2] - left) / between / (left / freedom)

    def information(self, share: np.ndarray) -> np.ndarray:
        """Expected information on γ where groups have this share of the variance, σ² not known."""
        ratio = (share / (1 - share))[:, None, None]
        sums = self.sums[..., :-1]
        own = np.eye(self.sizes.shape[-1]) * self.sizes[..., None] - sums @ sums.swapaxes(-1, -2)
        shrunk = own @ inverse(np.eye(self.sizes.shape[-1]) + ratio * own)
        first = np.trace(shrunk, axis1=-2, axis2=-1)
        second = (shrunk * shrunk.swapaxes(-1, -2)).sum((-1, -2))
        return (second - first**2 / (self.rows - self.terms)) / 2


def bisected(below: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where a condition that holds at `low` and not at `high` ceases to hold, for many at once."""
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        onwards = below(middle)
        low, high = np.where(onwards, middle, low), np.where(onwards, high, middle)
    return (low + high) / 2


@dataclass(frozen=True)
class MixedModel(Regression):
    """One fixed effect of a linear mixed model whose groups have intercepts drawn from a normal distribution.

    Parameters
    ----------
    formula, term, table
        As for `Regression`.
    group : str
        Column of whole numbers: whose intercept.
    method : {"REML", "ML"}
        Restricted or full maximum likelihood, by its profile in the groups' share of the variance.

    Notes
    -----
    Errors are those of generalised least squares at the share found. Degrees of freedom follow the
    inner-outer rule (Pinheiro & Bates 2000, Mixed-Effects Models in S and S-PLUS): a term that does not vary
    within groups has as many as there are groups, less such terms; another has rows less groups and terms.
    """

    group: str = ""
    method: str = "REML"

    failure: ClassVar[str] = "the terms are not of full rank, or there are too few groups or rows"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_known("method", [self.method], METHODS)
        if not self.group or self.cluster is not None:
            raise InputError(
                f"group is {self.group!r} and cluster {self.cluster!r}; give a group, and no cluster"
            )

    def _rows(self, tables):
        """Grouped rows, shares of the variance between groups, and each term's degrees of freedom."""

        def found():
            outcome, matrix = self._arrays(tables)
            groups = _groups(tables.columns(self.table), self.group)
            rows = GroupedRows.of(outcome, matrix, groups)
            return rows, rows.likeliest(self.method), _freedom(matrix, groups, rows)

        return tables.once((*self._key(), "rows"), found)

    def _fit_all(self, outcome, matrix, columns):
        raise NotImplementedError("a mixed model is fitted by `fitted`")

    def fitted(self, tables: Tables) -> Fitted:
        """The fits of all cohorts; estimators that pick another term of the same model share them."""

        def fit():
            rows, share, _ = self._rows(tables)
            with np.errstate(all="ignore"):
                coefficients, covariance, squares = rows.solved(share)
                spread = squares / (rows.rows - (rows.terms if self.method == "REML" else 0))
                covariance = rows.back @ covariance @ rows.back.swapaxes(-1, -2)
            return Fitted(
                self.terms,
                (rows.back @ coefficients[..., None])[..., 0],
                covariance * spread[:, None, None],
            )

        return tables.once(self._key(), fit)

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        estimate = self.fitted(tables).estimate(self.term)
        return replace(estimate, degrees_of_freedom=self._rows(tables)[2][:, self.terms.index(self.term)])

    def components(self, tables: Tables) -> dict[str, np.ndarray]:
        """Variances `between` groups and `within` them, and the share `icc` of the first, by simulation."""
        rows, share, _ = self._rows(tables)
        with np.errstate(all="ignore"):
            within = rows.solved(share)[2] / (rows.rows - (rows.terms if self.method == "REML" else 0))
            return {"between": within * share / (1 - share), "within": within, "icc": share}

    def fit(self, tables: Tables) -> Any:
        """The model on one cohort's tables by statsmodels' MixedLM: its fitted results."""
        outcome, matrix = self._arrays(tables)
        if np.isnan(orthogonal(matrix[None])[1]).any():
            raise EstimationFailed(self.why(tables))
        model = sm.MixedLM(outcome, matrix, groups=_groups(tables.columns(self.table), self.group))
        model.data.xnames = [*self.terms]
        with warnings.catch_warnings():  # of a share of 0, which is an answer
            warnings.filterwarnings("ignore", message="The MLE may be on the boundary")
            return model.fit(reml=self.method == "REML", method="powell")  # gradient methods may stop early


@dataclass(frozen=True)
class IntraclassCorrelation(Estimator):
    """The share of the variance that lies between groups, with an interval that is exact at any size.

    Parameters
    ----------
    formula : str
        Outcome, and the terms that are held constant; ``"rating ~ 1"`` for none.
    group : str
        Column of whole numbers.
    table : str, optional
        Needed when the cohort has several.
    null : float
        The share that "more than `null`" is tested against.
    method : {"REML", "ML"}

    Notes
    -----
    The value is the likelihood's. Interval and p-value invert Wald's F ratio, which has its
    distribution exactly, for groups of any sizes and any terms, if intercepts and errors are normal
    (Harville & Fenech 1985, doi:10.2307/2530650). Both of its ends may be 0.
    """

    formula: str
    group: str
    table: str | None = None
    null: float = 0.0
    method: str = "REML"

    failure: ClassVar[str] = "there are fewer than two groups, or no rows beyond one a group"

    def __post_init__(self) -> None:
        check_known("method", [self.method], METHODS)
        if not 0 <= self.null < 1:
            raise InputError(f"null is {self.null}; a share of the variance lies from 0 to below 1")

    def model(self, term: str = "Intercept") -> MixedModel:
        """The mixed model whose share this is."""
        return MixedModel(self.formula, term, self.table, group=self.group, method=self.method)

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`; the p-value is that of "more than `null`"."""
        rows, share, _ = self.model(parsed(self.formula).terms[0])._rows(tables)
        with np.errstate(all="ignore"):
            within = rows.within()
            _, freedom, between = within
            usable = (freedom > 0) & (between > 0)
            share = np.where(usable, share, np.nan)
            at_null = rows.pivot(np.full(len(share), self.null), within)
            ends = tuple(_end(rows, within, tail) for tail in (0.025, 0.975))
            error = (1 - share) ** 2 / np.sqrt(rows.information(share))
        low, high = (np.where(np.isfinite(share), end, np.nan) for end in ends)
        return Estimate(share, error, interval=(low, high), p_value=stats.f.sf(at_null, between, freedom))


def _end(rows, within, tail):
    """The share at which Wald's ratio leaves this tail above it, 0 if it leaves less everywhere."""
    quantile = stats.f.isf(tail, within[2], within[1])
    zero, last = np.zeros(len(quantile)), np.full(len(quantile), 1 - 1e-9)
    end = bisected(lambda share: rows.pivot(share, within) > quantile, zero, last)
    return np.where(rows.pivot(zero, within) <= quantile, 0.0, end)


def _groups(columns, name):
    check_known("column", [name], columns)
    groups = np.asarray(columns[name])
    if (groups != np.floor(groups)).any():
        strange = np.unique(groups[groups != np.floor(groups)])
        raise InputError(f"{name} holds {listing(strange, 5)}; number the groups by whole numbers")
    return groups


def _freedom(matrix, groups, rows):
    """Degrees of freedom of each term ``(simulations, terms)`` by the inner-outer rule."""
    numbers, count = group_numbers(groups, len(matrix))
    part = partial(group_sums, numbers=numbers, count=count)
    with np.errstate(all="ignore"):
        squares = (matrix**2).sum(-2)
        level = (part(matrix) ** 2 / np.maximum(rows.sizes, 1)[..., None]).sum(-2)
        outer = (squares - level <= STILL * squares).all(0)
    groups_there = (rows.sizes > 0).sum(-1, keepdims=True)
    between = groups_there - outer.sum()
    within = rows.rows[:, None] - groups_there - (~outer).sum()
    return np.where(outer, between, within).astype(float)
