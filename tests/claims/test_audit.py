"""Claimed numbers over regions of markets: the published sheet's shares, proofs, and bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.claims import EXCLUSIONS, NUMBERS, QUANTITIES, QuantitativeClaim, Range, audit, both, own_market
from crmlab.errors import InputError
from crmlab.models.concentration import best_buyers, least_decile_ratio, worst_buyers
from crmlab.models.retention_value import gain_from_points

ERRORS = 4.5


@pytest.mark.parametrize(
    "name, share",
    [  # shares that were computed independently, to ±.01
        ("80-20", 0.071),
        ("80-20-profit", 0.219),
        ("80-20-next-year", 0.007),
        ("5-10-times", 0.004),
        ("5-10-times-next-year", 0.189),
        ("25-90", 0.149),
        ("25-90-differing", 0.021),
        ("25-90-as-written", 0.0),
        ("25-90-turned", 0.120),
        ("3-5-times", 0.101),
        ("3-5-times-additional", 0.095),
        ("7-3", 0.120),
        ("all-satisfied", 0.114),
    ],
)
def test_shares_of_markets_in_which_a_claim_holds(name, share):
    assert audit(NUMBERS[name]).share == pytest.approx(share, abs=0.013)


def test_every_claim_and_quantity_can_be_audited():
    assert {claim.quantity for claim in NUMBERS.values()} == set(QUANTITIES)
    for claim in NUMBERS.values():
        found = audit(claim, points=256)
        assert found.share + found.below + found.above == pytest.approx(1)
        assert np.isfinite(found.quantiles()).all()
        assert set(found.quantity.map) <= set(found.ranges)
        assert claim.reading and claim.quote and found.interval() in str(found)


@pytest.mark.parametrize("k, mean, sigma, persistence", [(0.5, 4, 0.5, 0.8), (2, 8, 0.35, 0.3)])
def test_concentration_is_that_of_a_large_cohort(k, mean, sigma, persistence):
    rng = np.random.default_rng(1)
    n = 1_000_000
    rate = rng.gamma(k, mean / k, n)
    amount = np.exp(sigma * rng.standard_normal(n))
    later = np.where(rng.random(n) < persistence, rate, rng.gamma(k, mean / k, n))
    sales, then = rng.poisson(rate) * amount, rng.poisson(later) * amount
    now, then = sales[sales > 0], then[sales > 0]
    best = now >= np.quantile(now, 0.8)
    worst = now < np.quantile(now, 0.1)
    top, bottom = (
        part(f, k, mean, sigma, persistence) for part, f in ((best_buyers, 0.2), (worst_buyers, 0.1))
    )
    assert top.share == pytest.approx(now[best].sum() / now.sum(), abs=0.002)
    assert top.next_share == pytest.approx(then[best].sum() / then.sum(), abs=0.002)
    assert top.mean == pytest.approx(now[best].mean(), rel=0.01)
    assert bottom.mean == pytest.approx(now[worst].mean(), rel=0.01)
    assert bottom.next_mean == pytest.approx(then[worst].mean(), rel=0.02)


def test_the_gain_where_customers_differ_is_the_integral():
    """The closed form against the quadrature of `gain_from_points`."""
    quantity = QUANTITIES["gain-of-retention-differing"]
    for churn, sameness, discount in [(0.1, 0.5, 0.1), (0.3, 4.0, 0.05), (0.5, 30.0, 0.2)]:
        given_ = {"churn": churn, "sameness": sameness, "discount": discount}
        value = quantity.value({name: np.array([each]) for name, each in given_.items()})[0]
        assert value == pytest.approx(
            gain_from_points(churn * sameness, (1 - churn) * sameness, discount), rel=1e-6
        )


def test_claims_that_exclude_each_other_never_hold_together():
    for each in EXCLUSIONS:
        first, second = NUMBERS[each.first], NUMBERS[each.second]
        if set(QUANTITIES[first.quantity].ranges) & set(QUANTITIES[second.quantity].ranges):
            assert both(first, second)["both"] == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.001, 1000), min_size=10, max_size=10).map(sorted))
def test_no_spread_of_sales_beats_the_bound(tenths):
    """Ten groups of customers from worst to best: the ratio is never below 4L/(1 − L)."""
    share = (tenths[-1] + tenths[-2]) / sum(tenths)
    assert tenths[-1] / tenths[0] >= least_decile_ratio(share) * (1 - 1e-9)


def test_the_bound_is_met():
    spread = np.array([1.0] * 8 + [16.0, 16.0])
    assert least_decile_ratio(spread[-2:].sum() / spread.sum()) == pytest.approx(16)
    assert least_decile_ratio(1.0) == np.inf


def test_markets_that_cannot_be_count_in_no_share():
    certain = {"kept_anyway": Range(0.9, 0.9), "gain_kept": Range(0.2, 0.25)}
    found = audit(NUMBERS["3-5-times"], {"kept_anyway": Range(0.9, 0.9)})
    assert found.impossible == pytest.approx(np.log(0.25 / 0.1) / np.log(0.25 / 0.02), abs=0.01)
    with pytest.raises(InputError, match="leave no market"):
        audit(NUMBERS["3-5-times"], certain)


def test_errors_of_shares_are_those_of_repetition():
    shares = [audit(NUMBERS["7-3"], points=256, seed=seed).share for seed in range(40)]
    stated = [audit(NUMBERS["7-3"], points=256, seed=seed).error for seed in range(40)]
    assert np.mean(stated) == pytest.approx(np.std(shares), rel=0.5)


def test_ranges_come_from_ones_own_log():
    """A log whose market is known: the intervals hold its k and mu."""
    from crmlab.mechanisms.purchases import pareto_nbd

    drawn = pareto_nbd(4000, 78.0, r=0.6, alpha=8.0, s=0.5, beta=60.0, seed=3).summary
    amounts = np.exp(0.5 * np.random.default_rng(1).standard_normal(len(drawn)))
    summary = drawn[["frequency", "recency", "T"]].assign(monetary_value=amounts)
    own = own_market(summary)
    assert own.ranges["k"].low < 0.6 < own.ranges["k"].high
    assert own.ranges["mu"].low < 0.6 / 8 * 365.25 / 7 < own.ranges["mu"].high
    assert own.ranges["sigma"].low < 0.5 < own.ranges["sigma"].high
    assert own.seen["low"] < own.seen["share"] < own.seen["high"]
    assert 0 < audit(NUMBERS["80-20"], own.ranges, points=256).quantiles()[1] < 1
    with pytest.raises(InputError, match="bought again"):
        own_market(summary.head(50))


def test_bad_input_is_named():
    with pytest.raises(InputError, match="unknown parameter 'kk'; known: k, mu"):
        audit(NUMBERS["80-20"], {"kk": Range(1, 2)})
    with pytest.raises(InputError, match="power of two"):
        audit(NUMBERS["80-20"], points=1000)
    with pytest.raises(InputError, match="lower to an upper"):
        Range(2, 1)
    with pytest.raises(InputError, match="above 0"):
        Range(0, 1, log=True)
    with pytest.raises(InputError, match="give low, then high"):
        QuantitativeClaim("mine", "top-fifth-sales", 0.9, 0.8)
    with pytest.raises(InputError, match="unknown quantity"):
        QuantitativeClaim("mine", "gini", 0.9, 1)
