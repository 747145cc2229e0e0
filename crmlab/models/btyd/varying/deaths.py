"""Integrals over the pieces of time in which customers may have died, and moments of where in them.

Over a piece both clocks are linear, so that in v = log(1 + τ / n), τ being the time since its beginning and n
the time that the nearer clock would have taken from −α or −β to there, the integrand is that of the model
without covariates: log-concave and analytic. Most pieces are short and take three nodes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmlab.models.btyd.paretonbd import NODES, SHORT, reach_and_order
from crmlab.models.btyd.special import gauss_legendre
from crmlab.models.btyd.varying.clock import Hand
from crmlab.models.btyd.varying.pieces import Dial, Pieces

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Pair = tuple[Array, Array]
PAIRS = [(a, b) for a in range(4) for b in range(a, 4)]  # of the features in `Deaths`


@dataclass(frozen=True)
class Side:
    """One of the two processes, on the pieces of a block: purchases (r, α, γ) or dropout (s, β, δ).

    The log of the integrand over that of being alive holds `alive` log(scale + hand) of the end, less `power`
    log(scale + hand) of the moment.

    Attributes
    ----------
    shape, scale : float
    alive, power : arrays, shapes (groups,) and (pieces,), or floats
    x : array, shape (k, pieces)
    speed, begin : arrays, shape (pieces,)
        Of the hand; scale + hand at the beginning of a piece.
    rest : array, shape (1 + k, pieces)
        G: derivatives of log(scale + hand) in the log of scale and in the coefficients are
        G / (scale + hand), those in the coefficients with x added.
    over : array, shape (groups,)
        scale + hand at the end of observation.
    pull : array, shape (1 + k, groups)
        Derivatives of its log.
    hand : Hand
    """

    shape: float
    scale: float
    alive: Array | float
    power: Array | float
    x: Array
    speed: Array
    begin: Array
    rest: Array
    over: Array
    pull: Array
    hand: Hand

    @classmethod
    def of(
        cls,
        pieces: Pieces,
        dial: Dial,
        coefficients: Array,
        shape: float,
        scale: float,
        alive: Array | float,
        power: Array | float,
    ) -> "Side":
        """A side of the pieces, at given coefficients of its covariates."""
        n, groups, group, x = dial.x.shape[1], pieces.leader.size, pieces.every[0], dial.x
        hand = Hand.of(dial.clock, dial.clock.levels, coefficients)
        at, slopes = hand.at(dial.points), hand.slopes(dial.points)
        zero, zero_slopes = at[n + groups :], slopes[:, n + groups :]
        begin, rest = at[:n] - zero[group], np.empty((1 + len(x), n))
        begin += scale
        rest[0] = scale
        np.subtract(slopes[:, :n], zero_slopes.take(group, axis=1), out=rest[1:])
        rest[1:] -= x * begin
        over, pull = scale + at[n : n + groups] - zero, np.empty((1 + len(x), groups))
        pull[0], pull[1:] = scale, slopes[:, n : n + groups] - zero_slopes
        pull /= over
        speed = hand.speed[dial.points.level[:n]]
        return cls(shape, scale, alive, power, x, speed, begin, rest, over, pull, hand)

    def fall(self, group: Places) -> Array:
        """Log of scale + hand at the end, over that at the beginning of a piece."""
        return np.log(self.over[group] / self.begin)


@dataclass(frozen=True)
class Deaths:
    """Integrals over the pieces of a block.

    Features of a moment are log(scale + hand) and 1 / (scale + hand) of purchases, then of dropout.

    Attributes
    ----------
    log_mass : array, shape (pieces,)
        Log of the integral over a piece, over that of being alive at the end.
    means : array, shape (4, pieces)
        Means of the features in the piece; the logs are over that at the beginning.
    cov : array, shape (10, pieces)
        Covariances, by `PAIRS`; the reciprocals are times −(scale + hand) at the beginning.
    """

    log_mass: Array
    means: Array
    cov: Array

    @classmethod
    def of(cls, pieces: Pieces, buy: Side, die: Side, derivatives: bool) -> "Deaths":
        """The integrals, with moments where `derivatives` are asked for."""
        group, _, _, begin, end = pieces.every
        reach, near, order = _ranges(buy, die, end - begin)
        speeds = near * buy.speed / buy.begin, near * die.speed / die.begin
        powers = np.broadcast_to(buy.power, group.shape), np.broadcast_to(die.power, group.shape)
        log_total, means, products = _integrated(reach, order, speeds, powers, derivatives)
        with np.errstate(divide="ignore"):
            log_mass = np.log(log_total * reach * speeds[1]) + np.log(die.shape)
        for side in (buy, die):
            log_mass += np.broadcast_to(side.alive, side.over.shape)[group] * side.fall(group)
        for row, (a, b) in zip(products, PAIRS):
            row -= means[a] * means[b]
        for row, side in zip(means[1::2], (buy, die)):
            np.divide(1.0 - row, side.begin, out=row)
        return cls(log_mass, means, products)


def _ranges(buy: Side, die: Side, length: Array) -> tuple[Array, Array, Places]:
    """How far to go in v, the time n of the nearer clock, and which of `NODES` to take, for each piece."""
    times = buy.begin / buy.speed, die.begin / die.speed
    near, powers = np.minimum(*times), np.broadcast_arrays(buy.power, die.power, length)[:2]
    reach = np.log1p(length / near)
    # The most by which the exponent and v can change: where it is little, all of the piece is followed.
    swing = length * (2.0 / near + powers[0] / times[0] + powers[1] / times[1])
    order = np.searchsorted(SHORT, swing)
    long = np.flatnonzero(order == SHORT.size)
    order[:] = order[order < SHORT.size].max(initial=0)  # one rule for all short ones: they stay together
    if long.size:
        buying, living, k, m = (each[long] for each in (*times, *powers))
        first, share = buying <= living, near[long] / np.maximum(buying, living)
        slow, fast = np.where(first, k, m) - 1.0, np.where(first, m, k)
        reach[long], order[long] = reach_and_order(slow, fast, share, reach[long])
    return reach, near, order


def _integrated(
    reach: Array, order: Places, speeds: Pair, powers: Pair, derivatives: bool
) -> tuple[Array, Array, Array]:
    """`_moments` of all pieces, each by the rule of its `order`; zeros where `derivatives` are not wanted."""
    n = reach.size
    total, means, products = np.empty(n), np.zeros((4, n)), np.zeros((len(PAIRS), n))
    for j in np.flatnonzero(np.bincount(order.astype(np.intp, copy=False))):
        i: Places | slice = np.flatnonzero(order == j) if (order != j).any() else slice(None)
        fast, steep = (speeds[0][i], speeds[1][i]), (powers[0][i], powers[1][i])
        total[i], found = _moments(int(NODES[j]), reach[i], fast, steep, derivatives)
        if derivatives and isinstance(i, slice):
            means, products = found  # as they stand: copying costs as much as finding them
        elif derivatives:
            means[:, i], products[:, i] = found
    return total, means, products


def _moments(size: int, reach: Array, speeds: Pair, powers: Pair, derivatives: bool) -> tuple[Array, Pair]:
    """∫ over a piece by a rule of `size` nodes, as a share of reach × its beginning, and moments.

    Moments are of log a, 1 − 1/a, log b and 1 − 1/b, with a and b what scale + hand have become, as times
    what they were at the beginning: means, shape (4, n), and mean products, shape (10, n), by `PAIRS`.
    """
    nodes, weights = gauss_legendre(size)
    v = nodes[:, None] * reach
    grown = np.expm1(v)
    features = np.empty((4, *v.shape))
    np.multiply(grown, speeds[0], out=features[1])
    np.multiply(grown, speeds[1], out=features[3])
    np.log1p(features[1], out=features[0])
    np.log1p(features[3], out=features[2])
    v -= np.multiply(features[0], powers[0], out=grown)
    v -= np.multiply(features[2], powers[1], out=grown)
    density = np.exp(v, out=v)
    density *= weights[:, None]
    total = density.sum(axis=0)
    if not derivatives:
        return total, (total, total)
    density /= total
    for each in features[1::2]:
        each /= np.add(each, 1.0, out=grown)
    weighted = features * density
    products = np.empty((len(PAIRS), reach.size))
    for row, (a, b) in enumerate(PAIRS):
        np.multiply(weighted[a], features[b], out=grown).sum(axis=0, out=products[row])
    return total, (weighted.sum(axis=1), products)
