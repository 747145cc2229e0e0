"""Lesson 16's design: its estimands by brute force, what noise in means does, and what few branches do."""

from dataclasses import replace

import numpy as np
import pytest

from crmlab.design.streams import Streams
from crmlab.errors import InputError
from crmlab.estimators import Within
from crmlab.theories import service_profit_chain as theory
from crmlab.theories.service_profit_chain import A_BRANCH, STAFF, YEARS, design

LARGE = 4_000  # branches
RANDOM = {
    "random 1": {
        "quality_to_staff": 0.7,
        "staff_to_customers": -0.2,
        "colleague_to_customers": 0.5,
        "location": 0.8,
        "location_to_quality": -0.4,
        "good_years": 0.4,
        "mood": 0.1,
        "customers_to_profit": 0.3,
        "staff_to_customer_retention": 0.4,
        "customer_to_staff_retention": -0.3,
    },
    "random 2": {
        "quality_to_staff": 0.15,
        "staff_to_customers": 0.9,
        "colleague_to_customers": -0.1,
        "location": 0.1,
        "location_to_quality": 0.9,
        "good_years": 0.0,
        "mood": 0.8,
        "customers_to_profit": -0.1,
        "staff_to_customer_retention": 0.05,
        "customer_to_staff_retention": 0.35,
        "location_to_retention": 0.1,
    },
}
WORLDS = [*design.presets, *RANDOM]
every_world = pytest.mark.parametrize("world", WORLDS)


@pytest.fixture(scope="module")
def large():
    """A large cohort of a world, and its parameters."""
    made = {}

    def of(world):
        if world not in made:
            market = design.replace(**RANDOM[world]) if world in RANDOM else design.preset(world)
            market = market.replace(n_customers=LARGE * A_BRANCH)
            made[world] = market.simulate(7), market.parameters
        return made[world]

    return of


def truth(name, parameters):
    return design.hypothesis(name).estimand(parameters)


def slopes(outcome, *predictors):
    """Least squares slopes and their errors."""
    matrix = np.column_stack([np.ones(len(outcome)), *predictors])
    found, *_ = np.linalg.lstsq(matrix, np.asarray(outcome), rcond=None)
    rest = np.asarray(outcome) - matrix @ found
    bread = np.linalg.inv(matrix.T @ matrix)
    error = np.sqrt(np.diag(bread @ ((matrix * (rest**2)[:, None]).T @ matrix) @ bread))
    return found[1:], error[1:]


def known(cohort):
    """Location of each branch's year, and dummies of the years: what no analyst has."""
    place = np.repeat(cohort.truth["location"], YEARS)
    return place, *(cohort.branches.year.to_numpy() == each for each in range(2, YEARS + 1))


# -- truth ------------------------------------------------------------------------------------------------


@every_world
def test_the_links_between_branches_by_regressions_that_know_location_and_the_levels(large, world):
    cohort, p = large(world)
    causes, branches = known(cohort), cohort.branches
    content, served = cohort.truth["staff_level"], cohort.truth["customer_level"]
    for name, outcome, cause in (
        ("H1", content, branches.quality),
        ("H3", served, content),
        ("H5", branches.profit, served),
    ):
        found, error = slopes(outcome, cause, *causes)
        assert found[0] == pytest.approx(truth(name, p), abs=4 * error[0]), name
        assert found[1] == pytest.approx(p.location, abs=4 * error[1]), name


@every_world
def test_what_quality_does_to_customers_by_potential_outcomes(world):
    """The same branches and shocks with a unit more of quality everywhere."""
    market = design.replace(**RANDOM[world]) if world in RANDOM else design.preset(world)
    p = market.replace(n_customers=20 * A_BRANCH).parameters

    class Raised:
        """Random numbers whose quality draw is larger, so that quality is a unit more."""

        def __init__(self, by):
            self.rng, self.by, self.calls = Streams((3,))["branches"], by, 0

        def standard_normal(self, size):
            self.calls += 1
            return self.rng.standard_normal(size) + self.by * (self.calls == 3)

    cohorts = [
        theory.simulate_service_profit_market(
            p, {"branches": Raised(by / theory.QUALITY_NOISE), "retention": Streams((3,))["retention"]}
        )
        for by in (0, 1)
    ]
    gained = {
        name: (cohorts[1].branches[name] - cohorts[0].branches[name]).to_numpy()
        for name in ("quality", "served", "profit")
    }
    assert gained["quality"] == pytest.approx(1)
    assert gained["served"] == pytest.approx(truth("H3a", p))
    assert gained["profit"] == pytest.approx(theory.quality_to_profit(p))


@every_world
def test_the_slope_between_colleagues_given_the_branch(large, world):
    cohort, p = large(world)
    people = cohort.employees.groupby("branch_year")[["satisfied", "served"]]
    within = cohort.employees[["satisfied", "served"]] - people.transform("mean")
    found, error = slopes(within.served, within.satisfied)
    assert found[0] == pytest.approx(truth("H2", p), abs=4 * error[0])


@every_world
def test_what_is_kept_next_quarter_by_regressions_that_know_each_branchs_usual_level(large, world):
    cohort, p = large(world)
    table, rng = cohort.retention, Streams((7,))["retention"]
    usual = [
        theory.USUAL[side]
        + p.location_to_retention * cohort.truth["location"]
        + theory.TRAIT * rng.standard_normal(LARGE)
        for side in theory.USUAL
    ]
    before = [table[f"{side}_5"] - usual[at] for at, side in enumerate(theory.USUAL)]
    for at, side in enumerate(theory.USUAL):
        found, error = slopes(table[f"{side}_6"] - usual[at], *before)
        assert found == pytest.approx(theory.retention_paths(p)[at], abs=4 * error.max())
    assert truth("H4", p) == theory.retention_paths(p)[1, 0]
    assert truth("H4a", p) == theory.retention_paths(p)[0, 1]


@every_world
def test_branch_effects_on_means_estimate_a_mixture_of_two_slopes(large, world):
    cohort, p = large(world)
    found = design.hypothesis("H3").estimators["branch means"](cohort.tables)
    assert found.value == pytest.approx(theory.slope_of_means(p), abs=4 * found.standard_error)
    halves = design.hypothesis("H3").estimators["split halves"](cohort.tables)
    assert halves.value == pytest.approx(p.staff_to_customers, abs=4 * halves.standard_error)
    mood = design.hypothesis("H3").estimators["staff rate both"](cohort.tables)
    assert mood.value == pytest.approx(p.staff_to_customers + p.mood, abs=4 * mood.standard_error)


def test_presets():
    true = {
        preset: {
            each.name
            for each in design.hypotheses
            if each.holds(truth(each.name, design.preset(preset).parameters))
        }
        for preset in design.presets
    }
    every = {each.name for each in design.hypotheses}
    assert true == {"null": set(), "literature": every, "claim": every, "trap": set()}


def test_a_shock_that_never_dies_is_refused():
    design.replace(staff_to_customer_retention=0.6, customer_to_staff_retention=0.6)  # .9 a quarter
    with pytest.raises(InputError, match="customer_to_staff_retention"):
        design.replace(customer_to_staff_retention=0.7)


# -- tables -----------------------------------------------------------------------------------------------


def test_customers_are_those_of_employees_and_employees_those_of_branches():
    cohort = design.replace(n_customers=1049).simulate(2)
    assert cohort.branches.branch.nunique() == 1049 // A_BRANCH
    assert (cohort.employees.groupby(["branch", "year"]).size() == STAFF).all()
    served = cohort.customers.groupby("employee").rating.mean()
    assert cohort.employees.served.to_numpy() == pytest.approx(served.to_numpy())
    means = cohort.employees.groupby(["branch", "year"])[["satisfied", "served", "report"]].mean()
    found = cohort.branches.set_index(["branch", "year"])
    for name in means:
        assert found[name].to_numpy() == pytest.approx(means[name].to_numpy())
        assert (found[f"{name}_1"] + found[f"{name}_2"]).to_numpy() / 2 == pytest.approx(
            means[name].to_numpy()
        )


# -- estimators -------------------------------------------------------------------------------------------


def row(market, hypothesis, estimator, sims=600):
    table = market.only(hypothesis).with_estimators(estimator).diagnose(sims=sims, seed=4).table
    return table.iloc[0]


def test_with_twenty_branches_the_jackknife_still_covers_and_the_usual_error_less_often():
    years = " + ".join(f"I((year == {each}) * 1.0)" for each in range(2, YEARS + 1))
    few = design.only("H1").replace(n_customers=20 * A_BRANCH)
    usual = Within(f"satisfied ~ quality + {years}", "quality", "branches", unit="branch")
    both = {"jackknife": few.hypotheses[0].estimators["branch and year effects"], "usual": usual}
    table = (
        replace(few, hypotheses=[replace(few.hypotheses[0], estimators=both)]).diagnose(3000, seed=4).table
    )
    coverage = table.set_index("estimator").coverage
    assert coverage["jackknife"] == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 3000))
    assert coverage["usual"] < coverage["jackknife"] - 0.008


def test_the_product_hardly_ever_rejects_where_both_links_are_missing_but_keeps_its_size_at_the_edges():
    null = design.preset("null")
    assert row(null, "H3a", "product").rejection_rate < 0.01
    for edge in ({"quality_to_staff": 0.4}, {"staff_to_customers": 0.4}):
        rate = row(null.replace(**edge), "H3a", "product", 2000).rejection_rate
        assert rate <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 2000)


def test_a_random_intercept_is_no_branch_effect():
    """One slope for a random intercept mixes location into the slope between colleagues."""
    trap = design.preset("trap")
    assert row(trap, "H2", "one slope, random branches", 300).rejection_rate > 0.4
    assert row(trap, "H2", "colleagues", 2000).rejection_rate == pytest.approx(
        0.05, abs=4 * np.sqrt(0.05 * 0.95 / 2000)
    )
