"""Ranks are uniform where errors are right, and seen not to be where they are made wrong."""

import numpy as np
import pytest

from crmlab.design import Estimate
from crmlab.design.calibration import uniformity
from crmlab.errors import InputError

from .test_solving import TTest, t_test_design


def test_a_sound_tests_ranks_are_uniform():
    found = t_test_design().replace(n_customers=200).diagnose(sims=1500, seed=6)
    assert uniformity(found.ranks("H1")).uniform


@pytest.mark.parametrize("factor", [0.75, 1.35])
def test_errors_made_too_small_or_too_large_are_seen(factor):
    class Wrong(TTest):
        def batch(self, tables):
            sound = super().batch(tables)
            return Estimate(sound.value, factor * sound.standard_error, sound.degrees_of_freedom)

    design = t_test_design().replace(n_customers=200)
    object.__setattr__(design.hypotheses[0], "estimators", {"t": Wrong()})
    assert not uniformity(design.diagnose(sims=1500, seed=6).ranks("H1")).uniform


def test_the_band_holds_uniform_samples_as_often_as_it_says():
    rng = np.random.default_rng(8)
    inside = [uniformity(rng.random(100), seed=seed).uniform for seed in range(120)]
    assert 0.95 - 4 * 0.02 < np.mean(inside) <= 1


@pytest.mark.parametrize("ranks", [[0.5] * 5, [1.2] * 30, [np.nan] * 30])
def test_what_are_no_ranks_is_refused(ranks):
    with pytest.raises(InputError, match="ranks"):
        uniformity(np.array(ranks))
