"""A design on tables of one's own: estimates, worlds, the smallest effect that a test sees."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from crmlab.design import Estimate, Hypothesis, InputError
from crmlab.design.analysing import moving, seen_with
from crmlab.theories import design_of


@pytest.fixture(scope="module")
def design():
    """The first lesson's market, small."""
    return design_of("00").replace(n_customers=120)


def test_estimates_are_those_of_the_test(design):
    cohort = design.preset("trap").simulate(3)
    own = design.analyse({"customers": cohort.customers}, sims=0)
    truth = design.test(cohort)
    assert np.allclose(own.estimates["estimate"], truth["estimate"])
    assert list(own.estimates["verdict"]) == list(truth["verdict"])
    assert own.worlds.empty
    assert own.diagnoses == []


def test_worlds_are_those_of_a_diagnosis(design):
    own = design.analyse(design.simulate(3).tables, sims=30, seed=5)
    row = own.worlds.query("estimator == 'naive' and preset == 'trap'").iloc[0]
    there = design.vary(preset=["null", "literature", "trap"]).diagnose(sims=30, seed=5)
    assert row["rejection_rate"] == there.row("H1", "naive", preset="trap").rejection_rate
    assert not row["holds"]
    assert own.worlds.query("preset == 'literature'")["holds"].all()


def test_the_smallest_effect_is_where_power_crosses(design):
    own = design.analyse(design.simulate(3).tables, sims=200, seed=5)
    row = own.smallest.iloc[0]
    assert row["over"] == "contact_effect"
    at = design.replace(contact_effect=float(row["value"]))
    assert at.diagnose(sims=400, seed=9).row("H1").rejection_rate == pytest.approx(0.8, abs=0.08)
    assert row["here"] == pytest.approx(row["simulated"], rel=0.35)


@pytest.mark.parametrize(
    "direction, margin, seen",
    [
        (">", None, 2.0 + norm.isf(0.05) + norm.ppf(0.8)),
        ("<", None, 2.0 - norm.isf(0.05) - norm.ppf(0.8)),
        ("!=", None, 2.0 + norm.isf(0.025) + norm.ppf(0.8)),
        ("within", 1.0, norm.isf(0.05) + norm.ppf(0.9)),
    ],
)
def test_what_a_normal_test_sees(direction, margin, seen):
    tested = Hypothesis(
        "H", "c", direction, lambda p: 0.0, {"e": lambda t: Estimate(0.0, 1.0)}, null=2.0, margin=margin
    )
    assert seen_with(tested, 1.0, 0.8) == pytest.approx(seen)


def test_the_parameter_that_moves_a_hypothesis():
    loyalty = design_of("09")
    assert moving(loyalty, loyalty.hypothesis("H2a")) == "convexity"
    assert moving(loyalty, loyalty.hypothesis("H2c")) == "satisfaction_x_rivals"


def test_a_table_that_cannot_be_used_says_why(design):
    with pytest.raises(InputError, match="give DataFrames by the names"):
        design.analyse([1, 2])
    with pytest.raises(InputError, match="no estimator of start_here could be computed"):
        design.analyse({"customers": pd.DataFrame({"contact": [1.0, 2.0, 3.0]})}, sims=0)


def test_one_estimator_that_fails_leaves_the_others(design):
    table = design.simulate(3).customers.drop(columns="last_year")
    own = design.analyse({"customers": table}, sims=0)
    assert list(own.estimates["failure"] == "") == [False, True]
    assert own.smallest.iloc[0]["estimator"] == "naive"
