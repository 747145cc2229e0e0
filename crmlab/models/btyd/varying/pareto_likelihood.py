"""The likelihood of the Pareto/NBD with covariates that change in time.

A customer buys at rate λ exp(γ′x(t)) and drops out at rate μ exp(δ′z(t)), λ ~ Gamma(r, α), μ ~ Gamma(s, β).
With A(t) and D(t) the clocks that run at exp(γ′x) and exp(δ′z) since the first purchase, a history has
likelihood

    Γ(r + x) / Γ(r) · α^r β^s · Π exp(γ′x(t_j)) · {(α + A(T))^−(r+x) (β + D(T))^−s
        + s ∫ from t_x to T of D′(τ) (α + A(τ))^−(r+x) (β + D(τ))^−(s+1) dτ}.

Within a period both clocks are linear, so that the integral over it is one of the model without covariates.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from crmlab.models.btyd.paretonbd import PAIRS, integrate
from crmlab.models.btyd.special import log_rising, softplus
from crmlab.models.btyd.varying.clock import Hand
from crmlab.models.btyd.varying.pieces import Pieces

Array = npt.NDArray[np.float64]
SLOT = {pair: row for row, pair in enumerate(PAIRS)}


@dataclass(frozen=True)
class Side:
    """One of the two processes, on the pieces of a block: purchases (α, A, γ) or dropout (β, D, δ).

    The log of the integrand holds −`power` log(scale + hand), and that of being alive −`alive` of it at the
    end.

    Attributes
    ----------
    scale : float
    power, alive : arrays, shapes (pieces,) and (groups,), or float
    begin : array, shape (pieces,)
        scale + hand at the beginning of a piece.
    slopes : array, shape (pieces, k)
        Derivatives of `begin` in the coefficients.
    x : array, shape (pieces, k)
    speed : array, shape (pieces,)
    over, over_slopes : arrays, shapes (groups,) and (groups, k)
        scale + hand at the end of observation.
    hand : Hand
    """

    scale: float
    power: Array | float
    alive: Array | float
    begin: Array
    slopes: Array
    x: Array
    speed: Array
    over: Array
    over_slopes: Array
    hand: Hand

    @classmethod
    def of(
        cls, pieces: Pieces, hand: Hand, scale: float, power: Array | float, alive: Array | float
    ) -> "Side":
        """A side of the pieces; `power` of groups is spread over their pieces."""
        group, n, groups = pieces.every[0], pieces.level.size, pieces.leader.size
        at, slopes = hand.at(*pieces.points), hand.slopes(*pieces.points)
        zero, zero_slopes = at[n + groups :], slopes[n + groups :]
        return cls(
            scale,
            power[group] if isinstance(power, np.ndarray) else power,
            alive,
            scale + at[:n] - zero[group],
            slopes[:n] - zero_slopes[group],
            hand.x[pieces.level],
            hand.speed[pieces.level],
            scale + at[n : n + groups] - zero,
            slopes[n : n + groups] - zero_slopes,
            hand,
        )

    @property
    def rest(self) -> Array:
        """G, shape (pieces, k), in: derivatives of the log of (scale + hand) are x + G / (scale + hand)."""
        return self.slopes - self.x * self.begin[:, None]


class VaryingParetoLikelihood:
    """The log-likelihood of a block of rows with its derivatives in the coefficients.

    Coefficients are the logs of r, alpha, s and beta, then those of covariates of purchases and of dropout.

    Parameters
    ----------
    pieces : Pieces
    """

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces
        rows, self.k = pieces.rows, pieces.rows.clock.split
        self.count = np.bincount(
            pieces.group.astype(np.intp, copy=False), rows.weight, minlength=pieces.leader.size
        )  # customers of a group
        self.x = rows.clock.levels[:, : self.k]
        self.z = rows.clock.levels[:, self.k :]

    def sides(self, coefficients: Array) -> tuple[float, float, Side, Side]:
        """r, s, and both processes."""
        r, alpha, s, beta = np.exp(coefficients[:4])
        clock, lead = self.pieces.rows.clock, self.pieces.leader
        bought = Hand.of(clock, self.x, coefficients[4 : 4 + self.k])
        lived = Hand.of(clock, self.z, coefficients[4 + self.k :])
        k = r + self.pieces.rows.x[lead]
        return (
            r,
            s,
            Side.of(self.pieces, bought, alpha, k, k),
            Side.of(self.pieces, lived, beta, s + 1.0, s),
        )

    def log_odds(self, coefficients: Array) -> Array:
        """Log odds of having died before the end, for each row."""
        _, s, buy, die = self.sides(coefficients)
        log_mass, *_ = _masses(self.pieces, s, buy, die, False)
        return self.pieces.summed(log_mass, np.zeros((log_mass.size, 0)))[0]

    def values(self, coefficients: Array) -> Array:
        """Log-likelihood of each row."""
        r, s, buy, die = self.sides(coefficients)
        log_mass, *_ = _masses(self.pieces, s, buy, die, False)
        odds = self.pieces.summed(log_mass, np.zeros((log_mass.size, 0)))[0]
        return (
            self._alive(coefficients, r, s, buy, die)[self.pieces.group]
            + softplus(odds)
            + self._bought(coefficients)
        )

    def _bought(self, coefficients: Array) -> Array:
        return self.pieces.rows.bought @ coefficients[4 : 4 + self.k]

    def _alive(self, coefficients: Array, r: float, s: float, buy: Side, die: Side) -> Array:
        """Log-likelihood of each group's being alive, without the covariates at its purchases."""
        x = self.pieces.rows.x[self.pieces.leader]
        q, p = (buy.over - buy.scale) / buy.scale, (die.over - die.scale) / die.scale
        return log_rising(r, x)[0] - r * np.log1p(q) - x * np.log(buy.over) - s * np.log1p(p)

    def __call__(self, coefficients: Array) -> tuple[float, Array, Array]:
        """Total log-likelihood, gradient and Hessian in the coefficients."""
        pieces, weight = self.pieces, self.pieces.rows.weight
        r, s, buy, die = self.sides(coefficients)
        log_mass, means, squares, cov = _masses(pieces, s, buy, die, True)
        slopes = _slopes(pieces, r, s, buy, die, means)
        odds, own, mean, ratio = pieces.summed(log_mass, slopes)
        died = expit(odds)
        alive = self._alive(coefficients, r, s, buy, die)[pieces.group]
        value = weight @ (alive + softplus(odds) + self._bought(coefficients))
        share = pieces.spread(weight * died, own, ratio)
        base, curve = self._base(r, s, buy, die)
        gradient = base + (weight * died) @ mean
        hessian = curve + (slopes * share[:, None]).T @ slopes
        hessian -= (mean * (weight * died**2)[:, None]).T @ mean
        hessian += _spreading(r, s, buy, die, share, cov)
        hessian += self._bending(r, s, buy, die, share, means, squares)
        return float(value), gradient, hessian

    def _base(self, r: float, s: float, buy: Side, die: Side) -> tuple[Array, Array]:
        """Gradient and Hessian of the log-likelihood of being alive, over all rows."""
        pieces, rows, k = self.pieces, self.pieces.rows, self.k
        count, x = self.count, rows.x[pieces.leader]
        _, R1, R2 = log_rising(r, x)
        p = 4 + k + die.x.shape[1]
        gradient, hessian = np.zeros(p), np.zeros((p, p))
        places = ((0, 1, slice(4, 4 + k), r, x, buy), (2, 3, slice(4 + k, p), s, 0.0, die))
        for shape, scale, slopes, size, more, side in places:
            q, near = (side.over - side.scale) / side.scale, 1.0 / side.over
            moved = side.over_slopes * near[:, None]
            gradient[shape] = size * (count @ -np.log1p(q))
            gradient[scale] = side.scale * (count @ ((size * q - more) * near))
            gradient[slopes] = -(count * (size + more)) @ moved
            hessian[shape, shape] = gradient[shape]
            hessian[shape, scale] = size * side.scale * (count @ (q * near))
            hessian[shape, slopes] = -size * (count @ moved)
            hessian[scale, scale] = gradient[scale] + side.scale**2 * (
                count @ ((more - size * q * (q + 2.0)) * near**2)
            )
            hessian[scale, slopes] = side.scale * ((count * (size + more) * near) @ moved)
            hessian[slopes, slopes] = (moved * (count * (size + more))[:, None]).T @ moved
        gradient[0] += r * (count @ R1)
        hessian[0, 0] += r * (count @ R1) + r * r * (count @ R2)
        gradient[4 : 4 + k] += rows.weight @ rows.bought
        return gradient, mirrored(hessian)

    def _bending(
        self, r: float, s: float, buy: Side, die: Side, share: Array, means: Array, squares: Array
    ) -> Array:
        """Σ share × mean second derivatives of the log of the integrand over that of being alive.

        With them come those of the hands in the log-likelihood of being alive, which `_base` leaves out.
        """
        k, pieces = self.k, self.pieces
        group, p = pieces.every[0], 4 + self.k + die.x.shape[1]
        hessian = np.zeros((p, p))
        total = np.bincount(group.astype(np.intp, copy=False), share, minlength=pieces.leader.size)
        for shape, scale, slopes, size, side, log, near, square in (
            (0, 1, slice(4, 4 + k), r, buy, means[0], means[2], squares[0]),
            (2, 3, slice(4 + k, p), s, die, means[1], means[3], squares[1]),
        ):
            over = 1.0 / side.over
            moved = side.over_slopes * over[:, None]
            rest, weight = side.rest, share * side.power
            there = side.x + rest * near[:, None]  # mean derivatives of log(scale + hand)
            squared = side.x * near[:, None] + rest * square[:, None]
            ends = total * side.alive
            hessian[shape, shape] = size * (share @ log)
            hessian[shape, scale] = size * side.scale * (total @ over - share @ near)
            hessian[shape, slopes] = size * (total @ moved - share @ there)
            hessian[scale, scale] = side.scale * (ends @ over - weight @ near) + side.scale**2 * (
                weight @ square - ends @ over**2
            )
            hessian[scale, slopes] = side.scale * (weight @ squared - (ends * over) @ moved)
            cross = (side.x * (weight * near)[:, None]).T @ rest
            block = cross + cross.T + (rest * (weight * square)[:, None]).T @ rest
            block += (side.x * (weight * near * side.begin)[:, None]).T @ side.x
            block -= (moved * ends[:, None]).T @ moved
            at_end = (total - self.count) * side.alive * over
            at_piece = np.bincount(group.astype(np.intp, copy=False), weight * near, minlength=at_end.size)
            curved = np.r_[-weight * near, at_end, at_piece - at_end]
            hessian[slopes, slopes] = block + side.hand.curvature(curved, *pieces.points)
        return mirrored(hessian)


def mirrored(upper: Array) -> Array:
    """A symmetric matrix from its upper triangle."""
    return np.triu(upper) + np.triu(upper, 1).T


def _masses(
    pieces: Pieces, s: float, buy: Side, die: Side, derivatives: bool
) -> tuple[Array, Array, Array, Array]:
    """Log of the integral over each piece, over that of being alive, and moments of its integrand.

    Returns
    -------
    log_mass : array, shape (pieces,)
    means : array, shape (4, pieces)
        Of log((α + A(T)) / (α + A)), log((β + D(T)) / (β + D)), 1/(α + A) and 1/(β + D).
    squares : array, shape (2, pieces)
        Mean squares of the last two.
    cov : array, shape (10, pieces)
        Covariances of the four, in the order of `PAIRS`.
    """
    group, _, _, begin, end = pieces.every
    near = buy.begin / buy.speed, die.begin / die.speed
    fall = np.log(buy.over[group] / buy.begin), np.log(die.over[group] / die.begin)
    first = near[0] <= near[1]
    slow = np.where(first, buy.power - 1.0, s)
    fast = np.where(first, s + 1.0, buy.power)
    share = np.where(first, near[0] / near[1], near[1] / near[0])
    length = np.log1p((end - begin) / np.minimum(*near))
    total, raw, products = integrate(slow, fast, share, length, derivatives)
    with np.errstate(divide="ignore"):
        log_mass = np.log(s) + buy.power * fall[0] + s * fall[1] + np.log(total)
        log_mass += np.where(first, np.log(near[0] / near[1]), 0.0)
    if not derivatives:
        return log_mass, raw, raw, products
    swap = (1, 0, 3, 2)
    found = np.where(first, raw, raw[list(swap)])
    both = np.where(
        first, products, products[[SLOT[min(swap[a], swap[b]), max(swap[a], swap[b])] for a, b in PAIRS]]
    )
    size = np.stack([-np.ones(group.size), -np.ones(group.size), 1.0 / buy.begin, 1.0 / die.begin])
    cov = np.stack([(both[SLOT[a, b]] - found[a] * found[b]) * size[a] * size[b] for a, b in PAIRS])
    squares = np.stack([both[SLOT[2, 2]] * size[2] ** 2, both[SLOT[3, 3]] * size[3] ** 2])
    means = np.stack([fall[0] - found[0], fall[1] - found[1], found[2] * size[2], found[3] * size[3]])
    empty = length == 0
    means[:, empty], squares[:, empty] = 0.0, 0.0
    return log_mass, means, squares, cov


def _slopes(pieces: Pieces, r: float, s: float, buy: Side, die: Side, means: Array) -> Array:
    """Derivatives of the log of the integral over each piece in the coefficients, shape (pieces, p)."""
    group = pieces.every[0]
    ends = 1.0 / buy.over[group], 1.0 / die.over[group]
    columns = [
        r * means[0],
        buy.scale * buy.power * (ends[0] - means[2]),
        1.0 + s * means[1],
        die.scale * (s * ends[1] - die.power * means[3]),
    ]
    bought = buy.over_slopes[group] * ends[0][:, None] - buy.x - buy.rest * means[2][:, None]
    lived = s * die.over_slopes[group] * ends[1][:, None] + die.x
    lived -= die.power * (die.x + die.rest * means[3][:, None])
    return np.column_stack([*columns, bought * np.reshape(buy.power, (-1, 1)), lived])


def _spreading(r: float, s: float, buy: Side, die: Side, share: Array, cov: Array) -> Array:
    """Σ share × covariance, within a piece, of the derivatives of the log of the integrand.

    Each derivative is a constant and a multiple of one of the four features of `_masses`.
    """
    k, p = buy.x.shape[1], 4 + buy.x.shape[1] + die.x.shape[1]
    n = share.size
    multiples = (
        ([0], np.full((n, 1), r)),
        ([2], np.full((n, 1), s)),
        (
            [1, *range(4, 4 + k)],
            np.column_stack([np.full(n, buy.scale), buy.rest]) * -np.reshape(buy.power, (-1, 1)),
        ),
        ([3, *range(4 + k, p)], np.column_stack([np.full(n, die.scale), die.rest]) * -die.power),
    )
    hessian = np.zeros((p, p))
    for row, (a, b) in enumerate(PAIRS):
        (left, one), (right, other) = multiples[a], multiples[b]
        block = (one * (share * cov[row])[:, None]).T @ other
        hessian[np.ix_(left, right)] += block
        if a != b:
            hessian[np.ix_(right, left)] += block.T
    return hessian
