"""Standardised chances against statsmodels' predictions, the bootstrap's scatter and the truth."""

import numpy as np
import pytest
from scipy.special import ndtr

from crmlab.design import EstimationFailed, InputError, Tables
from crmlab.estimators import LogisticRegression, ProbitRegression, Standardised

FORMULA = "y ~ d + x"
ONE, OTHER = {"d": 1}, {"d": 0}


def drawn(rows, simulations=(), seed=3):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((*simulations, rows))
    d = (rng.random(x.shape) < ndtr(x)) * 1.0
    y = (0.4 * d + 0.8 * x + rng.standard_normal(x.shape) > 0) * 1.0
    return Tables({"rows": {"y": y, "d": d, "x": x}})


@pytest.mark.parametrize("kind", [LogisticRegression, ProbitRegression])
def test_it_is_the_mean_difference_of_statsmodels_predictions(kind):
    tables, regression = drawn(500), kind(FORMULA, "d")
    rows, fit = tables["rows"], regression.fit(tables)
    design = np.column_stack([np.ones(500), np.ones(500), rows.x])
    without = design * [1, 0, 1]
    expected = (fit.predict(design) - fit.predict(without)).mean()
    assert Standardised(regression, ONE, OTHER)(tables).value == pytest.approx(expected)


def test_its_error_is_its_scatter_and_its_mean_the_truth():
    found = Standardised(ProbitRegression(FORMULA, "d"), ONE, OTHER).batch(drawn(600, (1500,)))
    truth = ndtr(0.4 / np.sqrt(1.64)) - 0.5
    assert found.value.mean() == pytest.approx(truth, abs=4 * found.value.std() / 1500**0.5 + 0.002)
    assert found.standard_error.mean() == pytest.approx(found.value.std(), rel=0.07)


def test_what_cannot_be_fitted_says_why():
    tables = Tables({"rows": {"y": np.array([0.0, 1, 0, 1]), "d": np.ones(4), "x": np.arange(4.0)}})
    with pytest.raises(EstimationFailed, match="rank"):
        Standardised(LogisticRegression(FORMULA, "d"), ONE, OTHER)(tables)
    with pytest.raises(InputError, match="unknown column 'z'"):
        Standardised(LogisticRegression(FORMULA, "d"), {"z": 1}, OTHER)(drawn(50))
