"""Counts drawn by inversion are Poisson's."""

import numpy as np
import pytest
from scipy import stats

from crmlab.errors import InputError
from crmlab.mechanisms.counts import poisson_counts


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
