"""Rules over columns: what they choose, and that they are never code."""

import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.game.rules import parse_rule

BOOKS = {
    "orders": np.array([0, 1, 5, 9]),
    "satisfaction": np.array([np.nan, 7.0, 2.0, 4.0]),
    "months_since_order": np.array([np.nan, 11.0, 0.0, 3.0]),
}


@pytest.mark.parametrize(
    "rule, chosen",
    [
        ("orders >= 5", [0, 0, 1, 1]),
        ("orders = 1", [0, 1, 0, 0]),
        ("1 <= orders < 9", [0, 1, 1, 0]),
        ("satisfaction < 5", [0, 0, 1, 1]),
        ("satisfaction != 2", [0, 1, 0, 1]),
        ("not orders > 3", [1, 1, 0, 0]),
        ("orders > 3 AND (satisfaction < 3 Or months_since_order > 2)", [0, 0, 1, 1]),
        ("orders ≥ 5 and satisfaction ≤ 3", [0, 0, 1, 0]),
        ("orders > -1 and orders > months_since_order", [0, 0, 1, 1]),
        ("all", [1, 1, 1, 1]),
        ("nobody", [0, 0, 0, 0]),
        ("all and orders > 0", [0, 1, 1, 1]),
    ],
)
def test_a_rule_chooses_whom_it_says_and_an_empty_cell_fits_none(rule, chosen):
    assert parse_rule(rule, BOOKS).chosen(BOOKS).astype(int).tolist() == chosen


@pytest.mark.parametrize(
    "rule, said",
    [
        ("", "is no rule"),
        ("orders >", "is no rule"),
        ("orders", "alone is no comparison"),
        ("loyalty > 3", "no column 'loyalty'"),
        ("orders > loyalty", "no column 'loyalty'"),
        ("3 > 2", "compares no column"),
        ("orders in [1, 2]", "only < <= > >= = and != compare"),
        ("__import__('os').system('true')", "is no comparison"),
        ("orders > __import__('os').getpid()", "neither a column nor a number"),
        ("orders > 10**9**9", "neither a column nor a number"),
        ("(lambda: 1)() > orders", "neither a column nor a number"),
        ("[x for x in ()] == orders", "neither a column nor a number"),
        ("orders > 'a'", "neither a column nor a number"),
        ("orders > True", "write 1 and 0"),
        ("orders := 3", "is no rule"),
        ("=orders>3", "is no rule"),
        ("orders > 1 " * 80, "at most 500"),
        ("not " * 60 + "orders > 1", "more than 30 deep"),
        ("(" * 240 + "orders > 1" + ")" * 240, "is no rule"),
    ],
)
def test_what_is_no_rule_is_refused_and_never_run(rule, said):
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        parse_rule(rule, BOOKS)
