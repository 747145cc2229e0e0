"""The theory's market made like the user's tables: with as many rows and, where it can, the same margins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import brentq

from crmlab.analysis.needs import Needs
from crmlab.analysis.preparing import Prepared
from crmlab.design import Design, Tables
from crmlab.errors import InputError
from crmlab.models.reliability import cronbach_alpha
from crmlab.theories import design_of

MOST_ROWS = (
    20_000  # that are simulated of a table, or as many as in the lesson: beyond it time grows, power hardly
)
LOOKED_AT = 4_000  # customers from which a simulated margin is read
SEED = 1


@dataclass(frozen=True)
class Size:
    """How a whole-number parameter shows in a table.

    Attributes
    ----------
    parameter, table : str
    unit : str
        The column whose distinct values count it; empty where the rows do.
    """

    parameter: str
    table: str
    unit: str


@dataclass(frozen=True)
class Margin:
    """A margin of the user's tables, and what the simulated market has of it.

    Attributes
    ----------
    parameter, statistic, column : str
    yours, simulated : float
    value : float
        What the parameter was set to.
    """

    parameter: str
    statistic: str
    column: str
    yours: float
    simulated: float
    value: float


@cache
def sizes_of(theory: str) -> tuple[Size, ...]:
    """Which parameter makes a table longer, found out by changing each."""
    design = design_of(theory)
    found = []
    before = _lengths(design.simulate(SEED).tables)
    for name in design.parameters.names():
        value = getattr(design.parameters, name)
        if type(value) is not int:
            continue
        try:
            after = _lengths(design.replace(**{name: 2 * value}).simulate(SEED).tables)
        except InputError:
            continue
        for table, (rows, units) in before.items():
            moved = [
                unit
                for unit, many in units.items()
                if after[table][1].get(unit, many) == 2 * many == 2 * value
            ]
            if moved:
                found.append(Size(name, table, moved[0]))
            elif after[table][0] != rows:
                found.append(Size(name, table, ""))
    return tuple(found)


def _lengths(tables: Tables) -> dict[str, tuple[int, dict[str, int]]]:
    """Rows of each table, and distinct values of its columns of whole numbers."""
    found = {}
    for name in tables.names():
        columns = tables.columns(name)
        whole = {each: values for each, values in columns.items() if np.asarray(values).dtype.kind == "i"}
        units = {each: len(np.unique(values)) for each, values in whole.items()}
        found[name] = len(next(iter(columns.values()))), units
    return found


def like_tables(
    needs: Needs, design: Design, prepared: Prepared
) -> tuple[dict[str, Design], list[Margin], set[str]]:
    """For each hypothesis the design with the rows it was tested on; margins; where rows could not be met.

    The last is a set that may hold ``capped``, fewer rows are simulated, and ``raised``, more are.
    """
    design, margins = _with_margins(needs, design, prepared)
    like, limits = {}, set[str]()
    for hypothesis in design.hypotheses:
        reads = {
            table for name in hypothesis.estimators for table, _ in needs.schema.reads[hypothesis.name, name]
        }
        reads |= {other for table in reads for other in needs.sample_of(table).tables}
        wanted, cut = _wanted(needs.theory, design, prepared.tables, reads)
        like[hypothesis.name] = _allowed(design, wanted)
        limits |= {"capped"} if cut else set()
        met = like[hypothesis.name].parameters
        limits |= {"raised"} if any(getattr(met, name) > value for name, value in wanted.items()) else set()
    return like, margins, limits


def _wanted(theory: str, design: Design, tables: Tables, reads: set[str]) -> tuple[dict[str, int], bool]:
    """The sizes at which tables are as long as the user's shortest, units first; and whether cut short."""
    yours = _lengths(Tables({name: tables.columns(name) for name in tables.names() if name in reads}))
    sizes = [each for each in sizes_of(theory) if each.table in yours]
    units: dict[str, int] = {}
    for each in sizes:
        if each.unit in yours[each.table][1]:
            units[each.parameter] = min(yours[each.table][1][each.unit], units.get(each.parameter, 10**9))
    usual = _lengths(_allowed(design, units).simulate(SEED).tables)
    rows: dict[str, float] = {}
    for each in sizes:
        if each.parameter not in units and usual[each.table][0]:
            ratio = yours[each.table][0] / usual[each.table][0]
            rows[each.parameter] = min(rows.get(each.parameter, np.inf), ratio)
    wanted = units | {name: round(getattr(design.parameters, name) * ratio) for name, ratio in rows.items()}
    lesson = _lengths(design_of(theory).simulate(SEED).tables)
    room = [max(MOST_ROWS, lesson[name][0]) / many for name, (many, _) in yours.items() if many]
    shrunk = min(room, default=1.0)
    if shrunk < 1:
        wanted = {name: max(1, round(value * shrunk)) for name, value in wanted.items()}
    return wanted, shrunk < 1


def _allowed(design: Design, wanted: Mapping[str, int]) -> Design:
    """The design with these sizes, as near as its ranges let them be."""
    for name, value in wanted.items():
        low, high = design.parameters.range_of(name)
        design = design.replace(**{name: int(min(max(value, low), high))})
    return design


# Margins ------------------------------------------------------------------------------------------------

STATISTICS: dict[str, Callable[[Sequence[np.ndarray]], float]] = {
    "mean": lambda columns: float(np.nanmean(columns[0])),
    "correlation": lambda columns: float(np.corrcoef(columns[0], columns[1])[0, 1]),
    "alpha": lambda columns: float(cronbach_alpha(np.column_stack(columns)).value),
}


def _with_margins(needs: Needs, design: Design, prepared: Prepared) -> tuple[Design, list[Margin]]:
    """The design with each parameter set so that its margin is the user's, by a search over markets."""
    margins = []
    for parameter, about in needs.margins.items():
        places = [tuple(each.split(".")) for each in about["of"]]
        columns = [_column(prepared.tables, *place) for place in places]
        if any(each is None for each in columns):
            continue
        statistic = about.get("statistic", "mean")
        try:
            yours = STATISTICS[statistic](columns)
        except InputError:  # items that do not vary have no alpha
            continue
        if not np.isfinite(yours):
            continue
        value, found = _searched(design, parameter, about, places, STATISTICS[statistic], yours)
        moved = design.replace(**{parameter: value})
        try:
            for name in moved.presets:
                moved.preset(name)
        except InputError:  # in a market so extreme a preset's claim can no longer be just false
            continue
        design = moved
        margins.append(Margin(parameter, statistic, places[0][1], yours, found, value))
    return design, margins


def _column(tables: Tables, table: str, column: str) -> np.ndarray | None:
    if table not in tables.names() or column not in tables.columns(table):
        return None
    return np.asarray(tables.columns(table)[column], dtype=float)


def _searched(
    design: Design,
    parameter: str,
    about: Mapping[str, Any],
    places: Sequence[tuple[str, ...]],
    statistic: Any,
    yours: float,
) -> tuple[float, float]:
    """The parameter's value at which the simulated statistic is the user's, or the nearer end."""
    sized = (
        _allowed(design, {"n_customers": LOOKED_AT}) if hasattr(design.parameters, "n_customers") else design
    )

    def simulated(value: float) -> float:
        tables = sized.replace(**{parameter: value}).simulate(SEED).tables
        return statistic([np.asarray(tables.columns(table)[column], dtype=float) for table, column in places])

    low, high = float(about["low"]), float(about["high"])
    ends = simulated(low), simulated(high)
    if not min(ends) < yours < max(ends):
        value = low if abs(ends[0] - yours) < abs(ends[1] - yours) else high
    else:
        value = float(brentq(lambda at: simulated(at) - yours, low, high, xtol=1e-3, maxiter=60))
    value = round(value, 4)
    return value, simulated(value)
