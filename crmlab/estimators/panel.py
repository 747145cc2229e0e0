"""Differences in differences when groups start at different times, in one pass over many cohorts.

Comparing all units by two-way fixed effects takes those who started early for controls of those who start
late, and weighs some effects negatively (Goodman-Bacon 2021). `GroupTimeEffects` compares each group with
those who never start (Callaway & Sant'Anna 2021, doi:10.1016/j.jeconom.2020.12.001); `GroupTimeWald` divides
what a start does to an outcome by what it does to the share that takes part; `TwoWayFixedEffects` is the
regression that errs, and shows its weights.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError, check_known
from crmlab.estimators.influence import mean_of
from crmlab.estimators.regression import clustered


@dataclass(frozen=True)
class GroupTimeEffects(Estimator):
    """Average effect on the treated from group-time effects, with controls that are never treated.

    Parameters
    ----------
    outcome, unit, period, start : str
        Columns of a balanced panel in long form. `start` is the unit's first treated period, 0 if never;
        periods are whole numbers above 0.
    table, cluster : str, optional
        `cluster` is a column that does not change within units.
    since : int, optional
        Only the effect so many periods after the start; before it (-2, say) it is a placebo, which is zero if
        trends are parallel. None: all periods from the start on, groups weighted by their size.
    until : int, optional
        With `since` None: the last period after the start that counts.
    base : int
        Changes are from the mean of so many periods before the start. More than one is exacter where trends
        are parallel all that time.
    average : {"cells", "groups"}
        Each group-time weighs as much as its group has members, or each group does.

    Notes
    -----
    ``ATT(g, t) = E[Y_t − Y_(g−1) | start = g] − E[Y_t − Y_(g−1) | never]``, averaged with the groups' shares
    as weights. A unit's influence is that through the means, plus that through the weights.
    """

    outcome: str
    unit: str
    period: str
    start: str
    table: str | None = None
    cluster: str | None = None
    since: int | None = None
    until: int | None = None
    base: int = 1
    average: str = "cells"

    failure: ClassVar[str] = "there is no group with such a period, or nobody who is never treated"

    def __post_init__(self) -> None:
        if self.since == -1 and self.base == 1:
            raise InputError("since is -1: effects are differences from that period, so it has none")
        if self.until is not None and (self.until < 0 or self.since is not None):
            raise InputError(f"until is {self.until} and since {self.since}; give one, and until from 0 on")
        if self.base < 1:
            raise InputError(f"base is {self.base}; give 1 or more periods before the start")
        if self.average not in ("cells", "groups"):
            raise InputError(f"average is {self.average!r}; it must be one of cells, groups")

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        return mean_of(*self.rows(tables))

    def rows(self, tables: Tables) -> tuple[np.ndarray, np.ndarray | None]:
        """What each unit says: its influence plus the estimate, and the units' clusters.

        Returns
        -------
        rows : array of shape (simulations, units)
            Units in the order of their names. Their mean is the estimate.
        groups : array of shape (simulations, units), or None
        """
        outcome, start, periods, groups = _wide(self, tables, self.outcome, self.start)
        never = start == 0
        influence = np.zeros(outcome.shape[:2])
        effects, influences, members = [], [], []
        pairs = self._pairs(start, periods)
        cells = [sum(group == each for each, *_ in pairs) for group, *_ in pairs]
        with np.errstate(all="ignore"):
            for (group, at, base), many in zip(pairs, cells, strict=True):
                before = outcome[..., base - self.base : base].mean(-1)
                change, member = outcome[..., at] - before, start == group
                means = [np.where(one, change, 0).sum(-1) / one.sum(-1) for one in (member, never)]
                shares = [one.mean(-1)[:, None] for one in (member, never)]
                own = member * (change - means[0][:, None]) / shares[0]
                other = never * (change - means[1][:, None]) / shares[1]
                effects.append(np.where(member.any(-1), means[0] - means[1], 0.0))
                influences.append(np.where(member.any(-1)[:, None], own - other, 0.0))
                members.append(member / (many if self.average == "groups" else 1))
            weights = [member.mean(-1) for member in members]
            total = sum(weights, np.zeros(len(outcome)))
            value = sum(w * e for w, e in zip(weights, effects, strict=True)) / total
            for w, effect, own, member in zip(weights, effects, influences, members, strict=True):
                spread = (member - w[:, None]) * (effect - value)[:, None]
                influence += (w[:, None] * own + spread) / total[:, None]
        return influence + np.asarray(value)[..., None], groups

    def _pairs(self, start, periods):
        """Groups, the places of the periods that count, and where the periods before the start end."""
        known = list(periods)
        last = np.inf if self.until is None else self.until
        return [
            (group, at, known.index(group - 1) + 1)
            for group in np.unique(start[start > 0])
            if group - self.base in known
            for at, after in enumerate(periods - group)
            if (0 <= after <= last if self.since is None else after == self.since)
        ]


@dataclass(frozen=True)
class GroupTimeWald(Estimator):
    """What taking part does to an outcome, where starts differ by lot and units then choose to take part.

    Parameters
    ----------
    outcome, uptake : GroupTimeEffects
        Of the same panel: what a start does to the outcome, and to the share that takes part. Before a start
        nobody does.

    Notes
    -----
    The ratio of two differences in differences: the effect on those who take part, if a start does nothing to
    the others (after Wald 1940; de Chaisemartin & D'Haultfœuille 2018, doi:10.1093/restud/rdx049). Its error
    is that of the ratio's influence function.
    """

    outcome: GroupTimeEffects
    uptake: GroupTimeEffects

    failure: ClassVar[str] = "nobody takes part, or there is no group to compare"

    def rows(self, tables: Tables) -> tuple[np.ndarray, np.ndarray | None]:
        """As `GroupTimeEffects.rows`."""
        (gained, groups), (taken, _) = self.outcome.rows(tables), self.uptake.rows(tables)
        with np.errstate(all="ignore"):
            share = taken.mean(-1, keepdims=True)
            value = gained.mean(-1, keepdims=True) / share
            return value + (gained - value * taken) / share, groups

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        return mean_of(*self.rows(tables))


@dataclass(frozen=True)
class TwoWayFixedEffects(Estimator):
    """The slope of an outcome on a treatment with an intercept for each unit and each period.

    Parameters
    ----------
    outcome, treated, unit, period : str
        Columns of a balanced panel in long form.
    table, cluster : str, optional
        Errors are clustered by `cluster`, which does not change within units, or by unit.

    Notes
    -----
    The slope is a weighted mean of the cells' effects with the weights of `weights`. Where effects grow or
    fade that is no average that anybody asked for (de Chaisemartin & D'Haultfœuille 2020,
    doi:10.1257/aer.20181169).
    """

    outcome: str
    treated: str
    unit: str
    period: str
    table: str | None = None
    cluster: str | None = None

    failure: ClassVar[str] = "the treatment does not differ within units and periods"

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        outcome, treated, _, groups = _wide(self, tables, self.outcome, self.treated, fixed=False)
        left = _doubly_demeaned(treated)
        with np.errstate(all="ignore"):
            square = (left**2).sum((-1, -2))
            square = np.where(square > 1e-9, square, np.nan)
            slope = (left * outcome).sum((-1, -2)) / square
            residual = _doubly_demeaned(outcome)
            residual -= slope[:, None, None] * left
        scores = (left * residual).sum(-1)
        by = np.arange(scores.shape[-1]) if groups is None else groups
        middle, freedom = clustered(scores[..., None], by, 1)
        return Estimate(slope, np.sqrt(middle[:, 0, 0]) / square, freedom)

    def weights(self, tables: Tables) -> np.ndarray:
        """How much each treated cell counts in the slope: shape (simulations, units, periods).

        They add up to 1 over treated cells, and some may be below 0.
        """
        _, treated, _, _ = _wide(self, tables, self.outcome, self.treated, fixed=False)
        left = _doubly_demeaned(treated)
        return treated * left / (left**2).sum((-1, -2), keepdims=True)


def _doubly_demeaned(values):
    """Less the means of units and periods, plus that of all: shape (simulations, units, periods)."""
    units, periods = values.mean(-1, keepdims=True), values.mean(-2, keepdims=True)
    left = values - units
    left -= periods
    left += periods.mean(-1, keepdims=True)
    return left


def _wide(panel: Any, tables: Tables, value: str, other: str, fixed: bool = True) -> tuple:
    """Two columns (simulations, units, periods), the second (simulations, units) if it is `fixed` in units.

    With them the periods, and the units' clusters.
    """
    columns = tables.columns(panel.table)
    named = [value, panel.unit, panel.period, other] + ([panel.cluster] if panel.cluster else [])
    check_known("column", named, columns)
    unit, period = (np.asarray(columns[name]) for name in (panel.unit, panel.period))
    unit, period = (each[0] if each.ndim == 2 and len(each) == 1 else each for each in (unit, period))
    if unit.ndim != 1 or period.ndim != 1:
        raise InputError(f"{panel.unit} and {panel.period} must be the same in all cohorts")
    order = np.lexsort((period, unit))
    periods, units = np.unique(period), np.unique(unit)
    if len(order) != len(periods) * len(units) or (np.diff(period[order].reshape(len(units), -1)) <= 0).any():
        raise InputError(
            f"the panel has {len(order)} rows for {len(units)} units and {len(periods)} periods; "
            "give each unit one row a period"
        )

    def by_unit(name):
        return np.atleast_2d(np.asarray(columns[name]))[:, order].reshape(-1, len(units), len(periods))

    wide, second = by_unit(value), by_unit(other)
    if fixed:
        if (second != second[..., :1]).any():
            raise InputError(f"{other} changes within units; give the first treated period in every row")
        second = np.broadcast_to(second[..., 0], wide.shape[:2])
    return wide, second, periods, by_unit(panel.cluster)[..., 0] if panel.cluster else None
