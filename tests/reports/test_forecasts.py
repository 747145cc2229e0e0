"""Totals and their intervals, futures, what a forecast misses, what a reader is told first."""

import numpy as np
import pandas as pd
import pytest

from crmlab.data import load_cdnow_sample
from crmlab.data.logs import Log, doubts
from crmlab.errors import InputError
from crmlab.mechanisms.purchases import bg_nbd, mbg_cnbd
from crmlab.models.btyd import BGNBD, ModifiedBGCNBD, ModifiedBGNBD, ParetoNBD
from crmlab.reports import customer_report, forecasts, misses, segments
from crmlab.reports.pages import checked
from crmlab.reports.telling import Money, story

MODELS = {
    "bg": BGNBD.from_params(r=0.5, alpha=40.0, a=0.8, b=2.5),
    "mbg": ModifiedBGNBD.from_params(r=0.5, alpha=4.0, a=0.8, b=2.5),
    "pareto": ParetoNBD.from_params(r=0.6, alpha=20.0, s=0.7, beta=90.0),
    "regular": ModifiedBGCNBD.from_params(k=3, r=0.8, alpha=12.0, a=0.4, b=2.5),
}


# -- forecasts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("horizon", [4.0, 365.0])
def test_futures_between_points_are_those_at_them(name, horizon):
    """Interpolated over many times observed, against asking the model customer by customer."""
    model = MODELS[name]
    generator = np.random.default_rng(1)
    n = 4000
    T = generator.integers(0, 900, n).astype(float)
    x = np.where(T > 0, generator.integers(0, 4, n), 0)
    summary = pd.DataFrame({"frequency": x, "recency": np.where(x > 0, T * generator.random(n), 0.0), "T": T})
    found = forecasts.forecast(model, summary, horizon, 0.0003)
    some = summary.iloc[::40]
    history = some["frequency"], some["recency"], some["T"]
    expected = model.conditional_expected_purchases(horizon, *history)
    np.testing.assert_allclose(found["expected_purchases"].iloc[::40], expected, rtol=1e-8)
    value = model.customer_lifetime_value(horizon, 0.0003, *history, 1.0)
    np.testing.assert_allclose(found["discounted_purchases"].iloc[::40], value, rtol=1e-8)


@pytest.mark.parametrize("name", MODELS)
def test_drawn_futures_are_those_that_the_model_expects(name):
    model, n = MODELS[name], 200_000
    for x, t_x, T in ((0, 0.0, 50.0), (3, 40.0, 50.0), (10, 35.0, 50.0)):
        history = tuple(np.full(n, float(each)) for each in (x, t_x, T))
        alive, bought = forecasts.drawn_futures(model, history, 30.0, np.random.default_rng(2))
        for drawn, mean in (
            (alive, model.probability_alive(x, t_x, T)),
            (bought, model.conditional_expected_purchases(30.0, x, t_x, T)),
        ):
            assert (
                abs(drawn.mean() - mean) < 4 * drawn.std() / np.sqrt(n) + 1 / n
            )  # what is rarer is not seen


def test_regular_purchases_are_seen_and_told():
    """A model of regular times stands in the comparison, and is best; not where times are irregular."""
    true = {"k": 3, "r": 2.0, "alpha": 20.0, "a": 0.4, "b": 2.5}
    log = mbg_cnbd(1500, 500.0, **true, seed=3, grain=1.0).log("2024-12-31", time_unit="D")
    options = dict(amount=None, time_unit="D", horizon=100, calibration_end="2024-08-31")
    report = customer_report(log, "mbgcnbd", **options)
    assert report.comparison.best.name == report.model.name == "MBG/CNBD-3"
    assert report.comparison.best_in_holdout.key == "mbgcnbd"
    assert "Erlang-3" in " ".join(story(report.model, "D")) and "log_intervals" not in report.customers
    assert not report.holdout.missed
    asked = [report.customers[name] for name in ("frequency", "recency", "T")]
    expected = report.model.conditional_expected_purchases(100, *asked)
    np.testing.assert_allclose(report.customers["expected_purchases"], expected, rtol=1e-6)
    assert "mbgcnbd" not in {each.key for each in customer_report(load_cdnow_sample()).comparison.models}


def test_intervals_of_totals_hold_what_comes():
    """Of simulated futures, the next year's purchases lie in the interval in about 95 of 100 cases."""
    true = {"r": 0.5, "alpha": 40.0, "a": 0.8, "b": 2.5}
    inside = 0
    rounds = 60
    for seed in range(rounds):
        whole = bg_nbd(600, 500.0, **true, seed=seed, grain=1.0).log("2024-12-31", time_unit="D")
        day = pd.to_datetime(whole["date"])
        split = pd.Timestamp("2024-08-31")
        early = whole[day <= split]
        report = customer_report(early, amount=None, time_unit="D", horizon=122, observation_end=split)
        came = (day > split).sum()
        total = report.totals["expected_purchases"]
        inside += total.low <= came <= total.high
        assert total.parameters > 0 and total.chance > 0
    assert inside >= 0.95 * rounds - 3.5 * np.sqrt(0.95 * 0.05 * rounds), inside


def test_value_has_an_interval_too():
    report = customer_report(load_cdnow_sample())
    value = report.totals["value"]
    assert value.low < value.value < value.high
    assert value.value == pytest.approx(report.customers["value"].sum())
    assert report.customers["value"].is_monotonic_decreasing  # sorted
    assert 0.02 < value.chance / value.value < 0.1


# -- who is worth what ---------------------------------------------------------------------------------------


def test_deciles_and_gini_of_what_is_known():
    table = pd.DataFrame({"value": np.r_[np.zeros(90), np.full(10, 5.0)]})
    found = segments.deciles(table, "value")
    assert found.table["share"].tolist() == [1.0] + [0.0] * 9 and found.gini == pytest.approx(0.9)
    assert segments.deciles(table.assign(value=1.0), "value").gini == pytest.approx(0.0)


def test_groups_and_cohorts_add_up_to_all():
    report = customer_report(load_cdnow_sample())
    for table in (report.segments, report.cohorts):
        assert table["customers"].sum() == len(report.customers)
        assert table["value"].sum() == pytest.approx(report.totals["value"].value)
        assert table["expected_purchases"].sum() == pytest.approx(report.totals["expected_purchases"].value)
    assert [str(each) for each in report.cohorts.index] == ["1997-01", "1997-02", "1997-03"]
    never = report.segments.xs(0, level="often")
    assert (
        never["bought_to"].max() == 0
        and never["customers"].sum() == (report.customers["frequency"] == 0).sum()
    )


def test_retention_counts_each_purchase_at_its_age():
    births = pd.Series([3, 2], index=pd.to_datetime(["2024-01-05", "2024-02-01"]))
    first = [19727, 19727, 19754]  # 2024-01-05 and 2024-02-01 as days since 1970
    repeats = pd.DataFrame(
        {"first": first, "moment": [19727 + 30, 19727 + 31, 19754 + 1], "purchases": [3, 6, 4]}
    )
    table = segments.retention(repeats, births, np.datetime64("2024-03-20"), days=30)
    assert table.loc["2024-01"].tolist() == [1.0, 2.0] and table.loc["2024-02"].iloc[0] == 2.0
    assert np.isnan(table.loc["2024-02"].iloc[1])  # not seen for 60 days


# -- what a forecast missed ----------------------------------------------------------------------------------

ENDS = np.datetime64("2022-01-28") + 28 * np.arange(33)


def drawn(factor, seed=0, level=400.0):
    expected = level * np.linspace(1.5, 0.7, len(ENDS))
    return ENDS, np.random.default_rng(seed).poisson(expected * factor), expected


def test_nothing_is_seen_where_there_is_nothing():
    seen = [each.kind for seed in range(60) for each in misses.misses(*drawn(1.1, seed)) if each.seen]
    assert len(seen) <= 6  # of 180 tests at 1%; more than six has a chance of one in a hundred


@pytest.mark.parametrize("kind", ["season", "trend", "break"])
def test_what_was_put_in_comes_out_first(kind):
    months = pd.DatetimeIndex(ENDS - 14).month.to_numpy()
    factor = {
        "season": np.where(months >= 11, 1.6, 1.0),
        "trend": np.exp(np.linspace(-0.3, 0.3, len(ENDS))),
        "break": np.where(np.arange(len(ENDS)) < 20, 1.0, 1.35),
    }[kind]
    for seed in range(5):
        first = misses.misses(*drawn(factor, seed))[0]
        assert first.kind == kind and first.seen
        assert first.size == pytest.approx(
            {"season": 1.6, "trend": np.exp(0.6), "break": 1.35}[kind], rel=0.3
        )
        assert kind != "break" or abs((first.place - ENDS[19]).astype(int)) <= 28


def test_cohorts_that_differ_are_seen():
    table = pd.DataFrame({"made": [500, 700, 520], "expected": [510.0, 500.0, 515.0]}, index=list("abc"))
    found = misses.misses(*drawn(1.0), by_cohort=table)
    assert found[0].kind == "cohorts" and found[0].labels[np.argmax(found[0].factor)] == "b"
    same = misses.misses(*drawn(1.0), by_cohort=table.assign(made=[510, 505, 512]))
    assert not next(each for each in same if each.kind == "cohorts").seen


def test_a_page_shows_what_was_missed(tmp_path):
    base = bg_nbd(
        4000,
        np.random.default_rng(1).integers(700, 1000, 4000),
        r=0.8,
        alpha=40.0,
        a=0.3,
        b=3.0,
        seed=1,
        grain=1.0,
    )
    log = base.log("2024-12-31", time_unit="D")
    day = pd.to_datetime(log["date"])
    kept = (
        (day < "2024-04-01")
        | (np.random.default_rng(2).random(len(log)) < 0.6)
        | ~log["customer_id"].duplicated()
    )
    report = customer_report(
        log[kept], amount=None, time_unit="D", calibration_end="2024-02-29", out=tmp_path
    )
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert (
        report.misses[0].kind in ("break", "trend")
        and (tmp_path / "pictures" / f"miss_{report.misses[0].kind}.png").is_file()
    )
    assert "would" in text or "Calibrate on the time after it" in text
    found = next(each for each in report.misses if each.kind == "break")
    assert abs((found.place - np.datetime64("2024-03-31")).astype(int)) < 60


# -- before you trust this -----------------------------------------------------------------------------------


def base_log():
    return bg_nbd(300, 700.0, r=0.8, alpha=60.0, a=0.5, b=2.5, seed=3, grain=1.0).log(
        "2024-06-30", time_unit="D"
    )


def test_days_far_from_all_others_are_told():
    log = base_log()
    assert not told(log)
    odd = log.assign(date=log["date"].astype(str))
    odd.loc[3, "date"] = "2125-01-01"
    (note,) = told(odd)
    assert "dated 2125-01-01 or later" in note and "observation_end" in note
    report = customer_report(odd, amount=None, time_unit="D")
    mended = customer_report(odd, amount=None, time_unit="D", observation_end="2024-06-30")
    assert note in report.notes and not any("2125" in each for each in mended.notes)
    assert report.totals["expected_purchases"].value < 1 < mended.totals["expected_purchases"].value
    odd.loc[3, "date"] = "1970-01-01"
    assert "dated 1970-01-01 or earlier" in told(odd)[0]


def told(frame, **options):
    with Log(frame, **options) as log:
        return doubts.about(log)


def test_purchases_after_today_are_told():
    log = base_log()
    later = pd.Timestamp.now().normalize() + pd.Timedelta(days=5)
    dates = pd.to_datetime(log["date"])
    with Log(log.assign(date=dates + (later - dates.max()))) as held:
        (note,) = doubts.about(held)
    assert "dated after today" in note


def test_a_reseller_and_lost_rows_are_told():
    log = base_log()
    rows = pd.DataFrame(
        {"customer_id": "R", "date": pd.date_range("2023-01-01", periods=400), "amount": 5000.0}
    )
    log = pd.concat(
        [log.assign(amount=1.0, customer_id=log["customer_id"].astype(str)), rows], ignore_index=True
    )
    with Log(log, amount="amount") as held:
        found = " ".join(doubts.about(held))
    assert "Customer R makes" in found and "of all rows" in found and "of all money" in found
    log.loc[::2, "customer_id"] = None
    with Log(log, amount="amount") as held:
        assert "(50%) were left out (customer missing" in doubts.about(held)[0]


def test_who_never_bought_again_is_told():
    report = customer_report(load_cdnow_sample())
    (note,) = [each for each in report.notes if "never bought again is active for certain" in each]
    never = (report.summary["frequency"] == 0).sum()
    assert f"{never:,} of the" in note and "prefer it (model='mbgnbd')" in note
    assert report.comparison.best.name == "MBG/NBD"
    assert not any(
        "never bought again" in each for each in customer_report(load_cdnow_sample(), "mbgnbd").notes
    )


# -- the page ------------------------------------------------------------------------------------------------


def test_a_page_of_another_s_is_not_overwritten(tmp_path):
    (tmp_path / "index.html").write_text("<h1>My site</h1>", encoding="utf-8")
    with pytest.raises(InputError, match="holds index.html of no report of ours"):
        customer_report(load_cdnow_sample(), out=tmp_path)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "<h1>My site</h1>"
    (tmp_path / "index.html").unlink()
    (tmp_path / "customers.csv").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="holds customers.csv of no report of ours"):
        checked(tmp_path)
    (tmp_path / "customers.csv").unlink()
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    report = customer_report(load_cdnow_sample(), out=tmp_path)
    report.write(tmp_path)  # our own is


def test_stories_have_units_and_no_infinity():
    few = ParetoNBD.from_params(r=0.6, alpha=20.0, s=0.001, beta=90.0)
    text = " ".join(story(few, "D"))
    assert "inf" not in text and "times a day" in text and "cannot be told from never" in text
    assert "within 152 weeks" in " ".join(story(MODELS["pareto"], "W"))


@pytest.mark.parametrize(
    "currency, value, text",
    [("€", 1234.5, "€1,234"), ("CHF", 5.0, "5.00 CHF"), (None, 99.5, "99.50"), ("$", -3.0, "−$3.00")],
)
def test_money_in_a_currency(currency, value, text):
    assert Money(currency)(value) == text


def test_few_customers_on_many_cores(monkeypatch):
    """A log of three rows is no reason to fail, however many threads there are."""
    monkeypatch.setattr("crmlab.reports.forecasts.available_cores", lambda: 192)
    days = ["2005-01-02", "2005-09-06", "2006-01-18"]
    log = pd.DataFrame({"customer_id": 1, "date": days, "amount": [230.3, 84.39, 131.07]})
    report = customer_report(log)
    assert len(report.customers) == 1 and np.isfinite(report.customers["expected_purchases"]).all()
