"""Estimates and hypotheses: what is claimed, what is estimated, and how the two are confronted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit  # scipy.stats checks more than it computes

from crmlab.errors import InputError

DIRECTIONS = {">": "greater than", "<": "less than", "!=": "different from", "within": "within the margin of"}


class EstimationFailed(ArithmeticError):
    """An estimator could not give an answer on these data. A diagnosis counts it and says why."""


@dataclass(frozen=True)
class Estimate:
    """What an estimator says: one number or, for many cohorts at once, one array of each.

    Parameters
    ----------
    value, standard_error : float or array of shape (simulations,)
        NaN where the fit failed.
    degrees_of_freedom : float or array of shape (simulations,)
        Of the t distribution; infinite for a normal one.
    interval : pair of float or arrays, optional
        A 95% interval of its own (a bootstrap's, say) in place of ``value ± t · standard_error``.
    p_value : float or array, optional
        A p-value of its own, for the hypothesis' direction. Where it is NaN that of the value and its
        standard error is taken.
    """

    value: float | np.ndarray
    standard_error: float | np.ndarray
    degrees_of_freedom: float | np.ndarray = np.inf
    interval: tuple | None = None
    p_value: float | np.ndarray | None = None

    @classmethod
    def of(cls, fit: Any, term: str) -> "Estimate":
        """The estimate of one term of a fitted statsmodels model.

        Raises
        ------
        InputError
            If the fit has no such term.
        """
        names = list(fit.model.exog_names)
        if term not in names:
            raise InputError(f"term is {term!r}; the fit has {', '.join(names)}")
        at = names.index(term)
        freedom = fit.df_resid if getattr(fit, "use_t", False) else np.inf
        return cls(float(np.asarray(fit.params)[at]), float(np.asarray(fit.bse)[at]), float(freedom))

    @classmethod
    def stacked(cls, singles: "Sequence[Estimate | None]") -> "Estimate":
        """Estimates of single cohorts side by side, each with an interval and a p-value of its own.

        Parameters
        ----------
        singles : sequence of Estimate
            None where a fit failed: NaN.
        """

        def column(read: Callable) -> np.ndarray:
            return np.array([np.nan if each is None else read(each) for each in singles], dtype=float)

        known = [each for each in singles if each is not None]
        interval = p_value = None
        if any(each.interval is not None for each in known):
            interval = column(lambda each: each.bounds()[0]), column(lambda each: each.bounds()[1])
        if any(each.p_value is not None for each in known):
            p_value = column(lambda each: np.nan if each.p_value is None else each.p_value)
        value, error = column(lambda each: each.value), column(lambda each: each.standard_error)
        return cls(value, error, column(lambda each: each.degrees_of_freedom), interval, p_value)

    def one(self, simulation: int) -> "Estimate":
        """The estimate of one of many simulations."""

        def of(values):
            return values[simulation] if np.ndim(values) else values

        interval = None if self.interval is None else tuple(map(of, self.interval))
        return Estimate(
            of(self.value), of(self.standard_error), of(self.degrees_of_freedom), interval, of(self.p_value)
        )

    @property
    def sound(self) -> bool | np.ndarray:
        """Whether the value is finite and its interval has two ends, which may be infinite."""
        low, high = self.bounds()
        with np.errstate(invalid="ignore"):
            return np.isfinite(self.value) & ~np.isnan(low) & ~np.isnan(high)

    def bounds(self, level: float = 0.95) -> tuple:
        """The interval ``(low, high)``."""
        if self.interval is not None:
            return self.interval
        reach = _quantile(0.5 + level / 2, self.degrees_of_freedom) * np.asarray(self.standard_error)
        return self.value - reach, self.value + reach

    def p(self, direction: str, null: float, margin: float | None = None) -> float | np.ndarray:
        """The p-value against the null of a hypothesis in that direction.

        ``within`` is the two one-sided tests procedure (Schuirmann 1987): the larger of the two.
        """
        if self.p_value is None:
            return self._wald(direction, null, margin)
        if not np.isnan(self.p_value).any():
            return self.p_value
        return np.where(np.isnan(self.p_value), self._wald(direction, null, margin), self.p_value)

    def _wald(self, direction, null, margin):
        def upper(distance):
            return _survival(distance / np.asarray(self.standard_error), self.degrees_of_freedom)

        if direction == ">":
            return upper(self.value - null)
        if direction == "<":
            return upper(null - self.value)
        if direction == "!=":
            return 2 * upper(np.abs(self.value - null))
        return np.maximum(upper(self.value - null + margin), upper(null + margin - self.value))


def _quantile(probability, freedom):
    return _by_freedom(ndtri, lambda share, freedom: stdtrit(freedom, share), probability, freedom)


def _survival(statistic, freedom):
    return _by_freedom(
        lambda at: ndtr(-at), lambda at, freedom: stdtr(freedom, -at), np.asarray(statistic), freedom
    )


def _by_freedom(normal, student, argument, freedom):
    """A function of the normal distribution, or of t where the degrees of freedom are finite."""
    endless = np.isinf(freedom)
    if np.all(endless):
        return normal(argument) + np.zeros(np.shape(freedom))
    if not np.any(endless):
        return student(argument, freedom)
    return np.where(endless, normal(argument), student(argument, np.where(endless, 1.0, freedom)))


@dataclass(frozen=True)
class Hypothesis:
    """A statement that data could reject.

    Parameters
    ----------
    name : str
        ``"H1"``.
    claim : str
        One sentence.
    direction : {">", "<", "!=", "within"}
        Where the estimand lies, as seen from `null`, if the claim is true. ``within``: nearer than `margin`.
    truth : callable
        Parameters to estimand. Declared apart from the estimators, so bias and coverage are defined.
    estimators : dict of str to callable
        Tables to `Estimate`. The first is the headline.
    unit : str
        Of the estimand.
    null : float
        What the claim is tested against.
    margin : float, optional
        For ``within`` only.
    level : float
        Of the test.
    """

    name: str
    claim: str
    direction: str
    truth: Callable[[Any], float] = field(repr=False)
    estimators: Mapping[str, Callable] = field(repr=False)
    unit: str = ""
    null: float = 0.0
    margin: float | None = None
    level: float = 0.05

    def __post_init__(self):
        if self.direction not in DIRECTIONS:
            raise InputError(
                f"direction of {self.name} is {self.direction!r}; it must be one of {' '.join(DIRECTIONS)}"
            )
        if (self.margin is not None) != (self.direction == "within") or (
            self.margin is not None and self.margin <= 0
        ):
            raise InputError(
                f"margin of {self.name} is {self.margin!r}; give a positive one with direction 'within' only"
            )
        if not 0 < self.level < 1:
            raise InputError(f"level of {self.name} is {self.level!r}; it must lie between 0 and 1")
        if not self.estimators:
            raise InputError(f"estimators of {self.name} is empty; give at least one")

    @property
    def headline(self) -> str:
        """The name of the estimator that the lesson stands by."""
        return next(iter(self.estimators))

    def estimand(self, parameters: Any) -> float:
        """The estimand's value under these parameters, free of quadrature's dust below 1e-12."""
        return round(float(self.truth(parameters)), 12) + 0.0

    def holds(self, estimand: float) -> bool:
        """Whether the claim is true when the estimand has this value."""
        distance = estimand - self.null
        return bool(
            {
                ">": distance > 0,
                "<": distance < 0,
                "!=": distance != 0,
                "within": abs(distance) < (self.margin or 0),
            }[self.direction]
        )

    def confront(self, estimate: Estimate) -> dict:
        """Interval, p-value and verdict of an estimate, as a dict.

        The verdict is ``supported`` (the null is rejected in the claim's direction), ``contradicted``
        (the 95% interval lies wholly where the claim says it does not) or ``undecided``.
        """
        low, high = estimate.bounds()
        p_value = estimate.p(self.direction, self.null, self.margin)
        supported = np.asarray(p_value) < self.level
        outside = {
            ">": np.asarray(high) < self.null,
            "<": np.asarray(low) > self.null,
            "!=": np.full(np.shape(p_value), False),
            "within": (np.asarray(low) > self.null + (self.margin or 0))
            | (np.asarray(high) < self.null - (self.margin or 0)),
        }[self.direction]
        verdict = np.where(supported, "supported", np.where(outside, "contradicted", "undecided"))
        return {"low": low, "high": high, "p_value": p_value, "verdict": verdict}

    def edge(self, estimand: float) -> float:
        """How far an estimand lies beyond where the claim begins to fail: 0 at the edge of null and claim."""
        return abs(estimand - self.null) - self.margin if self.margin else estimand - self.null

    def __repr__(self):
        against = {
            ">": f"> {self.null:g}",
            "<": f"< {self.null:g}",
            "!=": f"≠ {self.null:g}",
            "within": f"within {self.margin} of {self.null:g}",
        }[self.direction]
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.name}: {self.claim} (estimand {against}{unit}; {', '.join(self.estimators)})"
