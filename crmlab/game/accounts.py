"""A firm's accounts: what came in and what each lever cost, month by month."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from crmlab.game.economy import ECONOMY, ROUND, Economy


@dataclass(frozen=True)
class Entry:
    """The accounts of a month, in money.

    Attributes
    ----------
    month : int
        From 0.
    revenue : float
        At the prices that were paid, before coupons.
    goods, coupons, letters, service, points, push, crm, offers : float
        Costs.
    """

    month: int
    revenue: float
    goods: float
    coupons: float = 0.0
    letters: float = 0.0
    service: float = 0.0
    points: float = 0.0
    push: float = 0.0
    crm: float = 0.0
    offers: float = 0.0

    @property
    def costs(self) -> float:
        """All of them."""
        return sum(getattr(self, name) for name in COSTS)

    @property
    def profit(self) -> float:
        """Revenue less costs."""
        return self.revenue - self.costs


COSTS = tuple(each.name for each in fields(Entry)[2:])


@dataclass(frozen=True)
class Plan:
    """What was settled when the round began: the levers, who is sent what, and the customers that count.

    Attributes
    ----------
    price, service, push : float
    scheme, crm, introduces : bool
        `introduces`: the CRM system was not there in the round before.
    active : int
        Customers with an order in the last six months.
    mailed, offered : int
        Letters of a mailing, offers of the round.
    """

    price: float = 1.0
    service: float = 0.0
    push: float = 0.0
    scheme: bool = False
    crm: bool = False
    introduces: bool = False
    active: int = 0
    mailed: int = 0
    offered: int = 0


def booked(
    month: int,
    plan: Plan,
    amount: npt.NDArray[np.float64],
    coupon: npt.NDArray[np.bool_],
    by_member: npt.NDArray[np.bool_],
    members: int,
    first: bool,
    mailing: bool,
    economy: Economy = ECONOMY,
) -> Entry:
    """The accounts of a month.

    Parameters
    ----------
    amount : array of shape (orders,)
        As paid, before the coupon.
    coupon, by_member : arrays of bool of shape (orders,)
        Whether the order's customer had a coupon this month, is a member of the scheme.
    members : int
        Members when the month ends, all of whom cost something.
    first, mailing : bool
        Whether the month is the round's first, and one with a mailing.
    """
    revenue = float(amount.sum())
    rates = plan.active * (plan.crm * (economy.system + first * plan.introduces * economy.introduction))
    points = economy.points * float(amount[by_member].sum()) + economy.member * members
    return Entry(
        month=month,
        revenue=revenue,
        goods=economy.goods * revenue / plan.price,
        coupons=economy.coupon * float(amount[coupon].sum()),
        letters=economy.letter * plan.mailed * mailing,
        service=economy.service_cost(plan.service) * plan.active,
        points=points * plan.scheme,
        push=economy.push * plan.push * plan.active * plan.scheme,
        crm=rates,
        offers=economy.offer * plan.offered * first,
    )


def in_round(entries: Sequence[Entry], first_month: int) -> list[Entry]:
    """The entries of the round that begins in that month."""
    return [each for each in entries if first_month <= each.month < first_month + ROUND]


def profit(entries: Sequence[Entry]) -> float:
    """Of all of them together, not discounted."""
    return sum(each.profit for each in entries)


def present_value(entries: Sequence[Entry], at: int, economy: Economy = ECONOMY) -> float:
    """Of later profits, at the beginning of month `at`: each counts at the end of its month."""
    return sum(each.profit * (1.0 - economy.discount) ** (each.month + 1 - at) for each in entries)
