"""Scores out: what `crmlab fit` found, as each system imports it."""

import numpy as np
import pandas as pd
import pytest

from crmlab.data.exports import card, cards, import_export, write_scores
from crmlab.errors import InputError

FIT = "customer_id,frequency,probability_alive,expected_purchases,value\n"


@pytest.fixture
def fitted(tmp_path):
    """Write customers.csv as `crmlab fit` does."""

    def fitted(rows, head=FIT):
        path = tmp_path / "customers.csv"
        path.write_text(head + "".join(f"{','.join(map(str, row))}\n" for row in rows), encoding="utf-8")
        return path

    return fitted


def ten(prefix=""):
    return [(f"{prefix}{k:03}", k, k / 10, k, 100.0 * k) for k in range(10)]


@pytest.mark.parametrize("system", list(cards()))
def test_each_system_gets_its_labels_and_ids(system, fitted, tmp_path):
    made = write_scores(fitted(ten()), system, tmp_path / "scores.csv")
    known = card(system)
    back = pd.read_csv(tmp_path / "scores.csv", dtype={known.scores["id"]: str})
    assert list(back) == [
        known.scores[name] for name in ("id", "p_alive", "expected_purchases", "value", "tier")
    ]
    assert back[known.scores["id"]].tolist() == [f"{known.id_prefix}{k:03}" for k in range(10)]
    assert back[known.scores["value"]].tolist() == [100.0 * k for k in range(10)]
    assert made.rows == 10 and made.how == known.scores["how"] and not made.dropped


def test_tiers_are_shares_of_customers_by_value(fitted, tmp_path):
    made = write_scores(fitted(ten()), "hubspot", tmp_path / "scores.csv")
    assert made.tiers == {"A": 2, "B": 3, "C": 5}
    back = pd.read_csv(tmp_path / "scores.csv")
    assert back["Value tier"].tolist() == ["C"] * 5 + ["B"] * 3 + ["A"] * 2


def test_without_money_tiers_go_by_purchases(fitted, tmp_path):
    head = "customer_id,frequency,probability_alive,expected_purchases\n"
    made = write_scores(fitted([row[:4] for row in ten()], head), "zoho", tmp_path / "scores.csv")
    back = pd.read_csv(tmp_path / "scores.csv")
    assert "Expected Value" not in back and made.tiers == {"A": 2, "B": 3, "C": 5}


def test_a_tier_that_is_there_is_taken(fitted, tmp_path):
    head = FIT.replace("\n", ",tier\n")
    write_scores(fitted([(*row, "gold") for row in ten()], head), "zoho", tmp_path / "scores.csv")
    assert set(pd.read_csv(tmp_path / "scores.csv")["Value Tier"]) == {"gold"}


def test_a_frame_does_as_well(tmp_path):
    frame = pd.DataFrame(
        {"probability_alive": [0.5, 0.25], "value": [3.0, np.nan]}, index=pd.Index([7, 9], name="customer_id")
    )
    write_scores(frame, "salesforce", tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines() == [
        "Id,P_Alive__c,Expected_Value__c,Value_Tier__c",
        "7,0.5,3.0,B",
        "9,0.25,,C",
    ]


def test_ids_that_a_spreadsheet_would_run_are_left_out_and_said(fitted, tmp_path):
    made = write_scores(
        fitted([("=1+1", 1, 0.5, 1, 5), ("C1", 1, 0.5, 1, 5)]), "hubspot", tmp_path / "scores.csv"
    )
    assert made.dropped == {"a spreadsheet would run the id as a formula": ["=1+1"]} and made.rows == 1


def test_hashed_ids_go_back_by_the_keys(folder, files, fitted, tmp_path):
    done = import_export(folder(files), "zoho", salt="a salt of sixteen or more")
    done.keys.to_csv(tmp_path / "keys.csv", index=False)
    scores = fitted([(each, 1, 0.5, 1, 5) for each in done.tables["customers"]["id"]])
    with pytest.raises(InputError, match="the ids are hashed, and no system knows them; give keys"):
        write_scores(scores, "zoho", tmp_path / "scores.csv")
    made = write_scores(scores, "zoho", tmp_path / "scores.csv", keys=tmp_path / "keys.csv")
    assert (
        pd.read_csv(tmp_path / "scores.csv")["Record Id"].tolist() == ["zcrm_1", "zcrm_2"]
        and not made.dropped
    )


@pytest.mark.parametrize(
    "rows, head, why",
    [
        ([("C1", 5)], "customer_id,value\n", "has no column probability_alive"),
        ([("C1", 1, 1.5, 1, 5)], FIT, "probability_alive is '1.5' in row 2"),
        ([("C1", 1, 0.5, 1, 5), ("C2", 1, 0.5, 1, "much")], FIT, "value is 'much' in row 3"),
        ([], FIT, "hold no customer"),
    ],
)
def test_scores_that_cannot_be_are_refused(fitted, tmp_path, rows, head, why):
    with pytest.raises(InputError, match=why):
        write_scores(fitted(rows, head), "zoho", tmp_path / "scores.csv")
    assert not (tmp_path / "scores.csv").exists()
