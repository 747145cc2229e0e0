"""Customers who buy at every k-th tick of a Poisson process: the silence since the last, and what follows.

Given that a customer with s = r + k·x is active, the number of ticks since the last purchase, the phase, has
weights Γ(s+j)/(Γ(s) j!) u^j, j < k, u being the silent share of α + T; and the rate of ticks is
Gamma(s + phase, α + T).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammaln

from crmlab.models.btyd.special import beta_mean, gamma_mean

Array = npt.NDArray[np.float64]
Some = Array | float  # one number a row, or one for all
RARE = 0.01  # chance of staying below which purchases are added up one by one
FEW = 8  # of them


def timing(k: int, x: Array, t_x: Array, logs: Array | None) -> Array:
    """What the times between purchases add to the log-likelihood of k: they are Erlang-k.

    Without `logs`, their own likelihood integrated over all times that add up to recency, but for a constant
    that does not depend on k and makes k = 1 the likelihood of the BG/NBD.
    """
    if k == 1:
        return np.zeros(x.size)
    if logs is not None:
        return (k - 1.0) * logs - x * gammaln(k)
    with np.errstate(divide="ignore", invalid="ignore"):
        alone = (k - 1.0) * x * np.log(t_x) - gammaln(k * x) + gammaln(x)
    return np.where(x > 0, alone, 0.0)


def silence_terms(s: Some, u: Array, k: int) -> list[Array]:
    """Γ(s+j)/(Γ(s) j!) u^j, j < k: weights of 0, …, k − 1 ticks since the last purchase."""
    terms = [np.ones(np.broadcast(s, u).shape)]
    for j in range(1, k):
        terms.append(terms[-1] * (s + j - 1.0) / j * u)
    return terms


@dataclass(frozen=True)
class Silence:
    """log Σ_{j<k} Γ(s+j)/(Γ(s) j!) u^j, u = silent/whole, with derivatives in r (in s) and alpha."""

    log: Array
    r: Array | float = 0.0
    alpha: Array | float = 0.0
    r_r: Array | float = 0.0
    r_alpha: Array | float = 0.0
    alpha_alpha: Array | float = 0.0

    @classmethod
    def of(cls, s: Array, silent: Array, whole: Array, k: int) -> Self:
        """With every derivative; the silent time and α + T in the unit of time."""
        if k == 1:
            return cls(np.zeros(np.shape(silent)))
        terms = silence_terms(s, silent / whole, k)
        total = sum(terms)
        mean_h = mean_hh = mean_j = mean_jj = mean_jh = 0.0
        harmonic, squares = 0.0, 0.0  # Σ 1/(s+i) and Σ 1/(s+i)², i < j
        for j, term in enumerate(terms[1:], 1):
            harmonic, squares = harmonic + 1.0 / (s + j - 1.0), squares + 1.0 / (s + j - 1.0) ** 2
            weight = term / total
            mean_h, mean_hh = mean_h + weight * harmonic, mean_hh + weight * (harmonic**2 - squares)
            mean_j, mean_jj = mean_j + weight * j, mean_jj + weight * j * (j + 1)
            mean_jh = mean_jh + weight * j * harmonic
        return cls(
            np.log(total),
            mean_h,
            -mean_j / whole,
            mean_hh - mean_h**2,
            (mean_h * mean_j - mean_jh) / whole,
            (mean_jj - mean_j**2) / whole**2,
        )


# -- the future of a customer known to be active and in a given phase ----------------------------------------


@dataclass(frozen=True)
class Ticks:
    """A function of ticks at a given k and phase."""

    function: Callable[..., Array]
    k: int
    phase: int

    def __call__(self, *arguments: Any) -> Array:
        """The function at `arguments`."""
        return self.function(self.k, self.phase, *arguments)


def while_active(k: int, phase: int, t: Array, r: Array, alpha: Array, a: Array, b: Array) -> Array:
    """Purchases expected within t of an active customer, λ ~ Gamma(r, alpha), p ~ Beta(a, b): E[(1 − q^M)/p].

    q = 1 − p, and M = ⌊(phase + N)/k⌋ purchases come with N ticks.
    """
    return beta_mean(_purchases(k, phase, t, r, alpha), a, b, _turning(r, t / alpha))


def surviving(k: int, phase: int, t: Array, r: Array, alpha: Array, a: Array, b: Array) -> Array:
    """Probability of being active still after t, for a customer as in `while_active`: E[q^M]."""
    bought = _purchases(k, phase, t, r, alpha)
    return 1.0 - beta_mean(lambda p, rows: p * bought(p, rows), a, b, _turning(r, t / alpha))


def _turning(r, reach):
    """The probability of dropping out from which on it bends what is expected."""
    return 1.0 / np.maximum((r + 1.0) * reach, 1e-300)


def _purchases(k, phase, t, r, alpha):
    """The function of p, and of rows, that gives E[(1 − q^M)/p], N being a negative binomial number.

    q^⌊n/k⌋ is a sum of n-th powers of the k-th roots of q, so the mean is one of the generating function of
    N, (1 + (1 − y) t/α)^−r, at these roots. The real root gives a difference of numbers near 1, written
    without cancellation. For small q, where the others cancel, purchases are added up one by one.
    """
    reach = t / alpha
    likely = [betainc(m * k - phase, r, reach / (1.0 + reach)) for m in range(1, FEW + 1)]
    turns = [np.exp(2j * np.pi * m / k) for m in range(1, k // 2 + 1)]  # conjugates count twice

    def bought(p, rows):
        own, far = r[rows, None], reach[rows, None]
        near = np.zeros(p.shape)
        for each in reversed(likely):
            near = near * (1.0 - p) + each[rows, None]
        p = np.minimum(p, 1.0 - RARE)
        log_root = np.log1p(-p) / k
        power = -own * np.log1p(far * -np.expm1(log_root))
        total = -sum(np.expm1((phase - i) * log_root + power) for i in range(k)) / (k * p)
        root = np.exp(log_root)
        for m, turn in enumerate(turns, 1):
            y = root * turn
            share = y ** (phase + 1) / (y - 1.0) * (1.0 + far * (1.0 - y)) ** -own
            total = total + share.real * (1.0 if 2 * m == k else 2.0) / (k * (1.0 - p))
        return np.where(p < 1.0 - RARE, total, near)

    return bought


def discounted(k: int, phase: int, rate: Array, r: Array, alpha: Array, a: Array, b: Array) -> Array:
    """All future purchases of an active customer, discounted: E[φ^(k−j) / (1 − qφ^k)], φ = λ/(λ + rate)."""

    def over_rates(lam, rows):
        log_phi = -np.log1p(rate[rows, None] / lam).ravel()
        own_a, own_b = (np.broadcast_to(each[rows, None], lam.shape).ravel() for each in (a, b))
        lost = -np.expm1(k * log_phi)  # 1 − φ^k

        def over_chances(p, some):
            c = lost[some, None]
            return 1.0 / (c + p * (1.0 - c))

        mean = beta_mean(over_chances, own_a, own_b, lost / np.maximum(1.0 - lost, 1e-300))
        return (np.exp((k - phase) * log_phi) * mean).reshape(lam.shape)

    return gamma_mean(over_rates, r, alpha, rate)
