"""What is written down month by month: rows of the canonical tables, as columns of small types."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from crmlab.errors import check_known

Columns = dict[str, npt.NDArray[np.generic]]

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
    """Rows as they come, for the tables that are kept.

    Parameters
    ----------
    keep : iterable of str, optional
        Tables; all by default.

    Raises
    ------
    InputError
        If a table is unknown.
    """

    def __init__(self, keep: Iterable[str] | None = None) -> None:
        self.keep = set(SCHEMAS) if keep is None else set(keep)
        check_known("table", self.keep, SCHEMAS)
        self._chunks: dict[str, list[Columns]] = {name: [] for name in SCHEMAS}

    def __contains__(self, table: str) -> bool:
        return table in self.keep

    def add(self, table: str, **columns: npt.ArrayLike) -> None:
        """Write rows down; a column that is one number holds for all rows."""
        if table not in self:
            return
        schema = SCHEMAS[table]
        size = max(np.size(each) for each in columns.values())
        self._chunks[table].append(
            {name: np.broadcast_to(np.asarray(columns[name], kind), (size,)) for name, kind in schema.items()}
        )

    def columns(self, table: str) -> Columns:
        """All rows of a table, in the order in which they came."""
        chunks = self._chunks[table]
        empty = {name: [np.empty(0, kind)] for name, kind in SCHEMAS[table].items()}
        return {
            name: np.concatenate([each[name] for each in chunks] or empty[name]) for name in SCHEMAS[table]
        }

    def extend(self, other: "Ledger") -> None:
        """Append another ledger's rows."""
        for table, chunks in other._chunks.items():
            self._chunks[table] += chunks
