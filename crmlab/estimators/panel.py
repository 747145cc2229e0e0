"""Differences in differences when groups start at different times, in one pass over many cohorts.

Comparing all units by two-way fixed effects takes those who started early for controls of those who start
late, and weighs some effects negatively (Goodman-Bacon 2021). Here each
group is compared with those who never start (Callaway & Sant'Anna 2021, doi:10.1016/j.jeconom.2020.12.001).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError, check_known
from crmlab.estimators.influence import mean_of


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

    failure: ClassVar[str] = "there is no group with such a period, or nobody who is never treated"

    def __post_init__(self) -> None:
        if self.since == -1:
            raise InputError("since is -1: effects are differences from that period, so it has none")

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        outcome, start, periods, groups = self._wide(tables)
        never = start == 0
        pairs = [
            (group, at)
            for group in np.unique(start[start > 0])
            if group - 1 in periods
            for at, period in enumerate(periods)
            if (period >= group if self.since is None else period - group == self.since)
        ]
        influence = np.zeros(outcome.shape[:2])
        effects, influences, members = [], [], []
        base = {group: outcome[..., list(periods).index(group - 1)] for group, _ in pairs}
        with np.errstate(all="ignore"):
            for group, at in pairs:
                change, member = outcome[..., at] - base[group], start == group
                means = [np.where(one, change, 0).sum(-1) / one.sum(-1) for one in (member, never)]
                shares = [one.mean(-1)[:, None] for one in (member, never)]
                own = member * (change - means[0][:, None]) / shares[0]
                other = never * (change - means[1][:, None]) / shares[1]
                effect = np.where(member.any(-1), means[0] - means[1], 0.0)
                effects.append(effect)
                influences.append(np.where(member.any(-1)[:, None], own - other, 0.0))
                members.append(member)
            weights = [member.mean(-1) for member in members]
            total = sum(weights, np.zeros(len(outcome)))
            value = sum(w * e for w, e in zip(weights, effects, strict=True)) / total
            for w, effect, own, member in zip(weights, effects, influences, members, strict=True):
                spread = (member - w[:, None]) * (effect - value)[:, None]
                influence += (w[:, None] * own + spread) / total[:, None]
        return mean_of(influence + np.asarray(value)[..., None], groups)

    def _wide(self, tables):
        """Outcomes (simulations, units, periods), first treated periods (simulations, units), the periods."""
        columns = tables.columns(self.table)
        named = [self.outcome, self.unit, self.period, self.start] + ([self.cluster] if self.cluster else [])
        check_known("column", named, columns)
        outcome, unit, period, start = (np.asarray(columns[name]) for name in named[:4])
        unit, period = (each[0] if each.ndim == 2 and len(each) == 1 else each for each in (unit, period))
        if unit.ndim != 1 or period.ndim != 1:
            raise InputError(f"{self.unit} and {self.period} must be the same in all cohorts")
        order = np.lexsort((period, unit))
        periods, units = np.unique(period), np.unique(unit)
        if (
            len(order) != len(periods) * len(units)
            or (np.diff(period[order].reshape(len(units), -1)) <= 0).any()
        ):
            raise InputError(
                f"the panel has {len(order)} rows for {len(units)} units and {len(periods)} periods; "
                "give each unit one row a period"
            )
        shape = len(units), len(periods)
        wide = np.atleast_2d(outcome)[:, order].reshape(-1, *shape)
        first = np.atleast_2d(start)[:, order].reshape(-1, *shape)
        if (first != first[..., :1]).any():
            raise InputError(f"{self.start} changes within units; give the first treated period in every row")
        groups = None
        if self.cluster:
            groups = np.atleast_2d(columns[self.cluster])[:, order].reshape(-1, *shape)[..., 0]
        return wide, np.broadcast_to(first[..., 0], wide.shape[:2]), periods, groups
