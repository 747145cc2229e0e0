"""Who stays: log-odds of two sides that move each other by the quarter, and what turnover leaves of skill."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from crmlab.errors import InputError

Array = np.ndarray


def draw_retention(
    paths: Array, usual: Mapping[str, Array], shock: float, quarters: int, rng: Any, run_in: int = 24
) -> dict[str, Array]:
    """Log-odds of staying, quarter by quarter, around what is usual in each unit.

    Parameters
    ----------
    paths : array of shape (sides, sides)
        What a log-odds more brings next quarter: rows to, columns from.
    usual : dict of str to array of shape (units,) or (simulations, units)
        Log-odds that are usual, by side.
    shock : float
        Standard deviation of a quarter's own log-odds.
    quarters, run_in : int
        Recorded, and before the first of them.
    rng : generator
        Draws ``standard_normal(units)``.

    Returns
    -------
    dict of str to array
        ``side_1`` … for each side.
    """
    shape = next(iter(usual.values())).shape
    moved = np.zeros((len(usual), *shape))
    columns: dict[str, Array] = {}
    for quarter in range(1 - run_in, quarters + 1):
        shocks = np.stack([rng.standard_normal(shape[-1]) for _ in usual])
        moved = np.tensordot(paths, moved, 1) + shock * shocks
        if quarter > 0:
            columns |= {
                f"{side}_{quarter}": level + moved[at] for at, (side, level) in enumerate(usual.items())
            }
    return columns


def lagged(retention: Mapping[str, Array], sides: tuple[str, ...], quarters: int) -> dict[str, Array]:
    """A row a unit and quarter but the first: ``side`` and, a quarter before, ``side_before``; ``branch``.

    Parameters
    ----------
    retention : dict of str to array of shape (..., units)
        As `draw_retention` returns it.
    """
    units = retention[f"{sides[0]}_1"].shape[-1]
    columns = {"branch": np.tile(np.arange(units), quarters - 1)}
    for side in sides:
        for name, first in ((f"{side}_before", 1), (side, 2)):
            wanted = [retention[f"{side}_{at}"] for at in range(first, first + quarters - 1)]
            columns[name] = np.concatenate(wanted, -1)
    return columns


def mean_tenure(leaving: float) -> float:
    """Quarters that an employee stays on average, if a share `leaving` of them leaves each quarter."""
    _check_share("leaving", leaving)
    return 1 / leaving


def mean_skill(leaving: float, unlearnt: float) -> float:
    """Mean skill of a branch whose staff leave at random and learn as they stay, in shares of all there is.

    Whoever has stayed t quarters lacks ``g**t`` of the skill (g is `unlearnt`, what a quarter leaves of a
    lack); in the long run a share ``h (1 - h)**t`` of staff has stayed t. So the mean is
    ``1 - h / (1 - g (1 - h))``.

    Raises
    ------
    InputError
        If a share is not above 0 and at most 1, or `unlearnt` is not below 1.
    """
    _check_share("leaving", leaving)
    if not 0 <= unlearnt < 1:
        raise InputError(f"unlearnt is {unlearnt}; it must lie from 0 to below 1")
    return 1 - leaving / (1 - unlearnt * (1 - leaving))


def skill_after(leaving: Array, unlearnt: float, start: float) -> Array:
    """Mean skill at the end of each quarter, where the share that leaves differs from quarter to quarter.

    The mean lack follows ``L' = h + (1 - h) g L``: who leaves is replaced by someone who lacks all.

    Parameters
    ----------
    leaving : array of shape (quarters,)
    unlearnt : float
        What a quarter leaves of a lack.
    start : float
        Mean skill before the first quarter.
    """
    lack, found = 1 - start, []
    for share in leaving:
        lack = share + (1 - share) * unlearnt * lack
        found.append(1 - lack)
    return np.array(found)


def _check_share(name: str, share: float) -> None:
    if not 0 < share <= 1:
        raise InputError(f"{name} is {share}; it must lie above 0 and be at most 1")
