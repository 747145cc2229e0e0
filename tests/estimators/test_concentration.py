"""Concentration: values by hand, errors by the jackknife and the bootstrap, and what is refused."""

import numpy as np
import pytest

from crmlab.design import Cohort, EstimationFailed
from crmlab.errors import InputError
from crmlab.estimators import GiniCoefficient, Propensity, TierRatio, TopShare, WeightedPolicyValue

N = 4000


def table(seed=3, n=N):
    rng = np.random.default_rng(seed)
    rate, amount = rng.gamma(0.8, 4 / 0.8, n), rng.lognormal(0, 0.5, n)
    now, then = rng.poisson(rate) * amount, rng.poisson(rate) * amount
    return {"now": now, "then": then, "profit": now - 1.5, "buys": (now > 0) * 1.0}


def tables(columns):
    return Cohort({"customers": columns}).tables


def resampled(estimator, columns, times=400, seed=5):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(columns["now"]), (times, len(columns["now"])))
    return estimator.batch(tables({name: values[rows] for name, values in columns.items()})).value


@pytest.mark.parametrize(
    "estimator",
    [
        TopShare("now"),
        TopShare("profit", by="now", among="buys"),
        TopShare("then", by="now", among="buys"),
        TopShare("then", by="now", among="buys", fraction=0.1),
        TierRatio("then", by="now", among="buys"),
        TierRatio("now", among="buys"),
        GiniCoefficient("now"),
        GiniCoefficient("now", among="buys"),
    ],
    ids=str,
)
def test_errors_are_those_of_the_bootstrap(estimator):
    columns = table()
    found = estimator(tables(columns))
    again = resampled(estimator, columns)
    assert found.standard_error == pytest.approx(again.std(), rel=0.15)
    assert abs(again.mean() - found.value) < found.standard_error


def test_values_are_those_that_a_hand_would_sort_out():
    columns = table()
    order = np.argsort(-columns["now"])
    buyers = order[: int(columns["buys"].sum())]
    many = round(0.2 * buyers.size)
    share = TopShare("then", by="now", among="buys")(tables(columns)).value
    assert share == pytest.approx(columns["then"][buyers[:many]].sum() / columns["then"][buyers].sum())
    tenth = round(0.1 * buyers.size)
    ratio = TierRatio("now", among="buys")(tables(columns)).value
    last = buyers[round(0.9 * buyers.size) :]
    worst = columns["now"][last].sum()
    assert np.exp(ratio) == pytest.approx(columns["now"][buyers[:tenth]].sum() / worst)
    values = columns["now"]
    between = np.abs(values[:, None] - values).mean() / (2 * values.mean())
    assert GiniCoefficient("now")(tables(columns)).value == pytest.approx(between)


def test_the_error_of_gini_is_the_jackknifes():
    values = table(n=400)["now"]
    found = GiniCoefficient("now")(tables({"now": values}))
    without = [GiniCoefficient("now")(tables({"now": np.delete(values, i)})).value for i in range(400)]
    jackknife = np.sqrt(399 / 400 * ((np.array(without) - np.mean(without)) ** 2).sum())
    assert found.standard_error == pytest.approx(jackknife, rel=0.03)  # they differ by 1/n


def test_many_cohorts_at_once_are_the_same():
    both = [table(seed) for seed in (1, 2)]
    stacked = tables({name: np.stack([each[name] for each in both]) for name in both[0]})
    for estimator in (TopShare("then", by="now", among="buys"), TierRatio("now", among="buys")):
        found = estimator.batch(stacked)
        for at, each in enumerate(both):
            one = estimator(tables(each))
            assert (found.value[at], found.standard_error[at]) == pytest.approx(
                (one.value, one.standard_error)
            )


@pytest.mark.parametrize(
    "draw, least, most",
    [
        (lambda rng, size: rng.lognormal(0, 1.6832, size), 0.85, 0.93),
        (lambda rng, size: rng.pareto(1.161, size) + 1, 0.35, 0.55),
    ],
    ids=["lognormal", "Pareto"],
)
def test_intervals_of_80_20_promise_too_much_where_tails_are_heavy(draw, least, most):
    """What the module's docstring says, and lesson 12."""
    values = draw(np.random.default_rng(1), (600, 500))
    low, high = TopShare("value").batch(tables({"value": values})).bounds()
    assert least < ((low < 0.8) & (high > 0.8)).mean() < most


def test_what_has_no_meaning_is_no_estimate():
    columns = table()
    with pytest.raises(EstimationFailed, match="nothing to share"):
        TopShare("loss", by="now")(tables({"now": columns["now"], "loss": -columns["now"]}))
    with pytest.raises(EstimationFailed):
        TierRatio("profit", by="now")(tables(columns))  # the worst tenth lose money
    with pytest.raises(InputError, match=r"fraction is 0\.7; it must be above 0 and at most 0\.5"):
        TierRatio("now", fraction=0.7)
    with pytest.raises(InputError, match="fraction is 1"):
        TopShare("now", fraction=1)
    with pytest.raises(InputError, match="leave it out"):
        GiniCoefficient("now", by="then")(tables(columns))
    with pytest.raises(InputError, match="unknown columns? 'nobody'"):
        TopShare("nobody")(tables(columns))


# -- the value of a policy by weighting alone ------------------------------------------------------------


def randomised(seed, n=3000):
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.2, 0.8, n)
    treated = (rng.random(n) < chance) * 1.0
    outcome = 3 + 2 * chance + treated * (chance > 0.5) + rng.standard_normal(n)
    return {"chance": chance, "treated": treated, "outcome": outcome, "rule": (chance > 0.5) * 1.0}


@pytest.mark.parametrize("normalised", [True, False])
def test_a_rule_is_worth_what_those_who_got_it_show(normalised):
    lot = Propensity(known="chance")
    value = WeightedPolicyValue("outcome", "treated", lot, rule="rule", cost=0.25, normalised=normalised)
    columns = randomised(2)
    found = value(tables(columns))
    d, e, pi = columns["treated"], columns["chance"], columns["rule"]
    net = columns["outcome"] - 0.25 * d
    served = pi * d / e + (1 - pi) * (1 - d) / (1 - e)
    nobody = (1 - d) / (1 - e)
    scale = (served.sum(), nobody.sum()) if normalised else (len(d), len(d))
    assert found.value == pytest.approx((served * net).sum() / scale[0] - (nobody * net).sum() / scale[1])
    many = [value(tables(randomised(seed))) for seed in range(300)]
    values, errors = np.array([(each.value, each.standard_error) for each in many]).T
    assert abs(values.mean() - 0.375) < 4 * values.std() / np.sqrt(300)  # half are served, at 1 − 0.25
    assert errors.mean() == pytest.approx(values.std(), rel=0.15)
