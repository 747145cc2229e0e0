"""How to spend a budget in whole units on several things, when what each earns is known."""

from collections.abc import Sequence

import numpy as np

from crmlab.errors import InputError


def best_allocation(gains: Sequence[Sequence[float]], units: int) -> list[int]:
    """Units for each thing so that together they earn most; exact, by dynamic programming.

    Parameters
    ----------
    gains : sequence of sequences of float
        What 0, 1, 2, … units of each thing earn; a thing takes no more units than its sequence has.
    units : int
        To be spent in full.

    Returns
    -------
    list of int
        Of several equally good ones that with the fewest units for the last things.

    Raises
    ------
    InputError
        If the things cannot take as many units.

    Examples
    --------
    >>> best_allocation([[0.0, 5.0, 6.0], [0.0, 2.0, 9.0]], 3)
    [1, 2]
    """
    room = sum(len(each) - 1 for each in gains)
    if not 0 <= units <= room or not all(len(each) for each in gains):
        raise InputError(f"units is {units}; the {len(gains)} things take 0 to {room} together")
    best, choices = np.array([0.0] + [-np.inf] * units), []
    for each in gains:
        taken = np.full((len(each), units + 1), -np.inf)
        for number, gain in enumerate(each[: units + 1]):
            taken[number, number:] = best[: units + 1 - number] + gain
        choices.append(taken.argmax(0))
        best = taken.max(0)
    spent, left = [], units
    for choice in reversed(choices):
        spent.append(int(choice[left]))
        left -= spent[-1]
    return spent[::-1]
