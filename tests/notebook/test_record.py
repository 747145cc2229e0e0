"""record: what may be given a name, and what becomes of it."""

import datetime
import json

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.notebook import record
from crmlab.notebook.recording import MIME, as_json, recorded


def plain(value, digits=6):
    return as_json(value, digits, "result 'x'")


@pytest.mark.parametrize(
    "given, kept",
    [
        (1, 1),
        (True, True),
        (None, None),
        ("text", "text"),
        (1 / 3, 0.333333),
        (-0.0, 0.0),
        (123456789.0, 123457000.0),
        (np.int64(3), 3),
        (np.float32(0.1), 0.1),
        (np.bool_(True), True),
        (np.array([1.0, 2.5]), [1.0, 2.5]),
        (np.array(2.0), 2.0),
        ([1, (2.0, "a")], [1, [2.0, "a"]]),
        ({"a": {"b": np.pi}}, {"a": {"b": 3.14159}}),
        (datetime.date(2024, 2, 29), "2024-02-29"),
        (pd.Timestamp("2024-02-29"), "2024-02-29T00:00:00"),
        (pd.Series([1.5, 2.0], index=["a", "b"]), {"a": 1.5, "b": 2.0}),
    ],
)
def test_values_become_json(given, kept):
    value = plain(given)
    assert value == kept and type(value) is type(kept)
    assert json.loads(json.dumps(value, allow_nan=False)) == kept
    assert str(value) == str(kept)  # -0.0 == 0.0, but it is written differently


def test_digits_are_significant_digits():
    assert plain(0.000123456789, digits=3) == 0.000123
    assert plain(98765.4321, digits=2) == 99000.0


def test_a_frame_keeps_its_labels():
    counted = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    assert plain(counted) == {"columns": ["a", "b"], "rows": [[1, "x"], [2, None]]}
    named = pd.DataFrame({"estimate": [0.5]}, index=pd.Index(["slope"], name="term"))
    assert plain(named) == {"columns": ["term", "estimate"], "rows": [["slope", 0.5]]}


def test_missing_in_a_frame_is_none_since_pandas_means_that_by_nan():
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": [pd.NaT, pd.Timestamp("2024-01-01")]})
    assert plain(frame)["rows"] == [[1.0, None], [None, "2024-01-01T00:00:00"]]


@pytest.mark.parametrize(
    "value, words",
    [
        (float("nan"), "result 'x' is nan"),
        (np.inf, "result 'x' is inf"),
        ([1.0, np.nan], "item 1"),
        ({"a": np.nan}, "entry 'a'"),
        (pd.DataFrame({"a": [np.inf]}), "column 'a', row 0"),
        (object(), "is a object"),
        (lambda: 1, "is a function"),
        (1j, "is a complex"),
    ],
)
def test_what_cannot_be_written_down_is_refused_by_name(value, words):
    with pytest.raises(InputError, match=words):
        plain(value)


@pytest.mark.parametrize("name", ["", "  ", " padded", 3, None])
def test_a_result_needs_a_name(name):
    with pytest.raises(InputError, match="name"):
        record(name, 1)


@pytest.mark.parametrize("digits", [0, -1, 2.5])
def test_digits_must_be_a_count(digits):
    with pytest.raises(InputError, match="digits of result 'x'"):
        record("x", 1.0, digits=digits)


def test_outside_a_notebook_the_result_is_printed(capsys):
    assert record("slope", 1 / 3) is None
    assert capsys.readouterr().out == "slope = 0.333333\n"


def test_recorded_finds_results_and_names_given_twice():
    def output(name, value):
        return {"output_type": "display_data", "data": {MIME: {"name": name, "value": value}}, "metadata": {}}

    cells = [
        {"id": "a", "outputs": [output("x", 1), output("y", 2)]},
        {"id": "b", "outputs": [output("x", 3)]},
    ]
    assert recorded(cells) == ({"x": 3, "y": 2}, {"x": ["a", "b"]})
