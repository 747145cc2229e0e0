"""Slopes with effects of two kinds of units, against a regression on all dummies."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from crmlab.errors import InputError
from crmlab.models.two_way import slope_within


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    film, user = rng.integers(0, 12, 600), rng.integers(0, 25, 600)
    cause = 0.1 * film + 0.05 * user + rng.standard_normal(600)
    outcome = 0.4 * cause - 0.3 * film + rng.standard_normal(25)[user] + rng.standard_normal(600)
    return pd.DataFrame({"film": film, "user": user, "x": cause, "y": outcome})


def test_the_slope_and_its_errors_are_those_of_all_dummies(rows):
    fit = smf.ols("y ~ x + C(film) + C(user)", rows).fit()
    found = slope_within(rows.y, rows.x, rows.film, rows.user)
    assert found.value == pytest.approx(fit.params["x"])
    for error, unit in zip(found.errors, ("film", "user"), strict=True):
        clustered = fit.get_robustcov_results("cluster", groups=rows[unit], use_correction=False).bse[
            fit.model.exog_names.index("x")
        ]
        assert error == pytest.approx(clustered, rel=1e-6)


def test_a_cause_that_belongs_to_units_has_no_slope(rows):
    with pytest.raises(InputError, match="does not vary within units"):
        slope_within(rows.y, rows.film, rows.film, rows.user)
    with pytest.raises(InputError, match="units is empty"):
        slope_within(rows.y, rows.x)
