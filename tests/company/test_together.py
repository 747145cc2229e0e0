"""Companies that are simulated side by side are those that are simulated alone, to the last bit."""

import numpy as np
import pytest

from crmlab.company import Company
from crmlab.company.together import simulate_together
from crmlab.errors import InputError

KEEP = {
    "orders": ("customer_id", "branch_id", "month", "time", "amount"),
    "exposures": ("customer_id", "month", "sent", "read", "propensity"),
    "complaints": ("customer_id", "branch_id", "employee_id", "month", "redressed"),
    "surveys": ("customer_id", "month", "satisfaction", "alternatives"),
}


def companies(preset, count, **settings):
    return [
        Company(preset, seed=(5, number), **{"customers": 900, "months": 30} | settings)
        for number in range(count)
    ]


def same(one, other):
    assert set(one) == set(other)
    for name in one:
        assert set(one[name]) == set(other[name]), name
        for column in one[name]:
            assert np.array_equal(one[name][column], other[name][column], equal_nan=column.endswith("since"))


@pytest.mark.parametrize("preset", ["claim", "trap"])
def test_rows_are_the_same_side_by_side(preset):
    each = companies(preset, 5)
    for alone, beside in zip(
        [one.simulate(KEEP) for one in each], simulate_together(each, KEEP), strict=True
    ):
        same(alone.arrays, beside.arrays)
        for name in alone.tables:
            assert alone.tables[name].equals(beside.tables[name]), name
        for name in ("customers", "branches", "paths"):
            assert alone.truth.tables[name].equals(beside.truth.tables[name]), name


def test_the_number_side_by_side_changes_nothing(monkeypatch):
    each = companies("claim", 5)
    some = simulate_together(each, KEEP)
    monkeypatch.setattr("crmlab.company.together.TOGETHER", 2000)  # two at a time
    for one, other in zip(some, simulate_together(each, KEEP), strict=True):
        same(one.arrays, other.arrays)


def test_other_luck_and_what_is_forbidden_go_with_each_company():
    each = [one.replace(luck=7, luck_from=12).do(campaign=0) for one in companies("claim", 3)]
    for one, beside in zip(each, simulate_together(each, KEEP), strict=True):
        same(one.simulate(KEEP).arrays, beside.arrays)


def test_companies_of_many_branches_and_large_ones_are_alone():
    many = [
        one.replace(parameters=one.parameters.replace(n_branches=5000))
        for one in companies("claim", 8, months=8)
    ]
    large = companies("claim", 2, customers=21_000, months=3)
    for each in (many, large):
        for one, beside in zip(each, simulate_together(each, KEEP), strict=True):
            same(one.simulate(KEEP).arrays, beside.arrays)


def test_rows_that_say_not_whose_they_are_are_refused():
    with pytest.raises(InputError, match="keep has a table without customer_id"):
        simulate_together(companies("null", 2), {"months": ("month", "orders")})
