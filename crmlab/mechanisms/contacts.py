"""Contacts of branches' customers by quarter, and the tables in which a change of branches is studied."""

from math import sqrt

import numpy as np

QUARTERS_A_YEAR = 4


def draw_contacts(
    level: np.ndarray,
    shock: float,
    rng: np.random.Generator,
    customers: int = 30,
    persistence: float = 0.5,
    noise: float = 0.5,
) -> np.ndarray:
    """Log contacts of each customer: the branch's level, its shock of the quarter, the customer's own noise.

    Parameters
    ----------
    level : array of shape (branches, quarters)
        Expected log contacts.
    shock : float
        Standard deviation of a branch's shock, an autoregression of the first order in its steady state.
    rng : numpy Generator
    customers : int
        Of each branch.
    persistence : float
        What is left of a shock after a quarter.
    noise : float
        Standard deviation of a customer's log contacts in a quarter.

    Returns
    -------
    array of shape (..., branches, quarters, customers)
    """
    branches, quarters = level.shape
    disturbed, columns = shock * rng.standard_normal(branches), []
    for quarter in range(quarters):
        own = noise * rng.standard_normal(branches * customers)
        branch = level[:, quarter] + disturbed
        columns.append(branch[..., None] + own.reshape(*branch.shape, customers))
        fresh = sqrt(1 - persistence**2) * shock * rng.standard_normal(branches)
        disturbed = persistence * disturbed + fresh
    return np.stack(columns, axis=-2)


def change(contacts: np.ndarray, start: int) -> np.ndarray:
    """Mean from the start on less mean before, over quarters on the last axis."""
    return contacts[..., start:].mean(-1) - contacts[..., :start].mean(-1)


def by_branch(contacts: np.ndarray, treated: np.ndarray, start: int) -> dict[str, np.ndarray]:
    """A row a branch: whether it has CRM, its change, and its slope a year before the start."""
    means = contacts.mean(-1)
    year = (np.arange(start) - (start - 1) / 2) / QUARTERS_A_YEAR
    slope = means[..., :start] @ year / (year @ year)
    return {"crm": treated, "no_crm": 1 - treated, "change": change(means, start), "slope_before": slope}


def by_customer(contacts: np.ndarray, treated: np.ndarray, start: int) -> dict[str, np.ndarray]:
    """A row a customer: whether the branch has CRM, and the customer's change."""
    changes = change(contacts.swapaxes(-1, -2), start)
    branch, _ = np.indices(changes.shape[-2:])
    crm = treated[branch.ravel()]
    return {"crm": crm, "change": changes.reshape(*changes.shape[:-2], -1)}


def by_quarter(contacts: np.ndarray, treated: np.ndarray) -> dict[str, np.ndarray]:
    """A row a branch and quarter: mean log contacts."""
    means = contacts.mean(-1)
    branch, quarter = (index.ravel() for index in np.indices(means.shape[-2:]))
    return {
        "branch": branch,
        "quarter": quarter,
        "crm": treated[branch],
        "log_contacts": means.reshape(*means.shape[:-2], -1),
    }
