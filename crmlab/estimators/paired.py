"""Estimates that say what each unit says of them, so that two of the same units can be compared."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import check_known
from crmlab.estimators.influence import mean_of
from crmlab.estimators.panel import GroupTimeEffects

Rows = tuple[np.ndarray, np.ndarray | None]


class SaysByUnit(Protocol):
    """An estimator whose estimate is the mean of rows, one a unit: its influence plus the estimate."""

    def rows(self, tables: Tables) -> Rows:
        """Rows of shape (simulations, units), and their clusters."""
        ...


class _MeanOfRows(Estimator):
    """Base of the estimators that are a mean of rows."""

    def rows(self, tables: Tables) -> Rows:
        """What each unit says, shape (simulations, units), and the units' clusters."""
        raise NotImplementedError(f"{type(self).__name__} has no rows(tables)")

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        return mean_of(*self.rows(tables))


@dataclass(frozen=True)
class PairedDifference(_MeanOfRows):
    """One estimate less another of the same units, with the error of the difference.

    Parameters
    ----------
    one, other : estimator with `rows`
        Of the same units in the same order; the clusters are those of `one`.
    """

    one: SaysByUnit
    other: SaysByUnit

    def rows(self, tables: Tables) -> Rows:
        """As `SaysByUnit.rows`."""
        (first, groups), (second, _) = self.one.rows(tables), self.other.rows(tables)
        return first - second, groups


@dataclass(frozen=True)
class GapInShares(_MeanOfRows):
    """Mean outcome of those who take part less that of the others, from sums by unit and period.

    Parameters
    ----------
    outcome, members, members_outcome : str
        Columns of a panel in long form: a unit's outcome a head, the share that takes part, and the part of
        the outcome that is theirs.
    inside : str
        Column: 1 in the rows that count.
    table : str, optional
    unit : str
    """

    outcome: str
    members: str
    members_outcome: str
    inside: str
    table: str | None = None
    unit: str = "unit"

    failure: ClassVar[str] = "nobody takes part, or everybody does"

    def rows(self, tables: Tables) -> Rows:
        """As `SaysByUnit.rows`; units in the order of their names."""
        columns = tables.columns(self.table)
        named = [self.outcome, self.members, self.members_outcome, self.inside, self.unit]
        check_known("column", named, columns)
        kinds, unit = np.unique(columns[self.unit], return_inverse=True)
        belongs = (unit.ravel()[:, None] == np.arange(len(kinds))) * 1.0
        counts = np.atleast_2d(columns[self.inside])

        def total(values):
            return (np.atleast_2d(values) * counts) @ belongs

        members, made = total(columns[self.members]), total(columns[self.members_outcome])
        others, rest = total(1.0 - columns[self.members]), total(columns[self.outcome]) - made
        return _ratio_rows(made, members) - _ratio_rows(rest, others), None


@dataclass(frozen=True)
class LogLift(_MeanOfRows):
    """By how many log points taking part raises what those who take part do.

    Parameters
    ----------
    total, made : GroupTimeEffects
        What starts add to the outcome of all, and to the outcome of those who take part (which is 0 before a
        start). What they would have done anyway is the second less the first.

    Notes
    -----
    ``ln made − ln(made − total)``, with the influence function of that.
    """

    total: GroupTimeEffects
    made: GroupTimeEffects

    failure: ClassVar[str] = "those who take part would have done nothing"

    def rows(self, tables: Tables) -> Rows:
        """As `SaysByUnit.rows`."""
        (total, groups), (made, _) = self.total.rows(tables), self.made.rows(tables)
        with np.errstate(all="ignore"):
            return _log_rows(made) - _log_rows(made - total), groups


@dataclass(frozen=True)
class LogRatio(_MeanOfRows):
    """The log of the ratio of two columns' means, over some of the rows.

    Parameters
    ----------
    top, bottom, where : str
        Columns; `where` is 1 for the rows that count.
    table, cluster : str, optional
    """

    top: str
    bottom: str
    where: str
    table: str | None = None
    cluster: str | None = None

    failure: ClassVar[str] = "no row counts, or a mean is not above zero"

    def rows(self, tables: Tables) -> Rows:
        """As `SaysByUnit.rows`."""
        columns = tables.columns(self.table)
        named = [self.top, self.bottom, self.where] + ([self.cluster] if self.cluster else [])
        check_known("column", named, columns)
        top, bottom, kept = (np.atleast_2d(columns[name]) for name in named[:3])
        with np.errstate(all="ignore"):
            said = _log_rows(top * kept) - _log_rows(bottom * kept)
        return said, columns[self.cluster] if self.cluster else None


def _ratio_rows(top, bottom):
    """The rows of a ratio of two means."""
    with np.errstate(all="ignore"):
        mean = bottom.mean(-1, keepdims=True)
        ratio = top.mean(-1, keepdims=True) / mean
        return ratio + (top - ratio * bottom) / mean


def _log_rows(values):
    """The rows of the log of a mean; NaN where that is not above zero."""
    mean = values.mean(-1, keepdims=True)
    mean = np.where(mean > 0, mean, np.nan)
    return np.log(mean) + (values - mean) / mean
