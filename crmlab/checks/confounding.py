"""How strong something that nobody measured must be to explain an estimate away."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from crmlab.checks.regressions import arrays
from crmlab.checks.resting import parts_of
from crmlab.design import Tables
from crmlab.errors import InputError
from crmlab.estimators import HazardRatio, LeastSquares
from crmlab.estimators.binary import BinaryRegression, LogisticRegression
from crmlab.models import sensitivity

LOGISTIC = np.pi / np.sqrt(3)  # standard deviation of a logistic error: what a probit unit is in logit units


@dataclass(frozen=True)
class Sensitivity:
    """What an estimate could bear.

    Attributes
    ----------
    kind : {"robustness", "e_value"}
    of_estimate, of_interval : float
        Robustness values (shares of what is left of cause and outcome that a confounder must explain, to
        bring the estimate, or the nearer end of its interval, to the null), or E-values (risk ratios that it
        must have with both).
    benchmark : str
        The measured covariate that would change the estimate most; empty without one.
    like_benchmark : float
        The estimate if a confounder as strong as that one were missing.
    """

    kind: str
    of_estimate: float
    of_interval: float
    benchmark: str = ""
    like_benchmark: float = np.nan


def confounding(estimator: Any, estimate: Any, null: float, tables: Tables) -> Sensitivity | None:
    """The sensitivity of a coefficient of a regression or a hazard ratio; None for what is neither.

    Least squares: Cinelli & Hazlett's (2020) robustness value, with t from the reported error. Logits,
    probits and hazard ratios: the E-value of VanderWeele & Ding (2017) with their risk ratios of a common
    outcome, the odds ratio's square root and ``(1 - .5^√HR)/(1 - .5^√(1/HR))``; a probit unit counts as 1.81
    logit units. Of a cause that is no yes/no, per standard deviation.
    """
    parts = list(parts_of(estimator))
    part = parts[0] if len(parts) == 1 else None
    if part is not estimator:
        return None
    if isinstance(part, LeastSquares):
        return _of_line(part, estimate, null, tables)
    if isinstance(part, BinaryRegression | HazardRatio):
        return _of_ratio(part, estimate, tables)
    return None


def _of_line(regression: LeastSquares, estimate: Any, null: float, tables: Tables) -> Sensitivity | None:
    outcome, matrix = arrays(regression, tables)
    freedom = len(outcome) - matrix.shape[1]
    value, error = float(estimate.value), float(estimate.standard_error)
    if freedom < 3 or not error > 0:
        return None
    found = sensitivity.linear_sensitivity(value, error, freedom, null)
    name, like = _strongest(regression, outcome, matrix, value - null, error, freedom)
    robust = found.robustness_value, found.robustness_value_significant
    return Sensitivity("robustness", *robust, name, like + null)


def _strongest(
    regression: LeastSquares,
    outcome: np.ndarray,
    matrix: np.ndarray,
    value: float,
    error: float,
    freedom: int,
) -> tuple[str, float]:
    """The covariate with which the estimate would lose most, were another as strong missing."""
    at, best = regression.terms.index(regression.term), ("", np.nan)
    for other, name in enumerate(regression.terms):
        if other == at or name == "Intercept" or regression.term in name:
            continue
        with_outcome = _t(outcome, matrix, other)
        rest = np.delete(matrix, at, axis=1)
        with_cause = _t(matrix[:, at], rest, other - (other > at))
        try:
            shares = sensitivity.benchmark(with_outcome, with_cause, freedom)
            adjusted, _ = sensitivity.adjusted_estimate(value, error, freedom, *shares)
        except InputError:  # a confounder that strong would explain more than all
            continue
        if not best[0] or abs(value) - np.sign(value) * adjusted > abs(value) - np.sign(value) * best[1]:
            best = name, adjusted
    return best


def _t(outcome: np.ndarray, matrix: np.ndarray, at: int) -> float:
    inverse = np.linalg.pinv(matrix.T @ matrix)
    slopes = inverse @ (matrix.T @ outcome)
    residual = outcome - matrix @ slopes
    variance = float(residual @ residual) / (len(outcome) - matrix.shape[1]) * inverse[at, at]
    return float(slopes[at] / np.sqrt(variance)) if variance > 0 else 0.0


def _of_ratio(part: Any, estimate: Any, tables: Tables) -> Sensitivity:
    low, high = (float(np.asarray(each)) for each in estimate.bounds())
    value, unit = float(np.asarray(estimate.value)), 1.0
    if isinstance(part, BinaryRegression):
        _, matrix = arrays(part, tables)
        cause = matrix[:, part.terms.index(part.term)]
        unit = 1.0 if set(np.unique(cause)) <= {0.0, 1.0} else float(cause.std())
        unit *= 1.0 if isinstance(part, LogisticRegression) else LOGISTIC

    hazard = isinstance(part, HazardRatio)

    def risk_ratio(logarithm: float) -> float:
        root = float(np.exp(logarithm * unit / 2))
        return (1 - 0.5**root) / (1 - 0.5 ** (1 / root)) if hazard else root

    of_interval = sensitivity.e_value_of_interval(risk_ratio(low), risk_ratio(high))
    return Sensitivity("e_value", sensitivity.e_value(risk_ratio(value)), of_interval)
