"""Results on real data: stored with date and hash, shown without the data, recomputed where those are."""

import json

import numpy as np
import pandas as pd
import pytest

from crmlab.data import verified
from crmlab.data.verification import STORING, stored_at
from crmlab.errors import InputError

SHA256 = "3b570b477b75af1b0593d8538cd0566e89c01c5bef6a0857cfdb6264d7a96894"


def items(value=8.123456):
    return pd.DataFrame(
        {"item": ["CUSA1", "CUSA2"], "mean": [value, 7.5], "top box": [0.25, None]}, index=[0, 1]
    )


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setenv("CRMLAB_HOME", str(tmp_path))
    monkeypatch.delenv(STORING, raising=False)
    return tmp_path


@pytest.fixture
def at_hand(monkeypatch):
    """Say whether the data are here; the computation brings its own numbers."""
    monkeypatch.setattr("crmlab.data.verification.is_available", lambda name: at["hand"])
    at = {"hand": True}
    return at


@pytest.fixture
def stored(home, at_hand, monkeypatch):
    """A stored result."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORING, "1")
        return verified("mobi", items, "04_items")


def test_it_is_stored_with_its_day_and_the_hash_of_the_data(stored):
    kept = json.loads(stored_at("04_items").read_text(encoding="utf-8"))
    assert kept["sha256"] == SHA256 and kept["verified"] == stored.date and len(stored.date) == 10
    assert kept["table"]["rows"][0] == ["CUSA1", 8.123, 0.25], "rounded to four digits"


def test_without_the_data_the_stored_table_is_shown_with_its_origin(stored, at_hand):
    at_hand["hand"] = False
    shown = verified("mobi", lambda: pytest.fail("computed without the data"), "04_items")
    pd.testing.assert_frame_equal(shown.table, stored.table)
    assert stored.date in shown.note and SHA256[:12] in shown.note and "crmlab data get mobi" in shown.note
    assert "<table" in shown._repr_html_() and SHA256[:12] in shown._repr_html_()


def test_a_cell_without_a_number_is_left_blank(home, at_hand):
    shown = verified("mobi", lambda: pd.DataFrame({"mean": [2.0], "error": [np.nan]}), "04_mean")
    assert "nan" not in shown._repr_html_().lower() and "nan" not in repr(shown).lower()


def test_with_the_data_it_is_computed_anew_and_looks_the_same(stored):
    calls = []
    shown = verified("mobi", lambda: calls.append(1) or items(8.1234), "04_items")
    assert calls == [1] and shown.differs == ""
    assert repr(shown) == repr(verified("mobi", items, "04_items"))


def test_another_number_is_told_and_not_stored(stored):
    before = stored_at("04_items").read_bytes()
    shown = verified("mobi", lambda: items(9.0), "04_items")
    assert "mean" in shown.differs and "otherwise" in shown.note and shown.table["mean"][0] == 9.0
    assert stored_at("04_items").read_bytes() == before


def test_other_data_are_told(stored):
    path = stored_at("04_items")
    path.write_text(path.read_text(encoding="utf-8").replace(SHA256, "0" * 64), encoding="utf-8")
    assert "another SHA-256" in verified("mobi", items, "04_items").note


def test_an_index_of_names_survives(home, at_hand, monkeypatch):
    monkeypatch.setenv(STORING, "1")
    made = verified("mobi", lambda: items().set_index("item"), "04_named").table
    at_hand["hand"] = False
    pd.testing.assert_frame_equal(verified("mobi", items, "04_named").table, made)


def test_what_cannot_be_shown_or_stored_is_refused(home, at_hand):
    at_hand["hand"] = False
    with pytest.raises(InputError, match="no verified result '04_items' is stored.*crmlab data get mobi"):
        verified("mobi", items, "04_items")
    at_hand["hand"] = True
    with pytest.raises(InputError, match="returned no table"):
        verified("mobi", lambda: 3, "04_items")
    with pytest.raises(InputError, match="letters, digits and underscores"):
        verified("mobi", items, "../items")
    with pytest.raises(InputError, match="unknown data set 'moby'"):
        verified("moby", items, "04_items")


def test_every_stored_result_is_of_a_known_data_set_and_none_holds_nothing():
    from crmlab import places
    from crmlab.data.cards import cards

    for path in (places.root() / "datasets" / "verified").glob("*.json"):
        kept = json.loads(path.read_text(encoding="utf-8"))
        assert (
            kept["data"] in cards()
            and kept["table"]["rows"]
            and kept["sha256"] == cards()[kept["data"]].sha256
        ), path.name
