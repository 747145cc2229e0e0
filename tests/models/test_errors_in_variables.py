"""Corrected least squares: against statsmodels where nothing is to correct, else against the truth."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import linalg

from crmlab.errors import InputError
from crmlab.models.errors_in_variables import (
    MeasuredRegression,
    _fuller_share,
    resampled_rows,
    scale_score,
)

SLOPES = np.array([0.5, -0.3])


def sample(rng, rows=400, shared=0.0):
    """Two correlated traits with three items each, a marker, and an outcome exposed to the form too."""
    trait = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], rows)
    form = shared * rng.standard_normal(rows)
    outcome = trait @ SLOPES + form + rng.standard_normal(rows)
    items = [[trait[:, at] + form + rng.standard_normal(rows) for _ in range(3)] for at in range(2)]
    marker = np.mean([form + rng.standard_normal(rows) for _ in range(4)], axis=0)
    return outcome, items, marker - marker.mean()


def corrected(outcome, items, marker):
    scores, noise = zip(*(scale_score(block) for block in items))
    scores = np.stack(scores, -1)
    shared = marker * scores.mean(-1)
    return MeasuredRegression(outcome, scores, np.stack(noise, -1), shared, [True, True], True)


def test_without_corrections_it_is_least_squares_with_robust_errors():
    rng = np.random.default_rng(1)
    predictors = rng.standard_normal((200, 3)) @ rng.standard_normal((3, 3))
    outcome = predictors[:, 0] + rng.standard_normal(200) * (1 + predictors[:, 1] ** 2)
    coefficients, covariance = MeasuredRegression(outcome, predictors).fit()
    theirs = sm.OLS(outcome, sm.add_constant(predictors)).fit(cov_type="HC1")
    assert coefficients == pytest.approx(theirs.params[1:])
    assert covariance == pytest.approx(np.asarray(theirs.cov_params())[1:, 1:])


def test_the_score_and_its_error():
    rng = np.random.default_rng(2)
    trait = rng.standard_normal(200_000)
    score, noise = scale_score([trait + rng.standard_normal(trait.size) for _ in range(4)])
    assert score.mean() == pytest.approx(0, abs=1e-12)
    assert noise.mean() == pytest.approx(1 / 4, abs=0.01)  # four errors of variance 1, averaged
    with pytest.raises(InputError, match="two or more"):
        scale_score([trait])


@pytest.mark.parametrize("shared", [0.0, 0.7])
def test_slopes_errors_and_coverage(shared):
    """Over 600 samples: no bias, the errors are the spread, and 95% intervals hold the truth."""
    rng = np.random.default_rng(3)
    fits = [corrected(*sample(rng, shared=shared)).fit() for _ in range(600)]
    estimates = np.array([coefficients for coefficients, _ in fits])
    errors = np.sqrt([np.diag(covariance) for _, covariance in fits])
    assert np.abs(estimates.mean(0) - SLOPES).max() < 4 * errors.mean() / np.sqrt(600) + 0.01
    assert np.median(errors, 0) == pytest.approx(estimates.std(0), rel=0.15)
    covered = (np.abs(estimates - SLOPES) < 1.96 * errors).mean(0)
    assert (np.abs(covered - 0.95) < 4 * np.sqrt(0.05 * 0.95 / 600)).all()


def test_what_is_not_corrected_is_biased():
    outcome, items, marker = sample(np.random.default_rng(4), rows=50_000, shared=0.7)
    plain = MeasuredRegression(outcome, np.stack([scale_score(block)[0] for block in items], -1)).fit()[0]
    assert np.abs(plain - SLOPES).max() > 0.1
    assert corrected(outcome, items, marker).fit()[0] == pytest.approx(SLOPES, abs=0.04)


def test_many_samples_at_once_are_many_fits():
    rng = np.random.default_rng(5)
    singles = [corrected(*sample(rng, shared=0.5)) for _ in range(3)]
    together = MeasuredRegression(
        *(
            np.stack([getattr(each, name) for each in singles])
            for name in ("outcome", "predictors", "noise", "shared")
        ),
        [True, True],
        True,
    )
    for got, want in zip(together.fit(), zip(*(each.fit() for each in singles))):
        assert got == pytest.approx(np.stack(want))


def test_a_resample_is_a_fit_to_resampled_rows():
    regression = corrected(*sample(np.random.default_rng(6), rows=60, shared=0.3))
    draws = regression.resample(4, seed=9)
    for draw, share in zip(draws, resampled_rows(60, 4, 9)):
        rows = np.repeat(np.arange(60), np.rint(share * 60).astype(int))
        again = MeasuredRegression(
            regression.outcome[rows],
            regression.predictors[rows],
            regression.noise[rows],
            regression.shared[rows],
            [True, True],
            True,
        )
        assert len(rows) == 60 and again.fit()[0] == pytest.approx(draw)


def test_bootstrap_errors_are_the_sandwich():
    regression = corrected(*sample(np.random.default_rng(7), rows=2000, shared=0.4))
    errors = np.sqrt(np.diag(regression.fit()[1]))
    assert regression.resample(800, seed=1).std(0) == pytest.approx(errors, rel=0.1)


def test_moments_without_an_inverse_are_nan_and_leave_the_others_alone():
    rng = np.random.default_rng(8)
    predictors = rng.standard_normal((2, 50, 2))
    noise = np.zeros((2, 50, 2))
    noise[0, :, 0] = 5.0  # more error than there is variance
    coefficients, covariance = MeasuredRegression(rng.standard_normal((2, 50)), predictors, noise).fit()
    assert np.isnan(coefficients[0]).all() and np.isnan(covariance[0]).all()
    assert np.isfinite(coefficients[1]).all() and np.isfinite(covariance[1]).all()


def test_fullers_share_by_hand():
    """κ from the least root of |Z'Z/n - λ Σ|, by scipy, where all may and where not all may be taken out."""
    regression = corrected(*sample(np.random.default_rng(9), rows=80, shared=0.4))
    together = np.column_stack([regression.predictors, regression.outcome])
    moments = together.T @ together / 80
    out = np.ones((3, 3)) * regression.shared.mean()
    out[[0, 1], [0, 1]] += regression.noise.mean(0)
    for times in (1.0, 3.0):
        least = 1 / linalg.eigh(times * out, moments, eigvals_only=True)[-1]
        share = min(1.0, least - 1 / 79) - 1 / 79
        assert (least > 1 + 1 / 79) == (times == 1.0)
        assert _fuller_share(moments[None], times * out[None], 80)[0] == pytest.approx(share)
    share = 1 - 1 / 79
    by_hand = np.linalg.solve((moments - share * out)[:2, :2], (moments - share * out)[:2, 2])
    assert regression.fit()[0] == pytest.approx(by_hand)


def test_resamples_all_have_an_estimate_in_tiny_samples():
    regression = corrected(*sample(np.random.default_rng(10), rows=25, shared=0.6))
    draws = regression.resample(2000, seed=3)
    assert np.isfinite(draws).all()
    share = resampled_rows(25, 2000, 3)
    together = np.column_stack([regression.predictors, regression.outcome])
    plain = np.einsum("rn,ni,nj->rij", share, together, together)
    means = share @ together
    plain -= means[:, :, None] * means[:, None, :]
    out = (share @ regression.shared)[:, None, None] * np.ones((3, 3))
    out[:, [0, 1], [0, 1]] += share @ regression.noise
    indefinite = np.linalg.eigvalsh(plain - out)[:, 0] <= 0
    assert 0.01 < indefinite.mean() < 0.9  # so that the modification is at work
    for at in np.flatnonzero(indefinite)[:20]:
        kept = plain[at] - _fuller_share(plain[at : at + 1], out[at : at + 1], 25)[0] * out[at]
        assert draws[at] == pytest.approx(np.linalg.solve(kept[:2, :2], kept[:2, 2]), rel=1e-6)


def test_shapes_must_agree():
    with pytest.raises(InputError, match=r"outcome has shape \(9,\), predictors \(8, 2\)"):
        MeasuredRegression(np.zeros(9), np.zeros((8, 2)))
