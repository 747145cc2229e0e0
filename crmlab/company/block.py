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
from crmlab.company.moods import experience, settle
from crmlab.company.parameters import CompanyParameters
from crmlab.company.purchases import Purchases, appeal, buy, chance_of_leaving, is_member
from crmlab.company.referrals import brought
from crmlab.company.selection import Mailing, calendar_mailing, decided_mailing, join_scheme, take_up_channel
from crmlab.company.streams import Streams, numbers_of
from crmlab.company.voices import answers, is_survey_month, posts, stars_of

Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
FADING = 0.85  # what a month leaves of `recent`
UNIT_COST = 0.6  # of goods, at the usual price


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

    def step(self, decision: Decision) -> MonthSummary:
        """Let a month pass."""
        month = Month(self.month, self.p, self.streams.at(self.month), self.branches, decision, self.do)
        everybody = self.customers
        booked = everybody.booked(self.month)
        in_books = everybody.take(booked)
        mailing = self._mail(in_books, month)
        offered = self._chosen("retention", decision, in_books)
        active = np.flatnonzero(in_books.alive)
        now = in_books.take(active)
        join_scheme(now, month)
        take_up_channel(now, month)
        member = is_member(now, month)
        read = np.zeros(len(now), bool) if mailing is None else mailing.read[active]
        bought = buy(
            now, month, appeal(now, month, member, read), chance_of_leaving(now, month, offered[active])
        )
        lived = experience(now, month, (bought.bought > 0) | bought.first)
        settle(now, month, member)
        everybody.put(booked[active], now)
        self._remember(booked[active], bought)
        self._write(now, month, bought, lived)
        self._hear(now, month, bought)
        newcomers = brought(now, month)
        if newcomers is not None:
            everybody.append(newcomers)
        self.month += 1
        return self._sums(month, bought, lived, member, read, mailing, offered)

    def _remember(self, active: Rows, bought: Purchases) -> None:
        """What the books say of late purchases."""
        self.customers.recent *= FADING
        self.customers.recent[active] += bought.bought

    # Decisions -----------------------------------------------------------------------------------------

    def books(self, customers: Customers | None = None) -> pd.DataFrame:
        """What the firm knows of those in its books at the month's beginning, a row each; see `Run.books`."""
        known = customers
        if known is None:
            known = self.customers.take(self.customers.booked(self.month))
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
        picked = chosen_rows(name, chosen, booked.number, lambda: self.books(booked), missing)
        if name == "retention" and picked.any():
            self.ledger.add("retention_offers", customer_id=booked.number[picked], month=self.month)
        return picked

    def _mail(self, booked: Customers, month: Month) -> Mailing | None:
        if month.decision.offers is None:
            mailing = calendar_mailing(booked, month)
        else:
            mailing = decided_mailing(booked, month, self._chosen("offers", month.decision, booked))
        if mailing is not None and len(booked):
            self.ledger.add(
                "exposures",
                customer_id=booked.number,
                campaign_id=self.month,
                month=self.month,
                sent=mailing.sent,
                read=mailing.read,
                propensity=mailing.propensity,
            )
        return mailing

    # What is written down ------------------------------------------------------------------------------

    def _write(self, now: Customers, month: Month, bought: Purchases, lived) -> None:
        row, number = bought.row, now.number
        if row.size:
            orders = numbers_of(month.draw.bits(now.key[row], "order numbers", bought.count + 1))
            self.ledger.add(
                "orders",
                order_id=orders,
                customer_id=number[row],
                branch_id=now.branch[row],
                channel=bought.second_channel,
                month=self.month,
                time=bought.time,
                amount=bought.amount,
                margin=bought.amount * (1 - UNIT_COST / month.price),
            )
        self._write_experiences(now, month, lived)

    def _write_experiences(self, now: Customers, month: Month, lived) -> None:
        if lived.row.size:
            self.ledger.add(
                "experiences",
                customer_id=now.number[lived.row],
                month=self.month,
                expectation=lived.expectation,
                surprise=lived.surprise,
                satisfaction=now.satisfaction[lived.row],
            )
        row = lived.row[lived.complained]
        if row.size:
            post = np.floor(month.draw.uniform(now.key[row], "employee") * month.p.n_employees).astype(int)
            self.ledger.add(
                "complaints",
                customer_id=now.number[row],
                branch_id=now.branch[row],
                employee_id=self.branches.employee(self.month, now.branch[row], post),
                month=self.month,
                redressed=lived.redressed[lived.complained],
            )

    def _hear(self, now: Customers, month: Month, bought: Purchases) -> None:
        """Reviews of the month's buyers and, every third month, answers of those in the books."""
        buyers = np.flatnonzero(bought.bought > 0)
        if "reviews" in self.ledger and buyers.size:
            row = buyers[posts(now, month, buyers)]
            stars = stars_of(now, month)
            if row.size:
                self.ledger.add(
                    "reviews",
                    customer_id=now.number[row],
                    branch_id=now.branch[row],
                    month=self.month,
                    stars=stars[row],
                )
        if "surveys" in self.ledger and is_survey_month(self.month):
            booked = self.customers.take(self.customers.booked(self.month))
            row, ticked = answers(booked, month)
            if row.size:
                self.ledger.add("surveys", customer_id=booked.number[row], month=self.month, **ticked)
        self._write_month(now, month, bought, buyers)

    def _write_month(self, now: Customers, month: Month, bought: Purchases, buyers: Rows) -> None:
        self.ledger.add(
            "months",
            month=self.month,
            active=len(now),
            satisfaction=(now.satisfaction - month.p.usual_satisfaction).sum(),
            buyers=buyers.size,
            stars=stars_of(now, month)[buyers].sum(),
            members=is_member(now, month).sum(),
            orders=bought.row.size,
            revenue=bought.amount.sum(),
        )

    def _sums(self, month, bought, lived, member, read, mailing, offered) -> MonthSummary:
        money = bought.money()
        return MonthSummary(
            month=month.number,
            revenue=float(money.sum()),
            goods=float(UNIT_COST * money.sum() / month.price),
            orders=bought.row.size,
            first_orders=int(bought.first.sum()),
            experiences=lived.row.size,
            complaints=int(lived.complained.sum()),
            redressed=int(lived.redressed.sum()),
            members=int(member.sum()),
            member_revenue=float(money[member].sum()),
            read_revenue=float(money[read].sum()),
            sent=0 if mailing is None else int(mailing.sent.sum()),
            retention_offers=int(offered.sum()),
        )
