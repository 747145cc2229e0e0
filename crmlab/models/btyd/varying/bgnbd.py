"""BG/NBD with covariates that change in time: what it expects; `beta_geometric_likelihood` has the model."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from crmlab.models.btyd.arguments import over_unique
from crmlab.models.btyd.bgnbd import BGNBD, ModifiedBGNBD, while_active
from crmlab.models.btyd.fields import Fields
from crmlab.models.btyd.special import barycentric, beta_mean, chebyshev
from crmlab.models.btyd.varying.beta_geometric_likelihood import Stays, VaryingBetaGeometricLikelihood
from crmlab.models.btyd.varying.clock import Clock, Hand, Ints, distinct
from crmlab.models.btyd.varying.dated import DatedHistories
from crmlab.models.btyd.varying.drawing import Drawn, chances
from crmlab.models.btyd.varying.estimating import Part
from crmlab.models.btyd.varying.model import TimeVaryingModel
from crmlab.models.btyd.varying.rows import VaryingRows, rows_of
from crmlab.models.btyd.varying.sources import Source

Array = npt.NDArray[np.float64]
Some = Array | float
Flags = npt.NDArray[np.bool_]
BLOCK = 1 << 13  # rows evaluated together
NODES = 28  # points between which expectations are interpolated


class _TimeVaryingBetaGeometric(TimeVaryingModel):
    parameter_names = BGNBD.parameter_names
    time_parameters = BGNBD.time_parameters

    def _remember(self, purchase: Source | str | None, dropout: Source | str | None) -> None:
        super()._remember(purchase, dropout)
        self.constant_: Flags | None = None

    def _more(self) -> dict[str, Any]:
        standing = None if self.constant_ is None else [int(each) for each in self.constant_]
        return super()._more() | {"standing": standing}

    def _restore_last(self, read: Fields) -> None:
        """Which covariates of dropout never changed in the data of the fit: those act on a."""
        self.constant_ = None
        if read.take("standing") is not None:
            flags = read.vector("standing", len(self.covariate_names_[1]))
            if not np.isin(flags, (0.0, 1.0)).all():
                raise read.error("standing", f"is {flags.tolist()}", "it holds 0 and 1")
            self.constant_ = flags == 1.0

    def _begin(self, clock: Clock) -> None:
        self.constant_ = clock.constant[clock.split :]

    def _centred(self, clock: Clock) -> Flags:
        return np.r_[np.ones(clock.split, bool), self._standing(clock)]

    def _standing(self, clock: Clock) -> Flags:
        """Which covariates of dropout never change: of the data that the model was fitted to."""
        return clock.constant[clock.split :] if self.constant_ is None else self.constant_

    def _rows(self, customers: DatedHistories, clock: Clock, which: Ints, unique: bool) -> VaryingRows:
        moving = bool((~self._standing(clock)).any())
        return rows_of(customers, clock, which, moving, self.flips_at_start, unique)

    def _part(self, rows: VaryingRows) -> VaryingBetaGeometricLikelihood:
        return VaryingBetaGeometricLikelihood(rows, self._standing(rows.clock), self.flips_at_start)

    def _parts(self, rows: VaryingRows) -> list[Part]:
        return [self._part(rows[start : start + BLOCK]) for start in range(0, len(rows), BLOCK)]

    def _values_of(self, rows: VaryingRows) -> Array:
        return self._part(rows).values(self.coefficients)

    def _alive(self, rows: VaryingRows) -> Array:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return expit(-self._part(rows).log_odds(self.coefficients))

    def _ahead(self, rows: VaryingRows, stops: Array) -> Array:
        """Expected purchases of active customers; by `while_active` where chances to leave are all alike."""
        part, coefficients, clock = self._part(rows), self.coefficients, rows.clock
        r, alpha, a, b = part.parameters(coefficients)
        hand, (end, _), _ = part.readings(coefficients)
        together, _, speed = part.chances(coefficients)
        size, scale = r + rows.x, alpha + end
        if rows.chances is None:
            course = np.broadcast_to(rows.course, stops.shape)
            ahead = hand.at(clock.points(course, stops)) - hand.at(rows.at_end)
            return _while_active(np.maximum(ahead, 0.0), size, scale, a, b + together)
        return self._ahead_by_chances(rows, stops, hand, speed, (size, scale, a, b + together))

    def _ahead_by_chances(
        self,
        rows: VaryingRows,
        stops: Array,
        hand: Hand,
        speed: Array,
        parameters: tuple[Array, Array, Some, Array],
    ) -> Array:
        """E over p of ∫ λ A′ exp(−λ ∫ A′ (1 − q^c)), λ ~ Gamma(size, scale), in closed form by period."""
        size, scale, a, b = np.broadcast_arrays(*parameters)
        last = stops.max(axis=0)
        reach = hand.at(rows.clock.points(rows.course, last)) - hand.at(rows.at_end)
        reach *= speed.max() / scale

        def expected(p: Array, part: slice) -> Array:
            return _expected_at(p, rows[part], stops[:, part], hand.speed, speed, size[part], scale[part])

        return beta_mean(expected, a, b, 1.0 / np.maximum((size + 1.0) * reach, 1e-300))

    def _drawn(
        self,
        rows: VaryingRows,
        begin: Array,
        end: Array,
        bought: Array | None,
        generator: np.random.Generator,
    ) -> tuple[tuple[Array, Array], Drawn]:
        part, coefficients, clock = self._part(rows), self.coefficients, rows.clock
        r, alpha, a, b = part.parameters(coefficients)
        hand, (seen, _), _ = part.readings(coefficients)
        together, _, speed = part.chances(coefficients)
        n = len(rows)
        size, scale, stayed = np.full(n, r), np.full(n, alpha), np.zeros(n)
        if bought is not None:
            size, scale, stayed = r + bought, alpha + seen, together
        rates = generator.gamma(size) / scale, generator.beta(np.broadcast_to(a, n), b + stayed)
        power = speed if rows.chances is not None else np.ones(len(clock.levels))
        if bought is not None or not self.flips_at_start:
            return rates, chances(hand, power, rows.course, begin, end, rates, generator)
        stay = np.exp(power[clock.code[rows.course, rows.first_run]] * np.log1p(-rates[1]))
        over = generator.random(n) >= stay  # gone after the first purchase
        drawn = chances(hand, power, rows.course, begin, np.where(over, begin, end), rates, generator)
        kept = ~over[drawn.row]
        return rates, Drawn(drawn.row[kept], drawn.time[kept], np.where(over, begin, drawn.died))

    def _surviving_start(self, rows: VaryingRows) -> Array | float:
        if not self.flips_at_start:
            return 1.0
        part = self._part(rows)
        _, _, a, b = part.parameters(self.coefficients)
        together, _, _ = part.chances(self.coefficients)
        return np.exp(Stays(a, b, together, rows.chances is None).value)


def _while_active(ahead: Array, size: Array, scale: Array, a: Some, b: Array) -> Array:
    """`while_active` for several times (in rows) of customers (in columns).

    Where many times belong to few kinds of customers, it is interpolated between the Chebyshev points of
    log(1 + time × size / scale), in which it is smooth.
    """
    every = np.broadcast_arrays(size, scale, a, b)
    kind = distinct(list(every))
    kinds = int(kind.max()) + 1
    if ahead.size <= 4 * NODES * kinds:
        wide = [np.broadcast_to(each, ahead.shape).ravel() for each in every]
        return over_unique(while_active, ahead.ravel(), *wide).reshape(ahead.shape)
    found, nodes = np.empty(ahead.shape), chebyshev(NODES)
    for one in range(kinds):
        own = np.flatnonzero(kind == one)
        values = [each[own[0]] for each in every]
        scale = values[1] / max(values[0], 1.0)
        at = np.log1p(ahead[:, own] / scale)
        top = max(float(at.max()), 1e-12)
        known = while_active(np.expm1(0.5 * top * (1.0 + nodes)) * scale, *np.full((NODES, 4), values).T)
        weights = barycentric(nodes, 2.0 * at.ravel() / top - 1.0)
        found[:, own] = (weights @ known).reshape(at.shape)
    return found


def _expected_at(
    p: Array, rows: VaryingRows, stops: Array, buying: Array, leaving: Array, size: Array, scale: Array
) -> Array:
    """Purchases up to each of some stops by customers with dropout probability p: (times, rows, nodes).

    Parameters
    ----------
    p : array, shape (rows, nodes)
    buying, leaving : arrays, shape (L,)
        Speed of purchases, and power c of 1 − p, at each level of the covariates.
    size, scale : arrays, shape (rows,)
        Of the customers' gamma distributed rates.
    """
    clock = rows.clock
    stop_run = clock.runs_at(np.broadcast_to(rows.course, stops.shape), stops)
    found, so_far, gone = np.zeros((len(stops), *p.shape)), np.zeros(p.shape), np.zeros(p.shape)
    stay = np.log1p(-np.minimum(p, 1.0 - 1e-16))
    run, begin = rows.end_run.copy(), rows.end.copy()

    def walked(end: Array) -> tuple[Array, Array]:
        """Purchases from `begin` to `end` in the present run, and what the risk then adds up to."""
        level = clock.code[rows.course, run]
        leave = -np.expm1(leaving[level, None] * stay)
        added = leave * (buying[level] * (end - begin))[:, None]
        still = np.exp(-size[:, None] * np.log1p(gone / scale[:, None]))
        grown = np.log1p(added / (scale[:, None] + gone))
        return still * -np.expm1(-size[:, None] * grown) / np.maximum(leave, 1e-300), gone + added

    last = stop_run.max(axis=0)
    while True:
        for row in range(len(stops)):
            here = stop_run[row] == run
            if here.any():
                found[row, here] = (so_far + walked(np.maximum(stops[row], begin))[0])[here]
        if (run >= last).all():
            return found
        end = np.where(run < last, clock.edges[rows.course, run + 1], begin)
        bought, gone = walked(end)
        so_far, run, begin = so_far + bought, np.minimum(run + 1, np.maximum(last, run)), end


class TimeVaryingBGNBD(_TimeVaryingBetaGeometric):
    """The BG/NBD with covariates of both processes that may change in time.

    Parameters r, alpha, a and b are those of `BGNBD` for a customer whose covariates are 0. A covariate of
    purchases multiplies their rate by exp(coefficient × its value) while it has that value. One of dropout
    that never changes multiplies a, as in `BGNBD`; one that changes multiplies the log of the probability to
    stay after a purchase, by its value at that purchase.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S., note 40, on covariates of the BG/NBD that vary in time.
    https://www.brucehardie.com/notes/040/
    """

    name = "BG/NBD with covariates"
    plain = BGNBD


class TimeVaryingModifiedBGNBD(_TimeVaryingBetaGeometric):
    """The MBG/NBD with covariates: as `TimeVaryingBGNBD`, with a chance to drop out at the first purchase."""

    name = "MBG/NBD with covariates"
    plain = ModifiedBGNBD
    flips_at_start = 1
    many_tops = True
