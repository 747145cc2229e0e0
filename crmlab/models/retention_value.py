"""What points of retention are worth in customer value, where customers differ and where all are alike."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from scipy.optimize import brentq
from scipy.special import digamma, expit, log_expit, polygamma

from crmlab.models.btyd import ShiftedBetaGeometric

DISCOUNT = 0.10  # a year
POINTS = 0.05  # the five points of retention


def gain_from_points(alpha: float, beta: float, discount: float = DISCOUNT, points: float = POINTS) -> float:
    """Relative gain in the value of a cohort when its mean churn falls by `points`.

    A customer who leaves with probability θ a year is worth m(1 + d)/(d + θ), margins paid at the start of
    each year. A programme that cuts every customer's θ in the same proportion, ``k = 1 − points/mean``, gains

        E[1/(d + kθ)] / E[1/(d + θ)] − 1,   θ ~ Beta(alpha, beta).

    A programme that reaches others gains otherwise: the proportional cut is our choice. Where all customers
    are alike this is the textbook's points/(d + θ − points).
    """
    kept = 1 - points * (alpha + beta) / alpha

    programme, today = _mean_over_beta(
        lambda churn: np.stack([1 / (discount + kept * churn), 1 / (discount + churn)]), alpha, beta
    )
    return float(programme / today) - 1


def contract_gains(
    survivors: ArrayLike, discount: float = DISCOUNT, points: float = POINTS
) -> dict[str, float]:
    """What five points of retention are worth in a cohort of contracts, by model and by textbook.

    Parameters
    ----------
    survivors : array
        Customers still there after 0, 1, 2 … renewals.

    Returns
    -------
    dict
        The shifted beta-geometric model's alpha and beta, churn, pooled retention and both gains.
    """
    counts = np.asarray(survivors)
    alpha, beta = ShiftedBetaGeometric().fit(counts).params_
    retention = counts[1:].sum() / counts[:-1].sum()
    return {
        "alpha": alpha,
        "beta": beta,
        "first-year churn": alpha / (alpha + beta),
        "pooled retention": retention,
        "gain, all alike": gain_if_all_alike(retention, discount, points),
        "gain, customers differ": gain_from_points(alpha, beta, discount, points),
    }


def gain_by_programme(
    alpha: float,
    beta: float,
    discount: float = DISCOUNT,
    points: float = POINTS,
    customers: int = 200_000,
) -> pd.Series:
    """Relative gain in a cohort's value from programmes that lower its mean churn by the same `points`.

    Parameters
    ----------
    alpha, beta : float
        Of the customers' chances of leaving, θ ~ Beta(alpha, beta).
    customers : int
        Quantiles of that distribution that stand for it.

    Returns
    -------
    Series
        By programme; the textbook's, of customers who are all alike, among them. The strength of each
        programme is found by bisection.
    """
    churn = stats.beta.ppf((np.arange(customers) + 0.5) / customers, alpha, beta)
    now = np.mean(1 / (discount + churn))

    def gain(programme):
        strength = brentq(lambda s: programme(s).mean() - churn.mean() + points, 0.0, 3.0)
        return np.mean(1 / (discount + programme(strength))) / now - 1

    return pd.Series(
        {
            "churn cut in proportion": gain(lambda s: churn * np.exp(-s)),
            "textbook, at the mean churn": gain_if_all_alike(1 - churn.mean(), discount, points),
            "the same points for everyone": gain(lambda s: np.maximum(churn - s, 0)),
            "retention raised in proportion": gain(lambda s: 1 - np.minimum((1 - churn) * np.exp(s), 1)),
        }
    )


def _mean_over_beta(function: Callable, alpha: float, beta: float) -> np.ndarray:
    """E[function(θ)], θ ~ Beta(alpha, beta), by the trapezoid rule over the logit of θ, where all is smooth.

    The function may return several values for each θ, along its first axes.

    SciPy's hypergeometric function, which would give it in closed form, is NaN for customers nearly alike.
    """
    middle, spread = digamma(alpha) - digamma(beta), np.sqrt(polygamma(1, alpha) + polygamma(1, beta))
    steps = int(np.clip(80 * spread / 0.3, 400, 4000))  # poles lie π off the axis: e^(-2π²/0.3) is nothing
    logit = np.linspace(middle - 40 * spread, middle + 40 * spread, steps + 1)
    log_density = alpha * log_expit(logit) + beta * log_expit(-logit)
    weight = np.exp(log_density - log_density.max())
    return function(expit(logit)) @ weight / weight.sum()


def gain_if_all_alike(retention: float, discount: float = DISCOUNT, points: float = POINTS) -> float:
    """The textbook's gain in value from `points` more retention: ``points / (1 + d − r − points)``."""
    return points / (1 + discount - retention - points)
