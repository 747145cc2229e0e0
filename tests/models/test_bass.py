"""The Bass model: its formulas by brute force, its three ways to fit."""

import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.models.bass import adopted, adopters, bass_by_curve, bass_by_likelihood, bass_by_regression


def test_the_share_solves_the_hazard_equation():
    p, q, step = 0.02, 0.4, 1e-4
    share = 0.0
    for _ in range(round(5 / step)):
        share += step * (p + q * share) * (1 - share)
    assert adopted(5.0, p, q) == pytest.approx(share, abs=1e-4)
    assert adopters(np.arange(1, 400), p, q, 1000.0).sum() == pytest.approx(1000)


def test_the_peak_is_where_sales_are_highest():
    fit = bass_by_curve(adopters(np.arange(1, 16), 0.01, 0.4, 500.0))
    fine = np.linspace(0, 20, 20_001)
    assert fit.peak == pytest.approx(fine[np.gradient(adopted(fine, 0.01, 0.4)).argmax()], abs=0.01)


def test_a_curve_without_noise_is_found_and_bass_regression_errs():
    sales = adopters(np.arange(1, 14), 0.0094, 0.375, 18_713)
    fit, regression = bass_by_curve(sales), bass_by_regression(sales)
    assert [fit.p, fit.q, fit.market] == pytest.approx([0.0094, 0.375, 18_713], rel=1e-4)
    assert fit.sales(13) == pytest.approx(sales, rel=1e-4)
    assert regression.p > 1.3 * fit.p  # takes a difference of a year for a derivative


def test_errors_are_the_spread_of_estimates():
    truth, rng = adopters(np.arange(1, 14), 0.0094, 0.375, 18_713), np.random.default_rng(1)
    fits = [bass_by_curve(np.abs(truth + 120 * rng.standard_normal(13))) for _ in range(150)]
    q = np.array([fit.q for fit in fits])
    assert np.mean([fit.errors["q"] for fit in fits]) == pytest.approx(q.std(), rel=0.25)


def test_the_band_is_the_spread_of_curves():
    truth, rng = adopters(np.arange(1, 14), 0.0094, 0.375, 18_713), np.random.default_rng(3)
    fits = [bass_by_curve(np.abs(truth + 60 * rng.standard_normal(13))) for _ in range(150)]
    low, high = (np.mean([fit.band(13)[side] for fit in fits], axis=0) for side in (0, 1))
    spread = np.std([fit.sales(13) for fit in fits], axis=0)
    assert (high - low) / 3.92 == pytest.approx(spread, rel=0.3)
    with pytest.raises(InputError, match="no covariance"):
        bass_by_regression(truth).band(13)


def test_likelihood_finds_what_drew_the_months():
    rng, months = np.random.default_rng(2), np.arange(1, 25)
    chances = adopters(months, 0.03, 0.3, 0.9)
    drawn = rng.choice(np.append(months, 25), size=20_000, p=np.append(chances, 1 - chances.sum()))
    fit = bass_by_likelihood(drawn, 24)
    assert [fit.p, fit.q, fit.market] == pytest.approx([0.03, 0.3, 0.9], rel=0.05)
    assert bass_by_likelihood(drawn, 24, imitation=False).log_likelihood < fit.log_likelihood - 100


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="row 2: sales are -1"):
        bass_by_curve([1, 2, -1, 4, 5, 6])
    with pytest.raises(InputError, match="has 4 periods"):
        bass_by_regression([1, 2, 3, 4])
    with pytest.raises(InputError, match="whole numbers from 1"):
        bass_by_likelihood([0, 1, 2], 17)
    with pytest.raises(ArithmeticError, match="no positive root"):
        bass_by_regression([1, 2, 4, 8, 16, 32, 65])
