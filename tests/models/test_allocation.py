"""A budget in whole units: dynamic programming finds what trying everything finds."""

import itertools

import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.models.allocation import best_allocation


@pytest.mark.parametrize("seed", range(5))
def test_it_is_as_good_as_trying_everything(seed):
    rng = np.random.default_rng(seed)
    gains = [np.concatenate([[0.0], rng.normal(size=rng.integers(1, 4))]) for _ in range(4)]
    for units in range(sum(len(each) - 1 for each in gains) + 1):
        spent = best_allocation(gains, units)
        assert sum(spent) == units
        every = itertools.product(*(range(len(each)) for each in gains))
        best = max(sum(g[k] for g, k in zip(gains, each)) for each in every if sum(each) == units)
        assert sum(g[k] for g, k in zip(gains, spent)) == pytest.approx(best)


def test_more_than_fits_is_refused():
    with pytest.raises(InputError, match="units is 4; the 2 things take 0 to 3"):
        best_allocation([[0, 1], [0, 1, 2]], 4)
