"""How strong a confounder that nobody measured must be to explain an estimate away.

Linear regression: partial R² and the robustness value of Cinelli & Hazlett (2020), doi:10.1111/rssb.12348.
Risk ratios: the E-value of VanderWeele & Ding (2017). Neither says whether there is
such a confounder; a number is read against what is known of those that were measured.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from crmlab.errors import InputError


@dataclass(frozen=True)
class LinearSensitivity:
    """What a regression coefficient could bear.

    Attributes
    ----------
    estimate, standard_error, degrees_of_freedom : float
    partial_r2 : float
        Of the treatment with the outcome: a confounder that explains all the rest of the outcome must explain
        this share of the treatment to bring the estimate to the null.
    robustness_value : float
        A confounder that explains this share of what is left of both, treatment and outcome, brings the
        estimate to the null.
    robustness_value_significant : float
        As much brings the 95% interval (or that of `level`) to the null.
    """

    estimate: float
    standard_error: float
    degrees_of_freedom: float
    partial_r2: float
    robustness_value: float
    robustness_value_significant: float


def robustness_value(
    t: float, degrees_of_freedom: float, share: float = 1.0, level: float | None = None
) -> float:
    """The robustness value of a coefficient.

    Parameters
    ----------
    t : float
        Its t statistic, against the null in question.
    degrees_of_freedom : float
        Of the residuals.
    share : float
        Of the estimate that is to be explained away: 1 is all of it.
    level : float, optional
        If given, the interval of that two-sided level is to reach the null, not the estimate.

    Returns
    -------
    float
        From 0 to 1: ``½(√(f⁴ + 4f²) − f²)`` with ``f = share·|t|/√df``, less ``t*/√(df − 1)`` for a level.
        Cinelli & Hazlett (2020), equations 18 and 19.
    """
    if not degrees_of_freedom > 1:
        raise InputError(f"degrees_of_freedom is {degrees_of_freedom!r}; it must be more than 1")
    f = share * abs(t) / np.sqrt(degrees_of_freedom)
    if level is not None:
        f -= stats.t.ppf(1 - level / 2, degrees_of_freedom - 1) / np.sqrt(degrees_of_freedom - 1)
    if f <= 0:
        return 0.0
    return float((np.sqrt(f**4 + 4 * f**2) - f**2) / 2)


def linear_sensitivity(
    estimate: float, standard_error: float, degrees_of_freedom: float, null: float = 0.0, level: float = 0.05
) -> LinearSensitivity:
    """What a least squares coefficient could bear; see `LinearSensitivity`.

    Raises
    ------
    InputError
        If the standard error is not positive or the degrees of freedom are 1 or fewer.
    """
    if not standard_error > 0:
        raise InputError(f"standard_error is {standard_error!r}; it must be positive")
    t = (estimate - null) / standard_error
    return LinearSensitivity(
        estimate,
        standard_error,
        degrees_of_freedom,
        float(t**2 / (t**2 + degrees_of_freedom)),
        robustness_value(t, degrees_of_freedom),
        robustness_value(t, degrees_of_freedom, level=level),
    )


def adjusted_estimate(
    estimate: float,
    standard_error: float,
    degrees_of_freedom: float,
    r2_with_treatment: float,
    r2_with_outcome: float,
) -> tuple[float, float]:
    """Estimate and standard error with a confounder of that strength that made the estimate too large.

    Parameters
    ----------
    r2_with_treatment, r2_with_outcome : float
        Partial R² of the confounder with the treatment given the covariates, and with the outcome given
        treatment and covariates.

    Returns
    -------
    (float, float)
        Cinelli & Hazlett (2020), equations 12 and 13.
    """
    for name, value in (("r2_with_treatment", r2_with_treatment), ("r2_with_outcome", r2_with_outcome)):
        if not 0 <= value < 1 and not (name == "r2_with_outcome" and value == 1):
            raise InputError(f"{name} is {value!r}; a partial R² lies from 0 to below 1")
    bias = (
        standard_error
        * np.sqrt(r2_with_outcome * r2_with_treatment / (1 - r2_with_treatment))
        * np.sqrt(degrees_of_freedom)
    )
    error = (
        standard_error
        * np.sqrt((1 - r2_with_outcome) / (1 - r2_with_treatment))
        * np.sqrt(degrees_of_freedom / (degrees_of_freedom - 1))
    )
    return float(np.sign(estimate) * (abs(estimate) - bias)), float(error)


def benchmark(
    t_with_outcome: float, t_with_treatment: float, degrees_of_freedom: float, times: float = 1.0
) -> tuple[float, float]:
    """Bounds on a confounder `times` as strong as a covariate that was measured.

    Parameters
    ----------
    t_with_outcome : float
        The covariate's t statistic in the outcome's regression, treatment included.
    t_with_treatment : float
        Its t statistic in the regression of the treatment on the covariates.
    degrees_of_freedom : float
        Of the outcome's regression.
    times : float
        How many times as strong.

    Returns
    -------
    (float, float)
        Partial R² with the treatment and with the outcome; Cinelli & Hazlett (2020), section 4.4.

    Raises
    ------
    InputError
        If a confounder that strong is impossible.
    """
    with_treatment = t_with_treatment**2 / (t_with_treatment**2 + degrees_of_freedom + 1)
    with_outcome = t_with_outcome**2 / (t_with_outcome**2 + degrees_of_freedom)
    f2 = with_treatment / (1 - with_treatment)
    bound_treatment = times * f2
    inner = times * with_treatment**2 / ((1 - times * with_treatment) * (1 - with_treatment))
    if bound_treatment >= 1 or inner >= 1:
        raise InputError(f"times is {times}; a confounder that strong would explain more than all; lower it")
    eta = (np.sqrt(times) + np.sqrt(inner)) / np.sqrt(1 - inner)
    bound_outcome = min(eta**2 * with_outcome / (1 - with_outcome), 1.0)
    return float(bound_treatment), float(bound_outcome)


def e_value(risk_ratio: float) -> float:
    """The E-value of a risk ratio (or of the interval's end nearer to 1).

    Returns
    -------
    float
        ``RR + √(RR(RR − 1))``, of 1/RR where RR < 1: the smallest risk ratio that a confounder must have with
        both treatment and outcome, beyond the covariates, to explain the association away. 1 if RR is 1.
    """
    if not risk_ratio > 0:
        raise InputError(f"risk_ratio is {risk_ratio!r}; it must be positive")
    ratio = risk_ratio if risk_ratio >= 1 else 1 / risk_ratio
    return float(ratio + np.sqrt(ratio * (ratio - 1)))


def e_value_of_interval(low: float, high: float) -> float:
    """The E-value of an interval of a risk ratio: of its end nearer to 1, and 1 if it holds 1."""
    if not 0 < low <= high:
        raise InputError(f"low, high are {low!r}, {high!r}; give positive ends in order")
    return 1.0 if low <= 1 <= high else e_value(low if low > 1 else high)
