"""Slopes of changes in a balanced panel of few units, with errors that leave out one unit at a time.

Units and times have effects of their own, so only what changes within a unit, and not for all units alike,
tells. Variances are the jackknife's over units, CR3, with as many degrees of freedom as units less one; with
few units that holds better than the sandwich does (Cameron & Miller 2015, doi:10.3368/jhr.50.2.317).

A mean of few rows is the unit's level and noise, and within units little else may move: least squares then
finds ``l b + (1 - l) w``, with `l` the reliability of the means and `w` the slope within units (Lüdtke et
al. 2008, doi:10.1037/a0012869). Halves of a unit's rows, drawn at random, have independent noise. With
outcome and regressor of one half and the regressor of the other as the instrument, and the reverse,

    slope = Σ (x2 y1 + x1 y2) / Σ 2 x1 x2        after effects of units and times were taken out.

Outcomes of *all* rows with an instrument of one half would keep that half's noise in both. Where real changes
are few the denominator is small and uncertain, and the ratio far from normal; its interval and test are
Fieller's, which divide by no estimate.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError, check_known
from crmlab.models.ratio import Ratio

Array = np.ndarray


def as_panel(values: Array, units: Array, times: Array) -> Array:
    """A column of a balanced panel by unit and time.

    Parameters
    ----------
    values : array of shape (rows,) or (simulations, rows)
    units, times : arrays of shape (rows,)

    Returns
    -------
    array of shape (units, times) or (simulations, units, times)

    Raises
    ------
    InputError
        If a unit has a time twice, or not at all.
    """
    names, unit = np.unique(units, return_inverse=True)
    moments, time = np.unique(times, return_inverse=True)
    place = (unit * len(moments) + time).astype(np.intp, copy=False)
    seen = np.bincount(place, minlength=len(names) * len(moments))
    if (seen != 1).any():
        at = int(np.flatnonzero(seen != 1)[0])
        raise InputError(
            f"unit {names[at // len(moments)]} has {seen[at]} rows at time {moments[at % len(moments)]}; "
            "give each unit one row a time, or drop the units that lack some"
        )
    values = np.asarray(values, dtype=float)
    return values[..., np.argsort(place)].reshape(*values.shape[:-1], len(names), len(moments))


def two_way_deviations(panel: Array) -> Array:
    """A balanced panel less its units' and its times' means, plus the mean; shape ``(..., units, times)``."""
    return (
        panel
        - panel.mean(-1, keepdims=True)
        - panel.mean(-2, keepdims=True)
        + panel.mean((-2, -1), keepdims=True)
    )


@dataclass(frozen=True)
class PanelSlope(Estimator):
    """One slope with an effect for each unit and each time; or, of halves, free of the noise in means.

    Parameters
    ----------
    outcome, regressor : str, or pair of str
        Columns; a pair is the two halves' means. Two equal names are one measurement without such noise.
    table : str
    unit, time : str
        Columns that number the panel, alike in all cohorts; each unit has each time once.

    Notes
    -----
    With halves of the regressor the p-value is for a slope above 0, and the interval may be endless.
    """

    outcome: str | tuple[str, str]
    regressor: str | tuple[str, str]
    table: str
    unit: str
    time: str

    failure = "the regressor does not change within units, or there are fewer than three"

    def sums(self, tables: Tables) -> tuple[Array, Array]:
        """Each unit's part of the slope's numerator and denominator, ``(simulations, units)``."""
        columns = tables.columns(self.table)
        wanted = dict.fromkeys([*_pair(self.outcome), *_pair(self.regressor), self.unit, self.time])
        check_known("column", wanted, columns)
        units, times = (_shared(columns[each], each) for each in (self.unit, self.time))
        (y1, y2), (x1, x2) = (
            [two_way_deviations(as_panel(columns[name], units, times)) for name in _pair(names)]
            for names in (self.outcome, self.regressor)
        )
        return (x2 * y1 + x1 * y2).sum(-1), (2 * x1 * x2).sum(-1)

    def left_out(self, tables: Tables) -> tuple[Array, Array]:
        """The slope ``(simulations,)``, and without each unit ``(simulations, units)``, times' means anew."""
        top, bottom = self.sums(tables)
        again = top.shape[-1] / (top.shape[-1] - 1) if top.shape[-1] > 1 else np.nan
        whole, base = top.sum(-1), bottom.sum(-1)
        return whole / base, (whole[..., None] - again * top) / (base[..., None] - again * bottom)

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        with np.errstate(all="ignore"):
            slope, without = self.left_out(tables)
            freedom = without.shape[-1] - 1.0
            if isinstance(self.regressor, str):
                return Estimate(slope, _jackknife(slope, without), freedom)
            ratio = self.ratio(tables)
            return Estimate(
                slope,
                _jackknife(slope, without),
                freedom,
                interval=ratio.fieller(degrees_of_freedom=freedom),
                p_value=stdtr(freedom, -ratio.z()),
            )

    def ratio(self, tables: Tables) -> Ratio:
        """Numerator and denominator with the jackknife's covariance over units."""
        sums = np.stack(self.sums(tables), -1)
        units = sums.shape[-2]
        apart = (sums - sums.mean(-2, keepdims=True)) * units / (units - 1)
        covariance = (units - 1) / units * apart.swapaxes(-1, -2) @ apart
        return Ratio(sums[..., 0].sum(-1), sums[..., 1].sum(-1), covariance)


@dataclass(frozen=True)
class PanelProduct(Estimator):
    """The product of two slopes of one panel, as of an indirect effect; units are left out of both at once.

    Where both are 0 its test rejects far too rarely: such products are not normal.

    Parameters
    ----------
    first, second : PanelSlope
    """

    first: PanelSlope
    second: PanelSlope

    failure = PanelSlope.failure

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        with np.errstate(all="ignore"):
            (first, without), (second, again) = (each.left_out(tables) for each in (self.first, self.second))
            error = _jackknife(first * second, without * again)
            return Estimate(first * second, error, without.shape[-1] - 1.0)


def _pair(names: str | tuple[str, str]) -> tuple[str, str]:
    return (names, names) if isinstance(names, str) else names


def _shared(column: Array, name: str) -> Array:
    rows = np.atleast_2d(column)
    if (rows != rows[0]).any():
        raise InputError(f"{name} differs between cohorts; number the rows of all cohorts alike")
    return rows[0]


def _jackknife(value: Array, without: Array) -> Array:
    units = without.shape[-1]
    return np.sqrt((units - 1) / units * ((without - value[..., None]) ** 2).sum(-1))
