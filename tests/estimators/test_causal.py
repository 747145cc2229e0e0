"""Weighting, doubly robust effects and policies: by hand, and many times over."""

import numpy as np
import pytest
import statsmodels.api as sm

from crmlab.design import Estimate, EstimationFailed, InputError, Tables
from crmlab.estimators import (
    Bootstrap,
    DoublyRobust,
    GroupTimeEffects,
    InverseProbability,
    LeastSquares,
    PolicyValue,
    Propensity,
    ProportionalHazards,
)


def selected(simulations=3, rows=300, seed=2):
    """Treatment goes by x, which also moves the outcome; the effect is 1 + x, so 1 on average."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((simulations, rows))
    chance = 1 / (1 + np.exp(-0.7 * x))
    treated = (rng.random(x.shape) < chance) * 1.0
    y = 2 * x + treated * (1 + x) + rng.standard_normal(x.shape)
    good = (x > -1) * 1.0
    return Tables(
        {"t": {"x": x, "d": treated, "y": y, "chance": chance, "good": good, "all": np.ones_like(x)}}
    )


FITTED, KNOWN = Propensity("x"), Propensity(known="chance")


@pytest.mark.parametrize("propensity", [FITTED, KNOWN])
@pytest.mark.parametrize("normalised", [True, False])
def test_weighting_is_what_the_formula_says(propensity, normalised):
    tables = selected()
    many = InverseProbability("y", "d", propensity, normalised=normalised).batch(tables)
    for number in range(3):
        t = tables.one(number)["t"]
        chance = (
            t.chance if propensity is KNOWN else sm.Logit(t.d, sm.add_constant(t.x)).fit(disp=0).predict()
        )
        one, other = t.d / chance, (1 - t.d) / (1 - chance)
        sums = (one.sum(), other.sum()) if normalised else (len(t), len(t))
        expected = (one * t.y).sum() / sums[0] - (other * t.y).sum() / sums[1]
        assert np.isclose(many.value[number], expected)


def test_doubly_robust_is_what_the_formula_says():
    tables = selected()
    many = DoublyRobust("y", "d", FITTED, covariates="x").batch(tables)
    for number in range(3):
        t = tables.one(number)["t"]
        design = sm.add_constant(t.x)
        chance = sm.Logit(t.d, design).fit(disp=0).predict()
        one, other = (sm.OLS(t.y[t.d == d], design[t.d == d]).fit().predict(design) for d in (1, 0))
        said = one - other + t.d * (t.y - one) / chance - (1 - t.d) * (t.y - other) / (1 - chance)
        assert np.isclose(many.value[number], said.mean())
        assert np.isclose(many.standard_error[number], said.std() / np.sqrt(len(t)))


ESTIMATORS = {
    "weights": (InverseProbability("y", "d", FITTED), 1.0),
    "known weights": (InverseProbability("y", "d", KNOWN), 1.0),
    "doubly robust": (DoublyRobust("y", "d", FITTED, covariates="x"), 1.0),
    "wrong propensity": (DoublyRobust("y", "d", Propensity("1"), covariates="x"), 1.0),
    "wrong outcome": (DoublyRobust("y", "d", FITTED, covariates="1"), 1.0),
    # E[(1 + x) 1(x > -1)] = Phi(1) + phi(1), less a cost of .3 each
    "policy": (
        PolicyValue("y", "d", FITTED, covariates="x", rule="good", cost=0.3),
        1.0833155 - 0.3 * 0.8413447,
    ),
    "against all": (PolicyValue("y", "d", FITTED, covariates="x", rule="good", against="all"), 0.0833155),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_effects_are_found_with_honest_errors(name):
    estimator, truth = ESTIMATORS[name]
    many = estimator.batch(selected(800, 600, seed=4))
    low, high = many.bounds()
    assert abs(many.value.mean() - truth) < 4 * many.value.std() / np.sqrt(800) + 0.01
    covered = ((low < truth) & (truth < high)).mean()
    assert abs(covered - 0.95) < (0.06 if name == "wrong outcome" else 0.035)
    naive = LeastSquares("y ~ d", "d").batch(selected(20, 600, seed=4))
    assert naive.value.mean() > 2


def test_propensities_of_0_and_1_are_refused():
    tables = selected().one(0)
    columns = {**tables.columns("t"), "chance": tables.columns("t")["good"]}
    with pytest.raises(InputError, match="chance is 0, 1 or beyond in 300 rows"):
        InverseProbability("y", "d", KNOWN)(Tables({"t": columns}))
    with pytest.raises(InputError, match="d must be 0 or 1"):
        InverseProbability("y", "d", KNOWN)(Tables({"t": {**columns, "d": columns["x"]}}))


def staggered(simulations=3, units=60, seed=5, grow=1.0):
    """Five periods; a third starts at 3, a third at 4, a third never. The effect grows by one a period."""
    rng = np.random.default_rng(seed)
    start = np.repeat([0, 3, 4], units // 3)
    period = np.arange(1, 6)
    since = period - start[:, None]
    effect = np.where((start[:, None] > 0) & (since >= 0), since + 1, 0) * grow
    own = rng.standard_normal((simulations, units, 1)) + 0.5 * (start > 0)[:, None]
    y = own + 0.3 * period + effect + 0.5 * rng.standard_normal((simulations, units, 5))
    flat = {
        "unit": np.repeat(np.arange(units), 5),
        "period": np.tile(period, units),
        "start": np.repeat(start, 5),
    }
    shop = flat["unit"] // 4
    return Tables({"t": {**flat, "shop": shop, "y": y.reshape(simulations, -1)}})


def effects(since=None, cluster=None):
    return GroupTimeEffects("y", "unit", "period", "start", since=since, cluster=cluster)


def test_group_time_effects_are_differences_in_differences():
    tables = staggered()
    many = effects().batch(tables)
    frame = (
        tables.one(1)["t"]
        .pivot(index=["start", "unit"], columns="period", values="y")
        .groupby("start")
        .mean()
    )
    pairs = [(3, 3), (3, 4), (3, 5), (4, 4), (4, 5)]
    each = [frame.loc[g, t] - frame.loc[g, g - 1] - frame.loc[0, t] + frame.loc[0, g - 1] for g, t in pairs]
    assert np.isclose(many.value[1], np.mean(each))


@pytest.mark.parametrize("since, truth", [(None, 1.8), (0, 1.0), (1, 2.0), (-2, 0.0)])
@pytest.mark.parametrize("cluster", [None, "shop"])
def test_effects_of_staggered_starts_are_found_with_honest_errors(since, truth, cluster):
    many = effects(since, cluster).batch(staggered(1000))
    low, high = many.bounds()
    assert abs(many.value.mean() - truth) < 4 * many.value.std() / np.sqrt(1000)
    assert abs(((low < truth) & (truth < high)).mean() - 0.95) < 0.035
    assert effects(since)(staggered().one(0)).sound


def test_a_panel_must_be_balanced():
    table = staggered().one(0).columns("t")
    with pytest.raises(InputError, match="the panel has 299 rows for 60 units and 5 periods"):
        effects()(Tables({"t": {name: values[:-1] for name, values in table.items()}}))
    with pytest.raises(EstimationFailed, match="nobody who is never treated"):
        effects()(Tables({"t": {**table, "start": np.maximum(table["start"], 3)}}))


def test_bootstrap_of_a_mean_is_its_standard_error():
    rng = np.random.default_rng(1)
    tables = Tables({"t": {"y": rng.standard_normal(200), "unit": np.repeat(np.arange(50), 4)}})
    mean = LeastSquares("y ~ 1", "Intercept")
    found = Bootstrap(mean, "t", resamples=999)(tables)
    assert np.isclose(found.standard_error, mean(tables).standard_error, rtol=0.08)
    looped = Bootstrap(mean.__call__, "t", resamples=60)
    assert np.allclose(looped.distribution(tables), Bootstrap(mean, "t", resamples=60).distribution(tables))
    clustered = Bootstrap(LeastSquares("y ~ 1", "Intercept", cluster="unit"), "t", unit="unit", resamples=999)
    assert np.isclose(clustered(tables).standard_error, clustered.estimator(tables).standard_error, rtol=0.1)


def test_bad_resamples_are_counted_and_too_many_are_a_failure():
    def fails_often(tables):
        if tables.columns()["y"][0] > 0:
            raise EstimationFailed("no maximum")
        return Estimate(float(tables.columns()["y"].mean()), 1.0)

    y = np.concatenate([np.full(99, -1.0), [1.0]])
    found = Bootstrap(fails_often, "t", resamples=200)(Tables({"t": {"y": y}}))
    assert np.isfinite(found.standard_error)
    half = Tables({"t": {"y": np.concatenate([np.full(50, -1.0), np.full(50, 1.0)])}})
    with pytest.raises(EstimationFailed, match="of 200 resamples could not be fitted"):
        Bootstrap(fails_often, "t", resamples=200)(half)


def test_hazards_of_two_groups():
    rng = np.random.default_rng(6)
    member = np.repeat([0.0, 1.0], 400)
    time = rng.exponential(1 / np.where(member, 0.5, 1.0))
    tables = Tables({"t": {"time": np.minimum(time, 2), "left": (time < 2) * 1.0, "member": member}})
    found = ProportionalHazards("time", "left", ("member",), "member")(tables)
    assert abs(found.value - np.log(0.5)) < 3 * found.standard_error and 0.05 < found.standard_error < 0.12
    same = Tables({"t": {**tables.columns("t"), "member": np.ones(800)}})
    with pytest.raises(EstimationFailed, match="did not converge"):
        ProportionalHazards("time", "left", ("member",), "member")(same)
