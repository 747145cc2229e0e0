"""Army companies and hospital trusts: as their cards say, and lesson 16's numbers on the real files."""

import numpy as np
import pytest
import statsmodels.formula.api as smf

from crmlab.data import load_bh1996, load_nhs
from crmlab.design import Tables
from crmlab.estimators import IntraclassCorrelation, MixedModel, within_and_between


@pytest.fixture
def soldiers(real_data):
    return load_bh1996()


@pytest.fixture
def trusts(real_data):
    seen = load_nhs().dropna(subset=["mortality", "workplace", "care"])
    return seen[seen.groupby("trust").year.transform("size") > 1]


def test_both_files_are_what_their_cards_say(real_data):
    people, hospitals = load_bh1996(), load_nhs()
    assert people.shape == (7382, 5) and people.company.nunique() == 99 and people.notna().all(axis=None)
    assert hospitals.shape == (1084, 6) and hospitals.trust.nunique() == 146
    assert not hospitals.duplicated(["trust", "year"]).any()
    assert set(hospitals.year) == set(range(2012, 2020))
    answered = hospitals.dropna(subset=["workplace"])
    assert (len(answered), answered.trust.nunique()) == (1072, 144)


@pytest.mark.parametrize(
    "outcome, effects, slope, error",
    [
        ("mortality", "C(year)", -0.264, 0.070),
        ("mortality", "C(year) + C(trust)", -0.036, 0.044),
        ("care", "C(year)", 1.021, 0.028),
        ("care", "C(year) + C(trust)", 0.805, 0.028),
    ],
)
def test_what_lasts_in_trusts_and_what_moves_within_them(trusts, outcome, effects, slope, error):
    assert (len(trusts), trusts.trust.nunique()) == (1070, 142)
    groups = {"groups": trusts.trust.astype("category").cat.codes}
    fit = smf.ols(f"{outcome} ~ workplace + {effects}", trusts).fit(cov_type="cluster", cov_kwds=groups)
    assert fit.params["workplace"] == pytest.approx(slope, abs=0.0006)
    assert fit.bse["workplace"] == pytest.approx(error, abs=0.0006)


def test_companies_that_work_longer_and_soldiers_who_do(soldiers):
    hours, feeling = (
        within_and_between(soldiers[name].to_numpy(), soldiers.company.to_numpy())
        for name in ("hours", "well_being")
    )
    means = soldiers.groupby("company")[["hours", "well_being"]].mean()
    assert soldiers.hours.corr(soldiers.well_being) == pytest.approx(-0.163, abs=0.0006)
    assert np.corrcoef(hours[0], feeling[0])[0, 1] == pytest.approx(-0.111, abs=0.0006)
    assert np.corrcoef(hours[1], feeling[1])[0, 1] == pytest.approx(-0.712, abs=0.0006)
    assert means.hours.corr(means.well_being) == pytest.approx(-0.667, abs=0.0006)


def test_the_slope_within_companies_and_what_a_companys_mean_adds(soldiers):
    """Two effects of hours, apart: one term alone would mix them."""
    columns = {name: soldiers[name].to_numpy(dtype=float) for name in soldiers}
    columns["mean_hours"] = within_and_between(columns["hours"], columns["company"])[1]
    data = Tables({"people": columns})
    for term, slope, error in (("hours", -0.0465, 0.0049), ("mean_hours", -0.1269, 0.0194)):
        found = MixedModel("well_being ~ hours + mean_hours", term, "people", group="company")(data)
        assert found.value == pytest.approx(slope, abs=6e-5)
        assert found.standard_error == pytest.approx(error, abs=6e-5)


@pytest.mark.parametrize(
    "column, by_squares, likeliest",
    [("well_being", 0.044, 0.043), ("hours", 0.133, 0.129), ("leadership", 0.127, None)],
)
def test_how_alike_soldiers_of_one_company_are(soldiers, column, by_squares, likeliest):
    """By mean squares, as published, and by the likelihood."""
    groups = soldiers.groupby("company")[column]
    sizes = groups.size()
    between = (sizes * (groups.mean() - soldiers[column].mean()) ** 2).sum() / (len(sizes) - 1)
    within = ((soldiers[column] - groups.transform("mean")) ** 2).sum() / (len(soldiers) - len(sizes))
    rows = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sizes) - 1)
    assert (between - within) / (between + (rows - 1) * within) == pytest.approx(by_squares, abs=0.0012)
    data = Tables({"people": {name: soldiers[name].to_numpy() for name in soldiers}})
    found = IntraclassCorrelation(f"{column} ~ 1", "company")(data)
    low, high = found.interval
    assert low < by_squares < high
    if likeliest is not None:
        assert found.value == pytest.approx(likeliest, abs=0.0006)
