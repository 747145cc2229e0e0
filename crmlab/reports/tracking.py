"""Repeat purchases by calendar time, made and expected, of all customers and of each cohort."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmlab.data.queries import DAYS, EPOCH, Rules
from crmlab.models.btyd.varying import DatedHistories
from crmlab.models.btyd.varying.dated import moment_of
from crmlab.plots.btyd import cohort_curve
from crmlab.reports.asking import Asked
from crmlab.reports.segments import by_cohort


@dataclass(frozen=True)
class Born:
    """Customers by the moments of their first purchases, whose curve a model that looks at dates draws.

    Attributes
    ----------
    histories : DatedHistories
    start : datetime64
        The day at which calendar time is 0.
    unit : float
        Days in the unit of time.
    """

    histories: DatedHistories
    start: np.datetime64
    unit: float

    def curve(self, model: Any, times: np.ndarray) -> np.ndarray:
        """Repeat purchases expected by calendar times, shape (k,)."""
        return model.expected_by(moment_of(self.start) + np.asarray(times) * self.unit, self.histories)


@dataclass(frozen=True)
class Tracking:
    """Repeat purchases by calendar time, of the customers that a model was fitted to.

    Attributes
    ----------
    births : (array, array)
        Times of first purchases, in the unit of time since the first of all, and customers with each.
    times : array, shape (k + 1,)
        Ends of the periods, the first being the start. The last period ends with the observation and may be
        shorter than the others.
    purchases : array, shape (k,)
    calibration_end : float or None
    days : int
        Length of a period, in days.
    start : datetime64
        The day of the first purchase of all.
    repeats : pandas.DataFrame
        first and moment (days since 1970), purchases.
    unit : float
        Days in the unit of time.
    histories : DatedHistories or None
        Of the customers, where the model looks at dates.
    """

    births: tuple[np.ndarray, np.ndarray]
    times: np.ndarray
    purchases: np.ndarray
    calibration_end: float | None
    days: int
    start: np.datetime64
    repeats: pd.DataFrame
    unit: float
    histories: DatedHistories | None = None

    @property
    def whole_periods(self) -> int:
        """Periods of full length."""
        lengths = np.rint(np.diff(self.times) * self.unit)
        return int((lengths == self.days).sum())

    @property
    def ends(self) -> np.ndarray:
        """Last days of the periods, as datetime64."""
        return self.start + np.rint(self.times[1:] * self.unit).astype("timedelta64[D]")

    def expected(self, model: Any) -> np.ndarray:
        """Purchases that a model expects of each period, shape (k,)."""
        return np.diff(cohort_curve(model, self.born(), self.times))

    def born(self, cohort: np.ndarray | None = None) -> Any:
        """What `crmlab.plots.btyd.cohort_curve` wants to know of the customers born on some days, or on all.

        Parameters
        ----------
        cohort : bool array, shape (days of birth,), optional
        """
        if self.histories is None:
            return self.births if cohort is None else tuple(each[cohort] for each in self.births)
        if cohort is None:
            return Born(self.histories, self.start, self.unit)
        days = np.rint(self.births[0][cohort] * self.unit) + moment_of(self.start)
        some = np.flatnonzero(np.isin(self.histories.first, days))
        return Born(self.histories.some(some), self.start, self.unit)

    def births_by_day(self) -> pd.Series:
        """Customers by day of first purchase."""
        days = self.start + np.rint(self.births[0] * self.unit).astype("timedelta64[D]")
        return pd.Series(self.births[1], index=pd.DatetimeIndex(days))

    def holdout_by_cohort(self, model: Any) -> pd.DataFrame | None:
        """Purchases of the holdout by cohort: made, and expected by a model of new customers.

        What a model expects of customers whose purchases in calibration it does not look at: so a cohort
        that buys more than others shows.
        """
        if self.calibration_end is None:
            return None
        split = self.start + np.timedelta64(round(self.calibration_end * self.unit), "D")
        later = self.repeats["moment"] > (split - np.datetime64(EPOCH, "D")).astype(int)
        cohort, names, made = by_cohort(self.births_by_day(), self.repeats[later])
        ends = np.array([self.calibration_end, self.times[-1]])
        expected = [
            float(np.diff(cohort_curve(model, self.born(cohort == k), ends))[0]) for k in range(len(names))
        ]
        return pd.DataFrame({"made": made, "expected": expected}, index=names)


def tracked(repeats: pd.DataFrame, rules: Rules, asked: Asked) -> Tracking:
    """Repeat purchases in weeks (or days, or four weeks) since the first purchase of all.

    Parameters
    ----------
    repeats : pandas.DataFrame
        Of `crmlab.data.summary.Tally`.
    asked : Asked
        The customers that are tracked.
    """
    summary = asked.summary
    unit = DAYS[rules.time_unit]
    age = np.rint(summary["T"].to_numpy() * unit).astype(int)
    last = np.datetime64(rules.split or rules.end)
    start = last - age.max()
    length = int((np.datetime64(rules.end) - start).astype(int))
    step = 1 if length <= 28 else 7 if length <= 1400 else 28
    edges = np.unique(np.r_[np.arange(0, length + 1, step), length])
    when = repeats["moment"].to_numpy() - (start - np.datetime64(EPOCH, "D")).astype(int)
    # A period ends with its last day.
    purchases = np.histogram(when, edges + 0.5, weights=repeats["purchases"].to_numpy(float))[0]
    born, code = np.unique(age.max() - age, return_inverse=True)
    counts = np.bincount(code, asked.weights)
    split = None if rules.split is None else float((last - start).astype(int)) / unit
    return Tracking(
        (born / unit, counts),
        edges / unit,
        purchases,
        split,
        step,
        start,
        repeats,
        unit,
        getattr(asked, "histories", None),
    )
