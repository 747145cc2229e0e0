"""From a log to a summary: the published one, lifetimes', a slow one in pandas, a rule for every row."""

import subprocess
import sys
import warnings

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmlab.data import (
    DataQualityWarning,
    customer_summary,
    load_cdnow_log,
    load_cdnow_sample,
    load_cdnow_summary,
    quality_report,
    queries,
)
from crmlab.data.logs import Log
from crmlab.data.rules import rules_for
from crmlab.data.summary import tally
from crmlab.errors import InputError

COLUMNS = ["frequency", "recency", "T", "monetary_value"]


@pytest.fixture(scope="module")
def messy():
    """A log with every trouble, of 120 customers in two years."""
    generator = np.random.default_rng(3)
    n = 1500
    log = pd.DataFrame(
        {
            "customer": generator.integers(1, 120, n),
            "when": pd.Timestamp("2022-01-03")
            + pd.to_timedelta(generator.integers(0, 730 * 24, n), unit="h"),
            "paid": generator.gamma(2, 20, n).round(2),
            "note": "x",
        }
    )
    log.loc[generator.random(n) < 0.05, "paid"] *= -1
    log.loc[generator.random(n) < 0.05, "paid"] = 0.0
    log = pd.concat([log, log.sample(50, random_state=1)], ignore_index=True)
    log["customer"] = log["customer"].astype("Int64").mask(generator.random(len(log)) < 0.01)
    log["when"] = log["when"].mask(generator.random(len(log)) < 0.01)
    log["paid"] = log["paid"].mask(generator.random(len(log)) < 0.01)
    return log


def oracle(log, end, split=None, unit=7.0, **rules):
    """The rules again, a customer at a time."""
    end, split = pd.Timestamp(end), pd.Timestamp(split or end)
    log = log.dropna(subset=["customer", "when"]).assign(day=lambda table: table["when"].dt.normalize())
    log = log[log["day"] <= end]
    if rules.get("duplicates") == "drop":
        log = log.drop_duplicates(["customer", "when", "paid"])
    if rules.get("zeros") == "ignore":
        log = log[log["paid"] != 0]
    rows = {}
    for customer, own in log.groupby("customer"):
        parts = []
        for period in (own[own["day"] <= split], own[own["day"] > split]):
            amounts, known = {}, {}
            for day, of_day in period.sort_values("day", kind="stable").groupby("day"):
                bought = of_day[~(of_day["paid"] < 0)]
                back = of_day[of_day["paid"] < 0]
                if len(bought):
                    amounts[day], known[day] = bought["paid"].sum(), bought["paid"].notna().any()
                if len(back) and rules.get("refunds") != "ignore" and amounts:
                    amounts[max(amounts)] += back["paid"].sum() * known[max(amounts)]
            parts.append((amounts, known))
        (amounts, known), (later, later_known) = parts
        if not amounts:
            continue
        first, repeats = min(amounts), sorted(amounts)[1:]

        def mean(days, money, sure):
            return np.sum([money[d] for d in days]) / max(sum(sure[d] for d in days), 1)

        rows[customer] = {
            "frequency": len(repeats),
            "recency": (max(amounts) - first).days / unit,
            "T": (split - first).days / unit,
            "monetary_value": mean(repeats, amounts, known),
            "frequency_holdout": len(later),
            "monetary_value_holdout": mean(sorted(later), later, later_known),
            "duration_holdout": (end - split).days / unit,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def summarised(log, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        return customer_summary(log, "customer", "when", "paid", **options)


def same(ours, theirs):
    assert list(ours.index) == sorted(theirs.index)
    pd.testing.assert_frame_equal(
        ours.reset_index(drop=True),
        theirs.sort_index()[list(ours)].reset_index(drop=True),
        check_dtype=False,
        rtol=1e-9,
        atol=1e-8,
    )


# -- against others ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"refunds": "ignore"},
        {"zeros": "ignore"},
        {"duplicates": "drop"},
        {"duplicates": "drop", "refunds": "ignore", "zeros": "ignore"},
    ],
)
@pytest.mark.parametrize("split", [None, "2023-03-31"])
def test_the_rules_against_a_slow_reading_of_them(messy, rules, split):
    ours = summarised(messy, observation_end="2023-11-30", calibration_end=split, **rules)
    same(ours, oracle(messy, "2023-11-30", split, **rules))


@pytest.mark.parametrize("split", [None, "2023-03-31"])
@pytest.mark.parametrize("merge", ["day", "unit"])
def test_log_intervals_against_a_slow_sum_of_them(messy, split, merge):
    """Sums of logarithms of the times between purchases, of the calibration period."""
    usable = messy.dropna(subset=["customer", "when"])
    usable = usable[~(usable["paid"] < 0)]
    options = dict(
        amount=None, observation_end="2023-12-15", calibration_end=split, merge=merge, intervals=True
    )
    found = customer_summary(usable, "customer", "when", **options)
    monday = usable["when"].dt.normalize() - pd.to_timedelta(usable["when"].dt.day_of_week, unit="D")
    moment = usable["when"].dt.normalize() if merge == "day" else monday
    kept = usable["when"].dt.normalize() <= pd.Timestamp(split or "2023-12-15")
    for customer, times in moment[kept].groupby(usable["customer"][kept]):
        gaps = np.diff(np.unique(times)) / np.timedelta64(7, "D")
        assert found.loc[customer, "log_intervals"] == pytest.approx(np.log(gaps).sum(), abs=1e-7)
    assert (found["log_intervals"][found["frequency"] == 0] == 0).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        netted = customer_summary(messy, "customer", "when", **options | {"amount": "paid"})
    assert netted["log_intervals"].equals(found["log_intervals"])  # refunds are no purchases


@pytest.mark.parametrize("rules", [{}, {"refunds": "ignore"}, {"zeros": "ignore"}])
def test_every_row_is_accounted_for(messy, rules):
    for split in (None, "2023-03-31"):
        summary = summarised(messy, observation_end="2023-11-30", calibration_end=split, **rules)
        report = summary.attrs["report"]
        rows = {entry["rule"]: entry["rows"] for entry in report}
        kept = [entry for entry in report if entry["done"].startswith("left out")]
        assert rows["Rows read"] == len(messy)
        both = int((messy["customer"].isna() & messy["when"].isna()).sum())  # in two lines of the report
        asked = {"refunds": "Refunds (amount below 0)", "zeros": "Amount 0"}
        refunds = sum(entry["rows"] for entry in kept if entry["rule"] in asked.values())
        usable = messy.dropna(subset=["customer", "when"])
        within = usable[usable["when"] < "2023-12-01"]
        if refunds:  # of these the report counts all in the log, also those left out for another reason
            lost = {"refunds": within["paid"] < 0, "zeros": within["paid"] == 0}[next(iter(rules))].sum()
        else:
            lost = 0
        others = sum(entry["rows"] for entry in kept) - refunds
        assert rows["Rows used"] == len(messy) - others + both - lost


@pytest.mark.parametrize("unit, frequency", [("D", "D"), ("W", "W")])
def test_lifetimes_agrees(unit, frequency):
    from lifetimes.utils import summary_data_from_transaction_data

    log = load_cdnow_log().head(20_000)
    theirs = summary_data_from_transaction_data(
        log, "customer_id", "date", "amount", freq=frequency, observation_period_end="1998-03-29"
    )
    ours = customer_summary(
        log, observation_end="1998-03-29", time_unit=unit, merge="unit"
    )  # a Sunday: lifetimes ends with the week
    assert (ours.index == theirs.index).all()
    np.testing.assert_allclose(ours[COLUMNS], theirs[COLUMNS], rtol=1e-12, atol=1e-12)


def test_lifetimes_agrees_on_the_holdout():
    from lifetimes.utils import calibration_and_holdout_data

    log = load_cdnow_log().head(20_000)
    theirs = calibration_and_holdout_data(
        log, "customer_id", "date", "1997-12-31", "1998-06-30", freq="D", monetary_value_col="amount"
    )
    ours = customer_summary(log, observation_end="1998-06-30", calibration_end="1997-12-31", time_unit="D")
    pairs = {
        "frequency": "frequency_cal",
        "recency": "recency_cal",
        "T": "T_cal",
        "monetary_value": "monetary_value_cal",
        "frequency_holdout": "frequency_holdout",
        "duration_holdout": "duration_holdout",
    }
    ours = ours.loc[theirs.index]
    for name, other in pairs.items():
        np.testing.assert_allclose(ours[name], theirs[other], rtol=1e-12, atol=1e-12, err_msg=name)


def test_the_published_summary():
    published = load_cdnow_summary()
    ours = customer_summary(load_cdnow_sample(), observation_end="1998-06-30", calibration_end="1997-09-30")
    assert len(ours) == 2357 and (ours.index == published.index).all()
    assert (ours["frequency"] == published["frequency"]).all()
    for name in COLUMNS[1:]:
        assert np.abs(ours[name] - published[name]).max() <= 0.0051, name  # printed to hundredths


# -- one rule at a time --------------------------------------------------------------------------------------


@pytest.fixture
def few():
    return pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "a", "a", "b", "c", "d"],
            "date": [
                "2024-01-10",
                "2024-01-01 09:00",
                "2024-01-01 17:00",
                "2024-01-10",
                "2024-03-01",
                "2024-01-04",
                "2024-02-20",
                "2024-06-01",
            ],
            "amount": [10, 5, 6, 20, 40, 7, 9, 1],
        }
    )


def test_days_merge_and_periods_part(few):
    table = customer_summary(few, observation_end="2024-03-31", calibration_end="2024-02-01", time_unit="D")
    assert [table[name].dtype.kind for name in table] == ["i", "f", "f", "f", "i", "f", "f"]
    assert list(table.index) == ["a", "b"] and table.index.name == "customer_id"  # c and d first bought later
    a, b = table.loc["a"], table.loc["b"]
    assert (a["frequency"], a["recency"], a["T"], a["monetary_value"]) == (1, 9, 31, 30)  # one day, 10 + 20
    assert (a["frequency_holdout"], a["monetary_value_holdout"], a["duration_holdout"]) == (1, 40, 59)
    assert (b["frequency"], b["recency"], b["T"], b["monetary_value"], b["frequency_holdout"]) == (
        0,
        0,
        28,
        0,
        0,
    )
    rows = {entry["rule"]: (entry["rows"], entry["done"]) for entry in table.attrs["report"]}
    assert rows["Of customers who first bought after calibration"] == (
        1,
        "left out: 1 customers, new after 2024-02-01",
    )
    assert rows["After the end of observation"][0] == 1 and rows["Rows used"] == (6, "make 4 purchases")


def test_order_and_defaults(few):
    whole = customer_summary(few, observation_end="2024-03-31")
    assert list(whole) == COLUMNS and whole.loc["a", "T"] == pytest.approx(90 / 7)
    pd.testing.assert_frame_equal(
        whole, customer_summary(few.sample(frac=1, random_state=1), observation_end="2024-03-31")
    )
    assert "monetary_value" not in customer_summary(few, amount=None, observation_end="2024-03-31")
    assert customer_summary(few).attrs["observation_end"] == "2024-06-01"  # the last day in the log


def test_refunds_do_not_reach_back_from_the_holdout():
    log = pd.DataFrame(
        {
            "customer_id": 1,
            "date": pd.to_datetime(
                ["2024-01-01", "2024-01-05", "2024-01-09", "2024-02-03", "2024-02-05", "2024-02-06"]
            ),
            "amount": [10.0, 50.0, -20.0, -5.0, 30.0, -10.0],
        }
    )
    with pytest.warns(DataQualityWarning, match="1 of 6 rows"):
        table = customer_summary(
            log, observation_end="2024-02-29", calibration_end="2024-01-31", time_unit="D"
        )
    row = table.loc[1]
    assert (row["frequency"], row["recency"], row["monetary_value"]) == (1, 4, 30)
    assert (row["frequency_holdout"], row["monetary_value_holdout"]) == (1, 20)
    rows = {entry["rule"]: entry["rows"] for entry in table.attrs["report"]}
    assert rows["Refunds (amount below 0)"] == 3 and rows["Refunds without a purchase before"] == 1
    with pytest.raises(InputError, match="'amount' of log is negative in 3 rows, the first being 2, 3, 5"):
        customer_summary(log, refunds="refuse")


def test_repeat_days_of_no_worth_have_exactly_none():
    log = pd.DataFrame(
        {"customer_id": 1, "date": pd.date_range("2024-01-01", periods=4), "amount": [0.1 + 0.2, 0, 0, 0]}
    )
    assert customer_summary(log)["monetary_value"].item() == 0


def test_duplicates_are_counted_by_the_time_not_by_the_day():
    log = pd.DataFrame(
        {
            "customer_id": [1] * 5,
            "amount": [5.0, 5.0, 5.0, 3.0, 3.0],
            "date": ["2024-01-01", "2024-01-02 09:00", "2024-01-02 17:00", "2024-01-03", "2024-01-03"],
        }
    )

    def rows(table):
        return {entry["rule"]: entry["rows"] for entry in table.attrs["report"]}

    kept, dropped = customer_summary(log), customer_summary(log, duplicates="drop")
    assert (
        rows(kept)["Alike in customer, time and amount"]
        == rows(dropped)["Alike in customer, time and amount"]
        == 1
    )
    assert kept["monetary_value"].item() == (10 + 6) / 2 and dropped["monetary_value"].item() == (10 + 3) / 2


def test_days_are_those_of_the_zone():
    late = pd.to_datetime(["2024-01-01 23:30", "2024-01-02 00:30", "2024-01-09 12:00"], utc=True)
    log = pd.DataFrame({"customer_id": 1, "date": late, "amount": 1.0})
    berlin = log.assign(date=late.tz_convert("Europe/Berlin"))

    def frequency(table, **options):
        return customer_summary(table, **options)["frequency"].item()

    assert frequency(log) == 2 and frequency(berlin) == 1  # a frame's own zone
    assert frequency(log, time_zone="Europe/Berlin") == 1 and frequency(berlin, time_zone="UTC") == 2
    text = log.assign(date=late.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert frequency(text) == 2 and frequency(text, time_zone="Europe/Berlin") == 1
    done = {
        entry["rule"]: entry["done"]
        for entry in customer_summary(text, time_zone="Europe/Berlin").attrs["report"]
    }
    assert done["Times with a zone"] == "days counted in Europe/Berlin"


@pytest.mark.parametrize(
    "dates, form",
    [
        (["31.01.2024", "05.02.2024"], "%d.%m.%Y"),
        ([20240131, 20240205], "%Y%m%d"),
        ([1706659200, 1707091200], "epoch seconds"),
        ([1706659200000, 1707091200000], "epoch milliseconds"),
    ],
)
def test_written_dates(tmp_path, dates, form):
    log = pd.DataFrame({"customer_id": 1, "date": dates, "amount": 1.0})
    log.to_csv(tmp_path / "log.csv", index=False)
    duckdb.execute("COPY log TO '{}'".format(tmp_path / "log.parquet")) if isinstance(dates[0], int) else None
    for source in [log, *sorted(tmp_path.iterdir())]:
        table = customer_summary(source, date_format=form, observation_end="2024-02-10", time_unit="D")
        assert (table["recency"].item(), table["T"].item()) == (5, 10), source
    with pytest.raises(InputError, match="date_format"):
        customer_summary(log)


# -- files ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(messy, tmp_path_factory):
    """The messy log as one CSV, one Parquet file, and folders of both."""
    folder = tmp_path_factory.mktemp("log")
    messy.to_csv(folder / "log.csv", index=False)
    plain = messy.assign(customer=messy["customer"].astype(float), note=1)
    duckdb.execute(f"COPY plain TO '{folder / 'log.parquet'}'")
    for kind in ("csvs", "parquets"):
        (folder / kind).mkdir()
    for number in range(3):
        part = plain.iloc[number::3]
        duckdb.execute(f"COPY part TO '{folder / 'parquets' / f'{number}.parquet'}'")
        messy.iloc[number::3].to_csv(folder / "csvs" / f"{number}.csv", index=False)
    return folder


@pytest.mark.parametrize("name", ["log.csv", "log.parquet", "csvs", "parquets", "parquets/*.parquet"])
def test_files_and_frames_give_the_same(messy, files, name):
    options = dict(observation_end="2023-11-30", calibration_end="2023-03-31")
    expected, found = summarised(messy, **options), summarised(files / name, **options)
    assert [entry["rows"] for entry in found.attrs["report"]] == [
        entry["rows"] for entry in expected.attrs["report"]
    ]
    pd.testing.assert_frame_equal(found, expected, check_index_type=False)


def test_in_parts_and_in_little_memory_the_same(messy, files, monkeypatch):
    options = dict(observation_end="2023-11-30", calibration_end="2023-03-31")
    expected = summarised(messy, **options)
    monkeypatch.setattr("crmlab.data.logs.log.ROWS_A_BUCKET", 10)
    for source in (messy, files / "log.csv"):
        for threads in (1, 2):
            found = summarised(source, memory_limit="100MB", threads=threads, **options)
            assert found.attrs["report"] == expected.attrs["report"]
            pd.testing.assert_frame_equal(found, expected, check_index_type=False)


def test_ids_keep_their_kind(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("customer_id,date,amount\n007,2024-01-01,1\n7,2024-01-02,1\n007,2024-01-02,1\n")
    assert list(customer_summary(path).index) == ["007", "7"]
    path.write_text("customer_id,date,amount\n10,2024-01-01,1\n9,2024-01-02,1\n")
    assert list(customer_summary(path).index) == [9, 10]
    mixed = pd.DataFrame({"customer_id": ["b", 1, "b"], "date": ["2024-01-01"] * 3, "amount": 1.0})
    assert list(customer_summary(mixed).index) == ["b", 1]
    category = mixed.assign(customer_id=pd.Categorical(["z", "y", "z"]))
    assert list(customer_summary(category).index) == ["y", "z"]


def test_temporary_files_are_removed(tmp_path, files, messy):
    summarised(files / "log.csv", temp_directory=tmp_path)
    with pytest.raises(InputError):
        summarised(messy, temp_directory=tmp_path, observation_end="1999-01-01")
    with pytest.raises(InputError):
        summarised(files / "log.csv", temp_directory=tmp_path, refunds="refuse")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("refunds", ["net", "ignore"])
@pytest.mark.parametrize("split", [None, "2023-03-31"])
def test_one_reading_gives_what_several_do(messy, split, refunds, monkeypatch):
    """Summaries of the whole time and of the periods, and repeat purchases by cohort and day."""
    options = {"observation_end": "2023-11-30", "refunds": refunds}
    monkeypatch.setattr("crmlab.data.logs.log.ROWS_A_BUCKET", 1)
    with Log(messy, "customer", "when", "paid") as log, warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        assert log.buckets > 1
        told = tally(log, rules_for(log, options["observation_end"], split, refunds=refunds))
    whole = summarised(messy, **options)
    pd.testing.assert_frame_equal(told.whole, whole, check_index_type=False)
    assert told.whole.attrs["report"] == whole.attrs["report"]
    early = summarised(messy, calibration_end=split, **options) if split else whole
    assert (told.early is None) == (split is None)
    if split:
        pd.testing.assert_frame_equal(told.early, early, check_index_type=False)
    bought = early["frequency"].sum() + (early["frequency_holdout"].sum() if split else 0)
    assert told.repeats["purchases"].sum() == bought
    assert (told.repeats["first"] < told.repeats["moment"]).all()


# -- bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, options, message",
    [
        (
            {"amount": [1.0, -5.0]},
            {"refunds": "refuse"},
            "'amount' of log is negative in 1 rows, the first being 1",
        ),
        ({"amount": [1.0, None]}, {"missing": "refuse"}, "'amount' of log is missing"),
        ({"amount": [1.0, "five"]}, {}, "'amount' of log is no number in 1 rows, the first being 1"),
        ({"amount": [1.0, np.inf]}, {}, "'amount' of log is no number"),
        (
            {"amount": ["1.0", "$5"]},
            {},
            "'amount' of log is no number .*; all can be read with currency='\\$'",
        ),
        ({"amount": ["1.0", "5 apples"]}, {}, "'amount' of log is no number .*; write amounts as 1234.56"),
        (
            {"date": ["2024-01-01", "soon"]},
            {},
            "'date' of log is no date in 1 rows, the first being 1; say by date_format",
        ),
        ({"date": ["2024-01-01", None]}, {"missing": "refuse"}, "'date' of log is missing"),
        ({"date": [20240101, 20240102]}, {}, "'date' of log holds numbers"),
        (
            {"customer_id": [1, None]},
            {"missing": "refuse"},
            "'customer_id' of log is missing in 1 rows, the first being 1",
        ),
        ({"customer_id": [None, None]}, {}, "none of its 2 rows has a date and a customer"),
        (
            {},
            {"amount": "money"},
            "unknown column 'money'; known: customer_id, date, amount; say by customer_id, date, amount",
        ),
        ({}, {"time_unit": "weeks"}, "time_unit is 'weeks'"),
        ({}, {"refunds": "never"}, "refunds is 'never'; give one of net, ignore, refuse"),
        ({}, {"observation_end": "1999-01-01"}, "holds no purchase up to 1999-01-01"),
        ({}, {"observation_end": "never"}, "observation_end is 'never'"),
        ({}, {"calibration_end": "2025-01-01"}, "is not before observation_end"),
        ({}, {"memory_limit": "plenty"}, "memory_limit 'plenty'"),
    ],
)
@pytest.mark.filterwarnings("ignore::crmlab.data.DataQualityWarning")
def test_bad_input_is_refused(change, options, message):
    log = pd.DataFrame(
        {"customer_id": [1, 2], "date": ["2024-01-01", "2024-01-02"], "amount": [3.0, 4.0]} | change
    )
    with pytest.raises(InputError, match=message):
        customer_summary(log, **{"observation_end": "2024-02-01"} | options)


def test_bad_rows_of_files_are_shown(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("customer_id,date,amount\n1,2024-01-01,5\n2,soon,6\n3,2024-01-02,x\n")
    with pytest.raises(InputError, match=r"row 2 \(customer_id '2', date 'soon', amount '6'\)"):
        customer_summary(path)
    with pytest.warns(DataQualityWarning):
        table = customer_summary(path, unreadable="ignore")
    assert list(table.index) == [1, 3]
    path.write_text("customer_id,date,amount\n1,2024-01-01,5\n")
    (tmp_path / "more.csv").write_text("customer_id,date,amount\n4,2024-01-01,five\n")
    with pytest.raises(InputError, match="in more.csv .*'five'"):
        customer_summary(tmp_path)


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("none.csv", None, "is not there"),
        ("log.sav", "x", r"must be Parquet \(.parquet\), text"),
        ("log.xlsx", "x", "no spreadsheet that can be read"),
        ("log.zip", "x", "no archive that can be read"),
        ("log.parquet", "not parquet", "cannot be read"),
        ("log.csv", "", "log.csv' is empty; its first line must name the columns"),
        (
            "log.csv",
            "customer_id,date,amount\n1,2024-01-01,5\n2,2024-01-02,5,7\n",
            "Line: 3: Original Line: 2,2024-01-02,5,7, Expected Number of Columns: 3 Found: 4; repair",
        ),
        (
            "log.csv",
            "customer_id;date;amount\n1;2024-01-01;5\n2;2024-01-02\n",
            "Line: 3: Original Line: 2;2024-01-02, Expected Number",
        ),
        (
            "log.csv",
            "customer_id,date,amount\n1,2024-01-01,5\nM\xfcller,2024-01-02,5\n".encode("latin-1"),
            "line 3 read as latin-1 is 'Müller,2024-01-02,5'; say by encoding how it is written",
        ),
        ("log.csv", "a;b\n1;2\n", "unknown column"),
        ("log.csv", "customer_id,date,amount\n", "none of its 0 rows"),
    ],
)
def test_bad_files_are_refused(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message):
        customer_summary(tmp_path / name)


def test_text_files_may_differ_in_columns_and_hold_any_id(tmp_path):
    """A further column in one of the files, another order, another delimiter; ids that look like comments."""
    (tmp_path / "a.csv").write_text("customer_id,date,amount\n#1,2024-01-01,5\n#1,2024-02-01,6\n")
    (tmp_path / "b.csv").write_text("amount;note;date;customer_id\n7;x;2024-01-01;#2\n8;y;2024-02-01;#1\n")
    table = customer_summary(tmp_path)
    assert table["frequency"].to_dict() == {"#1": 1, "#2": 0}
    assert table["monetary_value"].to_dict() == {"#1": 14.0, "#2": 0.0}
    assert quality_report(table)["rows"].iloc[[0, -1]].tolist() == [4, 4]
    (tmp_path / "empty.csv").write_text("")  # a part without rows
    assert len(customer_summary(tmp_path)) == 2
    (tmp_path / "c.csv").write_text("customer_id,day,amount\n3,2024-01-01,5\n")
    with pytest.raises(InputError, match=r"unknown column 'date'; .* \(in c.csv\)"):
        customer_summary(tmp_path)


def test_odd_sources_are_refused(tmp_path):
    with pytest.raises(InputError, match="log is a list"):
        customer_summary([1, 2])
    with pytest.raises(InputError, match="without .parquet, .csv"):
        customer_summary(tmp_path)
    with pytest.raises(InputError, match="has no report"):
        quality_report(pd.DataFrame())


# -- elsewhere -----------------------------------------------------------------------------------------------


def test_the_query_is_there_to_take_away(messy):
    with Log(messy, "customer", "when", "paid") as log:
        query = queries.summary_query(rules_for(log, "2023-11-30"))
    assert query.count("FROM log") == 1 and "GROUP BY customer" in query


@pytest.mark.parametrize("split", [None, "2023-03-31"])
def test_rules_that_hold_whatever_the_amounts_are(messy, split):
    """Those that the module shows for other engines: no row has to be looked at before."""

    def day(text):
        return None if text is None else pd.Timestamp(text).date()

    rules = queries.Rules(day("2023-11-30"), day(split), net_refunds=True, all_known=False)
    for log in (messy, messy[messy["paid"] > 0]):
        expected = summarised(log, observation_end="2023-11-30", calibration_end=split)
        rows = log.dropna(subset=["customer", "when"])
        table = pd.DataFrame(
            {
                "customer": rows["customer"].astype(int),
                "day": rows["when"].dt.date,
                "amount": rows["paid"].astype(object).where(rows["paid"].notna(), None),
            }
        )
        with duckdb.connect() as connection:
            connection.execute("CREATE MACRO unix_date(day) AS day - DATE '1970-01-01'")
            connection.register("given", table)
            connection.execute(
                "CREATE TABLE log AS SELECT customer, CAST(day AS DATE) AS day, "
                "CAST(amount AS DOUBLE) AS amount FROM given"
            )
            found = connection.execute(queries.summary_query(rules)).df().set_index("customer").sort_index()
        columns = [name for name in expected if name != "duration_holdout"]
        np.testing.assert_allclose(found[columns].astype(float), expected[columns], rtol=1e-12, atol=1e-12)


def test_memory_is_bounded(tmp_path):
    """Two million rows of 600,000 customers, some 250 MB as DuckDB counts them, with 100 MB."""
    duckdb.execute(
        "COPY (SELECT hash(i) % 600000 AS customer_id, "
        "DATE '2024-01-01' + CAST(hash(i + 7) % 700 AS INT) AS date, "
        f"CAST(hash(i + 9) % 9999 AS DOUBLE) / 100 AS amount "
        f"FROM range(2000000) AS t(i)) TO '{tmp_path / 'log.parquet'}'"
    )
    code = (
        "import resource, sys\nfrom crmlab.data import customer_summary\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "table = customer_summary(sys.argv[1], memory_limit='100MB', threads=2, progress=False)\n"
        "print(len(table), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "log.parquet")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    customers, megabytes = map(int, done.stdout.split())
    assert customers > 500_000 and megabytes < 300
