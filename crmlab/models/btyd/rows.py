"""Customers as rows: equal ones are kept once, with the number that share them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
BLOCK = 1 << 13  # rows evaluated together; fixed, so sums do not depend on the number of threads


@dataclass
class Rows:
    """Unique rows of the data, each with the number of customers that share it."""

    columns: tuple[Array, ...]
    weight: Array
    purchase: Array | None = None  # covariates of the purchase rate, shape (rows, k)
    dropout: Array | None = None  # covariates of dropout

    def __len__(self) -> int:
        return self.weight.size

    def __getitem__(self, part: slice) -> "Rows":
        def some(table: Array | None) -> Array | None:
            return None if table is None else table[part]

        return Rows(
            tuple(column[part] for column in self.columns),
            self.weight[part],
            some(self.purchase),
            some(self.dropout),
        )

    @property
    def total(self) -> float:
        """Customers in all."""
        return float(self.weight.sum())

    def weighted(self, column: Array) -> float:
        """Sum of a column over customers (not by BLAS, whose threads cost more than they give here)."""
        return float(np.sum(self.weight * column))


def compress(
    columns: Sequence[Array],
    weights: Array | None = None,
    purchase: Array | None = None,
    dropout: Array | None = None,
) -> Rows:
    """Unique rows with their total weight.

    Columns become small integer codes, the codes of a row one integer key, and equal keys are counted.

    Parameters
    ----------
    columns : sequence of float arrays, shape (n,)
    weights : float array, shape (n,), optional
    purchase, dropout : float arrays, shape (n, k), optional
        Covariates, part of what makes a row unique.

    Returns
    -------
    Rows
    """
    every = list(columns) + [
        column for table in (purchase, dropout) if table is not None for column in table.T
    ]
    key, size = np.zeros(len(columns[0]), np.int64), 1
    for column in every:
        code, levels = _code(column)
        if size * levels >= 1 << 62:
            key, size = factorize(key)
        key, size = key * levels + code, size * levels
    chosen, count = _count(key, size, weights)

    def some(table: Array | None) -> Array | None:
        return None if table is None else table[chosen]

    return Rows(tuple(column[chosen] for column in columns), count, some(purchase), some(dropout))


def _code(column: Array) -> tuple[Codes, int]:
    """A column as integers from 0, and how many there may be: whole numbers directly, others by hashing."""
    low, high = column.min(), column.max()
    if high - low < 1 << 22 and (column == np.rint(column)).all():
        return (column - low).astype(np.int64), int(high - low) + 1
    return factorize(column)


def factorize(values: Array | Codes) -> tuple[Codes, int]:
    """Values as integers from 0, in the order in which they appear, and how many there are."""
    codes, levels = pd.factorize(values)
    return codes.astype(np.int64, copy=False), len(levels)


def _count(key: Codes, size: int, weights: Array | None) -> tuple[npt.NDArray[np.intp], Array]:
    """One row of each key, and the number (or total weight) of rows that share it."""
    if size > (1 << 16) + 4 * key.size:  # a table of all possible keys would cost more than hashing
        key, size = factorize(key)
    present = np.bincount(key.astype(np.intp, copy=False), weights, minlength=1)
    found = np.flatnonzero(present)
    row = np.empty(present.size, np.intp)
    row[key] = np.arange(key.size)
    return row[found], present[found].astype(float)
