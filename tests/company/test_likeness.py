"""The company looks like a shop: its figures lie near those of real customers.

CDNOW (23,570 customers, 78 weeks): the best fifth hold .678 of spend. Of the best fifth of buyers in the 8
months after the cohort had come, 40% are in the best fifth of the eight months after these; those who had not
bought before bring .168 of the spend.
"""

import numpy as np
import pytest

from crmlab.company import Company

FIRST, THEN = (3, 10.75), (10.75, 18.25)  # CDNOW's months after the cohort had come


@pytest.fixture(scope="module")
def shop():
    return Company("literature", customers=20_000, months=20, seed=7).simulate().tables


@pytest.fixture(scope="module")
def spend(shop):
    """Spend of those who came in the first three months, within months."""
    customers, orders = shop["customers"], shop["orders"]
    cohort = customers.loc[customers["joined"] < 3, "customer_id"]

    def within(low, high):
        kept = orders[(orders["time"] >= low) & (orders["time"] < high)]
        return kept.groupby("customer_id")["amount"].sum().reindex(cohort, fill_value=0.0).to_numpy()

    return within


def test_the_best_fifth_hold_two_thirds(spend):
    spent = np.sort(spend(0, 18))[::-1]
    assert abs(spent[: len(spent) // 5].sum() / spent.sum() - 0.678) < 0.03


def test_four_in_ten_of_the_best_stay_so(spend):
    before, after = spend(*FIRST), spend(*THEN)
    best = before > np.quantile(before[before > 0], 0.8)
    still = after > np.quantile(after[after > 0], 0.8)
    assert abs(still[best].mean() - 0.40) < 0.04
    assert abs(after[before == 0].sum() / after.sum() - 0.168) < 0.04
    assert 0.4 < after[best].sum() / after.sum() < 0.55  # CDNOW: .457; more stays with ours


def test_customers_are_as_satisfied_as_elsewhere(shop):
    """Those of lesson 03's data on service quality give 81 of 100 points."""
    points = (shop["surveys"]["satisfaction"].mean() - 1) / 6 * 100
    assert 74 < points < 84
    assert 0.15 < len(shop["surveys"]) / (shop["surveys"]["month"].nunique() * len(shop["customers"])) < 0.35
    assert 0.03 < len(shop["complaints"]) / len(shop["orders"]) < 0.08
