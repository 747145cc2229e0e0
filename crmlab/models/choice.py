"""Multinomial (conditional) logit in one pass over many cohorts, and the shares and prices that follow.

One cohort's logit is a matter for statsmodels or xlogit; a test holds this one to both. What they lack is
here: many cohorts at once, and a control function whose standard errors know of the first stage. The book on
all of it is Train (2009), doi:10.1017/CBO9780511805271.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import softmax

from crmlab.errors import InputError
from crmlab.models.newton import maximise
from crmlab.models.stacked import inverse

Array = NDArray[np.float64]
NEWTON_STEPS = 35
TOLERANCE = 1e-9  # of a Newton step, relative
CACHE_NUMBERS = 200_000  # numbers of a block of cohorts that are fitted together: what stays near the core


@dataclass(frozen=True)
class LogitFit:
    """A multinomial logit fitted to each of a stack of cohorts; NaN where there is no maximum.

    Attributes
    ----------
    coefficients : array of shape (cohorts, terms)
        In logit units per unit of the attribute.
    covariance : array of shape (cohorts, terms, terms)
    uncorrected : array of shape (cohorts, terms, terms)
        What the covariance would be if every attribute had been observed. It differs from `covariance`
        only after `fit_control_logit`, whose last attribute is an estimate.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    uncorrected: np.ndarray

    @property
    def standard_errors(self) -> Array:
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))


def fit_logit(attributes: np.ndarray, chosen: np.ndarray) -> LogitFit:
    """Fit multinomial logits by Newton's method.

    Parameters
    ----------
    attributes : array of shape (cohorts, choices, alternatives, terms)
    chosen : array of shape (cohorts, choices, alternatives)
        1 at the alternative taken, 0 elsewhere.

    Returns
    -------
    LogitFit

    Raises
    ------
    InputError
        If the shapes disagree, a value is not finite or a choice is not of exactly one alternative.
    """
    attributes, chosen = _checked(attributes, chosen)
    found = [_fit_block(attributes[block], chosen[block])[:2] for block in _blocks(attributes.shape)]
    coefficients, covariance = (np.concatenate(each) for each in zip(*found))
    return LogitFit(coefficients, covariance, covariance)


def fit_control_logit(
    attributes: np.ndarray,
    chosen: np.ndarray,
    endogenous: int,
    instruments: np.ndarray,
    priced: Sequence[int],
) -> LogitFit:
    """Fit multinomial logits with a control function for one attribute (Petrin & Train 2010).

    First a least squares regression of the endogenous attribute on all others and on the instruments, over
    the alternatives that have one; then a logit with that regression's residual as one more attribute,
    which stands for what the seller knew about demand and the analyst does not.

    Parameters
    ----------
    attributes, chosen
        As for `fit_logit`. Some combination of the attributes must be constant over the priced
        alternatives: it is the first stage's intercept.
    endogenous : int
        Number of the term.
    instruments : array of shape (cohorts, choices, alternatives, instruments)
        What moves the endogenous attribute and is of no value to anyone.
    priced : sequence of int
        The alternatives that have the endogenous attribute; the others' residual is zero.

    Returns
    -------
    LogitFit
        Its last term is the residual.

    Raises
    ------
    InputError
        As `fit_logit`, or if the instruments, `endogenous` or `priced` do not fit the attributes.

    Notes
    -----
    The second stage's score, given all attributes, is unrelated to the first stage's errors, so the
    covariance is Murphy & Topel's (1985) without its cross term:
    ``V + V (λ² C W C') V``, with V the logit's own covariance, λ the residual's coefficient, C the
    information between the logit's attributes and the first stage's regressors, and W the covariance of
    the first stage's coefficients.
    """
    attributes, chosen = _checked(attributes, chosen)
    instruments, priced = np.asarray(instruments, dtype=float), list(priced)
    if endogenous not in range(attributes.shape[-1]):
        raise InputError(f"endogenous is {endogenous}; give a term's number, 0 to {attributes.shape[-1] - 1}")
    if not priced or not set(priced) <= set(range(attributes.shape[2])):
        raise InputError(f"priced is {priced}; give numbers of alternatives, 0 to {attributes.shape[2] - 1}")
    if instruments.shape[:-1] != attributes.shape[:-1] or not np.isfinite(instruments).all():
        raise InputError(
            f"instruments have shape {instruments.shape}; they need finite numbers for the same cohorts, "
            f"choices and alternatives as the attributes, {attributes.shape[:-1]}"
        )
    found = [
        _fit_control_block(attributes[block], chosen[block], endogenous, instruments[block], priced)
        for block in _blocks(attributes.shape)
    ]
    return LogitFit(*(np.concatenate(each) for each in zip(*found)))


def _checked(attributes, chosen):
    attributes, chosen = np.asarray(attributes, dtype=float), np.asarray(chosen, dtype=float)
    if attributes.ndim != 4 or chosen.shape != attributes.shape[:3]:
        raise InputError(
            f"attributes have shape {attributes.shape} and chosen {chosen.shape}; give (cohorts, choices, "
            "alternatives, terms) and (cohorts, choices, alternatives)"
        )
    if not np.isfinite(attributes).all():
        bad = np.argwhere(~np.isfinite(attributes))
        raise InputError(
            f"attributes hold {len(bad)} missing or infinite values, first at {tuple(bad[0].tolist())}; "
            "drop those choices, and say how"
        )
    if not (np.isin(chosen, (0.0, 1.0)).all() and (chosen.sum(axis=-1) == 1).all()):
        raise InputError("chosen must be 1 at exactly one alternative of each choice and 0 at the others")
    return attributes, chosen


def _blocks(shape):
    size = max(1, CACHE_NUMBERS // max(1, int(np.prod(shape[1:]))))
    return [slice(start, start + size) for start in range(0, shape[0], size)]


def _fit_block(attributes, chosen):
    """Coefficients, covariance, chances and differences of some cohorts.

    Only differences between alternatives matter, so each choice's last alternative is set to zero. From
    here on the alternatives come before the choices: NumPy adds up long axes faster than short ones.
    """
    different = _from_last(attributes)
    cohorts, _alternatives, _choices, terms = different.shape
    taken = chosen[:, :, :-1].swapaxes(1, 2)

    def derivatives(coefficients, which):
        some = different[which]
        chances = _chances(some, coefficients)
        score = _rows(some).swapaxes(1, 2) @ _rows((taken[which] - chances)[..., None])
        return score[..., 0], _information(some, some, chances)

    start = np.zeros((cohorts, terms))
    coefficients, _ = maximise(derivatives, start, steps=NEWTON_STEPS, tolerance=TOLERANCE)
    with np.errstate(all="ignore"):
        chances = _chances(different, coefficients)
        covariance = inverse(_information(different, different, chances))
    return coefficients, covariance, chances, different


def _from_last(attributes):
    """Differences from each choice's last alternative, ``(cohorts, alternatives - 1, choices, terms)``."""
    return np.ascontiguousarray((attributes[:, :, :-1] - attributes[:, :, -1:]).swapaxes(1, 2))


def _rows(values):
    """Alternatives and choices as one axis."""
    return values.reshape(len(values), -1, values.shape[-1])


def _chances(different, coefficients):
    """Chances of all alternatives but the last, whose utility is zero."""
    utility = (different @ coefficients[:, None, :, None])[..., 0]
    top = np.maximum(utility.max(axis=1, keepdims=True), 0)
    weight = np.exp(utility - top)
    return weight / (weight.sum(axis=1, keepdims=True) + np.exp(-top))


def _information(one, other, chances):
    """``Σ x' (diag P − P P') z`` over choices, x and z being differences from the last alternative."""
    weighted = one * chances[..., None]
    mean_one = weighted.sum(axis=1)
    mean_other = mean_one if other is one else (other * chances[..., None]).sum(axis=1)
    return _rows(weighted).swapaxes(1, 2) @ _rows(other) - mean_one.swapaxes(1, 2) @ mean_other


def _fit_control_block(attributes, chosen, endogenous, instruments, priced):
    """Coefficients and both covariances of some cohorts; the residual is the last term."""
    others = np.delete(attributes, endogenous, axis=-1)
    regressors = np.zeros((*attributes.shape[:3], others.shape[-1] + instruments.shape[-1]))
    regressors[:, :, priced] = np.concatenate([others, instruments], axis=-1)[:, :, priced]
    cohorts, terms = len(attributes), regressors.shape[-1]
    flat = regressors[:, :, priced].reshape(cohorts, -1, terms)
    price = attributes[:, :, priced, endogenous].reshape(cohorts, -1, 1)
    with np.errstate(all="ignore"):
        spread = inverse(flat.swapaxes(1, 2) @ flat)
        residual = price - flat @ (spread @ (flat.swapaxes(1, 2) @ price))
        first_stage = (residual**2).sum(axis=(1, 2))[:, None, None] / (flat.shape[1] - terms) * spread
    extra = np.zeros((*attributes.shape[:3], 1))
    extra[:, :, priced] = residual.reshape(cohorts, -1, len(priced), 1)
    coefficients, covariance, chances, different = _fit_block(
        np.concatenate([attributes, extra], axis=-1), chosen
    )
    with np.errstate(all="ignore"):
        cross = _information(different, _from_last(regressors), chances)
        doubt = coefficients[:, -1, None, None] ** 2 * cross @ first_stage @ cross.swapaxes(1, 2)
        return coefficients, covariance + covariance @ doubt @ covariance, covariance


# What follows from utilities -----------------------------------------------------------------------------


def shares(utility: ArrayLike) -> np.ndarray:
    """Choice shares of the multinomial logit, over the last axis."""
    return softmax(np.asarray(utility, dtype=float), axis=-1)


def demand(
    others: ArrayLike, price_coefficient: float, utility_at_zero: float, prices: ArrayLike
) -> np.ndarray:
    """Share of one alternative at each of its prices, shape of `prices`; the arguments of `optimal_price`."""
    mine = utility_at_zero + price_coefficient * np.asarray(prices, dtype=float)
    return shares(np.stack(np.broadcast_arrays(mine, *np.ravel(others)), axis=-1))[..., 0]


def optimal_price(
    others: ArrayLike, price_coefficient: float, utility_at_zero: float, unit_cost: float
) -> float:
    """Price that makes the most profit from one alternative, the others' utilities standing still.

    It solves ``p = c + 1 / (β (1 − s(p)))``, with β the value of money and s the share: the markup is the
    larger, the less customers mind the price and the more of them come anyway.

    Parameters
    ----------
    others : array
        Utilities of the other alternatives.
    price_coefficient : float
        Logit units per unit of money; negative.
    utility_at_zero : float
        Of the alternative, if it cost nothing.
    unit_cost : float

    Raises
    ------
    InputError
        If customers do not mind the price: then no price is too high.
    """
    if not price_coefficient < 0:
        raise InputError(
            f"price_coefficient is {price_coefficient}; it must be negative, or no price is too high"
        )

    def excess(price):
        # markup less the one that the rule asks for; rises through zero once
        share = demand(others, price_coefficient, utility_at_zero, price)
        return (price - unit_cost) * -price_coefficient * (1 - share) - 1

    low = unit_cost
    high = unit_cost - 2 / price_coefficient
    while excess(high) < 0:
        high += -2 / price_coefficient
    return brentq(excess, low, high)
