"""Decisions, customers and accounts as rows that a page shows."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from crmlab.game.accounts import Entry, in_round
from crmlab.game.books import Books, Columns
from crmlab.game.course import Way
from crmlab.game.decisions import NOTHING, RANDOM, Decision, Group
from crmlab.game.economy import (
    ACTIVE,
    ECONOMY,
    HISTORY,
    MAILING_EVERY,
    PRICES,
    PUSH,
    ROUND,
    SERVICE,
    TESTS,
)
from crmlab.words import entries, words

Money = Callable[[float], str]
Floats = npt.NDArray[np.float64]
REACH = 1.959963984540054  # of a 95% interval, in standard errors
FEWEST = 20  # customers in each half of a lot, below which its interval says nothing
SILENCE = ((0, 2), (3, 5), (6, 11), (12, 10_000))  # months since the last order: groups of the page's table
LINES = ("revenue", "goods", "coupons", "letters", "service", "points", "push", "crm", "offers")


def counted(key: str, count: int, **facts: Any) -> str:
    """A sentence with a number in it, `count`, by the words for none or for one where there are such."""
    form = {0: f"{key}_none", 1: f"{key}_one"}.get(count, key)
    return words(form if form in entries() else key, count=count, **facts)


def row(name: str, cells: Sequence[str], kind: str = "") -> dict[str, Any]:
    """A row of a table."""
    return {"name": name, "cells": list(cells), "kind": kind}


def table(
    label: str, heads: Sequence[str], rows: Sequence[dict[str, Any]], caption: str = "", left: bool = False
) -> dict[str, Any]:
    """A table for the template."""
    return {"label": label, "heads": list(heads), "rows": list(rows), "caption": caption, "left": left}


def accounts_table(entries: Sequence[Entry], rounds: int, money: Money) -> dict[str, Any]:
    """Profit and loss by round; lines that are nothing in all rounds are left out."""
    by_round = [in_round(entries, HISTORY + ROUND * at) for at in range(rounds)]
    rows = []
    for name in LINES:
        sums = [sum(getattr(each, name) for each in one) for one in by_round]
        if any(sums):
            sign = 1 if name == "revenue" else -1
            rows.append(row(words(f"game.line_{name}"), [money(sign * each) for each in sums]))
    profits = [sum(each.profit for each in one) for one in by_round]
    rows.append(row(words("game.line_profit"), [money(each) for each in profits], "sum"))
    heads = [words("game.line"), *(words("game.round_number", number=at + 1) for at in range(rounds))]
    return table(words("game.h_money"), heads, rows)


def customers_table(customers: Columns, money: Money) -> dict[str, Any]:
    """Customers by the time since their last order."""
    silence, rows = customers["months_since_order"], []
    fresh = customers["months_since_answer"] <= ACTIVE - 1
    for low, high in SILENCE:
        here = (silence >= low) & (silence <= high)
        if not here.any():
            continue
        told = customers["satisfaction"][here & fresh]
        rows.append(
            row(
                words("game.silence", low=low, high=high)
                if high < 100
                else words("game.silence_long", low=low),
                [
                    f"{here.sum():,}",
                    f"{customers['orders_12'][here].mean():.2f}",
                    money(float(customers["spend_12"][here].mean())),
                    f"{told.mean():.2f} ({told.size:,})" if told.size else words("game.nobody"),
                    f"{100 * (customers['complaints'][here] > 0).mean():.0f}%",
                    f"{100 * customers['member'][here].mean():.0f}%",
                ],
            )
        )
    heads = ["silence", "customers", "orders", "spend", "satisfaction", "complained", "members"]
    return table(words("game.h_customers"), [words(f"game.head_{each}") for each in heads], rows)


def test_rows(way: Way) -> list[tuple[str, float, float, float, float]]:
    """For each mailing by lot: mean spend in its month and standard error, with and without it."""
    found = []
    for month in TESTS:
        cells: list[float] = []
        for group in spend_by_lot(way, month):
            cells += [float(group.mean()), float(group.std(ddof=1) / np.sqrt(max(group.size, 1)))]
        found.append((words("game.test_of", month=month + 1), *cells))
    return found


def spend_by_lot(way: Way, month: int) -> tuple[Floats, Floats]:
    """Spend in the month of a mailing, of those who were sent it and those who fitted and were not.

    Returns
    -------
    sent, kept : arrays of shape (customers of the group,)
    """
    mailings, orders, size = way.books.table("mailings"), way.books.table("orders"), way.market.number().size
    here, within = mailings["month"] == month, np.floor(orders["time"]) == month
    spend = np.bincount(orders["row"][within].astype(np.intp), orders["amount"][within], minlength=size)
    rows, sent = mailings["row"][here].astype(np.intp), mailings["sent"][here].astype(bool)
    return spend[rows[sent]], spend[rows[~sent]]


def own_lots(way: Way, decisions: Sequence[Decision], money: Money) -> list[str]:
    """What a team's own mailings by lot did, a sentence a mailing: those left out by chance are its controls.

    Parameters
    ----------
    way : Way
        After the rounds of the decisions.
    decisions : sequence of Decision
        By round.
    """
    found = []
    for at, decision in enumerate(decisions):
        if decision.mailing is None or decision.mailing.by != RANDOM or decision.mailing.at_most is None:
            continue
        for mailing in range(decision.mailings):
            month = HISTORY + ROUND * at + MAILING_EVERY * mailing
            found.append(_own_lot(at + 1, month, *spend_by_lot(way, month), money))
    return found


def _own_lot(number: int, month: int, sent: Floats, kept: Floats, money: Money) -> str:
    facts = {"number": number, "month": month + 1, "sent": f"{sent.size:,}", "kept": f"{kept.size:,}"}
    if min(sent.size, kept.size) < FEWEST:
        return words("game.own_lot_few", **facts, fewest=FEWEST)
    gain = float(sent.mean() - kept.mean())
    reach = REACH * float(np.sqrt(sent.var(ddof=1) / sent.size + kept.var(ddof=1) / kept.size))
    return words("game.own_lot", **facts, gain=money(gain), low=money(gain - reach), high=money(gain + reach))


def orders_by_month(books: Books) -> np.ndarray:
    """Orders in each month, shape (months,)."""
    return np.bincount(np.floor(books.table("orders")["time"]).astype(int), minlength=books.month)[
        : books.month
    ]


def decided_lines(decision: Decision) -> list[tuple[str, str]]:
    """What a decision sets in motion, lever by lever; nothing for what is at rest."""
    found = []
    if decision.price != 1:
        found.append((words("game.lever_price"), f"{decision.price:g}"))
    if decision.service:
        found.append((words("game.lever_service"), f"{decision.service:g}"))
    if decision.scheme:
        found.append((words("game.lever_scheme"), words("game.with_push", push=decision.push)))
    if decision.crm:
        found.append((words("game.lever_crm"), words("game.on")))
    if decision.mailing:
        often = words(f"game.mailings_{decision.mailings}")
        found.append((words("game.lever_mailing"), f"{often} {group_text(decision.mailing)}"))
    if decision.retention:
        found.append((words("game.lever_retention"), group_text(decision.retention)))
    return found


def group_text(group: Group) -> str:
    """Whom a group holds, in words."""
    who = group.rule or words("game.listed", count=f"{len(group.customers):,}", file=group.source)
    if group.at_most is None:
        return who
    kind = "random" if group.by == "random" else "lowest" if group.lowest else "highest"
    return who + words(f"game.at_most_{kind}", count=f"{group.at_most:,}", by=group.by)


def decision_text(decision: Decision) -> str:
    """A decision in one line."""
    if decision.without_forecast() == NOTHING:
        return words("game.nothing")
    return "; ".join(f"{name} {value}" for name, value in decided_lines(decision))


def decision_texts(decisions: Iterable[Decision]) -> list[str]:
    """Decisions by round, each in one line; what stays as it was is said so."""
    found: list[str] = []
    before = None
    for decision in decisions:
        same = before is not None and decision.without_forecast() == before.without_forecast()
        found.append(words("game.as_before") if same else decision_text(decision))
        before = decision
    return found


def levers_table(money: Money, active: int) -> dict[str, Any]:
    """Each lever: what may be written, what it costs."""
    costs = ECONOMY
    facts: dict[str, dict[str, Any]] = {
        "price": {"low": PRICES[0], "high": PRICES[1]},
        "service": {
            "low": f"{SERVICE[0]:g}",
            "high": f"{SERVICE[1]:g}",
            "level": 0.2,
            "cost": money(costs.service_cost(0.2) * active * ROUND),
            "more": money(costs.service_cost(0.4) * active * ROUND),
        },
        "scheme": {"points": f"{100 * costs.points:g}%", "member": money(costs.member)},
        "push": {"low": f"{PUSH[0]:g}", "high": f"{PUSH[1]:g}", "cost": money(costs.push * active * ROUND)},
        "crm": {
            "cost": money(costs.system * active * ROUND),
            "introduction": money(costs.introduction * active),
        },
        "mailing": {"letter": money(costs.letter), "coupon": f"{100 * costs.coupon:g}%"},
        "retention": {"offer": money(costs.offer)},
        "forecast": {},
    }
    rows = [
        row(name, [words(f"game.write_{name}", **values), words(f"game.cost_{name}", **values)])
        for name, values in facts.items()
    ]
    heads = [words("game.head_decision"), words("game.head_value"), words("game.head_cost")]
    return table(
        words("game.h_levers"), heads, rows, words("game.levers_caption", active=f"{active:,}"), left=True
    )
