"""What a month leaves in the ledger."""

import numpy as np
import numpy.typing as npt

from crmlab.company.customers import Customers
from crmlab.company.ledger import Ledger
from crmlab.company.month import Month
from crmlab.company.moods import Experiences
from crmlab.company.purchases import Purchases
from crmlab.company.selection import Mailing
from crmlab.company.streams import numbers_of
from crmlab.company.voices import answers, is_survey_month, posts, stars_of

Flags = npt.NDArray[np.bool_]
UNIT_COST = 0.6  # of the goods of an order, at the usual price


def write_mailing(ledger: Ledger, booked: Customers, month: Month, mailing: Mailing | None) -> None:
    """Everybody in the books, sent the mailing or not: a test's controls are no use if nobody knows them."""
    if mailing is not None and len(booked):
        ledger.add(
            "exposures",
            customer_id=booked.number,
            campaign_id=month.number,
            month=month.number,
            sent=mailing.sent,
            read=mailing.read,
            propensity=mailing.propensity,
        )


def write_offers(ledger: Ledger, booked: Customers, month: Month, offered: Flags) -> None:
    """Offers to stay."""
    if offered.any():
        ledger.add("retention_offers", customer_id=booked.number[offered], month=month.number)


def write_orders(ledger: Ledger, now: Customers, month: Month, bought: Purchases) -> None:
    """The month's orders, with what they leave after the goods are paid."""
    row = bought.row
    if row.size and "orders" in ledger:
        ledger.add(
            "orders",
            order_id=numbers_of(month.draw.bits(now.key[row], "order numbers", bought.count + 1)),
            customer_id=now.number[row],
            branch_id=now.branch[row],
            channel=bought.second_channel,
            month=month.number,
            time=bought.time,
            amount=bought.amount,
            margin=bought.amount * (1 - UNIT_COST / month.price),
        )


def write_experiences(ledger: Ledger, now: Customers, month: Month, lived: Experiences) -> None:
    """Experiences, of which no firm knows, and complaints."""
    if lived.row.size:
        ledger.add(
            "experiences",
            customer_id=now.number[lived.row],
            month=month.number,
            expectation=lived.expectation,
            surprise=lived.surprise,
            satisfaction=now.satisfaction[lived.row],
        )
    row = lived.row[lived.complained]
    if row.size:
        post = np.floor(month.draw.uniform(now.key[row], "employee") * month.p.n_employees).astype(np.intp)
        ledger.add(
            "complaints",
            customer_id=now.number[row],
            branch_id=now.branch[row],
            employee_id=month.branches.employee(month.number, now.branch[row], post),
            month=month.number,
            redressed=lived.redressed[lived.complained],
        )


def write_reviews(ledger: Ledger, now: Customers, month: Month, bought: Purchases) -> None:
    """Stars of those of the month's buyers who post."""
    buyers = np.flatnonzero(bought.bought > 0)
    if not buyers.size or "reviews" not in ledger:
        return
    row = buyers[posts(now, month, buyers)]
    if row.size:
        stars = stars_of(now.satisfaction[row], month)
        number, branch = now.number[row], now.branch[row]
        ledger.add("reviews", customer_id=number, branch_id=branch, month=month.number, stars=stars)


def write_answers(ledger: Ledger, customers: Customers, month: Month) -> None:
    """What those in the books answer in a month with a survey."""
    if "surveys" not in ledger or not is_survey_month(month.number):
        return
    booked = customers.take(customers.booked(month.number))
    row, ticked = answers(booked, month)
    if row.size:
        ledger.add("surveys", customer_id=booked.number[row], month=month.number, **ticked)


def write_month(ledger: Ledger, now: Customers, month: Month, bought: Purchases, member: Flags) -> None:
    """Sums over all who are with the company."""
    buyers = bought.bought > 0
    ledger.add(
        "months",
        month=month.number,
        active=len(now),
        satisfaction=(now.satisfaction - month.p.usual_satisfaction).sum(),
        buyers=buyers.sum(),
        stars=stars_of(now.satisfaction[buyers], month).sum(),
        members=member.sum(),
        orders=bought.row.size,
        revenue=bought.amount.sum(),
    )
