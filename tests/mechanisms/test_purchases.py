"""Simulated customers against closed forms: counts, times, who is alive, logs, days, covariates, spend."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import betaln, gammaln
from scipy.stats import beta as beta_law
from scipy.stats import chisquare, kstest, lomax
from scipy.stats import gamma as gamma_law

from crmlab.errors import InputError
from crmlab.mechanisms import purchases

N, T = 200_000, 40.0
BG = dict(r=0.7, alpha=6.0, a=0.8, b=2.5)
PARETO = dict(r=0.7, alpha=6.0, s=0.8, beta=14.0)
NAMES = {
    "bg": (purchases.bg_nbd, BG),
    "mbg": (purchases.mbg_nbd, BG),
    "pareto": (purchases.pareto_nbd, PARETO),
}


def over_dropout(name, f, g=None):
    """Mean over customers of f(rate of dropout per purchase or time), with the quadrature of scipy."""
    if name == "pareto":
        s, beta = PARETO["s"], PARETO["beta"]
        return quad(lambda tau: f(tau) * s * beta**s / (beta + tau) ** (s + 1), 0, np.inf, limit=200)[0]
    return quad(lambda p: f(p) * beta_law.pdf(p, BG["a"], BG["b"]), 0, 1, limit=200)[0]


def idle(name, u):
    """P(no purchase in (u, T]) of a new customer."""
    r, alpha = 0.7, 6.0
    if name == "pareto":
        return over_dropout(name, lambda tau: (alpha / (alpha + max(min(tau, T) - u, 0.0))) ** r)

    def active(p):
        return (alpha / (alpha + p * u)) ** r - (alpha / (alpha + p * u + T - u)) ** r

    start = (lambda p: 1 - p) if name == "mbg" else (lambda p: 1.0)
    return 1.0 - over_dropout(name, lambda p: start(p) * active(p))


def still_active(name, t):
    """P(lifetime > t)."""
    if name == "pareto":
        return (14.0 / (14.0 + t)) ** 0.8
    start = (lambda p: 1 - p) if name == "mbg" else (lambda p: 1.0)
    return over_dropout(name, lambda p: start(p) * (6.0 / (6.0 + p * t)) ** 0.7)


def bg_pmf(x, t, modified):
    """Fader, Hardie & Lee (2005), equation 8, term by term as printed (and with one flip more)."""
    r, alpha, a, b = BG.values()

    def nbd(j):
        return np.exp(
            gammaln(r + j)
            - gammaln(r)
            - gammaln(j + 1)
            + r * np.log(alpha / (alpha + t))
            + j * np.log(t / (alpha + t))
        )

    n = x + modified
    chance = np.exp(betaln(a, b + n) - betaln(a, b)) * nbd(x)
    if n > 0:
        chance += np.exp(betaln(a + 1, b + n - 1) - betaln(a, b)) * (1 - sum(nbd(j) for j in range(x)))
    return chance


def pareto_pmf(x, t):
    """Poisson counts over min(lifetime, t), mixed."""
    r, alpha, s, beta = PARETO.values()

    def nbd(h):
        return (
            np.exp(gammaln(r + x) - gammaln(r) - gammaln(x + 1))
            * (alpha / (alpha + h)) ** r
            * (h / (alpha + h)) ** x
        )

    dead = quad(lambda tau: nbd(tau) * s * beta**s / (beta + tau) ** (s + 1), 0, t)[0]
    return dead + nbd(t) * (beta / (beta + t)) ** s


@pytest.fixture(scope="module", params=NAMES)
def cohort(request):
    draw, truth = NAMES[request.param]
    return request.param, draw(N, T, seed=5, **truth)


def near_share(observed, expected):
    assert observed == pytest.approx(expected, abs=4.5 * np.sqrt(expected * (1 - expected) / N) + 1e-12)


def test_counts_follow_the_closed_form(cohort):
    name, customers = cohort
    pmf = (lambda x: pareto_pmf(x, T)) if name == "pareto" else (lambda x: bg_pmf(x, T, name == "mbg"))
    expected = np.array([pmf(x) for x in range(25)])
    observed = np.bincount(np.minimum(customers.frequency, 25), minlength=26)
    assert chisquare(observed, N * np.append(expected, 1 - expected.sum())).pvalue > 1e-4


def test_last_purchases_follow_the_closed_form(cohort):
    name, customers = cohort
    for u in (0.0, 2.0, 10.0, 25.0, 39.0):
        near_share((customers.recency <= u).mean(), idle(name, u))


def test_lifetimes_follow_the_closed_form(cohort):
    name, customers = cohort
    near_share(customers.truth["alive"].mean(), still_active(name, T))
    for t in (1.0, 10.0, 40.0, 100.0, 1000.0):  # beyond the window too
        near_share((customers.truth["lifetime"] > t).mean(), still_active(name, t))
    assert ((customers.truth["lifetime"] > T) == customers.truth["alive"]).all()


def test_truth_follows_its_laws(cohort):
    name, customers = cohort
    assert kstest(customers.truth["purchase_rate"][:20_000], gamma_law(0.7, scale=1 / 6).cdf).pvalue > 1e-3
    if name == "pareto":
        assert (
            kstest(customers.truth["dropout_rate"][:20_000], gamma_law(0.8, scale=1 / 14).cdf).pvalue > 1e-3
        )
        assert kstest(customers.truth["lifetime"][:20_000], lomax(0.8, scale=14).cdf).pvalue > 1e-3
    else:
        assert kstest(customers.truth["dropout_probability"][:20_000], beta_law(0.8, 2.5).cdf).pvalue > 1e-3


def test_summaries_are_possible(cohort):
    name, customers = cohort
    x, t_x = customers.frequency, customers.recency
    assert (
        ((x == 0) == (t_x == 0)).all()
        and (t_x <= T).all()
        and (t_x <= customers.truth["lifetime"] + 1e-9).all()
    )
    if name != "pareto":  # gone right after a purchase
        gone = ~customers.truth["alive"]
        assert (customers.truth["lifetime"][gone] == t_x[gone]).all()
    assert list(customers.summary.columns) == ["frequency", "recency", "T"]
    assert customers.truth_table.shape == (N, 4)


def test_log_is_the_summary_spelled_out(cohort):
    name, customers = cohort
    log = customers.log()
    assert len(log) == customers.frequency.sum() + N
    by = log.groupby("customer_id").time.agg(["size", "min", "max"])
    assert (by["size"] - 1 == customers.frequency).all() and (by["max"] == customers.recency).all()
    assert (by["min"] == 0).all()
    assert (np.diff(log.time)[np.diff(log.customer_id) == 0] >= 0).all()
    # counts at an earlier time follow the closed form of that time, so the times between are right too
    early = np.bincount(np.minimum(customers.split(15.0).frequency, 12), minlength=13)
    pmf = (lambda x: pareto_pmf(x, 15.0)) if name == "pareto" else (lambda x: bg_pmf(x, 15.0, name == "mbg"))
    expected = np.array([pmf(x) for x in range(12)])
    assert chisquare(early, N * np.append(expected, 1 - expected.sum())).pvalue > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_seed_alone_decides(name):
    draw, truth = NAMES[name]
    n = 3 * purchases.BLOCK + 17
    windows = np.linspace(10, 40, n)
    z = np.arange(n)[:, None] % 2
    options = dict(
        seed=8, spend=dict(p=6.0, q=4.0, gamma=15.0), purchase_covariates=z, purchase_effects=[0.3], **truth
    )
    whole = draw(n, windows, threads=1, **options)
    threaded = draw(n, windows, threads=4, **options)
    parts = list(purchases.in_parts(draw, n, windows, size=purchases.BLOCK, **options))
    assert [len(part) for part in parts] == [purchases.BLOCK] * 3 + [17]

    def together(field):
        return np.concatenate([getattr(part, field) for part in parts])

    for field in ("frequency", "recency", "T", "monetary_value"):
        assert np.array_equal(getattr(whole, field), getattr(threaded, field))
        assert np.array_equal(getattr(whole, field), together(field))
    pd.testing.assert_frame_equal(whole.log(), pd.concat([part.log() for part in parts], ignore_index=True))
    other = draw(n, windows, **(options | {"seed": 9}))
    assert not np.array_equal(whole.recency, other.recency)


def test_a_generator_is_a_seed():
    draws = [purchases.bg_nbd(50_000, T, seed=np.random.default_rng(3), **BG).recency for _ in range(2)]
    assert np.array_equal(*draws)
    parts = purchases.in_parts(
        purchases.bg_nbd, 50_000, T, size=purchases.BLOCK, seed=np.random.default_rng(3), **BG
    )
    assert np.array_equal(np.concatenate([part.recency for part in parts]), draws[0])
    generator = np.random.default_rng(3)
    assert not np.array_equal(*(purchases.bg_nbd(99, T, seed=generator, **BG).recency for _ in range(2)))


@pytest.mark.parametrize("name", NAMES)
def test_varying_windows(name):
    draw, truth = NAMES[name]
    windows = np.repeat([5.0, 40.0], 100_000)
    customers = draw(200_000, windows, seed=2, **truth)
    pmf = pareto_pmf if name == "pareto" else lambda x, t: bg_pmf(x, t, name == "mbg")
    for window in (5.0, 40.0):
        assert (customers.frequency[windows == window] == 0).mean() == pytest.approx(
            pmf(0, window), abs=0.007
        )
    assert np.array_equal(customers.T, windows)


@pytest.mark.parametrize("name", NAMES)
def test_daily_grain_is_what_a_dated_log_shows(name):
    draw, truth = NAMES[name]
    grain = 1 / 7
    customers = draw(
        20_000,
        np.linspace(10, 40, 20_000),
        seed=3,
        grain=grain,
        spend=dict(p=6.0, q=4.0, gamma=15.0),
        **truth,
    )
    log = customers.log(observation_end="2024-06-30", time_unit="W")
    assert (log.date == log.date.dt.normalize()).all() and log.date.max() <= pd.Timestamp("2024-06-30")
    days = log.groupby(["customer_id", "date"]).amount.sum().reset_index()
    first = days.groupby("customer_id").date.transform("min")
    repeat = days[days.date > first]
    expected = repeat.groupby("customer_id").amount.agg(["size", "mean"]).reindex(range(20_000), fill_value=0)
    assert np.array_equal(customers.frequency, expected["size"])
    assert customers.monetary_value == pytest.approx(expected["mean"].to_numpy())
    spans = days.groupby("customer_id").date.agg(["min", "max"])
    assert customers.recency == pytest.approx((spans["max"] - spans["min"]).dt.days.to_numpy() / 7)
    assert pytest.approx((pd.Timestamp("2024-06-30") - spans["min"]).dt.days.to_numpy() / 7) == customers.T
    fine = draw(20_000, np.linspace(10, 40, 20_000), seed=3, **truth)
    assert customers.frequency.mean() == pytest.approx(fine.frequency.mean(), rel=0.1)


def test_dates_of_a_continuous_log():
    customers = purchases.bg_nbd(500, 30.0, seed=4, **BG)
    log = customers.log(observation_end="2024-01-31", time_unit="D")
    assert (log.groupby("customer_id").date.min() == pd.Timestamp("2024-01-01")).all()
    assert log.date.max() <= pd.Timestamp("2024-01-31")


@pytest.mark.parametrize("name", NAMES)
def test_covariates_multiply_rates(name):
    draw, truth = NAMES[name]
    z = np.ones((N, 1))
    moved = draw(
        N,
        T,
        seed=6,
        purchase_covariates=z,
        purchase_effects=[0.5],
        dropout_covariates=z,
        dropout_effects=[-0.7],
        **truth,
    )
    other = dict(truth, alpha=truth["alpha"] * np.exp(-0.5))
    key = "beta" if name == "pareto" else "a"
    other[key] *= np.exp(0.7 if name == "pareto" else -0.7)
    same = draw(N, T, seed=7, **other)
    for field in ("frequency", "recency"):
        a, b = getattr(moved, field), getattr(same, field)
        assert a.mean() == pytest.approx(b.mean(), abs=5 * b.std() / np.sqrt(N))
    assert moved.truth["alive"].mean() == pytest.approx(same.truth["alive"].mean(), abs=0.006)


def test_spend_adds_up_and_follows_its_law():
    spend = dict(p=6.0, q=4.0, gamma=15.0)
    customers = purchases.bg_nbd(N, T, seed=11, spend=spend, **BG)
    assert (
        kstest(1 / customers.truth["mean_spend"][:20_000], gamma_law(4.0, scale=1 / (15 * 6)).cdf).pvalue
        > 1e-3
    )
    log = customers.log()
    repeats = log[log.time > 0]
    means = repeats.groupby("customer_id").amount.mean().reindex(range(N), fill_value=0.0)
    assert customers.monetary_value == pytest.approx(means.to_numpy())
    mean = customers.truth["mean_spend"]
    for rows in (log.time == 0, log.time > 0):  # one purchase given its customer's mean is Gamma(p)
        part = log[rows]
        relative = part.amount.to_numpy() / mean[part.customer_id.to_numpy()]
        assert kstest(relative[:20_000] * 6.0, gamma_law(6.0).cdf).pvalue > 1e-3
    # spend is independent of how often customers buy
    assert np.corrcoef(np.log(mean), customers.frequency)[0, 1] == pytest.approx(0.0, abs=4.5 / np.sqrt(N))


def test_bg_bb_follows_its_closed_form():
    a, b, c, d = 1.2, 0.75, 0.66, 2.8
    customers = purchases.bg_bb(N, 6, alpha=a, beta=b, gamma=c, delta=d, seed=1)
    chance = {}
    for t_x in range(7):  # equation 7, every pattern of purchases with these (x, t_x)
        for x in range(1 if t_x else 0, t_x + 1):
            one = np.exp(betaln(a + x, b + 6 - x) - betaln(a, b) + betaln(c, d + 6) - betaln(c, d))
            one += sum(
                np.exp(
                    betaln(a + x, b + t_x - x + i) - betaln(a, b) + betaln(c + 1, d + t_x + i) - betaln(c, d)
                )
                for i in range(6 - t_x)
            )
            ways = np.exp(gammaln(t_x) - gammaln(x) - gammaln(t_x - x + 1)) if x else 1.0
            chance[x, t_x] = one * ways
    assert sum(chance.values()) == pytest.approx(1.0)
    observed = customers.summary.groupby(["frequency", "recency"]).size()
    assert (
        chisquare([observed.get(pair, 0) for pair in chance], N * np.array(list(chance.values()))).pvalue
        > 1e-4
    )
    alive = np.exp(betaln(c, d + 6) - betaln(c, d))
    near_share(customers.truth["alive"].mean(), alive)
    log = customers.log()
    by = log.groupby("customer_id").time.agg(["size", "max", "nunique", "min"])
    assert (by["size"] - 1 == customers.frequency).all() and (by["max"] == customers.recency).all()
    assert (by["nunique"] == by["size"]).all() and (by["min"] == 0).all()
    third = log[log.time == 3].customer_id.nunique() / N  # bought in period 3: alive then, and buys
    near_share(third, a / (a + b) * np.exp(betaln(c, d + 3) - betaln(c, d)))
    mixed = purchases.bg_bb(100, np.repeat([3, 9], 50), alpha=a, beta=b, gamma=c, delta=d, seed=1)
    assert (mixed.recency <= mixed.T).all() and set(mixed.T) == {3, 9}


def test_contract_lifetimes_follow_their_closed_form():
    lifetime, theta = purchases.shifted_beta_geometric(N, alpha=0.7, beta=1.2, seed=1)
    left = purchases.survivors(lifetime, 12)
    assert left[0] == N and left.size == 13
    for t in (1, 2, 5, 12):
        near_share(left[t] / N, np.exp(betaln(0.7, 1.2 + t) - betaln(0.7, 1.2)))
    assert kstest(theta[:20_000], beta_law(0.7, 1.2).cdf).pvalue > 1e-3


def test_extreme_parameters_stay_finite():
    for r, a, b in ((1e-3, 1e-3, 1e3), (1e3, 1e3, 1e-3), (1e-3, 1e-3, 1e-3)):
        customers = purchases.bg_nbd(2000, 1e5, r=r, alpha=1e3, a=a, b=b, seed=1)
        assert np.isfinite(customers.recency).all() and (customers.recency <= 1e5).all()
        customers = purchases.pareto_nbd(2000, 1e5, r=r, alpha=1e3, s=a, beta=b, seed=1)
        assert np.isfinite(customers.recency).all() and (customers.frequency >= 0).all()


def test_window_of_no_length():
    customers = purchases.bg_nbd(100, 0.0, seed=1, **BG)
    assert not customers.frequency.any() and not customers.recency.any()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: purchases.bg_nbd(0, T, seed=1, **BG), "n is 0"),
        (lambda: purchases.bg_nbd(10, -1.0, seed=1, **BG), "T is -1 in 1 of 1"),
        (lambda: purchases.bg_nbd(10, [1.0, 2.0], seed=1, **BG), r"T has shape \(2,\)"),
        (
            lambda: purchases.bg_nbd(10, T, seed=1, **(BG | {"a": 0.0})),
            "a is 0.0; give one finite number above 0",
        ),
        (lambda: purchases.bg_nbd(10, T, seed=1, grain=0.0, **BG), "grain is 0.0"),
        (lambda: purchases.bg_nbd(10, T, seed=1, purchase_effects=[1.0], **BG), "together"),
        (
            lambda: purchases.bg_nbd(
                10, T, seed=1, purchase_covariates=np.ones((9, 1)), purchase_effects=[1.0], **BG
            ),
            r"purchase_covariates has shape \(9, 1\)",
        ),
        (
            lambda: purchases.bg_nbd(10, T, seed=1, spend=dict(p=6.0), **BG),
            "spend has p; give p, q and gamma",
        ),
        (lambda: purchases.bg_nbd(10, T, seed=1, spend=dict(v=6.0), **BG), "unknown parameter of spend 'v'"),
        (lambda: purchases.bg_bb(10, 0, alpha=1, beta=1, gamma=1, delta=1, seed=1), "n_periods is 0"),
        (
            lambda: purchases.bg_bb(3, [1, 2], alpha=1, beta=1, gamma=1, delta=1, seed=1),
            "n_periods has shape",
        ),
        (lambda: purchases.bg_nbd("ten", T, seed=1, **BG), "n is 'ten'"),
        (lambda: purchases.bg_nbd(np.nan, T, seed=1, **BG), "n is nan"),
        (lambda: purchases.bg_nbd(10, "long", seed=1, **BG), "T is 'long'; give numbers"),
        (lambda: purchases.bg_nbd(10, T, seed="me", **BG), "seed is 'me'"),
        (lambda: purchases.bg_nbd(10, T, seed=1, **(BG | {"a": "b"})), "a is 'b'; give one finite number"),
        (
            lambda: purchases.bg_nbd(
                2, T, seed=1, purchase_covariates=[1.0, np.nan], purchase_effects=1.0, **BG
            ),
            "not finite or too large in 1 of 2 rows, the first being row 1",
        ),
        (
            lambda: purchases.gamma_gamma([1, 2.5], p=6.0, q=4.0, gamma=15.0, seed=1),
            "1 values that are no whole number",
        ),
        (lambda: purchases.bg_nbd(10, T, seed=1, **BG).split(50.0), "calibration_end"),
        (lambda: purchases.bg_nbd(10, T, seed=1, **BG).log("2024-01-01", "H"), "time_unit is 'H'"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
