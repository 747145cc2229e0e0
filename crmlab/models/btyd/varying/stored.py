"""Sources of covariates as JSON: the calendar, what is alike for all customers, names of what is not.

A table with rows of customers may be large and is nobody's but theirs, so that a file holds the names of its
covariates, and whoever asks the model that was read gives the table again.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.errors import InputError, listing
from crmlab.models.btyd.fields import LONGEST, Fields
from crmlab.models.btyd.varying.clock import Paths
from crmlab.models.btyd.varying.season import KINDS, Season
from crmlab.models.btyd.varying.sources import ByPeriod, Nothing, Source, Together, _Addable

Array = npt.NDArray[np.float64]
DEEPEST = 10  # sums within sums


@dataclass(frozen=True)
class Absent(_Addable):
    """Covariates of customers that a file names and does not hold."""

    names: tuple[str, ...]

    def paths(self, ids: pd.Index, first: Array, end: float) -> Paths:
        """Refuse: they have to be given."""
        raise InputError(
            f"the model was read from a file, which holds no customers: give {listing(self.names)} again, as "
            f"purchase_covariates or dropout_covariates, the way the model was fitted"
        )


def as_json(source: Source) -> dict[str, Any]:
    """What a file says of a source."""
    if isinstance(source, Together):
        return {"kind": "sum", "of": [as_json(each) for each in source.sources]}
    if isinstance(source, Nothing):
        return {"kind": "nothing"}
    if isinstance(source, Season):
        return {"kind": "season", "season": source.kind}
    if (
        isinstance(source, ByPeriod)
        and source.customer_id not in source.table
        and len(source.table) <= LONGEST
    ):
        days = (pd.to_datetime(source.table[source.period]) - pd.Timestamp(0)) / pd.Timedelta(days=1)
        values = source.table[[name for name in source.table if str(name) in source.names]]
        return {
            "kind": "by period",
            "names": list(source.names),
            "days": days.tolist(),
            "values": [values[name].astype(float).tolist() for name in values],
        }
    return {"kind": "of customers", "names": list(source.names)}


def from_json(read: Fields, depth: int = 0) -> Source:
    """The source that a file tells of."""
    kind, found = read.text("kind"), None
    if kind == "nothing":
        found = Nothing()
    elif kind == "season":
        season = read.text("season")
        if season not in KINDS:
            raise read.error("season", f"is {season!r:.60}", f"known are {listing(KINDS)}")
        found = Season(season)
    elif kind == "of customers":
        found = Absent(tuple(read.names("names")))
    elif kind == "by period":
        found = _by_period(read)
    elif kind == "sum" and depth < DEEPEST:
        parts = read.sequence("of")
        found = Together(
            tuple(from_json(part(read, "of", j, each), depth + 1) for j, each in enumerate(parts))
        )
    else:
        raise read.error("kind", f"is {kind!r:.60}", "update crmlab to read this file")
    read.nothing_else()
    return found


def part(read: Fields, name: str, number: int, values: Any) -> Fields:
    """One part of a list of parts."""
    if not isinstance(values, dict):
        raise read.error(name, f"holds {str(values)!r:.60}", "it is a list of parts with fields of their own")
    return Fields(values, read.of, f"{read.path}{name}.{number}.")


def _by_period(read: Fields) -> ByPeriod:
    names, days, columns = read.names("names"), read.vector("days"), read.sequence("values")
    each = Fields(dict(zip(names, columns)), read.of, f"{read.path}values.")
    table = {name: each.vector(name, len(days)) for name in names}
    if len(columns) != len(names) or not np.isfinite(days).all() or np.abs(days).max(initial=0.0) > 1e5:
        raise read.error("values", "is no table of periods", "save the model again")
    period = "period" if "period" not in names else "first day of a period"
    stamps = pd.Timestamp(0) + pd.to_timedelta(days, unit="D")
    return ByPeriod(pd.DataFrame({period: stamps, **table}), customer_id="", period=period)
