"""The parameters cell is the signature of a lesson."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from crmlab.errors import InputError
from crmlab.notebook.parameters import checked, pairs, parsed, read_parameters

CELL = """\
# Try other values here.
n_customers = 500  # customers in the cohort, 50 to 20,000
effect: float = -0.5  # standardised path, -1 to 1
rate = 1e-3  # risk a week, 1e-6 to .5
method = "ols"  # estimator, one of "ols", 'logit' or probit
level = 2  # one of 1, 2, 3
shown = True  # whether to draw
sizes = [100, 400]  # cohort sizes
label = "a"  # free text, from 3 to 5 words long
anything = None
"""


def read(source):
    return read_parameters([{"cell_type": "code", "source": source, "metadata": {"tags": ["parameters"]}}])


def test_names_defaults_ranges_and_descriptions():
    known = read(CELL)
    assert {name: each.default for name, each in known.items()} == {
        "n_customers": 500,
        "effect": -0.5,
        "rate": 1e-3,
        "method": "ols",
        "level": 2,
        "shown": True,
        "sizes": [100, 400],
        "label": "a",
        "anything": None,
    }
    assert known["n_customers"].range == "50 to 20000"
    assert known["n_customers"].description == "customers in the cohort"
    assert (known["rate"].low, known["rate"].high) == (1e-6, 0.5)
    assert known["method"].choices == ("ols", "logit", "probit")
    assert known["level"].choices == (1, 2, 3)
    assert known["label"].range == "" and known["shown"].range == ""


def test_lines_that_are_not_plain_assignments_are_no_parameters():
    assert list(read("import os\nn = 3  # n, 1 to 9\nm = n + 1\na, b = 1, 2\n")) == ["n"]


@pytest.mark.parametrize(
    "name, value, kept",
    [
        ("n_customers", 50, 50),
        ("n_customers", np.int64(60), 60),
        ("effect", 1, 1.0),
        ("effect", np.float64(0.25), 0.25),
        ("method", "probit", "probit"),
        ("shown", False, False),
        ("shown", np.bool_(False), False),
        ("sizes", [1], [1]),
        ("anything", "word", "word"),
        ("level", 3, 3),
    ],
)
def test_values_that_fit(name, value, kept):
    result = read(CELL)[name].check(value)
    assert result == kept and type(result) is type(kept)


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("n_customers", 49, "n_customers is 49, outside its range 50 to 20000"),
        ("n_customers", 60.0, "n_customers must be a whole number, got 60.0"),
        ("n_customers", True, "whole number"),
        ("n_customers", "60", "whole number"),
        ("n_customers", None, "whole number"),
        ("effect", 1.01, "outside"),
        ("effect", float("nan"), "a number, got nan"),
        ("effect", "x", "a number"),
        ("method", "lasso", "one of ols, logit, probit"),
        ("method", 3, "a text"),
        ("shown", 1, "true or false"),
        ("sizes", 3, "a list"),
        ("level", 4, "one of 1, 2, 3"),
    ],
)
def test_values_that_do_not_fit(name, value, words):
    with pytest.raises(InputError, match=words):
        read(CELL)[name].check(value)


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("n_customers", " 60 ", 60),
        ("effect", "1", 1.0),
        ("effect", "-1e-1", -0.1),
        ("shown", "no", False),
        ("shown", "True", True),
        ("sizes", "[1, 2]", [1, 2]),
        ("method", "logit", "logit"),
        ("label", "x=y", "x=y"),
        ("anything", "word", "word"),
        ("anything", "3", 3),
    ],
)
def test_texts_from_a_command_line(name, text, value):
    result = read(CELL)[name].parse(text)
    assert result == value and type(result) is type(value)


@pytest.mark.parametrize(
    "name, text",
    [
        ("n_customers", "60.5"),
        ("n_customers", ""),
        ("n_customers", "1e3"),
        ("effect", "inf"),
        ("effect", "0,5"),
        ("shown", "maybe"),
        ("sizes", "1 2"),
        ("sizes", "__import__('os')"),
    ],
)
def test_texts_that_mean_nothing(name, text):
    with pytest.raises(InputError, match=f"parameter {name} must be"):
        read(CELL)[name].parse(text)


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(InputError, match="unknown parameter 'n_custmers'; known: n_customers, effect"):
        checked(read(CELL), {"n_custmers": 100}, "09_loyalty")
    with pytest.raises(InputError, match="takes no parameters"):
        checked({}, {"seed": 1}, "09_loyalty")
    with pytest.raises(InputError, match="unknown parameter"):
        parsed(read(CELL), {"sed": "1"})


def test_defaults_fill_in_what_is_not_given():
    known = read("a = 1  # a, 0 to 9\nb = 2  # b, 0 to 9\n")
    assert checked(known, {"b": 5}, "x") == {"a": 1, "b": 5}


@pytest.mark.parametrize("arguments", [["seed"], ["=3"], ["2x=3"], ["a b=3"]])
def test_malformed_pairs(arguments):
    with pytest.raises(InputError, match="name=value"):
        pairs(arguments)


def test_a_parameter_given_twice():
    with pytest.raises(InputError, match="seed is given twice"):
        pairs(["seed=1", "seed=2"])


@given(low=some.integers(-(10**9), 10**9), width=some.integers(0, 10**9), inside=some.floats(0, 1))
def test_a_range_in_a_comment_is_the_range_that_is_checked(low, width, inside):
    high = low + width
    parameter = read(f"n = {low}  # some count, {low} to {high}\n")["n"]
    assert parameter.check(low + int(inside * width)) == low + int(inside * width)
    for outside in (low - 1, high + 1):
        with pytest.raises(InputError):
            parameter.check(outside)
