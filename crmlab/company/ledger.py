"""What is written down month by month: rows of the canonical tables, as columns of small types."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from crmlab.errors import check_known

Columns = dict[str, npt.NDArray[np.generic]]
Column = npt.ArrayLike | Callable[[], npt.ArrayLike]
Keep = Iterable[str] | Mapping[str, Iterable[str]]

# Tables whose rows come month by month: column and type
SCHEMAS: dict[str, dict[str, str]] = {
    "orders": {
        "order_id": "int64",
        "customer_id": "int64",
        "branch_id": "int16",
        "channel": "int8",
        "month": "int16",
        "time": "float64",
        "amount": "float32",
        "margin": "float32",
    },
    "exposures": {
        "customer_id": "int64",
        "campaign_id": "int16",
        "month": "int16",
        "sent": "bool",
        "read": "bool",
        "propensity": "float32",
    },
    "surveys": {
        "customer_id": "int64",
        "month": "int16",
        "satisfaction": "int8",
        "attitude": "int8",
        "switching_cost": "int8",
        "alternatives": "int8",
        "intention": "int8",
    },
    "complaints": {
        "customer_id": "int64",
        "branch_id": "int16",
        "employee_id": "int64",
        "month": "int16",
        "redressed": "bool",
    },
    "reviews": {"customer_id": "int64", "branch_id": "int16", "month": "int16", "stars": "int8"},
    "retention_offers": {"customer_id": "int64", "month": "int16"},
    "experiences": {
        "customer_id": "int64",
        "month": "int16",
        "expectation": "float32",
        "surprise": "float32",
        "satisfaction": "float32",
    },
    "months": {
        "month": "int16",
        "active": "int64",
        "satisfaction": "float64",
        "buyers": "int64",
        "stars": "int64",
        "members": "int64",
        "orders": "int64",
        "revenue": "float64",
    },
}


class Ledger:
    """Rows as they come, for the tables and columns that are kept.

    Parameters
    ----------
    keep : iterable of str, or mapping of str to iterable of str, optional
        Tables, or tables and their columns; everything by default.

    Raises
    ------
    InputError
        If a table or column is unknown.
    """

    def __init__(self, keep: Keep | None = None) -> None:
        tables = SCHEMAS if keep is None else keep
        wanted = tables if isinstance(tables, Mapping) else {name: SCHEMAS.get(name, ()) for name in tables}
        check_known("table", wanted, SCHEMAS)
        for name, columns in wanted.items():
            check_known("column", columns, SCHEMAS[name])
        self._schemas = {
            name: {column: SCHEMAS[name][column] for column in columns} for name, columns in wanted.items()
        }
        self._chunks: dict[str, list[Columns]] = {name: [] for name in self._schemas}
        self._sizes: dict[str, list[int]] = {name: [] for name in self._schemas}

    def __contains__(self, table: str) -> bool:
        return table in self._schemas

    def keeps(self, table: str) -> bool:
        """Whether all columns of a table are kept."""
        return self._schemas.get(table) == SCHEMAS[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self._schemas)

    def add(self, table: str, rows: int, **columns: Column) -> None:
        """Write rows down.

        Parameters
        ----------
        table : str
        rows : int
        **columns
            Arrays of shape (rows,); numbers, which hold for all rows; or functions that return an array,
            called if the column is kept.
        """
        if table not in self or not rows:
            return
        chunk = {}
        for name, kind in self._schemas[table].items():
            values = columns[name]
            chunk[name] = np.asarray(values() if callable(values) else values, kind)
        self._chunks[table].append(chunk)
        self._sizes[table].append(rows)

    def columns(self, table: str) -> Columns:
        """All rows of a table, in the order in which they came; none if it is not kept."""
        chunks, sizes = self._chunks.get(table, []), self._sizes.get(table, [])
        kinds = self._schemas.get(table, SCHEMAS[table])
        return {name: _joined([each[name] for each in chunks], sizes, kind) for name, kind in kinds.items()}

    def extend(self, other: "Ledger") -> None:
        """Append another ledger's rows, of the same tables and columns."""
        for table in self:
            self._chunks[table] += other._chunks[table]
            self._sizes[table] += other._sizes[table]

    def split(
        self, told_apart: Callable[[Columns], tuple[npt.NDArray[np.integer], Columns]], parts: int
    ) -> "list[Ledger]":
        """The rows of each part, in their order.

        Parameters
        ----------
        told_apart : function
            From a table's columns the part of each row, and the columns as the parts have them.
        parts : int
        """
        found = [Ledger(self._schemas) for _ in range(parts)]
        for table in self:
            whose, columns = told_apart(self.columns(table))
            part = whose.astype(np.int16)
            order = np.argsort(part, kind="stable")
            edges = np.searchsorted(part[order], np.arange(parts + 1))
            for ledger, start, stop in zip(found, edges, edges[1:], strict=False):
                rows = order[start:stop]
                ledger._chunks[table].append({name: values[rows] for name, values in columns.items()})
                ledger._sizes[table].append(rows.size)
        return found

    def copy(self) -> "Ledger":
        """The rows up to now."""
        other = Ledger(self._schemas)
        other.extend(self)
        return other


def _joined(chunks: list[npt.NDArray[np.generic]], sizes: list[int], kind: str) -> npt.NDArray[np.generic]:
    """Columns one after the other, of which some may be one number for all rows."""
    if all(each.ndim == 0 for each in chunks):
        return np.repeat(np.array(chunks, kind), np.array(sizes, int))
    return np.concatenate(
        [each if each.ndim else np.broadcast_to(each, size) for each, size in zip(chunks, sizes, strict=True)]
    )
