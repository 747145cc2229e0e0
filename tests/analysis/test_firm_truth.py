"""A lesson's market as a firm's records, out as each system exports them and in again: the same estimates.

The market's columns are written as purchases, records and memberships that have them; what no CRM system
holds is joined by the customer's id.
"""

import json

import numpy as np
import pandas as pd
import pytest

from crmlab.analysis import analyse
from crmlab.company import Company
from crmlab.data import customer_summary
from crmlab.data.exports import cards, import_export, market_tables, write_export
from crmlab.mechanisms.openings import MONTHS
from crmlab.reports.analyses import analysis_report
from crmlab.theories import design_of

SYSTEMS = list(cards())
UNTIL = pd.Timestamp("2024-01-01")


def ids(letter, numbers):
    return [f"{letter}{int(number):07d}" for number in numbers]


def orders_of(who, days, amounts):
    """Orders as a canonical table; every system writes ids as texts."""
    table = pd.DataFrame({"customer_id": who, "time": pd.to_datetime(days), "amount": amounts})
    return table[table["amount"] != 0].reset_index(drop=True).assign(id=lambda held: ids("O", held.index))


def customers_of(who, **columns):
    return pd.DataFrame({"id": who, "created": pd.Timestamp("2019-05-01")} | columns)


def through(tables, system, folder):
    """Canonical tables exported by a system, imported, and written into a folder."""
    folder.mkdir(exist_ok=True)
    write_export(tables, system, folder / "export.zip")
    done = import_export(folder / "export.zip", system)
    assert not done.problems, list(map(str, done.problems))
    done.write(folder / "tables")
    return folder / "tables", done


def same(own, truth, hypotheses, rtol=1e-5, scale=1.0):
    """Whether an analysis has the estimates of a cohort."""
    ours = own.found.estimates.set_index(["hypothesis", "estimator"])
    truth = truth[truth["hypothesis"].isin(hypotheses)].set_index(["hypothesis", "estimator"])
    assert len(truth) and set(truth.index) <= set(ours.index)
    ours = ours.loc[truth.index]
    for name in ("estimate", "standard_error"):
        assert np.allclose(ours[name] * scale, truth[name], rtol=rtol, atol=1e-8), name
    assert (ours["verdict"] == truth["verdict"]).all()


@pytest.mark.parametrize("system", SYSTEMS)
def test_membership_needs_nothing_but_the_tables(system, tmp_path):
    design = design_of("14").replace(n_customers=900, n_branches=18)
    cohort = design.simulate(4)
    panel, offered = cohort["months"], cohort["offered"]
    wide = panel.pivot(index="customer", columns="month", values="purchases")
    joined = panel[panel["joined"] > 0].groupby("customer")["month"].min()
    branch = panel.groupby("customer")["branch"].first()
    earlier = pd.Series(0, wide.index)
    earlier[branch.isin(offered["branch"]).to_numpy()] = offered["earlier_orders"].to_numpy()
    who, month, count = [], [], []
    for each in range(1, MONTHS + 1):
        who, month = [*who, *wide.index], [*month, *([each] * len(wide))]
        count += wide[each].tolist()
    starts = UNTIL - pd.DateOffset(months=MONTHS)
    begun = [starts + pd.DateOffset(months=each - 1) for each in month]
    rows = np.repeat(np.arange(len(who)), count)
    nth = np.concatenate([np.arange(each) for each in count])
    days = pd.DatetimeIndex(begun)[rows] + pd.to_timedelta(nth % 28, "D")
    before = np.repeat(earlier.index, earlier)
    old = starts - pd.to_timedelta(1 + np.concatenate([np.arange(each) for each in earlier]) % 360, "D")
    orders = orders_of(ids("C", [*np.array(who)[rows], *before]), [*days, *old], 10.0)
    tables = {
        "customers": customers_of(ids("C", wide.index), branch=ids("B", branch)),
        "orders": orders,
        "members": pd.DataFrame(
            {
                "id": ids("M", joined.index),
                "customer_id": ids("C", joined.index),
                "joined": [starts + pd.DateOffset(months=each - 1, days=2) for each in joined],
            }
        ),
    }
    folder, _ = through(tables, system, tmp_path)
    own = analyse("14", folder, sims=0, rules={"until": "2024-01-01", "since": "2022-01-01"})
    same(own, design.test(cohort), ["H1", "H2"])
    if (
        cohort["branches"]["opens"].eq(0).any()
    ):  # the earlier orders of branches that never opened are not known
        assert set(own.untested) == {"H3", "H4", "H5"}
    assert not own.lots  # when a branch opened stands in the tables; that a lot said so does not


@pytest.mark.parametrize("system", SYSTEMS)
def test_spend_before_and_after_with_calls_joined(system, tmp_path):
    design = design_of("00").replace(n_customers=150)
    cohort = design.simulate(2)
    frame = cohort["customers"]
    who = ids("C", frame.index)
    amounts = 1000 + 100 * frame[["last_year", "spend"]]
    days = ["2022-06-15"] * 150 + ["2023-03-02"] * 150
    tables = {
        "customers": customers_of(who),
        "orders": orders_of([*who, *who], days, [*amounts["last_year"], *amounts["spend"]]),
    }
    folder, done = through(tables, system, tmp_path)
    calls = pd.DataFrame(
        {"客户编号": [done.card.id_prefix + each for each in who], "联系次数": frame["contact"]}
    )
    calls.to_csv(tmp_path / "calls.csv", index=False)
    rules = {"until": UNTIL.date(), "since": "2022-01-01"}
    own = analyse("00", folder, sims=0, rules=rules, joined=tmp_path / "calls.csv")
    here = analyse("00", frame, sims=0).found.estimates
    same(own, here, ["H1"], rtol=1e-3)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_companys_purchases_are_those_of_its_log(system, tmp_path):
    base = Company("literature", customers=500, months=30, seed=5).simulate(keep=["orders", "complaints"])
    tables = market_tables(base.tables)
    folder, done = through(tables, system, tmp_path)
    orders = tables["orders"]
    days = orders.assign(time=orders["time"].dt.floor("D"))
    last = days["time"].max()
    summary = customer_summary(
        days, "customer_id", "time", None, observation_end=last, calibration_end=last - pd.Timedelta(weeks=39)
    )
    summary = summary[summary["T"] > 0].rename(columns={"frequency_holdout": "holdout_purchases"})
    rules = {"until": (last + pd.Timedelta(days=1)).date()}
    own = analyse("11", folder, sims=0, rules=rules, hypotheses=["H1a", "H1b"])
    direct = analyse("11", {"customers": summary.reset_index()}, sims=0, hypotheses=["H1a", "H1b"])
    same(own, direct.found.estimates, ["H1a", "H1b"])
    imported = analyse("11", done, sims=0, rules=rules, hypotheses=["H1a", "H1b"])
    same(imported, direct.found.estimates, ["H1a", "H1b"])


def test_a_report_on_an_import_brings_its_tables_along(tmp_path):
    base = Company("literature", customers=300, months=24, seed=5).simulate(keep=["orders", "complaints"])
    _, done = through(market_tables(base.tables), "zoho", tmp_path)
    calls = pd.DataFrame({"customer_id": done.tables["customers"]["id"], "contact": 1.0})
    calls["contact"] = np.arange(len(calls)) % 7
    rules = {"before": 6, "after": 6}  # they go into the map
    own = analysis_report("00", done, sims=0, joined=calls, rules=rules, out=tmp_path / "report")
    notebook = json.loads((tmp_path / "report" / "analysis.ipynb").read_text(encoding="utf-8"))
    code = next(text for cell in notebook["cells"] if "tables = " in (text := "".join(cell["source"])))
    assert code.startswith("tables = 'tables'") and "joined=['tables/joined_0.csv']" in code
    report = tmp_path / "report"
    joined = report / "tables" / "joined_0.csv"
    again = analyse("00", report / "tables", report / "map.toml", sims=0, joined=joined)
    assert again.found.estimates.equals(own.found.estimates)


def test_purchases_one_by_one(tmp_path):
    base = Company("claim", customers=300, months=24, seed=6).simulate(keep=["orders"])
    tables = market_tables(base.tables)
    folder, _ = through(tables, "fxiaoke", tmp_path)
    orders = tables["orders"]
    first = orders.groupby("customer_id")["time"].transform("min")
    years = (orders["time"] - first).dt.total_seconds() / 86_400 / 365.25
    frame = pd.DataFrame({"customer": orders["customer_id"], "tenure": years, "amount": orders["amount"]})
    until = (orders["time"].max().normalize() + pd.Timedelta(days=1)).date()
    own = analyse("11", folder, sims=0, rules={"until": until}, hypotheses=["H2"])
    direct = analyse("11", {"purchases": frame}, sims=0, hypotheses=["H2"])
    same(own, direct.found.estimates, ["H2"])


@pytest.mark.parametrize("system", SYSTEMS)
def test_value_tiers_with_margin_costs_and_the_lot(system, tmp_path):
    design = design_of("12").replace(n_customers=800)
    cohort = design.simulate(3)
    frame = cohort["customers"].round(2)
    who = ids("C", frame.index)
    years = [f"contribution_{each}" for each in (1, 2, 3)]
    days = np.repeat(["2021-04-04", "2022-05-05", "2023-06-06"], len(who))
    sales = np.concatenate([frame[each] for each in years]) * 2  # a margin of one half
    tables = {"customers": customers_of(who), "orders": orders_of(who * 3, days, sales)}
    folder, _ = through(tables, system, tmp_path)
    lot = pd.DataFrame(
        {"customer_id": who, "served": frame["served"], "chance": cohort["customers"]["chance"]}
    )
    rules = {"until": UNTIL.date(), "since": "2021-01-01", "margin": 0.5}
    costs = {name: float(frame[name].iloc[0]) for name in ("full_cost", "avoidable_cost")}
    own = analyse("12", folder, sims=0, rules=rules | costs, joined={"lot": lot})
    same(own, design.test(cohort), ["H1", "H2", "H3", "H4", "H5"], rtol=2e-3)


def test_late_entry_with_days_of_leaving_joined(tmp_path):
    design = design_of("13")
    frame = design.simulate(3)["records"].head(1500)
    who, month = ids("C", frame.index), 365.25 / 12
    until = pd.Timestamp("2023-12-31")
    begin = until - pd.Timedelta(days=2000)
    days = (frame["tenure"] * month).round().clip(lower=1)
    entry = np.minimum((frame["tenure_at_entry"] * month).round(), days - 1).clip(lower=0)
    late = entry == 0
    created = begin - pd.to_timedelta(entry, "D") + pd.to_timedelta(np.where(late, 1, 0), "D")
    ended = (created + pd.to_timedelta(days, "D")).where(frame["left"] > 0)
    created = created.where(frame["left"] > 0, until - pd.to_timedelta(days, "D"))
    own_entry = ((begin - created).dt.days / month).clip(lower=0)
    tables = {
        "customers": customers_of(who).assign(
            created=created.to_numpy(), referrer_id=np.where(frame["referred"] > 0, "C0000001", None)
        ),
        "orders": orders_of(["C0000001", "C0000002"], ["2023-12-30", "2023-12-29"], 5.0),
    }
    folder, _ = through(tables, "salesforce", tmp_path)
    gone = pd.DataFrame({"customer_id": who, "离开日期": ended.dt.strftime("%Y-%m-%d")})
    rules = {"until": until.date(), "since": "2023-12-01", "records_begin": begin.date()}
    own = analyse("13", folder, sims=0, rules=rules, joined={"gone": gone}, hypotheses=["H3"])
    direct = frame.assign(tenure=days / month, tenure_at_entry=own_entry)
    held = analyse("13", {"records": direct}, sims=0, hypotheses=["H3"]).found.estimates
    same(own, held, ["H3"])


@pytest.mark.parametrize("system", SYSTEMS)
def test_quarterly_sales_of_branches_with_starts_joined(system, tmp_path):
    design = design_of("18")
    cohort = design.simulate(3)
    frame = cohort["quarters"]
    branch = ids("B", frame["branch"])
    amounts = (5000 + 300 * frame["sales"]).round(2)
    quarters = [
        UNTIL - pd.DateOffset(months=24) + pd.DateOffset(months=3 * (q - 1), days=9) for q in frame["quarter"]
    ]
    names = sorted(set(branch))
    tables = {
        "customers": customers_of([f"C{each}" for each in names], branch=names),
        "orders": orders_of([f"C{each}" for each in branch], quarters, amounts),
    }
    folder, _ = through(tables, system, tmp_path)
    first = frame.groupby("branch")["start"].first()
    starts = [
        (UNTIL - pd.DateOffset(months=24 - 3 * (each - 1))).strftime("%Y-%m-%d") if each else ""
        for each in first
    ]
    when = pd.DataFrame({"branch": ids("B", first.index), "start": starts})
    rules = {"until": UNTIL.date(), "since": "2022-01-01"}
    own = analyse("18", folder, sims=0, rules=rules, joined={"starts": when}, hypotheses=["H1"])
    levels = frame[frame["quarter"] < first[first > 0].min()].groupby("branch")["sales"].mean()
    same(own, design.test(cohort), ["H1"], rtol=1e-4, scale=levels.std())


def test_orders_of_a_quarter_with_complaints(tmp_path):
    design = design_of("17")
    frame = design.simulate(3)["files"].head(2000)
    who = ids("C", frame.index)
    again = np.array(who)[frame["repurchased"].to_numpy() > 0]
    spoke = frame[frame["complained"] > 0]
    tables = {
        "customers": customers_of(who),
        "orders": orders_of([*who, *again], ["2023-08-08"] * len(who) + ["2023-11-11"] * len(again), 20.0),
        "cases": pd.DataFrame(
            {
                "id": ids("K", spoke.index),
                "customer_id": ids("C", spoke.index),
                "type": "Complaint",
                "status": np.where(spoke["redressed"] > 0, "Refunded", "Closed"),
                "opened": pd.Timestamp("2023-08-20"),
            }
        ),
    }
    folder, _ = through(tables, "hubspot", tmp_path)
    survey = pd.DataFrame({"customer_id": who, "失败": frame["failed"], "满意度": frame["satisfaction"]})
    rules = {"until": UNTIL.date(), "since": "2023-01-01", "redressed": "refunded"}
    said = {"files": {"columns": {"failed": "失败", "satisfaction": "满意度"}}}
    own = analyse("17", folder, said, sims=0, rules=rules, joined={"survey": survey})
    direct = analyse("17", {"files": frame}, sims=0)
    same(own, direct.found.estimates, ["H4", "H5", "H6"])
    assert own.prepared.rows == {"files": (2000, 2000)}


def test_a_survey_with_spend_of_four_quarters(loyal, tmp_path):
    who = ids("C", loyal.index)
    quarters = [f"spend_q{each}" for each in (1, 2, 3, 4)]
    loyal = loyal.assign(**{name: (loyal[name] * 100).round(2) for name in quarters})
    days = np.repeat(["2023-01-02", "2023-05-05", "2023-08-08", "2023-12-12"], len(who))
    created = np.where(loyal["veteran"] > 0, "2015-01-01", "2021-01-01")
    tables = {
        "customers": customers_of(who).assign(created=pd.to_datetime(created)),
        "orders": orders_of(who * 4, days, np.concatenate([loyal[each] for each in quarters])),
    }
    folder, _ = through(tables, "fxiaoke", tmp_path)
    survey = loyal.drop(columns=[*quarters, "veteran"]).assign(customer_id=who)
    rules = {"until": UNTIL.date(), "since": "2023-01-01"}
    own = analyse("09", folder, sims=0, rules=rules, joined={"survey": survey})
    same(own, analyse("09", loyal, sims=0).found.estimates, ["H1", "H2", "H3", "H4"], rtol=1e-6)


def test_what_followed_a_mailing_a_survey_and_a_portal(tmp_path):
    """Of lessons 02, 05 and 06: spend, whether somebody bought, how many orders there were."""
    rules = {"start": "2023-07-01", "since": "2022-01-01", "until": UNTIL.date()}
    mailing = (
        design_of("02")
        .replace(n_customers=600)
        .simulate(3)["customers"]
        .assign(spend=lambda held: held["spend"].round(2))
    )
    who = ids("C", mailing.index)
    folder, _ = through(
        {
            "customers": customers_of(who),
            "orders": orders_of(who, ["2023-08-01"] * len(who), mailing["spend"]),
        },
        "zoho",
        tmp_path / "02",
    )
    own = analyse(
        "02",
        folder,
        sims=0,
        rules=rules,
        joined={"list": mailing.drop(columns="spend").assign(customer_id=who)},
    )
    same(own, analyse("02", {"customers": mailing}, sims=0).found.estimates, ["H1", "H2", "H3"])

    survey = design_of("05").replace(n_customers=400).simulate(3)["survey"]
    who = ids("C", survey.index)
    bought = np.array(who)[survey["bought"].to_numpy() > 0]
    folder, _ = through(
        {"customers": customers_of(who), "orders": orders_of(bought, ["2023-09-09"] * len(bought), 9.0)},
        "fxiaoke",
        tmp_path / "05",
    )
    own = analyse(
        "05",
        folder,
        sims=0,
        rules=rules,
        joined={"asked": survey.drop(columns="bought").assign(customer_id=who)},
    )
    same(own, analyse("05", {"survey": survey}, sims=0).found.estimates, ["H2"])

    portal = design_of("06").simulate(3)["orders"].head(300)
    count = np.exp(portal["log_orders"]).round().clip(lower=1).astype(int)
    portal = portal.assign(log_orders=np.log(count))
    who = ids("C", portal.index)
    days = pd.Timestamp("2023-07-01") + pd.to_timedelta(
        np.concatenate([np.arange(each) for each in count]) % 180, "D"
    )
    folder, _ = through(
        {"customers": customers_of(who), "orders": orders_of(np.repeat(who, count), days, 9.0)},
        "hubspot",
        tmp_path / "06",
    )
    times = portal.drop(columns="log_orders").assign(customer_id=who)
    own = analyse("06", folder, sims=0, rules=rules | {"after": 6}, joined={"times": times})
    same(own, analyse("06", {"orders": portal}, sims=0).found.estimates, ["H2"])
