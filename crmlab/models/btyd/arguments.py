"""Arguments of predictions: broadcast against one another, computed once where they are equal."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from crmlab.models.btyd import checks
from crmlab.models.btyd.checks import Covariates
from crmlab.models.btyd.rows import factorize

Array = npt.NDArray[np.float64]


def row_count(table: Covariates) -> int:
    """Rows of a table of covariates; 1 if it is a single number or None."""
    return len(table) if table is not None and np.ndim(table) else 1


def spread_over(
    tables: Sequence[Covariates], **columns: npt.ArrayLike
) -> tuple[list[Array], tuple[int, ...]]:
    """Columns broadcast against one another and flattened, and the shape to return.

    A single value serves all rows of the covariates in `tables`.
    """
    flat, shape = checks.spread(**columns)
    rows = max(row_count(table) for table in tables)
    if shape == () and rows > 1:
        return [np.repeat(each, rows) for each in flat], (rows,)
    return flat, shape


def shaped(values: npt.ArrayLike, shape: tuple[int, ...]) -> Array | float:
    """Values of customers in the shape of what was asked: a float for a single one."""
    values = np.broadcast_to(values, (int(np.prod(shape)),)).reshape(shape)
    return float(values) if shape == () else values.copy()


def over_unique(function: Callable[..., Array], *arrays: npt.ArrayLike) -> Array:
    """``function(*arrays)`` computed once for each distinct row of its array arguments."""
    n = max(np.size(each) for each in arrays)
    spread = [np.broadcast_to(np.asarray(each, float), (n,)) for each in arrays]
    if n < 256:
        return function(*spread)
    varying = [column for column, each in zip(spread, arrays) if np.size(each) > 1]
    key, size = np.zeros(n, np.int64), 1
    for column in varying:
        code, levels = factorize(column)
        if size * levels >= 1 << 62:
            key, size = factorize(key)
        key, size = key * levels + code, size * levels
    key, size = factorize(key)
    row = np.empty(size, np.intp)
    row[key] = np.arange(n)
    return function(*(column[row] for column in spread))[key]
