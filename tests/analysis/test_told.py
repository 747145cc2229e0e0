"""A user's survey that violates an assumption is told so, beside the hypotheses that rest on it."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from crmlab.analysis import analyse
from crmlab.analysis.telling import printed
from crmlab.reports.analyses import write
from crmlab.reports.findings import Telling
from crmlab.theories import design_of
from crmlab.words import words
from tests.analysis.conftest import own_columns


def statuses(own, name):
    """Status and hypotheses of the findings of a name."""
    return {
        each.finding.subject: (each.finding.status, {of for of, _ in each.of})
        for each in own.assumptions
        if each.finding.name == name
    }


def test_a_ceiling_and_a_scale_that_is_none(loyal):
    items = [f"attitude_{at}" for at in range(1, 5)]
    rng = np.random.default_rng(5)
    spoilt = loyal.assign(**{name: rng.choice([1, 7], len(loyal), p=[0.3, 0.7]) for name in items})
    own = analyse("09", spoilt, sims=0)
    for name in ("ceiling", "reliability"):
        status, of = statuses(own, name)["attitude"]
        assert status == "broken"
        assert of >= {"H1", "H3"} and "H2" not in of
    (row,) = [row for row in Telling(own).verdicts() if row["name"] == "H1"]
    assert "violated" in row["mind"]


def at_the_top(loyal):
    """Ratings of whole numbers, of which nineteen in twenty are 7."""
    rng = np.random.default_rng(5)
    return loyal.assign(rating=np.where(rng.random(len(loyal)) < 0.95, 7, rng.integers(4, 7, len(loyal))))


@pytest.mark.parametrize("ends", [{}, {"low": 1, "high": 7}])
def test_a_rating_that_is_a_number_has_a_ceiling(loyal, ends):
    said = {"customers": {"columns": {"rating": {"column": "rating", **ends}}}}
    own = analyse("09", at_the_top(loyal), said, hypotheses=["H2"], sims=0)
    assert statuses(own, "ceiling")["rating"] == ("broken", {"H2"})
    (section,) = Telling(own).sections()
    (text,) = [text for _, head, text in section["rests"] if head.startswith("rating")]
    share = f"{(at_the_top(loyal)['rating'] == 7).mean():.0%}"
    assert f"{share} gave the highest answer" in text if ends else f"{share} gave 7," in text


def test_a_rating_on_a_wider_scale_than_its_answers_has_no_ceiling(loyal):
    said = {"customers": {"columns": {"rating": {"column": "rating", "low": 1, "high": 10}}}}
    own = analyse("09", at_the_top(loyal), said, hypotheses=["H2"], sims=0)
    assert statuses(own, "ceiling")["rating"][0] == "kept"


def test_numbers_that_are_no_answers_have_no_ceiling(loyal):
    own = analyse("09", loyal.assign(switching_cost=at_the_top(loyal)["rating"]), sims=0)
    assert not {"switching_cost", "rating"} & set(statuses(own, "ceiling"))


def test_a_bent_link(loyal):
    rng = np.random.default_rng(5)
    chance = np.clip(0.15 + 0.2 * loyal["rating"] ** 2, 0.02, 0.98)
    own = analyse(
        "09", loyal.assign(renewed=(rng.random(len(loyal)) < chance) * 1), hypotheses=["H2"], sims=0
    )
    assert "broken" in {status for status, _ in statuses(own, "linearity").values()}


def test_one_row_that_carries_an_estimate_is_named_as_the_file_numbers_it(tmp_path):
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"contact": rng.standard_normal(60), "last_year": rng.standard_normal(60)})
    frame["spend"] = rng.standard_normal(60)
    frame.loc[30, ["contact", "spend"]] = 9.0, 20.0
    frame.loc[3, "spend"] = np.nan
    frame.to_csv(tmp_path / "customers.csv", index=False)
    own = analyse("00", tmp_path / "customers.csv", complete_cases=True, sims=0)
    (finding,) = [each.finding for each in own.assumptions if each.finding.name == "influence"][:1]
    assert finding.status == "broken"
    assert finding.facts["at"] == 32


def test_answers_of_one_questionnaire_without_a_marker_must_be_believed():
    cohort = design_of("18").replace(n_users=200).simulate(4)
    users = own_columns("18", cohort)["users"]
    own = analyse("18", {"users": users}, hypotheses=["H2a"], sims=0)
    (found,) = [each for each in own.assumptions if each.finding.name == "common_method"]
    assert found.finding.status == "unknown"
    assert found.of == (("H2a", "one survey"),)


@pytest.mark.parametrize("exposure, status", [(0.0, ("kept", "doubtful")), (1.0, ("broken",))])
def test_a_marker_tells_a_common_method(exposure, status):
    market = design_of("08").replace(method_loading=0.6 * exposure, n_customers=600)
    own = analyse("08", own_columns("08", market.simulate(4))["customers"], hypotheses=["H1a"], sims=0)
    (found,) = [each for each in own.assumptions if each.finding.name == "common_method"]
    assert found.finding.status in status
    assert ("H1a", "impressions") in found.of


def test_employees_of_one_branch_are_not_independent():
    employees = own_columns("16", design_of("16").replace(n_customers=3000).simulate(4))["employees"]
    own = analyse("16", {"employees": employees}, hypotheses=["H1"], sims=0)
    found = [each for each in own.assumptions if each.finding.name == "clustering"]
    assert {each.finding.status for each in found} == {"broken"}
    assert {of for each in found for of in each.of} == {("H1", "pooled, staff as independent")}


def test_few_agents():
    market = design_of("03").replace(n_agents=8, n_customers=600)
    own = analyse("03", {"calls": own_columns("03", market.simulate(4))["calls"]}, hypotheses=["H2"], sims=0)
    few = [each.finding.status for each in own.assumptions if each.finding.name == "few_clusters"]
    assert set(few) == {"broken"}


def test_a_lot_that_was_none_and_an_instrument_that_moves_nothing():
    customers = own_columns("17", design_of("17").replace(n_customers=1000).simulate(4))["customers"]
    own = analyse("17", {"customers": customers}, hypotheses=["H1"], sims=0)
    assert statuses(own, "balance")["invitation"][0] in ("kept", "doubtful")
    rich = customers.assign(invitation=(customers["past_spend"] > customers["past_spend"].median()) * 1)
    own = analyse("17", {"customers": rich}, hypotheses=["H1"], sims=0)
    assert statuses(own, "balance")["invitation"] == ("broken", {"H1"})
    orders = own_columns("06", design_of("06").replace(n_customers=300).simulate(4))["orders"]
    orders["portal"] = np.arange(300) % 2
    own = analyse("06", {"orders": orders}, hypotheses=["H2"], sims=0)
    assert statuses(own, "instrument")["portal"][0] == "broken"
    assert statuses(own, "exclusion")["portal"][0] == "unknown"


def test_branches_that_moved_apart_before():
    market = design_of("18").replace(n_branches=60)
    quarters = own_columns("18", market.simulate(4))["quarters"]
    drifting = quarters.assign(sales=quarters["sales"] + 0.8 * (quarters["start"] > 0) * quarters["quarter"])
    own = analyse("18", {"quarters": drifting}, hypotheses=["H1"], sims=0)
    assert statuses(own, "trends")["sales"] == ("broken", {"H1"})


def test_chances_that_are_wrong_and_a_treatment_of_few():
    calls = own_columns("18", design_of("18").replace(n_customers=1000).simulate(4))["calls"]
    own = analyse("18", {"calls": calls.assign(chance=0.8)}, hypotheses=["H4"], sims=0)
    assert statuses(own, "chances")["called"][0] == "broken"
    own = analyse("18", {"calls": calls.assign(chance=0.97)}, hypotheses=["H4"], sims=0)
    assert statuses(own, "overlap")["called"][0] == "broken"


def test_rows_left_out_that_differ(loyal):
    angry = loyal.assign(renewed=loyal["renewed"].where(loyal["rating"] > -0.7))
    own = analyse("09", angry, complete_cases=True, hypotheses=["H2"], sims=0)
    assert statuses(own, "missingness")[""] == ("broken", {"H2"})


def test_a_verdict_by_lot_and_one_without_differ_in_words():
    cohort = design_of("17").replace(n_customers=1000).simulate(4)
    own = analyse("17", {"customers": own_columns("17", cohort)["customers"]}, hypotheses=["H1"], sims=0)
    assert own.lots == {("H1", "invitation by lot"): "invitation"}
    (section,) = Telling(own).sections()
    assert any("set by lot" in line for line in section["result"])
    assert "confounding" in {each.finding.name for each in own.of("H1", "past spend held")}
    assert "confounding" not in {each.finding.name for each in own.of("H1", "invitation by lot")}


def test_a_column_that_is_lacking_costs_only_what_reads_it():
    frame = own_columns("08", design_of("08").replace(n_customers=200).simulate(4))["customers"]
    few = frame[
        ["transparency", "consistency", "response", "pressure", *(f"trust_{at}" for at in range(1, 5))]
    ]
    own = analyse("08", few, sims=0)
    assert set(own.found.estimates["hypothesis"]) == {"H1a", "H1b", "H1c"}
    assert set(own.found.estimates["estimator"]) == {"records"}
    whole = analyse("08", frame, hypotheses=["H1a"], sims=0).found.estimates
    assert np.isclose(own.found.estimates["estimate"].iloc[0], whole["estimate"].iloc[0])


def test_an_estimate_that_one_row_makes_decides_nothing(tmp_path):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"rating": np.full(24, 7), "renewed": rng.integers(0, 2, 24)})
    frame.loc[20, "rating"] = 6
    frame.to_csv(tmp_path / "survey.csv", index=False)
    own = analyse("09", tmp_path / "survey.csv", hypotheses=["H2"], sims=0)
    (row,) = own.headlines()
    assert (row.verdict, row.low, row.high) == ("undecided", -np.inf, np.inf)
    (section,) = Telling(own).sections()
    assert any("row 22 of survey.csv" in text for _, _, text in section["rests"])


def test_hypotheses_of_which_nothing_can_be_computed_are_not_tested_and_say_why(loyal, tmp_path):
    spoilt = loyal.assign(rating=5).drop(columns="stated_chance")
    own = analyse("09", spoilt, hypotheses=["H1", "H2", "H4"], sims=0)
    assert set(own.failed()) == {"H2"} and set(own.untested) == {"H4"}
    assert {each["name"] for each in Telling(own).verdicts()} == {"H1"}
    page = write(own, tmp_path / "own").read_text(encoding="utf-8")
    (part,) = BeautifulSoup(page, "html.parser").select("section[aria-labelledby=untested]")
    rows = [" ".join(each.text.split()) for each in part.select("li")]
    assert [each.split()[0] for each in rows] == ["H2", "H4"]
    assert "rating does not vary" in rows[0] and "lack stated_chance (customers)" in rows[1]
    held = json.loads((tmp_path / "own" / "analysis.json").read_text(encoding="utf-8"))
    assert {name for name, _ in held["failed"]["H2"]} == {"adjusted", "naive"}
    untested = [line for line in printed(own).splitlines() if line.startswith(words("analyse.h_untested"))]
    assert len(untested) == 2 and "rating does not vary" in untested[0]


def test_too_few_rows_are_the_reason(loyal):
    own = analyse("09", loyal.head(3).assign(renewed=[0, 1, 1]), hypotheses=["H1", "H2a"], sims=0)
    assert "3 rows for 8 terms" in dict(own.failed()["H2a"])["adjusted"]


def test_rows_of_much_leverage_are_named_beside_what_rests_on_them(tmp_path):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"rating": np.full(40, 7), "renewed": rng.integers(0, 2, 40)})
    frame.loc[[20, 21], "rating"] = 6
    frame.to_csv(tmp_path / "survey.csv", index=False)
    own = analyse("09", tmp_path / "survey.csv", hypotheses=["H2"], sims=0)
    (section,) = Telling(own).sections()
    (text,) = [text for _, head, text in section["rests"] if head == words("checks.influence_title")]
    assert "rows 22, 23 of survey.csv" in text
    assert re.search(r"would come out at \d\d% of", text)
    assert own.headlines()[0].low > -np.inf


def test_an_outcome_that_does_not_vary_speaks_for_nothing(loyal):
    own = analyse("09", loyal.assign(renewed=1), hypotheses=["H1", "H2", "H2a"], sims=2)
    assert set(own.failed()) == {"H2", "H2a"}
    assert {why for _, why in own.failed()["H2"]} == {"the outcome does not vary"}
    assert set(own.found.worlds["hypothesis"]) == {"H1"}
