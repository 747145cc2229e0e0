"""An analysis as a report: a page that can be read, JSON, a map and a notebook that repeat it."""

import json
import re
import socket

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from crmlab import cli
from crmlab.analysis import analyse
from crmlab.errors import InputError
from crmlab.reports.analyses import analysis_report
from crmlab.reports.findings import Telling
from crmlab.theories import design_of
from crmlab.words import words
from tests.analysis.conftest import own_columns


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """A survey in the trap, with a row that has an empty cell, as a file."""
    design = design_of("09").preset("trap").replace(n_customers=250)
    frame = own_columns("09", design.simulate(3))["customers"].drop(columns="stated_chance")
    frame.loc[4, "rating"] = np.nan
    path = tmp_path_factory.mktemp("data") / "survey.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def report(survey, tmp_path_factory):
    """Its analysis, and the folder it was written to."""
    out = tmp_path_factory.mktemp("report") / "own"
    own = analysis_report("09", survey, out=out, complete_cases=True, sims=80, hypotheses=["H1", "H2", "H4"])
    return own, out


def test_what_is_untested_and_left_out_is_said(report):
    own, _ = report
    assert own.untested == {"H4": [("customers", "stated_chance")]}
    assert own.prepared.left_out == {"customers": [6]}
    assert own.settings["rows"] == {"customers": [250, 249]}


def test_simulation_has_the_users_rows_and_margins(report):
    own, _ = report
    assert own.settings["simulated"]["H2"] == {"n_customers": 249}
    renewed = np.asarray(own.prepared.tables.columns("customers")["renewed"]).mean()
    (margin,) = [each for each in own.margins if each.parameter == "base_renewal"]
    assert margin.yours == pytest.approx(renewed)
    assert margin.simulated == pytest.approx(renewed, abs=0.02)


def test_worlds_are_the_designs_own(report):
    own, _ = report
    worlds = own.found.worlds
    row = worlds[
        (worlds.hypothesis == "H2") & (worlds.estimator == "naive") & (worlds.preset == "trap")
    ].iloc[0]
    assert not row["holds"]
    assert row["rejection_rate"] > 0.2
    headline = worlds[
        (worlds.hypothesis == "H2") & (worlds.estimator == "adjusted") & (worlds.preset == "null")
    ]
    assert headline["rejection_rate"].iloc[0] <= 0.25


def test_the_smallest_effect_is_what_a_normal_test_sees(report):
    own, _ = report
    row = own.found.smallest.set_index("hypothesis").loc["H2"]
    error = own.found.estimates.set_index(["hypothesis", "estimator"]).loc[
        ("H2", "adjusted"), "standard_error"
    ]
    assert row["here"] == pytest.approx((1.6449 + 0.8416) * error, rel=1e-3)
    assert row["simulated"] == pytest.approx(row["here"], rel=0.6)


def test_the_page(report):
    _, out = report
    page = (out / "index.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(page, "html.parser")
    assert not re.search(r'(src|href)="(https?:)?//', page)
    assert {each["id"] for each in soup.find_all(id=True)} >= {
        "short",
        "verdicts",
        "assumptions",
        "data",
        "H1",
        "H2",
    }
    for image in soup.find_all("img"):
        assert (out / image["src"]).exists()
        assert image["alt"] and image.find_next("figcaption").text.strip() != image["alt"]
    text = " ".join(soup.get_text(" ").split())
    assert "rows 6" in text
    assert "stated_chance (customers)" in text
    assert words("checks.confounding_title") in text
    for link in soup.select("nav a"):
        assert soup.find(id=link["href"][1:])


def test_no_verdict_says_that_a_claim_holds_as_a_cause(report):
    """Where no lot set the cause the page says what must be believed."""
    _, out = report
    page = BeautifulSoup((out / "index.html").read_text(encoding="utf-8"), "html.parser").get_text()
    assert not re.search(r"\b(proves?|proven|confirms? that|because of it)\b", page)
    cohort = design_of("09").replace(n_customers=400).simulate(3)
    own = analyse("09", own_columns("09", cohort)["customers"], hypotheses=["H2"], sims=0)
    (section,) = Telling(own).sections()
    assert section["key"] == "supported"
    assert words("analyse.causal_not") in section["result"]
    assert words("checks.confounding_title") in {head for head, _ in section["believe"]}


def test_the_json(report):
    _, out = report
    held = json.loads((out / "analysis.json").read_text(encoding="utf-8"))
    assert held["left_out"] == {"customers": [6]}
    assert {each["hypothesis"] for each in held["estimates"]} == {"H1", "H2"}
    naive = next(each for each in held["estimates"] if each["estimator"] == "naive")
    assert naive["claim"] == "More satisfied customers renew more often"
    assert not naive["headline"]
    assert {each["status"] for each in held["assumptions"]} <= {"kept", "doubtful", "broken", "unknown"}


def test_the_map_repeats_the_analysis(report, survey):
    own, out = report
    again = analyse("09", survey, out / "map.toml", complete_cases=True, sims=0, hypotheses=["H1", "H2"])
    assert np.allclose(again.found.estimates["estimate"], own.found.estimates["estimate"])


def ran(folder, monkeypatch):
    """The names that a report's notebook has made, run from the top in its folder."""
    monkeypatch.chdir(folder)
    names: dict = {}
    for cell in json.loads((folder / "analysis.ipynb").read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]).replace("sims=100", "sims=4"), names)
    return names


def test_the_notebook_runs_from_the_top(report, monkeypatch):
    own, out = report
    again = ran(out, monkeypatch)["own"]
    assert np.allclose(again.found.estimates["estimate"], own.found.estimates["estimate"])


@pytest.mark.parametrize("named", [False, True])
def test_frames_are_written_beside_their_notebook_which_reads_them(tmp_path, survey, monkeypatch, named):
    frame = pd.read_csv(survey).dropna()
    tables = {"customers": frame} if named else frame
    said = {"as_it_is": True}
    own = analysis_report("09", tables, said, out=tmp_path / "own", sims=0, hypotheses=["H2", "H2a"])
    kept = pd.read_csv(tmp_path / "own" / "tables" / "customers.csv")
    assert np.allclose(kept["rating"], frame["rating"])
    again = ran(tmp_path / "own", monkeypatch)["own"]
    assert np.allclose(again.found.estimates["estimate"], own.found.estimates["estimate"])


def test_a_folder_of_anothers_is_left_alone(tmp_path, survey):
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(InputError, match="holds index.html of no report of ours"):
        analysis_report("09", survey, out=tmp_path, sims=0)
    assert (tmp_path / "index.html").read_text() == "mine"


def test_the_same_seed_gives_the_same_page(survey, tmp_path):
    options = {"complete_cases": True, "sims": 24, "hypotheses": ["H2"]}
    pages = []
    for name in ("one", "two"):
        analysis_report("09", survey, out=tmp_path / name, **options)
        pages.append((tmp_path / name / "index.html").read_text(encoding="utf-8"))
    assert pages[0] == pages[1]


def test_names_and_cells_of_users_are_only_text(survey, tmp_path):
    frame = pd.read_csv(survey).dropna().rename(columns={"rating": "<script>alert(1)</script>"})
    frame["comment"] = "<img src=x onerror=alert(1)>"
    said = {"customers": {"columns": {"rating": "<script>alert(1)</script>"}}}
    analysis_report("09", frame, said, out=tmp_path / "own", sims=0, hypotheses=["H2"])
    page = (tmp_path / "own" / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page and "onerror" not in page
    assert "&lt;script&gt;" in page


def test_fewer_rows_than_the_market_can_have_are_said(survey, tmp_path):
    frame = pd.read_csv(survey).dropna().head(30)
    own = analysis_report("09", frame, out=tmp_path / "own", sims=2, hypotheses=["H2"])
    assert own.limits == {"raised"}
    page = (tmp_path / "own" / "index.html").read_text(encoding="utf-8")
    assert words("analyse.simulation_raised") in BeautifulSoup(page, "html.parser").get_text()


# The command line ---------------------------------------------------------------------------------------


def test_the_command(survey, tmp_path, capsys, monkeypatch):
    def no_network(*_, **__):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket, "create_connection", no_network)
    line = ["analyse", "09", str(survey), "--hypotheses", "H2", "--sims", "0", "--complete-cases"]
    assert cli.main([*line, "--out", str(tmp_path / "own")]) == 0
    said = capsys.readouterr()
    assert "H2" in said.out and "index.html" in said.out
    assert (tmp_path / "own" / "index.html").exists()
    assert cli.main(line[:-1]) == 2
    assert "row 6 is empty" in capsys.readouterr().err


def test_flags_are_named_as_they_are_typed(survey, capsys):
    assert cli.main(["analyse", "09", str(survey), "--sims", "-3"]) == 2
    assert "--sims is -3" in capsys.readouterr().err
    assert cli.main(["analyse", "09", str(survey), "--sims", "0"]) == 2
    assert "--complete-cases" in capsys.readouterr().err
    assert cli.main(["analyse"]) == 2
    assert cli.main(["analyse", "09"]) == 2


def test_a_template_holds_every_column_and_is_not_written_over(survey, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["analyse", "09", "--template"]) == 0
    text = (tmp_path / "map_09.toml").read_text(encoding="utf-8")
    assert (
        'stated_chance = ""' in text and "0 to 1" in text and "is brought" not in text.split("[customers]")[1]
    )
    assert cli.main(["analyse", "09", "--template"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert cli.main(["analyse", "09", str(survey), "--template", "--map", "filled.toml"]) == 0
    assert 'rating = "rating"' in (tmp_path / "filled.toml").read_text(encoding="utf-8")
    assert "13 of 14" in capsys.readouterr().out


def test_the_list_says_of_every_lesson_what_it_needs(capsys):
    assert cli.main(["analyse", "--list"]) == 0
    said = capsys.readouterr().out
    for lesson in ("00", "09", "18"):
        assert design_of(lesson).title in said
    assert "stated_chance" in said
