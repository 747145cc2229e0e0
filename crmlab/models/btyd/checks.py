"""Refuse bad customer data with a sentence that names the argument, the rows and the remedy."""

from collections.abc import Sequence
from typing import NoReturn, SupportsFloat, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from crmlab.errors import InputError

Array = npt.NDArray[np.float64]
# One row a customer; what is no table of names is taken as an array, shape (n,) or (n, k).
Covariates: TypeAlias = pd.DataFrame | pd.Series | Array | Sequence[float] | Sequence[Sequence[float]] | None

SHOWN = 5  # offending rows named in a message


def numbers(name: str, values: npt.ArrayLike, remedy: str = "give numbers") -> Array:
    """A column as a float array of shape (n,).

    Raises
    ------
    InputError
        If it is not one-dimensional, is empty, or holds dates, text, NaN or infinite values.
    """
    if isinstance(values, pd.DataFrame) or np.ndim(values) != 1:
        shape = "a table" if isinstance(values, pd.DataFrame) else f"of dimension {np.ndim(values)}"
        raise InputError(f"{name} is {shape}; give one column with one value a customer")
    raw = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    if raw.dtype.kind in "mM":
        raise InputError(
            f"{name} holds dates or durations ({raw.dtype}); give numbers in one unit of time, "
            f"for example days since the first purchase"
        )
    if raw.dtype.kind == "c":
        raise InputError(f"{name} holds complex numbers; {remedy}")
    if raw.dtype.kind not in "biuf":
        raw = _from_objects(name, raw, remedy)
    column = raw.astype(float, copy=False)
    if column.size == 0:
        raise InputError(f"{name} is empty; give at least one customer")
    if not np.isfinite(column.sum()):  # one pass; the rows are looked for only when something is wrong
        refuse(name, column, ~np.isfinite(column), "not a finite number", "drop or repair these rows")
    return column


def _from_objects(name: str, raw: npt.NDArray[np.object_], remedy: str) -> Array:
    number = pd.to_numeric(pd.Series(raw), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    text = np.fromiter((isinstance(value, (str, bytes)) or value is None for value in raw), bool, len(raw))
    bad = text | np.isnan(number)
    if bad.any():
        refuse(name, raw, bad, "not a number", remedy)
    return number


def refuse(
    name: str,
    column: Sequence[object] | npt.NDArray[np.generic],
    bad: npt.NDArray[np.bool_],
    trouble: str,
    remedy: str,
    other: tuple[str, Array] | None = None,
) -> NoReturn:
    """Raise an InputError about the rows where `bad` is true; `other` is (name, column) to show beside."""
    rows = np.flatnonzero(bad)
    shown = []
    for row in rows[:SHOWN]:
        beside = f" with {other[0]} {_show(other[1][row])}" if other else ""
        shown.append(f"row {row}: {_show(column[row])}{beside}")
    more = f", and {rows.size - SHOWN} more" if rows.size > SHOWN else ""
    raise InputError(
        f"{name} is {trouble} in {rows.size} of {len(column)} rows, counted from 0 "
        f"({'; '.join(shown)}{more}); {remedy}"
    )


def _show(value: object) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:g}"
    return repr(value.item() if isinstance(value, np.generic) else value)


def same_length(**columns: npt.ArrayLike | None) -> None:
    """Refuse columns of unequal length, naming each one's."""
    lengths = {name: np.size(column) for name, column in columns.items() if column is not None}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise InputError(f"columns of unequal length: {told}; give one row a customer in each")


def counts(name: str, values: npt.ArrayLike, least: int = 0) -> Array:
    """A column of whole numbers, at least `least`, as floats."""
    column = numbers(name, values, "give whole numbers")
    if column.min() < least:
        refuse(name, column, column < least, f"below {least}", f"it is a count of at least {least}")
    if not (column == np.rint(column)).all():
        refuse(
            name,
            column,
            column != np.rint(column),
            "not a whole number",
            "it counts purchases; are the columns in the right order?",
        )
    return column


def positive(name: str, values: npt.ArrayLike, remedy: str) -> Array:
    """A column of numbers above 0."""
    column = numbers(name, values)
    if column.min() <= 0:
        refuse(name, column, column <= 0, "not above 0", remedy)
    return column


def at_least_0(name: str, values: npt.ArrayLike) -> Array:
    """A column of numbers of at least 0."""
    column = numbers(name, values)
    if column.min() < 0:
        refuse(name, column, column < 0, "negative", "give a number of at least 0")
    return column


def spread(**columns: npt.ArrayLike) -> tuple[list[Array], tuple[int, ...]]:
    """Columns broadcast against one another and flattened, and their common shape.

    Returns
    -------
    list of arrays of shape (n,), tuple
    """
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    try:
        shape = np.broadcast_shapes(*(each.shape for each in arrays.values()))
    except ValueError:
        told = ", ".join(f"{name} has {each.shape}" for name, each in arrays.items())
        raise InputError(
            f"shapes that do not go together: {told}; give one value, or one a customer"
        ) from None
    return [np.broadcast_to(each, shape).ravel() for each in arrays.values()], shape


def weights_for(weights: npt.ArrayLike | None, n: int) -> Array:
    """Weights (how many customers each row stands for) as floats of shape (n,); ones if None."""
    if weights is None:
        return np.ones(n)
    return positive("weights", weights, "a weight says how many customers a row stands for")


def history(
    frequency: npt.ArrayLike,
    recency: npt.ArrayLike,
    T: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    end: str = "T",
) -> tuple[Array, Array, Array, Array]:
    """Check one customer summary: counts and times measured from each customer's first purchase.

    Parameters
    ----------
    frequency : array_like, shape (n,)
        Repeat purchases, whole numbers from 0.
    recency : array_like, shape (n,)
        Time of the last purchase, 0 where there was no repeat purchase.
    T : array_like, shape (n,)
        Time at which observation ended, in the unit of `recency`.
    weights : array_like, shape (n,), optional
        How many customers each row stands for.
    end : str
        What messages call the third column.

    Returns
    -------
    tuple of float arrays
        frequency, recency, T and weights (ones if not given).

    Raises
    ------
    InputError
        Naming the argument, how many rows offend and the first of them.
    """
    frequency = counts("frequency", frequency)
    recency = numbers("recency", recency)
    T = numbers(end, T)
    same_length(frequency=frequency, recency=recency, **{end: T}, weights=weights)
    weights = weights_for(weights, frequency.size)
    if recency.min() < 0:
        refuse("recency", recency, recency < 0, "negative", "measure it from the customer's first purchase")
    if T.min() < 0:
        refuse(end, T, T < 0, "negative", "measure it from the customer's first purchase")
    if (recency > T).any():
        refuse(
            "recency",
            recency,
            recency > T,
            f"later than {end}",
            "both run from the first purchase and must be in the same unit of time",
            (end, T),
        )
    idle = (frequency == 0) & (recency > 0)
    if idle.any():
        refuse(
            "recency",
            recency,
            idle,
            "above 0 where frequency is 0",
            "a customer without a repeat purchase has recency 0",
            ("frequency", frequency),
        )
    return frequency, recency, T, weights


def covariates(name: str, values: Covariates, n: int) -> tuple[tuple[str, ...], Array | None]:
    """Covariates as (names, array of shape (n, k)); (empty tuple, None) if `values` is None."""
    if values is None:
        return (), None
    table = _table(name, values)
    if len(table) != n:
        raise InputError(f"{name} has {len(table)} rows for {n} customers; give one row a customer")
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise InputError(f"{name} has more than one column {twice!r}; rename or leave out the others")
    columns = [numbers(f"{name}[{column!r}]", table[column]) for column in table.columns]
    return tuple(str(column) for column in table.columns), np.column_stack(columns)


def _table(name: str, values: Covariates) -> pd.DataFrame:
    """Covariates with names for their columns."""
    if isinstance(values, pd.DataFrame):
        return values
    if isinstance(values, pd.Series):
        return values.to_frame(values.name if values.name is not None else "covariate")
    array = np.asarray(values)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2:
        raise InputError(f"{name} has {array.ndim} dimensions; give a table with one row a customer")
    return pd.DataFrame(array, columns=[f"covariate_{j + 1}" for j in range(array.shape[1])])


def one_number(
    name: str, value: SupportsFloat | str, low: float = 0.0, strict: bool = True, high: float = np.inf
) -> float:
    """A single finite number within (low, high] (or [low, high] unless `strict`) as float."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r}; give one number") from None
    if not (number > low if strict else number >= low) or number > high or not np.isfinite(number):
        above = f"above {low:g}" if strict else f"at least {low:g}"
        raise InputError(
            f"{name} is {number:g}; give a finite number {above}"
            + (f" and at most {high:g}" if np.isfinite(high) else "")
        )
    return number


def normal_reach(level: float) -> float:
    """Half the width of a normal interval of this level, in standard errors."""
    return float(ndtri(0.5 + 0.5 * level))
