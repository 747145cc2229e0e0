"""Hazards of units that pass the same stages one by one and differ in how fast they are anyway.

Unit i ends stage j at the hazard ``λᵢ exp(x_j'b)``, with λᵢ a gamma variable of shape k and rate β. A unit
with D ended stages that spent the times T_j in them has, with λᵢ integrated out in closed form,

    log L = Σ_ended x_j'b + lnΓ(k + D) − lnΓ(k) + k ln β − (k + D) ln(β + Σ_j exp(x_j'b) T_j)

where D counts earlier events, too, and their time is added to β (Lancaster 1990, The Econometric Analysis of
Transition Data, chapter 7).
"""

from dataclasses import dataclass

import numpy as np

from crmlab.models.newton import maximise
from crmlab.models.stacked import inverse

Array = np.ndarray
LARGEST_STEP = 1.0


@dataclass(frozen=True)
class Passages:
    """Units on their way through stages.

    Parameters
    ----------
    times : array of shape (samples, units, stages)
        Spent in each stage; 0 in those not reached.
    ended : array of shape (samples, units)
        How many stages a unit ended, from the first on.
    covariates : array of shape (kinds, stages, terms)
        x of each stage, for each kind of unit.
    kind : array of int, shape (units,) or (samples, units)
        Which of them is a unit's.
    counts : array of bool, shape (samples, units), optional
        Which units are in the sample; all by default.
    earlier : array of shape (samples, units), optional
        Events of each unit in an earlier time of the length `exposure`, at the hazard λᵢ: they tell how fast
        it is anyway.
    exposure : float
    """

    times: Array
    ended: Array
    covariates: Array
    kind: Array
    counts: Array | None = None
    earlier: Array | None = None
    exposure: float = 0.0

    def by_kind(self) -> Array:
        """Times with a column for each kind and stage, shape (samples, units, kinds · stages)."""
        kind, stages = np.broadcast_to(self.kind, self.ended.shape), self.times.shape[-1]
        found = np.empty((*self.ended.shape, len(self.covariates) * stages))
        for at in range(len(self.covariates)):
            own = found[..., at * stages : (at + 1) * stages]
            np.multiply(self.times, (kind == at)[..., None], out=own)
        return found

    def weighted(self, slopes: Array) -> Array:
        """``exp(x'b)`` of each kind and stage, times 1 and x: shape (m, kinds · stages, 1 + terms)."""
        flat = self.covariates.reshape(-1, self.covariates.shape[-1])
        basis = np.concatenate([np.ones((len(flat), 1)), flat], -1)
        return np.exp(slopes @ flat.T)[..., None] * basis

    def gathered(self) -> Array:
        """``Σ_ended x_j`` of each unit, shape (samples, units, terms)."""
        first = np.zeros((len(self.covariates), 1, self.covariates.shape[-1]))
        upto = np.concatenate([first, np.cumsum(self.covariates, 1)], 1)
        return upto[np.broadcast_to(self.kind, self.ended.shape), self.ended.astype(np.intp)]


def fit_gamma_frailty(passages: Passages) -> tuple[Array, Array]:
    """Maximum likelihood of many samples.

    Returns
    -------
    parameters : array of shape (samples, terms + 2)
        b, then ln k and ln β; NaN where there is no maximum.
    covariance : array of shape (samples, terms + 2, terms + 2)
        The inverse of the information.
    """
    terms = passages.covariates.shape[-1]
    counts = np.ones(passages.ended.shape) if passages.counts is None else passages.counts * 1.0
    times, done = passages.by_kind(), passages.ended * counts
    times *= counts[..., None]
    done = done + (0.0 if passages.earlier is None else passages.earlier * counts)
    gathered = (passages.gathered() * counts[..., None]).sum(1)
    flat = passages.covariates.reshape(-1, terms)
    steps = np.arange(int(done.max()) + 1)
    reached = counts.sum(-1)[:, None] - _sums_below(done, counts, len(steps))

    def derivatives(point, which):
        k, beta = np.exp(point[:, -2:, None]).swapaxes(0, 1)  # each of shape (m, 1)
        seen, passed = counts[which], done[which]
        weighted = passages.weighted(point[:, :terms])
        exposure = times[which] @ weighted
        risk = beta + passages.exposure + exposure[..., 0]
        pull = (k + passed) * seen / risk
        first, share = exposure[..., 1:], seen / risk
        spent = (pull[:, None] @ times[which])[:, 0]  # of each kind and stage, shape (m, kinds · stages)
        digamma = (reached[which] / (k + steps)).sum(-1)
        trigamma = -(reached[which] / (k + steps) ** 2).sum(-1)
        k, beta, number = k[:, 0], beta[:, 0], seen.sum(-1)
        by_shape = k * (digamma + number * np.log(beta) - (seen * np.log(risk)).sum(-1))
        by_rate = number * k - beta * pull.sum(-1)
        score = np.column_stack(
            [gathered[which] - np.einsum("ms,msp->mp", spent, weighted[..., 1:]), by_shape, by_rate]
        )
        information = np.empty((len(point), terms + 2, terms + 2))
        second = (weighted[..., 1:] * spent[..., None]).swapaxes(1, 2) @ flat
        information[:, :terms, :terms] = second - (first * (pull / risk)[..., None]).swapaxes(1, 2) @ first
        for place, cross in ((-2, k[:, None] * share), (-1, -beta[:, None] * pull / risk)):
            sums = (cross[:, None] @ first)[:, 0]
            information[:, :terms, place] = information[:, place, :terms] = sums
        information[:, -2, -2] = -by_shape - k**2 * trigamma
        information[:, -1, -1] = beta * (pull * (1 - beta[:, None] / risk)).sum(-1)
        both = -k * (number - beta * share.sum(-1))
        information[:, -2, -1] = information[:, -1, -2] = both
        return score, information

    start = np.zeros((len(done), terms + 2))
    start[:, -1] = np.log(
        np.maximum(times.sum((1, 2)) + passages.exposure * counts.sum(-1), 1e-9)
        / np.maximum(done.sum(-1), 1e-9)
    )
    found, _ = maximise(derivatives, start, largest=LARGEST_STEP)
    _, information = derivatives(found, np.arange(len(found)))
    return found, inverse(information)


def _sums_below(done, counts, steps):
    """How many units ended at most 0, 1, … stages: shape (samples, steps)."""
    return np.stack([((done <= step) * counts).sum(-1) for step in range(steps)], -1)
