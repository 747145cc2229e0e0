"""CDNOW arrives whole, and the way from its log to the summary is the published one."""

import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from crmlab.data import customer_summary, load_cdnow_log, load_cdnow_sample, load_cdnow_summary, locating
from crmlab.errors import InputError
from crmlab.models.btyd import BGNBD


class Package(NamedTuple):
    """What `find_spec` would say of a package in a folder."""

    submodule_search_locations: list[str]


@pytest.fixture(scope="module")
def sample():
    return load_cdnow_sample()


@pytest.fixture(scope="module")
def summary(sample):
    return customer_summary(sample, observation_end="1998-06-30", calibration_end="1997-09-30")


def test_the_log_is_whole():
    log = load_cdnow_log()
    assert log.shape == (69_659, 4) and list(log) == ["customer_id", "date", "quantity", "amount"]
    assert log["customer_id"].nunique() == 23_570
    assert (log["amount"] == 0).sum() == 80
    first = log.groupby("customer_id")["date"].min()
    assert first.min() == pd.Timestamp("1997-01-01") and first.max() < pd.Timestamp("1997-04-01")
    assert log["date"].max() == pd.Timestamp("1998-06-30")


def test_the_sample_is_a_tenth_of_the_log(sample):
    assert sample.shape == (6_919, 5) and sample["customer_id"].nunique() == 2_357
    log = load_cdnow_log()
    whole = log[log["customer_id"].isin(sample["master_id"])]
    assert len(whole) == len(sample) and whole["amount"].sum() == pytest.approx(sample["amount"].sum())


def test_summary_of_the_sample_is_the_published_one(summary):
    published = load_cdnow_summary()
    assert published.shape == (2_357, 4)
    assert (summary["frequency"] == published["frequency"]).all()
    for column in ("recency", "T", "monetary_value"):
        assert np.abs(summary[column] - published[column]).max() <= 0.0051, (
            column
        )  # it is printed to hundredths
    assert (summary["duration_holdout"] == 39).all()


def test_published_parameters():
    published = load_cdnow_summary()
    model = BGNBD().fit(published["frequency"], published["recency"], published["T"])
    assert np.round(model.params_[["r", "alpha", "a", "b"]].to_numpy(float), 4) == pytest.approx(
        [0.2426, 4.4135, 0.7929, 2.4258], abs=1e-9
    )
    assert round(model.log_likelihood_, 1) == -9582.4


def test_parameters_from_the_log_itself(summary):
    model = BGNBD().fit(summary["frequency"], summary["recency"], summary["T"])
    assert np.round(model.params_[["r", "alpha", "a", "b"]].to_numpy(float), 3) == pytest.approx(
        [0.243, 4.414, 0.793, 2.426]
    )


def test_loading_does_not_import_lifetimes():
    code = (
        "import sys; from crmlab.data import load_cdnow_summary; load_cdnow_summary(); "
        "assert 'lifetimes' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_or_cut_file_is_said(monkeypatch, tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "CDNOW_sample.txt").write_text(" 00004 0001 19970101  2   29.33\n")
    monkeypatch.setattr(locating, "find_spec", lambda name: Package([str(tmp_path)]))
    with pytest.raises(InputError, match="not the file that is meant.*comes with the package lifetimes"):
        load_cdnow_sample()
    monkeypatch.setattr(locating, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="comes with the package lifetimes"):
        load_cdnow_log()


@pytest.mark.parametrize("loader", [load_cdnow_log, load_cdnow_sample, load_cdnow_summary])
def test_the_docstring_is_a_data_card(loader):
    card = loader.__doc__
    for part in ("rows", "customer_id", "Returns", "Notes", "source", "licence"):
        assert part.lower() in card.lower()
    assert "References" in card or "references as" in card
