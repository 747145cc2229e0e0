"""What holds for the joint market as a whole: worlds that share their luck, blocks, months, states."""

import numpy as np
import pandas as pd
import pytest

from crmlab.company import Company, Decision, Run


@pytest.fixture(scope="module")
def company():
    return Company("literature", customers=1500, months=30, seed=5)


@pytest.fixture(scope="module")
def base(company):
    return company.simulate()


def same(tables, others):
    assert tables.keys() == others.keys()
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, others[name], check_exact=True, obj=name)


@pytest.mark.parametrize("size", [400, 1], ids=["400", "7 of 1"])
def test_blocks_of_any_size_give_the_same_rows(size):
    company = Company("claim", customers=900 if size > 1 else 7, months=24, seed=9)
    whole, blocked = company.simulate(), company.simulate(block=size)
    same(whole.tables, blocked.tables)
    sums = [each.truth.tables.pop("months") for each in (whole, blocked)]
    truths = [
        {name: t for name, t in each.truth.tables.items() if name != "months"} for each in (whole, blocked)
    ]
    same(*truths)
    pd.testing.assert_frame_equal(*sums, rtol=1e-9)  # sums, which are rounded in another order


def test_a_longer_run_does_not_change_the_past(company, base):
    longer = company.replace(months=40).simulate().tables
    for name in ("orders", "exposures", "surveys", "complaints", "reviews", "campaigns"):
        past = longer[name][longer[name]["month"] < 30].reset_index(drop=True)
        pd.testing.assert_frame_equal(past, base.tables[name], check_exact=True, obj=name)


def test_whoever_is_never_exposed_is_the_same_without_the_campaign(company, base):
    without = company.do(campaign=0).simulate()
    reached = base.tables["exposures"].query("read")["customer_id"].unique()
    others = base.truth.customers[lambda t: ~t["customer_id"].isin(reached)]
    assert len(others) > 300
    again = without.truth.customers.set_index("customer_id").loc[others["customer_id"]].reset_index()
    pd.testing.assert_frame_equal(others.reset_index(drop=True), again, check_exact=True)
    orders, less = (each.tables["orders"].set_index("order_id") for each in (base, without))
    gained = orders.index.difference(less.index)
    assert set(orders.loc[gained, "customer_id"]) <= set(reached) | set(
        base.tables["customers"].query("referrer_id.notna()")["customer_id"]
    )
    assert len(orders.index.intersection(less.index)) > 0.95 * len(orders)


def test_a_run_that_is_saved_goes_on_as_if_it_had_not_been(company, tmp_path):
    decide = {
        True: Decision(price=0.95, offers=lambda books: books["recent"] > 1, scheme=True),
        False: Decision(service=0.3, retention=[4, 5]),
    }
    uninterrupted = Run.start(company)
    uninterrupted.play(lambda books, month: decide[month % 2 == 0])
    first = Run.start(company)
    first.play(lambda books, month: decide[month % 2 == 0], until=17)
    second = Run.load(first.save(tmp_path / "state.npz"))
    assert second.month == 17
    second.play(lambda books, month: decide[month % 2 == 0])
    same(_kept(uninterrupted), _kept(second))


def _kept(run):
    """What does not grow by the month."""
    truth = run.truth.tables
    return {name: truth[name] for name in ("customers", "branches", "paths")} | {
        "members": run.tables["members"]
    }


def test_other_luck_leaves_the_history(company, base):
    lucky = company.replace(luck=77, luck_from=12).simulate().tables["orders"]
    orders = base.tables["orders"]
    before, after = orders["month"] < 12, orders["month"] >= 12
    pd.testing.assert_frame_equal(
        orders[before].reset_index(drop=True), lucky[lucky["month"] < 12].reset_index(drop=True)
    )
    assert not np.isin(orders.loc[after, "order_id"], lucky["order_id"]).any()
