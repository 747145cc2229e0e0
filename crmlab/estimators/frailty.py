"""What speeds units up from stage to stage, where some are fast anyway: in one pass over many cohorts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import check_known
from crmlab.models.frailty import LARGEST_STEP, Passages, fit_gamma_frailty
from crmlab.models.newton import maximise
from crmlab.models.stacked import inverse


@dataclass(frozen=True)
class StageHazard(Estimator):
    """A log hazard ratio of units that pass stages, with a gamma variable for how fast each is anyway.

    Parameters
    ----------
    times : sequence of str
        Columns: what a unit spent in each stage, 0 in those it did not reach.
    ended : str
        Column: how many stages it ended.
    covariates : mapping of str to array of shape (kinds, stages)
        Terms: what each is in each stage, for units of each kind.
    term : str
        The one whose coefficient is the estimate.
    table : str, optional
    kind : str, optional
        Column of 0, 1, …: which row of the covariates is a unit's.
    where : str, optional
        Column: 1 for the units in the sample, 0 for others.
    earlier : str, optional
        Column: events of a unit in an earlier time of the length `exposure`, before the first stage.
    exposure : float
    frailty : bool
        Without it all units are alike: events over exposures, pooled, with errors clustered by unit; what was
        earlier is not used.
    """

    times: Sequence[str]
    ended: str
    covariates: Mapping[str, np.ndarray]
    term: str
    table: str | None = None
    kind: str | None = None
    where: str | None = None
    earlier: str | None = None
    exposure: float = 0.0
    frailty: bool = True

    failure: ClassVar[str] = "the likelihood has no maximum inside"

    def __post_init__(self) -> None:
        check_known("term", [self.term], list(self.covariates))

    def passages(self, tables: Tables) -> Passages:
        """The units of many cohorts, as the model takes them."""
        columns = tables.columns(self.table)
        used = [*self.times, self.ended, *(name for name in (self.kind, self.where, self.earlier) if name)]
        check_known("column", used, columns)
        ended = np.atleast_2d(columns[self.ended])
        kind = np.zeros(ended.shape[-1]) if self.kind is None else np.asarray(columns[self.kind])
        spent = tables.once(
            ("times", self.table, *self.times),
            lambda: np.stack([np.atleast_2d(columns[name]) for name in self.times], -1),
        )
        return Passages(
            spent,
            ended,
            np.stack([np.asarray(each, dtype=float) for each in self.covariates.values()], -1),
            kind.astype(np.intp),
            None if self.where is None else np.atleast_2d(columns[self.where]) == 1,
            None if self.earlier is None else np.atleast_2d(columns[self.earlier]),
            self.exposure,
        )

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        names = [name for name in self.__dataclass_fields__ if name not in ("term", "covariates")]
        key = (type(self).__name__, tuple(self.covariates), *(str(getattr(self, name)) for name in names))
        found, covariance = tables.once(key, lambda: self.fitted(tables))
        at = list(self.covariates).index(self.term)
        with np.errstate(invalid="ignore"):
            return Estimate(found[:, at], np.sqrt(covariance[:, at, at]))

    def fitted(self, tables: Tables) -> tuple[np.ndarray, np.ndarray]:
        """Parameters of each cohort, the terms' first, and their covariance."""
        fit: Callable = fit_gamma_frailty if self.frailty else _fit_alike
        return fit(self.passages(tables))


def _fit_alike(passages: Passages) -> tuple[np.ndarray, np.ndarray]:
    """Slopes and log hazard if no unit is faster than others, with errors clustered by unit.

    Events over exposures of each kind and stage are all that the likelihood sees.
    """
    terms = passages.covariates.shape[-1]
    counts = np.ones(passages.ended.shape) if passages.counts is None else passages.counts * 1.0
    times, done = passages.by_kind(), passages.ended * counts
    times *= counts[..., None]
    events = np.concatenate([passages.gathered() * counts[..., None], done[..., None]], -1)
    flat = np.column_stack([passages.covariates.reshape(-1, terms), np.ones(times.shape[-1])])
    exposures, happened = times.sum(1), events.sum(1)

    def derivatives(point, which):
        expected = exposures[which] * np.exp(point @ flat.T)
        return happened[which] - expected @ flat, (flat.T * expected[:, None]) @ flat

    start = np.zeros((len(done), terms + 1))
    start[:, -1] = np.log(happened[:, -1] / exposures.sum(-1))
    found, _ = maximise(derivatives, start, largest=LARGEST_STEP)
    _, information = derivatives(found, np.arange(len(found)))
    scores = events - (times * np.exp(found @ flat.T)[:, None]) @ flat
    bread = inverse(information)
    return found, bread @ (scores.swapaxes(1, 2) @ scores) @ bread
