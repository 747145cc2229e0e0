"""Whose orders a result hangs on: what each customer brings in one replay and in another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmlab.game.course import Way
from crmlab.game.decisions import Decision
from crmlab.game.economy import AFTER, ECONOMY, HISTORY, ROUND, Economy

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Contribution:
    """Of one customer to the difference between two replays with the same luck.

    Attributes
    ----------
    number : int
        The customer's.
    own, nothing : float
        What the customer brings with the team's decisions, and if nothing is decided.
    """

    number: int
    own: float
    nothing: float

    @property
    def difference(self) -> float:
        """What the decisions changed."""
        return self.own - self.nothing


def brought(way: Way, decisions: Sequence[Decision], economy: Economy = ECONOMY) -> Floats:
    """What each customer has brought when a way is finished, and will bring, in the market's order.

    The margin of all orders since the history, and the closed form of those to come, discounted to the end of
    the last round as the score is. What the levers cost is not among it.

    Parameters
    ----------
    way : Way
        After `finish`.
    decisions : sequence of Decision
        By round.

    Returns
    -------
    array of shape (customers,)
        In money.
    """
    orders, size = way.books.table("orders"), way.market.number().size
    since = orders["time"] >= HISTORY
    month = np.floor(orders["time"][since]).astype(int)
    end = HISTORY + ROUND * len(decisions)
    price = np.array([*(each.price for each in decisions for _ in range(ROUND)), *[1.0] * AFTER])
    later = np.where(month < end, 1.0, (1.0 - economy.discount) ** (month + 1 - end))
    margin = orders["amount"][since] * (1.0 - economy.goods / price[month - HISTORY]) * later
    came = np.bincount(orders["row"][since].astype(np.intp), margin, minlength=size)
    to_come = way.market.values_left(1.0 - economy.goods, economy.discount)
    return came + to_come * (1.0 - economy.discount) ** AFTER


def largest(numbers: Sequence[npt.NDArray[np.int64]], worth: Sequence[Floats]) -> Contribution:
    """The customer whose worth differs most between two replays; whoever is not in one is worth 0 there.

    Parameters
    ----------
    numbers, worth : pairs of arrays of shape (customers of the replay,)
        With the team's decisions, and with none.
    """
    everybody = np.unique(np.concatenate(numbers))
    own, nothing = np.zeros(everybody.size), np.zeros(everybody.size)
    for held, number, values in zip((own, nothing), numbers, worth):
        held[np.searchsorted(everybody, number)] = values
    at = int(np.argmax(np.abs(own - nothing)))
    return Contribution(int(everybody[at]), float(own[at]), float(nothing[at]))
