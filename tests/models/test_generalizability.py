"""Shares of variance: those of simulated persons and items, and by an analysis of variance."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from crmlab.errors import InputError
from crmlab.models.generalizability import variance_shares


def drawn(seed, persons, items, spreads):
    rng = np.random.default_rng(seed)
    person, item, rest = spreads
    values = person * rng.standard_normal((persons, 1)) + item * rng.standard_normal(items)
    return pd.DataFrame(values + rest * rng.standard_normal((persons, items)))


def test_shares_are_those_of_the_simulation():
    shares = variance_shares(drawn(1, 2000, 300, (1.2, 0.5, 1.0)))
    total = 1.2**2 + 0.5**2 + 1
    assert shares.tolist() == pytest.approx([1.44 / total, 0.25 / total, 1 / total], abs=0.03)
    assert shares.sum() == pytest.approx(1)


def test_mean_squares_are_those_of_an_analysis_of_variance():
    table = drawn(2, 30, 6, (1.0, 0.7, 1.0))
    long = table.stack().rename_axis(["person", "item"]).rename("answer").reset_index()
    squares = sm.stats.anova_lm(smf.ols("answer ~ C(person) + C(item)", long).fit())
    mean = squares["sum_sq"] / squares["df"]
    rest = mean["Residual"]
    parts = np.array([(mean["C(person)"] - rest) / 6, (mean["C(item)"] - rest) / 30, rest])
    assert variance_shares(table).tolist() == pytest.approx((parts / parts.sum()).tolist())


def test_what_is_not_complete_is_refused():
    with pytest.raises(InputError, match="1 missing"):
        variance_shares(pd.DataFrame([[1, 2], [3, np.nan]]))
    with pytest.raises(InputError, match="2 rows, 1 columns"):
        variance_shares(pd.DataFrame([[1], [2]]))
