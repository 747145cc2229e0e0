"""A firm's tables under a theory: what is told, what is refused by file, column and row, what rules do."""

import json

import numpy as np
import pandas as pd
import pytest

from crmlab import cli, places
from crmlab.analysis import analyse
from crmlab.analysis.firm.cards import firm_card
from crmlab.analysis.needs import NotForFiles, needs_of
from crmlab.analysis.telling import listed
from crmlab.data.exports.hiding import hashed
from crmlab.errors import InputError
from crmlab.words.saying import spoken

WHO = [f"C{at:03d}" for at in range(40)]


@pytest.fixture
def firm():
    """Two years of purchases by forty customers, at least one in every quarter."""
    rng = np.random.default_rng(4)
    days = pd.date_range("2022-01-01", "2023-12-31", freq="D")
    regular = [day for day in days if day.day == 1]
    log = pd.DataFrame({"customer_id": np.repeat(WHO, len(regular)), "date": regular * len(WHO)})
    log.loc[len(log)] = ["C000", days[-1]]
    log["amount"] = rng.gamma(2, 20, len(log)).round(2)
    customers = pd.DataFrame(
        {"id": WHO, "created": "2020-02-02", "branch": [f"B{at % 8}" for at in range(40)]}
    )
    return {"customers": customers, "transactions": log}


@pytest.fixture
def calls():
    """How often each customer was called."""
    return pd.DataFrame({"customer_id": WHO, "contact": np.arange(40) % 5})


def write(tables, folder):
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def refused(lesson, tables, match, **options):
    with pytest.raises(InputError, match=match) as caught:
        analyse(lesson, tables, sims=0, **options)
    return str(caught.value)


def told_of(own):
    return [spoken(each) for each in own.prepared.told]


# Files joined -------------------------------------------------------------------------------------------


def test_a_joined_file_says_whom_it_does_not_find(firm, calls, tmp_path):
    calls.loc[3, "customer_id"] = "C999"
    calls.loc[7, "customer_id"] = ""
    path = tmp_path / "calls.csv"
    calls.to_csv(path, index=False, encoding="utf-16", sep=";")
    own = analyse("00", write(firm, tmp_path / "tables"), sims=0, joined=path)
    assert own.prepared.rows == {"customers": (38, 38)}
    told = told_of(own)
    assert any(
        "of nobody in the tables or have no id: 2 (rows 5, 9)" in each and "rows 5, 9" in each
        for each in told
    )
    assert any("customers: 38 of 40 customers stand in calls.csv" in each for each in told)
    assert any("calls.csv was read as utf-16" in each for each in told)


@pytest.mark.parametrize(
    "change, match",
    [
        (lambda calls: calls.assign(customer_id="C001"), r"'customer_id': rows 2, 3, .* stand there twice"),
        (
            lambda calls: calls.assign(customer_id=[f"X{at}" for at in range(40)]),
            "none of its 40 ids is one of",
        ),
        (lambda calls: calls.rename(columns={"customer_id": "who"}), "has no column of customers' ids"),
        (lambda calls: calls.rename(columns={"contact": "电话"}), "none of its columns was taken .*'电话'"),
        (
            lambda calls: calls.assign(contact="often"),
            "column 'contact': rows C000, C001.* 'often', which are no",
        ),
        (lambda calls: calls.head(0), "holds no rows"),
        (
            lambda calls: calls.assign(customer_id=calls["customer_id"] + ".0"),
            "Name the column with the ids by id",
        ),
    ],
)
def test_files_that_cannot_be_joined(firm, calls, change, match):
    refused("00", firm, match, joined={"calls.csv": change(calls)})


def test_hashed_ids_are_met_only_by_hashed_ids(firm, calls):
    hashes = {each: hashed(each, "a salt of sixteen letters") for each in WHO}
    firm["transactions"]["customer_id"] = firm["transactions"]["customer_id"].map(hashes)
    firm["customers"]["id"] = firm["customers"]["id"].map(hashes)
    refused("00", firm, "The tables' ids are hashed: hash the file's with the same key", joined=calls)
    own = analyse("00", firm, sims=0, joined=calls.assign(customer_id=calls["customer_id"].map(hashes)))
    assert own.prepared.rows["customers"] == (40, 40)


def test_the_column_with_ids_and_other_names_can_be_said(firm, calls, tmp_path):
    named = calls.rename(columns={"customer_id": "who", "contact": "电话"})
    said = {"customers": {"columns": {"contact": "电话"}}}
    own = analyse("00", firm, said, sims=0, joined=named, id_column="who")
    here = analyse("00", firm, sims=0, joined=calls)
    assert own.found.estimates.equals(here.found.estimates)


def test_two_files_are_joined_and_a_given_column_goes_before_a_made_one(firm, calls):
    spend = pd.DataFrame({"客户编号": WHO, "spend": np.arange(40.0)})
    own = analyse("00", firm, sims=0, joined={"calls": calls, "spend": spend})
    assert own.prepared.raw["customers"]["spend"].argmax() == 39
    assert any("spend: taken from spend, not made of the tables" in each for each in told_of(own))
    refused("00", firm, "both have a column 'contact'", joined={"one": calls, "two": calls})


def test_rows_with_empty_cells_are_named_by_customer(firm, calls):
    calls = calls.astype(object)
    calls.loc[5, "contact"] = ""
    assert "row C005 is empty" in refused("00", firm, "complete_cases", joined={"calls": calls})
    own = analyse("00", firm, sims=0, joined={"calls": calls}, complete_cases=True)
    assert own.prepared.left_out == {"customers": ["C005"]}


# Broken tables ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table, column, value, match",
    [
        (
            "transactions",
            "date",
            "31.12.2023",
            "transactions.csv: column 'date': row 4: '31.12.2023' is no date",
        ),
        ("transactions", "date", "", "transactions.csv: column 'date': row 4: '' is no date"),
        (
            "transactions",
            "date",
            "2190-01-01",
            "transactions.csv: column 'date': row 4: '2190-01-01' is after today",
        ),
        ("transactions", "amount", "much", "transactions.csv: column 'amount': row 4: 'much' is no number"),
        (
            "transactions",
            "customer_id",
            "",
            "transactions.csv: column 'customer_id': row 4: '' is without an id",
        ),
        ("customers", "id", "C001", "customers.csv: column 'id': row 4: 'C001' is there already"),
        ("customers", "created", "soon", "customers.csv: column 'created': row 4: 'soon' is no date"),
    ],
)
def test_cells_that_cannot_be_are_named(firm, tmp_path, table, column, value, match):
    firm[table] = firm[table].astype(object)
    firm[table].loc[2, column] = value
    refused("11", write(firm, tmp_path / "tables"), match)


def test_tables_that_are_empty_or_not_there(firm, tmp_path):
    folder = write({"transactions": firm["transactions"].head(0)}, tmp_path / "none")
    refused("11", folder, "holds no purchase")
    refused(
        "11", write({"customers": firm["customers"]}, tmp_path / "other"), "holds no transactions.csv; crmlab"
    )
    renamed = {"transactions": firm["transactions"].rename(columns={"date": "日期"})}
    refused("11", write(renamed, tmp_path / "named"), "has no column date; it has customer_id, 日期, amount")
    own = analyse("11", firm | {"customers": firm["customers"].head(0)}, sims=0, hypotheses=["H2"])
    assert any("There is no table of customers" in each for each in told_of(own))


def test_purchases_of_strangers_and_without_amounts_are_told(firm, calls):
    firm["customers"] = firm["customers"].drop(index=2)
    firm["transactions"].loc[30, "amount"] = np.nan
    own = analyse("00", firm, sims=0, joined=calls)
    told = told_of(own)
    assert any("not in the table of customers: purchases of 1 (C002)" in each for each in told)
    assert any("they have no amount: 1 purchases (rows 32)" in each for each in told)


def test_one_customer(firm):
    one = {name: table[table.iloc[:, 0] == "C000"] for name, table in firm.items()}
    refused("11", one, "1 customers are too few for a mean with an error")
    refused("14", one, "there is no table of members")


# Rules --------------------------------------------------------------------------------------------------


def test_windows_move_with_the_rules(firm, calls):
    log = firm["transactions"]
    usual = analyse("00", firm, sims=0, joined=calls)
    years = log.groupby(["customer_id", log["date"].dt.year])["amount"].sum().unstack()
    found = analyse("00", firm, {"as_it_is": True}, sims=0, joined=calls).prepared.raw["customers"]
    assert np.allclose(found["spend"], years[2023]) and np.allclose(found["last_year"], years[2022])
    assert any("what each customer paid from 2023-01-01 to 2023-12-31" in each for each in told_of(usual))
    rules = {"start": "2023-04-01", "after": "3", "before": 3}
    moved = analyse("00", firm, {"as_it_is": True}, sims=0, joined=calls, rules=rules).prepared.raw[
        "customers"
    ]
    quarters = log.groupby(["customer_id", log["date"].dt.to_period("Q")])["amount"].sum().unstack()
    assert np.allclose(moved["spend"], quarters["2023Q2"]) and np.allclose(
        moved["last_year"], quarters["2023Q1"]
    )
    mapped = analyse("00", firm, {"as_it_is": True, "rules": rules}, sims=0, joined=calls).prepared.raw
    assert np.allclose(mapped["customers"]["spend"], moved["spend"])


@pytest.mark.parametrize(
    "rules, match",
    [
        ({"untill": "2023-01-01"}, "unknown rule 'untill'; known: until, since, start"),
        ({"margin": "0.3"}, "unknown rule 'margin'"),
        ({"until": "31/12/2023"}, "rule until is '31/12/2023'; give a day as 2024-12-31"),
        ({"after": "0"}, "rule after is '0'; give a whole number of months"),
        ({"who": "some"}, "rule who is 'some'; give 'known' or 'all'"),
        ({"until": "2021-01-01"}, "cover no time between"),
    ],
)
def test_rules_that_cannot_be(firm, calls, rules, match):
    refused("00", firm, match, joined=calls, rules=rules)


def test_a_window_that_the_tables_do_not_hold_costs_its_column(firm, calls):
    own = analyse("00", firm, sims=0, joined=calls, rules={"start": "2022-02-01", "after": 6})
    assert set(own.found.estimates["estimator"]) == {"naive"}
    why = spoken(own.firm.lacking["customers", "last_year"])
    assert "from 2021-02-01 to 2022-01-31, and the tables hold all of them only from 2022-01-01" in why


def test_customers_who_came_later_are_left_out_unless_all_are_asked_for(firm, calls):
    firm["customers"]["created"] = "2023-06-01"
    log, rules = firm["transactions"], {"before": 6, "after": 6}
    firm["transactions"] = log[(log["customer_id"] != "C004") | (log["date"] >= "2023-06-01")]
    own = analyse("00", firm, sims=0, joined=calls, rules=rules)
    assert own.prepared.rows["customers"] == (39, 39)
    told = told_of(own)
    assert any(
        "became known on 2023-01-01 or later and" in each and ": 1 customers" in each and "C004" in each
        for each in told
    )
    own = analyse("00", firm, sims=0, joined=calls, rules=rules | {"who": "all"})
    assert own.prepared.rows["customers"] == (40, 40)


def test_customers_of_whom_nothing_says_since_when_are_kept_and_told(firm, calls):
    firm["customers"] = firm["customers"].drop(columns="created")
    firm["customers"].loc[40] = ["C040", "B1"]
    calls.loc[40] = ["C040", 2]
    own = analyse("00", firm, sims=0, joined=calls, rules={"before": 6, "after": 6})
    assert own.prepared.rows["customers"] == (41, 41)
    assert any("Kept, though nothing says since when" in each and "C040" in each for each in told_of(own))


def test_who_had_left_when_the_records_began_is_in_no_sample(firm):
    firm["customers"]["referrer_id"] = [None, "C001"] * 20
    gone = pd.DataFrame({"customer_id": WHO, "流失日期": ["2021-05-05", *["2023-03-03", "", ""] * 13]})
    own = analyse("13", firm, sims=0, joined=gone, rules={"records_begin": "2022-01-01"})
    assert own.prepared.rows["records"] == (39, 39)
    assert own.prepared.raw["records"]["left"].sum() == 13
    assert any("they had left when the records began" in each and "C000" in each for each in told_of(own))
    later = gone.assign(流失日期="2190-01-01")
    refused(
        "13", firm, "column '流失日期': rows 2, 3, .* hold 2190-01-01, which is after today", joined=later
    )
    odd = gone.assign(流失日期="gone")
    refused("13", firm, "column '流失日期': rows .* hold gone, which is no day as 2024-12-31", joined=odd)


@pytest.fixture
def members():
    """Members of six of eight branches, who joined in the second year."""
    who = [each for at, each in enumerate(WHO) if at % 8 < 6 and at % 3]
    joined = ["2023-04-02" if int(each[1:]) % 8 < 3 else "2023-06-02" for each in who]
    return pd.DataFrame({"customer_id": who, "joined": joined})


def test_branches_that_opened_too_early_and_members_without_a_day_are_told(firm, members):
    own = analyse("14", firm | {"members": members}, sims=0, hypotheses=["H1"])
    assert own.prepared.rows["months"] == (40 * 12, 40 * 12)
    assert set(own.prepared.raw["branches"]["opens"]) == {0, 4, 6}
    early = members.assign(joined=members["joined"].where(members["customer_id"] != "C001", "2023-01-09"))
    early.loc[len(early)] = ["C006", None]
    own = analyse("14", firm | {"members": early}, sims=0, hypotheses=["H1"])
    told = told_of(own)
    assert any("Branches left out" in each and ": 1 (B1)." in each for each in told)
    assert any("Taken for no members" in each and "1 (C006)" in each for each in told)


def test_openings_can_be_given_by_branch_and_move_with_the_start(firm, members):
    opened = pd.DataFrame(
        {"门店": [f"B{at}" for at in range(6)], "开放日期": ["2023-04-01"] * 3 + ["2023-05-01"] * 3}
    )
    own = analyse("14", firm | {"members": members}, sims=0, hypotheses=["H1"], joined=opened)
    assert set(own.prepared.raw["branches"]["opens"]) == {0, 4, 5}
    assert any("stands in the joined file" in each for each in told_of(own))
    early = {"start": "2022-06-01"}
    firm |= {"members": members}
    assert "the tables hold" in refused(
        "14", firm, "2021-06-01 to 2022-05-31", rules=early, hypotheses=["H1"]
    )
    assert "whole months" in refused("14", firm, "4 whole", rules={"until": "2023-05-01"}, hypotheses=["H1"])


def test_margins_costs_and_statuses_must_be_said(firm):
    assert "--rule margin=0.35" in refused("12", firm, "lacks", rules={"who": "all"})
    refused("17", firm, "no table of cases", hypotheses=["H6"])
    cases = pd.DataFrame({"customer_id": WHO[:9], "type": "投诉", "status": "结案", "opened": "2023-09-09"})
    firm |= {"cases": cases}
    assert "there are 结案" in refused("17", firm, "redressed=", hypotheses=["H6"])
    cases["type"] = "咨询"
    refused("17", firm, "types are 咨询", rules={"redressed": "结案"}, hypotheses=["H6"])


def test_only_buyers_of_every_quarter_where_that_is_asked_for(firm, loyal):
    log = firm["transactions"]
    firm["transactions"] = log[(log["customer_id"] != "C007") | (log["date"] < "2023-10-01")]
    survey = loyal.head(40).drop(columns=[f"spend_q{at}" for at in (1, 2, 3, 4)]).assign(customer_id=WHO)
    said = refused("09", firm, "of which no logarithm can be taken", joined={"survey": survey})
    assert "row C007 holds 0" in said and "buyers" in said
    own = analyse("09", firm, sims=0, joined={"survey": survey}, rules={"buyers": "every quarter"})
    assert own.prepared.rows["customers"] == (39, 39)
    assert any("did not buy in every quarter: 1 customers (C007)" in each for each in told_of(own))


# All lessons --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", [each.name for each in places.lessons()])
def test_every_lesson_says_what_it_lacks_and_where_that_would_stand(lesson, firm):
    try:
        needs = needs_of(lesson)
    except NotForFiles as why:
        assert "crmlab analyse 11 tables" in str(why)
        return
    card = firm_card(needs.theory)
    assert set(card.samples) <= set(needs.samples)
    for name, sample in card.samples.items():
        known = {each.rstrip("0123456789") for each in needs.samples[name].columns} | set(
            needs.samples[name].columns
        )
        assert set(sample.columns) <= set(needs.samples[name].columns), name
        assert {each.rstrip("#") for each in sample.where} - {"*"} <= known, name
    try:
        own = analyse(lesson, firm, sims=0)
        lacking = own.firm.why_lacking(own.firm.lacking)
        assert {of for of, _ in own.firm.lacking} <= set(needs.samples)
    except InputError as error:
        lacking = str(error).splitlines()[1:]
    assert lacking and all(len(each) > 20 for each in lacking)
    if any(each.rows for each in card.samples.values()):
        assert "from crmlab import's tables" in listed(lesson)


# From the command line ----------------------------------------------------------------------------------


def test_from_an_export_to_a_report_that_can_be_repeated(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in (
        "demo-export --from hubspot --out shop.zip --customers 400 --months 30",
        "import shop.zip --from hubspot --out tables",
        "analyse 11 tables --out report --sims 0 --rule until=2024-05-01",
    ):
        assert cli.main(command.split()) == 0
    assert "2024-04-30" in capsys.readouterr().out
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "in the 39 weeks to 2024-04-30" in page and "contracts" in page
    held = json.loads((tmp_path / "report" / "analysis.json").read_text(encoding="utf-8"))
    assert held["settings"]["rules"] == {"until": "2024-05-01"}
    again = analyse("11", tmp_path / "tables", tmp_path / "report" / "map.toml", sims=0)
    assert np.allclose(again.found.estimates["estimate"], [row["estimate"] for row in held["estimates"]])
    notebook = json.loads((tmp_path / "report" / "analysis.ipynb").read_text(encoding="utf-8"))
    code = next(cell["source"] for cell in notebook["cells"] if "tables = " in "".join(cell["source"]))
    assert "'../tables'" in "".join(code)


def test_with_and_rules_go_with_a_folder_only(loyal, tmp_path, capsys):
    loyal.to_csv(tmp_path / "survey.csv", index=False)
    path = str(tmp_path / "survey.csv")
    assert cli.main(["analyse", "09", path, "--with", path]) == 2
    assert "go with the folder of crmlab import" in capsys.readouterr().err
    assert cli.main(["analyse", "09", str(tmp_path), path]) == 2
    assert "is a folder; give the folder of crmlab import alone" in capsys.readouterr().err
    assert cli.main(["analyse", "09", str(tmp_path), "--rule", "until"]) == 2
    assert "write NAME=VALUE" in capsys.readouterr().err
