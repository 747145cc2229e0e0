"""Polychoric and polyserial moments: the right correlations, the right errors, groups apart."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from crmlab.errors import InputError
from crmlab.mechanisms.items import Scale
from crmlab.models.ordinal import _expansion, _hermite, ordinal_moments


def draws(samples, rows, seed=1, shift=0.0):
    """Three items and two continuous variables of one trait; a second group answers `shift` higher."""
    rng = np.random.default_rng(seed)
    trait = rng.standard_normal((samples, rows))
    groups = (rng.random((samples, rows)) < 0.4) * 1.0

    def response():
        return 0.8 * (trait + shift * groups) + 0.6 * rng.standard_normal((samples, rows))

    items = np.stack([Scale(7, 0.7).cut(response()) for _ in range(3)], -1)
    continuous = np.stack([0.8 * trait + 0.6 * rng.standard_normal((samples, rows)) for _ in range(2)], -1)
    return items, continuous, groups


def symmetric(samples, size, seed=2):
    weights = np.random.default_rng(seed).standard_normal((samples, size, size))
    return weights + weights.swapaxes(1, 2)


@pytest.mark.parametrize("rho", [-0.9, -0.3, 0.0, 0.64, 0.95])
def test_the_covariance_of_two_items_is_the_integrals(rho):
    """Against the bivariate normal's rectangles: scores count the thresholds that are passed."""
    cuts = [np.array([-1.2, 0.1, 0.8]), np.array([-0.4, 1.5])]
    law = multivariate_normal([0, 0], [[1, rho], [rho, 1]], abseps=1e-10, releps=1e-10)
    joint = sum(law.cdf([-a, -b]) - norm.cdf(-a) * norm.cdf(-b) for a in cuts[0] for b in cuts[1])
    one, other = (_expansion(cut, _hermite(cut)) for cut in cuts)
    found = (one * other * rho ** np.arange(1, len(one) + 1)).sum()
    assert found == pytest.approx(joint, abs=1e-5 if abs(rho) < 0.9 else 4e-3)


def test_correlations_are_those_of_the_responses():
    items, continuous, _ = draws(1, 200_000)
    found = ordinal_moments(items, continuous).correlation[0]
    assert found[~np.eye(5, dtype=bool)] == pytest.approx(0.64, abs=0.006)
    assert np.diag(found) == pytest.approx(1)


def test_groups_have_thresholds_of_their_own():
    items, continuous, groups = draws(1, 200_000, shift=1.2)
    apart = ordinal_moments(items, continuous, groups).correlation[0]
    assert apart[~np.eye(5, dtype=bool)] == pytest.approx(0.64, abs=0.008)
    together = ordinal_moments(items, continuous).correlation[0]
    assert together[0, 1] > 0.68


def test_influences_are_those_of_the_jackknife():
    items, continuous, groups = draws(2, 250)
    weights = symmetric(2, 5)
    moments = ordinal_moments(items, continuous, groups)
    influence = moments.influence(weights)
    assert influence.mean(1) == pytest.approx(0, abs=1e-12)
    whole = (weights * moments.correlation).sum((1, 2))
    for row in range(0, 250, 10):
        kept = np.arange(250) != row
        less = ordinal_moments(items[:, kept], continuous[:, kept], groups[:, kept]).correlation
        change = 249 * (whole - (weights * less).sum((1, 2)))
        assert influence[:, row] == pytest.approx(change, abs=0.06 * np.abs(influence).max())


def test_errors_are_spreads_over_samples():
    items, continuous, groups = draws(600, 400, shift=0.8)
    moments = ordinal_moments(items, continuous, groups)
    for one, other in ((0, 1), (0, 3), (3, 4)):
        weights = np.zeros((600, 5, 5))
        weights[:, one, other] = weights[:, other, one] = 0.5
        error = np.sqrt((moments.influence(weights) ** 2).sum(1)) / 400
        found = moments.correlation[:, one, other]
        assert error.mean() == pytest.approx(found.std(), rel=0.1), (one, other)
        assert found.mean() == pytest.approx(0.64, abs=4 * found.std() / np.sqrt(600) + 0.002)


def test_a_stack_is_its_samples_one_by_one():
    items, continuous, groups = draws(3, 120)
    together = ordinal_moments(items, continuous, groups)
    for at in range(3):
        alone = ordinal_moments(items[at : at + 1], continuous[at : at + 1], groups[at : at + 1])
        assert together.correlation[at] == pytest.approx(alone.correlation[0], abs=1e-10)


def test_an_item_that_does_not_vary_spoils_its_sample_only():
    items, continuous, _ = draws(2, 100)
    items[1, :, 0] = 4
    found = ordinal_moments(items, continuous).correlation
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


def test_answers_that_are_no_answers_are_refused():
    for bad in (0.0, 2.5, np.nan):
        items, continuous, _ = draws(1, 50)
        items[0, 3, 1] = bad
        with pytest.raises(InputError, match="whole numbers from 1"):
            ordinal_moments(items, continuous)
