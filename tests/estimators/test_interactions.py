"""Interactions of chances: by hand, by simulation, and against the coefficient."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import ndtr

from crmlab.design import InputError, Tables
from crmlab.estimators import CrossDifference, ProbitRegression
from crmlab.estimators.interactions import cross_difference

PROBIT = ProbitRegression("y ~ a + b + a:b", "a:b")


def chance(a, b):
    return ndtr(0.8 + 0.7 * a + 0.4 * b)


def customers(simulations, rows, seed=3):
    rng = np.random.default_rng(seed)
    a, b = (rng.standard_normal((simulations, rows)) for _ in range(2))
    return Tables({"t": {"a": a, "b": b, "y": (rng.random((simulations, rows)) < chance(a, b)) * 1.0}})


def test_a_product_of_zero_is_no_interaction_of_nought():
    truth = cross_difference(chance)
    assert truth == pytest.approx(ndtr(1.9) - ndtr(1.1) - ndtr(0.5) + ndtr(-0.3))
    tables = customers(800, 600)
    found = CrossDifference(PROBIT, "a", "b").batch(tables)
    covered = (np.abs(found.value - truth) < 1.96 * found.standard_error).mean()
    assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 800)
    assert found.value.mean() == pytest.approx(truth, abs=0.015)
    assert abs(PROBIT.batch(tables).value.mean()) < 0.02


def test_its_error_is_the_delta_method_on_the_fit_of_statsmodels():
    tables = customers(2, 400)
    found = CrossDifference(PROBIT, "b", "a").batch(tables)
    table = tables.one(1).t
    matrix = np.column_stack([np.ones(400), table.a, table.b, table.a * table.b])
    fit = sm.Probit(table.y.to_numpy(), matrix).fit(disp=0)

    def value(b):
        return cross_difference(lambda i, j: ndtr(b @ np.array([1, i, j, i * j])))

    slope = [(value(fit.params + 1e-5 * e) - value(fit.params - 1e-5 * e)) / 2e-5 for e in np.eye(4)]
    assert found.value[1] == pytest.approx(value(fit.params), abs=1e-6)
    assert found.standard_error[1] == pytest.approx(np.sqrt(slope @ fit.cov_params() @ slope), rel=1e-4)


def test_a_probit_without_the_product_is_refused():
    with pytest.raises(InputError, match="no product of a and b"):
        CrossDifference(ProbitRegression("y ~ a + b", "a"), "a", "b")
