"""Rows within rows: customers of employees of a branch's year, from arrays with an axis for each."""

from collections.abc import Mapping

import numpy as np

Array = np.ndarray


def as_rows(values: Array, axes: int) -> Array:
    """The last `axes` axes as one: a column."""
    return values.reshape(*values.shape[:-axes], -1)


def means_and_halves(people: Mapping[str, Array]) -> dict[str, Array]:
    """Means over the people of a branch's year, and over its halves, of every other one.

    Parameters
    ----------
    people : dict of str to array of shape (..., branches, years, people)

    Returns
    -------
    dict of str to array of shape (..., branches * years)
        For each column ``name``, ``name_1`` and ``name_2``.
    """
    columns: dict[str, Array] = {}
    for name, values in people.items():
        halves = [values[..., first::2].mean(-1) for first in (0, 1)]
        columns |= {name: values.mean(-1), f"{name}_1": halves[0], f"{name}_2": halves[1]}
    return {name: as_rows(values, 2) for name, values in columns.items()}


def customers_of(ratings: Array) -> dict[str, Array]:
    """One row a customer: ``branch``, ``year``, ``employee`` and ``rating``.

    Parameters
    ----------
    ratings : array of shape (..., branches, years, employees, customers)
        Employees are numbered through all branches and years.
    """
    shape = ratings.shape[-4:]
    _, years, staff, customers = shape
    employee = np.arange(np.prod(shape)) // customers
    team = employee // staff
    return {
        "branch": team // years,
        "year": team % years + 1,
        "employee": employee,
        "rating": as_rows(ratings, 4),
    }
