"""Lesson 14's design: its estimands by brute force, its sums, and what fools the naive analyses."""

import numpy as np
import pytest

from crmlab.design import Tables
from crmlab.design.streams import Streams
from crmlab.mechanisms.openings import BEFORE, EARLY, HEAVY, LATE, MONTHS, WINDOW, branches_of, draw_panel
from crmlab.mechanisms.stamp_cards import STAMPS, WEEKS, draw_cards
from crmlab.theories.membership import GAP, OPENINGS, design, effect_of_joining, naive_gap

LARGE = 120_000
RANDOM = {
    "random 1": {
        "lift": -0.3,
        "heavy_gap": 0.5,
        "fade": -0.4,
        "rate_to_joining": 1.7,
        "rate_shape": 0.7,
        "surge": 1.1,
        "trend_gap": 0.03,
        "branch_shock": 0.3,
    },
    "random 2": {
        "lift": 0.7,
        "heavy_gap": -0.9,
        "fade": 0.2,
        "rate_to_joining": -0.5,
        "rate_shape": 4.0,
        "surge": 0.4,
        "surge_to_joining": -1.0,
        "trend_gap": -0.02,
    },
}
WORLDS = [*design.presets, *RANDOM]
every_world = pytest.mark.parametrize("world", WORLDS)


@pytest.fixture(scope="module")
def large():
    """Parameters of a world with many customers, and what they did."""
    made = {}

    def of(world):
        if world not in made:
            market = design.replace(**RANDOM[world]) if world in RANDOM else design.preset(world)
            p = market.replace(n_customers=LARGE, n_branches=300).parameters
            streams = Streams((3,))
            made[world] = p, draw_panel(p, streams["customers"], streams["months"])
        return made[world]

    return of


def window(p, values):
    """The months that count, of the customers of branches that opened: shape (months, customers)."""
    branch, opens = branches_of(p)
    own = opens[branch]
    return np.concatenate(
        [values[start - 1 : start - 1 + WINDOW, own == start] for start in (EARLY, LATE)], axis=-1
    )


def mean_and_error(values):
    return values.mean(), values.std() / np.sqrt(len(values))


# -- truth ------------------------------------------------------------------------------------------------


@every_world
def test_the_effect_is_what_members_buy_less_what_they_would_have_bought(large, world):
    """Potential outcomes: the same months of the same customers, with the membership's factor taken out."""
    p, panel = large(world)
    branch, opens = branches_of(p)
    since = np.arange(1, MONTHS + 1)[:, None] - opens[branch]
    grown = np.exp(p.trend_gap * np.where(opens[branch] > 0, since + 1, 0))
    age = np.cumsum(panel["joined"], 0) - 1
    lift = p.lift + p.heavy_gap * (panel["earlier"] >= HEAVY)
    factor = np.exp(lift + np.where(age <= 2, p.fade, -p.fade)) - 1
    member = window(p, panel["member"])
    gained = window(p, panel["member"] * panel["rate"] * grown * factor).sum(0)
    months = member.sum(0)
    value = gained.sum() / months.sum()
    error = (gained - value * months).std() * np.sqrt(len(months)) / months.sum()
    assert value == pytest.approx(effect_of_joining(p), abs=4 * error + 1e-12)


@every_world
def test_the_gap_is_that_between_members_months_and_others(large, world):
    p, panel = large(world)
    bought, member = window(p, panel["purchases"]), window(p, panel["member"])
    means, variance = [], 0.0
    for inside in (member, ~member):
        total, months = (bought * inside).sum(0), inside.sum(0)
        means.append(total.sum() / months.sum())
        variance += (((total - means[-1] * months) / months.sum()) ** 2).sum()
    shocks = p.branch_shock * means[0] / np.sqrt(200 * WINDOW)
    error = np.sqrt(variance + shocks**2)
    assert means[0] - means[1] == pytest.approx(naive_gap(p), abs=4 * error)


@every_world
def test_headlines_find_the_truth_in_a_large_chain(world):
    market = design.replace(**RANDOM[world]) if world in RANDOM else design.preset(world)
    if market.parameters.trend_gap:
        market = market.replace(trend_gap=0.0)
    market = market.replace(n_customers=60_000, n_branches=300)
    tests = market.with_estimators("openings", "frailty", "invited by lot").test(market.simulate(5))
    assert (abs(tests.estimate - tests.truth) < 4 * tests.standard_error).all(), tests


def test_under_the_trap_membership_does_exactly_nothing_on_average():
    p = design.preset("trap").parameters
    assert effect_of_joining(p) == pytest.approx(0, abs=1e-12) and abs(p.fade) > 0.3 and naive_gap(p) > 0.5


# -- tables -----------------------------------------------------------------------------------------------


def test_tables_tell_of_the_same_purchases_and_members():
    cohort = design.preset("trap").simulate(2)
    months, branches = cohort.months, cohort.branches
    size = months.groupby("branch").customer.nunique()
    total = branches.purchases * branches.branch.map(size)
    assert total.sum() == pytest.approx(months.purchases.sum())
    heavy, light = branches.heavy_purchases, branches.light_purchases
    assert np.allclose(heavy + light, branches.purchases)
    assert not months[(months.opens == 0) | (months.month < months.opens)].joined.any()
    joined = months.groupby("customer").joined
    assert (joined.diff().dropna() >= 0).all()
    member = joined.shift(1).fillna(0).groupby([months.branch, months.month]).mean()
    seen = branches.set_index(["branch", "month"]).members
    assert np.allclose(member.reindex(seen.index), seen)
    offered = cohort.offered
    assert len(offered) == (months.groupby("customer").opens.first() > 0).sum()
    inside = months[(months.opens > 0) & months.month.between(months.opens, months.opens + WINDOW - 1)]
    assert offered.purchases.sum() * WINDOW == pytest.approx(inside.purchases.sum())


def test_cards_are_stamped_once_a_purchase_and_within_forty_weeks():
    cards = draw_cards(5000, 0.6, 0.5, 1.5, 0.3, np.random.default_rng(1))
    times = np.stack([cards[f"week_{stage + 1}"] for stage in range(STAMPS)])
    reached = (times > 0).sum(0)
    full = cards["stamps"] == STAMPS
    assert (times.sum(0) <= WEEKS + 1e-9).all() and np.allclose(times.sum(0)[~full], WEEKS)
    assert (reached == np.minimum(cards["stamps"] + 1, STAMPS)).all()
    assert 0.25 < 1 - cards["by_lot"].mean() < 0.35
    lot = cards["by_lot"] == 1
    assert abs(cards["given"][lot].mean() - 0.5) < 0.04
    given = cards["given"] == 1
    chose = cards["earlier_orders"][~lot & given].mean(), cards["earlier_orders"][~lot & ~given].mean()
    assert chose[0] > 1.5 * chose[1]


# -- estimators -------------------------------------------------------------------------------------------


def test_the_openings_estimate_is_a_ratio_of_changes():
    """By hand, from a table of means."""
    tables = design.simulate(4).tables
    means = tables.branches.groupby(["opens", "month"])[["purchases", "members"]].mean()
    change = {"purchases": 0.0, "members": 0.0}
    for name in change:
        for start in (EARLY, LATE):
            for month in range(start, start + WINDOW):
                gains = {
                    group: means.loc[(group, month), name]
                    - means.loc[[(group, each) for each in range(start - BEFORE, start)], name].mean()
                    for group in (start, 0)
                }
                change[name] += gains[start] - gains[0]
    assert OPENINGS(tables).value == pytest.approx(change["purchases"] / change["members"])


def test_the_gap_is_the_one_a_clerk_would_compute():
    cohort = design.simulate(4)
    months = cohort.months.sort_values(["customer", "month"])
    months["member"] = months.groupby("customer").joined.shift(1).fillna(0)
    inside = months[(months.opens > 0) & months.month.between(months.opens, months.opens + WINDOW - 1)]
    found = inside.groupby("member").purchases.mean()
    assert GAP(cohort.tables).value == pytest.approx(found[1] - found[0])


class Lognormal:
    """A generator whose gamma draws are lognormal ones of the same mean and nearly the same spread."""

    def __init__(self, seed):
        self._rng = np.random.default_rng(seed)

    def standard_gamma(self, shape, size):
        return shape * np.exp(0.75 * self._rng.standard_normal(size) - 0.75**2 / 2)

    def __getattr__(self, name):
        return getattr(self._rng, name)


def test_where_paces_are_lognormal_the_goal_gradient_is_a_little_low():
    made = [draw_cards(3000, 0.0, 0.0, 1.5, 0.0, Lognormal(seed)) for seed in range(60)]
    stacked = Tables({"cards": {name: np.stack([each[name] for each in made]) for name in made[0]}})
    found = design.hypothesis("H3").estimators["frailty"].batch(stacked)
    low, high = found.bounds()
    assert -0.024 < found.value.mean() < -0.008
    assert 0.65 < ((low < 0) & (high > 0)).mean() < 0.95


def test_a_trend_of_the_branches_that_open_is_seen_before_they_open():
    """Openings that follow growth: the leads of the event study are not zero, and the estimate errs."""
    market = design.preset("null").replace(trend_gap=0.03).only("H1").with_estimators("openings")
    found = market.diagnose(sims=100, seed=1).row("H1")
    assert found.rejection_rate > 0.5
