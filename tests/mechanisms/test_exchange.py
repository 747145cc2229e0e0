"""Accounts, orders and contacts: the moments that they promise, and the tables made of them."""

import numpy as np
import pytest

from crmlab.mechanisms.accounts import CAUSES, by_halves, draw_accounts, observed
from crmlab.mechanisms.contacts import by_branch, by_customer, by_quarter, draw_contacts
from crmlab.mechanisms.orders import LOG_NEED, draw_orders


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_causes_correlate_and_halves_hold_as_much_error_as_truth(rng):
    accounts = draw_accounts(100_000, 0.4, 0.5, rng)
    correlations = np.corrcoef([accounts[name] for name in CAUSES])
    assert correlations[np.triu_indices(3, 1)] == pytest.approx(0.4, abs=0.02)
    assert [accounts[name].std() for name in (*CAUSES, "ease")] == pytest.approx([1.0] * 4, abs=0.02)
    assert np.corrcoef(accounts["asymmetry_1"], accounts["asymmetry_2"])[0, 1] == pytest.approx(0.5, abs=0.02)
    assert (accounts["ease"] ** 3).mean() > 0.2  # skewed
    assert not {"uncertainty", "asymmetry", "ease"} & set(observed(accounts))


def test_each_half_is_the_others_instrument(rng):
    accounts = draw_accounts(5, 0.0, 0.0, rng)
    long = by_halves(accounts, ("specificity",), ("uncertainty",))
    assert long["account"].tolist() == [*range(5)] * 2
    assert np.array_equal(long["uncertainty_half"][:5], long["other_uncertainty"][5:])
    assert np.array_equal(long["specificity"][:5], long["specificity"][5:])


def test_shocks_last_by_their_persistence_and_tables_agree(rng):
    level = np.tile(np.linspace(0, 0.7, 8), (3000, 1))
    contacts = draw_contacts(level, 0.2, rng, customers=4, persistence=0.6, noise=0.1)
    assert contacts.shape == (3000, 8, 4)
    shocks = contacts.mean(-1) - level
    spread = np.sqrt(0.2**2 + 0.1**2 / 4)
    assert shocks.std(0) == pytest.approx([spread] * 8, rel=0.05)
    covariance = (shocks[:, 3] * shocks[:, 4]).mean()
    assert covariance == pytest.approx(0.6 * 0.2**2, rel=0.1)
    treated = np.arange(3000) % 2 * 1.0
    branches, customers = by_branch(contacts, treated, 4), by_customer(contacts, treated, 4)
    assert customers["change"].reshape(3000, 4).mean(1) == pytest.approx(branches["change"])
    assert branches["change"].mean() == pytest.approx(0.4, abs=0.02)
    assert branches["slope_before"].mean() == pytest.approx(0.4, abs=0.02)  # a tenth a quarter
    assert by_quarter(contacts, treated)["log_contacts"].reshape(3000, 8) == pytest.approx(contacts.mean(-1))


def test_orders_fall_with_minutes_and_written_time_holds_what_is_fixed(rng):
    p = {
        "n_customers": 50_000,
        "cost_to_orders": -0.8,
        "portal_to_minutes": -0.5,
        "need_to_minutes": 0.0,
        "fixed_minutes": 0.0,
    }
    orders = draw_orders(p, rng)
    portal = orders["portal"] > 0
    gaps = [
        orders[name][portal].mean() - orders[name][~portal].mean() for name in ("log_minutes", "log_orders")
    ]
    assert gaps == pytest.approx([-0.5, 0.4], abs=0.03)
    assert orders["log_orders"][~portal].mean() == pytest.approx(LOG_NEED, abs=0.02)
    error = orders["log_minutes"] - orders["log_minutes_per_order"]  # nothing is fixed: only the stamp errs
    assert error.std() == pytest.approx(0.3, abs=0.01)
    fixed = draw_orders(p | {"fixed_minutes": 1.0}, np.random.default_rng(11))
    same = draw_orders(p, np.random.default_rng(11))
    assert (fixed["log_minutes_per_order"] > same["log_minutes_per_order"]).all()
