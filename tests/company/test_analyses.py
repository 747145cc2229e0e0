"""The lessons' estimators find the truth in the joint market, and naive ones are fooled where they should be.

The bars are in standard errors: the headline of a false claim stays within 4, the naive analysis of the trap
errs by more. `tests/benchmarks/bench_company.py --analyses` gives sizes, powers and their Monte-Carlo errors.
"""

import numpy as np
import pandas as pd
import pytest

from crmlab.company import Company, preset
from crmlab.company.analyses import ANALYSES
from crmlab.company.frames import (
    letters,
    mailings,
    members_and_others,
    only,
    posted_less_all,
    repeat_orders,
    staff_and_satisfaction,
)
from crmlab.errors import InputError
from crmlab.estimators import LeastSquares, Within

MONTHS = 36
NAIVE = {  # z that the naive analysis of the trap exceeds
    "members − others": 10,
    "members − others, adjusted": 10,
    "rebuying on rating": 3,
    "two channels − one": 10,
    "redressed − not": 6,
    "mailed − not": 10,
}


def z(estimate, truth=0.0):
    return (estimate.value - truth) / estimate.standard_error


def analysed(tables, name):
    return ANALYSES[name](tables, MONTHS)


@pytest.fixture(scope="module")
def worlds():
    """A company in each of two worlds in which no claim is true."""
    return {name: Company(name, customers=15_000, seed=21).simulate() for name in ("null", "trap")}


@pytest.mark.parametrize("name", [name for name, each in ANALYSES.items() if not each.naive])
@pytest.mark.parametrize("world", ["null", "trap"])
def test_a_sound_analysis_sees_nothing_where_there_is_nothing(worlds, world, name):
    assert abs(z(analysed(worlds[world].tables, name))) < 4


@pytest.mark.parametrize("name", [name for name, each in ANALYSES.items() if each.naive])
def test_the_naive_analysis_is_fooled_by_the_trap(worlds, name):
    assert z(analysed(worlds["trap"].tables, name)) > NAIVE[name]


def test_under_null_members_buy_more_as_joining_proves_that_they_are_there(worlds):
    """What no adjustment for past purchases mends: among those who have not left the gap is gone."""
    tables, truth = worlds["null"].tables, worlds["null"].truth.customers
    assert z(analysed(tables, "members − others")) > 3
    assert z(analysed(tables, "members − others, adjusted")) > 3
    there = truth.loc[truth["left"] > MONTHS - 12, "customer_id"]
    frame, rule = members_and_others(tables, MONTHS), ANALYSES["members − others"].estimator
    assert abs(z(rule(only(frame[frame["customer_id"].isin(there)])))) < 4


def test_who_posts_is_not_who_buys(worlds):
    """Posted stars less those that all buyers would give: none under null, a third of one in the trap."""
    gaps = {}
    for name, world in worlds.items():
        gaps[name] = posted_less_all(world)
    assert abs(gaps["null"][0]) < 4 * gaps["null"][1]
    assert abs(gaps["trap"][0] - 0.34) < 0.08


@pytest.fixture(scope="module")
def claimed():
    """The world in which the claims are true, as it is and as it would have been without each cause."""
    company = Company("claim", customers=15_000, seed=33)
    kept = ["orders", "exposures"]
    without = {name: company.do(**{name: 0}) for name in ("membership", "campaign", "second_channel")}
    others = {name: world.simulate(keep=["orders"]).tables for name, world in without.items()}
    return company.simulate(keep=kept).tables, others


def gained(claimed, cause):
    """Orders that each customer of both worlds makes more, by month."""
    base, others = claimed
    ids = base["customers"]["customer_id"]
    less = pd.DataFrame(repeat_orders(others[cause], MONTHS), index=others[cause]["customers"]["customer_id"])
    return repeat_orders(base, MONTHS) - less.reindex(ids, fill_value=0.0).to_numpy()


def test_staggered_starts_find_what_the_scheme_does(claimed):
    base, others = claimed
    openings = ANALYSES["staggered openings"]
    frame, without = (openings.frame(tables, MONTHS) for tables in (base, others["membership"]))
    estimator = openings.estimator
    truth = estimator.batch(only(frame.assign(orders=frame["orders"] - without["orders"])).stacked()).value[0]
    assert truth > 0.005
    assert abs(z(estimator(only(frame)), truth)) < 4
    assert z(analysed(base, "members − others"), truth) > 6


def test_the_mailing_by_lot_finds_what_mailings_do(claimed):
    base, _ = claimed
    frame, more = mailings(base, MONTHS, "by lot"), gained(claimed, "campaign")
    row = base["customers"]["customer_id"].searchsorted(frame["customer_id"])
    estimator = ANALYSES["mailing by lot"].estimator
    truth = estimator(only(frame.assign(orders=more[row, frame["month"]]))).value
    assert truth > 0.02
    assert abs(z(estimator(only(frame)), truth)) < 4
    assert z(estimator(only(frame))) > 4
    assert z(analysed(base, "mailed − not"), truth) > 6


def test_letters_by_lot_find_what_the_channel_does_to_those_whom_they_move(claimed):
    base, _ = claimed
    frame, more = letters(base, MONTHS), gained(claimed, "second_channel")
    estimator = ANALYSES["letters by lot"].estimator
    row = base["customers"]["customer_id"].searchsorted(frame["customer_id"])
    truth = estimator(only(frame.assign(orders=more[row, -12:].mean(1)))).value
    assert 0 < truth < 0.2
    assert abs(z(estimator(only(frame)), truth)) < 4
    assert z(analysed(base, "two channels − one"), truth) > 4


def test_satisfaction_follows_expectation_and_surprise_and_expectation_adapts(worlds):
    """Lesson 04's slopes, and that half of a surprise, .30 as here, makes up the next expectation."""
    lived = worlds["null"].truth.experiences
    frame = lived.assign(gain=lived["surprise"].clip(lower=0), loss=-lived["surprise"].clip(upper=0))
    p = preset("null")
    for term, value in (
        ("expectation", p.expectation_to_satisfaction),
        ("gain", p.gain),
        ("loss", -p.loss),
    ):
        rule = LeastSquares("satisfaction ~ expectation + gain + loss", term, cluster="customer_id")
        assert abs(z(rule(only(frame)), value)) < 4, term
    moved = lived.groupby("customer_id")["expectation"].shift(-1) - lived["expectation"]
    known = moved.notna()
    assert np.allclose(moved[known], p.adaptation * lived["surprise"][known], atol=1e-5)


def test_a_branchs_quality_passes_for_its_staff():
    """Good branches have contented staff and contented customers, though neither moves the other (16)."""
    idle = preset("null", staff_to_experience=0.0)
    tables = Company(idle, customers=15_000, seed=2).simulate(keep=["surveys"]).tables
    frame = staff_and_satisfaction(tables)
    naive = LeastSquares("satisfaction ~ job", "job", covariance="HC1")(only(frame))
    clustered = LeastSquares("satisfaction ~ job", "job", cluster="branch_id")(only(frame))
    assert clustered.standard_error > 1.3 * naive.standard_error
    assert z(clustered) > 4
    means = frame.groupby(["branch_id", "month"], as_index=False)[["satisfaction", "job"]].mean()
    assert abs(z(Within("satisfaction ~ job + month", "job", unit="branch_id")(only(means)))) < 4


def test_rows_of_unknown_customers_are_refused(worlds):
    tables = dict(worlds["null"].tables)
    tables["customers"] = tables["customers"].iloc[:-3]
    gone = worlds["null"].tables["customers"]["customer_id"].iloc[-3:]
    orders = tables["orders"]["customer_id"].isin(gone).sum()
    with pytest.raises(
        InputError, match=f"{orders} rows are of customers who are not in the table customers"
    ):
        repeat_orders(tables, MONTHS)
