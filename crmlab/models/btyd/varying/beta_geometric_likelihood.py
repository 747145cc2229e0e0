"""The likelihood of the BG/NBD with covariates that change in time.

A customer buys at rate λ exp(γ′x(t)), λ ~ Gamma(r, α): on a clock that shows A(t) = ∫ exp(γ′x(u)) du
nothing else changes. At a purchase at t a customer stays with probability q^c, q = 1 − p, p ~ Beta(a, b),
c = exp(δ′z(t)), a proportional hazard in discrete time, so that over chances with c_1, …, c_x all stays have
probability E[q^M], M = Σ c_j, which is Γ(b + M) Γ(a + b) / (Γ(b) Γ(a + b + M)).

Covariates of dropout that never change in time act as in the model without time, on a: then p itself is
Beta(a exp(δ′z), b) and each c is 1.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import expit, polygamma, psi

from crmlab.models.btyd.special import log_gamma_ratio, log_rising, softplus
from crmlab.models.btyd.varying.clock import Hand
from crmlab.models.btyd.varying.pareto_likelihood import mirrored
from crmlab.models.btyd.varying.rows import VaryingRows

Array = npt.NDArray[np.float64]
Some = Array | float
Flags = npt.NDArray[np.bool_]


class Stays:
    """φ(m) = log E[(1 − p)^m], p ~ Beta(a, b), with its derivatives in a, b and m.

    Attributes
    ----------
    value : array, shape (n,)
    first : dict of str to array
        Keys a, b, m.
    second : dict of (str, str) to array
    """

    def __init__(self, a: Some, b: float, m: Array, whole: bool) -> None:
        if whole:  # m counts purchases: sums of logs, without cancellation
            B, B1, B2 = log_rising(b, m)
            A, A1, A2 = log_rising(a + b, m)
            self.value, none = B - A, np.zeros(m.size)
            self.first = {"a": -A1, "b": B1 - A1, "m": none}
            second = (-A2, -A2, B2 - A2, none, none, none)
        else:
            stayed, all_of = psi(b + m) - psi(b), psi(a + b + m) - psi(a + b)
            self.value = log_gamma_ratio(b, m) - log_gamma_ratio(a + b, m)
            self.first = {"a": -all_of, "b": stayed - all_of, "m": psi(b + m) - psi(a + b + m)}
            bend = polygamma(1, a + b + m)
            of_all, of_b = bend - polygamma(1, a + b), polygamma(1, b + m)
            second = (-of_all, -of_all, of_b - polygamma(1, b) - of_all, -bend, of_b - bend, of_b - bend)
        pairs = (("a", "a"), ("a", "b"), ("b", "b"), ("a", "m"), ("b", "m"), ("m", "m"))
        self.second = dict(zip(pairs, second))


class VaryingBetaGeometricLikelihood:
    """The log-likelihood of a block of rows with its derivatives in the coefficients.

    Coefficients are the logs of r, alpha, a and b, then those of covariates of purchases and of dropout.

    Parameters
    ----------
    rows : VaryingRows
    constant : bool array
        Which covariates of dropout never change.
    flips_at_start : int
    """

    def __init__(self, rows: VaryingRows, constant: Flags, flips_at_start: int) -> None:
        self.rows, self.k = rows, rows.clock.split
        self.x, z = rows.clock.levels[:, : self.k], rows.clock.levels[:, self.k :]
        self.moving = self.k + 4 + np.flatnonzero(~constant)  # places of the coefficients
        self.standing = self.k + 4 + np.flatnonzero(constant)
        self.z_moving = z[:, ~constant]
        self.z = z[rows.clock.code[rows.course, rows.first_run]][:, constant]
        self.flips = rows.x + flips_at_start
        self.gone = self.flips > 0
        self.p = 4 + self.k + z.shape[1]

    def parameters(self, coefficients: Array) -> tuple[float, float, Some, float]:
        """r, alpha, each row's a, and b."""
        r, alpha, a, b = np.exp(coefficients[:4])
        moved: Some = a
        if self.standing.size:
            moved = a * np.exp(self.z @ coefficients[self.standing])
        return r, alpha, moved, b

    def chances(self, coefficients: Array) -> tuple[Array, Array, Array]:
        """M of each row, that without its last chance, and the speed of each level."""
        if self.rows.chances is None:
            return self.flips, np.maximum(self.flips - 1.0, 0.0), np.ones(1)
        held = self.rows.chances
        speed = np.exp(self.z_moving @ coefficients[self.moving])
        together = np.bincount(
            held.row.astype(np.intp, copy=False), speed[held.level], minlength=len(self.rows)
        ).astype(float)
        last = np.where(self.gone, speed[held.last], 0.0)
        return together, np.maximum(together - last, 0.0), speed

    def readings(self, coefficients: Array) -> tuple[Hand, tuple[Array, Array], tuple[Array, Array]]:
        """The clock's hand, what it shows at the end and at the last purchase, and its derivatives there."""
        rows = self.rows
        hand = Hand.of(rows.clock, self.x, coefficients[4 : 4 + self.k])
        places = rows.at_first, rows.at_end, rows.at_last
        zero, end, last = (hand.at(place) for place in places)
        zeros, ends, lasts = (hand.slopes(place) for place in places)
        return hand, (end - zero, last - zero), (ends - zeros, lasts - zeros)

    def log_odds(self, coefficients: Array) -> Array:
        """Log odds of having dropped out at the last purchase, for each row."""
        r, alpha, a, b = self.parameters(coefficients)
        _, (end, last), _ = self.readings(coefficients)
        fall = np.log1p((end - last) / (alpha + last))
        return np.where(self.gone, self._left(coefficients, a, b)[0] + (r + self.rows.x) * fall, -np.inf)

    def _left(self, coefficients: Array, a: Some, b: float) -> tuple[Array, Stays, Stays]:
        """Log odds of having left at the last chance, with no time after it; φ of all, and of all but it."""
        whole = self.rows.chances is None
        together, before, _ = self.chances(coefficients)
        all_of, but_last = Stays(a, b, together, whole), Stays(a, b, before, whole)
        with np.errstate(divide="ignore"):
            if whole:
                left = np.log(a / np.where(self.gone, b + before, 1.0))
            else:
                left = np.log(np.expm1(np.maximum(but_last.value - all_of.value, 0.0)))
        return left, all_of, but_last

    def values(self, coefficients: Array) -> Array:
        """Log-likelihood of each row."""
        r, alpha, a, b = self.parameters(coefficients)
        _, (end, _), _ = self.readings(coefficients)
        _, all_of, _ = self._left(coefficients, a, b)
        x = self.rows.x
        found = log_rising(r, x)[0] - r * np.log1p(end / alpha) - x * np.log(alpha + end)
        found += all_of.value + softplus(self.log_odds(coefficients))
        return found + self.rows.bought @ coefficients[4 : 4 + self.k]

    def __call__(self, coefficients: Array) -> tuple[float, Array, Array]:
        """Total log-likelihood, gradient and Hessian in the coefficients."""
        rows, weight, k = self.rows, self.rows.weight, self.k
        r, alpha, a, b = self.parameters(coefficients)
        hand, (end, last), slopes = self.readings(coefficients)
        left, all_of, but_last = self._left(coefficients, a, b)
        size, fall = r + rows.x, np.log1p((end - last) / (alpha + last))
        odds = np.where(self.gone, left + size * fall, -np.inf)
        died = expit(odds)
        R, R1, R2 = log_rising(r, rows.x)
        waited = np.log1p(end / alpha)
        value = R - r * waited - rows.x * np.log(alpha + end) + all_of.value + softplus(odds)
        value += rows.bought @ coefficients[4 : 4 + k]
        moved = self._moved(coefficients)
        ours, theirs = (
            self._dropout(each, a, b, m) for each, m in ((all_of, moved[0]), (but_last, moved[1]))
        )
        gap, rest = theirs - ours, self._rest(all_of, but_last)
        steep = np.where(self.gone, 1.0 + rest, 0.0)
        base, mean = self._slopes(r, alpha, (end, last), slopes, ours, steep[:, None] * gap)
        base[:, 0] += r * R1
        gradient = weight @ base + (weight * died) @ mean
        hessian = (mean * (weight * died * (1.0 - died))[:, None]).T @ mean
        hessian -= (gap * (weight * died * rest * steep)[:, None]).T @ gap
        stays = weight * (1.0 - died * steep)
        hessian += self._bending(coefficients, a, b, all_of, moved[0], stays, False)
        hessian += self._bending(coefficients, a, b, but_last, moved[1], weight * died * steep, True)
        hessian += self._purchases(r, alpha, hand, (end, last), slopes, died, (waited, fall))
        hessian[0, 0] += r * (weight @ R1) + r * r * (weight @ R2)
        return float(weight @ value), gradient, hessian

    def _rest(self, all_of: Stays, but_last: Stays) -> Array:
        """1 / (e^Δ − 1), Δ the gap between the two φ: the log odds' slope in it is one more."""
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return np.where(self.gone, 1.0 / np.expm1(but_last.value - all_of.value), 0.0)

    def _slopes(
        self,
        r: float,
        alpha: float,
        readings: tuple[Array, Array],
        slopes: tuple[Array, Array],
        ours: Array,
        left: Array,
    ) -> tuple[Array, Array]:
        """Derivatives of the log-likelihood of staying, without Γ, and of the log odds: shape (rows, p) each.

        `ours` and `left` are those by dropout.
        """
        (end, last), own = readings, slice(4, 4 + self.k)
        size, x = r + self.rows.x, self.rows.x
        near, late = 1.0 / (alpha + end), 1.0 / (alpha + last)
        base, mean = ours.copy(), left.copy()
        base[:, 0], base[:, 1] = -r * np.log1p(end / alpha), alpha * (r * end / alpha - x) * near
        base[:, own] = self.rows.bought - (size * slopes[0] * near).T
        mean[:, 0], mean[:, 1] = r * np.log1p((end - last) * late), alpha * size * (near - late)
        mean[:, own] = (size * (slopes[0] * near - slopes[1] * late)).T
        mean[~self.gone] = 0.0
        return base, mean

    def _moved(self, coefficients: Array) -> tuple[Array, Array]:
        """Derivatives of M, of all chances and of all but the last, in the coefficients that move them."""
        empty = np.zeros((len(self.rows), 0))
        held = self.rows.chances
        if held is None:
            return empty, empty
        speed = np.exp(self.z_moving @ coefficients[self.moving])
        pull = speed[:, None] * self.z_moving
        together: Array = np.column_stack(
            [
                np.bincount(
                    held.row.astype(np.intp, copy=False), column[held.level], minlength=len(self.rows)
                )
                for column in pull.T
            ]
        ).astype(float)
        return together, together - np.where(self.gone[:, None], pull[held.last], 0.0)

    def _dropout(self, stays: Stays, a: Some, b: float, moved: Array) -> Array:
        """Derivatives of φ in all coefficients, shape (rows, p)."""
        found = np.zeros((len(self.rows), self.p))
        found[:, 2], found[:, 3] = a * stays.first["a"], b * stays.first["b"]
        found[:, self.standing] = found[:, 2, None] * self.z
        found[:, self.moving[: moved.shape[1]]] = stays.first["m"][:, None] * moved
        return found

    def _bending(
        self,
        coefficients: Array,
        a: Some,
        b: float,
        stays: Stays,
        moved: Array,
        weight: Array,
        but_last: bool,
    ) -> Array:
        """Σ weight × second derivatives of φ in the coefficients."""
        hessian, place = np.zeros((self.p, self.p)), self.moving[: moved.shape[1]]
        first, second = stays.first, stays.second
        # What moves a, b and m: columns of their log (or plain) derivatives, with the coefficients' places.
        pulls = (
            (
                "a",
                np.r_[2, self.standing],
                np.broadcast_to(a, weight.shape)[:, None] * self._ones_and(self.z),
            ),
            ("b", np.array([3]), np.full((weight.size, 1), b)),
            ("m", place, moved),
        )
        for row, (one, left, pull) in enumerate(pulls):
            for other, right, push in pulls[row:]:
                block = (pull * (weight * second[one, other])[:, None]).T @ push
                hessian[np.ix_(left, right)] += block
                if one != other:
                    hessian[np.ix_(right, left)] += block.T
        own = self._ones_and(self.z)
        a_places = np.r_[2, self.standing]
        hessian[np.ix_(a_places, a_places)] += (own * (weight * a * first["a"])[:, None]).T @ own
        hessian[3, 3] += b * (weight @ first["b"])
        if place.size:
            hessian[np.ix_(place, place)] += self._curved(coefficients, weight * first["m"], but_last)
        return hessian

    def _ones_and(self, table: Array) -> Array:
        return np.column_stack([np.ones(len(table)), table])

    def _curved(self, coefficients: Array, weight: Array, but_last: bool) -> Array:
        """Σ weight × second derivatives of M: each is Σ c z z′ over its chances."""
        held, z = self.rows.chances, self.z_moving
        if held is None:
            return np.zeros((0, 0))
        speed = np.exp(z @ coefficients[self.moving])
        counted = np.bincount(held.level.astype(np.intp, copy=False), weight[held.row], minlength=len(z))
        if but_last:
            counted -= np.bincount(
                held.last[self.gone].astype(np.intp, copy=False), weight[self.gone], minlength=len(z)
            )
        return (z * (counted * speed)[:, None]).T @ z

    def _purchases(
        self,
        r: float,
        alpha: float,
        hand: Hand,
        readings: tuple[Array, Array],
        slopes: tuple[Array, Array],
        died: Array,
        logs: tuple[Array, Array],
    ) -> Array:
        """Second derivatives, by the purchase process, of the logs of both ways, each weighted by its share.

        Either way holds r log α − (r + x) log(α + A), at the end or at the last purchase.
        """
        rows, k = self.rows, self.k
        hessian = np.zeros((self.p, self.p))
        own = slice(4, 4 + k)
        hessian[0, 0] = r * (rows.weight @ (died * logs[1] - logs[0]))
        hessian[0, 1] = r * rows.total  # d/d log α of r log α; what α + A adds follows
        hessian[1, 1] = 0.0
        size = r + rows.x
        ends = rows.at_end, rows.at_last
        for share, reading, slope, points in zip((1.0 - died, died), readings, slopes, ends):
            weight, near = rows.weight * share, 1.0 / (alpha + reading)
            moved = slope * near
            hessian[0, 1] -= r * alpha * (weight @ near)
            hessian[0, own] -= r * (moved @ weight)
            hessian[1, 1] -= alpha * (weight @ (size * near * (1.0 - alpha * near)))
            hessian[1, own] += alpha * (moved @ (weight * size * near))
            hessian[own, own] += (moved * (weight * size)) @ moved.T
            pull = weight * size * near
            hessian[own, own] -= hand.curvature(pull, points) - hand.curvature(pull, rows.at_first)
        return mirrored(hessian)
