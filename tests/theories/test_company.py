"""Lesson 19's company: what its estimands are, and that forbidding what has no effect changes nothing."""

import numpy as np
import pytest

from crmlab.company import Decision, Run, frames
from crmlab.company.effects import (
    EFFECTS,
    FAIR,
    MANY,
    MONTHS,
    WORLDS,
    gained,
    replayed,
    stored_effects,
)
from crmlab.company.histories import Histories
from crmlab.theories.company import company, design, gains_of_the_counted

FORBIDDEN = ["membership", "crm", "campaign", "second_channel", "recovery"]


def small(preset, **changes):
    return design.preset(preset).replace(n_customers=800, **changes).parameters


@pytest.mark.parametrize("preset", ["null", "trap"])
@pytest.mark.parametrize("forbidden", FORBIDDEN)
def test_without_effects_forbidding_changes_no_order(preset, forbidden):
    """So an estimand of 0 is no shortcut: the same customers buy the same, to the last bit."""
    usual = company(small(preset), seed=3)
    one, other = (
        each.simulate(keep=["orders"]).tables["orders"] for each in (usual, usual.do(**{forbidden: 0}))
    )
    columns = ["customer_id", "month", "time", "amount"]
    assert one[columns].equals(other[columns])


def test_the_mailings_estimand_is_the_difference_of_two_worlds_that_part_in_that_month(tmp_path):
    """From one saved state everybody is sent the first mailing, or nobody is."""
    p = design.preset("claim").replace(n_customers=20_000).parameters
    run = Run.start(company(p, seed=5), keep=["orders"])
    run.play(until=4)
    run.save(tmp_path / "state.npz")
    bought = []
    for offers in (True, False):
        again = Run.load(tmp_path / "state.npz")
        again.step(Decision(offers=offers))
        bought.append(len(again.tables["orders"].query("month == 4")) / len(run.books()))
    brute = bought[0] - bought[1]
    rows = gained(company(p, 5), "campaign", Histories.mailings)
    rows = rows[(rows.month == 4) & (rows.propensity == FAIR)]
    sent = rows[rows.sent > 0].orders
    assert rows[rows.sent == 0].orders.abs().max() == 0
    assert abs(sent.mean() - brute) < 4 * sent.std() / np.sqrt(len(sent))


def test_a_mailing_that_does_nothing_on_average_does_something_to_purchases():
    """Who buys much gains less by it: a mean of 0 over customers is one below 0 over purchases."""
    p = small("literature", mailing_to_purchase=0.0)
    assert EFFECTS["mailing"](p) < 0
    nothing = small("literature", mailing_to_purchase=0.0, spread_of_mailing=0.0, habit_to_mailing=0.0)
    assert EFFECTS["mailing"](nothing) == 0


def test_what_was_stored_of_the_presets_is_what_a_replay_gives():
    table = stored_effects().set_index(["preset", "effect"])
    assert set(table.index) == {(name, effect) for name in ("literature", "claim") for effect in EFFECTS}
    for (name, effect), row in table.loc[["literature"]].iterrows():
        p = design.preset(name).parameters
        assert EFFECTS[effect](p) == row["value"]
        first, error = replayed(EFFECTS[effect], p, range(WORLDS))
        assert np.isclose(first, row["first"], rtol=1e-9)
        assert row["companies"] == MANY and abs(first - row["value"]) < 6 * error  # of four companies
        assert row["error"] < 0.15 * row["value"]


def test_what_is_gained_by_those_whom_a_report_counts():
    """Nothing under null; in the claim, what the scheme does to members' rates. Members differ by more."""
    assert set(gains_of_the_counted(company(small("null"), 3)).values()) == {0.0}
    p = small("claim").replace(n_customers=8000)
    firm = company(p, 3)
    found = gains_of_the_counted(firm)
    assert list(found) == [each.name for each in design.hypotheses] and min(found.values()) > 0
    people = frames.members_and_others(firm.simulate().tables, MONTHS)
    bought = people.orders[people.member == 1].mean()
    assert abs(found["H1"] / bought - (1 - np.exp(-p.membership_to_purchase))) < 0.03
    assert found["H1"] < people.groupby("member").orders.mean().diff()[1.0]


def test_the_scheme_does_nothing_at_branches_before_it_opens():
    p = small("claim")
    rows = gained(company(p, 2), "membership", Histories.branch_months)
    closed = rows[(rows.start == 0) | (rows.period < rows.start)]
    assert np.allclose(
        closed.orders, 0, atol=0.02
    )  # a friend of a member's may come to another branch's books
    assert EFFECTS["scheme"].measure(rows)[0] > 0


def test_what_the_firm_holds_of_customers_and_branches_is_not_the_truth():
    found = company(small("literature"), seed=1).simulate()
    for table, truth in (("customers", found.truth.customers), ("branches", found.truth.branches)):
        assert len(set(found.tables[table]) & set(truth)) == 1, table  # the number


def test_with_nothing_but_chance_members_seem_to_buy_more_and_branches_do_not():
    """Joining proves that a customer is there; among those who have not left the gap is gone."""
    found = company(design.preset("null").replace(n_customers=20_000).parameters, seed=8).simulate()
    people = frames.members_and_others(found.tables, MONTHS).merge(
        found.truth.customers[["customer_id", "left"]]
    )
    gap = people.groupby("member").orders.mean().diff()[1.0]
    there = people[~(people.left < MONTHS - 12)]
    among = there.groupby("member").orders
    error = np.hypot(*among.sem())
    assert gap > 0.02 and abs(among.mean().diff()[1.0]) < 4 * error


def test_membership_multiplies_a_members_purchases_and_nobody_elses():
    """So in `literature` they rise by exp(0.08) - 1, the 8% of the lesson."""
    assert round(100 * np.expm1(design.preset("literature").parameters.membership_to_purchase)) == 8
    p = design.preset("null").replace(n_customers=8000, membership_to_purchase=0.4).parameters
    usual = company(p, seed=4)
    one, other = (each.simulate(keep=["orders"]).tables for each in (usual, usual.do(membership=0)))
    joined = one["members"].set_index("customer_id").joined

    def late(tables):
        orders = tables["orders"].query("month >= 24")
        since = orders.customer_id.map(joined)
        return (since < 24).sum(), since.isna().sum()

    (of_members, of_others), (without, as_before) = late(one), late(other)
    assert of_others == as_before
    assert abs(of_members - np.exp(0.4) * without) < 4 * np.sqrt(of_members + without)
