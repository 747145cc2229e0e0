"""Latent classes: the likelihood's top is found, classes come back, and noise is not called stable."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logsumexp
from sklearn.cluster import KMeans

from crmlab.errors import InputError
from crmlab.models.latent_class import bootstrap_agreement, fit_latent_classes

CHANCES = np.array([[0.9, 0.8, 0.2, 0.1, 0.7], [0.2, 0.3, 0.8, 0.7, 0.1]])


def drawn(rows, seed=1):
    rng = np.random.default_rng(seed)
    member = (rng.random(rows) < 0.35).astype(int)
    return (rng.random((rows, 5)) < CHANCES[member]) * 1.0, member


def test_classes_come_back():
    answers, member = drawn(20_000)
    fit = fit_latent_classes(answers, 2)
    assert fit.shares == pytest.approx([0.65, 0.35], abs=0.015)
    assert fit.chances == pytest.approx(CHANCES, abs=0.02)
    chance = fit.memberships(answers)
    assert chance.sum(axis=1) == pytest.approx(1)
    assert chance[:, 1].mean() == pytest.approx(fit.shares[1], abs=1e-4)
    assert ((chance[:, 1] > 0.5) == member).mean() > 0.9


def test_one_class_is_what_can_be_counted():
    answers, _ = drawn(300)
    fit, mean = fit_latent_classes(answers, 1), answers.mean(axis=0)
    assert fit.chances[0] == pytest.approx(mean)
    expected = 300 * (mean * np.log(mean) + (1 - mean) * np.log(1 - mean)).sum()
    assert fit.log_likelihood == pytest.approx(expected)
    assert fit.bic == pytest.approx(5 * np.log(300) - 2 * expected)


def test_no_other_way_climbs_higher():
    answers, _ = drawn(400)

    def loss(free):
        chances, share = expit(free[:10]).reshape(2, 5), expit(free[10])
        each = (answers @ np.log(chances).T) + ((1 - answers) @ np.log1p(-chances).T)
        return -logsumexp(each, b=[share, 1 - share], axis=1).sum()

    rng = np.random.default_rng(3)
    by_gradient = min(minimize(loss, rng.normal(size=11)).fun for _ in range(6))
    fit = fit_latent_classes(answers, 2)
    assert fit.log_likelihood == pytest.approx(-by_gradient, abs=1e-3)
    assert fit.free_parameters == 11


def test_more_classes_never_fit_worse_and_bic_asks_for_the_true_number():
    answers, _ = drawn(2000)
    fits = [fit_latent_classes(answers, classes) for classes in (1, 2, 3)]
    assert np.all(np.diff([fit.log_likelihood for fit in fits]) > 0)
    assert np.argmin([fit.bic for fit in fits]) == 1


@pytest.mark.parametrize(
    "answers, classes", [([[0, 2], [1, 0]], 1), ([[0, 1], [1, 0]], 3), ([[np.nan, 1]], 1)]
)
def test_what_cannot_be_fitted_is_refused(answers, classes):
    with pytest.raises(InputError, match="answers must be|classes is"):
        fit_latent_classes(answers, classes)


def test_two_clouds_are_stable_and_one_is_not():
    def assign(sample, seed):
        return KMeans(2, n_init=3, random_state=seed).fit(sample).predict

    rng = np.random.default_rng(5)
    one = rng.normal(size=(400, 2))
    two = one + 6 * (np.arange(400) % 2)[:, None]
    apart, together = (bootstrap_agreement(rows, assign, pairs=8, seed=1) for rows in (two, one))
    assert apart.min() > 0.95 and together.mean() < 0.8
    assert np.array_equal(together, bootstrap_agreement(one, assign, pairs=8, seed=1))
