"""Counts drawn by inversion are Poisson's and the binomial's."""

import numpy as np
import pytest
from scipy import stats

from crmlab.errors import InputError
from crmlab.mechanisms.counts import binomial_counts, poisson_counts


def test_they_are_the_quantiles_of_the_distribution():
    rng = np.random.default_rng(1)
    mean, uniform = rng.gamma(0.6, 5.0, (40, 500)), rng.random((40, 500))
    assert (poisson_counts(mean, uniform) == stats.poisson.ppf(uniform, mean)).all()


def test_no_mean_no_count_and_no_draw_is_too_large():
    assert not poisson_counts(np.zeros(5), np.linspace(0, np.nextafter(1, 0), 5)).any()
    largest = poisson_counts(np.array([0.1, 3.0, 400.0]), np.full(3, np.nextafter(1, 0)))
    assert np.isfinite(largest).all() and (largest > [3, 15, 500]).all() and (largest < [20, 50, 800]).all()


@pytest.mark.parametrize("mean", [-0.1, 501.0, np.nan])
def test_what_is_no_mean_is_refused(mean):
    with pytest.raises(InputError, match="Poisson means must lie from 0 to 500"):
        poisson_counts(np.array([1.0, mean]), np.array([0.5, 0.5]))


def test_binomial_counts_have_the_binomials_chances():
    uniform = (np.arange(200_000) + 0.5) / 200_000
    counts = binomial_counts(12, np.full(len(uniform), 0.3), uniform)
    found = np.bincount(counts.astype(int), minlength=13) / len(uniform)
    assert found == pytest.approx(stats.binom.pmf(np.arange(13), 12, 0.3), abs=1e-5)
    edges = binomial_counts(np.array([0, 5, 5, 5]), np.array([0.5, 0, 1, 0.5]), np.array([0.5, 0.9, 0, 0]))
    assert edges.tolist() == [0, 0, 5, 0]


@pytest.mark.parametrize("chance", [-0.1, 1.1, np.nan])
def test_what_is_no_chance_is_refused(chance):
    with pytest.raises(InputError, match="chances must lie from 0 to 1"):
        binomial_counts(3, np.array([0.5, chance]), np.array([0.5, 0.5]))
