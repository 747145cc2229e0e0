"""What keeps a fit to few customers from running off: a weak prior on log parameters, or lifetimes' penalty.

A prior says which values of a parameter are to be expected before any customer is seen: log-normal, with a
median and a spread on the log scale. It weighs as much as a few customers, whatever their number, so it
matters where data say little and vanishes where they say much; and it does not depend on units. lifetimes'
``penalizer_coef`` takes the squares of all parameters, times the number of customers (not so in its
Pareto/NBD), off the log-likelihood: it pulls towards 0 and not towards the plausible, depends on the longest
time observed, and its weight grows with the data, so that estimates stay biased however many customers there
are. ``tests/benchmarks/bench_penalties.py`` shows what they do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from crmlab.errors import InputError, check_known
from crmlab.models.btyd import checks
from crmlab.models.btyd.fitting import Objective

Array = npt.NDArray[np.float64]
Prior = Mapping[str, tuple[float, float]]
WEAK = "weak"


class Penalty(Protocol):
    """What is added to the total log-likelihood, a function of the coefficients."""

    def __call__(self, coefficients: Array, /) -> tuple[float, Array, Array]:
        """Value, gradient and diagonal of the Hessian."""
        ...


@dataclass(frozen=True)
class LogNormal:
    """Normal densities of coefficients, up to a constant; a coefficient without one has infinite spread.

    Attributes
    ----------
    centre, spread : arrays, shape (k,)
    """

    centre: Array
    spread: Array

    def __call__(self, coefficients: Array) -> tuple[float, Array, Array]:
        """Value, gradient and diagonal of the Hessian."""
        weight = self.spread**-2.0
        away = coefficients - self.centre
        return float(-0.5 * np.sum(weight * away**2)), -weight * away, -weight


@dataclass(frozen=True)
class Squares:
    """−weight Σ (parameter/unit)², of the parameters whose logs are the first coefficients.

    Attributes
    ----------
    weight : float
    units : array, shape (k,)
        Infinite for coefficients that are not penalised.
    """

    weight: float
    units: Array

    def __call__(self, coefficients: Array) -> tuple[float, Array, Array]:
        """Value, gradient and diagonal of the Hessian."""
        squares = np.where(
            np.isfinite(self.units), np.exp(2.0 * np.minimum(coefficients, 300.0)) / self.units**2, 0.0
        )
        return float(-self.weight * squares.sum()), -2 * self.weight * squares, -4 * self.weight * squares


class Penalised:
    """The mean log-likelihood with a penalty, which weighs as it would among `customers`."""

    def __init__(self, likelihood: Objective, penalty: Penalty, customers: float) -> None:
        self.likelihood, self.penalty, self.customers = likelihood, penalty, customers
        self.total = likelihood.total

    @property
    def evaluations(self) -> int:
        """Of the likelihood, so far."""
        return self.likelihood.evaluations

    def __call__(self, coefficients: Array) -> tuple[float, Array, Array]:
        """Value, gradient and Hessian at `coefficients`."""
        value, gradient, hessian = self.likelihood(coefficients)
        added, slope, curve = self.penalty(coefficients)
        n = self.customers
        return value + added / n, gradient + slope / n, hessian + np.diag(curve) / n


def checked_prior(prior: Any, names: tuple[str, ...]) -> dict[str, tuple[float, float]] | str | None:
    """A prior as given to a model: None, ``"weak"``, or a median and a spread of the log by parameter."""
    if prior is None or prior == WEAK:
        return prior
    if not isinstance(prior, Mapping):
        raise InputError(
            f"prior is {prior!r:.60}; give 'weak' or, by parameter, a median and a spread of its logarithm"
        )
    check_known("parameter of the prior", prior, names)
    found = {}
    for name, pair in prior.items():
        if np.shape(pair) != (2,):
            raise InputError(f"prior[{name!r}] is {pair!r:.60}; give a median and a spread of the logarithm")
        median, spread = (checks.one_number(f"prior[{name!r}]", each) for each in pair)
        found[name] = (median, spread)
    return found


def log_normal(prior: Prior, names: tuple[str, ...], units: Array, k: int) -> LogNormal:
    """The penalty of a prior on the first of k coefficients; medians are in `units`, one a name."""
    centre, spread = np.zeros(k), np.full(k, np.inf)
    for name, (median, width) in prior.items():
        j = names.index(name)
        centre[j], spread[j] = np.log(median * units[j]), width
    return LogNormal(centre, spread)
