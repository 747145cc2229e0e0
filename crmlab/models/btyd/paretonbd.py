"""Pareto/NBD: purchases are Poisson until an unobserved exponential lifetime ends.

A customer buys at rate λ ~ Gamma(r, α) and drops out at rate μ ~ Gamma(s, β). The likelihood adds two ways
to have bought x times with the last at t_x: being alive at T, and having died at some τ in (t_x, T). The
second is an integral that is usually written with hypergeometric functions, which lose all digits when α
and β differ much. Here it is integrated in u = log(τ + min(α, β)), where the integrand is log-concave and
analytic, so a few Gauss–Legendre nodes give twelve digits for any parameters, and its derivatives come with
it.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import expit, exprel, gammaln

from crmlab.mechanisms import purchases
from crmlab.models.btyd.arguments import over_unique
from crmlab.models.btyd.histories import HistoryModel
from crmlab.models.btyd.special import CELLS, discounted_power, gauss_legendre, log_rising, panels, softplus
from crmlab.words import words

Array = npt.NDArray[np.float64]
Some = Array | float  # one number a row, or one for all
NODES = np.array([3, 4, 5, 8, 12, 16, 24, 32, 48, 64])
SHORT = np.array([0.1, 0.2, 0.5])  # up to these changes of v and the exponent 3, 4 and 5 nodes are enough
TAIL = 40.0  # the integral stops where the integrand has fallen by e^−40


class ParetoNBD(HistoryModel):
    """The Pareto/NBD model.

    Parameters r and alpha (in the unit of time) describe purchase rates, Gamma(r, alpha); s and beta (in
    the unit of time) dropout rates, Gamma(s, beta). Covariates multiply rates: a customer's alpha is
    alpha·exp(−γ′z), and beta likewise for dropout.

    References
    ----------
    Schmittlein, D. C., Morrison, D. G. & Colombo, R. (1987). Counting your customers:
    who are they and what will they do next? Management Science 33, 1–24.
    https://doi.org/10.1287/mnsc.33.1.1

    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). RFM and CLV: using iso-value curves for customer base
    analysis. Journal of Marketing Research 42, 415–430. https://doi.org/10.1509/jmkr.2005.42.4.415
    """

    name = "Pareto/NBD"
    parameter_names = ("r", "alpha", "s", "beta")
    time_parameters = ("alpha", "beta")
    weak_prior = {"r": (1.0, 1.5), "s": (1.0, 1.5), "beta": (1.0, 2.0)}
    penalised_together = True
    dropout_parameter = 3
    dropout_sign = -1.0
    _simulator = staticmethod(purchases.pareto_nbd)

    def _terms(self, columns, r, alpha, s, beta):
        """Log-likelihood of each row, base + log(1 + odds of having died), with its derivatives."""
        x, _t_x, T = columns
        odds, z1, z2 = log_odds_with_slopes(columns, r, alpha, s, beta)
        died = expit(odds)
        q = died * (1.0 - died)
        R, R1, R2 = log_rising(r, x)
        A, B = 1.0 / (alpha + T), 1.0 / (beta + T)
        bought, lived = np.log1p(T / alpha), np.log1p(T / beta)
        value = R - r * bought - x * np.log(alpha + T) - s * lived + softplus(odds)
        first = [R1 - bought, (r * T / alpha - x) * A, -lived, s * T / beta * B]
        first = [base + died * z for base, z in zip(first, z1)]
        base = {
            (0, 0): R2,
            (0, 1): T / alpha * A,
            (1, 1): (x - r * T / alpha * (T / alpha + 2.0)) * A**2,
            (2, 3): T / beta * B,
            (3, 3): -s * T / beta * (T / beta + 2.0) * B**2,
        }
        second = {(j, l): base.get((j, l), 0.0) + died * z + q * z1[j] * z1[l] for (j, l), z in z2.items()}
        return value, first, second

    def _starts(self, rows):
        x, _, T = rows.columns
        observed = rows.weighted(T) / rows.total
        rate = rows.weighted(x) / rows.weighted(T)
        return [
            (r, r / (faster * rate), 0.5, 0.5 * slower * observed)
            for r in (0.4, 2.0)
            for faster in (1.3, 2.5)  # some of T is spent inactive
            for slower in (0.3, 2.0)
        ]

    def _alive(self, columns, *parameters):
        return expit(-log_odds(columns, *parameters))

    def _expected(self, t, r, alpha, s, beta):
        """Schmittlein, Morrison & Colombo (1987), equation 17, written so that s = 1 is no exception."""
        longer = np.log1p(t / beta)
        return r * beta / alpha * longer * exprel(-(s - 1.0) * longer)

    def _stays(self, t, columns, r, alpha, s, beta):
        _, _, T = columns
        return np.exp(-s * np.log1p(t / (beta + T)))

    def _conditional(self, t, columns, r, alpha, s, beta):
        x, _, T = columns
        return self._alive(columns, r, alpha, s, beta) * self._expected(t, r + x, alpha + T, s, beta + T)

    def _residual(self, rate, columns, r, alpha, s, beta):
        """Fader, Hardie & Lee (2005), "RFM and CLV": discounted expected transactions after T."""
        x, _, T = columns
        later = (beta + T) * over_unique(discounted_power, rate * (beta + T), s)
        return self._alive(columns, r, alpha, s, beta) * (r + x) / (alpha + T) * later

    def _of_n(self, n, t, r, alpha, s, beta):
        with np.errstate(divide="ignore", invalid="ignore"):
            powers = np.where(n > 0, n * np.log(t / (alpha + t)), 0.0)
        ways = gammaln(r + n) - gammaln(r) - gammaln(n + 1.0)
        alive = np.exp(ways - r * np.log1p(t / alpha) + powers - s * np.log1p(t / beta))
        return alive + np.where(t > 0, _dying_within(n, t, ways, r, alpha, s, beta), 0.0)

    def _story(self):
        r, alpha, s, beta = self._values()
        with np.errstate(over="ignore"):
            median = beta * np.expm1(np.log(2.0) / s)
        return [words("btyd.paretonbd", rate=r / alpha, gap=alpha / r, median=median)]


def log_odds(columns: tuple[Array, ...], r: Some, alpha: Some, s: Some, beta: Some) -> Array:
    """Log odds of having died before T rather than being alive, for each row.

    odds = s ∫ from t_x to T of ((α+T)/(α+τ))^(r+x) ((β+T)/(β+τ))^s dτ/(β+τ).

    Returns
    -------
    array, shape (n,)
        −inf where t_x equals T.
    """
    return _log_odds(columns, r, alpha, s, beta, derivatives=False)[0]


def log_odds_with_slopes(
    columns: tuple[Array, ...], r: Some, alpha: Some, s: Some, beta: Some
) -> tuple[Array, list[Array], dict[tuple[int, int], Array]]:
    """`log_odds`, its 4 derivatives in (r, alpha, s, beta) and its 10 second ones."""
    odds, (first, second) = _log_odds(columns, r, alpha, s, beta, derivatives=True)
    return odds, first, second


def _log_odds(columns, r, alpha, s, beta, derivatives):
    """The log odds, and their derivatives or None."""
    x, t_x, T = columns
    shape = np.shape(x)
    alpha_first = np.broadcast_to(np.less_equal(alpha, beta), shape)
    k = np.broadcast_to(r + x, shape)
    near_a, near_b = alpha + t_x, beta + t_x
    fall_a, fall_b = np.log1p((T - t_x) / near_a), np.log1p((T - t_x) / near_b)
    slow, fast = np.where(alpha_first, k - 1.0, s), np.where(alpha_first, s + 1.0, k)
    share = np.where(alpha_first, near_a / near_b, near_b / near_a)
    length = np.where(alpha_first, fall_a, fall_b)
    total, means, products = integrate(slow, fast, share, length, derivatives)
    with np.errstate(divide="ignore"):
        odds = (
            np.log(s)
            + k * fall_a
            + s * fall_b
            + np.where(alpha_first, np.log(near_a / near_b), 0.0)
            + np.log(total)
        )
    if not derivatives:
        return odds, None
    return odds, _odds_derivatives(
        alpha_first, k, s, T, alpha, beta, near_a, near_b, fall_a, fall_b, means, products
    )


def integrate(
    slow: Array, fast: Array, share: Array, length: Array, derivatives: bool
) -> tuple[Array, Array, Array]:
    """∫₀^length exp(−slow·v − fast·log(1 + share·(e^v − 1))) dv and moments under that density.

    The exponent is concave in v. The moments are of v, w = log(1 + share·(e^v − 1)), e^(−v) and e^(−w):
    means, shape (4, n), and mean products, shape (10, n), in the order of `PAIRS`.
    """
    n = length.size
    total, means, products = np.zeros(n), np.zeros((4, n)), np.zeros((10, n))
    reach, order = reach_and_order(slow, fast, share, length)
    for j in np.unique(order):
        nodes, weights = gauss_legendre(int(NODES[j]))
        chosen = np.flatnonzero((order == j) & (length > 0))
        step = max(1, CELLS // nodes.size)
        for start in range(0, chosen.size, step):
            i = chosen[start : start + step]
            v = nodes[:, None] * reach[i]
            grown = np.exp(v)
            other = 1.0 + share[i] * (grown - 1.0)
            w = np.log(other)
            density = np.exp(-slow[i] * v - fast[i] * w) * weights[:, None]
            mass = density.sum(axis=0)
            total[i] = mass * reach[i]
            if derivatives:
                density /= mass
                features = (v, w, 1.0 / grown, 1.0 / other)
                weighted = [density * each for each in features]
                for row, each in enumerate(weighted):
                    means[row, i] = each.sum(axis=0)
                for row, (a, b) in enumerate(PAIRS):
                    products[row, i] = np.multiply(weighted[a], features[b], out=grown).sum(axis=0)
    return total, means, products


PAIRS = [(a, b) for a in range(4) for b in range(a, 4)]


def reach_and_order(
    slow: Some, fast: Some, share: Array, length: Array
) -> tuple[Array, npt.NDArray[np.intp]]:
    """How far the integrand of `integrate` is worth following, and which of `NODES` gives twelve digits."""
    rise = np.maximum(-slow, 0.0) * length
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        reach = np.minimum(length, np.where(slow > 0, TAIL / slow, np.inf))
        reach = np.minimum(reach, np.log1p(np.expm1(np.minimum((TAIL + rise) / fast, 600.0)) / share))
    swing = np.maximum(slow, 0.0) * reach + fast * np.log1p(share * np.expm1(reach)) + rise
    needed = np.maximum(5.0 + 0.75 * swing**0.8 + 1.5 * reach, 8.0)
    short = np.searchsorted(SHORT, swing + reach)  # a polynomial of low degree in v
    needed = np.where(short < SHORT.size, NODES[short], needed)
    return reach, np.minimum(np.searchsorted(NODES, needed), NODES.size - 1)


def _odds_derivatives(alpha_first, k, s, T, alpha, beta, near_a, near_b, fall_a, fall_b, means, products):
    """Derivatives of the log of the integral: means and covariances of those of the log of its integrand."""

    # log((α+τ)/(α+t_x)), log((β+τ)/(β+t_x)) and their reciprocals, whichever of the two is the smaller
    def mean(a):
        return np.where(alpha_first, means[a], means[(1, 0, 3, 2)[a]])

    slot = {pair: row for row, pair in enumerate(PAIRS)}

    def cross(a, b):
        c, d = sorted(((1, 0, 3, 2)[a], (1, 0, 3, 2)[b]))
        return np.where(alpha_first, products[slot[min(a, b), max(a, b)]], products[slot[c, d]])

    A, B = 1.0 / (alpha + T), 1.0 / (beta + T)
    la, lb, ia, ib = (mean(a) for a in range(4))
    cov = {(a, b): cross(a, b) - mean(a) * mean(b) for a, b in PAIRS}
    ia2, ib2 = cross(2, 2) / near_a**2, cross(3, 3) / near_b**2
    ia, ib = ia / near_a, ib / near_b
    v = s + 1.0
    first = [fall_a - la, k * (A - ia), 1.0 / s + fall_b - lb, s * B - v * ib]
    second = {
        (0, 0): cov[0, 0],
        (0, 1): A - ia + k * cov[0, 2] / near_a,
        (0, 2): cov[0, 1],
        (0, 3): v * cov[0, 3] / near_b,
        (1, 1): k * (ia2 - A**2) + k * k * cov[2, 2] / near_a**2,
        (1, 2): k * cov[1, 2] / near_a,
        (1, 3): k * v * cov[2, 3] / (near_a * near_b),
        (2, 2): cov[1, 1] - 1.0 / s**2,
        (2, 3): B - ib + v * cov[1, 3] / near_b,
        (3, 3): v * ib2 - s * B**2 + v * v * cov[3, 3] / near_b**2,
    }
    known = fall_a > 0  # nothing to learn where t_x equals T
    first = [np.where(known, each, 0.0) for each in first]
    return first, {pair: np.where(known, each, 0.0) for pair, each in second.items()}


def _dying_within(n, t, ways, r, alpha, s, beta):
    """e^ways s α^r β^s ∫₀^t τ^n (α+τ)^−(r+n) (β+τ)^−(s+1) dτ: bought n times, then died before t.

    In log τ the integrand is log-concave: find its peak, and where it has fallen by e^−45, by bisection.
    """
    n, t, ways, r, alpha, s, beta = np.broadcast_arrays(n, t, ways, r, alpha, s, beta)
    a, b = np.log(alpha), np.log(beta)
    top = np.log(np.maximum(t, 1e-300))

    def height(u):
        return (
            (n + 1.0) * u
            - (r + n) * np.logaddexp(a, u)
            - (s + 1.0) * np.logaddexp(b, u)
            + r * a
            + s * b
            + ways
        )

    def slope(u):
        return n + 1.0 - (r + n) * expit(u - a) - (s + 1.0) * expit(u - b)

    floor = np.minimum(np.minimum(a, b), top) - 60.0
    peak = _bisect(lambda u: slope(u) > 0, floor, top)
    level = height(peak) - 45.0
    low = _bisect(lambda u: height(u) < level, floor, peak)
    high = _bisect(lambda u: height(u) > level, peak, top)
    x, w = panels(24)
    u = low[:, None] + (high - low)[:, None] * x
    integrand = np.exp(
        (n[:, None] + 1.0) * u
        - (r + n)[:, None] * np.logaddexp(a[:, None], u)
        - (s[:, None] + 1.0) * np.logaddexp(b[:, None], u)
        + (r * a + s * b + ways)[:, None]
    )
    return s * (high - low) * (integrand @ w)


def _bisect(below, low, high):
    """Where `below`, true at first and false later, turns; the ends if it never does."""
    for _ in range(60):
        middle = 0.5 * (low + high)
        true = below(middle)
        low, high = np.where(true, middle, low), np.where(true, high, middle)
    return 0.5 * (low + high)
