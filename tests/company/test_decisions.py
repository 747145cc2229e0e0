"""What a firm decides does what it says; what it cannot decide is refused."""

import numpy as np
import pandas as pd
import pytest

from crmlab.company import Company, CompanyParameters, Decision, Run, preset
from crmlab.errors import InputError

MONTHS = 18


@pytest.fixture(scope="module")
def company():
    return Company("claim", customers=800, months=MONTHS, seed=2)


@pytest.fixture
def run(company):
    run = Run.start(company)
    run.play(until=6)
    return run


def last_month(run, decision):
    before = run.month
    summary = run.step(decision)
    orders = run.tables["orders"]
    return summary, orders[orders["month"] == before]


def test_a_rule_and_the_list_that_it_makes_are_the_same(company):
    rule, listed = Run.start(company), Run.start(company)
    for each in (rule, listed):
        each.play(until=6)
    books = rule.books()
    some = books.loc[(books["lottery"] < 0.5) & (books["orders"] > 0), "customer_id"]
    assert 20 < len(some) < 200
    first = rule.step(
        Decision(
            offers=lambda books: (books["lottery"] < 0.5) & (books["orders"] > 0) & (books["joined"] < 6)
        )
    )
    assert first == listed.step(Decision(offers=some))
    assert first.sent == len(some)
    pd.testing.assert_frame_equal(rule.tables["exposures"], listed.tables["exposures"])


def test_everybody_or_nobody(run):
    everybody, _ = last_month(run, Decision(offers=True, retention=True))
    nobody, _ = last_month(run, Decision(offers=False, retention=False))
    in_books = len(run.books())
    assert nobody.sent == nobody.retention_offers == 0
    assert everybody.sent == everybody.retention_offers <= in_books
    exposures = run.tables["exposures"]
    assert set(exposures.loc[exposures["month"] == 7, "sent"]) == {False}


def test_the_sums_of_a_month_are_those_of_its_tables(run):
    summary, orders = last_month(run, Decision(price=0.9, scheme=True, push=3.0))
    assert summary.orders == len(orders)
    assert summary.revenue == pytest.approx(orders["amount"].sum(), rel=1e-5)
    assert summary.revenue - summary.goods == pytest.approx(orders["margin"].sum(), rel=1e-4)
    members = run.tables["members"]["customer_id"]
    assert (
        summary.members
        == len(members) - run.truth.customers.set_index("customer_id").loc[members, "left"].lt(6).sum()
    )
    mine = orders[orders["customer_id"].isin(members)]
    assert summary.member_revenue == pytest.approx(mine["amount"].sum(), rel=1e-5)


def test_a_price_changes_amounts_and_only_adds_or_drops_orders(company):
    dear, cheap = Run.start(company), Run.start(company)
    for each in (dear, cheap):
        each.play(until=6)
    (_, more), (_, less) = last_month(cheap, Decision(price=0.8)), last_month(dear, Decision(price=1.25))
    more, less = more.set_index("order_id"), less.set_index("order_id")
    assert len(more) > len(less)
    assert less.index.isin(more.index).all()  # those who buy when it is dear buy when it is cheap
    both = more.loc[less.index, "amount"] / less["amount"]
    assert np.allclose(both, 0.8 / 1.25, rtol=1e-6)


def test_a_scheme_that_stops_has_no_effect_any_more(company):
    kept, stopped = Run.start(company), Run.start(company)
    for each in (kept, stopped):
        each.play(lambda books, month: Decision(scheme=True, push=4.0), until=8)
    assert kept.step(Decision(scheme=True)).members > 100
    summary = stopped.step(Decision(scheme=False))
    assert summary.members == 0
    assert summary.member_revenue == 0
    assert len(stopped.tables["members"]) <= len(kept.tables["members"])


def test_what_is_fixed_holds_whatever_a_firm_decides(company):
    fixed = Run.start(company.do(membership=1, campaign=0, recovery=1))
    fixed.play(lambda books, month: Decision(scheme=False, offers=True, recovery=0.0), until=6)
    summary = fixed.step(Decision(scheme=False, offers=True, recovery=0.0))
    assert summary.members == fixed.tables["members"]["customer_id"].nunique() - (
        fixed.truth.customers["left"].lt(6).sum()
    )
    assert summary.sent == 0
    assert summary.redressed == summary.complaints > 0
    everybody = Run.start(company.do(campaign=1, since=3))
    everybody.play(until=3)
    assert everybody.step(Decision(offers=[])).sent > 300


def test_offers_to_stay_keep_customers(company):
    left = []
    for offer in (True, False):
        run = Run.start(company.replace(parameters=preset("claim", retention_offer_to_staying=2.0)))
        run.play(lambda books, month, offer=offer: Decision(retention=offer))
        left.append(run.truth.customers["left"].lt(MONTHS).sum())
    assert left[0] < 0.8 * left[1]


def test_the_company_decides_as_its_calendar_has_it(company):
    """A run without decisions is the simulation."""
    run = Run.start(company)
    run.play()
    whole = company.simulate()
    for name, table in run.tables.items():
        pd.testing.assert_frame_equal(table, whole.tables[name], check_exact=True, obj=name)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"price": 0.0}, "price is 0.0"),
        ({"price": "cheap"}, "price is 'cheap'"),
        ({"price": True}, "price is True"),
        ({"price": float("nan")}, "price is nan"),
        ({"service": 9}, "service is 9"),
        ({"scheme": "yes"}, "scheme is 'yes'"),
        ({"push": float("inf")}, "push is inf"),
        ({"investment": -1}, "investment is -1"),
        ({"recovery": 1.5}, "recovery is 1.5"),
        ({"missing": "drop"}, "missing is 'drop'"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_decision_that_nobody_can_take_is_refused(given, said):
    with pytest.raises(InputError, match=said):
        Decision(**given)


@pytest.mark.parametrize(
    "offers, said",
    [
        ([10**6], "offers lists 1 customers who are not in the books .row 0: 1000000."),
        (["a"], "give a rule, a list"),
        ([[1]], "give a rule, a list"),
        (7.5, "give a rule, a list"),
        (lambda books: books["orders"], "returned int32"),
        (lambda books: [True], r"of shape \(1,\)"),
    ],
    ids=["unknown", "words", "nested", "number", "counts", "too short"],
)
def test_offers_that_cannot_be_sent_are_refused_and_the_month_is_not_lost(run, offers, said):
    before = run.truth.customers
    with pytest.raises(InputError, match=said):
        run.step(Decision(offers=offers))
    assert run.month == 6
    pd.testing.assert_frame_equal(run.truth.customers, before)
    assert run.step(Decision(offers=[])).sent == 0


def test_unknown_customers_can_be_ignored(run):
    known = int(run.books()["customer_id"].iloc[0])
    assert run.step(Decision(offers=[known, 10**6], missing="ignore")).sent == 1


def test_a_run_ends(company, run):
    run.play()
    with pytest.raises(InputError, match="all 18 months have passed"):
        run.step()
    with pytest.raises(InputError, match="until is 6"):
        run.play(until=6)


@pytest.mark.parametrize(
    "do, said",
    [
        ({"membership": 2}, "membership=2"),
        ({"crm": "yes"}, "crm='yes'"),
        ({"campaign": 0.5}, "campaign=0.5"),
        ({"service": "good"}, "service"),
        ({"price": 0}, "price"),
        ({"since": -1}, "since"),
        ({"wages": 1}, "unknown intervention 'wages'; known: membership"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_interventions_are_checked(company, do, said):
    with pytest.raises(InputError, match=said):
        company.do(**do)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"attitude_to_purchase": 2.0, "membership_to_purchase": 0.4}, "times as much as their base rate"),
        ({"mailing_to_purchase": 2.0, "membership_to_purchase": 1.5}, "times as much"),
        ({"r": 50.0, "alpha": 0.01}, "5000 times a month"),
        ({"r": "much"}, "r is 'much'"),
        ({"founding_share": 1.5}, "founding_share is 1.5"),
        ({"loss": float("nan")}, "loss is nan"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_explosive_truths_are_refused(given, said):
    with pytest.raises(InputError, match=said):
        CompanyParameters(**given)


def test_explosions_that_depend_on_the_company_are_refused():
    with pytest.raises(InputError, match=r"a customer would bring [\d.]+ others"):
        Company(preset("claim", attitude_to_referral=0.3), months=60)
    Company(preset("claim", attitude_to_referral=0.3), months=4)
    elastic = preset("null", price_elasticity=-5.0)
    with pytest.raises(InputError, match="at price 0.5 customers"):
        Company(elastic).do(price=0.5)
    with pytest.raises(InputError, match="at price 0.5 customers"):
        Run.start(Company(elastic, customers=5)).step(Decision(price=0.5))


@pytest.mark.parametrize(
    "given",
    [{"customers": 0}, {"customers": 2.5}, {"months": 0}, {"months": 241}, {"seed": -1}, {"luck_from": -2}],
    ids=str,
)
def test_a_companys_size_is_checked(given):
    with pytest.raises(InputError, match=next(iter(given))):
        Company("null", **given)


@pytest.mark.parametrize("parameters", ["truth", 5, None, {"r": 1}], ids=str)
def test_parameters_are_a_preset_or_a_truth(parameters):
    with pytest.raises(InputError, match="preset|parameters"):
        Company(parameters)


def test_tables_that_do_not_exist_cannot_be_kept(company):
    with pytest.raises(InputError, match="unknown table 'sales'; known: orders"):
        company.simulate(keep=["sales"])


@pytest.mark.parametrize("content", [b"", b"not a state", None], ids=["empty", "text", "cut short"])
def test_a_broken_state_is_refused(run, tmp_path, content):
    path = run.save(tmp_path / "state.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(InputError, match="give one that Run.save wrote"):
        Run.load(path)
    with pytest.raises(InputError, match="there is no file"):
        Run.load(tmp_path / "other.npz")


def test_the_state_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", header="[]", key=np.arange(3))
    with pytest.raises(InputError, match="holds no state of a company"):
        Run.load(tmp_path / "other.npz")
