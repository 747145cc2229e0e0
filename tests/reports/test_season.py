"""A report without the season names it, with what would mend it; one with the season is mended."""

import json

import duckdb
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from crmlab.cli import main
from crmlab.errors import InputError
from crmlab.models.btyd.varying import (
    ByPeriod,
    DatedHistories,
    Season,
    Static,
    TimeVaryingBGNBD,
    TimeVaryingParetoNBD,
)
from crmlab.reports import customer_report

LOGS = np.array([-0.6, -0.5, -0.2, 0.0, 0.1, 0.0, -0.3, -0.2, 0.0, 0.1, 0.5, 1.1])
SPLIT = "2023-08-31"


@pytest.fixture(scope="module")
def shop():
    """A shop whose December is four times its January, and what is known of its customers."""
    names = [f"purchase_{name}" for name in Season("monthly").names]
    ids = pd.Index([f"c{number}" for number in range(1200)], name="customer_id")
    club = pd.DataFrame({"club": np.random.default_rng(5).integers(0, 2, len(ids)) * 1.0}, index=ids)
    model = TimeVaryingBGNBD.from_params(
        r=0.8,
        alpha=9.0,
        a=0.5,
        b=4.0,
        **dict(zip(names, LOGS)),
        purchase_club=0.5,
        purchase_covariates=Season("monthly") + Static(club),
    )
    start = (pd.Timestamp("2021-01-01") - pd.Timestamp(0)).days + 0.5
    first = start + np.random.default_rng(0).integers(0, 500, len(ids))
    drawn = model.simulate(first, "2023-12-31", seed=1, ids=ids, by_day=True)
    days = np.floor(np.r_[drawn.first, drawn.moment])
    log = pd.DataFrame(
        {"customer_id": np.r_[ids, ids[drawn.customer]], "date": pd.Timestamp(0) + pd.to_timedelta(days, "D")}
    )
    return log, club


@pytest.fixture(scope="module")
def reports(shop, tmp_path_factory):
    """The reports without and with the season, and their folders."""
    log, club = shop
    out = tmp_path_factory.mktemp("season")
    given = {"none": {}, "monthly": {"season": "monthly", "covariates": club.reset_index()}}
    return {
        name: (
            customer_report(log, amount=None, calibration_end=SPLIT, out=out / name, **options),
            out / name,
        )
        for name, options in given.items()
    }


def test_the_season_that_was_missed_is_named_with_what_mends_it(reports):
    report, folder = reports["none"]
    assert report.misses[0].kind == "season" and report.misses[0].seen and report.holdout.missed
    page = BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
    why = page.find(id="why").find_parent("section").text
    assert "season='monthly'" in why and page.find(id="season") is None


def test_with_the_season_the_holdout_is_foretold(reports):
    before, after = reports["none"][0], reports["monthly"][0]
    assert not after.holdout.missed and after.holdout.made == before.holdout.made
    assert not any(each.seen for each in after.misses)
    assert after.holdout.error < before.holdout.error
    best, plain = after.comparison.models[:2]
    assert best.name == "BG/NBD with covariates" and plain.aic - best.aic > 200
    assert abs(best.miss) < 0.1 < abs(plain.miss)
    assert after.holdout.model.log_likelihood_ > before.holdout.model.log_likelihood_ + 100


def test_the_season_is_shown_with_its_intervals(reports):
    report, folder = reports["monthly"]
    found = report.model.season_factors()
    assert ((found.low < np.exp(LOGS)) & (np.exp(LOGS) < found.high)).sum() >= 10
    page = BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
    told = page.find(id="season").find_parent("section")
    assert "In December" in told.text and told.img["src"] == "pictures/season.png"
    assert (folder / "pictures" / "season.png").is_file()
    table = page.find(id="model").find_parent("section").text
    assert "purchase_December" not in table and "change of the log of the purchase rate by club" in table
    data = json.loads((folder / "parameters.json").read_text(encoding="utf-8"))
    assert data["settings"]["season"] == "monthly"
    assert data["settings"]["covariates"] == {"purchases": [*Season("monthly").names, "club"], "dropout": []}
    assert data["model"]["parameters"]["purchase_club"]["low"] < 0.5
    assert "purchase_January" in str(report.model) and "covariates are 0" in str(report.model)


def test_a_report_with_covariates_says_what_the_model_says(reports, shop):
    log, club = shop
    report, _ = reports["monthly"]
    histories = DatedHistories.from_log(log, observation_end="2023-12-31")
    model = TimeVaryingBGNBD().fit(histories, purchase_covariates=Season("monthly") + Static(club))
    assert report.model.params_.to_numpy() == pytest.approx(model.params_.to_numpy(), rel=1e-6)
    customers = report.customers.loc[histories.ids]
    alive, expected = (
        model.probability_alive(histories),
        model.conditional_expected_purchases(52.0, histories),
    )
    np.testing.assert_allclose(customers["probability_alive"], alive, rtol=1e-5)
    np.testing.assert_allclose(customers["expected_purchases"], expected, rtol=1e-5)
    weekly = 1.1 ** (7 / 365.25) - 1
    discounted = model.discounted_expected_purchases(52.0, weekly, histories)
    np.testing.assert_allclose(customers["discounted_purchases"], discounted, rtol=1e-5)
    total = report.totals["expected_purchases"]
    assert total.value == pytest.approx(expected.sum(), rel=1e-5) and total.low < total.value < total.high
    by_day = report.tracking.expected(report.holdout.model)
    assert by_day.sum() == pytest.approx(report.tracking.purchases.sum(), rel=0.1)


def test_covariates_from_a_file(shop, tmp_path, capsys):
    """A row a customer and month, ids as numbers, on both processes of the Pareto/NBD, by the shell."""
    log, _ = shop
    numbered = log.assign(customer_id=log["customer_id"].str.removeprefix("c").astype(int))
    numbered.to_csv(tmp_path / "log.csv", index=False)
    months = pd.date_range("2021-01-01", "2025-06-01", freq="MS")
    ids, generator = np.unique(numbered["customer_id"]), np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "customer_id": np.repeat(ids, len(months)),
            "period": np.tile(months, len(ids)),
            "mail": generator.integers(0, 2, len(ids) * len(months)),
        }
    )
    table.to_csv(tmp_path / "mail.csv", index=False)
    command = ["fit", str(tmp_path / "log.csv"), "--no-amount", "--model", "paretonbd", "--out"]
    command += [str(tmp_path / "out"), "--covariates", str(tmp_path / "mail.csv"), "--covariates-of", "both"]
    assert main([*command, "--season", "quarterly"]) == 0
    told = capsys.readouterr().out
    assert "purchase_mail" in told and "dropout_mail" in told and "purchase_quarter_1" in told
    data = json.loads((tmp_path / "out" / "parameters.json").read_text(encoding="utf-8"))
    mail = data["model"]["parameters"]["purchase_mail"]
    assert abs(mail["estimate"]) < 4 * mail["standard_error"]  # drawn by chance: no effect
    histories = DatedHistories.from_log(numbered, observation_end="2023-12-31")
    model = TimeVaryingParetoNBD().fit(
        histories,
        purchase_covariates=Season("quarterly") + ByPeriod(table),
        dropout_covariates=ByPeriod(table),
    )
    assert mail["estimate"] == pytest.approx(model.params_["purchase_mail"], rel=1e-5)
    (tmp_path / "mail").mkdir()
    with duckdb.connect() as connection:
        connection.register("frame", table)
        connection.execute(f"COPY frame TO '{tmp_path / 'mail' / 'part-00000.parquet'}'")
    for place in (tmp_path / "mail", tmp_path / "mail" / "part-00000.parquet"):
        assert main([*command[:-3], str(place), *command[-2:], "--season", "quarterly"]) == 0
        assert json.loads((tmp_path / "out" / "parameters.json").read_text(encoding="utf-8")) == data
    table.query("period < '2023-06-01'").to_csv(tmp_path / "mail.csv", index=False)
    assert main(command) == 2
    assert "give the missing periods" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "options, message",
    [
        ({"season": "weekly"}, "season is 'weekly'"),
        ({"season": "monthly", "model": "mbgcnbd"}, "are for BG/NBD, MBG/NBD, Pareto/NBD"),
        ({"covariates": pd.DataFrame({"z": [1.0]})}, "neither a column 'customer_id'"),
        ({"covariates": "nowhere.csv"}, "there is no such file"),
        ({"covariates": pd.DataFrame({"customer_id": ["c0"], "z": [1.0]})}, "no row of 1,199 customers"),
        ({"season": "monthly", "covariates_of": "all"}, "covariates_of is 'all'; give one of purchases"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(options, message, shop):
    with pytest.raises(InputError, match=message):
        customer_report(shop[0], amount=None, **options)


@pytest.mark.parametrize("option", [["--season", "monthly"], ["--covariates", "club.csv"]])
def test_a_report_in_parts_has_no_covariates(option, tmp_path, capsys):
    assert main(["fit", "log.csv", "--in-parts", "--out", str(tmp_path / "out"), *option]) == 2
    assert "--in-parts knows no --season" in " ".join(capsys.readouterr().err.split())
