"""From a log to a report: the published numbers, files that are whole, pages that can be read."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from crmlab.data import load_cdnow_sample
from crmlab.errors import InputError
from crmlab.mechanisms.purchases import bg_nbd, pareto_nbd
from crmlab.models.btyd import load_model
from crmlab.reports import customer_report
from crmlab.words import words

SPEND = dict(p=6.25, q=3.74, gamma=15.44)


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory):
    """The report on CDNOW, and the folder it was written to."""
    out = tmp_path_factory.mktemp("report") / "new" / "cdnow"
    return customer_report(
        load_cdnow_sample(), calibration_end="1997-09-30", horizon=39, discount_rate=0.15, out=out
    ), out


def test_the_holdout_check_is_on_the_published_fit(cdnow):
    report, _ = cdnow
    assert np.round(report.holdout.model.params_.to_numpy(), 3) == pytest.approx([0.243, 4.414, 0.793, 2.426])
    made = report.holdout.summary["frequency_holdout"]
    assert report.holdout.made == made.sum() == 1882
    history = (report.holdout.summary[name] for name in ("frequency", "recency", "T"))
    assert report.holdout.expected == pytest.approx(
        report.holdout.model.conditional_expected_purchases(39, *history).sum()
    )
    low, high = report.holdout.interval
    assert low < report.holdout.expected < high and report.holdout.error < report.holdout.error_of_repeating


def test_customers_have_what_the_models_say_of_each(cdnow):
    """The quick way, one future for each frequency and T, against asking the models customer by customer."""
    report, _ = cdnow
    some = report.customers.iloc[::7]
    history = some["frequency"], some["recency"], some["T"]
    np.testing.assert_allclose(some["probability_alive"], report.model.probability_alive(*history))
    np.testing.assert_allclose(
        some["expected_purchases"], report.model.conditional_expected_purchases(39, *history), rtol=1e-9
    )
    weekly = 1.15 ** (7 / 365.25) - 1
    usable = some["monetary_value"] > 0
    spend = report.spend.expected_spend(np.where(usable, some["frequency"], 0), some["monetary_value"])
    value = report.model.customer_lifetime_value(39, weekly, *history, spend)
    np.testing.assert_allclose(some["value"], value, rtol=1e-9)


def test_files(cdnow):
    report, out = cdnow
    assert sorted(path.name for path in out.iterdir()) == [
        "customers.csv",
        "index.html",
        "model.json",
        "parameters.json",
        "pictures",
        "spend.json",
    ]
    model, spend = (load_model(out / name) for name in ("model.json", "spend.json"))
    assert model.params_.equals(report.model.params_) and model.unit_ == "W"
    assert spend.params_.equals(report.spend.params_)
    table = pd.read_csv(out / "customers.csv", index_col="customer_id")
    pd.testing.assert_frame_equal(table, report.customers.round(6), check_dtype=False)
    data = json.loads((out / "parameters.json").read_text(encoding="utf-8"))
    assert data["model"]["parameters"]["r"]["estimate"] == report.model.params_["r"]
    assert data["totals"]["customers"] == 2357 and data["data"][0] == {
        "rule": "Rows read",
        "rows": 6919,
        "done": "from the log",
    }
    assert data["settings"]["calibration_end"] == "1997-09-30"


def test_the_page_can_be_read_offline_and_by_ear(cdnow):
    report, out = cdnow
    text = (out / "index.html").read_text(encoding="utf-8")
    page = BeautifulSoup(text, "html.parser")
    assert not re.search(r"(src|href)=\"(https?:)?//|@import|url\(http", text)
    assert page.html["lang"] == "en" and page.title.text and len(page.find_all("h1")) == 1
    pictures = page.find_all("img")
    assert len(pictures) == 8 + sum(each.seen for each in report.misses)
    for picture in pictures:
        assert (
            (out / picture["src"]).is_file()
            and len(picture["alt"]) > 40
            and picture["width"]
            and picture["height"]
        )
    for link in page.select("a[href^='#']"):
        assert page.find(id=link["href"][1:]) is not None
    for table in page.find_all("table"):
        assert table.find("th", scope="col") and table.find("th", scope="row")
    assert "1,882" in page.text and "nan" not in page.text.lower().split()
    first_choice = page.find(string=re.compile("Rows read")).find_parent("tr")
    assert first_choice.find("td").text == "6,919"


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_the_page_is_accessible(cdnow, assert_accessible, look):
    _, folder = cdnow
    assert_accessible(folder / "index.html", look)


def test_value_stands_first_among_the_best_customers(cdnow):
    """On a narrow screen the table is cut on the right: what it is in order of must not be."""
    _, out = cdnow
    head = (
        (out / "index.html")
        .read_text(encoding="utf-8")
        .split('<section aria-labelledby="best">')[1]
        .split("</thead>")[0]
    )
    columns = re.findall(r'<th scope="col">(.*?)</th>', head)
    assert columns[1].startswith(words("fit.column_value")) and len(columns) == 9


@pytest.mark.parametrize("model", ["mbgnbd", "paretonbd", "mbgcnbd"])
def test_other_models_without_holdout_and_money(model, tmp_path):
    base = pareto_nbd(
        600,
        np.random.default_rng(1).integers(100, 200, 600),
        r=0.6,
        alpha=20.0,
        s=0.7,
        beta=90.0,
        seed=1,
        grain=1.0,
    )
    log = base.log(observation_end="2024-06-30", time_unit="D")
    report = customer_report(log, model, amount=None, time_unit="D", horizon=40, out=tmp_path / "out")
    assert report.spend is None and report.holdout is None
    assert "value" not in report.customers and (report.customers["probability_alive"] <= 1).all()
    assert report.tracking.purchases.sum() == report.summary["frequency"].sum()  # to the last day
    assert (tmp_path / "out" / "index.html").is_file()


def test_tracking_counts_every_repeat_purchase_of_whole_weeks():
    base = bg_nbd(800, 364.0, r=0.5, alpha=30.0, a=0.8, b=2.5, seed=2, grain=1.0)
    report = customer_report(base.log(observation_end="2024-06-30", time_unit="D"), amount=None)
    assert report.tracking.purchases.sum() == base.frequency.sum() and len(report.tracking.purchases) == 52
    assert report.tracking.births[1].sum() == 800 and report.settings["horizon"] == 52


def test_one_customer_s_history_is_that_customer_s(cdnow):
    report, _ = cdnow
    customer, times = report.history
    own = report.summary.loc[customer]
    assert len(times) == own["frequency"] and times[-1] == pytest.approx(own["recency"])


def test_the_log_and_the_engine_agree_on_the_whole_way(tmp_path):
    """Simulated customers come back as they were, and their parameters within three standard errors."""
    true = dict(r=0.5, alpha=40.0, a=0.8, b=2.5)
    base = bg_nbd(
        4000, np.random.default_rng(1).integers(200, 400, 4000), **true, seed=5, grain=1.0, spend=SPEND
    )
    log = base.log(observation_end="2024-06-30", time_unit="D")
    log.sample(frac=1, random_state=1).to_csv(tmp_path / "log.csv", index=False)
    report = customer_report(tmp_path / "log.csv", time_unit="D", horizon=30)
    np.testing.assert_array_equal(report.summary["frequency"], base.frequency)
    np.testing.assert_array_equal(report.summary["recency"], base.recency)
    np.testing.assert_allclose(report.summary["monetary_value"], base.monetary_value, rtol=1e-7)
    for model, truth in ((report.model, true), (report.spend, SPEND)):
        for name, value in truth.items():
            assert (
                abs(np.log(model.params_[name] / value))
                < 3.5 * model.standard_errors_[name] / model.params_[name]
            ), name


def test_odd_money_is_said_not_hidden():
    log = bg_nbd(500, 300.0, r=0.5, alpha=40.0, a=0.8, b=2.5, seed=5, grain=1.0).log(
        observation_end="2024-06-30", time_unit="D"
    )
    report = customer_report(
        log.assign(amount=9.0, customer_id=log["customer_id"].astype(str)), duplicates="drop"
    )
    assert report.spend is None and any("could not be fitted" in note for note in report.notes)
    assert (report.customers["expected_spend"] == 9).all()


def test_a_failed_report_leaves_the_old_one(cdnow, tmp_path, monkeypatch):
    report, _ = cdnow
    report.write(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.setattr("crmlab.reports.pages._page", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        report.write(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "options, message",
    [
        ({"model": "arima"}, "unknown model 'arima'; known: bgnbd, mbgnbd, paretonbd, mbgcnbd"),
        ({"horizon": 0}, "horizon is 0"),
        ({"discount_rate": -0.1}, "discount_rate is -0.1"),
        ({"margin": np.nan}, "margin is nan"),
        ({"time_unit": "fortnight"}, "time_unit is 'fortnight'"),
        ({"merge": "unit"}, "unknown option 'merge'"),
        ({"amount": "money"}, "unknown column 'money'"),
    ],
)
def test_bad_options(options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        customer_report(load_cdnow_sample(), out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file; name a folder"):
        customer_report(load_cdnow_sample(), out=tmp_path / "file" / "report")


def test_nobody_bought_again():
    log = pd.DataFrame({"customer_id": range(5), "date": "2024-01-01", "amount": 1.0})
    with pytest.raises(InputError, match="nobody bought again"):
        customer_report(log, observation_end="2024-03-01")
