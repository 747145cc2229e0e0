"""Correlations and their difference: values, and errors that need no normality."""

import numpy as np
import pytest

from crmlab.design import EstimationFailed, InputError, Tables
from crmlab.estimators import Correlation, CorrelationDifference

LEAD = CorrelationDifference("y", "a", "b")


def drawn(seed, simulations=3, rows=300, skew=False):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((simulations, rows))
    if skew:
        a = rng.exponential(size=(simulations, rows)) - 1
    b = 0.8 * a + 0.6 * rng.standard_normal((simulations, rows))
    y = 0.4 * a + 0.2 * b + rng.standard_normal((simulations, rows))
    return Tables({"customers": {"a": a, "b": b, "y": y}})


def lead(frame):
    return frame.y.corr(frame.a) - frame.y.corr(frame.b)


def test_the_value_is_the_difference_of_two_correlations():
    tables = drawn(1)
    found = LEAD.batch(tables)
    for number in range(3):
        assert found.value[number] == pytest.approx(lead(tables.one(number).customers))


def test_the_error_is_the_jackknifes():
    frame = drawn(2, simulations=1).one(0).customers
    left_out = np.array([lead(frame.drop(row)) for row in frame.index])
    rows = len(frame)
    jackknife = np.sqrt((rows - 1) / rows * ((left_out - left_out.mean()) ** 2).sum())
    assert LEAD(Tables({"customers": dict(frame)})).standard_error == pytest.approx(jackknife, rel=0.01)


@pytest.mark.parametrize("skew", [False, True])
def test_intervals_hold_the_truth(skew):
    """a and b have variance 1 and covariance .8."""
    variance = 0.16 + 0.04 + 2 * 0.4 * 0.2 * 0.8 + 1
    truth = ((0.4 + 0.2 * 0.8) - (0.4 * 0.8 + 0.2)) / np.sqrt(variance)
    low, high = LEAD.batch(drawn(3, simulations=2000, skew=skew)).bounds()
    assert abs(((low < truth) & (truth < high)).mean() - 0.95) < 4 * np.sqrt(0.05 * 0.95 / 2000)


def test_a_column_that_does_not_vary_has_no_correlation():
    with pytest.raises(EstimationFailed, match="does not vary"):
        LEAD(Tables({"customers": {"a": np.ones(9), "b": np.arange(9.0), "y": np.arange(9.0) ** 2}}))


def test_among_some_rows_it_is_their_correlation():
    tables = drawn(4, simulations=1).one(0)
    rows = tables.customers
    some = np.arange(len(rows)) % 3 == 0
    marked = Tables({"customers": dict(rows) | {"some": some * 1.0}})
    found = Correlation("y", "a", among="some")(marked)
    assert found.value == pytest.approx(rows[some].y.corr(rows[some].a))
    alone = Correlation("y", "a")(Tables({"customers": dict(rows[some])}))
    assert found.standard_error == pytest.approx(alone.standard_error, rel=0.01)


def test_of_normal_columns_the_error_is_fishers():
    y, e = np.random.default_rng(1).standard_normal((2, 200_000))
    tables = Tables({"rows": {"y": y, "a": 0.6 * y + 0.8 * e}})
    assert Correlation("y", "a")(tables).standard_error == pytest.approx((1 - 0.36) / 200_000**0.5, rel=0.02)


def test_a_difference_of_rows_and_some_of_them_has_the_error_that_it_scatters_by():
    columns = drawn(5, simulations=3000).columns()
    tables = Tables({"customers": columns | {"some": np.arange(300) % 2 * 1.0}})
    found = CorrelationDifference("y", "a", "a", second_among="some").batch(tables)
    assert found.standard_error.mean() == pytest.approx(found.value.std(), rel=0.05)


def test_an_unknown_column_is_named():
    with pytest.raises(InputError, match="unknown column 'c'"):
        Correlation("y", "c")(drawn(6, simulations=1).one(0))
