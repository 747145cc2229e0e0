"""Integrals over the pieces of time in which customers may have died, and moments of where in them.

Over a piece both clocks are linear, so that in v = log(1 + τ / n), τ being the time since its beginning and n the
time that the nearer clock would have taken from −α or −β to there, the integrand is that of the model without
covariates: log-concave and analytic. Most pieces are short and take three nodes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmlab.models.btyd.paretonbd import NODES, SHORT, reach_and_order
from crmlab.models.btyd.special import gauss_legendre
from crmlab.models.btyd.varying.clock import Hand
from crmlab.models.btyd.varying.pieces import Pieces

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
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
        G: derivatives of log(scale + hand) in the log of scale and in the coefficients are G / (scale + hand),
        those in the coefficients with x added.
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
        cls, pieces: Pieces, hand: Hand, shape: float, scale: float, alive: Array | float, power: Array | float
    ) -> "Side":
        """A side of the pieces."""
        n, groups, group = pieces.level.size, pieces.leader.size, pieces.every[0]
        at, slopes = hand.at(pieces.points), hand.slopes(pieces.points)
        x, zero, zero_slopes = hand.x.T[:, pieces.level], at[n + groups :], slopes[:, n + groups :]
        begin, rest = at[:n] - zero[group], np.empty((1 + len(x), n))
        begin += scale
        rest[0] = scale
        np.subtract(slopes[:, :n], zero_slopes[:, group], out=rest[1:])
        rest[1:] -= x * begin
        over, pull = scale + at[n : n + groups] - zero, np.empty((1 + len(x), groups))
        pull[0], pull[1:] = scale, slopes[:, n : n + groups] - zero_slopes
        pull /= over
        return cls(shape, scale, alive, power, x, hand.speed[pieces.level], begin, rest, over, pull, hand)


    def fall(self, group: Places) -> Array:
        """Log of scale + hand at the end, over that at the beginning of a piece."""
        return np.log(self.over[group] / self.begin)


@dataclass(frozen=True)
class Deaths:
    """Integrals over the pieces of a block.

    Features of a moment are, for purchases, log(scale + hand) and 1 / (scale + hand), then the same for dropout.

    Attributes
    ----------
    log_mass : array, shape (pieces,)
        Log of the integral over a piece, over that of being alive at the end.
    means : array, shape (4, pieces)
        Means of the features in the piece; the logs are over that at the beginning.
    cov : dict of (int, int) to array, shape (pieces,)
        Their covariances, by `PAIRS`.
    """

    log_mass: Array
    means: Array
    cov: dict[tuple[int, int], Array]

    @classmethod
    def of(cls, pieces: Pieces, buy: Side, die: Side, derivatives: bool) -> "Deaths":
        """The integrals, with moments where `derivatives` are asked for."""
        group, _, _, begin, end = pieces.every
        reach, near, order = _ranges(buy, die, end - begin)
        speeds = near * buy.speed / buy.begin, near * die.speed / die.begin
        powers = np.broadcast_to(buy.power, group.shape), np.broadcast_to(die.power, group.shape)
        log_total = np.empty(group.size)
        means, products = np.zeros((4, group.size)), np.zeros((len(PAIRS), group.size))
        for j in np.flatnonzero(np.bincount(order)):
            i = np.flatnonzero(order == j) if (order != j).any() else slice(None)
            given = reach[i], *(each[i] for each in (*speeds, *powers))
            log_total[i], found = _moments(int(NODES[j]), *given, derivatives)
            if derivatives:
                means[:, i], products[:, i] = found
        with np.errstate(divide="ignore"):
            log_mass = np.log(log_total * reach * speeds[1]) + np.log(die.shape)
        for side in (buy, die):
            log_mass += np.broadcast_to(side.alive, side.over.shape)[group] * side.fall(group)
        return cls(log_mass, *_scaled(means, products, buy.begin, die.begin))


def _ranges(buy: Side, die: Side, length: Array) -> tuple[Array, Array, Places]:
    """How far to go in v, the time n of the nearer clock, and which of `NODES` to take, for each piece."""
    times = buy.begin / buy.speed, die.begin / die.speed
    near, powers = np.minimum(*times), np.broadcast_arrays(buy.power, die.power, length)[:2]
    reach = np.log1p(length / near)
    # The most by which the exponent and v can change: where it is little, all of the piece is followed.
    swing = length * (2.0 / near + powers[0] / times[0] + powers[1] / times[1])
    order = np.searchsorted(SHORT, swing)
    long = np.flatnonzero(order == SHORT.size)
    if long.size:
        buying, living, k, m = (each[long] for each in (*times, *powers))
        first, share = buying <= living, near[long] / np.maximum(buying, living)
        slow, fast = np.where(first, k, m) - 1.0, np.where(first, m, k)
        reach[long], order[long] = reach_and_order(slow, fast, share, reach[long])
    return reach, near, order


def _moments(
    size: int, reach: Array, faster: Array, sooner: Array, k: Array, m: Array, derivatives: bool
) -> tuple[Array, tuple[Array, Array]]:
    """∫ over a piece by a rule of `size` nodes, as a share of reach × its beginning, and moments.

    Moments are of log a, 1 − 1/a, log b and 1 − 1/b, with a and b what scale + hand have become, as times what
    they were at the beginning.
    """
    nodes, weights = gauss_legendre(size)
    v = nodes[:, None] * reach
    grown = np.expm1(v)
    features = np.empty((4, *v.shape))
    np.multiply(grown, faster, out=features[1])
    np.multiply(grown, sooner, out=features[3])
    np.log1p(features[1], out=features[0])
    np.log1p(features[3], out=features[2])
    v -= np.multiply(features[0], k, out=grown)
    v -= np.multiply(features[2], m, out=grown)
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


def _scaled(means: Array, products: Array, *begins: Array) -> tuple[Array, dict[tuple[int, int], Array]]:
    """Means and covariances of the features from means and products of what `_moments` takes."""
    cov = {}
    scales = [1.0, -1.0 / begins[0], 1.0, -1.0 / begins[1]]
    for (a, b), each in zip(PAIRS, products):
        each -= means[a] * means[b]
        for scale in (scales[a], scales[b]):
            if np.ndim(scale):
                each *= scale
        cov[a, b] = each
    for row, begin in zip((1, 3), begins):
        means[row] = (1.0 - means[row]) / begin
    return means, cov
