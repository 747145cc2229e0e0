"""Cohorts: what an analyst sees, and apart from it the truth."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pandas as pd
import pytest

from crmlab.design import Cohort, InputError, Tables

COLUMNS = {"age": np.array([31, 47, 52]), "spend": np.array([1.0, 2.0, 3.0])}


def test_tables_by_attribute_and_by_name_are_the_same_frame():
    cohort = Cohort({"customers": COLUMNS}, truth={"loyal": np.array([True, False, True])})
    assert cohort.customers is cohort["customers"] is cohort.tables.customers
    pd.testing.assert_frame_equal(cohort.customers, pd.DataFrame(COLUMNS))
    assert cohort.truth.loyal.tolist() == [True, False, True] and cohort.truth["loyal"][0]


def test_unknown_names_say_what_there_is():
    cohort = Cohort({"customers": COLUMNS, "surveys": {"q": np.zeros(3)}}, truth={"loyal": 1})
    with pytest.raises(InputError, match="unknown table 'client'; known: customers, surveys"):
        cohort["client"]
    with pytest.raises(AttributeError, match="unknown table 'client'; known: customers, surveys"):
        cohort.client
    with pytest.raises(AttributeError, match="the truth holds no 'faith'; it holds loyal"):
        cohort.truth.faith
    with pytest.raises(InputError, match="table is None; there are several, say which: customers, surveys"):
        cohort.tables.columns()
    assert not hasattr(cohort, "_hidden")


def test_a_table_given_as_a_function_is_drawn_when_wanted_and_once():
    calls = []
    cohort = Cohort({"customers": COLUMNS, "surveys": lambda: calls.append(1) or {"q": np.zeros(3)}})
    assert (
        cohort.customers.shape == (3, 2) and cohort.tables.names() == ["customers", "surveys"] and calls == []
    )
    assert (
        cohort.surveys.q.sum() == 0 and cohort.tables.columns("surveys")["q"].shape == (3,) and calls == [1]
    )


def test_a_ragged_table_is_no_data_frame():
    with pytest.raises(InputError, match="table 'customers' holds arrays of shapes \\[\\(2,\\), \\(3,\\)\\]"):
        Cohort({"customers": {"a": np.zeros(2), "b": np.zeros(3)}})["customers"]
    with pytest.raises(InputError, match="one length for all columns of one cohort"):
        Tables({"customers": {"a": np.zeros((2, 3))}})["customers"]


def test_one_of_many_cohorts():
    many = Tables(
        {
            "customers": {"spend": np.arange(6.0).reshape(2, 3), "number": np.arange(3)},
            "late": lambda: {"x": np.arange(2.0)[:, None]},
        }
    )
    second = many.one(1)
    assert second.customers.spend.tolist() == [3, 4, 5] and second.customers.number.tolist() == [0, 1, 2]
    assert second.late.x.tolist() == [1.0]


@pytest.mark.parametrize("shape", [(3, 3, 5), (4, 5), (5, 1, 1), ()])
@pytest.mark.parametrize("late", [False, True])
def test_a_model_that_cannot_draw_many_cohorts_at_once_is_found_out(shape, late):
    table = {"fine": np.zeros((3, 5)), "shared": np.zeros(5), "wrong": np.zeros(shape)}
    with pytest.raises(
        InputError, match="column 'wrong' of table 'customers' has shape .* where 3 cohorts were drawn"
    ):
        Tables({"customers": (lambda: table) if late else table}).drawn_at_once(3).columns("customers")


def test_what_is_computed_once_for_a_cohort_is_not_kept_for_the_next():
    tables, calls = Tables({"customers": COLUMNS}), []
    assert [tables.once("mean", lambda: calls.append(1) or 7) for _ in range(3)] == [7, 7, 7] and calls == [1]
    assert Tables({"customers": COLUMNS}).once("mean", lambda: 8) == 8


def test_the_display_tells_both_sides_apart():
    cohort = Cohort({"customers": COLUMNS}, truth={"effect": 0.25, "loyal": np.zeros(3), "<kind>": "a"})
    cohort.seed = 7
    text = repr(cohort)
    assert text.startswith("Cohort (seed 7)\nobserved  customers") and "age, spend" in text
    assert [line.split()[:2] for line in text.splitlines()[2:]] == [
        ["truth", "effect"],
        ["truth", "loyal"],
        ["truth", "<kind>"],
    ]
    html = cohort._repr_html_()
    assert "<caption>Cohort, seed 7</caption>" in html and "&lt;kind&gt;" in html and "<kind>" not in html
    assert html.count("<tr>") == 5


def test_cohorts_can_be_copied_and_sent():
    cohort = Cohort({"customers": COLUMNS}, truth={"effect": 0.25})
    for other in (copy.deepcopy(cohort), pickle.loads(pickle.dumps(cohort))):
        pd.testing.assert_frame_equal(other.customers, cohort.customers)
        assert other.truth.effect == 0.25


def test_tables_go_when_nobody_holds_them_any_more():
    """Without a search for cycles: a diagnosis would otherwise hold hundreds of cohorts at a time."""
    tables = Tables({"customers": lambda: {"spend": np.arange(3.0)}})
    assert tables.stacked().columns("customers")["spend"].shape == (1, 3)
    assert tables.stacked() is tables.stacked()
    gone, stacked_gone = weakref.ref(tables), weakref.ref(tables.stacked())
    gc.disable()
    try:
        del tables
        assert gone() is None and stacked_gone() is None
    finally:
        gc.enable()
