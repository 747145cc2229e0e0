"""How concentrated a quantity is among customers, with errors that know that the cut was estimated, too.

Customers are ranked by one column and another is added up: this year's sales or the next's, sales or profit.
Each estimate is a function of means and of a quantile, and its error is the spread of its influence function.
A cut taken as fixed makes the errors of what the best bring too wide or too narrow; here it is not. Where a
few customers are beyond all others intervals are too narrow: of 80/20 from a lognormal they hold the truth in
nine of ten samples, from a Pareto tail in fewer than half.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError, check_known

NEAR = 0.05  # of the customers, on either side of a cut: their mean is the value expected at the cut


@dataclass(frozen=True)
class _Ranked:
    """Values in the order of the ranking, best first; arrays of shape (simulations, rows)."""

    values: np.ndarray
    rank: np.ndarray
    many: np.ndarray  # (simulations, 1): those who count come first, this many

    @property
    def inside(self) -> np.ndarray:
        """1 for those who count."""
        return (self.rank < self.many) * 1.0

    def mean(self, weight: np.ndarray) -> np.ndarray:
        """The mean over those who count of the values times a weight, (simulations, 1)."""
        return (self.values * weight).sum(-1, keepdims=True) / self.many

    def best(self, fraction: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Who is among the best, what they hold a customer, and the value expected at the cut."""
        last = np.rint(fraction * self.many)
        top = (self.rank < last) * 1.0
        near = (self.rank >= last - NEAR * self.many) & (self.rank < last + NEAR * self.many)
        near = near * self.inside
        at_cut = (self.values * near).sum(-1, keepdims=True) / near.sum(-1, keepdims=True)
        held = np.where(last > 0, self.mean(top), np.nan)
        return top, held, at_cut

    def estimate(self, value: np.ndarray, influence: np.ndarray) -> Estimate:
        """With the influence function's spread over those who count."""
        squares = (influence**2 * self.inside).sum(-1)
        many = self.many[..., 0]
        return Estimate(value[..., 0], np.sqrt(squares / (many * (many - 1))), many - 1.0)


@dataclass(frozen=True)
class _Concentration(Estimator):
    """What they share.

    Parameters
    ----------
    value : str
        The column that is added up.
    by : str, optional
        The column by which customers are ranked; `value` itself if none is given.
    among : str, optional
        A column of 0 and 1: who counts. Everybody if none is given.
    table : str, optional
    """

    value: str
    by: str | None = None
    among: str | None = None
    table: str | None = None

    failure: ClassVar[str] = "too few customers, or nothing to share"

    def _ranked(self, tables: Tables) -> _Ranked:
        columns = tables.columns(self.table)
        by = self.by or self.value
        named = dict.fromkeys([self.value, by, *([self.among] if self.among else [])])
        check_known("column", named, columns)
        order, many = tables.once(("ranked", self.table, by, self.among), lambda: self._order(columns, by))
        values = np.broadcast_to(np.asarray(columns[self.value], dtype=float), order.shape)
        return _Ranked(np.take_along_axis(values, order, -1), np.arange(order.shape[-1]), many)

    def _order(self, columns: Any, by: str) -> tuple[np.ndarray, np.ndarray]:
        score = np.atleast_2d(np.asarray(columns[by], dtype=float))
        counts = np.ones(score.shape) if self.among is None else np.asarray(columns[self.among])
        score, counts = np.broadcast_arrays(score, np.atleast_2d(counts) > 0)
        order = np.argsort(-np.where(counts, score, -np.inf), axis=-1, kind="stable")
        return order, counts.sum(-1, keepdims=True).astype(float)


@dataclass(frozen=True)
class TopShare(_Concentration):
    """The share of a quantity that the best customers hold.

    Parameters
    ----------
    value, by, among, table
        As for all of this module. A quantity may be negative for some, as profit is; a share can then be
        above 1.
    fraction : float
        Of the customers who count, from 0 to 1.

    Notes
    -----
    ``f = E[y; x ≥ q]/E[y]`` has the influence ``((y − E[y|x=q])·1(x ≥ q) + α E[y|x=q] − f y)/E[y]``, with α
    the fraction and q the cut. Ours, by the delta method for a mean above a quantile; for y = x it is that of
    a Lorenz ordinate (Beach & Davidson 1983).
    """

    fraction: float = 0.2

    def __post_init__(self) -> None:
        _check(self.fraction, 1.0)

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        ranked = self._ranked(tables)
        with np.errstate(all="ignore"):
            top, held, at_cut = ranked.best(self.fraction)
            whole = ranked.mean(ranked.inside)
            whole = np.where(whole > 0, whole, np.nan)
            share = held / whole
            values = ranked.values
            influence = ((values - at_cut) * top + self.fraction * at_cut - share * values) / whole
            return ranked.estimate(share, influence)


@dataclass(frozen=True)
class TierRatio(_Concentration):
    """The logarithm of how many times the best customers bring what the worst bring, on average.

    Parameters
    ----------
    value, by, among, table
        As for all of this module.
    fraction : float
        Of the customers who count in each of the two tiers, up to a half.

    Notes
    -----
    No estimate where either tier brings nothing or less: the ratio has no meaning there. The influence is the
    best tier's less the worst tier's, each that of `TopShare` without its denominator.
    """

    fraction: float = 0.1

    def __post_init__(self) -> None:
        _check(self.fraction, 0.5)

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        ranked, own = self._ranked(tables), self.fraction
        with np.errstate(all="ignore"):
            top, best, at_top = ranked.best(own)
            others, but_worst, at_bottom = ranked.best(1 - own)
            bottom = ranked.inside - others
            worst = ranked.mean(ranked.inside) - but_worst
            ratio = np.where((best > 0) & (worst > 0), np.log(best / worst), np.nan)
            of_best = ((ranked.values - at_top) * top + own * at_top - best) / best
            of_worst = ((ranked.values - at_bottom) * bottom + own * at_bottom - worst) / worst
            return ranked.estimate(ratio, of_best - of_worst)


@dataclass(frozen=True)
class GiniCoefficient(_Concentration):
    """The Gini coefficient of a quantity that nobody has less than none of.

    Notes
    -----
    ``G = 2 E[x F(x)]/E[x] − 1``, whose influence is ``(2 (x F(x) + E[y; y > x] − 2 E[x F(x)])
    − (G + 1)(x − μ))/μ``, by the delta method; the jackknife says the same but for 1/n.
    """

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        if self.by not in (None, self.value):
            raise InputError(f"by is {self.by!r}; a Gini coefficient ranks by its own value, leave it out")
        ranked = self._ranked(tables)
        with np.errstate(all="ignore"):
            values, many = ranked.values, ranked.many
            below = (1 - (ranked.rank + 0.5) / many) * ranked.inside
            above = (np.cumsum(values * ranked.inside, axis=-1) - values / 2) / many
            mean, middle = ranked.mean(ranked.inside), ranked.mean(below)
            coefficient = np.where(mean > 0, 2 * middle / mean - 1, np.nan)
            influence = 2 * (values * below + above - 2 * middle) - (coefficient + 1) * (values - mean)
            return ranked.estimate(coefficient, influence / mean)


def _check(fraction: float, most: float) -> None:
    if not 0 < fraction < most + (most < 1) * 1e-12:
        raise InputError(f"fraction is {fraction}; it must be above 0 and at most {most:g}")


def share_curve(
    tables: Tables,
    value: str,
    by: str | None = None,
    among: str | None = None,
    table: str | None = None,
    steps: int = 40,
) -> pd.DataFrame:
    """The Lorenz curve from the top, with an interval at each point.

    Parameters
    ----------
    tables : Tables
        Of one cohort.
    value, by, among, table
        As for `TopShare`.
    steps : int
        Points between nobody and everybody.

    Returns
    -------
    DataFrame
        Columns ``fraction`` (of those who count, best first), ``share``, ``low`` and ``high`` (95%, point by
        point).
    """
    rows = [(0.0, 0.0, 0.0, 0.0)]
    for fraction in np.arange(1, steps) / steps:
        found = TopShare(value, by, among, table, fraction=float(fraction))(tables)
        rows.append((fraction, found.value, *found.bounds()))
    return pd.DataFrame([*rows, (1.0, 1.0, 1.0, 1.0)], columns=["fraction", "share", "low", "high"])
