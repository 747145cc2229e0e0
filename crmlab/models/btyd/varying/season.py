"""The season as covariates: months, quarters, or waves over the year."""

import calendar
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.errors import InputError, option
from crmlab.models.btyd.varying.clock import Paths
from crmlab.models.btyd.varying.sources import _Addable

Array = npt.NDArray[np.float64]
KINDS = ("monthly", "quarterly", "waves", "waves-2", "waves-3")
YEAR = 365.25


@dataclass(frozen=True)
class Season(_Addable):
    """Covariates of the time of the year, alike for all customers.

    Parameters
    ----------
    kind : {"monthly", "quarterly", "waves", "waves-2", "waves-3"}
        A coefficient for each month or quarter but the last, whose effect is minus the sum of the others' (so
        a coefficient says how far the log of the rate is from its mean over the year); or a cosine and sine,
        with one, two or three waves a year, constant within each week of the year.
    """

    kind: str = "monthly"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"{option('season')} is {self.kind!r}; give one of {', '.join(KINDS)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the coefficients: January, … or quarter_1, … or cosine_1, sine_1, …."""
        if self.kind == "monthly":
            return tuple(calendar.month_name[1:12])
        if self.kind == "quarterly":
            return ("quarter_1", "quarter_2", "quarter_3")
        return tuple(f"{name}_{k}" for k in range(1, self._waves + 1) for name in ("cosine", "sine"))

    @property
    def _waves(self) -> int:
        return int(self.kind[-1]) if self.kind[-1].isdigit() else 1

    @property
    def table(self) -> pd.DataFrame:
        """The covariates of each part of the year: months, quarters or weeks in rows."""
        if self.kind == "monthly":
            return _deviations(list(calendar.month_name[1:]), self.names)
        if self.kind == "quarterly":
            return _deviations([f"quarter_{k}" for k in range(1, 5)], self.names)
        angle = 2.0 * np.pi * (np.arange(53) * 7.0 + 3.5) / YEAR
        columns = [wave(k * angle) for k in range(1, self._waves + 1) for wave in (np.cos, np.sin)]
        return pd.DataFrame(np.column_stack(columns), index=range(1, 54), columns=list(self.names))

    def paths(self, ids: pd.Index, first: Array, end: float) -> Paths:
        """See `crmlab.models.btyd.varying.sources.Source`."""
        begin = pd.Timestamp(0) + pd.Timedelta(days=float(np.floor(first.min())))
        last = pd.Timestamp(0) + pd.Timedelta(days=float(np.floor(max(end, first.max()))))
        if self.kind == "monthly":
            starts = pd.period_range(begin, last + pd.Timedelta(days=1), freq="M")
            code = starts.month.to_numpy() - 1
        elif self.kind == "quarterly":
            starts = pd.period_range(begin, last + pd.Timedelta(days=1), freq="Q")
            code = starts.quarter.to_numpy() - 1
        else:
            days = pd.date_range(begin, last + pd.Timedelta(days=8), freq="D")
            week = (days.day_of_year.to_numpy() - 1) // 7
            change = np.r_[True, np.diff(week) != 0]
            starts, code = days[change], week[change]
        stamps = starts.to_timestamp() if hasattr(starts, "to_timestamp") else starts
        edges = (stamps - pd.Timestamp(0)) / pd.Timedelta(days=1)
        beyond = (last - pd.Timestamp(0)) / pd.Timedelta(days=1) + 40.0
        edges = np.r_[edges.to_numpy(float), beyond]
        levels = self.table.to_numpy(float)
        which = np.zeros(len(ids), np.int64)
        return Paths(self.names, edges, code.astype(np.int64)[None, :], levels, which)


def _deviations(rows: list[str], names: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        np.vstack([np.eye(len(names)), -np.ones(len(names))]), index=rows, columns=list(names)
    )
