"""A cohort: the simulated tables, and apart from them the truth that made them."""

import html
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.errors import InputError, check_known, listing
from crmlab.words.layout import headings

Columns = Mapping[str, npt.NDArray[Any]]  # of one table: numbers, words or truth values
Kept = TypeVar("Kept")


class Tables:
    """What an analyst sees: named tables, by attribute or name. Estimators are given this, never the truth.

    A table is a mapping of columns to arrays, shaped ``(rows,)``, or ``(simulations, rows)`` when many
    cohorts were drawn at once. It is handed out as a DataFrame when there is one cohort. A table may also be
    a function that returns the mapping: it is called when somebody first wants the table.
    """

    def __init__(self, tables: Mapping[str, Columns | Callable[[], Columns]]) -> None:
        self._columns = dict(tables)
        self._frames: dict[str, pd.DataFrame] = {}
        self._known: dict[Hashable, Any] = {}

    def names(self) -> list[str]:
        """The tables' names, in their order."""
        return list(self._columns)

    def columns(self, name: str | None = None) -> Columns:
        """One table as a mapping of columns to arrays; the only table if `name` is None."""
        if name is None:
            if len(self._columns) != 1:
                raise InputError(f"table is None; there are several, say which: {listing(self._columns)}")
            name = next(iter(self._columns))
        check_known("table", [name], self._columns)
        found = self._columns[name]
        if callable(found):
            found = self._columns[name] = found()
        return found

    def __getitem__(self, name: str) -> pd.DataFrame:
        columns = self.columns(name)
        if name not in self._frames:
            shapes = {np.shape(values) for values in columns.values()}
            if any(len(shape) != 1 for shape in shapes) or len(shapes) > 1:
                raise InputError(
                    f"table {name!r} holds arrays of shapes {sorted(shapes)}; "
                    "a DataFrame needs one length for all columns of one cohort"
                )
            self._frames[name] = pd.DataFrame(columns)
        return self._frames[name]

    def beside(self, *names: str) -> pd.DataFrame:
        """Tables of the same rows side by side: what models of many variables are fitted to."""
        return pd.concat([self[name] for name in names], axis=1)

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except InputError as error:
            raise AttributeError(str(error)) from None

    def once(self, key: Hashable, compute: Callable[[], Kept]) -> Kept:
        """What `compute` returns, computed once for these tables: for estimators that share a fit."""
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]

    def one(self, simulation: int) -> "Tables":
        """The tables of one of the cohorts drawn at once; a column of shape ``(rows,)`` is in all of them."""

        def table(name: str) -> Callable[[], Columns]:
            return lambda: {
                column: values[simulation] if np.ndim(values) > 1 else values
                for column, values in self.columns(name).items()
            }

        return Tables({name: table(name) for name in self._columns})

    def stacked(self) -> "Tables":
        """One cohort as a batch of one: its columns with a first axis of length 1."""
        drawn = Tables({})  # the same columns, and nothing that is kept by `once`: these tables would be
        drawn._columns = self._columns  # part of a cycle, and a cohort outlive its use

        def table(name: str) -> Callable[[], Columns]:
            return lambda: {
                column: np.asarray(values)[None] if np.ndim(values) == 1 else values
                for column, values in drawn.columns(name).items()
            }

        return self.once("stacked", lambda: Tables({name: table(name) for name in self._columns}))

    def drawn_at_once(self, simulations: int) -> "Tables":
        """These tables, which refuse columns that are neither ``(simulations, rows)`` nor ``(rows,)``."""
        for name, table in self._columns.items():
            check = partial(_of_shape, name, table, simulations)
            self._columns[name] = check if callable(table) else check()
        return self


def _of_shape(name: str, table: Columns | Callable[[], Columns], simulations: int) -> Columns:
    columns = table() if callable(table) else table
    for column, values in columns.items():
        shape = np.shape(values)
        if len(shape) != 1 and (len(shape) != 2 or shape[0] != simulations):
            raise InputError(
                f"column {column!r} of table {name!r} has shape {shape} where {simulations} cohorts were "
                "drawn at once; a batched model gives random generators numbers and sizes, never columns. "
                "Set batched=False"
            )
    return columns


class Truth(dict):
    """Latents, potential outcomes and parameters, by name: what a real analyst never sees."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the truth holds no {name!r}; it holds {listing(self)}") from None


class Cohort:
    """Simulated tables and their truth.

    Parameters
    ----------
    tables : dict of str to dict of str to array, or to a function that returns one
        Columns of each table, each of shape ``(rows,)``.
    truth : dict, optional
        Arrays or scalars by name.

    Examples
    --------
    >>> cohort = Cohort({"customers": {"age": np.array([31, 47])}}, truth={"loyal": np.array([True, False])})
    >>> cohort.customers.age.sum()
    78
    """

    def __init__(
        self, tables: Mapping[str, Columns | Callable[[], Columns]], truth: Mapping[str, Any] | None = None
    ) -> None:
        self.tables = Tables(tables)
        self.truth = Truth(truth or {})
        self.parameters = None
        self.seed = None

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_") or name == "tables":
            raise AttributeError(name)
        return getattr(self.tables, name)

    def _lines(self) -> list[tuple[str, str, str, str]]:
        shown = []
        for name in self.tables.names():
            columns = self.tables.columns(name)
            shape = np.shape(next(iter(columns.values()))) if columns else (0,)
            shown.append(
                ("observed", name, " × ".join(f"{length:,}" for length in shape), listing(columns, 12))
            )
        for name, value in self.truth.items():
            shape = np.shape(value)
            if shape:
                shown.append(("truth", name, " × ".join(f"{length:,}" for length in shape), ""))
            else:
                shown.append(("truth", name, "", f"{value:.4g}" if isinstance(value, float) else str(value)))
        return shown

    def __repr__(self) -> str:
        lines = [
            f"{side:9} {name:24} {shape:>10}  {what}".rstrip() for side, name, shape, what in self._lines()
        ]
        return "\n".join([f"Cohort (seed {self.seed})", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>"
            + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in line)
            + "</tr>"
            for line in self._lines()
        )
        head = headings("side", "name", "rows", "holds")
        caption = f"<caption>Cohort, seed {self.seed}</caption>"
        return f"<table>{caption}<thead>{head}</thead><tbody>{rows}</tbody></table>"
