"""Reports in parts: the figures of the report in memory, also after an interruption, also from a summary."""

import json

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from crmlab.cli import main
from crmlab.data import SummaryParts, customer_summary
from crmlab.errors import InputError
from crmlab.mechanisms.purchases import bg_nbd
from crmlab.models.btyd import load_model
from crmlab.reports import customer_report, forecast_in_parts, parted, report_in_parts

SPEND = dict(p=6.25, q=3.74, gamma=15.44)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    base = bg_nbd(1500, 52.0, r=0.6, alpha=5.0, a=0.8, b=2.5, seed=4, spend=SPEND)
    path = tmp_path_factory.mktemp("log") / "log.csv"
    base.log(observation_end="2024-12-30").to_csv(path, index=False)
    return path


@pytest.fixture
def in_buckets(monkeypatch):
    monkeypatch.setattr("crmlab.data.logs.log.ROWS_A_BUCKET", 2.0)
    monkeypatch.setattr("crmlab.data.logs.log.MOST_BUCKETS", 5)


def test_the_figures_are_those_of_the_report_in_memory(log, in_buckets, tmp_path):
    ours, theirs = report_in_parts(log, out=tmp_path / "parts"), customer_report(log)
    np.testing.assert_allclose(ours.model.params_, theirs.model.params_, rtol=1e-6)
    np.testing.assert_allclose(ours.spend.params_, theirs.spend.params_, rtol=1e-6)
    assert (ours.size, ours.repeats) == (theirs.size, theirs.repeats)
    for name, total in theirs.totals.items():
        assert ours.totals[name].value == pytest.approx(total.value, rel=1e-6)
        assert ours.totals[name].parameters == pytest.approx(total.parameters, rel=1e-3)
        assert ours.totals[name].chance == pytest.approx(total.chance, rel=0.1)
    parts = SummaryParts(ours.customers)
    assert len(parts) == 5 and all(each["value"].is_monotonic_decreasing for each in parts)
    found = pd.concat(parts).sort_index()
    pd.testing.assert_frame_equal(
        found, theirs.customers.sort_index()[found.columns], rtol=1e-5, check_index_type=False
    )
    held = json.loads((tmp_path / "parts" / "parameters.json").read_text())
    assert held["totals"]["value"] == pytest.approx(theirs.totals["value"].value, rel=1e-6)
    assert held["data"] == theirs.summary.attrs["report"]
    assert ours.notes == theirs.notes


def test_the_holdout_is_that_of_the_report_in_memory(log, in_buckets, tmp_path):
    split = {"calibration_end": "2024-06-30"}
    ours, theirs = report_in_parts(log, out=tmp_path / "parts", **split), customer_report(log, **split)
    assert ours.holdout.made == theirs.holdout.made
    for name in ("expected", "standard_error", "error", "error_of_repeating", "correlation", "scale"):
        assert getattr(ours.holdout, name) == pytest.approx(getattr(theirs.holdout, name), rel=1e-6), name
    np.testing.assert_array_equal(ours.tracking.purchases, theirs.tracking.purchases)
    np.testing.assert_allclose(
        ours.tracking.expected(ours.holdout.model), theirs.tracking.expected(theirs.holdout.model)
    )
    assert [each.kind for each in ours.misses] == [each.kind for each in theirs.misses]
    assert [each.p for each in ours.misses] == pytest.approx([each.p for each in theirs.misses], rel=1e-4)
    compared = {each.key: each for each in theirs.comparison.models}
    for each in ours.comparison.models:
        if each.key != "mbgcnbd":  # which is not told the times between purchases here
            assert each.aic == pytest.approx(compared[each.key].aic, rel=1e-9)
            assert each.holdout_expected == pytest.approx(compared[each.key].holdout_expected, rel=1e-6)


def test_groups_are_those_of_the_report_in_memory(log, in_buckets, tmp_path):
    ours, theirs = report_in_parts(log, out=tmp_path / "parts"), customer_report(log)
    pd.testing.assert_frame_equal(
        ours.segments, theirs.segments, rtol=1e-6, check_dtype=False, check_index_type=False
    )
    pd.testing.assert_frame_equal(ours.cohorts, theirs.cohorts, rtol=1e-6)
    pd.testing.assert_frame_equal(ours.deciles.table, theirs.deciles.table, rtol=1e-3)
    assert ours.deciles.gini == pytest.approx(theirs.deciles.gini, abs=1e-4)
    assert list(ours.best.index) == list(theirs.best.index)


def test_the_page(log, in_buckets, tmp_path):
    """All of the page in memory but the history of one customer, and it says so."""
    split = {"calibration_end": "2024-06-30"}
    pages = []
    for out, report in ((tmp_path / "parts", report_in_parts), (tmp_path / "whole", customer_report)):
        report(log, out=out, **split)
        pages.append(BeautifulSoup((out / "index.html").read_text(encoding="utf-8"), "html.parser"))
        assert all((out / image["src"]).stat().st_size > 5_000 for image in pages[-1].select("img"))
        assert all((out / each["href"]).exists() for each in pages[-1].select("#files ~ ul a"))
    ours, theirs = ([each.text for each in page.select("h2, h3")] for page in pages)
    assert ours == theirs
    files = [{each["src"] for each in page.select("img")} for page in pages]
    assert files[1] - files[0] == {"pictures/history.png"} and not files[0] - files[1]
    assert "The history of a single customer is left out" in pages[0].text
    assert "left out" not in pages[1].select("h1 + p")[0].text
    held = [json.loads((tmp_path / name / "parameters.json").read_text()) for name in ("parts", "whole")]
    assert held[0].keys() == held[1].keys() and held[0]["holdout"]["interval"] == pytest.approx(
        held[1]["holdout"]["interval"], rel=1e-6
    )
    read = load_model(tmp_path / "parts" / "model.json")
    assert dict(read.params_) == {
        name: each["estimate"] for name, each in held[0]["model"]["parameters"].items()
    }


def test_an_interrupted_command_goes_on_where_it_was(log, in_buckets, tmp_path, monkeypatch, capsys):
    command = ["fit", str(log), "--in-parts", "--out", str(tmp_path / "parts")]
    write, made = parted.write_part, []

    def twice(frame, path, about):
        if len(made) == 2:
            raise KeyboardInterrupt
        write(frame, path, about)
        made.append(path)

    monkeypatch.setattr(parted, "write_part", twice)
    assert main(command) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").rglob("*.parquet")}
    assert len(kept) == 5 + 1 + 2  # the summary's, repeat purchases, and the customers' first two
    monkeypatch.setattr(parted, "write_part", write)
    assert main(command) == 0
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    told = capsys.readouterr().out
    report = customer_report(log)
    assert f"{report.totals['value'].value:,.0f}" in told and "Rows used" in told
    assert main([*command, "--calibration-end", "2024-06-30"]) == 0
    assert "Holdout: " in capsys.readouterr().out


def test_a_summary_made_elsewhere(log, tmp_path):
    summary = customer_summary(log)
    stored = SummaryParts.stored([summary.iloc[:700], summary.iloc[700:]], tmp_path / "summary")
    ours = forecast_in_parts(stored, "paretonbd", out=tmp_path / "report", horizon=26)
    theirs = customer_report(log, "paretonbd", horizon=26)
    for name, total in theirs.totals.items():
        assert ours.totals[name].value == pytest.approx(total.value, rel=1e-5)
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "Its summary was made elsewhere" in page and 'id="cohorts"' not in page and 'id="data"' not in page
    dated = forecast_in_parts(stored, "paretonbd", out=tmp_path / "dated", observation_end="2024-12-30")
    pd.testing.assert_frame_equal(
        dated.cohorts[["customers", "again"]], theirs.cohorts[["customers", "again"]], rtol=1e-9
    )
    held = customer_summary(log, calibration_end="2024-06-30").drop(columns="duration_holdout")
    early = SummaryParts.stored([held], tmp_path / "early")
    ends = {"observation_end": theirs.settings["observation_end"], "calibration_end": "2024-06-30"}
    ours = forecast_in_parts(stored, "paretonbd", out=tmp_path / "held", early=early, **ends)
    theirs = customer_report(log, "paretonbd", calibration_end="2024-06-30").holdout
    assert ours.holdout.interval == pytest.approx(theirs.interval, rel=1e-6)
    page = (tmp_path / "held" / "index.html").read_text(encoding="utf-8")
    assert "up to 2024-06-30" in page and 'id="why"' not in page  # of no purchase the day is known
    with pytest.raises(InputError, match="early takes a summary with frequency_holdout"):
        forecast_in_parts(stored, out=tmp_path / "other", early=early)
    smaller = SummaryParts.stored([summary.iloc[:700]], tmp_path / "smaller")
    again = forecast_in_parts(smaller, "paretonbd", out=tmp_path / "report", horizon=26)
    assert again.size == 700 and len(SummaryParts(again.customers)) == 1  # nothing of the former stays
    with pytest.raises(InputError, match="time_unit is 'X'"):
        forecast_in_parts(stored, out=tmp_path / "other", time_unit="X")
