"""``crmlab import``, ``crmlab export`` and ``crmlab demo-export``: from an export to scores and back."""

import json

import pandas as pd
import pytest

from crmlab.cli.exports import SYSTEMS
from crmlab.data.exports import cards


@pytest.fixture
def shop(call, tmp_path):
    path = tmp_path / "shop.zip"
    made = call("demo-export", "--from", "zoho", "--out", path, "--customers", 150, "--months", 24)
    assert made.status == 0 and f"crmlab import {path} --from zoho" in made.out
    return path


def test_from_an_export_to_scores_and_back(call, shop, tmp_path):
    read = call("import", shop, "--from", "zoho", "--out", tmp_path / "tables")
    assert read.status == 0, read.errors
    assert "Not verified of the layout of Zoho CRM" in read.out and "A proxy: deals" in read.out
    log = tmp_path / "tables" / "transactions.csv"
    assert f"crmlab fit {log} --out report" in read.out
    fitted = call("fit", log, "--out", tmp_path / "report")
    assert fitted.status == 0, fitted.errors
    scores = tmp_path / "report" / "customers.csv"
    written = call("export", scores, "--to", "zoho", "--out", tmp_path / "scores.csv")
    assert written.status == 0 and "match by Record Id" in written.out
    back = pd.read_csv(tmp_path / "scores.csv")
    customers = pd.read_csv(tmp_path / "tables" / "customers.csv")
    assert set(back["Record Id"].str.removeprefix("zcrm_")) <= set(customers["id"])
    assert len(back) == len(pd.read_csv(log)["customer_id"].unique())


def test_a_dry_run_writes_nothing_but_the_map_that_is_asked_for(call, shop, tmp_path):
    before = set(tmp_path.iterdir())
    shown = call("import", shop, "--from", "zoho", "--dry-run", "--map", tmp_path / "map.toml")
    assert shown.status == 0 and "edit it, and call again" in shown.out
    assert set(tmp_path.iterdir()) - before == {tmp_path / "map.toml"}
    again = call("import", shop, "--dry-run", "--map", tmp_path / "map.toml")
    assert again.status == 0 and "customers" in again.out


def test_what_could_not_be_read_is_told_and_ends_with_1(call, tmp_path):
    (tmp_path / "Deals.csv").write_text(
        "Record Id,Stage,Closing Date,Amount\n1,Closed Won,05/06/2024,5\n", "utf-8"
    )
    read = call("import", tmp_path / "Deals.csv", "--from", "zoho", "--out", tmp_path / "out")
    assert read.status == 1 and "say which by --date-format or in the map" in read.out
    assert "not all could be read: 2 to be mended" in read.errors
    assert json.loads((tmp_path / "out" / "audit.json").read_text(encoding="utf-8"))["problems"]


def test_hashing_by_a_file_and_keys_apart(call, shop, tmp_path):
    (tmp_path / "salt").write_text("0123456789abcdef0123456789abcdef\n", encoding="utf-8")
    read = call(
        *("import", shop, "--from", "zoho", "--out", tmp_path / "tables"),
        *("--salt-file", tmp_path / "salt", "--keys", tmp_path / "keys.csv"),
    )
    assert read.status == 0
    log = pd.read_csv(tmp_path / "tables" / "transactions.csv")
    assert log["customer_id"].str.fullmatch("[0-9a-f]{64}").all()
    assert set(log["customer_id"]) <= set(pd.read_csv(tmp_path / "keys.csv")["hash"])
    assert "0123456789abcdef0123456789abcdef" not in (tmp_path / "tables" / "map.toml").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(
    "arguments, why",
    [
        ((), "--out is missing"),
        (("--dry-run", "--keys", "keys.csv"), "--keys is for hashed ids"),
        (("--dry-run", "--salt", "short"), "--salt has 5 characters"),
        (("--dry-run", "--salt-file", "nowhere"), "nowhere"),
        (("--dry-run", "--time-zone", "Mars/Base"), "--time-zone is 'Mars/Base'"),
        (("--dry-run", "--decimal", "12"), "--decimal is '12'"),
        (("--dry-run", "--date-format", "day"), "--date-format is 'day'"),
        (("--dry-run", "--encoding", "klingon"), "--encoding is 'klingon'"),
    ],
)
def test_bad_flags_end_with_2_and_one_sentence(call, shop, arguments, why):
    read = call("import", shop, "--from", "zoho", *arguments)
    assert read.status == 2 and why in read.errors and "Traceback" not in read.errors


def test_the_flags_name_every_system_that_has_a_card():
    assert sorted(SYSTEMS) == sorted(cards())
