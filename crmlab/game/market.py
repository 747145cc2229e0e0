"""The market of the game: levers go in, a month of what a firm sees comes out.

It is the company of `crmlab.company` with the effects that its literature preset has, but for those that the
game's levers need larger, so that a round shows them, and for a growth that lasts as long as the game.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from crmlab.company.block import Block
from crmlab.company.branches import NEVER, draw_branches
from crmlab.company.customers import SEGMENTS, Customers, draw_customers
from crmlab.company.decisions import Decision as Decided
from crmlab.company.decisions import Interventions
from crmlab.company.ledger import Ledger
from crmlab.company.parameters import CompanyParameters, preset
from crmlab.company.streams import Streams
from crmlab.game.economy import AFTER, ECONOMY, HISTORY, ROUND

ANSWERS = ("satisfaction", "attitude", "switching_cost", "alternatives", "intention")
KEPT = ("orders", "complaints", "surveys")  # of the company's tables, those that the books take in
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Levers:
    """What a firm and its rivals do in a month.

    Attributes
    ----------
    price, service : float
    scheme, crm : bool
    push : float
        How much the scheme is advertised.
    mailed : array of bool of shape (customers,) or None
    offered : array of bool of shape (customers,) or None
        Who has an offer to stay.
    pull : float
        How much more attractive the others are than when nobody does anything.
    """

    price: float = 1.0
    service: float = 0.0
    scheme: bool = False
    push: float = 0.0
    crm: bool = False
    mailed: Mask | None = None
    offered: Mask | None = None
    pull: float = 0.0


@dataclass(frozen=True)
class Month:
    """What a firm sees of a month.

    Attributes
    ----------
    month : int
    customers : int
        Rows of the market from here on; new customers are added at the end.
    row, time, amount, online : arrays of shape (orders,)
    member : array of bool of shape (customers,)
    complaint_row, complaint_recovered : arrays of shape (complaints,)
    answer_row : array of shape (answers,)
    answers : dict of arrays of shape (answers,)
        On scales from 1 to 7, by `ANSWERS`.
    """

    month: int
    customers: int
    row: Rows
    time: Floats
    amount: Floats
    online: Mask
    member: Mask
    complaint_row: Rows
    complaint_recovered: Mask
    answer_row: Rows
    answers: dict[str, npt.NDArray[np.int8]]


def truth(rounds: int) -> CompanyParameters:
    """The truth of a game of so many rounds."""
    return preset(
        "literature",
        mailing_to_purchase=0.55,
        spread_of_mailing=0.4,
        habit_to_mailing=-0.4,
        price_elasticity=-2.5,
        attitude_to_referral=0.008,
        retention_offer_to_staying=ECONOMY.holding,
        reading=1.0,
        founding_share=0.5,
        growth_months=float(HISTORY + ROUND * rounds),
    )


class Market:
    """A market that can be stepped, stored and gone on with.

    Parameters
    ----------
    rounds, customers, seed : int
        Of the game.
    luck : int
        0 is the luck that is played, others are other lucks after the same history.
    held : dict of arrays, optional
        What `arrays` gave, to go on from.
    """

    def __init__(
        self,
        rounds: int,
        customers: int,
        seed: int,
        luck: int = 0,
        held: dict[str, npt.NDArray[Any]] | None = None,
    ) -> None:
        p, months = truth(rounds), HISTORY + ROUND * rounds + AFTER
        self.streams = Streams(seed, (seed, luck) if luck else None, HISTORY)
        if held is None:
            number = np.arange(customers, dtype=np.int64)
            people, month = draw_customers(p, self.streams, self.streams.keys(number), number), 0
        else:
            people = Customers(**{each.name: held[each.name] for each in fields(Customers)})
            month = int(held["month"])
        branches = draw_branches(p, months, seed)
        self._block = Block(p, self.streams, branches, people, Interventions(crm=0), Ledger(KEPT), month)

    @property
    def month(self) -> int:
        """The month to come."""
        return self._block.month

    @property
    def customers(self) -> Customers:
        """Everybody, with what no firm knows."""
        return self._block.customers

    def step(self, levers: Levers) -> Month:
        """Let a month pass."""
        block, month, number = self._block, self.month, self.customers.number
        block.ledger, block.do = Ledger(KEPT), Interventions(crm=int(levers.crm))
        block.step(
            Decided(
                price=levers.price,
                service=levers.service,
                scheme=levers.scheme,
                push=levers.push,
                offers=False if levers.mailed is None else number[levers.mailed],
                retention=False if levers.offered is None else number[levers.offered],
                rival_pull=levers.pull,
            )
        )
        orders, complaints, surveys = (block.ledger.columns(name) for name in KEPT)
        member = (self.customers.member < NEVER) & levers.scheme
        return Month(
            month=month,
            customers=self.customers.number.size,
            row=self._rows(orders["customer_id"]),
            time=orders["time"],
            amount=orders["amount"].astype(float),
            online=orders["channel"] > 0,
            member=member,
            complaint_row=self._rows(complaints["customer_id"]),
            complaint_recovered=complaints["redressed"],
            answer_row=self._rows(surveys["customer_id"]),
            answers={name: surveys[name] for name in ANSWERS},
        )

    def _rows(self, numbers: npt.NDArray[Any]) -> Rows:
        """Rows of customers by their numbers."""
        order = np.argsort(self.customers.number, kind="stable")
        return order[np.searchsorted(self.customers.number, numbers, sorter=order)].astype(np.intp)

    def number(self) -> npt.NDArray[np.int64]:
        """Customers' numbers, in the order of rows."""
        return self.customers.number

    def about(self) -> dict[str, npt.NDArray[Any]]:
        """What a firm knows of customers from the start: when they joined, where, of which segment."""
        people = self.customers
        return {"joined": people.joined, "branch": people.branch, "segment": people.segment}

    def booked(self) -> Mask:
        """Whether each customer is in the books when the month begins."""
        return self.customers.joined < self.month

    def chance(self, purpose: str) -> Floats:
        """A uniform number for each customer and this month, of the market's luck."""
        return self.streams.uniform(self.customers.key, f"game: {purpose}", self.month)

    def values_left(self, margin: float, discount: float) -> Floats:
        """What each customer who is still there will bring from here on, with moods at their means; others 0.

        A customer orders at rate λ and leaves at an order with chance p, so the margin of an order is earned
        ``∫ λ exp(−(λ p + δ) t) dt = λ / (λ p + δ)`` times, discounted at δ a month.
        """
        p, people = self._block.p, self.customers
        there = people.alive & (people.joined < self.month)
        rate = people.rate[there]
        leaving = people.leaving[there] - p.switching_cost_to_staying * people.switching_cost[there]
        amount = p.p / people.spend_rate[there]
        found = np.zeros(there.size)
        found[there] = margin * amount * rate / (rate * expit(leaving) + discount)
        return found

    def value_left(self, margin: float, discount: float) -> float:
        """The sum of `values_left`."""
        return float(self.values_left(margin, discount).sum())

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The state, to be stored."""
        held = {each.name: getattr(self.customers, each.name) for each in fields(Customers)}
        return held | {"month": np.array(self.month)}


__all__ = ["ANSWERS", "SEGMENTS", "Levers", "Market", "Month", "truth"]
