"""Retention that moves retention, skill that leaves with those who leave, and rows within rows."""

import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.mechanisms.nested import customers_of, means_and_halves
from crmlab.mechanisms.turnover import draw_retention, lagged, mean_skill, mean_tenure

PATHS = np.array([[0.3, 0.1], [0.2, 0.3]])


class Still:
    """No shocks but one, to the first side, in the first quarter."""

    def __init__(self):
        self.calls = 0

    def standard_normal(self, size):
        self.calls += 1
        return np.full(size, float(self.calls == 1))


def test_a_shock_spreads_by_powers_of_the_paths():
    usual = {"staff": np.array([1.0, 1.5]), "customers": np.array([2.0, 2.0])}
    found = draw_retention(PATHS, usual, 0.5, 4, Still(), run_in=0)
    for quarter in range(4):
        effect = 0.5 * np.linalg.matrix_power(PATHS, quarter)[:, 0]
        assert found[f"staff_{quarter + 1}"] == pytest.approx(usual["staff"] + effect[0])
        assert found[f"customers_{quarter + 1}"] == pytest.approx(usual["customers"] + effect[1])
    rows = lagged(found, ("staff", "customers"), 4)
    assert rows["branch"].tolist() == [0, 1] * 3
    assert rows["staff"][:2] == pytest.approx(found["staff_2"])
    assert rows["customers_before"][-2:] == pytest.approx(found["customers_3"])


@pytest.mark.parametrize("leaving, unlearnt", [(0.04, 0.9), (0.15, 0.5), (0.01, 0.98)])
def test_mean_skill_and_tenure_of_people_who_come_learn_and_go(leaving, unlearnt):
    rng = np.random.default_rng(1)
    stayed = np.zeros(200_000)
    for _ in range(int(8 / leaving)):
        stayed = np.where(rng.random(stayed.size) < leaving, 0, stayed + 1)
    skill = 1 - unlearnt**stayed
    assert skill.mean() == pytest.approx(mean_skill(leaving, unlearnt), abs=4 * skill.std() / 447 + 1e-3)
    assert (stayed.mean() + 1) == pytest.approx(mean_tenure(leaving), rel=0.01)


def test_shares_that_are_none_are_refused():
    with pytest.raises(InputError, match="leaving is 0"):
        mean_tenure(0)
    with pytest.raises(InputError, match="leaving is 1.2"):
        mean_skill(1.2, 0.5)
    with pytest.raises(InputError, match="unlearnt is 1"):
        mean_skill(0.1, 1)


def test_rows_of_customers_and_means_of_halves():
    ratings = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    table = customers_of(ratings)
    at = 1 * 60 + 2 * 20 + 3 * 5 + 1
    assert [table[name][at] for name in ("branch", "year", "employee", "rating")] == [1, 3, 23, 116.0]
    means = means_and_halves({"rating": ratings.mean(-1)})
    assert means["rating"] == pytest.approx(ratings.mean((-1, -2)).ravel())
    assert means["rating_1"] == pytest.approx(ratings.mean(-1)[..., [0, 2]].mean(-1).ravel())
