"""Response curves: what a dose adds to a share, with a ceiling, by maximum likelihood."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import xlog1py, xlogy

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError, check_known
from crmlab.estimators.regression import Fitted
from crmlab.models.newton import maximise
from crmlab.models.stacked import inverse

PARTS = ("base", "gain", "rate")


@dataclass(frozen=True)
class Curve:
    """One response curve: a name, and the columns of successes, trials and dose."""

    name: str
    successes: str
    trials: str
    dose: str


@dataclass(frozen=True)
class ResponseCurves(Estimator):
    """Shares that rise with a dose toward a ceiling, ``base + gain (1 - exp(-rate dose))``.

    Blattberg & Deighton's (1996) curve of what spending buys. Each curve is fitted by binomial maximum
    likelihood; the covariance of all curves together is the sandwich over rows, so rows may be regions whose
    customers are alike, and one row's curves may move together. Coefficients are called ``"NAME: base"``,
    ``"NAME: gain"`` and ``"NAME: rate"``.

    Parameters
    ----------
    curves : sequence of Curve
    term : str
        The coefficient that is the estimate.
    table : str, optional

    Raises
    ------
    InputError
        If successes are not among the trials, or no row has the dose 0: without it what would have come
        anyway is not known.
    """

    curves: Sequence[Curve]
    term: str
    table: str | None = None

    failure: ClassVar[str] = "a response curve has no maximum: its rows show no bend"

    def __post_init__(self) -> None:
        check_known("term", [self.term], self.terms)

    @property
    def terms(self) -> list[str]:
        """Names of the coefficients."""
        return [f"{curve.name}: {part}" for curve in self.curves for part in PARTS]

    def fitted(self, tables: Tables) -> Fitted:
        """The fits of all cohorts, with the t distribution of rows less three degrees of freedom."""

        def fit():
            columns = tables.columns(self.table)
            parts = [_fit(*_columns(columns, curve)) for curve in self.curves]
            coefficients, influence = (np.concatenate(each, axis=-1) for each in zip(*parts, strict=True))
            rows = influence.shape[-2]
            factor = rows / (rows - len(PARTS))
            spread = factor * (influence.swapaxes(-1, -2) @ influence)
            return Fitted(self.terms, coefficients, spread, float(rows - len(PARTS)))

        return tables.once(("ResponseCurves", tuple(self.curves), self.table), fit)

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        return self.fitted(tables).estimate(self.term)


def _columns(columns, curve):
    check_known("column", (curve.successes, curve.trials, curve.dose), columns)
    found = [np.asarray(columns[name], dtype=float) for name in (curve.successes, curve.trials, curve.dose)]
    successes, trials, dose = (np.atleast_2d(each) for each in np.broadcast_arrays(*found))
    if not ((successes >= 0) & (successes <= trials)).all():
        raise InputError(f"{curve.successes} must lie from 0 to {curve.trials}, its number of trials")
    if not (dose >= 0).all() or not (dose == 0).any(-1).all():
        raise InputError(f"{curve.dose} must not be negative, and 0 in some rows: the zero-spend cell")
    return successes, trials, dose


def _shape(point, dose):
    """The curve and its derivatives in base, gain and the rate's logarithm."""
    base, gain, rate = point[:, :1], point[:, 1:2], np.exp(point[:, 2:])
    left = np.exp(-rate * dose)
    share = base + gain * (1 - left)
    return share, np.stack([np.ones_like(share), 1 - left, gain * rate * dose * left], axis=-1)


def _fit(successes, trials, dose):
    """Coefficients ``(simulations, 3)`` and each row's influence on them ``(simulations, rows, 3)``."""

    def scores(point, which):
        share, slopes = _shape(point, dose[which])
        weight = 1 / (share * (1 - share))
        return slopes * ((successes[which] - trials[which] * share) * weight)[..., None], slopes, weight

    def derivatives(point, which):
        score, slopes, weight = scores(point, which)
        information = (slopes * (trials[which] * weight)[..., None]).swapaxes(-1, -2) @ slopes
        return score.sum(-2), information

    def height(point, which):
        share, _ = _shape(point, dose[which])
        inside = ((share > 0) & (share < 1)).all(-1)
        safe = np.clip(share, 1e-12, 1 - 1e-12)
        found = xlogy(successes[which], safe) + xlog1py(trials[which] - successes[which], -safe)
        return np.where(inside, found.sum(-1), -np.inf)

    every = np.arange(len(dose))
    with np.errstate(all="ignore"):
        point, _ = maximise(derivatives, _start(successes, trials, dose), height=height, largest=2.0)
        score, slopes, weight = scores(point, every)
        spread = inverse((slopes * (trials * weight)[..., None]).swapaxes(-1, -2) @ slopes)
        rate = np.exp(point[:, 2:])
        by_rate = np.concatenate([np.ones((len(point), 2)), rate], axis=-1)
        return point * [1, 1, 0] + rate * [0, 0, 1], (score @ spread) * by_rate[:, None]


def _start(successes, trials, dose):
    """Base from the zero-spend rows, gain from those with most, half of it reached at the middle dose."""

    def pooled(rows):
        share = (successes * rows).sum(-1) / (trials * rows).sum(-1)
        return np.clip(share, 1e-4, 1 - 1e-4)

    base, top = pooled(dose == 0), pooled(dose == dose.max(-1, keepdims=True))
    middle = np.nanmedian(np.where(dose > 0, dose, np.nan), axis=-1)
    return np.stack([base, np.where(top > base, top - base, 1e-3), np.log(np.log(2) / middle)], axis=-1)
