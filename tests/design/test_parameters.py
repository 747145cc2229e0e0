"""A theory's truth: checked, frozen, bounded."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab.design import InputError, Parameters, parameter

from .markets import Market, searching


def test_defaults_pass_and_keep_their_order():
    assert Market.names() == ["effect", "confounding", "method", "loyal", "n_customers"]
    assert Market().effect == 0.3 and Market.range_of("effect") == (-2, 2)
    assert Market.range_of("loyal") == (-np.inf, np.inf)


@searching
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_is_taken_if_and_only_if_it_lies_in_its_range(value):
    if -2 <= value <= 2:
        assert Market(effect=value).effect == value
    else:
        with pytest.raises(InputError, match="effect is"):
            Market(effect=value)


@searching
@given(st.integers() | st.sampled_from([10**400, -(10**400)]))
def test_a_count_is_taken_if_and_only_if_it_lies_in_its_range(value):
    if 4 <= value <= 10_000:
        assert Market(n_customers=value).n_customers == value
    else:
        with pytest.raises(InputError, match="it must lie from 4 to 10000"):
            Market(n_customers=value)


@pytest.mark.parametrize(
    "name, value, says",
    [
        ("effect", "0.3", "it must be a finite float"),
        ("effect", None, "it must be a finite float"),
        ("effect", True, "it must be a finite float"),
        ("effect", np.nan, "it must be a finite float"),
        ("effect", 10**400, "it must be a finite float"),
        ("effect", 2.0001, "from -2 to 2 \\(units a unit\\)"),
        ("n_customers", 100.0, "it must be a finite int"),
        ("n_customers", True, "it must be a finite int"),
        ("method", "fax", "it must be one of mail, phone"),
        ("method", 3, "it must be a finite str"),
        ("loyal", 1, "it must be a finite bool"),
    ],
)
def test_what_does_not_fit_is_refused(name, value, says):
    with pytest.raises(InputError, match=f"{name} is .*{says}"):
        Market().replace(**{name: value})


def test_numbers_of_numpy_become_plain_ones():
    market = Market(effect=np.float32(0.5), n_customers=np.int64(50))
    assert type(market.effect) is float and type(market.n_customers) is int
    with pytest.raises(InputError, match="finite float"):
        Market(effect=np.float32("inf"))
    assert type(Market(effect=1).effect) is float


def test_an_unknown_name_is_refused_with_the_known_ones_listed():
    with pytest.raises(
        InputError, match="unknown parameters 'efect', 'n'; known: effect, confounding, method, loyal"
    ):
        Market().replace(efect=1, n=2)


def test_parameters_are_frozen_and_equal_by_value():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Market().effect = 1
    assert Market(effect=1) == Market(effect=1.0) != Market(effect=0.9)
    assert hash(Market()) == hash(Market())
    assert Market().replace(effect=1).replace(effect=0.3) == Market()


def test_a_theory_may_check_its_parameters_together():
    @dataclass(frozen=True)
    class Shares(Parameters):
        first: float = parameter(0.4, "share", low=0, high=1)
        second: float = parameter(0.4, "share", low=0, high=1)

        def __post_init__(self):
            super().__post_init__()
            if self.first + self.second > 1:
                raise InputError("first and second add up to more than 1")

    assert Shares(first=0.6).first == 0.6
    with pytest.raises(InputError, match="add up"):
        Shares().replace(first=0.6, second=0.6)


def test_the_table_shows_units_and_sources():
    html = Market()._repr_html_()
    assert "units a unit" in html and "<td>0.3</td>" in html and "ours" in html
    assert all(name in html for name in Market.names())
