"""Ordered probit, for one survey or for many of the same size in one pass.

    y* = x'β + u,  u ~ N(0, 1);   y = k where τ_k < y* <= τ_(k+1)

statsmodels' `OrderedModel` fits one survey and takes its Hessian by finite differences, a fifth of a second;
a diagnosis needs thousands. This is the same likelihood with its derivatives written out, and Newton's
method on all surveys at once. A test holds the two to each other.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from crmlab.errors import InputError
from crmlab.models.newton import maximise
from crmlab.models.stacked import inverse

TOLERANCE = 1e-7  # of a Newton step; what is left after it is of the order of its square
SMALLEST = 1e-300  # of a probability whose logarithm is taken


@dataclass(frozen=True)
class OrderedProbitFit:
    """Maximum likelihood estimates of many ordered probits.

    Attributes
    ----------
    coefficients : array of shape (surveys, terms)
        β, in standard deviations of the latent error. NaN where there is no maximum.
    thresholds : array of shape (surveys, levels - 1)
        τ, rising; `levels - 1` of them, the first between the two lowest levels.
    covariance : array of shape (surveys, terms, terms)
        Of the coefficients: their block of the inverse of the observed information.
    log_likelihood : array of shape (surveys,)
    """

    coefficients: np.ndarray
    thresholds: np.ndarray
    covariance: np.ndarray
    log_likelihood: np.ndarray


def fit_ordered_probit(
    responses: np.ndarray, matrix: np.ndarray, levels: int | None = None
) -> OrderedProbitFit:
    """Fit ordered probits by maximum likelihood.

    Parameters
    ----------
    responses : array of shape (surveys, rows)
        Whole numbers from 0 to ``levels - 1``.
    matrix : array of shape (surveys, rows, terms)
        Without a constant, whose place the thresholds take.
    levels : int, optional
        One more than the largest response if not given.

    Returns
    -------
    OrderedProbitFit
        All NaN for a survey whose terms are collinear or whose likelihood has no maximum. A level that nobody
        ticked is left out: its threshold, the one above it, is NaN, and all else is estimated without it.

    Raises
    ------
    InputError
        If the shapes do not fit, or responses are not such whole numbers.
    """
    responses, matrix = np.asarray(responses), np.asarray(matrix, dtype=float)
    if responses.ndim != 2 or matrix.ndim != 3 or matrix.shape[:2] != responses.shape:
        raise InputError(
            f"responses of shape {responses.shape} and matrix of shape {matrix.shape} do not fit; "
            "give (surveys, rows) and (surveys, rows, terms)"
        )
    levels = int(responses.max()) + 1 if levels is None else levels
    ticked = responses[..., None] == np.arange(levels)
    if not ticked.any(-1).all():
        raise InputError(f"responses must be whole numbers from 0 to {levels - 1}; code them so")
    used = ticked.any(1)
    surveys, terms = len(matrix), matrix.shape[-1]
    whole = OrderedProbitFit(
        np.full((surveys, terms), np.nan),
        np.full((surveys, levels - 1), np.nan),
        np.full((surveys, terms, terms), np.nan),
        np.full(surveys, np.nan),
    )
    for count in np.unique(used.sum(1)):  # surveys with as many levels in use are fitted together
        at = np.flatnonzero(used.sum(1) == count)
        if count < 2 or matrix.shape[1] <= count + terms:
            continue
        rank = used[at].cumsum(1) - 1
        coded = np.take_along_axis(rank, responses[at].astype(np.intp), 1)
        fitted = _newton(coded, matrix[at], int(count))
        whole.coefficients[at], whole.covariance[at] = fitted.coefficients, fitted.covariance
        whole.log_likelihood[at] = fitted.log_likelihood
        row, level = np.nonzero(used[at])
        keep = rank[row, level] < count - 1
        whole.thresholds[at[row[keep]], level[keep]] = fitted.thresholds.ravel()
    return whole


def _newton(responses, matrix, levels):
    """Fits of surveys in which every level was ticked."""
    ticked = (responses[..., None] == np.arange(levels)).astype(float)

    def derivatives(parameters, which):
        return _derivatives(parameters, responses[which], matrix[which], ticked[which], levels)

    def height(parameters, which):
        return _log_likelihood(parameters, responses[which], matrix[which], levels)

    start = _start(responses, matrix, ticked)
    parameters, settled = maximise(derivatives, start, height=height, tolerance=TOLERANCE)
    terms, at = matrix.shape[-1], np.flatnonzero(settled)
    covariance, value = np.full((len(matrix), terms, terms), np.nan), np.full(len(matrix), np.nan)
    if len(at):
        covariance[at] = inverse(derivatives(parameters[at], at)[1])[:, levels - 1 :, levels - 1 :]
        value[at] = height(parameters[at], at)
    return OrderedProbitFit(parameters[:, levels - 1 :], parameters[:, : levels - 1], covariance, value)


def _start(responses, matrix, ticked):
    """Where Newton's method begins.

    Least squares on the levels' numbers, in standard deviations of its residual, and the thresholds that
    give the shares ticked.
    """
    centred = matrix - matrix.mean(1, keepdims=True)
    numbers = responses - responses.mean(1, keepdims=True)
    squares = centred.swapaxes(-1, -2) @ centred
    slopes = (inverse(squares) @ (centred.swapaxes(-1, -2) @ numbers[..., None]))[..., 0]
    slopes = np.nan_to_num(slopes)
    fitted = (centred @ slopes[..., None])[..., 0]
    residual = np.sqrt(((numbers - fitted) ** 2).mean(1))[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes = np.where(residual > 1e-6, slopes / residual, 0.0)
    index = (matrix @ slopes[..., None])[..., 0]
    share = ticked.sum(1).cumsum(1)[:, :-1] / matrix.shape[1]
    cuts = index.mean(1)[:, None] + np.sqrt(1 + index.var(1))[:, None] * ndtri(share)
    return np.concatenate([cuts, slopes], axis=1)


def _bounds(parameters, responses, matrix, levels):
    """Upper and lower limit of each row's error, infinite at the ends of the scale."""
    padded = np.pad(parameters[:, : levels - 1], ((0, 0), (1, 1)), constant_values=(-np.inf, np.inf))
    index = (matrix @ parameters[:, levels - 1 :, None])[..., 0]
    upper = np.take_along_axis(padded, responses.astype(np.intp) + 1, 1) - index
    lower = np.take_along_axis(padded, responses.astype(np.intp), 1) - index
    return upper, lower


def _chances(upper, lower):
    """Probability between the limits; from the nearer tail, where no digits cancel."""
    flip = lower > 0
    return ndtr(np.where(flip, -lower, upper)) - ndtr(np.where(flip, -upper, lower))


def _log_likelihood(parameters, responses, matrix, levels):
    with np.errstate(all="ignore"):
        chances = _chances(*_bounds(parameters, responses, matrix, levels))
        total = np.log(np.maximum(chances, SMALLEST)).sum(1)
        rising = (np.diff(parameters[:, : levels - 1], axis=1) > 0).all(1)
        return np.where(rising & np.isfinite(total), total, -np.inf)


def _derivatives(parameters, responses, matrix, ticked, levels):
    """Score ``(surveys, parameters)`` and observed information, thresholds first.

    With a and b a row's limits and p the probability between them, ``d log p = (φ(a) da - φ(b) db) / p``; da
    is 1 for the threshold above and -x for β. What is summed over the rows of each level is summed by one
    product with the matrix of who ticked what.
    """
    upper, lower = _bounds(parameters, responses, matrix, levels)
    with np.errstate(all="ignore"):
        chances = np.maximum(_chances(upper, lower), SMALLEST)
        above = np.exp(-0.5 * upper**2) / np.sqrt(2 * np.pi) / chances
        below = np.exp(-0.5 * lower**2) / np.sqrt(2 * np.pi) / chances
        at_above = -np.where(np.isfinite(upper), upper, 0.0) * above - above**2  # second derivative in a
        at_below = np.where(np.isfinite(lower), lower, 0.0) * below - below**2  # in b
    across = above * below
    whole = at_above + at_below + 2 * across  # in the index
    columns = [above, below, at_above, at_below, across]
    pulled_up, pulled_down = matrix * (at_above + across)[..., None], matrix * (at_below + across)[..., None]
    stacked = np.concatenate([np.stack(columns, -1), pulled_up, pulled_down], axis=-1)
    sums = ticked.swapaxes(-1, -2) @ stacked
    cuts, terms = levels - 1, matrix.shape[-1]
    score = np.concatenate(
        [sums[:, :-1, 0] - sums[:, 1:, 1], ((below - above)[:, None, :] @ matrix)[:, 0]], axis=1
    )
    bend = np.zeros((len(parameters), cuts + terms, cuts + terms))
    diagonal = np.arange(cuts)
    bend[:, diagonal, diagonal] = sums[:, :-1, 2] + sums[:, 1:, 3]
    bend[:, diagonal[:-1], diagonal[1:]] = bend[:, diagonal[1:], diagonal[:-1]] = sums[:, 1:-1, 4]
    mixed = -(sums[:, :-1, 5 : 5 + terms] + sums[:, 1:, 5 + terms :])
    bend[:, :cuts, cuts:], bend[:, cuts:, :cuts] = mixed, mixed.swapaxes(-1, -2)
    bend[:, cuts:, cuts:] = (matrix * whole[..., None]).swapaxes(-1, -2) @ matrix
    return score, -bend
