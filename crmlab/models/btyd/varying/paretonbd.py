"""Pareto/NBD with covariates that change in time: what it expects; see `pareto_likelihood` for the model."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import expit, exprel

from crmlab.models.btyd.paretonbd import ParetoNBD
from crmlab.models.btyd.varying.clock import Clock, Hand, Ints
from crmlab.models.btyd.varying.drawing import Drawn, lives
from crmlab.models.btyd.varying.estimating import Part
from crmlab.models.btyd.varying.model import TimeVaryingModel
from crmlab.models.btyd.varying.pareto_likelihood import VaryingParetoLikelihood
from crmlab.models.btyd.varying.pieces import blocks
from crmlab.models.btyd.varying.rows import VaryingRows

Array = npt.NDArray[np.float64]
Until = Callable[[Array, Ints, Array], Array]


class TimeVaryingParetoNBD(TimeVaryingModel):
    """The Pareto/NBD with covariates of both processes that may change in time.

    Parameters r, alpha, s and beta are those of `ParetoNBD` for a customer whose covariates are 0; a
    covariate multiplies the rate of purchases, or of dropout, by exp(coefficient × its value) while it has
    that value.

    References ---------- Bachmann, P., Meierer, M. & Näf, J. (2021). The role of time-varying contextual
    factors in latent attrition models for customer base analysis. Marketing Science 40, 783–809.
    https://doi.org/10.1287/mksc.2020.1254
    """

    name = "Pareto/NBD with covariates"
    plain = ParetoNBD
    parameter_names = ParetoNBD.parameter_names
    time_parameters = ParetoNBD.time_parameters

    def _parts(self, rows: VaryingRows) -> list[Part]:
        width = 8 + rows.clock.levels.shape[1]
        return [VaryingParetoLikelihood(pieces) for _, pieces in blocks(rows, width)]

    def _by_block(self, rows: VaryingRows, what: str) -> Array:
        found = np.empty(len(rows))
        for place, pieces in blocks(rows, 8 + rows.clock.levels.shape[1]):
            found[place] = getattr(VaryingParetoLikelihood(pieces), what)(self.coefficients)
        return found

    def _values_of(self, rows: VaryingRows) -> Array:
        return self._by_block(rows, "values")

    def _alive(self, rows: VaryingRows) -> Array:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return expit(-self._by_block(rows, "log_odds"))

    def _hands(self, clock: Clock) -> tuple[Hand, Hand]:
        """The clocks of purchases and of dropout."""
        coefficients, k = self.coefficients, clock.split
        return (
            Hand.of(clock, clock.levels[:, :k], coefficients[4 : 4 + k]),
            Hand.of(clock, clock.levels[:, k:], coefficients[4 + k :]),
        )

    def _drawn(
        self,
        rows: VaryingRows,
        begin: Array,
        end: Array,
        bought: Array | None,
        generator: np.random.Generator,
    ) -> tuple[tuple[Array, Array], Drawn]:
        r, alpha, s, beta = self._values()
        seen, size = np.zeros((2, len(rows))), np.full(len(rows), r)
        hands = self._hands(rows.clock)
        if bought is not None:
            size = r + bought
            for each, hand in zip(seen, hands):
                each += hand.at(rows.at_end) - hand.at(rows.at_first)
        rates = (
            generator.gamma(size) / (alpha + seen[0]),
            generator.gamma(s, size=len(rows)) / (beta + seen[1]),
        )
        return rates, lives(*hands, rows.course, begin, end, rates, generator)

    def _ahead(self, rows: VaryingRows, stops: Array) -> Array:
        """(r + x) / (α + A(T)) ∫ A′(τ) ((β + D(T)) / (β + D(τ)))^s dτ, in closed form in each period."""
        r, alpha, s, beta = self._values()
        buy, die = self._hands(rows.clock)
        rate = (r + rows.x) / (alpha + buy.at(rows.at_end) - buy.at(rows.at_first))
        lived = die.at(rows.at_end)
        start = beta + lived - die.at(rows.at_first)

        def until(begin: Array, run: Ints, end: Array) -> Array:
            """Purchases at rate 1 from `begin` to `end` within a run."""
            near = start + die.at(rows.clock.points(rows.course, begin, run)) - lived
            speed = die.rate[rows.course, run]
            grown = np.log1p(speed * (end - begin) / near)
            stayed = np.exp(-s * np.log(near / start)) * near / speed
            return buy.rate[rows.course, run] * stayed * grown * exprel((1.0 - s) * grown)

        return _through_runs(rows, stops, until) * rate


def _through_runs(rows: VaryingRows, stops: Array, until: Until) -> Array:
    """What adds up over runs from the end of observation on, to each of some stops: (times, rows)."""
    clock, found = rows.clock, np.empty(stops.shape)
    course = np.broadcast_to(rows.course, stops.shape)
    stop_run = clock.runs_at(course, stops)
    so_far, run, begin = np.zeros(len(rows)), rows.end_run.copy(), rows.end.copy()
    last = stop_run.max(axis=0)
    while True:
        for row in range(len(stops)):
            here = stop_run[row] == run
            if here.any():
                found[row, here] = (so_far + until(begin, run, np.maximum(stops[row], begin)))[here]
        if (run >= last).all():
            return found
        end = np.where(run < last, clock.edges[rows.course, run + 1], begin)
        so_far = so_far + until(begin, run, end)
        run, begin = np.minimum(run + 1, np.maximum(last, run)), end
