"""Likelihoods far from where anybody fits, against 25-digit arithmetic; fits of data without a story."""

import warnings

import mpmath
import numpy as np
import pytest
from scipy.stats import beta as beta_law
from scipy.stats import gamma as gamma_law

from crmlab.errors import InputError
from crmlab.models.btyd import (
    BGBB,
    BGNBD,
    ConvergenceWarning,
    GammaGamma,
    ModifiedBGNBD,
    ParetoNBD,
    ShiftedBetaGeometric,
)
from crmlab.models.btyd.bgnbd import _discounted, while_active
from crmlab.models.btyd.special import panels

mp = mpmath.mp.clone()
mp.dps = 25
HISTORIES = (BGNBD, ModifiedBGNBD, ParetoNBD)


def log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def bgnbd_reference(x, t_x, T, r, alpha, a, b, flips=0):
    """Fader, Hardie & Lee (2005), equation 6, as printed; with one more flip, the modified model."""
    n = x + flips
    value = mp.exp(log_beta(a, b + n) - log_beta(a, b) - (r + x) * mp.log(alpha + T))
    if n > 0:
        value += mp.exp(log_beta(a + 1, b + n - 1) - log_beta(a, b) - (r + x) * mp.log(alpha + t_x))
    return mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha) + mp.log(value)


def paretonbd_reference(x, t_x, T, r, alpha, s, beta):
    """Alive at T, or dead at tau in (t_x, T), integrated in tau itself by tanh–sinh."""
    k = r + x
    base = -k * mp.log(alpha + T) - s * mp.log(beta + T)
    died = mp.mpf(0)
    if t_x < T:

        def integrand(tau):
            return mp.exp(-k * mp.log(alpha + tau) - (s + 1) * mp.log(beta + tau) - base)

        died = mp.quad(integrand, [t_x] + [t_x + (T - t_x) * mp.mpf(10) ** -j for j in range(12, -1, -1)])
    return mp.loggamma(k) - mp.loggamma(r) + r * mp.log(alpha) + s * mp.log(beta) + base + mp.log1p(s * died)


def wild(generator):
    """A history and parameters over the whole range."""
    T = 10 ** generator.uniform(-1, 5)
    x = float(generator.choice([0, 1, 2, 10, 500, 5000]))
    share = generator.choice([1.0, 0.999999, generator.random(), 1e-6]) if x else 0.0
    return (x, T * share, T), 10 ** generator.uniform(-3, 3, 4)


@pytest.mark.parametrize(
    "kind, reference, cases",
    [
        (BGNBD, bgnbd_reference, 300),
        (ModifiedBGNBD, lambda *args: bgnbd_reference(*args, flips=1), 300),
        (ParetoNBD, paretonbd_reference, 16),
    ],
)
def test_log_likelihood_over_the_whole_range(generator, kind, reference, cases):
    for _ in range(cases):
        history, parameters = wild(generator)
        expected = float(reference(*map(mp.mpf, history), *map(mp.mpf, map(float, parameters))))
        model = kind.from_params(**dict(zip(kind.parameter_names, parameters)))
        got = model.log_likelihood(*([each] for each in history))
        assert got == pytest.approx(expected, rel=1e-10, abs=1e-10), (history, parameters)


@pytest.mark.parametrize(
    "history, parameters",
    [
        ((0.0, 0.0, 100.0), (0.05, 0.05, 20.0, 1.0)),  # the tail of the integral must not be cut
        ((3.0, 10.0, 1e5), (0.05, 0.05, 20.0, 1000.0)),
        ((2.0, 1.0, 50.0), (1.0, 1000.0, 1.0, 0.001)),  # alpha a million times beta
        ((2.0, 1.0, 50.0), (1.0, 0.001, 1.0, 1000.0)),
        ((5000.0, 1e5, 1e5), (1.0, 1.0, 1.0, 1.0)),  # t_x = T
        ((7.0, 30.0, 30.0), (0.5, 10.0, 0.6, 10.0)),
        ((4.0, 20.0, 40.0), (0.5, 10.0, 0.6, 10.0)),  # alpha = beta
        ((5000.0, 99999.0, 1e5), (1e3, 1e3, 1e-3, 1e-3)),
    ],
)
def test_paretonbd_where_others_break(history, parameters):
    expected = float(paretonbd_reference(*map(mp.mpf, history), *map(mp.mpf, parameters)))
    model = ParetoNBD.from_params(**dict(zip(ParetoNBD.parameter_names, parameters)))
    assert model.log_likelihood(*([each] for each in history)) == pytest.approx(
        expected, rel=1e-11, abs=1e-11
    )
    assert 0.0 <= model.probability_alive(*history) <= 1.0


@pytest.mark.parametrize("kind", HISTORIES)
def test_gradient_and_hessian_are_those_of_the_likelihood(generator, kind):
    columns = np.array([0, 3, 1, 2, 40.0]), np.array([0, 5, 7, 3, 8.9]), np.array([9, 9, 7, 8, 9.0])
    for parameters in 10 ** generator.uniform(-1, 1, (8, 4)):

        def terms(p):
            return kind()._terms(columns, *p)

        _, first, second = terms(parameters)
        for j in range(4):
            step = np.eye(4)[j] * parameters[j] * 1e-6
            up, down = terms(parameters + step), terms(parameters - step)
            width = 2e-6 * parameters[j]
            assert first[j] == pytest.approx((up[0] - down[0]) / width, rel=1e-6, abs=1e-6)
            for k in range(4):
                pair = second[min(j, k), max(j, k)] if (min(j, k), max(j, k)) in second else np.zeros(5)
                assert np.broadcast_to(pair, 5) == pytest.approx(
                    (up[1][k] - down[1][k]) / width, rel=1e-5, abs=1e-6
                )


def test_expected_purchases_against_the_hypergeometric_form(generator):
    """Fader, Hardie & Lee (2005), equation 9, which is singular at a = 1; ours is not."""
    for _ in range(60):
        r, alpha, a, b = 10 ** generator.uniform(-3, 3, 4)
        t = 10 ** generator.uniform(-2, 5)
        R, A, P, Q, t_ = (mp.mpf(float(v)) for v in (r, alpha, a, b, t))
        exact = (P + Q - 1) / (P - 1) * (1 - (A / (A + t_)) ** R * mp.hyp2f1(R, Q, P + Q - 1, t_ / (A + t_)))
        got = while_active(*(np.array([v]) for v in (t, r, alpha, a, b)))[0]
        assert got == pytest.approx(float(exact), rel=1e-8)
    at_one = BGNBD.from_params(r=0.24, alpha=4.4, a=1.0, b=2.4).expected_purchases(39)
    beside = [
        BGNBD.from_params(r=0.24, alpha=4.4, a=1.0 + e, b=2.4).expected_purchases(39) for e in (-1e-5, 1e-5)
    ]
    assert at_one == pytest.approx(np.mean(beside), rel=1e-9)


def test_discounted_purchases_against_a_double_integral():
    """E[λ/(d + λp)] over the quantiles of λ and p."""
    r, alpha, a, b, d = 2.3, 5.0, 0.8, 2.9, 0.01
    level, weight = panels(12, 24)
    rate, p = gamma_law(r, scale=1 / alpha).ppf(level), beta_law(a, b).ppf(level)
    exact = weight @ (rate[:, None] / (d + rate[:, None] * p)) @ weight
    got = _discounted(*(np.array([v]) for v in (d, r, alpha, a, b)))[0]
    assert got == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize(
    "parameters", [(0.55, 10.6, 0.61, 11.7), (5.0, 0.5, 30.0, 800.0), (0.02, 3.0, 1.0, 0.05)]
)
def test_paretonbd_counts_add_up_and_match_the_mean(parameters):
    model = ParetoNBD.from_params(**dict(zip(ParetoNBD.parameter_names, parameters)))
    n = np.arange(6000)
    chance = model.probability_of_n(n, 39.0)
    assert chance.sum() == pytest.approx(1.0, abs=1e-9)
    assert chance @ n == pytest.approx(model.expected_purchases(39.0), rel=1e-8)


@pytest.mark.parametrize("kind", [BGNBD, ModifiedBGNBD])
def test_beta_geometric_counts_add_up_and_match_the_mean(kind):
    model = kind.from_params(r=0.8, alpha=4.4, a=0.79, b=2.4)
    n = np.arange(3000)
    chance = model.probability_of_n(n, 39.0)
    assert chance.sum() == pytest.approx(1.0, abs=1e-12)
    assert chance @ n == pytest.approx(model.expected_purchases(39.0), rel=1e-10)


def test_gammagamma_with_large_shapes():
    x, m = [3, 5000, 1], [10.0, 12.0, 0.01]
    for p, q, gamma in ((1e-3, 1e3, 1e3), (1e3, 1e-3, 1e-3), (1e3, 1e3, 1e3), (1e-3, 1e-3, 1e-3)):
        exact = 0
        for count, mean in zip(x, m):
            X, M, P, Q, G = map(mp.mpf, (count, mean, p, q, gamma))
            exact += (
                mp.loggamma(P * X + Q)
                - mp.loggamma(P * X)
                - mp.loggamma(Q)
                + Q * mp.log(G)
                + (P * X - 1) * mp.log(M)
                + P * X * mp.log(X)
                - (P * X + Q) * mp.log(G + X * M)
            )
        got = GammaGamma.from_params(p=p, q=q, gamma=gamma).log_likelihood(x, m)
        assert got == pytest.approx(float(exact), rel=1e-11)


def test_bgbb_against_the_article(generator):
    for _ in range(100):
        alpha, beta, gamma, delta = 10 ** generator.uniform(-3, 3, 4)
        n = int(generator.choice([1, 6, 60]))
        t_x = int(generator.integers(0, n + 1))
        x = int(generator.integers(1, t_x + 1)) if t_x else 0
        A, B, C, D = (mp.mpf(float(v)) for v in (alpha, beta, gamma, delta))
        exact = mp.exp(log_beta(A + x, B + n - x) - log_beta(A, B) + log_beta(C, D + n) - log_beta(C, D))
        for i in range(n - t_x):
            exact += mp.exp(
                log_beta(A + x, B + t_x - x + i)
                - log_beta(A, B)
                + log_beta(C + 1, D + t_x + i)
                - log_beta(C, D)
            )
        model = BGBB.from_params(alpha=alpha, beta=beta, gamma=gamma, delta=delta)
        assert model.log_likelihood([x], [t_x], [n]) == pytest.approx(
            float(mp.log(exact)), rel=1e-10, abs=1e-10
        )


# -- fits of extreme data: finite and honest, or a clear refusal -------------------------------------------


@pytest.mark.parametrize("kind", HISTORIES)
@pytest.mark.parametrize(
    "columns",
    [
        ([3], [20.0], [40.0]),  # one customer
        ([3], [40.0], [40.0]),
        ([3] * 50, [20.0] * 50, [40.0] * 50),  # constant columns
        (np.arange(1, 50), np.full(49, 30.0), np.full(49, 30.0)),  # everybody buys on the last day
        ([2, 1, 0, 3], [1.0, 2.0, 0.0, 4.0], [5.0, 5.0, 0.0, 5.0]),  # one seen for no time at all
        ([5000, 0, 3, 200], [1e5, 0.0, 1e3, 1e5], [1e5] * 4),
    ],
)
def test_degenerate_data_are_fitted_and_named(kind, columns):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = kind().fit(*columns)
    assert [each.category for each in caught] == [ConvergenceWarning] * (
        model.convergence_.status != "converged"
    )
    assert np.isfinite(model.params_).all() and np.isfinite(model.log_likelihood_)
    x, t_x = np.asarray(columns[0], float), np.asarray(columns[1], float)
    some = x > 0
    ceiling = np.sum(x[some] * np.log(x[some] / t_x[some]) - x[some])  # each customer's own best rate
    assert model.log_likelihood_ <= ceiling + 1e-6
    if model.convergence_.boundary:
        assert not model.convergence_ and model.convergence_.status == "boundary"
        assert "limit" in model.convergence_.message and "NOT CONVERGED" in repr(model)
        assert model.standard_errors_[list(model.convergence_.boundary)].isna().all()


@pytest.mark.parametrize("kind", HISTORIES)
def test_nobody_bought_again(kind):
    with pytest.raises(InputError, match="frequency is 0 in all 50 rows"):
        kind().fit([0] * 50, [0.0] * 50, [40.0] * 50)


def test_no_dropout_is_a_boundary_not_a_number(generator):
    rate = generator.gamma(0.8, 0.2, 4000)
    x = generator.poisson(rate * 40)
    t_x = np.where(x > 0, 40 * generator.random(4000) ** (1 / np.maximum(x, 1)), 0)
    for kind in HISTORIES:
        with pytest.warns(ConvergenceWarning, match="limit|almost nothing"):
            model = kind().fit(x, t_x, np.full(4000, 40.0))
        assert model.probability_alive(2, 20.0, 40.0) > 0.97
        assert model.params_["r"] == pytest.approx(0.8, rel=0.1)


def test_spend_without_differences():
    with pytest.raises(InputError, match="same|differences"):
        GammaGamma().fit([1, 2, 3], [5.0, 5.0, 5.0])
    with pytest.warns(ConvergenceWarning):
        model = GammaGamma().fit(np.full(400, 3), np.random.default_rng(0).gamma(9, 3, 400))
    assert "q" in model.convergence_.boundary and np.isfinite(model.log_likelihood_)


def test_retention_without_differences():
    with pytest.warns(ConvergenceWarning):
        model = ShiftedBetaGeometric().fit(np.round(1e6 * 0.8 ** np.arange(8)))
    assert model.retention_rate(5) == pytest.approx(0.8, abs=1e-3)
    with pytest.raises(InputError, match="some customers lost"):
        ShiftedBetaGeometric().fit([10, 10, 10])
