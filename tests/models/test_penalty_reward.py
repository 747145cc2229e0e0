"""Penalties and rewards: what statsmodels' formulas give, and what unequal steps do to dummies."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from crmlab.errors import InputError
from crmlab.models.penalty_reward import Dummies, HalfLines, penalties_and_rewards


@pytest.fixture
def ratings():
    rng = np.random.default_rng(1)
    skewed = 80 - 20 * np.round(rng.lognormal(0, 0.6, (2, 600)) - 1)
    first, second = np.clip(skewed, 0, 100)
    return pd.DataFrame({"first": first, "second": second, "sat": 0.5 * first + 8 * rng.standard_normal(600)})


def test_dummies_are_the_formulas(ratings):
    fit = smf.ols("sat ~ I(1.0 * (first <= 40)) + I(1.0 * (first >= 100))", ratings).fit(
        cov_type="HC3", use_t=True
    )
    row = penalties_and_rewards(ratings, "sat", ["first"], Dummies(40, 100)).loc["first"]
    assert [-row.penalty, row.reward] == pytest.approx(fit.params.iloc[1:].tolist())
    test = fit.t_test([0, -1, -1])
    expected = [test.effect.item(), test.sd.item(), test.pvalue.item()]
    assert row.iloc[2:].tolist() == pytest.approx(expected)


def test_half_lines_together_are_the_formulas(ratings):
    text = "sat ~ " + " + ".join(
        f"np.minimum({each} - 80, 0) + np.maximum({each} - 80, 0)" for each in ("first", "second")
    )
    fit = smf.ols(text, ratings).fit(use_t=True)
    table = penalties_and_rewards(
        ratings, "sat", ["first", "second"], HalfLines(80), together=True, errors="nonrobust"
    )
    assert table[["penalty", "reward"]].to_numpy().ravel() == pytest.approx(fit.params.to_numpy()[1:])
    for name, contrast in (("first", [0, 1, -1, 0, 0]), ("second", [0, 0, 0, 1, -1])):
        assert table.p_value[name] == pytest.approx(fit.t_test(contrast).pvalue.item())


def test_on_a_straight_line_dummies_find_a_penalty_and_half_lines_none(ratings):
    dummies, halves = (
        penalties_and_rewards(ratings, "sat", ["first"], shape).loc["first"]
        for shape in (Dummies(40, 100), HalfLines(80))
    )
    assert dummies.difference > 0 and dummies.p_value < 1e-4
    assert halves.p_value > 0.05


def test_what_cannot_be_compared_is_refused(ratings):
    with pytest.raises(InputError, match="second has no ratings on one side of"):
        penalties_and_rewards(ratings.assign(second=50.0), "sat", ["second"], HalfLines(80))
    with pytest.raises(InputError, match="unknown column 'third'"):
        penalties_and_rewards(ratings, "sat", ["third"], HalfLines(80))
