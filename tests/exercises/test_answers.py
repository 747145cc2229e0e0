"""What counts as an answer, and which kind of wrong a wrong one is."""

import json
import time
from collections import Counter, OrderedDict, defaultdict, namedtuple
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab.errors import InputError
from crmlab.exercises.answers import kind_of
from crmlab.exercises.compound import Ordered, Table
from crmlab.exercises.kinds import Choice, Number, Text, Truth
from crmlab.exercises.plain import is_blank, plain, well_formed
from crmlab.exercises.questions import question

FRAME = pd.DataFrame({"market": ["free", "sticky"], "gain": [10.0, 4.0]})


class Liar(float):
    """Says that it equals, and is, whatever is wanted."""

    def __eq__(self, other):
        return True

    def __float__(self):
        return 42.0

    def __add__(self, other):
        return 42.0

    __hash__ = None


def judged(right, value, **told):
    return question("q1", right, {"points": 1, **told}).judge(plain(value))


# ------------------------------------------------------------------------------------------- plain data


@pytest.mark.parametrize(
    "value",
    [
        3.5,
        np.float64(3.5),
        np.float32(3.5),
        np.array(3.5),
        Decimal("3.5"),
        Fraction(7, 2),
        Liar(3.5),
        pd.Series([3.5]).iloc[0],
    ],
)
def test_numbers_of_every_make_are_the_same_plain_number(value):
    assert plain(value) == 3.5
    assert type(plain(value)) is float


@pytest.mark.parametrize(
    "value, expected",
    [
        (np.int64(3), 3),
        (True, True),
        (np.bool_(False), False),
        (np.str_("a"), "a"),
        (None, None),
        (..., None),
        (np.nan, {"float": "nan"}),
        (float("-inf"), {"float": "-inf"}),
        (pd.NA, {"float": "nan"}),
        ((1, 2), [1, 2]),
        (np.array([[1, 2]]), [[1, 2]]),
        (pd.Index(["a", "b"]), ["a", "b"]),
        (pd.Series([1, 2]), [1, 2]),
        (1j, {"unknown": "complex"}),
        (np.complex128(1 + 1j), {"unknown": "complex"}),
        (np.complex128(1), 1.0),
        (complex(2.5), 2.5),
        (complex("nan"), {"float": "nan"}),
        (print, {"unknown": "builtin_function_or_method"}),
        ({1, 2}, {"unknown": "set"}),
        (pd.Series({"a": 1}, name="n").rename_axis("k"), {"key": "k", "name": "n", "pairs": [["a", 1]]}),
        ({"a": 1}, {"key": "", "name": "", "pairs": [["a", 1]]}),
        (OrderedDict(a=1), {"key": "", "name": "", "pairs": [["a", 1]]}),
        (defaultdict(int, a=1), {"key": "", "name": "", "pairs": [["a", 1]]}),
        (Counter("a"), {"key": "", "name": "", "pairs": [["a", 1]]}),
        (type("Own", (dict,), {"items": print})(a=1), {"unknown": "Own"}),
        (namedtuple("Pair", "x y")(1, 2), [1, 2]),
        (range(3), [0, 1, 2]),
        ({"k": ["a"], "v": [1]}, {"columns": ["k", "v"], "rows": [["a", 1]]}),
        ([{"k": "a", "v": 1}], {"columns": ["k", "v"], "rows": [["a", 1]]}),
        (
            pd.DataFrame({"v": [1]}, index=pd.Index(["a"], name="k")),
            {"columns": ["v", "k"], "rows": [[1, "a"]]},
        ),
        (pd.DataFrame({"v": [None, ...]}, dtype=object), {"columns": ["v"], "rows": [[None], [None]]}),
    ],
)
def test_plain(value, expected):
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


@pytest.mark.parametrize(
    "value",
    [
        range(20_001),
        range(10**12),
        range(10**30),
        np.zeros(20_001),
        pd.Series(range(20_001), index=range(1, 20_002)),
        pd.DataFrame(np.zeros((10_001, 2))),
        [[0] * 10_001] * 2,
        np.zeros((10_001, 2)),
        dict.fromkeys(range(20_001), 0),
    ],
)
def test_what_is_too_large_to_be_an_answer_is_not_carried_about(value):
    assert set(plain(value)) == {"unknown"}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=8,
)


@given(anything)
def test_anything_becomes_plain_json_and_back(value):
    there = plain(value)
    assert json.loads(json.dumps(there, allow_nan=False)) == there
    assert well_formed(there)


def test_a_list_that_holds_itself_comes_to_an_end():
    value = [1.0]
    value.append(value)
    assert well_formed(plain(value))


@given(anything, st.sampled_from([3.5, 3, "word", True, [1.0, 2.0], ["a", "b"], FRAME]))
def test_judging_never_raises(value, right):
    told = {"key": "market"} if right is FRAME else {}
    assert judged(right, value, **told).reason


@pytest.mark.parametrize(
    "data",
    [
        {"rows": 5, "columns": None},
        {"rows": [[1]], "columns": ["a", "b"]},
        {"rows": [[{}]], "columns": ["a"]},
        {"pairs": [[1]], "key": "", "name": ""},
        {"float": "5"},
        {"float": 5},
        {"unknown": 3},
        float("nan"),
        {"unknown": "x", "more": 1},
        [[[[1]]]],
        {},
        {"pairs": [], "key": 3, "name": ""},
        b"bytes",
    ],
)
def test_malformed_data_are_told_apart(data):
    assert not well_formed(data)


@pytest.mark.parametrize(
    "data, blank",
    [
        (None, True),
        ([None, None], True),
        ([], False),
        ([None, 1], False),
        (0, False),
        ("", False),
        ({"key": "", "name": "", "pairs": [["a", None]]}, True),
    ],
)
def test_is_blank(data, blank):
    assert is_blank(data) is blank


# -------------------------------------------------------------------------------------------- one number


@pytest.mark.parametrize(
    "value, reason",
    [
        (20.0, "right"),
        (20, "right"),
        (np.int8(20), "right"),
        (20.05, "right"),
        (19.95, "right"),
        (20.06, "wrong"),
        (..., "todo"),
        (None, "todo"),
        (True, "type"),
        ("20", "type"),
        (b"20", "type"),
        (20 + 1j, "type"),
        (np.nan, "not_finite"),
        (np.inf, "not_finite"),
        (10**400, "not_finite"),
        (pd.NaT, "not_finite"),
        ([20.0], "shape"),
        (np.array([20.0]), "shape"),
        (pd.Series([20.0]), "shape"),
        ({"a": 20.0}, "shape"),
        (0.2, "units"),
        (2000, "units"),
        (240, "units"),
        (-20.02, "sign"),
        (-7, "sign"),
        (230, "magnitude"),
        (1.1, "magnitude"),
        (0, "wrong"),
        (27, "wrong"),
    ],
)
def test_kinds_of_wrong_for_a_number(value, reason):
    assert judged(20.0, value, tolerance=0.05).reason == reason


def test_liars_are_taken_at_their_value():
    assert judged(20.0, Liar(7.0), tolerance=0.05).reason == "wrong"


def test_an_object_that_equals_everything_is_no_number():
    everything = type("Everything", (), {"__eq__": lambda *_: True, "__float__": lambda _: 20.0})()
    assert judged(20.0, everything, tolerance=0.05).reason == "type"


def test_tolerances():
    assert judged(1000.0, 1009.0, relative=0.01).right
    assert not judged(1000.0, 1011.0, relative=0.01).right
    assert judged(1000.0, 1001.0, relative=0.0001, tolerance=2).right, "the larger one counts"
    assert judged(3, 3.0).right and not judged(3, 3.1).right, "a whole number is exact without a tolerance"
    assert judged(1 / 3, 0.3333333).right and not judged(1 / 3, 0.333).right


def test_a_value_near_zero_has_no_unit_sign_or_magnitude():
    assert judged(0.0, 5.0, tolerance=0.1).reason == "wrong"


def test_a_misconception_is_named_before_units_and_sign():
    told = {"tolerance": 0.05, "misconceptions": {"percent": (0.2, "In percent, please.")}}
    verdict = judged(20.0, 0.2, **told)
    assert (verdict.reason, verdict.misconception) == ("misconception", "percent")
    assert verdict.facts == {"hint": "In percent, please."}


@given(st.floats(0.5, 1e6), st.floats(-1e7, 1e7))
def test_right_is_right_by_the_tolerance_alone(right, value):
    verdict = judged(right, value, tolerance=0.1)
    assert verdict.right == (abs(value - right) <= 0.1 + 1e-12 * right)


# ---------------------------------------------------------------------------------------- the other kinds


@pytest.mark.parametrize(
    "right, value, reason, told",
    [
        ("Latent loyalty", " latent  LOYALTY ", "right", {}),
        ("yes", "aye", "right", {"accept": ["aye"]}),
        ("yes", "no", "wrong", {}),
        ("yes", 1, "type", {}),
        ("yes", ["yes"], "shape", {}),
        ("free", "Free", "right", {"options": ["free", "sticky"]}),
        ("free", "sticky", "wrong", {"options": ["free", "sticky"]}),
        ("free", "other", "type", {"options": ["free", "sticky"]}),
        ("free", 0, "type", {"options": ["free", "sticky"]}),
        (True, True, "right", {}),
        (True, np.False_, "wrong", {}),
        (True, 1, "type", {}),
        (["a", "b", "c"], ("a", "b", "c"), "right", {}),
        (["a", "b", "c"], ["b", "a", "c"], "order", {}),
        (["a", "b", "c"], ["a", "b"], "shape", {}),
        (["a", "b", "c"], ["a", "b", "d"], "wrong", {}),
        (["a", "b", "c"], pd.Series(["a", "b", "c"], index=[7, 3, 1]), "right", {}),
        (["a", "b"], "ab", "shape", {}),
        ([1.0, 2.0], np.array([1.0, 2.0]), "right", {}),
        ([1.0, 2.0], [100, 200], "units", {}),
        ([1.0, 2.0], [-1, -2], "sign", {}),
        ([1.0, 2.0], [1, np.nan], "not_finite", {}),
        ([1.0, 2.0], [..., ...], "todo", {}),
        ([1, 2], [2, 1], "order", {}),
        ([1, 1, 2], [1, 2, 2], "wrong", {}),
        ([1.0, 2.0], ["1", "2"], "type", {}),
    ],
)
def test_texts_choices_truths_and_lists(right, value, reason, told):
    assert judged(right, value, **told).reason == reason


@pytest.mark.parametrize(
    "value, reason",
    [
        (FRAME, "right"),
        (FRAME[::-1], "right"),
        (FRAME.assign(note="x"), "right"),
        (FRAME.set_index("market"), "right"),
        (FRAME.set_index("market").gain, "right"),
        ({"sticky": 4.0, "free": 10}, "right"),
        (FRAME.to_dict("records"), "right"),
        (FRAME.to_dict("list"), "right"),
        (pd.DataFrame({"gain": [10.0, 4.0]}, index=["free", "sticky"]), "right"),
        (FRAME.assign(gain=FRAME.gain / 100), "units"),
        (FRAME.assign(gain=-FRAME.gain), "sign"),
        (FRAME.assign(gain=[10, 5]), "wrong"),
        (FRAME.assign(gain=[200, 90]), "magnitude"),
        (FRAME.assign(gain=[10, np.nan]), "not_finite"),
        (FRAME.assign(gain=["10", "4"]), "type"),
        (FRAME.head(1), "shape"),
        (pd.concat([FRAME, FRAME]), "shape"),
        (FRAME.rename(columns={"gain": "g"}), "shape"),
        (FRAME.assign(market=["free", "other"]), "shape"),
        (FRAME.gain, "shape"),
        (10.0, "shape"),
        ({}, "shape"),
        ({"free": ..., "sticky": ...}, "todo"),
        (pd.DataFrame(), "shape"),
    ],
)
def test_tables(value, reason):
    assert judged(FRAME, value, key="market", tolerance=0.01).reason == reason


def test_a_wrong_table_says_how_many_rows_are_right_and_no_more():
    verdict = judged(FRAME, FRAME.assign(gain=[10, 5]), key="market", tolerance=0.01)
    assert verdict.facts == {"count": 1, "total": 2}


def test_tables_with_several_keys_and_kinds():
    table = pd.DataFrame(
        {"year": [1, 1, 2], "market": ["a", "b", "a"], "gain": [1.0, 2.0, 3.0], "best": ["x", "y", "x"]}
    )
    told = {"key": ["year", "market"], "tolerance": 0.1}
    assert judged(table, table.sample(frac=1, random_state=0).set_index(["year", "market"]), **told).right
    assert judged(table, table.assign(best="x"), **told).reason == "wrong"
    assert judged(table, table.assign(year=table.year * 1.0), **told).right, "1.0 finds the row of 1"


@pytest.mark.parametrize(
    "right, kind",
    [(1, Number), (1.5, Number), ("a", Text), (True, Truth), ([1, 2], Ordered), (plain(FRAME), Table)],
)
def test_the_right_answer_tells_the_kind(right, kind):
    assert isinstance(kind_of(right, **({"key": "market"} if kind is Table else {})), kind)
    assert isinstance(kind_of("a", options=["a", "b"]), Choice)


@pytest.mark.parametrize(
    "right, told, message",
    [
        (np.nan, {}, "is nan"),
        (print, {}, "no number"),
        (1.0, {"tolerance": -1}, "tolerance"),
        (1.0, {"tolerence": 1}, "known: "),
        ("a", {"tolerance": 1}, "does not go"),
        (FRAME, {}, "key"),
        (FRAME, {"key": "country"}, "country"),
        ([], {}, "no number"),
        ("a", {"options": ["b"]}, "not usable"),
        (1.0, {"points": 0}, "points"),
        (1.0, {"points": True}, "points"),
        (1.0, {"hints": [3]}, "hint"),
        (1.0, {"picture": lambda: 1}, "alt text"),
        (1.0, {"misconceptions": {"x": 3}}, "pair"),
        (1.0, {"misconceptions": {"x": ("a", "b")}}, "type and shape"),
        (1.0, {"misconceptions": {"x": (1, "")}}, "hint"),
    ],
)
def test_what_an_author_gets_wrong_is_said(right, told, message):
    with pytest.raises(InputError, match=message):
        question("q1", right, {"points": 1, **told})


def test_keys_that_are_alike_to_a_hash_table_take_no_longer():
    keys = [number * (2**61 - 1) for number in range(16_000)]
    kind, started = question("q1", FRAME, {"points": 1, "key": "market"}), time.process_time()
    assert (
        kind.judge({"columns": ["market", "gain"], "rows": [[key, 1.0] for key in keys]}).text == "shape_rows"
    )
    assert kind.judge({"key": "", "name": "", "pairs": [[key, 1.0] for key in keys]}).text == "shape_rows"
    assert time.process_time() - started < 4
