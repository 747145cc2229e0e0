"""BG/CNBD-k and MBG/CNBD-k: printed numbers, brute-force integrals, and k found again."""

import mpmath
import numpy as np
import pytest
from scipy.stats import beta as beta_law
from scipy.stats import gamma as gamma_law
from scipy.stats import nbinom

from crmlab.errors import InputError
from crmlab.mechanisms import purchases
from crmlab.models.btyd import BGCNBD, BGNBD, ConvergenceWarning, ModifiedBGCNBD, ModifiedBGNBD
from crmlab.models.btyd.special import panels
from crmlab.models.btyd.ticks import discounted, surviving, while_active

mp = mpmath.mp.clone()
mp.dps = 25
KINDS = (BGCNBD, ModifiedBGCNBD)
TRUTH = dict(k=3, r=0.8, alpha=4.0, a=0.8, b=2.5)


def test_numbers_in_print():
    """R's BTYDplus prints these in its source: k = 3, r = .5, alpha = 2, a = .3, b = .6."""
    known = dict(k=3, r=0.5, alpha=2.0, a=0.3, b=0.6)
    model, modified = (kind.from_params(**known) for kind in KINDS)
    values = model.log_likelihood([3, 4], [12, 12], [14, 14], log_intervals=[3, 3], individual=True)
    assert values.round(5).tolist() == [-10.42500, -12.22396]
    assert round(model.probability_of_n(2, 10), 5) == 0.05669
    assert round(modified.probability_of_n(2, 10), 5) == 0.04548


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 2, 4])
def test_likelihood_is_the_integral_over_customers(kind, k):
    """Of Erlang densities, their survival function and dropout, over the quantiles of λ and p."""
    r, alpha, a, b = 1.7, 5.0, 1.3, 2.9
    gaps, T = np.array([3.0, 1.5, 4.0]), 16.0
    level, weight = panels(12, 24)
    lam, p = gamma_law(r, scale=1 / alpha).ppf(level)[:, None], beta_law(a, b).ppf(level)
    chances = np.prod(gamma_law(k, scale=1 / lam[..., None]).pdf(gaps), axis=-1)
    silent = gamma_law(k, scale=1 / lam).sf(T - gaps.sum())
    first = 1.0 - p if kind.flips_at_start else 1.0
    each = chances * first * ((1 - p) ** 3 * silent + (1 - p) ** 2 * p)
    model = kind.from_params(k=k, r=r, alpha=alpha, a=a, b=b)
    got = model.log_likelihood([3], [gaps.sum()], [T], log_intervals=[np.log(gaps).sum()])
    assert got == pytest.approx(np.log(weight @ each @ weight), abs=1e-3)
    alive = weight @ (chances * first * (1 - p) ** 3 * silent) @ weight / (weight @ each @ weight)
    assert model.probability_alive(3, gaps.sum(), T) == pytest.approx(alive, rel=1e-3)


def reference(x, t_x, T, k, r, alpha, a, b, flips):
    """The article's formula in 25 digits, with all times between purchases equal."""

    def log_beta(p, q):
        return mp.loggamma(p) + mp.loggamma(q) - mp.loggamma(p + q)

    s, n = r + k * x, x + flips
    value = mp.exp(log_beta(a, b + n) - log_beta(a, b) - s * mp.log(alpha + T)) * sum(
        mp.rf(s, j) / mp.factorial(j) * ((T - t_x) / (alpha + T)) ** j for j in range(k)
    )
    if n > 0:
        value += mp.exp(log_beta(a + 1, b + n - 1) - log_beta(a, b) - s * mp.log(alpha + t_x))
    between = (k - 1) * x * mp.log(t_x / x) - x * mp.loggamma(k) if x else mp.mpf(0)
    return mp.loggamma(s) - mp.loggamma(r) + r * mp.log(alpha) + mp.log(value) + between


@pytest.mark.parametrize("kind", KINDS)
def test_log_likelihood_over_the_whole_range(kind, generator):
    for _ in range(200):
        T = 10 ** generator.uniform(-1, 5)
        x = float(generator.choice([0, 1, 2, 10, 500, 5000]))
        t_x = T * generator.choice([1.0, 0.999999, generator.random(), 1e-6]) if x else 0.0
        parameters, k = 10 ** generator.uniform(-3, 3, 4), int(generator.integers(1, 9))
        exact = float(
            reference(*map(mp.mpf, (x, t_x, T)), k, *map(mp.mpf, map(float, parameters)), kind.flips_at_start)
        )
        model = kind.from_params(k=k, **dict(zip(kind.parameter_names, parameters)))
        logs = [x * np.log(t_x / x)] if x else [0.0]
        got = model.log_likelihood([x], [t_x], [T], log_intervals=logs)
        assert got == pytest.approx(exact, rel=1e-10, abs=1e-9), (x, t_x, T, k, parameters)
        assert 0.0 <= model.probability_alive(x, t_x, T) <= 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_and_hessian_are_those_of_the_likelihood(kind, generator):
    columns = np.array([0, 3, 1, 2, 40.0]), np.array([0, 5, 7, 3, 8.9]), np.array([9, 9, 7, 8, 9.0])
    for k, parameters in zip((1, 2, 3, 7), 10 ** generator.uniform(-1, 1, (4, 4))):

        def terms(p, k=k):
            return kind(k)._terms(columns, *p)

        _, first, second = terms(parameters)
        for j in range(4):
            step = np.eye(4)[j] * parameters[j] * 1e-6
            up, down = terms(parameters + step), terms(parameters - step)
            width = 2e-6 * parameters[j]
            assert first[j] == pytest.approx((up[0] - down[0]) / width, rel=1e-6, abs=1e-6)
            for m in range(4):
                slope = (np.asarray(up[1][m]) - np.asarray(down[1][m])) / width
                pair = np.broadcast_to(second[min(j, m), max(j, m)], 5)
                assert pair == pytest.approx(np.broadcast_to(slope, 5), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_what_is_expected_is_a_sum_over_ticks(k, generator):
    """Σ over counts of ticks of their chance and of what they bring, for every phase and any parameters."""
    for _ in range(6):
        t, r, alpha, a, b = 10 ** generator.uniform(-1, 1, 5)
        ticks = np.arange(int(60 + 60 * (1 + r) * t / alpha))
        chance = nbinom(r, alpha / (alpha + t)).pmf(ticks)
        for phase in range(k):
            bought = (ticks + phase) // k
            stay = np.concatenate(
                [[1.0], np.cumprod((b + np.arange(bought.max())) / (a + b + np.arange(bought.max())))]
            )
            ahead = np.concatenate([[0.0], np.cumsum(stay[:-1])])
            one = [np.array([v]) for v in (t, r, alpha, a, b)]
            missing = 1.0 - chance.sum()
            assert while_active(k, phase, *one)[0] == pytest.approx(
                chance @ ahead[bought], rel=1e-9, abs=1e-9 + 2 * missing * ahead[-1]
            )
            assert surviving(k, phase, *one)[0] == pytest.approx(
                chance @ stay[bought], rel=1e-9, abs=1e-9 + missing
            )


def test_discounted_purchases_against_a_double_integral():
    """E[φ^(k−phase) / (1 − (1 − p) φ^k)], φ = λ/(λ + d), over the quantiles of λ and p."""
    r, alpha, a, b, d, k = 2.3, 5.0, 1.2, 2.9, 0.05, 3
    level, weight = panels(12, 24)
    lam, p = gamma_law(r, scale=1 / alpha).ppf(level)[:, None], beta_law(a, b).ppf(level)
    for phase in range(k):
        phi = lam / (lam + d)
        exact = weight @ (phi ** (k - phase) / (1 - (1 - p) * phi**k)) @ weight
        got = discounted(k, phase, *(np.array([v]) for v in (d, r, alpha, a, b)))[0]
        assert got == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("kind, plain", [(BGCNBD, BGNBD), (ModifiedBGCNBD, ModifiedBGNBD)])
def test_with_one_tick_it_is_the_plain_model(kind, plain):
    known = {name: value for name, value in TRUTH.items() if name != "k"}
    one, other = kind.from_params(k=1, **known), plain.from_params(**known)
    history = np.array([0, 2, 7]), np.array([0.0, 20.0, 29.0]), np.array([30.0, 30.0, 30.0])
    for ask in (
        lambda model: model.log_likelihood(*history, individual=True),
        lambda model: model.probability_alive(*history),
        lambda model: model.conditional_expected_purchases(12.0, *history),
        lambda model: model.discounted_expected_residual_transactions(0.02, *history),
        lambda model: model.expected_purchases([1.0, 50.0]),
        lambda model: model.probability_of_n([0, 1, 9], 30.0),
    ):
        assert ask(one) == pytest.approx(ask(other), rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_k_and_parameters_are_found_again(kind):
    data = kind.from_params(**TRUTH).simulate(6000, 40.0, seed=5)
    model = kind().fit(data.frequency, data.recency, data.T, log_intervals=data.log_intervals)
    assert model.k_ == 3 and model.name.endswith("CNBD-3") and model.degrees_of_freedom_ == 5
    truth = np.array([TRUTH[name] for name in model.params_.index])
    assert (np.abs(model.params_ - truth) < 4 * model.standard_errors_).all()
    assert max(model.log_likelihoods_, key=model.log_likelihoods_.get) == 3
    total = model.log_likelihood(data.frequency, data.recency, data.T, log_intervals=data.log_intervals)
    assert model.log_likelihood_ == pytest.approx(total)
    # frequency and recency alone know k less well, and give the same estimates at it
    blind = kind().fit(data.frequency, data.recency, data.T)
    gain = {
        each: fit.log_likelihoods_[3] - fit.log_likelihoods_[1]
        for each, fit in (("all", model), ("blind", blind))
    }
    assert blind.k_ == 3 and 0 < gain["blind"] < gain["all"]
    assert blind.params_.to_numpy() == pytest.approx(model.params_.to_numpy(), rel=1e-9)


def test_without_times_the_likelihood_is_that_integrated_over_them(generator):
    """The mean over gaps that add up to recency, uniform on the simplex, of the likelihood with them."""
    model = BGCNBD.from_params(**TRUTH)
    gaps = generator.dirichlet(np.ones(3), 400_000) * 20.0
    each = np.exp(2.0 * np.log(gaps).sum(axis=1))  # all of the likelihood that depends on them, k being 3
    with_mean = model.log_likelihood([3], [20.0], [30.0], log_intervals=[np.log(each.mean()) / 2.0])
    assert model.log_likelihood([3], [20.0], [30.0]) == pytest.approx(with_mean, abs=0.01)


def test_irregular_customers_are_told_so():
    data = purchases.bg_nbd(4000, 40.0, r=0.5, alpha=5.0, a=0.8, b=2.5, seed=4)
    model = BGCNBD().fit(data.frequency, data.recency, data.T, log_intervals=data.log_intervals)
    assert model.k_ == 1
    plain = BGNBD().fit(data.frequency, data.recency, data.T)
    assert model.log_likelihood_ == pytest.approx(plain.log_likelihood_) and model.aic_ > plain.aic_


def test_covariates_move_regular_customers(generator):
    z = generator.standard_normal((4000, 1))
    data = purchases.mbg_cnbd(
        4000, 40.0, **TRUTH, seed=8, purchase_covariates=z, purchase_effects=[0.4], dropout_covariates=z,
        dropout_effects=[-0.5],
    )  # fmt: skip
    columns = data.frequency, data.recency, data.T
    model = ModifiedBGCNBD(k=3).fit(*columns, purchase_covariates=z, dropout_covariates=z)
    for name, truth in (("purchase_covariate_1", 0.4), ("dropout_covariate_1", -0.5)):
        assert abs(model.params_[name] - truth) < 4 * model.standard_errors_[name]
    keen = model.at(purchase_covariates=[[1.0]], dropout_covariates=[[1.0]])
    assert keen.k_ == 3 and keen.expected_purchases(20.0) == pytest.approx(
        model.expected_purchases(20.0, purchase_covariates=[[1.0]], dropout_covariates=[[1.0]])
    )
    test = model.likelihood_ratio_test(ModifiedBGCNBD(k=3).fit(*columns))
    assert test.degrees_of_freedom == 2 and test.p_value < 1e-6
    with pytest.raises(InputError, match="MBG/CNBD-2 is not nested in MBG/CNBD-3"):
        model.likelihood_ratio_test(ModifiedBGCNBD(k=2).fit(*columns))


def test_what_cannot_be_is_refused_and_no_maximum_warns():
    with pytest.raises(InputError, match=r"k is 2\.5"):
        BGCNBD(k=2.5)
    with pytest.raises(InputError, match="k is 0"):
        BGCNBD.from_params(k=0, r=1.0, alpha=1.0, a=1.0, b=1.0)
    with pytest.raises(InputError, match=r"log_intervals .*row 1"):
        BGCNBD(k=2).fit([0, 2], [0.0, 10.0], [20.0, 20.0], log_intervals=[0.0, 5.0])
    with pytest.raises(InputError, match="unequal length"):
        BGCNBD(k=2).fit([0, 2], [0.0, 10.0], [20.0, 20.0], log_intervals=[0.0])
    with pytest.warns(ConvergenceWarning, match="BG/CNBD"):
        BGCNBD(k=2).fit([3, 3, 3], [9.0, 9.0, 9.0], [10.0, 10.0, 10.0])


@pytest.mark.parametrize("draw", [purchases.bg_cnbd, purchases.mbg_cnbd])
def test_simulated_times_are_erlang(draw):
    """A coefficient of variation of 1/√k, of one rate for all; and k must be a whole number."""
    data = draw(3000, 400.0, k=4, r=1e6, alpha=1e6, a=1e-6, b=1.0, seed=2)
    log = data.log()
    gaps = log["time"].diff()[log["customer_id"].diff() == 0]
    assert gaps.std() / gaps.mean() == pytest.approx(0.5, abs=0.01)
    assert gaps.mean() == pytest.approx(4.0, rel=0.02)
    with pytest.raises(InputError, match=r"k is 1\.5"):
        draw(10, 4.0, k=1.5, r=1.0, alpha=1.0, a=1.0, b=1.0, seed=1)
