"""The few special functions the customer-base models need, accurate over their whole range."""

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, expit, gammaln, polygamma, psi

Array = npt.NDArray[np.float64]
Some = Array | float  # an array, or one number
TABLE = 1_000_000  # counts up to here are summed exactly; above, log-gamma differences take over
CELLS = 1 << 15  # numbers in one working array: few enough to stay in the processor's cache


def softplus(z: Array) -> Array:
    """log(1 + e^z) without overflow."""
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def log_rising(s: Some, n: Array) -> tuple[Array, Array, Array]:
    """log Γ(s+n) − log Γ(s) with its first and second derivative in s.

    For a scalar s it is the sum of log(s+j), j < n: no cancellation, however large s is.

    Parameters
    ----------
    s : float or array, shape (m,)
        Above 0.
    n : array, shape (m,)
        Whole numbers from 0.

    Returns
    -------
    tuple of three arrays, shape (m,)
    """
    top = int(n.max()) if n.size else 0
    if np.ndim(s) or top > TABLE:
        return log_gamma_ratio(s, n), psi(s + n) - psi(s), polygamma(1, s + n) - polygamma(1, s)
    factors: Array = float(s) + np.arange(top, dtype=np.float64)
    at = n.astype(np.intp)

    def summed(each: Array) -> Array:
        return np.concatenate(([0.0], np.cumsum(each)))[at]

    return summed(np.log(factors)), summed(1.0 / factors), summed(-1.0 / factors**2)


def log_gamma_ratio(s: Some, a: Some) -> Array:
    """log Γ(s+a) − log Γ(s) for s, a above or at 0, by Stirling's series where the two would cancel."""
    z = np.maximum(s, 30.0)
    stirling = (
        (z - 0.5) * np.log1p(a / z) + a * (np.log(z + a) - 1.0) + _stirling_rest(z + a) - _stirling_rest(z)
    )
    return np.where(np.asarray(s) < 30.0, gammaln(s + a) - gammaln(s), stirling)


def _stirling_rest(z: Some) -> Some:
    y = 1.0 / (z * z)
    return (1.0 / 12.0 - y * (1.0 / 360.0 - y * (1.0 / 1260.0 - y / 1680.0))) / z


def log_beta(a: Some, b: Some) -> Array:
    """log B(a, b) without cancellation when one of them is large."""
    small, large = np.minimum(a, b), np.maximum(a, b)
    return gammaln(small) - log_gamma_ratio(large, small)


@cache
def gauss_legendre(n: int) -> tuple[Array, Array]:
    """Nodes and weights of the n-point Gauss–Legendre rule on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return 0.5 * (nodes + 1.0), 0.5 * weights


def panels(count: int, nodes: int = 16) -> tuple[Array, Array]:
    """A Gauss–Legendre rule on [0, 1] made of `count` equal panels."""
    x, w = gauss_legendre(nodes)
    return (((np.arange(count)[:, None] + x) / count).ravel(), np.tile(w / count, count))


def beta_mean(
    function: Callable[[Array, slice], Array],
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    turning: npt.ArrayLike,
    slopes: bool = False,
) -> Array:
    """E[f(p)] for p ~ Beta(a, b), where f is smooth in log p and constant for p far below `turning`.

    Gauss–Legendre in the logit of p, where every integrand of these models is analytic; the mass outside
    the range of nodes is the incomplete beta function.

    Parameters
    ----------
    function : callable
        ``function(p, rows)`` with p of shape (k, nodes) returns an array of that shape, or of shape
        (m, k, nodes) for m functions at once; `rows` is the slice of the broadcast arguments that p belongs
        to.
    a, b, turning : array_like, broadcast to shape (n,)
        Parameters of the Beta distribution; the p at which f starts to bend.
    slopes : bool
        Return the derivatives of the first (or only) function's mean in a and b, too.

    Returns
    -------
    array, shape (n,) or (m, n)
        With `slopes` two rows more: shape (m + 2, n).
    """
    a, b, turning = np.broadcast_arrays(*(np.atleast_1d(np.asarray(each, float)) for each in (a, b, turning)))
    width = np.sqrt(1.0 / a + 1.0 / b)  # of the logit of p, when both are large
    bend = np.log(np.minimum(turning, a / (a + b)))
    low = np.maximum(bend - 37.0 / (1.0 + a) - 12.0 * np.minimum(width, 0.25), -700.0)
    high = np.minimum(np.maximum(np.log(a / b), low) + 40.0 / b + 9.0 * np.minimum(width, 1.0), 39.0)
    high = np.maximum(high, low + 1e-3)
    needed = np.ceil((high - low) / (4.0 * np.minimum(width, 1.0))).astype(int)
    normal = log_beta(a, b)
    parts = []
    for start in range(0, a.size, 64):
        rows = slice(start, start + 64)
        one, other = a[rows, None], b[rows, None]
        x, w = panels(int(needed[rows].max()))
        length = (high - low)[rows, None]
        logit = np.hstack([low[rows, None], low[rows, None] + length * x, high[rows, None]])
        stays = softplus(logit)  # −log(1 − p)
        weight = np.exp(one * logit - (one + other) * stays - normal[rows, None]) * length
        weight[:, 1:-1] *= w
        weight[:, 0] = betainc(a[rows], b[rows], expit(low[rows]))  # all the mass beyond each end
        weight[:, -1] = betainc(b[rows], a[rows], expit(-high[rows]))
        values = function(expit(logit), rows)
        means = (values * weight).sum(-1)
        if slopes:
            first = (values if values.ndim == 2 else values[0]) * weight
            means = np.vstack([means, *_beta_slopes(first, means, logit - stays, -stays, one, other)])
        parts.append(means)
    return np.concatenate(parts, axis=-1)


def _beta_slopes(
    values: Array, means: Array, log_p: Array, log_q: Array, a: Array, b: Array
) -> tuple[Array, Array]:
    """Derivatives in a and b of sums over nodes, by the scores of the density and of the tails' masses.

    Beyond the ends p, or 1 − p, is all but 0, where the mass is p^a / (a B(a, b)).
    """
    log_p[:, 0] -= 1.0 / a[:, 0]
    log_q[:, -1] -= 1.0 / b[:, 0]
    mean, both = np.atleast_2d(means)[0], psi(a + b)[:, 0]
    return (
        (values * log_p).sum(-1) - mean * (psi(a)[:, 0] - both),
        (values * log_q).sum(-1) - mean * (psi(b)[:, 0] - both),
    )


def gamma_mean(
    function: Callable[[Array, slice], Array],
    shape: npt.ArrayLike,
    rate: npt.ArrayLike,
    turning: npt.ArrayLike,
) -> Array:
    """E[f(λ)] for λ ~ Gamma(shape, rate), f in [0, 1], smooth in log λ, falling like λ below `turning`.

    Gauss–Legendre in log λ; what is left out at either end is below 1e-14 of the mean.

    Parameters
    ----------
    function : callable
        ``function(lam, rows)`` with lam of shape (k, nodes) returns an array of that shape; `rows` is the
        slice of the broadcast arguments that lam belongs to.
    shape, rate, turning : array_like, broadcast to shape (n,)

    Returns
    -------
    array, shape (n,)
    """
    shape, rate, turning = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(each, float)) for each in (shape, rate, turning))
    )
    width = np.minimum(1.0 / np.sqrt(shape), 1.0)  # of log λ, when shape is large
    middle = np.log(shape / rate)
    low = np.minimum(middle - 9.0 * width, np.log(np.minimum(turning, (shape + 1.0) / rate)))
    low = low - 34.0 / (shape + 1.0)
    high = np.log((shape + 9.0 * np.sqrt(shape) + 40.0) / rate)
    needed = np.ceil((high - low) / (4.0 * width)).astype(int)
    normal = gammaln(shape) - shape * np.log(rate)
    result = np.empty(shape.size)
    for start in range(0, shape.size, 16):
        rows = slice(start, start + 16)
        x, w = panels(int(needed[rows].max()))
        length = (high - low)[rows, None]
        logs = low[rows, None] + length * x
        lam = np.exp(logs)
        density = np.exp(shape[rows, None] * logs - rate[rows, None] * lam - normal[rows, None])
        result[rows] = (function(lam, rows) * density * w * length).sum(axis=1)
    return result


def discounted_power(rate: npt.ArrayLike, power: npt.ArrayLike) -> Array:
    """∫₀^∞ e^(−rate·v) (1+v)^(−power) dv, the generalised exponential integral e^y E_power(y), y = rate.

    Parameters
    ----------
    rate, power : array_like, broadcast to shape (n,)
        rate above 0; any real power.
    """
    rate, power = np.broadcast_arrays(*(np.asarray(each, float) for each in (rate, power)))
    shape, rate, power = rate.shape, rate.ravel(), power.ravel()
    result = np.empty(rate.size)
    x, w = panels(12)
    for start in range(0, rate.size, 128):
        rows = slice(start, start + 128)
        y, s = rate[rows, None], power[rows, None] - 1.0  # in u = log(1+v): exp(−y(e^u − 1) − s·u)
        peak = np.log(np.maximum(-s / y, 1.0))
        fall = np.log1p((45.0 + np.maximum(-s, 0.0) * 8.0) / y * np.exp(-peak))
        with np.errstate(divide="ignore"):
            end = peak + np.minimum(fall, np.where(s > 0, 45.0 / s, np.inf))
        u = end * x
        result[rows] = (np.exp(-y * np.expm1(u) - s * u) @ w) * end[:, 0]
    return result.reshape(shape)


def chebyshev(count: int) -> Array:
    """Chebyshev points of the first kind in (−1, 1)."""
    return np.cos((2.0 * np.arange(count) + 1.0) * np.pi / (2.0 * count))


def barycentric(nodes: Array, at: Array) -> Array:
    """Weights, shape (points, nodes), of values at Chebyshev points of the first kind in the interpolant.

    Berrut & Trefethen (2004), SIAM Review 46, 501–517, equation 5.3, https://doi.org/10.1137/S0036144502417715.
    """
    k = np.arange(len(nodes))
    own = (-1.0) ** k * np.sin((2.0 * k + 1.0) * np.pi / (2.0 * len(nodes)))
    distance = at[:, None] - nodes
    hit = np.less(np.abs(distance), 1e-14)
    terms = own / np.where(hit, 1.0, distance)
    weights = terms / terms.sum(axis=1, keepdims=True)
    return np.where(np.any(hit, axis=1, keepdims=True), hit, weights)
