"""The likelihood of the Pareto/NBD with covariates that change in time.

A customer buys at rate λ exp(γ′x(t)) and drops out at rate μ exp(δ′z(t)), λ ~ Gamma(r, α), μ ~ Gamma(s, β).
With A(t) and D(t) the clocks that run at exp(γ′x) and exp(δ′z) since the first purchase, a history has
likelihood

    Γ(r + x) / Γ(r) · α^r β^s · Π exp(γ′x(t_j)) · {(α + A(T))^−(r+x) (β + D(T))^−s
        + s ∫ from t_x to T of D′(τ) (α + A(τ))^−(r+x) (β + D(τ))^−(s+1) dτ}.

Within a period both clocks are linear, so that the integral over it is one of the model without covariates.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from crmlab.models.btyd.special import log_rising, softplus
from crmlab.models.btyd.varying.deaths import PAIRS, Deaths, Side
from crmlab.models.btyd.varying.pieces import Pieces

Array = npt.NDArray[np.float64]


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
        group = pieces.group.astype(np.intp, copy=False)
        self.count = np.bincount(group, rows.weight, minlength=pieces.leader.size)  # customers of a group
        self.dials = pieces.on_side(slice(0, self.k)), pieces.on_side(slice(self.k, None))
        cut, p = 4 + self.k, 4 + rows.clock.levels.shape[1]
        # Coefficients of purchases, then of dropout: the order in which derivatives are worked out.
        self.order = np.r_[0, 1, 4:cut, 2, 3, cut:p].astype(np.intp)
        self.parts = slice(0, 2 + self.k), slice(2 + self.k, p)

    def sides(self, coefficients: Array) -> tuple[Side, Side]:
        """Both processes."""
        r, alpha, s, beta = np.exp(coefficients[:4])
        pieces, cut = self.pieces, 4 + self.k
        k = r + pieces.rows.x[pieces.leader]
        power = k[pieces.every[0]]
        return (
            Side.of(pieces, self.dials[0], coefficients[4:cut], r, alpha, k, power),
            Side.of(pieces, self.dials[1], coefficients[cut:], s, beta, s, s + 1.0),
        )

    def log_odds(self, coefficients: Array) -> Array:
        """Log odds of having died before the end, for each row."""
        return self._log_odds(*self.sides(coefficients))

    def _log_odds(self, buy: Side, die: Side) -> Array:
        log_mass = Deaths.of(self.pieces, buy, die, False).log_mass
        return self.pieces.summed(log_mass, np.zeros((0, log_mass.size))).log_total

    def values(self, coefficients: Array) -> Array:
        """Log-likelihood of each row."""
        buy, die = self.sides(coefficients)
        alive = self._alive(buy, die)[self.pieces.group]
        return alive + softplus(self._log_odds(buy, die)) + self._bought(coefficients)

    def _bought(self, coefficients: Array) -> Array:
        return self.pieces.rows.bought @ coefficients[4 : 4 + self.k]

    def _alive(self, buy: Side, die: Side) -> Array:
        """Log-likelihood of each group's being alive, without the covariates at its purchases."""
        x = self.pieces.rows.x[self.pieces.leader]
        q, p = ((side.over - side.scale) / side.scale for side in (buy, die))
        found = log_rising(buy.shape, x)[0] - buy.shape * np.log1p(q) - x * np.log(buy.over)
        return found - die.shape * np.log1p(p)

    def __call__(self, coefficients: Array) -> tuple[float, Array, Array]:
        """Total log-likelihood, gradient and Hessian in the coefficients."""
        pieces, weight = self.pieces, self.pieces.rows.weight
        sides = self.sides(coefficients)
        deaths = Deaths.of(pieces, *sides, True)
        slopes = np.empty((self.order.size, deaths.log_mass.size))
        logs = [self._first(side, deaths, row, slopes[part]) for side, part, row in self._both(*sides)]
        slopes[self.parts[1].start] += 1.0  # s and the speed of dropout stand before the integral
        slopes[self.parts[1].start + 2 :] += sides[1].x
        sums = pieces.summed(deaths.log_mass, slopes)
        died = expit(sums.log_total)
        alive = self._alive(*sides)[pieces.group]
        value = weight @ (alive + softplus(sums.log_total) + self._bought(coefficients))
        share = pieces.spread(weight * died, sums)
        gradient, hessian = self._base(*sides)
        gradient += sums.mean @ (weight * died)
        hessian += (slopes * share) @ slopes.T
        hessian -= (sums.mean * (weight * died**2)) @ sums.mean.T
        hessian += self._spreading(*sides, share, deaths)
        for (side, part, row), log in zip(self._both(*sides), logs):
            hessian[part, part] += self._bending(side, share, deaths, row, log)
        back = np.argsort(self.order)
        return float(value), gradient[back], hessian[np.ix_(back, back)]

    def _both(self, buy: Side, die: Side) -> tuple[tuple[Side, slice, int], tuple[Side, slice, int]]:
        """Each side, where its coefficients stand, and its first feature of `Deaths`."""
        return (buy, self.parts[0], 0), (die, self.parts[1], 2)

    def _first(self, side: Side, deaths: Deaths, row: int, found: Array) -> Array:
        """Mean derivatives in each piece of the log of the integrand over that of being alive, into `found`.

        Returns
        -------
        array, shape (1 + k, pieces)
            Mean derivatives of log(scale + hand).
        """
        group = self.pieces.every[0]
        np.subtract(side.fall(group), deaths.means[row], out=found[0])
        found[0] *= side.shape
        log = side.rest * deaths.means[row + 1]
        log[1:] += side.x
        np.subtract((side.alive * side.pull).take(group, axis=1), side.power * log, out=found[1:])
        return log

    def _base(self, buy: Side, die: Side) -> tuple[Array, Array]:
        """Gradient and Hessian of the log-likelihood of being alive, but for the bending of the clocks."""
        rows, count = self.pieces.rows, self.count
        x = rows.x[self.pieces.leader]
        _, R1, R2 = log_rising(buy.shape, x)
        p = self.order.size
        gradient, hessian = np.zeros(p), np.zeros((p, p))
        for part, side, more in zip(self.parts, (buy, die), (x, np.zeros_like(x))):
            first, second = gradient[part], hessian[part, part]
            grown, each = (side.over - side.scale) / side.over, count * (side.shape + more)
            first[0] = -side.shape * (count @ np.log1p((side.over - side.scale) / side.scale))
            first[1] = side.shape * (count @ grown) - (count * more) @ side.pull[0]
            first[2:] = -side.pull[1:] @ each
            second[0, 0] = first[0]
            second[0, 1] = side.shape * (count @ grown)
            second[0, 2:] = -side.shape * (side.pull[1:] @ count)
            second[1:, 0] = second[0, 1:]
            second[1:, 1:] = (side.pull * each) @ side.pull.T
            second[1, 1] = -(each @ (side.pull[0] * grown))
        rise = buy.shape * (count @ R1)
        gradient[0] += rise
        hessian[0, 0] += rise + buy.shape**2 * (count @ R2)
        gradient[2 : 2 + self.k] += rows.weight @ rows.bought
        return gradient, hessian

    def _bending(self, side: Side, share: Array, deaths: Deaths, row: int, log: Array) -> Array:
        """Σ share × mean second derivatives of the log of the integrand, in the coefficients of one side.

        Left out is what `_spreading` adds: derivatives of log(scale + hand) spread about their mean `log`.
        """
        group, end = self.pieces.every[0], side.pull
        total = np.bincount(group.astype(np.intp, copy=False), share, minlength=self.count.size)
        ended, weighted = total * side.alive, share * side.power
        found = np.zeros((len(end) + 1, len(end) + 1))
        found[0, 0] = side.shape * (share @ (side.fall(group) - deaths.means[row]))
        found[0, 1:] = found[1:, 0] = side.shape * (end @ total - log @ share)
        found[1:, 1:] = (log * weighted) @ log.T - (end * ended) @ end.T
        found[1, 1] += end[0] @ ended - log[0] @ weighted
        near = weighted * deaths.means[row + 1]
        at_end = (ended - self.count * side.alive) / side.over
        at_first = np.bincount(group.astype(np.intp, copy=False), near, minlength=at_end.size) - at_end
        found[2:, 2:] += side.hand.curvature(np.r_[-near, at_end, at_first], self.dials[row // 2].points)
        found[2:, 2:] -= (side.x * (weighted - near * side.begin)) @ side.x.T
        return found

    def _spreading(self, buy: Side, die: Side, share: Array, deaths: Deaths) -> Array:
        """Σ share × covariance, within a piece, of derivatives of the log of the integrand.

        They are linear in the features of `Deaths`. With it comes power × that of derivatives of log(scale +
        hand), the rest of their second derivatives.
        """
        found = np.zeros((self.order.size, self.order.size))
        multiples = []
        for side, part, _ in self._both(buy, die):
            multiples.append((slice(part.start, part.start + 1), np.full((1, share.size), side.shape)))
            multiples.append((slice(part.start + 1, part.stop), side.rest * (-side.power / side.begin)))
        for (a, b), cov in zip(PAIRS, deaths.cov):
            (left, one), (right, other) = multiples[a], multiples[b]
            weight = share * cov
            if a == b and a % 2:
                weight *= 1.0 + 1.0 / (buy if a == 1 else die).power
            found[left, right] = (one * weight) @ other.T
        return mirrored(found)


def mirrored(upper: Array) -> Array:
    """A symmetric matrix from its upper triangle."""
    return np.triu(upper) + np.triu(upper, 1).T
