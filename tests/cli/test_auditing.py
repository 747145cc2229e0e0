"""``crmlab audit`` as a user meets it."""

import pytest


def test_the_list_names_claims_quantities_and_exclusions(call):
    done = call("audit")
    assert done.status == 0
    for part in ("80-20 ", "3-5-times", "k=0.2,3", "80-20 × 5-10-times: "):
        assert part in done.out


def test_a_claim_is_audited_mapped_and_held_against_another(call, tmp_path):
    picture = tmp_path / "map.png"
    done = call("audit", "80-20", "--with", "5-10-times", "--points", 256, "--out", picture)
    assert done.status == 0, done.errors
    assert "Claimed: 75% to 85%" in done.out and "It cannot hold together with 5-10-times" in done.out
    assert "both in 0.0%" in done.out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_ones_own_claim_over_ones_own_ranges(call, tmp_path):
    own = ("audit", "--quantity", "gain-of-retention", "--between", ".25", "inf")
    done = call(*own, "--range", "retention=.9", "--range", "discount=.1", "--points", 256)
    assert "holds in 100.0%" in done.out  # .05/(1.1 - .95) = 33%
    picture = tmp_path / "fixed.svg"
    assert call(*own, "--range", "retention=.9", "--points", 256, "--out", picture).status == 0
    assert picture.read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["80-30"], "unknown claim '80-30'; known: 80-20"),
        (["80-20", "--quantity", "decile-ratio"], "leave CLAIM out"),
        (["--quantity", "decile-ratio"], "--between is missing"),
        (["80-20", "--range", "k"], "--range k: write NAME=LOW,HIGH"),
        (["80-20", "--range", "kk=1,2"], "unknown parameter of --range 'kk'"),
        (["80-20", "--points", "300"], "power of two"),
        (["80-20", "--with", "nothing", "--points", "256"], "unknown claim of --with 'nothing'"),
        (["80-20", "--summary", "nowhere.csv"], "--summary nowhere.csv cannot be read"),
        (["80-20", "--points", "256", "--out", "map.txt"], ".png, .svg or .pdf"),
    ],
)
def test_what_cannot_be_is_named(call, arguments, message):
    done = call("audit", *arguments)
    assert done.status == 2 and message in done.errors and "Traceback" not in done.errors


def test_a_summary_gives_the_ranges(call, tmp_path):
    from crmlab.data import load_cdnow_summary

    table = tmp_path / "customers.csv"
    load_cdnow_summary().to_csv(table)
    done = call("audit", "80-20", "--summary", table, "--points", 256)
    assert done.status == 0, done.errors
    assert "Your log: the best fifth" in done.out and "k=0." in done.out
