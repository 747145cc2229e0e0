"""How concentrated sales are, in closed form: against simulation, earlier sums and the proven bound."""

import numpy as np
import pytest
from scipy.special import ndtr

from crmlab.models.concentration import (
    below,
    best_buyers,
    buying,
    gini,
    least_decile_ratio,
    share_of_best,
    tier_moves,
    worst_buyers,
)

MARKETS = [(0.45, 4.0, 0.5, 0.9), (2.0, 8.0, 0.35, 0.4), (1.3, 0.8, 1.0, 1.0)]


def drawn(k, mean, sigma, persistence, n=1_000_000, seed=4):
    """Sales of two windows, in median amounts, of a large market drawn from scratch."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(k, mean / k, n)
    amount = np.exp(sigma * rng.standard_normal(n))
    later = np.where(rng.random(n) < persistence, rate, rng.gamma(k, mean / k, n))
    return rng.poisson(rate) * amount, rng.poisson(later) * amount


@pytest.mark.parametrize("market", MARKETS)
def test_who_stays_below_an_amount_and_what_they_bring_next(market):
    k, mean, sigma, _ = market
    now, then = drawn(*market)
    for amount in (0.7, 2.5, 11.0):
        found = below(amount, *market)
        low = now < amount
        assert abs(low.mean() - found.share) < 5 * low.std() / 1e3
        assert abs((then * low).mean() - found.next_sales) < 5 * (then * low).std() / 1e3
    assert below(1e9, *market).share == pytest.approx(1, abs=1e-6)
    assert below(1e9, *market).next_sales == pytest.approx(mean * np.exp(sigma**2 / 2), rel=1e-5)
    assert buying(k, mean) == pytest.approx(1 - below(1e-9, *market).share)


@pytest.mark.parametrize("market", MARKETS)
def test_gini_and_the_curve_are_what_a_large_market_shows(market):
    now, then = drawn(*market)
    buyers = now[now > 0]
    rank = np.arange(1, buyers.size + 1)
    shown = 2 * (rank * np.sort(buyers)).sum() / (buyers.size * buyers.sum()) - 1
    assert gini(*market[:3]) == pytest.approx(shown, abs=0.003)
    everybody = np.concatenate([now, np.zeros(now.size // 4)])  # a fifth of this list is dormant
    rank = np.arange(1, everybody.size + 1)
    shown = 2 * (rank * np.sort(everybody)).sum() / (everybody.size * everybody.sum()) - 1
    assert gini(*market[:3], listed=True, dormant=0.2) == pytest.approx(shown, abs=0.003)
    order = np.argsort(-now)
    for fraction in (0.05, 0.2, 0.7):
        top = order[: int(fraction * buyers.size)]
        assert share_of_best(fraction, *market)[0] == pytest.approx(now[top].sum() / now.sum(), abs=0.004)
        next_share = then[top].sum() / then[now > 0].sum()
        assert share_of_best(fraction, *market, following=True)[0] == pytest.approx(next_share, abs=0.004)
        top = order[: int(fraction * everybody.size)]
        listed = share_of_best(fraction, *market, listed=True, dormant=0.2)[0]
        assert listed == pytest.approx(now[top].sum() / now.sum(), abs=0.004)


def test_longer_windows_move_the_share_of_all_and_of_buyers_in_opposite_directions():
    """A negative binomial with k = 0.5 and three purchases a year, equal amounts."""
    windows = [0.25, 1, 4]
    listed = [share_of_best(0.2, 0.5, 3 * t, 0.01, listed=True)[0] for t in windows]
    buyers = [share_of_best(0.2, 0.5, 3 * t, 0.01)[0] for t in windows]
    assert listed == pytest.approx([0.78, 0.68, 0.66], abs=0.007)
    assert buyers == pytest.approx([0.44, 0.53, 0.59], abs=0.007)
    of_these_buyers = share_of_best(0.2, 0.5, 3, 0.01, following=True)[0]
    newcomers = below(1e-9, 0.5, 3, 0.01).next_sales / 3  # those who bought nothing before
    assert of_these_buyers * (1 - newcomers) == pytest.approx(0.47, abs=0.005)


def test_many_purchases_alike_leave_the_lognormal():
    """Where all buy equally often, the best fifth hold Φ(σ − 0.8416)."""
    for sigma in (0.3, 0.9):
        assert share_of_best(0.2, 1e6, 400.0, sigma)[0] == pytest.approx(ndtr(sigma - 0.8416), abs=0.003)


def test_no_spread_of_anything_nonnegative_beats_the_bound():
    """The least ratio that a share leaves possible: reached by one distribution, undercut by none."""
    rng = np.random.default_rng(8)
    for _ in range(400):
        values = np.sort(rng.gamma(rng.uniform(0.05, 3), 1, 1000) ** rng.uniform(0.5, 3))
        share = values[-200:].sum() / values.sum()
        ratio = values[-100:].sum() / max(values[:100].sum(), 1e-300)
        assert ratio >= least_decile_ratio(share) * (1 - 1e-9)
    for share in (0.4, 0.714286, 0.8):
        values = np.r_[np.full(800, (1 - share) / 800), np.full(200, share / 200)]
        assert values[-100:].sum() / values[:100].sum() == pytest.approx(least_decile_ratio(share))
    assert least_decile_ratio([0.8, 0.75]).tolist() == pytest.approx([16, 12])
    assert least_decile_ratio(1.0) == np.inf


def test_best_and_worst_add_up():
    best, worst, whole = (
        best_buyers(0.9, 0.5, 3, 0.5),
        worst_buyers(0.1, 0.5, 3, 0.5),
        best_buyers(1, 0.5, 3, 0.5),
    )
    assert 0.9 * best.mean + 0.1 * worst.mean == pytest.approx(whole.mean)


def test_moves_between_tiers_by_hand():
    before = np.array([10.0, 8, 6, 4, 2, 0])
    after = np.array([0.0, 9, 7, 5, 3, 1])
    moves = tier_moves(before, after)
    assert moves.tolist() == [[0, 0, 0, 1], [1, 2, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_where_nobody_changes_tiers_are_left_by_luck_alone():
    """And where every rate is drawn anew, a tier says nothing but what amounts say."""
    now, then = drawn(0.5, 4.0, 0.01, 1.0, n=200_000)
    stayed = tier_moves(now, then)[0, 0] / tier_moves(now, then)[0].sum()
    now, then = drawn(0.5, 4.0, 0.01, 0.0, n=200_000)
    forgot = tier_moves(now, then)[0, 0] / tier_moves(now, then)[0].sum()
    assert 0.6 < stayed < 0.95
    assert forgot == pytest.approx(0.2 * buying(0.5, 4.0), abs=0.01)
