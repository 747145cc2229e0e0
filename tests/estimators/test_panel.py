"""Staggered starts: against statsmodels, by brute force, and the published numbers of a real panel."""

import os
from pathlib import Path

import numpy as np
import pytest
import statsmodels.formula.api as smf

from crmlab.data import load_mpdta
from crmlab.design import Tables
from crmlab.errors import InputError
from crmlab.estimators import GroupTimeEffects, GroupTimeWald, PairedDifference, TwoWayFixedEffects


def panel(simulations=3, units=60, periods=6, seed=1):
    """Starts in 3, in 4 and never; some take part from their start on, and gain 1."""
    rng = np.random.default_rng(seed)
    unit, period = np.divmod(np.arange(units * periods), periods)
    period = period + 1
    start = np.array([3, 4, 0])[unit % 3]
    takes = (rng.random((simulations, units)) < 0.6)[:, unit] & (start > 0) & (period >= start)
    taste = rng.standard_normal((simulations, units))[:, unit]
    y = taste + 0.3 * period + takes + 0.5 * rng.standard_normal((simulations, len(unit)))
    columns = {"unit": unit, "period": period, "start": start, "takes": takes * 1.0, "y": y}
    return Tables({"t": {**columns, "shop": unit // 4}})


def effects(outcome="y", **options):
    return GroupTimeEffects(outcome, "unit", "period", "start", **options)


# -- group-time effects -----------------------------------------------------------------------------------


def test_only_periods_up_to_the_last_count_and_from_the_mean_of_several_before():
    tables = panel()
    found = effects(until=1, base=2).batch(tables).value[2]
    means = tables.one(2)["t"].groupby(["start", "period"]).y.mean()
    cells = [(3, 3), (3, 4), (4, 4), (4, 5)]
    by_hand = [
        means[g, t] - means[0, t] - np.mean([means[g, b] - means[0, b] for b in (g - 2, g - 1)])
        for g, t in cells
    ]
    assert found == pytest.approx(np.mean(by_hand))


def test_averages_of_groups_weigh_groups_and_those_of_cells_cells():
    tables = panel(1)
    means = tables.one(0)["t"].groupby(["start", "period"]).y.mean()
    gains = {
        g: [means[g, t] - means[0, t] - means[g, g - 1] + means[0, g - 1] for t in range(g, 7)]
        for g in (3, 4)
    }
    assert effects().batch(tables).value[0] == pytest.approx(np.mean(gains[3] + gains[4]))
    by_group = effects(average="groups").batch(tables).value[0]
    assert by_group == pytest.approx(np.mean([np.mean(gains[3]), np.mean(gains[4])]))


def test_rows_average_to_the_estimate():
    tables = panel()
    rows, groups = effects(cluster="shop").rows(tables)
    assert rows.shape == (3, 60) and groups.shape[-1] == 60
    assert np.allclose(rows.mean(-1), effects(cluster="shop").batch(tables).value)


@pytest.mark.parametrize(
    "options, says",
    [
        ({"since": -1}, "since is -1"),
        ({"until": -1}, "until"),
        ({"since": 1, "until": 2}, "until"),
        ({"base": 0}, "base is 0"),
        ({"average": "both"}, "average is 'both'"),
    ],
)
def test_impossible_options_are_refused(options, says):
    with pytest.raises(InputError, match=says):
        effects(**options)


def test_the_effect_on_those_who_take_part_is_found_with_an_honest_error():
    many = GroupTimeWald(effects(base=2), effects("takes", base=2)).batch(panel(1500))
    low, high = many.bounds()
    assert abs(many.value.mean() - 1) < 4 * many.value.std() / np.sqrt(1500) + 0.003
    assert abs(((low < 1) & (high > 1)).mean() - 0.95) < 0.03


def test_a_difference_of_two_estimates_of_the_same_units_knows_how_they_go_together():
    tables = panel()
    one = effects()
    nothing = PairedDifference(one, one).batch(tables)
    assert np.allclose(nothing.value, 0) and np.allclose(nothing.standard_error, 0)


# -- two-way fixed effects --------------------------------------------------------------------------------


@pytest.mark.parametrize("cluster", [None, "shop"])
def test_two_way_fixed_effects_are_those_of_statsmodels(cluster):
    tables = panel()
    ours = TwoWayFixedEffects("y", "takes", "unit", "period", cluster=cluster).batch(tables)
    for at in range(3):
        frame = tables.one(at)["t"]
        groups = frame[cluster or "unit"]
        fit = smf.ols("y ~ takes + C(unit) + C(period)", frame).fit(
            cov_type="cluster", cov_kwds={"groups": groups}, use_t=True
        )
        intercepts = np.sqrt((len(frame) - 1) / (len(frame) - len(fit.params)))  # they count them as terms
        assert ours.value[at] == pytest.approx(fit.params["takes"])
        assert ours.standard_error[at] * intercepts == pytest.approx(fit.bse["takes"])
        assert ours.degrees_of_freedom[at] == groups.nunique() - 1


def test_its_weights_add_up_to_one_and_give_the_slope():
    unit, period = np.divmod(np.arange(3 * 12), 12)
    start = np.array([4, 7, 0])[unit]
    open_ = ((start > 0) & (period + 1 >= start)) * 1.0
    growing = open_ * (period + 2 - start) * 0.1
    table = {"unit": unit, "period": period, "open": open_, "y": growing + unit + 0.2 * period}
    two_way = TwoWayFixedEffects("y", "open", "unit", "period")
    tables = Tables({"t": table}).stacked()
    weights = two_way.weights(tables)[0]
    assert weights.sum() == pytest.approx(1)
    assert two_way.batch(tables).value[0] == pytest.approx((weights.ravel() * growing).sum())


# -- a real panel -----------------------------------------------------------------------------------------

FOLDER = os.environ.get("CRMLAB_TEST_DATA", "nowhere")


@pytest.fixture
def counties(monkeypatch):
    if not (Path(FOLDER) / "mpdta.rda").exists():
        pytest.skip("mpdta.rda is not in CRMLAB_TEST_DATA")
    pytest.importorskip("rdata")
    monkeypatch.setenv("CRMLAB_DATA", FOLDER)
    return load_mpdta()


def of_counties(**options):
    return GroupTimeEffects("log_employment", "county", "year", "start", **options)


def columns(frame):
    return Tables({"t": {name: frame[name].to_numpy() for name in frame}})


@pytest.mark.parametrize(
    "options, value, error",
    [
        ({}, -0.0400, 0.0117),
        ({"average": "groups"}, -0.0310, 0.0124),
        ({"since": 0}, -0.0199, 0.0118),
        ({"since": 1}, -0.0510, 0.0169),
        ({"since": 2}, -0.1373, 0.0364),
        ({"since": 3}, -0.1008, 0.0344),
    ],
)
def test_minimum_wages_and_teenage_employment(counties, options, value, error):
    """Callaway & Sant'Anna's example without covariates: simple, by group, and by years since."""
    found = of_counties(**options)(columns(counties))
    assert abs(found.value - value) < 6e-5
    assert abs(found.standard_error - error) < 0.0012


def test_two_way_fixed_effects_and_a_trend_before_the_raise(counties):
    found = TwoWayFixedEffects("log_employment", "raised", "county", "year")(columns(counties))
    assert found.value == pytest.approx(-0.0365, abs=6e-5) and found.standard_error == pytest.approx(
        0.0132, abs=3e-4
    )
    late = counties[counties.start.isin([0, 2007])]
    before = PairedDifference(of_counties(since=-3), of_counties(since=-4))(columns(late))
    assert before.value == pytest.approx(0.0305, abs=6e-5)
    assert before.standard_error == pytest.approx(0.0150, abs=3e-4)
