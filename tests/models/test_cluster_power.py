"""How many clusters: what the formula promises, cohorts hold."""

import numpy as np
import pytest
from scipy import stats

from crmlab.errors import InputError
from crmlab.models.cluster_power import clusters_needed


def test_it_is_the_sum_of_two_samples_where_clusters_are_one():
    """Of clusters of one the number is that of a two-sample z test, both arms."""
    arm = 2 * (1.644854 + 0.841621) ** 2 / 0.5**2
    assert clusters_needed(0.5, 0.0, 1) == pytest.approx(2 * arm, rel=1e-5)


def test_more_members_do_not_help_beyond_the_share_between():
    floor = 4 * (1.644854 + 0.841621) ** 2 * 0.1 / 0.25**2
    assert clusters_needed(-0.25, 0.1, 10_000_000) == pytest.approx(floor, rel=1e-4)


def test_as_many_clusters_have_that_power():
    clusters = round(clusters_needed(0.4, 0.1, 15) / 2) * 2
    rng = np.random.default_rng(5)
    error = np.sqrt(0.1 + 0.9 / 15) * rng.standard_normal((4000, 2, clusters // 2))
    found = stats.ttest_ind(error[:, 0] + 0.4, error[:, 1], axis=-1, alternative="greater").pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.04)  # t for z, and whole clusters


@pytest.mark.parametrize("wrong", [{"effect": 0}, {"intraclass": 1.2}, {"members": 0}, {"power": 0.01}])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        clusters_needed(**{"effect": 0.25, "intraclass": 0.1, "members": 15} | wrong)
