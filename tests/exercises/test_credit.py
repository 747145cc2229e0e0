"""Partial credit: parts that count one by one, where the master says so."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.exercises.cards import Card
from crmlab.exercises.plain import plain
from crmlab.exercises.practice import _card
from crmlab.exercises.questions import question

FRAME = pd.DataFrame({"market": ["free", "sticky", "old", "new"], "gain": [10.0, 4.0, 2.0, 8.0]})


def table(**told):
    return question("q1", FRAME, {"points": 2, "key": "market", "credit": "rows", **told})


def earned(asked, value):
    return asked.points_for(asked.judge(asked.kind.observe(value)))


def changed(**cells):
    """The table with other gains for some markets."""
    return FRAME.assign(gain=[cells.get(market, gain) for market, gain in zip(FRAME.market, FRAME.gain)])


@pytest.mark.parametrize(
    "given, points",
    [
        (FRAME, 2),
        (changed(old=7.0), 1.5),
        (changed(old=np.nan), 1.5),
        (changed(old=7.0, new=7.0, free=7.0), 0.5),
        (FRAME.iloc[::-1].iloc[:2], 1.0),
        (pd.concat([FRAME, FRAME.iloc[:1]]), 1.5),
        (pd.concat([FRAME, FRAME.iloc[:1].assign(market="none")]), 2),
        (FRAME.assign(gain=FRAME.gain * 100), 0),
        (FRAME.drop(columns="gain"), 0),
        (7, 0),
        (..., 0),
    ],
)
def test_rows(given, points):
    assert earned(table(), given) == points


@pytest.mark.parametrize(
    "given, points",
    [
        ([1, 2, 3], 3),
        ([1, 2, 4], 2),
        ([3, 2, 1], 1),
        ([1, 2], 2),
        ([1, "2", 3], 2),
        ("123", 0),
        ([1, 2, 3, 4], 3),
    ],
)
def test_entries(given, points):
    asked = question("q1", [1, 2, 3], {"points": 3, "credit": "entries"})
    assert earned(asked, given) == points
    assert asked.judge(plain(given)).right == (given == [1, 2, 3])


def test_inputs():
    asked = question(
        "q1", lambda x: x + 1, {"points": 4, "inputs": [(1,), (2,), (0,), (5,)], "credit": "inputs"}
    )
    assert earned(asked, lambda x: x + 1) == 4
    assert earned(asked, lambda x: 1 / x + x if x < 2 else x + 1) == 3
    assert earned(asked, 7) == 0


def test_without_it_all_or_nothing():
    asked = question("q1", FRAME, {"points": 2, "key": "market"})
    assert earned(asked, changed(old=7.0)) == 0


def test_a_misconception_keeps_the_rows_that_are_right():
    asked = table(misconceptions={"gross": (changed(free=99.0), "Net of costs, please.")})
    verdict = asked.judge(plain(changed(free=99.0)))
    assert verdict.misconception == "gross" and asked.points_for(verdict) == 1.5


@pytest.mark.parametrize(
    "right, credit", [(3.5, "rows"), ([1, 2], "rows"), (FRAME, "entries"), (FRAME, True)]
)
def test_credit_that_does_not_fit_is_refused(right, credit):
    with pytest.raises(InputError, match="credit"):
        question("q1", right, {"points": 1, "credit": credit, "key": "market" if right is FRAME else None})


def test_the_card_says_it():
    asked = table()
    card = _card(asked, asked.judge(plain(changed(old=7.0))), 0)
    assert isinstance(card, Card) and card.score == "1.5 of 2 points"
    assert "Each row counts: 75% of them are right." in card.text()
    blank = _card(asked, asked.judge(plain(...)), 0)
    assert "Each right row earns its share of the points." in blank.text()
