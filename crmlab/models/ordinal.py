"""Correlations of what lies behind ordinal items: polychoric and polyserial moments, in stacks of samples.

An item is a normal response cut at thresholds. Thresholds follow from the shares of its answers (the first
of Olsson's, 1979, two steps); the response's correlation with another is the one under which the two items'
scores 1, 2, … have the covariance that they have in the sample. Written in Hermite polynomials, an item is
``Σ c_k He_k(y)/√k!``, and Mehler's formula gives that covariance as ``Σ c_k d_k ρ^k``: a polynomial to
invert, no integral to take. With a continuous variable only ``c_1 ρ`` is left. Within groups, thresholds and
means are each group's own, and correlations are the mean of the groups' (Muthén 1984).

Errors follow from each row's influence on the correlations, thresholds estimated: the delta method.
"""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from scipy.special import ndtri

from crmlab.errors import InputError

Array = np.ndarray
TERMS = 24  # of the Hermite expansion; what is left out is below 1e-4 of a variance for |ρ| up to 0.95
STEPS = 30
LARGEST = 0.995  # correlation that two ordinal items may reach


@dataclass(frozen=True, eq=False)
class OrdinalMoments:
    """Correlations of the responses behind ordinal items and of continuous variables.

    Attributes
    ----------
    correlation : array of shape (samples, variables, variables)
        Items first, then continuous variables; NaN in a sample where an item does not vary within a group.
    rows : int
    groups : list of OrdinalGroup
    """

    correlation: Array
    rows: int
    groups: list["OrdinalGroup"]

    def influence(self, weights: Array) -> Array:
        """Each row's influence on ``Σ weights · correlation``: its mean square over rows is the error's.

        Parameters
        ----------
        weights : array of shape (samples, variables, variables)
            Symmetric: the derivative of an estimate in the correlations.

        Returns
        -------
        array of shape (samples, rows)
            Of mean 0. The estimate's variance is the sum of its squares over ``rows²``.
        """
        return np.sum([group.influence(weights) for group in self.groups], axis=0)


def ordinal_moments(items: Array, continuous: Array, groups: Array | None = None) -> OrdinalMoments:
    """Polychoric, polyserial and product-moment correlations of stacks of samples.

    Parameters
    ----------
    items : array of shape (samples, rows, items)
        Answers 1, 2, …
    continuous : array of shape (samples, rows, variables)
        Normal within groups; there may be none.
    groups : array of shape (samples, rows), optional
        To which group each row belongs: 0, 1, …

    Returns
    -------
    OrdinalMoments

    Raises
    ------
    InputError
        If answers are not whole numbers from 1.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> trait, rest = rng.standard_normal((2, 1, 20_000))
    >>> other = 0.6 * trait + 0.8 * rest
    >>> items = np.stack([1.0 + np.searchsorted([0.5, 1.0, 2.0], each) for each in (trait, other)], -1)
    >>> found = ordinal_moments(items, other[..., None]).correlation[0]
    >>> bool(abs(found[0, 1] - 0.6) < 0.03), bool(abs(found[0, 2] - 0.6) < 0.03)
    (True, True)
    """
    items, continuous = np.asarray(items, dtype=float), np.asarray(continuous, dtype=float)
    if not (np.isfinite(items).all() and (items >= 1).all() and (items == np.rint(items)).all()):
        raise InputError("items holds answers that are not whole numbers from 1; recode or drop those rows")
    answers = items.astype(np.intp) - 1
    labels = np.zeros(items.shape[:2]) if groups is None else np.broadcast_to(groups, items.shape[:2])
    values = np.concatenate([items, continuous], -1)
    parts = [OrdinalGroup(answers, values, (labels == label) * 1.0) for label in np.unique(labels)]
    with np.errstate(invalid="ignore"):
        pooled = sum(part.share[:, None, None] * part.correlation for part in parts)
    return OrdinalMoments(pooled, items.shape[1], parts)


class OrdinalGroup:
    """One group's thresholds, expansions and correlations.

    Parameters
    ----------
    answers : array of int, shape (samples, rows, items)
        From 0.
    values : array of shape (samples, rows, variables)
        The items' scores, then the continuous variables.
    member : array of shape (samples, rows)
        1 for the group's rows, 0 for the others.
    """

    def __init__(self, answers: Array, values: Array, member: Array):
        self.items, self.answers, self.member = answers.shape[-1], answers, member
        self.size = np.maximum(member.sum(1), 1.0)
        self.share = member.sum(1) / member.shape[1]
        mean = (member[:, None, :] @ values) / self.size[:, None, None]
        self.centred = (values - mean) * member[..., None]
        self.covariance = self.centred.swapaxes(1, 2) @ self.centred / self.size[:, None, None]
        thresholds = self._thresholds()
        self.polynomials = _hermite(thresholds)
        self.expansion = _expansion(thresholds, self.polynomials)

    def _thresholds(self) -> Array:
        """Normal scores of the shares of answers: ``(samples, items, points - 1)``."""
        samples, _, items = self.answers.shape
        points = int(self.answers.max()) + 1
        cell = (np.arange(samples)[:, None, None] * items + np.arange(items)) * points + self.answers
        weight = np.broadcast_to(self.member[..., None], cell.shape)
        counts = np.bincount(
            cell.ravel().astype(np.intp, copy=False), weight.ravel(), samples * items * points
        )
        below = counts.reshape(samples, items, points).cumsum(-1)[..., :-1] / self.size[:, None, None]
        least = 0.5 / self.size[:, None, None]
        return ndtri(np.clip(below, least, 1 - least))

    @cached_property
    def spread(self) -> Array:
        """Standard deviations of the continuous variables."""
        return np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2)[:, self.items :])

    @cached_property
    def correlation(self) -> Array:
        """Of the responses and the continuous variables: ``(samples, variables, variables)``."""
        k = self.items
        with np.errstate(all="ignore"):
            found = self.covariance.copy()
            found[:, k:, k:] /= self.spread[:, :, None] * self.spread[:, None, :]
            found[:, :k, k:] /= self.expansion[:, :, None, 0] * self.spread[:, None, :]
            found[:, k:, :k] = found[:, :k, k:].swapaxes(1, 2)
            found[:, :k, :k] = self._polychoric()
        diagonal = np.arange(found.shape[-1])
        found[:, diagonal, diagonal] = 1.0
        still = np.diagonal(self.covariance, axis1=1, axis2=2).min(1) <= 0
        return np.where(still[:, None, None], np.nan, found)

    @cached_property
    def _products(self) -> Array:
        """``c_k d_k`` of each pair of items, highest power first: ``(TERMS, samples, items, items)``."""
        each = self.expansion[:, :, None, :] * self.expansion[:, None, :, :]
        return np.moveaxis(each, -1, 0)[::-1].copy()

    def _polynomial(self, rho: Array) -> tuple[Array, Array]:
        """The covariance that two items have at this correlation, and its derivative (Horner's scheme)."""
        value, slope = np.zeros_like(rho), np.zeros_like(rho)
        for coefficient in self._products:
            slope = slope * rho + value
            value = value * rho + coefficient
        return value * rho, slope * rho + value

    def _polychoric(self) -> Array:
        wanted = self.covariance[:, : self.items, : self.items]
        rho = np.clip(wanted / self._products[-1], -LARGEST, LARGEST)
        for _ in range(STEPS):
            value, slope = self._polynomial(rho)
            step = (value - wanted) / slope
            rho = np.clip(rho - step, -LARGEST, LARGEST)
            if not (np.abs(step) > 1e-12).any():
                break
        return rho

    def influence(self, weights: Array) -> Array:
        """Each row's influence on ``Σ weights · correlation``; 0 for rows of other groups."""
        k, rho = self.items, self.correlation
        quadratic, first = weights.copy(), self.expansion[..., 0]
        _, slope = self._polynomial(rho[:, :k, :k])
        pairs = weights[:, :k, :k] / slope * (1 - np.eye(k))
        quadratic[:, :k, :k] = pairs
        quadratic[:, :k, k:] /= first[:, :, None] * self.spread[:, None, :]
        quadratic[:, k:, :k] = quadratic[:, :k, k:].swapaxes(1, 2)
        quadratic[:, k:, k:] /= self.spread[:, :, None] * self.spread[:, None, :]
        at = np.arange(k, weights.shape[-1])
        quadratic[:, at, at] -= (weights * rho).sum(1)[:, k:] / self.spread**2
        powers = rho[:, :k, :k, None] ** np.arange(1, TERMS + 1)
        through = -2 * np.einsum("sab,sbk,sabk->sak", pairs, self.expansion, powers)
        through[..., 0] -= 2 * (weights * rho)[:, :k, k:].sum(-1) / first
        return self._of_rows(quadratic, through)

    def _of_rows(self, quadratic: Array, through: Array) -> Array:
        """Rows' products of values, and what their answers do to the thresholds, less the group's means."""
        steps = -(through[:, :, None, :] * self.polynomials[..., 1:]).sum(-1)  # for an answer below
        table = np.zeros((*steps.shape[:2], steps.shape[2] + 1))
        table[..., :-1] = steps[..., ::-1].cumsum(-1)[..., ::-1]
        score = ((self.centred @ quadratic) * self.centred).sum(-1)
        for item in range(self.items):
            score += np.take_along_axis(table[:, item], self.answers[..., item], axis=1)
        mean = (score * self.member).sum(1) / self.size
        return (score - mean[:, None]) * self.member


def _expansion(thresholds: Array, polynomials: Array) -> Array:
    """c_1 … c_TERMS of an item with these thresholds along the last axis: ``Σ φ(τ) He_{k-1}(τ) / √k!``."""
    density = np.exp(-0.5 * thresholds**2) / sqrt(2 * np.pi)
    return (density[..., None] * polynomials[..., :-1] / np.sqrt(np.arange(1, TERMS + 1))).sum(-2)


def _hermite(points: Array) -> Array:
    """``He_k / √k!`` for k from 0 to TERMS, along a new last axis."""
    found = np.empty((*points.shape, TERMS + 1))
    found[..., 0], found[..., 1] = 1.0, points
    for k in range(2, TERMS + 1):
        found[..., k] = (points * found[..., k - 1] - sqrt(k - 1) * found[..., k - 2]) / sqrt(k)
    return found
