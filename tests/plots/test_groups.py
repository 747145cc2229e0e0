"""Groups of equal size, drawn where their customers are."""

import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.plots import group_means


def test_groups_are_of_equal_size_and_lie_at_their_means():
    values = np.random.default_rng(1).lognormal(size=1000)
    at = group_means(values, 8)
    middles, sizes = np.unique(at, return_counts=True)
    assert sizes.tolist() == [125] * 8
    expected = np.sort(values).reshape(8, 125).mean(1)
    assert middles == pytest.approx(expected)


def test_equal_values_stay_together():
    at = group_means([1, 1, 1, 1, 2, 3], 3)
    assert len(set(at[:4])) == 1


@pytest.mark.parametrize("groups", [0, 5])
def test_groups_that_cannot_be_are_refused(groups):
    with pytest.raises(InputError, match="give 1 to 4"):
        group_means([1, 2, 3, 4], groups)
