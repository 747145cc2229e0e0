"""Files are whole or as they were, and what a killed writer left can be cleared away."""

import numpy as np
import pandas as pd
import pytest

from crmlab import files


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "new" / "table.csv"
    files.write_text(path, "a\n1\n")
    files.write_text(path, "a\n2\n")
    assert path.read_bytes() == b"a\n2\n" and [each.name for each in path.parent.iterdir()] == ["table.csv"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = files.write_text(tmp_path / "table.csv", "old")

    def fail(*_):
        raise OSError("no space")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        files.write_text(path, "new")
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path, monkeypatch):
    left = []
    monkeypatch.setattr(
        files.os, "replace", lambda beside, path: left.append(beside)
    )  # as if killed before it
    files.write_text(tmp_path / "report.json", "{}")
    kept = [tmp_path / name for name in ("report.json.unfinished", ".hidden", "a.json")]
    for path in kept:
        path.write_text("mine")
    files.remove_unfinished(tmp_path)
    assert left and sorted(tmp_path.iterdir()) == sorted(kept)
    files.remove_unfinished(tmp_path / "nowhere")


def test_a_preset_called_null_survives_the_way_through_a_file(tmp_path):
    kept = [True, False, True]
    table = pd.DataFrame({"preset": ["null", "trap", None], "value": [1.0, np.nan, 3.0], "kept": kept})
    path = files.write_text(tmp_path / "table.csv", files.csv_text(table))
    again = pd.read_csv(path)
    assert again["preset"].tolist()[:2] == ["(null)", "trap"] and again["preset"].isna().tolist() == [0, 0, 1]
    assert again["value"].isna().tolist() == [False, True, False] and again["kept"].tolist() == kept
    assert table["preset"][0] == "null"
