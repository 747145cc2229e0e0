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
    sums = [each.truth.months for each in (whole, blocked)]
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


def touched(tables, cause):
    """Customers whom a cause reaches."""
    if cause == "campaign":
        return tables["exposures"].query("read")["customer_id"].unique()
    return tables[{"membership": "members", "second_channel": "channel_choices"}[cause]]["customer_id"]


@pytest.mark.parametrize("cause", ["campaign", "membership", "second_channel"])
def test_whoever_is_not_touched_is_the_same_without_the_cause(company, base, cause):
    without = company.do(**{cause: 0}).simulate()
    reached = touched(base.tables, cause)
    others = base.truth.customers[lambda t: ~t["customer_id"].isin(reached)]
    brought = base.tables["customers"].query("referrer_id.notna()")["customer_id"]
    others = others[~others["customer_id"].isin(brought)]  # whom a customer who is touched may bring or not
    assert len(others) > 200
    again = without.truth.customers.set_index("customer_id").loc[others["customer_id"]].reset_index()
    pd.testing.assert_frame_equal(others.reset_index(drop=True), again, check_exact=True)
    orders, less = (each.tables["orders"].set_index("order_id") for each in (base, without))
    gained = orders.index.difference(less.index)
    assert set(orders.loc[gained, "customer_id"]) <= {*reached, *brought}
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


@pytest.mark.parametrize(
    "on, off",
    [({"membership": 1}, {"membership": 0}), ({"campaign": 1}, {"campaign": 0}), ({"service": 0.3}, {})],
)
def test_effects_between_the_same_customers_are_little_noise(on, off):
    """Against other customers in the other world, the variance of an effect falls by more than ten times."""

    def spend(seed, do):
        made = Company("claim", customers=500, seed=seed).do(**do).simulate(keep=["orders"])
        orders = made.tables["orders"]
        return orders.loc[orders["customer_id"] < 500, "amount"].sum() / 500

    with_it, without = (np.array([spend(seed, do) for seed in range(10)]) for do in (on, off))
    assert (with_it - without).mean() > 0
    assert (with_it - without).var() < 0.1 * (with_it.var() + without.var())


def test_interventions_begin_when_they_are_said_to(company, base):
    later = company.do(membership=1, campaign=1, price=0.9, service=0.5, since=15).simulate()
    orders, changed = base.tables["orders"], later.tables["orders"]
    before = [each[each["month"] < 15].reset_index(drop=True) for each in (orders, changed)]
    pd.testing.assert_frame_equal(*before, check_exact=True)
    assert (
        changed.loc[changed["month"] == 15, "amount"].sum()
        != orders.loc[orders["month"] == 15, "amount"].sum()
    )
    members = later.tables["members"]
    assert (members.loc[members["joined"] >= 15, "joined"] == 15).mean() > 0.5


@pytest.mark.parametrize("preset", ["null", "literature", "claim", "trap"])
def test_what_a_firm_sees_fits_together(preset):
    made = Company(preset, customers=700, months=20, seed=3).simulate()
    tables, truth = made.tables, made.truth
    known = set(tables["customers"]["customer_id"])
    for name, table in tables.items():
        if "customer_id" in table:
            assert set(table["customer_id"]) <= known, name
        if "branch_id" in table:
            assert table["branch_id"].isin(tables["branches"]["branch_id"]).all(), name
    assert set(tables["complaints"]["employee_id"]) <= set(tables["employees"]["employee_id"])
    orders = tables["orders"].merge(tables["customers"][["customer_id", "joined"]], on="customer_id")
    assert (orders["time"] >= orders["joined"]).all()
    assert (
        orders.groupby("customer_id")["time"].min() == tables["customers"].set_index("customer_id")["joined"]
    ).all()
    left = orders["customer_id"].map(truth.customers.set_index("customer_id")["left"])
    assert (orders["time"] <= left).all()
    assert orders["order_id"].is_unique
    assert (orders["amount"] > 0).all()
    assert truth.months["orders"].sum() == len(orders)
    referrers = tables["customers"]["referrer_id"].dropna()
    assert set(referrers) <= known
    assert (len(referrers) > 0) is (preset in ("literature", "claim"))
    gone = truth.customers.loc[~truth.customers["alive"], "customer_id"]
    assert tables["surveys"]["customer_id"].isin(gone).any()  # silence, not death, is what a firm sees
