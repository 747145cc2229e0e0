"""One log hazard ratio of a state that a customer is in or not, on many cohorts in one pass.

Cox's (1972) partial likelihood with one covariate of 0 and 1 needs no more of the risk set at an event than
how many in it are in either state, so that thousands of cohorts take no longer than a few by lifelines.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError, check_known
from crmlab.models.newton import maximise


@dataclass(frozen=True)
class HazardRatio(Estimator):
    """The log hazard ratio of being in a state, against not being in it.

    Parameters
    ----------
    duration, event : str
        Columns: time until the event or until observation ended, and 1 if the event was seen, else 0.
    state : str
        A column of 0 and 1: who is in the state, from the beginning or from `since` on.
    table : str, optional
    entry : str, optional
        When a customer came under observation (late entry); at risk only after it.
    since : str, optional
        When the state began: before it one is at risk as one of the others. Looked at where `state` is 1.

    Notes
    -----
    Durations are taken as continuous; where some are equal, ties are treated as Breslow does. The error is
    that of the observed information.

    Raises
    ------
    InputError
        If a customer leaves before coming under observation, or columns of 0 and 1 hold something else.
    """

    duration: str
    event: str
    state: str
    table: str | None = None
    entry: str | None = None
    since: str | None = None

    failure: ClassVar[str] = "the partial likelihood has no maximum: a state has no event, or no one at risk"

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        end, seen, inside, entry, since = self._arrays(tables)
        order = end.argsort(-1)  # counting is several times as fast where events follow each other
        end, seen, inside, entry, since = (
            np.take_along_axis(np.broadcast_to(each, end.shape), order, -1)
            for each in (end, seen, inside, entry, since)
        )
        changed = np.where(inside, np.clip(since, entry, end), end)  # until then one of the others
        now = inside & (since < end)  # whether in the state at the end
        spells = ((entry, changed), (changed, end))
        others, members = (_at_risk(start, stop, end) for start, stop in spells)
        return _maximum(np.where(seen, members, 0.0), np.where(seen, others, 0.0), seen, now)

    def _arrays(self, tables):
        columns = tables.columns(self.table)
        named = [self.duration, self.event, self.state, self.entry, self.since]
        check_known("column", [name for name in named if name is not None], columns)
        end, event, state = (np.atleast_2d(np.asarray(columns[name], float)) for name in named[:3])
        for name, values in ((self.event, event), (self.state, state)):
            if not np.isin(values, (0.0, 1.0)).all():
                raise InputError(f"column {name!r} must hold 0 and 1")
        zero = np.zeros_like(end)
        entry, since = (zero if each is None else columns[each] + zero for each in (self.entry, self.since))
        if (end < entry).any() or not np.isfinite(end).all():
            at = int(np.argwhere(~(end >= entry))[0, -1])
            raise InputError(f"row {at}: {self.duration} must not be before {self.entry or 0}")
        return end, event == 1, state == 1, entry, np.where(state == 1, since, 0.0)


def _at_risk(start, stop, times):
    """How many spells ``(start, stop]`` hold each of the times, by simulation."""
    return np.stack(
        [
            np.searchsorted(np.sort(first[last > first]), at, side="left")
            - np.searchsorted(np.sort(last[last > first]), at, side="left")
            for first, last, at in zip(start, stop, times, strict=True)
        ]
    ).astype(float)


def _maximum(members, others, seen, now):
    """The maximum of the partial likelihood, and its error, from the counts at each event."""
    happened = (seen & now).sum(-1)

    def derivatives(point, which):
        weight = members[which] * np.exp(point)
        chance = weight / np.maximum(weight + others[which], 1e-300)
        score = happened[which] - chance.sum(-1)
        return score[:, None], (chance * (1 - chance)).sum(-1)[:, None, None]

    with np.errstate(all="ignore"):
        point, _ = maximise(derivatives, np.zeros((len(seen), 1)), largest=2.0)
        bend = derivatives(point, np.arange(len(seen)))[1][:, 0, 0]
        return Estimate(point[:, 0], 1 / np.sqrt(bend))
