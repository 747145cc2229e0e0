"""A block of customers, stepped month by month. Its state and ledger are all there is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.company.branches import BranchPaths
from crmlab.company.customers import SEGMENTS, Customers
from crmlab.company.decisions import Decision, Interventions, chosen_rows
from crmlab.company.ledger import Ledger
from crmlab.company.month import Month
from crmlab.company.moods import Experiences, experience, settle
from crmlab.company.parameters import CompanyParameters
from crmlab.company.purchases import Purchases, appeal, buy, chance_of_leaving, is_member
from crmlab.company.referrals import brought
from crmlab.company.selection import Mailing, calendar_mailing, decided_mailing, join_scheme, take_up_channel
from crmlab.company.streams import Streams
from crmlab.company.writing import (
    UNIT_COST,
    write_answers,
    write_experiences,
    write_mailing,
    write_month,
    write_offers,
    write_orders,
    write_reviews,
)

Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
FADING = 0.85  # what a month leaves of `recent`


@dataclass(frozen=True)
class MonthSummary:
    """What a month brought, in sums that costs are computed from.

    Attributes
    ----------
    month : int
    revenue : float
        Of all orders, first ones included.
    goods : float
        What the goods cost: .6 of the orders at the usual price.
    orders, first_orders, experiences, complaints, redressed : int
    members : int
        Of those who have not left.
    member_revenue, read_revenue : float
        Of members' orders, and of the orders of those who read the month's mailing.
    sent, retention_offers : int
    """

    month: int
    revenue: float
    goods: float
    orders: int
    first_orders: int
    experiences: int
    complaints: int
    redressed: int
    members: int
    member_revenue: float
    read_revenue: float
    sent: int
    retention_offers: int


@dataclass(frozen=True, eq=False)
class Passed:
    """What happened in a month, to `now`, the customers who were active in it.

    Attributes
    ----------
    active : array of int
        Their rows among everybody.
    member, read : arrays of bool
        Whether each is a member, and has read the month's mailing.
    offered : array of bool
        Who was offered something to stay, of those in the books.
    """

    month: Month
    now: Customers
    active: Rows
    member: Flags
    read: Flags
    bought: Purchases
    lived: Experiences
    mailing: Mailing | None
    offered: Flags


class Block:
    """Customers who are simulated together, given what happens at the branches."""

    def __init__(
        self,
        p: CompanyParameters,
        streams: Streams,
        branches: BranchPaths,
        customers: Customers,
        do: Interventions,
        ledger: Ledger,
        month: int = 0,
    ) -> None:
        self.p, self.streams, self.branches, self.customers = p, streams, branches, customers
        self.do, self.ledger, self.month = do, ledger, month

    def copy(self) -> "Block":
        """The block as it is, with another state and ledger."""
        known = self.p, self.streams, self.branches
        return Block(*known, self.customers.copy(), self.do, self.ledger.copy(), self.month)

    def step(self, decision: Decision) -> MonthSummary:
        """Let a month pass, and bring the books up to date."""
        passed = self.advance(decision)
        self._remember(passed)
        return _summary(passed)

    def advance(self, decision: Decision) -> Passed:
        """Let a month pass; the books (`orders`, `last`, `spend`, `recent`) stay as they were.

        Mailings and offers go to those who are in the books when the month begins.
        """
        month = Month(self.month, self.p, self.streams.at(self.month), self.branches, decision, self.do)
        everybody = self.customers
        booked, active = everybody.booked(self.month - 1), everybody.active(self.month)
        in_books, now = everybody.take(booked), everybody.take(active)
        mailing, offered = self._mail(in_books, month), self._chosen("retention", decision, in_books)
        read = np.zeros(booked.size, bool) if mailing is None else mailing.read
        read, kept = (_among(each, booked, active, len(everybody)) for each in (read, offered))
        join_scheme(now, month)
        take_up_channel(now, month)
        member = is_member(now, month)
        bought = buy(now, month, appeal(now, month, member, read), chance_of_leaving(now, month, kept))
        lived = experience(now, month, (bought.bought > 0) | bought.first)
        settle(now, month, member)
        now.put_back()
        passed = Passed(month, now, active, member, read, bought, lived, mailing, offered)
        write_mailing(self.ledger, in_books, month, mailing)
        write_offers(self.ledger, in_books, month, offered)
        self._write(passed)
        newcomers = brought(now, month)
        if newcomers is not None:
            everybody.append(newcomers)
        self.month += 1
        return passed

    def _write(self, passed: Passed) -> None:
        month, now, bought = passed.month, passed.now, passed.bought
        write_orders(self.ledger, now, month, bought)
        write_experiences(self.ledger, now, month, passed.lived)
        write_reviews(self.ledger, now, month, bought)
        write_answers(self.ledger, self.customers, month)
        write_month(self.ledger, now, month, bought, passed.member)

    def _remember(self, passed: Passed) -> None:
        """What the books say of purchases."""
        known, active, bought = self.customers, passed.active, passed.bought
        known.orders[active] += bought.bought.astype(np.int32)
        known.spend[active] += bought.money_again
        np.maximum.at(known.last, active[bought.row], bought.time)
        known.recent *= FADING
        known.recent[active] += bought.bought

    # Decisions -----------------------------------------------------------------------------------------

    def books(self, known: Customers) -> pd.DataFrame:
        """What the firm knows of customers at the month's beginning, a row each; see `Run.books`."""
        lottery = self.streams.uniform(known.key, "lottery", self.month)
        return pd.DataFrame(
            {
                "customer_id": known.number,
                "joined": known.joined,
                "branch_id": known.branch,
                "segment": pd.Categorical.from_codes(known.segment, SEGMENTS),
                "member": known.member < self.month,
                "second_channel": known.channel < self.month,
                "orders": known.orders,
                "last_order": np.minimum(known.last, self.month),
                "spend": known.spend,
                "recent": known.recent,
                "lottery": lottery,
            }
        )

    def _chosen(self, name: str, decision: Decision, booked: Customers) -> Flags:
        chosen, missing = getattr(decision, name), decision.missing
        if chosen is None:
            return np.zeros(len(booked), bool)
        return chosen_rows(name, chosen, booked.number, lambda: self.books(booked), missing)

    def _mail(self, booked: Customers, month: Month) -> Mailing | None:
        if month.decision.offers is None:
            return calendar_mailing(booked, month)
        return decided_mailing(booked, month, self._chosen("offers", month.decision, booked))


def _among(flags: Flags, rows: Rows, others: Rows, size: int) -> Flags:
    """Flags of some rows as those of other rows; False where there is none."""
    everywhere = np.zeros(size, bool)
    everywhere[rows] = flags
    return everywhere[others]


def _summary(passed: Passed) -> MonthSummary:
    month, bought, lived, mailing = passed.month, passed.bought, passed.lived, passed.mailing
    money = bought.money
    return MonthSummary(
        month=month.number,
        revenue=float(money.sum()),
        goods=float(UNIT_COST * money.sum() / month.price),
        orders=bought.row.size,
        first_orders=int(bought.first.sum()),
        experiences=lived.row.size,
        complaints=int(lived.complained.sum()),
        redressed=int(lived.redressed.sum()),
        members=int(passed.member.sum()),
        member_revenue=float(money[passed.member].sum()),
        read_revenue=float(money[passed.read].sum()),
        sent=0 if mailing is None else int(mailing.sent.sum()),
        retention_offers=int(passed.offered.sum()),
    )
