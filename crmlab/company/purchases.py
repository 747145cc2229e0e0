"""Purchases and leaving, in continuous time with rates that are constant within a month.

With u a uniform number of customer and month, Q the Poisson quantile and Δ the part of the month since
joining,

    N0 = Q(u, λ Δ)          events of the base clock: at each the customer leaves with chance p_t
    N1 = Q(u, λ Δ exp(η))   purchases, as long as he has not left

and event k < max(N0, N1) has a time, a coin and an amount of its own. A higher rate only *adds* purchases:
the others keep times and amounts (a quantile coupling). As the base clock alone ends relations, an effect
on purchases has none on staying. With η = 0 and p constant the two clocks are one, and this is BG/NBD (Fader,
Hardie & Lee 2005, doi:10.1287/mksc.1040.0098); amounts are Gamma(p) / ν with ν ~ Gamma(q, γ).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import expit, gammaincinv

from crmlab.company.branches import NEVER
from crmlab.company.customers import Customers
from crmlab.company.month import Month
from crmlab.company.streams import poisson_quantile
from crmlab.errors import InputError

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
MOST_IN_A_MONTH = 600.0  # expected purchases; the quantile's first probability is above 0 up to 700
SECOND_CHANNEL_SHARE = 0.4  # of the orders of those who have taken it up


@dataclass(frozen=True, eq=False)
class Purchases:
    """A month's purchases, one a row, of the customers who were active.

    Attributes
    ----------
    row : array of int
        Whose.
    count : array of int
        Number of the event in the customer's month, from 0.
    time : array
        Months since the company began.
    bought : array of int, shape (active,)
        Repeat purchases of each customer; their rows come first.
    first : array of bool, shape (active,)
        Whose first purchase falls into this month; it is in the rows with count -1.
    now : Customers
        The active.
    month : Month
    """

    row: Rows
    count: npt.NDArray[np.int64]
    time: Array
    bought: npt.NDArray[np.int64]
    first: Flags
    now: Customers
    month: Month

    @cached_property
    def amount(self) -> Array:
        """Currency, drawn when somebody first asks."""
        luck = self.month.draw.uniform(self.now.key[self.row], "amounts", self.count + 1)
        return gammaincinv(self.month.p.p, luck) / self.now.spend_rate[self.row] * self.month.price

    @cached_property
    def second_channel(self) -> Flags:
        """Whether it came through the second channel."""
        luck = self.month.draw.uniform(self.now.key[self.row], "channel", self.count + 1)
        return uses_channel(self.now, self.month)[self.row] & (luck < SECOND_CHANNEL_SHARE)

    @property
    def money(self) -> Array:
        """Each active customer's spend, shape (active,)."""
        return np.bincount(self.row, self.amount, self.bought.size).astype(float)

    @property
    def money_again(self) -> Array:
        """Each active customer's spend on repeat purchases, shape (active,)."""
        again = self.bought.sum()
        return np.bincount(self.row[:again], self.amount[:again], self.bought.size).astype(float)


def appeal(now: Customers, month: Month, member: Flags, mailed: Flags) -> Array:
    """η: what attitude, membership, mailings, a second channel and price add to the log rate."""
    p = month.p
    eta = p.attitude_to_purchase * now.attitude + p.membership_to_purchase * member
    eta += now.mailing * mailed + p.channel_to_purchase * uses_channel(now, month)
    return eta + p.price_elasticity * np.log(month.price)


def chance_of_leaving(now: Customers, month: Month, kept: Flags) -> Array:
    """p_t: the chance that an event of the base clock is a customer's last."""
    p, satisfied = month.p, now.satisfaction - month.p.usual_satisfaction
    return expit(
        now.leaving
        - p.satisfaction_to_staying * satisfied
        - p.commitment_to_staying * now.commitment
        - p.switching_cost_to_staying * now.switching_cost
        - p.satisfaction_x_switching_cost * satisfied * now.switching_cost
        + p.rivals_to_leaving * month.rivals(now)
        - p.retention_offer_to_staying * kept
    )


def buy(now: Customers, month: Month, eta: Array, chance: Array) -> Purchases:
    """Draw the month's purchases and who leaves; `now` learns of both.

    Raises
    ------
    InputError
        If somebody would buy more than 600 times a month.
    """
    start = np.maximum(now.joined, month.number)
    part = month.number + 1 - start
    base, mean = now.rate * part, now.rate * part * np.exp(eta)
    if mean.size and max(base.max(), mean.max()) > MOST_IN_A_MONTH:
        raise InputError(
            f"a customer would buy {max(base.max(), mean.max()):.0f} times in month {month.number}, and "
            f"{MOST_IN_A_MONTH:g} is the most; lower r/alpha or the effects …_to_purchase"
        )
    u = month.draw.uniform(now.key, "purchases")
    clock, wanted = poisson_quantile(np.tile(u, 2), np.concatenate([base, mean])).reshape(2, -1)
    row, count = events(np.maximum(clock, wanted))
    key = now.key[row]
    at, coin = month.draw.uniform(key, ("times", "leaving"), count)
    time = start[row] + part[row] * at
    ends = (coin < chance[row]) & (count < clock[row])
    gone = np.full(len(now), np.inf)
    np.minimum.at(gone, row[ends], time[ends])
    kept = (count < wanted[row]) & (time <= gone[row])
    now.left = np.minimum(now.left, gone)
    now.alive = np.isinf(now.left)
    return _made(now, month, row[kept], count[kept], time[kept])


def _made(now: Customers, month: Month, row: Rows, count: npt.NDArray[np.int64], time: Array) -> Purchases:
    """The repeat purchases, and the first purchases of those who have joined."""
    bought = np.bincount(row, minlength=len(now))
    first = now.joined >= month.number
    new = np.flatnonzero(first)
    row, time = np.concatenate([row, new]), np.concatenate([time, now.joined[new]])
    count = np.concatenate([count, np.full(new.size, -1)])
    return Purchases(row, count, time, bought, first, now, month)


def events(counts: npt.NDArray[np.int64]) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Row and number of each event, where row i has ``counts[i]``.

    Examples
    --------
    >>> events(np.array([2, 0, 1]))
    (array([0, 0, 2]), array([0, 1, 0]))
    """
    row = np.repeat(np.arange(counts.size, dtype=np.intp), counts.astype(np.intp, copy=False))
    before = np.cumsum(counts) - counts
    return row, np.arange(row.size) - before[row]


def uses_channel(now: Customers, month: Month) -> Flags:
    """Whether each customer has taken up the second channel, where there is one."""
    return (now.channel <= month.number) & (month.switch("second_channel") != 0)


def is_member(now: Customers, month: Month) -> Flags:
    """Whether each customer is a member of a scheme that runs."""
    forced = month.switch("membership")
    runs = month.decision.scheme is not False if forced is None else bool(forced)
    return (now.member <= month.number) & (now.member < NEVER) & runs
