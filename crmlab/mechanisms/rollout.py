"""Branches that get a system one after the other, the keen ones first: sales by quarter."""

from typing import Any

import numpy as np

from crmlab.errors import InputError

Array = np.ndarray
QUARTERS = 8
STARTS = (2, 4, 6)  # a sixth of the branches each; the other half never
AFTER = 2  # quarters from the start on that count
MEMORY, SHOCK = 0.3, 0.6  # of a branch's quarters: correlation with the last one, standard deviation


def starts_of(branches: int) -> Array:
    """First quarter with the system, 0 if never, of branches in the order of their keenness.

    Raises
    ------
    InputError
        With fewer than six branches.
    """
    if branches < 6:
        raise InputError(f"branches is {branches}; give 6 or more, a sixth starts at a time")
    sixth = branches // 6
    starts = np.zeros(branches, dtype=int)
    starts[: 3 * sixth] = np.array(STARTS)[np.arange(3 * sixth) // sixth]
    return starts


def draw_branches(
    branches: int, effect: float, growth: float, keenness: float, trend: float, rng: Any
) -> dict[str, Array]:
    """Levels and sales of branches, in the order of their keenness.

    Parameters
    ----------
    branches : int
    effect : float
        Of the system on sales in its first quarter, standard deviations of branches' levels.
    growth : float
        Share of it that every later quarter adds.
    keenness : float
        How much a branch's level says of how early it starts, against a standard normal.
    trend : float
        What every quarter adds to everybody.
    rng : generator

    Returns
    -------
    dict
        ``level`` of shape (..., branches) and ``sales`` of shape (..., branches, quarters).
    """
    level, other = rng.standard_normal(branches), rng.standard_normal(branches)
    order = np.argsort(-(keenness * level + other), axis=-1)
    level = np.take_along_axis(level, order, axis=-1)
    shocks = [rng.standard_normal(branches) for _ in range(QUARTERS)]
    for at in range(1, QUARTERS):
        shocks[at] = MEMORY * shocks[at - 1] + np.sqrt(1 - MEMORY**2) * shocks[at]
    start, quarter = starts_of(branches)[:, None], np.arange(1, QUARTERS + 1)
    age = np.where(start > 0, quarter - start, -1)
    gained = np.where(age >= 0, effect * (1 + growth * age), 0.0)
    noise = SHOCK * np.stack(shocks, axis=-1)
    return {"level": level, "sales": level[..., None] + trend * quarter + gained + noise}


def by_quarter(sales: Array) -> dict[str, Array]:
    """A row a branch and quarter."""
    branches = sales.shape[-2]
    return {
        "branch": np.repeat(np.arange(branches), QUARTERS),
        "quarter": np.tile(np.arange(1, QUARTERS + 1), branches),
        "start": np.repeat(starts_of(branches), QUARTERS),
        "sales": sales.reshape(*sales.shape[:-2], -1),
    }


def by_branch(sales: Array) -> dict[str, Array]:
    """A row a branch: whether it has the system in the last two quarters, and its mean sales in them."""
    adopted = (starts_of(sales.shape[-2]) > 0) * 1.0
    return {"adopted": adopted, "sales": sales[..., -AFTER:].mean(-1)}


def adopters(sales: Array) -> dict[str, Array]:
    """A row a branch that starts: its first two quarters with the system less the quarter before."""
    starts = starts_of(sales.shape[-2])
    changes = [
        sales[..., starts == start, start - 1 : start - 1 + AFTER].mean(-1)
        - sales[..., starts == start, start - 2]
        for start in STARTS
    ]
    return {"change": np.concatenate(changes, axis=-1)}
