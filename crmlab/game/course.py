"""One team's way through the market: the history, the rounds, and what is left after them.

The same code runs a round that is played, a round that is gone on with from a file, and one that is replayed
with another decision or another luck; so a replay of what was played gives what was played, to the bit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from crmlab.game.accounts import Entry, Plan, booked, present_value, profit
from crmlab.game.books import Books, Columns
from crmlab.game.decisions import NOTHING, Commitments, Decision, Group, commitments
from crmlab.game.economy import AFTER, ECONOMY, HISTORY, MAILING_EVERY, ROUND, TESTS, Economy
from crmlab.game.market import Levers, Market, Mask, Month


@dataclass(frozen=True)
class Rivals:
    """What the other teams do in a round, on average; where there are none, nothing."""

    price: float = 1.0
    service: float = 0.0

    @classmethod
    def of(cls, others: Sequence[Decision]) -> "Rivals":
        """The mean of their prices and levels of service."""
        if not others:
            return cls()
        return cls(
            float(np.mean([each.price for each in others])), float(np.mean([each.service for each in others]))
        )


@dataclass
class Way:
    """A team's market, books and accounts, as far as they have come.

    Attributes
    ----------
    market : Market
    books : Books
    entries : list of Entry
    had_crm : bool
        Whether the system ran in the round before.
    """

    market: Market
    books: Books = field(default_factory=Books)
    entries: list[Entry] = field(default_factory=list)
    had_crm: bool = False

    @property
    def month(self) -> int:
        """Months that have passed."""
        return self.market.month

    def customers(self) -> Columns:
        """The rows of ``customers.csv``."""
        return {name: values[self.market.booked()] for name, values in self._all().items()}

    def _all(self) -> Columns:
        return self.books.customers(self.market.number(), self.market.about())

    def choose(self, group: Group | None, purpose: str) -> tuple[Mask, Mask]:
        """Who of the books fits a group, and who is sent what it is sent."""
        there = self.market.booked()
        fits, sent = np.zeros_like(there), np.zeros_like(there)
        if group is not None:
            mine = {name: values[there] for name, values in self._all().items()}
            fits[there], sent[there] = group.chosen(mine, self.market.chance(purpose)[there])
        return fits, sent

    def committed(self, decision: Decision, economy: Economy = ECONOMY) -> Commitments:
        """What the decision commits of the budget, if the round began now."""
        mailed, offered = (
            int(self.choose(getattr(decision, name), name)[1].sum()) for name in ("mailing", "retention")
        )
        return commitments(decision, self.books.active(), mailed, offered, self.had_crm, economy)


def history(market: Market) -> Way:
    """The twelve months that all teams share, with a mailing to a random half in three of them."""
    way = Way(market)
    for month in range(HISTORY):
        there, test = market.booked(), None
        if month in TESTS:
            test = there & (market.chance("test mailing") < 0.5)
            way.books.mail(there, test, test=True)
        way.books.record(market.step(Levers(mailed=test)))
    return way


def play_round(way: Way, decision: Decision, rivals: Rivals, economy: Economy = ECONOMY) -> Way:
    """Let a round pass; the way given is changed and returned.

    Rules are read on the books as they are when the round begins, and hold for the whole round.
    """
    fits, mailed = way.choose(decision.mailing, "mailing")
    _, offered = way.choose(decision.retention, "retention")
    plan = Plan(
        price=decision.price,
        service=decision.service,
        push=decision.push,
        scheme=decision.scheme,
        crm=decision.crm,
        introduces=decision.crm and not way.had_crm,
        active=way.books.active(),
        mailed=int(mailed.sum()),
        offered=int(offered.sum()),
    )
    pull = economy.exit_price * np.log(plan.price / rivals.price) - economy.exit_service * (
        plan.service - rivals.service
    )
    way.books.offer(offered)
    for month in range(ROUND):
        after, off = divmod(month, MAILING_EVERY)
        mailing = plan.mailed > 0 and not off and after < decision.mailings
        if mailing:
            way.books.mail(_padded(fits, way), _padded(mailed, way))
        _month(way, plan, mailed if mailing else None, offered, float(pull), month == 0, economy)
    way.had_crm = decision.crm
    return way


def _month(
    way: Way, plan: Plan, mailed: Mask | None, offered: Mask, pull: float, first: bool, economy: Economy
) -> Month:
    levers = Levers(
        price=plan.price,
        service=plan.service,
        scheme=plan.scheme,
        push=plan.push,
        crm=plan.crm,
        mailed=None if mailed is None else _padded(mailed, way),
        offered=_padded(offered, way) if plan.offered else None,
        pull=pull,
    )
    seen = way.market.step(levers)
    coupon = np.zeros(seen.row.size, bool) if mailed is None else _padded(mailed, way)[seen.row]
    entry = booked(
        seen.month,
        plan,
        seen.amount,
        coupon,
        seen.member[seen.row],
        int(seen.member.sum()),
        first,
        mailed is not None,
        economy,
    )
    way.books.record(seen)
    way.entries.append(entry)
    return seen


def _padded(chosen: Mask, way: Way) -> Mask:
    """The choice made when the round began, with rows for customers who came since and are not in it."""
    size = way.market.number().size
    return np.concatenate([chosen, np.zeros(size - chosen.size, bool)]) if size > chosen.size else chosen


@dataclass(frozen=True)
class Score:
    """What a way has brought.

    Attributes
    ----------
    profits : tuple of float
        Of each round.
    left : float
        What the customers are worth who are still there, when nobody decides anything any more: the profit of
        twelve months more, and then the closed form, discounted to the end of the last round.
    """

    profits: tuple[float, ...]
    left: float

    @property
    def profit(self) -> float:
        """Of all rounds together."""
        return sum(self.profits)

    @property
    def total(self) -> float:
        """Profit and what is left."""
        return self.profit + self.left


def finish(way: Way, economy: Economy = ECONOMY) -> Score:
    """Score a way after its last round; its market runs on for twelve months.

    The moods of the last round have died down by then: the closed form does not take them for eternal.
    """
    end = way.month
    starts = range(HISTORY, end, ROUND)
    profits = tuple(profit([each for each in way.entries if s <= each.month < s + ROUND]) for s in starts)
    for _ in range(AFTER):
        nobody = np.zeros(way.market.number().size, bool)
        _month(way, Plan(), None, nobody, 0.0, False, economy)
    after = present_value([each for each in way.entries if each.month >= end], end, economy)
    worth = way.market.value_left(1.0 - economy.goods, economy.discount)
    return Score(profits, after + worth * (1.0 - economy.discount) ** AFTER)


def played(
    start: Callable[[], Way],
    decisions: Sequence[Decision],
    rivals: Sequence[Rivals],
    economy: Economy = ECONOMY,
) -> Score:
    """The score of a sequence of decisions from where `start` begins."""
    way = start()
    for decision, others in zip(decisions, rivals, strict=True):
        play_round(way, decision, others, economy)
    return finish(way, economy)


def nothing(rounds: int) -> list[Decision]:
    """Doing nothing for so many rounds."""
    return [NOTHING] * rounds


def stored(way: Way) -> dict[str, npt.NDArray[Any]]:
    """A way as arrays with names; it holds no generator, so going on from it is as if it had not stopped."""
    held = {f"market.{name}": values for name, values in way.market.arrays().items()}
    held |= {f"books.{name}": values for name, values in way.books.arrays().items()}
    fields = Entry.__dataclass_fields__
    held |= {f"entry.{name}": np.array([getattr(each, name) for each in way.entries]) for name in fields}
    return held | {"had_crm": np.array(way.had_crm)}


def restored(
    held: dict[str, npt.NDArray[Any]], market: Callable[[dict[str, npt.NDArray[Any]]], Market]
) -> Way:
    """From what `stored` gave; `market` makes a market of its own arrays."""
    part = lambda name: {key[len(name) :]: each for key, each in held.items() if key.startswith(name)}  # noqa: E731
    columns = part("entry.")
    entries = [
        Entry(**{name: value.item() for name, value in zip(columns, row)}) for row in zip(*columns.values())
    ]
    return Way(market(part("market.")), Books.of(part("books.")), entries, bool(held["had_crm"]))
