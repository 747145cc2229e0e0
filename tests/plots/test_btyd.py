"""Pictures of fitted customer bases show the numbers they are of, with intervals that are right."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.mechanisms.purchases import bg_nbd, pareto_nbd
from crmlab.models.btyd import BGNBD, ModifiedBGNBD, ParetoNBD
from crmlab.plots import btyd, customer_base

TRUE = dict(r=0.5, alpha=6.0, a=0.8, b=2.5)
PARETO = dict(r=0.6, alpha=8.0, s=0.7, beta=12.0)


@pytest.fixture(scope="module")
def models():
    bg, pareto = bg_nbd(3000, 60, **TRUE, seed=1), pareto_nbd(3000, 60, **PARETO, seed=1)
    return {
        kind: kind().fit(base.frequency, base.recency, base.T)
        for kind, base in ((BGNBD, bg), (ModifiedBGNBD, bg), (ParetoNBD, pareto))
    }


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_intervals_are_the_models_own(models):
    model = models[BGNBD]
    for name in TRUE:
        middle, low, high = btyd.interval(model, lambda m: m.params_[name], "log")
        own = model.confidence_intervals_.loc[name]
        assert (float(low), float(high)) == pytest.approx((own["low"], own["high"]), rel=2e-3)
        assert float(middle) == model.params_[name]


def test_intervals_agree_with_draws(models):
    model = models[ParetoNBD]

    def ask(m):
        return m.expected_purchases(np.array([5.0, 20.0, 100.0]))

    _middle, low, high = btyd.interval(model, ask, "log")
    draws = np.array(
        [ask(ParetoNBD.from_params(**row)) for row in model.parameter_draws(400, 1).to_dict("records")]
    )
    np.testing.assert_allclose(np.log(draws).std(axis=0), np.log(high / low) / (2 * btyd.REACH), rtol=0.15)


def test_known_parameters_have_no_interval():
    middle, low, high = btyd.interval(BGNBD.from_params(**TRUE), lambda m: m.expected_purchases(10.0))
    assert low is None and high is None and middle == BGNBD.from_params(**TRUE).expected_purchases(10.0)
    figure = btyd.heterogeneity(BGNBD.from_params(**TRUE))
    assert not figure.axes[0].collections


@pytest.mark.parametrize("kind", [BGNBD, ParetoNBD])
def test_tracking(models, kind):
    births, times = (np.array([0.0, 2.0, 7.5]), np.array([10, 20, 30])), np.arange(0, 50.0)
    purchases = np.random.default_rng(1).poisson(5, 49)
    figure = btyd.tracking(models[kind], births, times, purchases, calibration_end=30.0)
    total, each = figure.axes
    made = lines(total)["what happened"].get_ydata()
    assert made[-1] == purchases.sum()
    expected = lines(total)[f"{kind.name}, expected"].get_ydata()
    by_hand = sum(n * models[kind].expected_purchases(max(49.0 - born, 0.0)) for born, n in zip(*births))
    assert expected[-1] == pytest.approx(by_hand, rel=1e-9)
    assert np.sum(each.get_lines()[1].get_ydata()) == pytest.approx(by_hand, rel=1e-9)
    assert total.collections and each.collections  # bands


def test_holdout_means(models):
    base = bg_nbd(3000, 60, **TRUE, seed=3)
    split = base.split(40.0)
    summary = split.rename(columns={"holdout_purchases": "frequency_holdout"}).assign(duration_holdout=20.0)
    axes = btyd.holdout(models[BGNBD], summary).axes[0]
    shown = axes.containers[0].lines[0].get_ydata()
    groups = summary.groupby(np.minimum(summary["frequency"], 7))["frequency_holdout"]
    np.testing.assert_allclose(shown, groups.mean())
    expected = lines(axes)["BG/NBD, expected"].get_ydata()
    own = pd.Series(
        models[BGNBD].conditional_expected_purchases(20.0, split["frequency"], split["recency"], split["T"])
    )
    np.testing.assert_allclose(expected, own.groupby(np.minimum(summary["frequency"].to_numpy(), 7)).mean())
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2", "3", "4", "5", "6", "7+"]


@pytest.mark.parametrize("kind", [BGNBD, ModifiedBGNBD, ParetoNBD])
def test_histogram_covers_its_own_model(models, kind):
    """Of cohorts drawn from the fitted model nearly all bars lie within the whiskers."""
    model, inside = models[kind], []
    for seed in range(4):
        base = model.simulate(3000, np.repeat([20.0, 45.0, 60.0], 1000), seed=seed)
        axes = btyd.frequency_histogram(model, base.frequency, base.T, most=6).axes[0]
        made, expected = ([bar.get_height() for bar in container] for container in axes.containers[:2])
        assert sum(made) == 3000 and sum(expected) == pytest.approx(3000)
        segments = axes.containers[2].lines[2][0].get_segments()
        inside += [low <= count <= high for count, ((_, low), (_, high)) in zip(made, segments)]
    assert np.mean(inside) > 0.9


def test_history_rises_at_purchases_and_falls_in_silence(models):
    figure = btyd.alive_history(models[BGNBD], [3.0, 10.0, 12.0], 50.0)
    x, y = figure.axes[0].get_lines()[0].get_data()
    assert y[-1] == pytest.approx(models[BGNBD].probability_alive(3, 12.0, 50.0))
    assert (y[x < 3] == 1).all()
    assert y[np.searchsorted(x, 12.0)] > y[np.searchsorted(x, 11.5)] and (np.diff(y[x > 12.0]) < 0).all()
    with pytest.raises(InputError, match="times must ascend from 0 to end"):
        btyd.alive_history(models[BGNBD], [3.0, 60.0], 50.0)


@pytest.mark.parametrize("kind", [BGNBD, ModifiedBGNBD, ParetoNBD])
def test_heterogeneity(models, kind):
    figure = btyd.heterogeneity(models[kind], "D")
    left, right = figure.axes
    r, alpha = models[kind].params_["r"], models[kind].params_["alpha"]
    assert left.get_lines()[1].get_xdata()[0] == pytest.approx(r / alpha)
    assert left.get_xlabel() == "purchases a day while active" and left.collections and right.collections


def test_the_matrices_name_the_unit_and_say_what_the_model_says(models):
    figure = customer_base.matrices(models[BGNBD], 80.0, 30.0, unit="D")
    alive, ahead = figure.axes
    assert alive.get_ylabel() == "last purchase, days after the first"
    assert len(alive.texts) == len(ahead.texts) == 12 * 8
    said = f"{models[BGNBD].probability_alive(3, 40.0, 80.0):.0%}"
    assert alive.texts[3 * 12 + 2].get_text() == said


def test_pictures_of_customers_with_given_covariates():
    """Of the model at these covariates; the whole model says how to get it, its own intervals included."""
    z = np.random.default_rng(0).normal(1970.0, 10.0, 2000)
    base = bg_nbd(2000, 60, **TRUE, seed=1, purchase_covariates=(z - 1970.0) / 10.0, purchase_effects=0.5)
    model = BGNBD().fit(base.frequency, base.recency, base.T, purchase_covariates=z)
    one = model.at(purchase_covariates=[[1970.0]])
    assert (
        btyd.heterogeneity(one)
        and customer_base.matrices(one, 60.0, 9.0)
        and btyd.alive_history(one, [3.0, 9.0], 60.0)
    )
    ask = dict(purchase_covariates=[[1970.0]])
    whole = btyd.interval(model, lambda m: m.probability_alive(3, 20.0, 60.0, **ask), "logit")
    assert np.array(whole) == pytest.approx(
        np.array(btyd.interval(one, lambda m: m.probability_alive(3, 20.0, 60.0), "logit")), rel=1e-2
    )
    for draw in (btyd.heterogeneity, lambda m: customer_base.matrices(m, 60.0, 9.0)):
        with pytest.raises(InputError, match=r"model.at\(...\)"):
            draw(model)
