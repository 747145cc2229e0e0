"""The game's market: the company's, whose levers move what they should, and what is left of it at the end."""

import numpy as np
import pytest

from crmlab.company import Company, Decision, Run, preset
from crmlab.game import market as markets
from crmlab.game.economy import AFTER, HISTORY, ROUND
from crmlab.game.market import Levers, Market, truth


def after(levers, months=8, customers=1500):
    """The market after some months with these levers, and what was seen of them."""
    market = Market(6, customers, 3)
    seen = [market.step(levers(market) if callable(levers) else levers) for _ in range(months)]
    return market, seen


def amounts(seen):
    return sum(each.amount.sum() for each in seen)


def test_it_is_the_company_and_no_market_of_its_own():
    months = HISTORY + ROUND * 6 + AFTER
    run = Run.start(Company(truth(6), customers=600, months=months, seed=3).do(crm=0))
    market = Market(6, 600, 3)
    for _ in range(6):
        mailed = market.booked()
        numbers = market.number()[mailed]
        summary = run.step(
            Decision(price=0.9, service=0.2, scheme=True, push=0.5, offers=numbers, rival_pull=-0.1)
        )
        seen = market.step(Levers(price=0.9, service=0.2, scheme=True, push=0.5, mailed=mailed, pull=-0.1))
        assert seen.row.size == summary.orders
        assert seen.complaint_row.size == summary.complaints
        assert amounts([seen]) == pytest.approx(summary.revenue, rel=1e-6)
        assert seen.member[market.customers.alive].sum() <= summary.members <= seen.member.sum()


def everybody(market):  # in the books
    return market.booked()


def test_levers_move_what_they_should():
    rest, seen = after(Levers())
    orders = sum(each.row.size for each in seen)
    for levers, more in (
        (Levers(price=1.1), False),
        (Levers(price=0.9), True),
        (lambda market: Levers(mailed=everybody(market)), True),
        (Levers(scheme=True, push=3.0), True),
    ):
        moved = sum(each.row.size for each in after(levers)[1])
        assert (moved > orders) == more
    stays = rest.customers.alive.sum()
    for levers in (Levers(service=0.5), Levers(crm=True), lambda market: Levers(offered=everybody(market))):
        assert after(levers)[0].customers.alive.sum() > stays
    assert after(Levers(pull=0.5))[0].customers.alive.sum() < stays


def test_nobody_leaves_for_an_offer():
    """Draws are keyed: whoever stays without an offer stays with one."""
    without, _ = after(Levers())
    offered, _ = after(lambda market: Levers(offered=everybody(market)))
    own = np.isin(offered.number(), without.number()[without.customers.alive])
    assert offered.customers.alive[own].all()


def test_books_come_before_the_month():
    market = Market(6, 400, 3)
    assert not market.booked().any()
    market.step(Levers())
    assert market.booked().sum() == (market.customers.joined < 1).sum() > 0


@pytest.mark.parametrize("discount", [0.1])
def test_what_is_left_is_what_a_long_run_brings(monkeypatch, discount):
    """Without effects the closed form is the mean of discounted margins, over lucks."""
    plain = preset("null", founding_share=1.0)
    monkeypatch.setattr(markets, "truth", lambda rounds: plain)
    came, said = [], None
    for luck in range(1, 7):
        market = Market(12, 1500, 4, luck)
        for _ in range(HISTORY):
            market.step(Levers())
        said = market.value_left(0.4, discount)
        total = 0.0
        for _ in range(48):
            seen = market.step(Levers())
            total += 0.4 * (seen.amount * np.exp(-discount * (seen.time - HISTORY))).sum()
        came.append(total)
    error = np.std(came, ddof=1) / np.sqrt(len(came))
    assert abs(np.mean(came) - said) < 4 * error + 0.01 * said  # e^-4.8 of it lies beyond
    assert error < 0.03 * said, "the check can fail"
