"""What fitted models say, against simulation from the truth and against independent arithmetic."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import betaln, gammaln, hyp2f1

from crmlab.errors import InputError
from crmlab.mechanisms import purchases
from crmlab.models.btyd import (
    BGBB,
    BGCNBD,
    BGNBD,
    GammaGamma,
    ModifiedBGCNBD,
    ModifiedBGNBD,
    ParetoNBD,
    ShiftedBetaGeometric,
)
from crmlab.models.delta import jacobian

KINDS = {
    "BG/NBD": BGNBD.from_params(r=0.5, alpha=5.0, a=0.8, b=2.5),
    "MBG/NBD": ModifiedBGNBD.from_params(r=0.7, alpha=5.0, a=0.8, b=2.5),
    "Pareto/NBD": ParetoNBD.from_params(r=0.6, alpha=6.0, s=0.7, beta=10.0),
    "BG/CNBD-2": BGCNBD.from_params(k=2, r=0.5, alpha=2.5, a=0.8, b=2.5),
    "MBG/CNBD-3": ModifiedBGCNBD.from_params(k=3, r=0.7, alpha=1.7, a=0.8, b=2.5),
}


@pytest.fixture(scope="module", params=KINDS)
def world(request):
    """A model, 200,000 of its customers seen to 30, and what they did to 50."""
    model = KINDS[request.param]
    customers = model.simulate(200_000, 50.0, seed=9)
    return model, customers.split(30.0), customers.truth


def test_probability_alive_is_calibrated(world):
    model, seen, truth = world
    chance = model.probability_alive(seen.frequency, seen.recency, seen["T"])
    alive = truth["lifetime"] > 30.0
    for low in np.arange(0, 1, 0.2):
        group = (chance > low) & (chance <= low + 0.2)
        if group.sum() > 500:
            assert alive[group].mean() == pytest.approx(
                chance[group].mean(), abs=4.5 * 0.5 / np.sqrt(group.sum())
            )


def test_probability_of_staying_is_calibrated(world):
    """Active at T and for 20 more; and, of new customers, at any time."""
    model, seen, truth = world
    later = model.probability_alive(seen.frequency, seen.recency, seen["T"], ahead=20.0)
    assert later.name == "probability_alive" and later.index.equals(seen.index)
    stayed = truth["lifetime"] > 50.0
    for low in np.arange(0, 1, 0.2):
        group = ((later > low) & (later <= low + 0.2)).to_numpy()
        if group.sum() > 500:
            reach = 4.5 * 0.5 / np.sqrt(group.sum())
            assert stayed[group].mean() == pytest.approx(later[group].mean(), abs=reach)
    now = model.probability_alive(seen.frequency, seen.recency, seen["T"])
    assert (later <= now + 1e-12).all()
    for t in (0.0, 7.0, 49.0):
        share = (truth["lifetime"] > t).mean()
        assert model.survival(t) == pytest.approx(share, abs=4.5 * 0.5 / np.sqrt(len(seen)))


def test_conditional_expectations_are_calibrated(world):
    model, seen, _ = world
    expected = model.conditional_expected_purchases(20.0, seen.frequency, seen.recency, seen["T"])
    for group in (
        seen.frequency == 0,
        seen.frequency.between(1, 3),
        seen.frequency > 3,
        (seen.frequency > 3) & (seen.recency < 20),
    ):
        later = seen.holdout_purchases[group]
        assert later.mean() == pytest.approx(
            expected[group.to_numpy()].mean(), abs=4.5 * later.std() / len(later) ** 0.5
        )


def test_counts_and_means_of_new_customers(world):
    model, seen, _ = world
    x = np.bincount(seen.frequency, minlength=12)[:12] / len(seen)
    chance = model.probability_of_n(np.arange(12), 30.0)
    assert x == pytest.approx(chance, abs=4.5 * 0.5 / np.sqrt(len(seen)))
    assert seen.frequency.mean() == pytest.approx(
        model.expected_purchases(30.0), abs=4.5 * seen.frequency.std() / 447
    )


@pytest.mark.parametrize("name", KINDS)
def test_a_new_customer_is_one_without_a_history(name):
    model = KINDS[name]
    assert model.survival([0.0, 9.0]) == pytest.approx(model.probability_alive(0, 0.0, 0.0, ahead=[0.0, 9.0]))
    assert model.expected_purchases(9.0) == pytest.approx(
        model.conditional_expected_purchases(9.0, 0, 0.0, 0.0)
    )
    without_end = model.discounted_expected_transactions(0.02)
    assert without_end == pytest.approx(model.discounted_expected_residual_transactions(0.02, 0, 0.0, 0.0))
    assert without_end > model.customer_lifetime_value(50, 0.02, 0, 0.0, 0.0, spend=1.0)


def test_series_keep_their_index_and_others_are_not_mixed_up():
    model = KINDS["BG/NBD"]
    index = pd.Index(["b", "a", "c"], name="customer_id")
    x, t_x, T = (pd.Series(each, index=index) for each in ([0, 2, 7], [0.0, 20.0, 29.0], [30.0, 30.0, 30.0]))
    expected = model.conditional_expected_purchases(12.0, x, t_x, T)
    assert expected.index.equals(index) and expected.index.name == "customer_id"
    assert expected.name == "conditional_expected_purchases"
    plain = model.conditional_expected_purchases(12.0, x.to_numpy(), t_x.to_numpy(), T.to_numpy())
    assert isinstance(plain, np.ndarray) and expected.to_numpy().tolist() == plain.tolist()
    assert isinstance(model.probability_alive(2, 9.0, 30.0), float)
    assert model.conditional_expected_purchases([[1.0], [2.0]], x, t_x, T).shape == (2, 3)
    spend = GammaGamma.from_params(p=6.0, q=4.0, gamma=15.0).expected_spend(x, x * 3.0)
    assert spend.index.equals(index) and spend.name == "expected_spend"
    periods = BGBB.from_params(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)
    assert periods.probability_alive(x, x, 9).index.equals(index)
    for ask in (
        lambda: model.probability_alive(x, t_x[::-1], T),
        lambda: BGNBD().fit(x, t_x, T[::-1]),
        lambda: BGBB().fit(x, x[::-1], 9),
    ):
        with pytest.raises(InputError, match=r"have different indexes.*reindex"):
            ask()


@pytest.mark.parametrize("name", KINDS)
def test_value_adds_up(name):
    model = KINDS[name]
    history = (np.array([0, 2, 7]), np.array([0.0, 20.0, 29.0]), np.array([30.0, 30.0, 30.0]))
    plain = model.customer_lifetime_value(12.5, 0.0, *history, spend=10.0, margin=0.3)
    assert plain == pytest.approx(3.0 * model.conditional_expected_purchases(12.5, *history))
    discounted = model.customer_lifetime_value(12, 0.01, *history, spend=[10.0, 20.0, 30.0])
    assert (discounted < model.customer_lifetime_value(12, 0.0, *history, spend=[10.0, 20.0, 30.0])).all()
    # all future purchases, discounted continuously: as finely added up as we like
    rate, step = 0.02, 0.05
    total = model.discounted_expected_residual_transactions(rate, *history)
    t = np.arange(step, 900, step)
    until = np.stack(
        [model.conditional_expected_purchases(t, *(each[j] for each in history)) for j in range(3)]
    )
    flows = np.diff(until, axis=1, prepend=0.0)
    assert total == pytest.approx((flows * (1 + rate) ** -(t - step / 2)).sum(axis=1), rel=2e-3)


def test_shapes_and_broadcasting():
    model = KINDS["BG/NBD"]
    assert isinstance(model.probability_alive(2, 9.0, 30.0), float)
    assert isinstance(model.expected_purchases(3), float)
    x, t_x = np.meshgrid(np.arange(1, 6), np.linspace(1, 30, 7))
    surface = model.probability_alive(x, t_x, 30.0)
    assert surface.shape == (7, 5) and surface[2, 3] == model.probability_alive(x[2, 3], t_x[2, 3], 30.0)
    path = model.probability_alive(2, 9.0, np.linspace(9, 60, 20))
    assert (np.diff(path) < 0).all()
    assert model.conditional_expected_purchases([1.0, 5.0], 2, 9.0, 30.0).shape == (2,)
    many = np.tile([1.0, 2.0, 3.0], 200)  # many equal customers are computed once
    assert model.conditional_expected_purchases(5.0, many, many, 30.0)[:3] == pytest.approx(
        model.conditional_expected_purchases(5.0, many[:3], many[:3], 30.0), rel=1e-13
    )


def test_expected_spend(generator):
    model = GammaGamma.from_params(p=6.0, q=4.0, gamma=15.0)
    x = generator.integers(1, 6, 300_000)
    money, mean = purchases.gamma_gamma(x, p=6.0, q=4.0, gamma=15.0, seed=2)
    expected = model.expected_spend(x, money)
    for count in (1, 3, 5):
        for group in ((x == count) & (money < 20), (x == count) & (money > 50)):
            assert mean[group].mean() == pytest.approx(expected[group].mean(), rel=0.02)
    assert model.expected_spend() == pytest.approx(30.0) and model.expected_spend(0, 0.0) == pytest.approx(
        30.0
    )
    assert GammaGamma.from_params(p=6.0, q=0.9, gamma=15.0).expected_spend() == np.inf


def test_lifetime_value_of_spend_and_purchases():
    spend, buy = GammaGamma.from_params(p=6.0, q=4.0, gamma=15.0), KINDS["BG/NBD"]
    history = [0, 2], [0.0, 20.0], [30.0, 30.0]
    value = spend.customer_lifetime_value(buy, 12, 0.01, *history, monetary_value=[0.0, 25.0])
    parts = buy.customer_lifetime_value(12, 0.01, *history, spend=spend.expected_spend([0, 2], [0.0, 25.0]))
    assert value == pytest.approx(parts)


def test_bgbb_predictions():
    truth = dict(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)
    model = BGBB.from_params(**truth)
    long = purchases.bg_bb(300_000, 8, seed=3, **truth)
    assert long.frequency.mean() == pytest.approx(model.expected_purchases(8), rel=0.01)
    x = np.bincount(long.frequency, minlength=9) / len(long)
    assert x == pytest.approx(model.probability_of_n(np.arange(9), 8), abs=0.004)
    assert model.probability_of_n(np.arange(9), 8).sum() == pytest.approx(1.0)
    alive = model.probability_alive(long.frequency, long.recency, 8, ahead=0)
    assert alive.mean() == pytest.approx(long.truth["alive"].mean(), abs=0.004)
    still = long.truth["lifetime"] >= 10
    later = model.probability_alive(long.frequency, long.recency, 8, ahead=2)
    for low in np.arange(0, 1, 0.25):
        group = (later > low) & (later <= low + 0.25)
        assert still[group].mean() == pytest.approx(later[group].mean(), abs=2.5 / np.sqrt(group.sum()))
    # new customers: at each opportunity, and all without end
    stays = model.survival(np.arange(1, 4000))
    assert stays[9] == pytest.approx((long.truth["lifetime"] >= 10).mean(), abs=0.004)
    assert stays[0] == pytest.approx(2.8 / (0.66 + 2.8))
    buys = 1.2 / (1.2 + 0.75) * stays
    assert buys[:8].sum() == pytest.approx(model.expected_purchases(8))
    discounted = (buys * 1.1 ** -np.arange(1.0, 4000)).sum()
    assert model.discounted_expected_transactions(0.1) == pytest.approx(discounted)
    # the article's closed forms
    a, b, c, d = truth.values()
    n = 6

    def gamma(z):
        return np.exp(gammaln(z))

    closed = (
        a / (a + b) * d / (c - 1) * (1 - gamma(c + d) / gamma(c + d + n) * gamma(1 + d + n) / gamma(1 + d))
    )
    assert model.expected_purchases(n) == pytest.approx(closed)
    rate, (x, t_x) = 0.1, (3, 5)
    likelihood = np.exp(model.log_likelihood([x], [t_x], [n]))
    closed = (
        np.exp(betaln(a + x + 1, b + n - x) - betaln(a, b) + betaln(c, d + n + 1) - betaln(c, d))
        / (1 + rate)
        * hyp2f1(1, d + n + 1, c + d + n + 1, 1 / (1 + rate))
        / likelihood
    )
    assert model.discounted_expected_residual_transactions(rate, x, t_x, n) == pytest.approx(closed)
    steps = [model.conditional_expected_purchases(k, x, t_x, n) for k in range(400)]
    assert closed == pytest.approx(np.sum(np.diff(steps) * 1.1 ** -np.arange(1.0, 400)), rel=1e-6)


def test_sbg_predictions():
    a, b, d = 0.704, 1.182, 0.1
    model = ShiftedBetaGeometric.from_params(alpha=a, beta=b)
    t = np.arange(1, 9)
    assert model.survival(t) == pytest.approx(np.exp(betaln(a, b + t) - betaln(a, b)))
    assert model.survival(0) == 1.0
    assert model.probability_of_leaving(t) == pytest.approx(np.exp(betaln(a + 1, b + t - 1) - betaln(a, b)))
    assert model.probability_alive(3, t) == pytest.approx(model.survival(3 + t) / model.survival(3))
    assert model.retention_rate(t) == pytest.approx(model.survival(t) / model.survival(t - 1))
    assert model.discounted_expected_lifetime(d) == pytest.approx(hyp2f1(1, b, a + b, 1 / (1 + d)))
    n = np.array([1, 2, 6])  # Fader & Hardie (2010), equation 8, about to make renewal n
    residual = (b + n - 1) / (a + b + n - 1) * hyp2f1(1, b + n, a + b + n, 1 / (1 + d))
    assert model.discounted_expected_residual_lifetime(d, n - 1) == pytest.approx(residual)
    assert model.customer_lifetime_value(d, margin=2.0, horizon=4000) == pytest.approx(
        2 * model.discounted_expected_lifetime(d), rel=1e-6
    )
    counts = model.simulate(200_000, 8, seed=4)
    assert counts[0] == 200_000
    assert counts[1:] / 200_000 == pytest.approx(model.survival(t), abs=0.005)


@pytest.mark.parametrize("kind", [BGNBD, ModifiedBGNBD])
@pytest.mark.parametrize(
    "parameters",
    [(0.24, 4.4, 0.79, 2.43), (1.0, 10.0, 1.0, 1.0), (0.5, 3.0, 0.001, 5e3), (3.0, 2.0, 4e2, 1e3)],
)
def test_a_forecasts_slopes_are_its_derivatives(kind, parameters):
    rng = np.random.default_rng(3)
    x, T = np.append(0, rng.poisson(3, 300)), rng.integers(28, 40, 301)
    history = x, np.where(x > 0, T * rng.random(301), 0.0), T

    def expected(logs):
        model = kind.from_params(**dict(zip(kind.parameter_names, np.exp(logs), strict=True)))
        return model.conditional_expected_purchases(39, *history)

    there, slopes = kind.from_params(**dict(zip(kind.parameter_names, parameters, strict=True))).forecast(
        39, *history
    )
    assert there == pytest.approx(expected(np.log(parameters)), rel=1e-12)
    by_difference = jacobian(expected, np.log(parameters)).T
    assert slopes * np.array(parameters) == pytest.approx(by_difference, rel=1e-4, abs=1e-6)
