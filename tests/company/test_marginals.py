"""Lessons whose market is a marginal of the company: their estimators find what a replay of it gives.

A replay goes on from the same month with the same luck, with a mood of everybody or the pull of rivals moved
(`Run.copy`, `Decision`). What lesson 08 measures by scales and lesson 07 by ratings is known here without
error. The table of all lessons is in `crmlab.company`.
"""

import numpy as np
import pandas as pd
import pytest

from crmlab.company import Company, Decision, Run, preset
from crmlab.company.frames import only
from crmlab.estimators import LeastSquares, Within

MOVED = 0.5  # units by which replays are moved up, and down
ALIKE = {"r": 50.0, "alpha": 60.0, "a": 40.0, "b": 160.0, "segment_to_rate": 0.0}
MOVING = ("commitment", "satisfaction")
ALL_THERE = {"founding_share": 1.0, "attitude_to_referral": 0.0}


def z(estimate, truth):
    return (estimate.value - truth) / estimate.standard_error


def states(run):
    """The truth about each customer, by number."""
    return run.truth.customers.set_index("customer_id")


def stepped(run, decision=None, **moved):
    """The same company a month later, with moods moved before it."""
    other = run.copy(**moved)
    other.step(decision)
    return other


# Lesson 07, H1, and lesson 08, H2, H3, H4b: what a month does to moods and referrals ----------------------


@pytest.fixture(scope="module")
def tenth_month():
    run = Run.start(Company("claim", customers=20_000, months=12, seed=41), keep=["experiences"])
    run.play(until=9)
    return run


def both_ways(run, mood):
    return (stepped(run, **{mood: sign * MOVED}) for sign in (1, -1))


def test_of_customers_who_got_the_same_who_is_used_to_more_is_less_satisfied(tenth_month):
    lived = stepped(tenth_month).truth.experiences.query("month == 9").set_index("customer_id")
    rows = pd.DataFrame({"rating": lived.satisfaction, "level": lived.expectation})
    rows["outcome"] = lived.expectation + lived.surprise
    up, down = (
        states(each).satisfaction.reindex(rows.index) for each in both_ways(tenth_month, "expectation")
    )
    replay = (up - down).mean() / (2 * MOVED)
    assert replay < -0.2
    assert abs(z(LeastSquares("rating ~ outcome + level", "level")(only(rows)), replay)) < 4


@pytest.fixture(scope="module")
def year_later(tenth_month):
    """Rows of lesson 08's panel: moods before the month and after it."""
    before, after = states(tenth_month), states(stepped(tenth_month))
    there = before.index[before.alive]
    moods = ["trust", "commitment", "satisfaction"]
    later = after.loc[there, moods].add_prefix("later_")
    branch = tenth_month.tables["customers"].set_index("customer_id").loc[there, "branch_id"].astype(float)
    return pd.concat([before.loc[there, moods], later, branch], axis=1)


def per_unit(run, cause, effect, rows):
    """What a unit more of a mood after the month adds to another, as the replays have it."""
    up, down = (states(each).loc[rows.index] for each in both_ways(run, cause))
    return (up[effect] - down[effect]).mean() / (up[cause] - down[cause]).mean()


@pytest.mark.parametrize(
    "formula, cause, effect",
    [
        ("later_commitment ~ later_trust + later_satisfaction + commitment", "trust", "commitment"),
        ("later_trust ~ later_satisfaction + trust", "satisfaction", "trust"),
    ],
    ids=["trust commits", "satisfaction builds trust"],
)
def test_paths_between_moods_are_those_of_the_replay(tenth_month, year_later, formula, cause, effect):
    """Within branches: their care builds trust, too."""
    replay = per_unit(tenth_month, cause, effect, year_later)
    found = Within(formula, f"later_{cause}", unit="branch_id")(only(year_later))
    assert replay > 0.05
    assert abs(z(found, replay)) < 4
    assert z(found, 0) > 4


def referred(run, since):
    """Who was referred after those `since`, by who brought them."""
    brought = run.copy()
    brought.step()  # they join in the month after
    customers = brought.tables["customers"]
    return customers.loc[~customers.customer_id.isin(since), "referrer_id"].value_counts()


def test_committed_customers_recommend(tenth_month, year_later):
    known = stepped(tenth_month).tables["customers"].customer_id  # who were referred before the month
    counts = [
        referred(each, known).reindex(year_later.index, fill_value=0).astype(float)
        for each in (stepped(tenth_month), *both_ways(tenth_month, "commitment"))
    ]
    replay = (counts[1] - counts[2]).mean() / (2 * MOVED)
    rows = year_later.assign(referrals=counts[0])
    rule = LeastSquares("referrals ~ commitment + satisfaction", "commitment", covariance="HC1")
    assert replay > 0.002
    assert abs(z(rule(only(rows)), replay)) < 4


# Lessons 06, H4, 07, H1a, 08, H4a, and 09, H2: who stays --------------------------------------------------


def panel(**changes):
    """A row a customer and month: who stays, and what replays of that month make of it."""
    company = Company(preset("claim", **ALL_THERE, **changes), customers=15_000, months=30, seed=43)
    run, rows = Run.start(company, keep=[]), []
    run.play(until=6)
    pull = run.truth.paths.set_index(["month", "branch_id"]).rivals
    branch = run.tables["customers"].branch_id.to_numpy()
    for month in range(6, 24):
        before = states(run)
        moved = {
            **{mood: [stepped(run, **{mood: sign * MOVED}) for sign in (1, -1)] for mood in MOVING},
            "rivals": [stepped(run, Decision(rival_pull=sign * MOVED)) for sign in (1, -1)],
        }
        run.step()
        stayed = {name: states(one).alive * 1.0 - states(other).alive for name, (one, other) in moved.items()}
        there = before.alive.to_numpy()
        of_month = before[["commitment", "satisfaction", "switching_cost"]].assign(
            prone=before.rate * before.dropout,
            stayed=states(run).alive * 1.0,
            alternative=pull.loc[month].to_numpy()[branch],
            month=float(month),
            customer_id=before.index,
            **{f"by_{name}": more / (2 * MOVED) for name, more in stayed.items()},
        )
        rows.append(of_month[there])
    return pd.concat(rows, ignore_index=True)


KEPT_BY = "stayed ~ satisfaction + commitment + switching_cost"
RULES = {
    "commitment": LeastSquares(KEPT_BY, "commitment", cluster="customer_id"),
    "satisfaction": LeastSquares(KEPT_BY, "satisfaction", cluster="customer_id"),
    "rivals": Within("stayed ~ alternative + satisfaction", "alternative", unit="month"),
}


@pytest.fixture(scope="module")
def alike():
    return panel(**ALIKE)


@pytest.mark.parametrize("name", RULES)
def test_where_customers_are_alike_who_stays_is_what_the_replay_says(alike, name):
    replay = alike[f"by_{name}"].mean()
    found = RULES[name](only(alike))
    assert abs(replay) > 0.01
    assert abs(z(found, replay)) < 4
    assert abs(z(found, 0)) > 4


def test_switching_costs_hold_the_dissatisfied_rather_as_in_the_replay(alike):
    """By how much less satisfaction keeps those whom leaving costs an sd more."""
    replay = np.polyfit(alike.switching_cost, alike.by_satisfaction, 1)[0]
    rule = LeastSquares(
        f"{KEPT_BY} + satisfaction:switching_cost", "satisfaction:switching_cost", cluster="customer_id"
    )
    assert replay < -0.01
    assert abs(z(rule(only(alike)), replay)) < 4
    assert z(rule(only(alike)), 0) < -4


def test_where_they_are_not_those_who_are_left_are_no_fair_sample():
    """Of those who are prone to leave, the committed are left: commitment seems to do less than it does."""
    rows = panel()
    found = RULES["commitment"](only(rows))
    assert z(found, rows.by_commitment.mean()) < -4
    assert np.corrcoef(rows.commitment, rows.prone)[0, 1] > 0.01
