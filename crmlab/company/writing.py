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
Rows = npt.NDArray[np.intp]
UNIT_COST = 0.6  # of the goods of an order, at the usual price


def write_mailing(ledger: Ledger, booked: Customers, month: Month, mailing: Mailing | None) -> None:
    """Everybody in the books, sent the mailing or not: a test's controls are no use if nobody knows them."""
    if mailing is not None:
        ledger.add(
            "exposures",
            len(booked),
            customer_id=lambda: booked.number,
            campaign_id=month.number,
            month=month.number,
            sent=mailing.sent,
            read=mailing.read,
            propensity=mailing.propensity,
        )


def write_offers(ledger: Ledger, booked: Customers, month: Month, offered: Flags) -> None:
    """Offers to stay."""
    if offered.any():
        number = booked.number[offered]
        ledger.add("retention_offers", number.size, customer_id=number, month=month.number)


def write_orders(ledger: Ledger, now: Customers, month: Month, bought: Purchases) -> None:
    """The month's orders, with what they leave after the goods are paid."""
    row = bought.row
    ledger.add(
        "orders",
        row.size,
        order_id=lambda: numbers_of(month.draw.bits(now.key[row], "order numbers", bought.count + 1)),
        customer_id=lambda: now.number[row],
        branch_id=lambda: now.branch[row],
        channel=lambda: bought.second_channel,
        month=month.number,
        time=bought.time,
        amount=lambda: bought.amount,
        margin=lambda: bought.amount * (1 - UNIT_COST / month.price),
    )


def write_experiences(ledger: Ledger, now: Customers, month: Month, lived: Experiences) -> None:
    """Experiences, of which no firm knows, and complaints."""
    row = lived.row
    ledger.add(
        "experiences",
        row.size,
        customer_id=lambda: now.number[row],
        month=month.number,
        expectation=lived.expectation,
        surprise=lived.surprise,
        satisfaction=lambda: now.satisfaction[row],
    )
    row = lived.row[lived.complained]
    ledger.add(
        "complaints",
        row.size,
        customer_id=lambda: now.number[row],
        branch_id=lambda: now.branch[row],
        employee_id=lambda: _served_by(now, month, row),
        month=month.number,
        redressed=lambda: lived.redressed[lived.complained],
    )


def _served_by(now: Customers, month: Month, row: Rows) -> npt.NDArray[np.int64]:
    """Numbers of the employees who are complained of: by lot."""
    post = np.floor(month.draw.uniform(now.key[row], "employee") * month.p.n_employees).astype(np.intp)
    return month.branches.employee(month.number, now.branch[row], post)


def write_reviews(ledger: Ledger, now: Customers, month: Month, bought: Purchases) -> None:
    """Stars of those of the month's buyers who post."""
    if "reviews" not in ledger:
        return
    buyers = np.flatnonzero(bought.bought > 0)
    row = buyers[posts(now, month, buyers)]
    ledger.add(
        "reviews",
        row.size,
        customer_id=lambda: now.number[row],
        branch_id=lambda: now.branch[row],
        month=month.number,
        stars=lambda: stars_of(now.satisfaction[row], month),
    )


def write_answers(ledger: Ledger, customers: Customers, month: Month) -> None:
    """What those in the books answer in a month with a survey."""
    if "surveys" not in ledger or not is_survey_month(month.number):
        return
    booked = customers.take(customers.booked(month.number))
    row, ticked = answers(booked, month)
    ledger.add("surveys", row.size, customer_id=lambda: booked.number[row], month=month.number, **ticked)


def write_month(ledger: Ledger, now: Customers, month: Month, bought: Purchases, member: Flags) -> None:
    """Sums over all who are with the company."""
    if "months" not in ledger:
        return
    buyers = bought.bought > 0
    ledger.add(
        "months",
        1,
        month=month.number,
        active=len(now),
        satisfaction=(now.satisfaction - month.p.usual_satisfaction).sum(),
        buyers=buyers.sum(),
        stars=stars_of(now.satisfaction[buyers], month).sum(),
        members=member.sum(),
        orders=bought.row.size,
        revenue=bought.amount.sum(),
    )
