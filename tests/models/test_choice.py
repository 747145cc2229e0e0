"""Logits in one pass against statsmodels and xlogit; a control function's errors; intervals of a ratio."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import brentq
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.discrete.conditional_models import ConditionalLogit
from xlogit import MultinomialLogit

from crmlab.errors import InputError
from crmlab.mechanisms.choices import choose
from crmlab.models.choice import demand, fit_control_logit, fit_logit, optimal_price, shares
from crmlab.models.ratio import Ratio

TRUTH = np.array([0.6, -0.4, 0.3])


def drawn(cohorts=3, choices=150, alternatives=4, seed=1):
    rng = np.random.default_rng(seed)
    attributes = rng.standard_normal((cohorts, choices, alternatives, 3))
    attributes[..., 2] = np.arange(alternatives) == 0  # a constant of the first alternative
    return attributes, choose(attributes @ TRUTH, rng)


def priced(cohorts=2, choices=200, demand=0.8, cost_spread=1.0, seed=3):
    """Two products and none: attributes (brand, price, product), choices, costs; price knows of demand."""
    rng = np.random.default_rng(seed)
    shape = (cohorts, choices, 3)
    product, brand = np.array([1.0, 1, 0]), np.array([1.0, 0, 0])
    cost, markup = cost_spread * rng.standard_normal(shape) * product, rng.standard_normal(shape) * product
    price = 4 * product + 0.5 * brand + cost + markup
    utility = 0.5 * brand - 0.6 * price + 2.5 * product + demand * markup
    attributes = np.stack(np.broadcast_arrays(brand, price, product), axis=-1)
    return attributes, choose(utility, rng), cost[..., None]


# The logit -----------------------------------------------------------------------------------------------


def test_it_is_what_statsmodels_says():
    attributes, chosen = drawn()
    ours = fit_logit(attributes, chosen)
    for number in range(len(attributes)):
        theirs = ConditionalLogit(
            chosen[number].ravel(), attributes[number].reshape(-1, 3), groups=np.repeat(np.arange(150), 4)
        ).fit(disp=0, method="newton")
        assert np.allclose(ours.coefficients[number], theirs.params, rtol=1e-6)
        assert np.allclose(ours.standard_errors[number], theirs.bse, rtol=1e-6)
        assert np.allclose(ours.covariance[number], theirs.cov_params(), rtol=1e-5, atol=1e-10)


def test_it_is_what_xlogit_says():
    attributes, chosen = drawn(cohorts=1, choices=800)
    theirs = MultinomialLogit()
    theirs.fit(
        X=attributes[0].reshape(-1, 3),
        y=chosen[0].ravel(),
        varnames=["a", "b", "c"],
        ids=np.repeat(np.arange(800), 4),
        alts=np.tile(np.arange(4), 800),
        verbose=0,
    )
    ours = fit_logit(attributes, chosen)
    assert np.allclose(ours.coefficients[0], theirs.coeff_, atol=1e-4)
    assert np.allclose(ours.standard_errors[0], theirs.stderr, rtol=1e-3)


def test_two_alternatives_are_a_binary_logit_of_differences():
    attributes, chosen = drawn(cohorts=1, choices=300, alternatives=2)
    binary = sm.Logit(chosen[0, :, 0], attributes[0, :, 0] - attributes[0, :, 1]).fit(disp=0)
    assert np.allclose(fit_logit(attributes, chosen).coefficients[0], binary.params, rtol=1e-6)


def test_the_order_of_alternatives_does_not_matter_nor_what_they_share():
    attributes, chosen = drawn()
    one = fit_logit(attributes, chosen)
    level = attributes + np.random.default_rng(5).standard_normal((3, 150, 1, 3))
    for other in (fit_logit(attributes[:, :, ::-1], chosen[:, :, ::-1]), fit_logit(level, chosen)):
        assert np.allclose(one.coefficients, other.coefficients, atol=1e-9)
        assert np.allclose(one.covariance, other.covariance, atol=1e-9)


def test_a_cohort_without_a_maximum_is_nan_and_leaves_the_others_alone():
    attributes, chosen = drawn()
    alone = fit_logit(attributes, chosen)
    best = attributes[1, :, :, 0].argmax(axis=-1)  # the first attribute decides every choice
    chosen[1] = np.arange(4) == best[:, None]
    fit = fit_logit(attributes, chosen)
    assert np.isnan(fit.coefficients[1]).all() and np.isnan(fit.standard_errors[1]).all()
    assert np.allclose(fit.coefficients[[0, 2]], alone.coefficients[[0, 2]])


def test_an_attribute_that_never_differs_has_no_coefficient():
    attributes, chosen = drawn()
    attributes[0, :, :, 1] = 1.0
    fit = fit_logit(attributes, chosen)
    assert np.isnan(fit.coefficients[0]).all() and np.isfinite(fit.coefficients[1:]).all()


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda x, y: (x[0], y[0]), "give .cohorts, choices"),
        (lambda x, y: (x, y[:, :-1]), "give .cohorts, choices"),
        (lambda x, y: (np.where(x == x[0, 3, 1, 0], np.nan, x), y), r"first at \(0, 3, 1, 0\)"),
        (lambda x, y: (x, y * 0), "exactly one alternative"),
        (lambda x, y: (x, np.ones_like(y)), "exactly one alternative"),
        (lambda x, y: (x, y * 0.5), "exactly one alternative"),
    ],
)
def test_bad_input_is_refused(spoil, message):
    with pytest.raises(InputError, match=message):
        fit_logit(*spoil(*drawn()))


# The control function ------------------------------------------------------------------------------------


def second_stage(attributes, chosen, residual):
    """statsmodels' logit with a residual added; the third alternative has none."""
    extra = np.concatenate([residual.reshape(-1, 2), np.zeros((len(attributes), 1))], axis=1)
    rows = np.concatenate([attributes, extra[..., None]], axis=-1).reshape(-1, attributes.shape[-1] + 1)
    return ConditionalLogit(chosen.ravel(), rows, groups=np.repeat(np.arange(len(chosen)), 3)).fit(
        disp=0, method="newton"
    )


def test_the_control_function_is_two_stages_of_statsmodels():
    """Coefficients by two fits; the covariance by moving the first stage's coefficients and fitting again."""
    attributes, chosen, cost = priced(cohorts=1, demand=1.5)
    fit = fit_control_logit(attributes, chosen, 1, cost, (0, 1))
    regressors = np.concatenate([attributes[0, :, :2][..., [0, 2]], cost[0, :, :2]], axis=-1).reshape(-1, 3)
    price = attributes[0, :, :2, 1].ravel()
    first = sm.OLS(price, regressors).fit()
    second = second_stage(attributes[0], chosen[0], first.resid)
    assert np.allclose(fit.coefficients[0], second.params, rtol=1e-5)
    assert np.allclose(fit.uncorrected[0], second.cov_params(), rtol=1e-4, atol=1e-9)
    step = 1e-4
    moved = np.array(
        [
            (
                second_stage(
                    attributes[0], chosen[0], price - regressors @ (first.params + step * one)
                ).params
                - second_stage(
                    attributes[0], chosen[0], price - regressors @ (first.params - step * one)
                ).params
            )
            / (2 * step)
            for one in np.eye(3)
        ]
    ).T
    corrected = second.cov_params() + moved @ first.cov_params() @ moved.T
    # the formula takes the expected, the refits the observed change of the score: equal on average only
    assert np.allclose(np.sqrt(np.diagonal(fit.covariance[0])), np.sqrt(np.diagonal(corrected)), rtol=0.03)


def test_the_corrected_errors_are_those_of_repeated_samples():
    attributes, chosen, cost = priced(cohorts=1_000, choices=300, demand=2.0)
    fit = fit_control_logit(attributes, chosen, 1, cost, (0, 1))
    spread = fit.coefficients[:, :3].std(axis=0, ddof=1)
    corrected = np.sqrt((fit.standard_errors[:, :3] ** 2).mean(axis=0))
    naive = np.sqrt(np.diagonal(fit.uncorrected, axis1=1, axis2=2).mean(axis=0))[:3]
    assert np.allclose(corrected, spread, rtol=4 / np.sqrt(2 * 1_000))
    assert naive[1] < 0.85 * spread[1], "the first stage matters for the price"
    low, high = (fit.coefficients[:, 1] + sign * 1.96 * fit.standard_errors[:, 1] for sign in (-1, 1))
    assert abs(((low < -0.6) & (high > -0.6)).mean() - 0.95) < 4 * np.sqrt(0.05 * 0.95 / 1_000)


def test_without_the_control_the_price_seems_harmless():
    attributes, chosen, cost = priced(cohorts=1, choices=20_000)
    given = fit_logit(attributes, chosen)
    control = fit_control_logit(attributes, chosen, 1, cost, (0, 1))
    assert abs(control.coefficients[0, 1] + 0.6) < 4 * control.standard_errors[0, 1]
    assert given.coefficients[0, 1] > -0.4
    assert abs(control.coefficients[0, 3] - 0.8) < 4 * control.standard_errors[0, 3]


def test_instruments_must_fit():
    attributes, chosen, cost = priced()
    for bad in (cost[:, :-1], np.where(cost == cost[0, 0, 0, 0], np.inf, cost)):
        with pytest.raises(InputError, match="instruments have shape"):
            fit_control_logit(attributes, chosen, 1, bad, (0, 1))


def test_terms_and_alternatives_must_exist():
    attributes, chosen, cost = priced()
    with pytest.raises(InputError, match="endogenous is 3"):
        fit_control_logit(attributes, chosen, 3, cost, (0, 1))
    for wrong in ((), (0, 3)):
        with pytest.raises(InputError, match="priced is"):
            fit_control_logit(attributes, chosen, 1, cost, wrong)


def test_a_useless_instrument_gives_no_answer():
    attributes, chosen, cost = priced()
    fit = fit_control_logit(attributes, chosen, 1, 0 * cost, (0, 1))
    assert np.isnan(fit.coefficients).all()


# Ratios --------------------------------------------------------------------------------------------------

V = np.array([[0.04, -0.004], [-0.004, 0.002]])


def test_willingness_to_pay_picks_its_terms():
    coefficients, covariance = np.array([0.2, 0.9, -0.3]), np.diag([1.0, 2.0, 3.0]) + 0.1
    ratio = Ratio.willingness_to_pay(coefficients, covariance, 1, 2)
    assert ratio.value == pytest.approx(3.0)
    assert np.allclose(ratio.covariance, [[2.1, -0.1], [-0.1, 3.1]])


def test_the_delta_method_is_the_derivative():
    ratio, step = Ratio(0.6, 0.3, V), 1e-6
    slope = np.array(
        [
            ((0.6 + step) / 0.3 - (0.6 - step) / 0.3) / (2 * step),
            (0.6 / (0.3 + step) - 0.6 / (0.3 - step)) / (2 * step),
        ]
    )
    assert ratio.standard_error == pytest.approx(np.sqrt(slope @ V @ slope), rel=1e-6)
    low, high = ratio.delta()
    assert (low + high) / 2 == pytest.approx(2.0) and high - low == pytest.approx(
        2 * norm.ppf(0.975) * ratio.standard_error
    )


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_fieller_inverts_a_test(level):
    ratio, z = Ratio(0.6, 0.3, V), norm.ppf(0.5 + level / 2)

    def kept(w):  # what the test of numerator - w · denominator = 0 leaves over
        return abs(0.6 - w * 0.3) - z * np.sqrt(V[0, 0] - 2 * w * V[0, 1] + w**2 * V[1, 1])

    low, high = ratio.fieller(level)
    assert low == pytest.approx(brentq(kept, -50, 2)) and high == pytest.approx(brentq(kept, 2, 500))
    assert ratio.z(low) == pytest.approx(z) and ratio.z(high) == pytest.approx(-z)


def test_fiellers_interval_is_wider_where_the_covariance_is_estimated():
    ratio, t = Ratio(0.6, 0.3, V), student.ppf(0.975, 12)
    low, high = ratio.fieller(degrees_of_freedom=12)
    assert ratio.z(low) == pytest.approx(t) and ratio.z(high) == pytest.approx(-t)


def test_fieller_has_no_end_where_the_denominator_may_be_zero():
    assert Ratio(0.6, 0.05, V).fieller() == (-np.inf, np.inf)
    many = Ratio(np.array([0.6, 0.6, np.nan]), np.array([0.05, 0.3, 0.3]), np.stack([V, V, V]))
    low, high = many.fieller()
    assert np.isinf(low[0]) and np.isfinite(low[1]) and np.isnan([low[2], high[2]]).all()


def test_krinsky_and_robb_are_quantiles_of_draws():
    ratio = Ratio(0.6, 0.3, V)
    pairs = np.random.default_rng(4).multivariate_normal([0.6, 0.3], V, 400_000)
    expected = np.quantile(pairs[:, 0] / pairs[:, 1], [0.025, 0.975])
    assert np.allclose(ratio.krinsky_robb(), expected, atol=0.01 * np.ptp(expected))
    assert ratio.krinsky_robb() == ratio.krinsky_robb(), "the same draws each time"
    with pytest.raises(InputError, match="power of two"):
        ratio.krinsky_robb(draws=1000)


def test_where_the_denominator_is_known_the_three_agree():
    ratio = Ratio(0.6, 0.3, np.diag([0.04, 1e-14]))
    for low, high in (ratio.delta(), ratio.fieller(), ratio.krinsky_robb()):
        assert low == pytest.approx(2 - 1.96 * 0.2 / 0.3, abs=0.01) and high == pytest.approx(
            2 + 1.96 * 0.2 / 0.3, abs=0.01
        )


def test_only_fieller_keeps_its_promise_when_the_denominator_is_weak():
    """Two normal estimates, the denominator 2.5 errors from zero: a sample of 40,000 such pairs."""
    mean = np.array([0.3, 2.5 * np.sqrt(V[1, 1])])
    pairs = np.random.default_rng(6).multivariate_normal(mean, V, 40_000)
    ratio, truth = Ratio(pairs[:, 0], pairs[:, 1], np.broadcast_to(V, (40_000, 2, 2))), mean[0] / mean[1]
    assert abs((np.abs(ratio.z(truth)) < norm.ppf(0.975)).mean() - 0.95) < 4 * np.sqrt(0.05 * 0.95 / 40_000)
    low, high = ratio.fieller()
    bounded = np.isfinite(low)
    inside = (low <= truth) & (truth <= high)
    assert (inside == (np.abs(ratio.z(truth)) <= norm.ppf(0.975)))[bounded].all()
    low, high = ratio.delta()
    assert (high < truth).mean() > 3 * (low > truth).mean(), "the delta method misses on one side"


# Prices --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slope, free, cost", [(-0.15, 3.75, 12.0), (-1.0, 0.0, 0.0), (-0.02, 9.0, 5.0)])
def test_the_best_price_is_the_top_of_the_profit_curve(slope, free, cost):
    others = [0.6, 0.0]
    best = optimal_price(others, slope, free, cost)
    grid = np.linspace(cost, cost - 40 / slope, 200_001)
    utility = np.stack(np.broadcast_arrays(free + slope * grid, *others), axis=-1)
    profit = (grid - cost) * shares(utility)[:, 0]
    assert best == pytest.approx(grid[profit.argmax()], abs=-1e-3 / slope)
    share = shares([free + slope * best, *others])[0]
    assert best == pytest.approx(cost + 1 / (-slope * (1 - share)))


def test_demand_is_the_share_at_each_price():
    prices = np.array([[10.0, 20.0], [30.0, 40.0]])
    found = demand([0.6, 0.0], -0.15, 3.75, prices)
    assert found.shape == prices.shape and demand([0.6, 0.0], -0.15, 3.75, 20.0) == found[0, 1]
    odds = np.log(found / (1 - found))
    assert np.diff(odds.ravel()) == pytest.approx(-1.5), "in odds a logit's demand is a straight line"
    assert found[0, 0] == pytest.approx(shares([2.25, 0.6, 0.0])[0])


def test_no_price_is_too_high_for_those_who_do_not_mind():
    for slope in (0.0, 0.1, np.nan):
        with pytest.raises(InputError, match="must be negative"):
            optimal_price([0.0], slope, 1.0, 1.0)


def test_the_ratio_of_two_shares_ignores_the_third():
    before, after = shares([1.0, 0.5, 0.0]), shares([3.0, 0.5, 0.0])
    assert before.sum() == pytest.approx(1) and before[1] / before[2] == pytest.approx(after[1] / after[2])
