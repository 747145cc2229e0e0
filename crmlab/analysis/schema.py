"""What a theory's estimators read, found out from its own simulated tables: columns, kinds and ranges.

Nothing here is written by hand: a cohort is simulated, each estimator is run without each column in turn,
and a column is needed where the estimate fails or changes. So truth, which estimators are never given,
can never be asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from crmlab.design import Estimate, Tables
from crmlab.design.estimate import EstimationFailed
from crmlab.errors import InputError
from crmlab.theories import design_of

KINDS = ("yes_no", "scale", "count", "id", "period", "share", "positive", "number", "category", "other")
POINTS = 11  # the most points of an answering scale
PERIODS = {"year", "quarter", "month", "week", "wave", "visit"}
SEED = 1
Column = tuple[str, str]  # table and column


@dataclass(frozen=True)
class Seen:
    """A column as the simulation draws it.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    low, high : float
        Range of a yes/no, a scale or a share; minus and plus infinity elsewhere, 0 from below for counts.
    dtype : numpy dtype
        Of the simulated column: estimators are given the user's in the same.
    """

    kind: str
    low: float
    high: float
    dtype: np.dtype


def seen(name: str, values: np.ndarray) -> Seen:
    """The kind and range of a simulated column; see `Seen`."""
    dtype = np.asarray(values).dtype
    if dtype.kind not in "bif" or not np.size(values):
        return Seen("other", -np.inf, np.inf, dtype)  # words, dates, nothing: what no file is asked for
    values = np.asarray(values, dtype=float)
    kind = _kind(name, values[np.isfinite(values)])
    return Seen(kind, *range_of(kind, values), dtype)


def range_of(kind: str, values: np.ndarray) -> tuple[float, float]:
    """The range of a kind: of a scale the simulated one, of the others what their nature says."""
    if kind in ("scale", "category") and np.isfinite(values).any():
        return float(np.nanmin(values)), float(np.nanmax(values))
    low = 0.0 if kind in ("yes_no", "count", "share", "positive") else -np.inf
    return low, 1.0 if kind in ("yes_no", "share") else np.inf


def _kind(name: str, known: np.ndarray) -> str:
    distinct = np.unique(known)
    low, high, whole = distinct[0], distinct[-1], bool((distinct == np.round(distinct)).all())
    contiguous = whole and high - low == len(distinct) - 1
    if name in PERIODS and whole:
        return "period"
    if set(distinct) <= {0.0, 1.0}:
        return "yes_no"
    if contiguous and low == 0 and len(known) > len(distinct) > 2 * POINTS:
        return "id"
    if contiguous and low == 1 and high <= POINTS:
        return "scale"
    if whole and low >= 0:
        return "count"
    return "positive" if low >= 0 and not name.startswith("log_") and _piled_up(known) else "number"


def _piled_up(known: np.ndarray) -> bool:
    """Whether values pile up towards 0, as times and amounts do, so that 0 is their end and not chance."""
    return bool(known.min() == 0 or ((known - known.mean()) ** 3).mean() > 0.8 * known.std() ** 3)


@dataclass(frozen=True)
class Schema:
    """The tables of a theory and who reads what.

    Attributes
    ----------
    columns : dict of (table, column) to Seen
    reads : dict of (hypothesis, estimator) to tuple of (table, column)
    rows : dict of str to int
        Rows of each simulated table.
    """

    columns: Mapping[Column, Seen]
    reads: Mapping[tuple[str, str], tuple[Column, ...]]
    rows: Mapping[str, int]


@cache
def schema_of(theory: str) -> Schema:
    """The schema of a theory, by its lesson: from one cohort of its default market."""
    design = design_of(theory)
    tables = design.simulate(SEED).tables
    held = {name: dict(tables.columns(name)) for name in tables.names()}
    columns = {
        (name, column): seen(column, values)
        for name, table in held.items()
        for column, values in table.items()
    }
    reads = {
        (hypothesis.name, name): _read(estimator, held)
        for hypothesis in design.hypotheses
        for name, estimator in hypothesis.estimators.items()
    }
    rows = {name: len(next(iter(table.values()))) for name, table in held.items()}
    return Schema(columns, reads, rows)


class _Noting(dict[str, Any]):
    """Tables by name that remember which of them were looked up, by whatever shares them."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        super().__init__(tables)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)


class _Watched(Tables):
    """Tables that remember which of them were asked for, also as a batch of one."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        super().__init__(tables)
        self._columns = _Noting(tables)

    @property
    def asked(self) -> set[str]:
        return self._columns.asked


def _read(estimator: Any, held: Mapping[str, Mapping[str, np.ndarray]]) -> tuple[Column, ...]:
    """The columns without which an estimator fails, or says something else."""
    watched = _Watched(held)
    whole = estimator(watched)
    found = []
    for name in held:
        if name not in watched.asked:
            continue
        for column in held[name]:
            left = {each: values for each, values in held[name].items() if each != column}
            if _changed(estimator, Tables({**held, name: left}), whole):
                found.append((name, column))
    return tuple(found)


def _changed(estimator: Any, tables: Tables, whole: Estimate) -> bool:
    try:
        other = estimator(tables)
    except (InputError, EstimationFailed, KeyError, AttributeError, ValueError, IndexError, ArithmeticError):
        return True
    return not (other.value == whole.value and other.standard_error == whole.standard_error)
