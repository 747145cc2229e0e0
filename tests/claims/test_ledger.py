"""The ledger: every claim has a test or a reason, and its numbers are those that the designs give."""

import numpy as np
import pandas as pd
import pytest

from crmlab.claims import NUMBERS, audit, ledger, storing
from crmlab.claims.ledger import Claim, claims, hypotheses_by_lesson, problems, stored, table, written
from crmlab.claims.storing import stored_numbers, summary_of
from crmlab.claims.telling import matching, told
from crmlab.errors import InputError
from crmlab.theories import design_of

SIMS = 60
ERRORS = 4.5


def test_all_claims_are_there_each_once():
    found = [(claim.source, claim.quote) for claim in claims()]
    assert len(found) == len(set(found)) == 168
    assert {source for source, _ in found} == {"s0", "s1", "s2", "s3", "s4"}


def test_every_claim_has_a_hypothesis_a_number_or_a_reason():
    assert problems() == []


@pytest.mark.parametrize(
    "claim, problem",
    [
        (Claim("q", "s1", "09", meaning="m"), "neither a hypothesis nor a number nor a reason"),
        (
            Claim("q", "s1", "09", "m", tests=("09 H2",), untestable="no", evidence="e", answer="a"),
            "a test and a reason",
        ),
        (Claim("q", "s1", "09", untestable="no"), "no meaning"),
        (Claim("q", "s1", "09", "m", tests=("09 H2",), answer="a"), "no word on the literature"),
        (Claim("q", "s1", "09", "m", tests=("09 H2",), evidence="e"), "no answer"),
        (
            Claim("q", "s1", "09", "m", tests=("09 H99",), evidence="e", answer="a"),
            "lesson 09 has no hypothesis 'H99'",
        ),
        (
            Claim("q", "s1", "09", "m", numbers=("90-10",), evidence="e", answer="a"),
            "there is no number '90-10'",
        ),
    ],
)
def test_a_claim_that_lacks_something_is_told(claim, problem):
    assert any(problem in each for each in problems([claim]))


def test_a_lesson_that_does_not_stand_may_be_waited_for():
    claim = Claim("q", "s1", "98")
    assert problems([claim]) == [] and claim.status == "lesson to come"


@pytest.mark.parametrize("lesson", sorted(hypotheses_by_lesson()))
def test_stored_numbers_are_those_of_the_design(lesson):
    """A short diagnosis with other seeds lands within the errors of what is stored."""
    found = stored(lesson)
    assert found is not None, f"crmlab ledger --build --only {lesson}"
    kept = pd.DataFrame(found["rows"]).set_index(["preset", "hypothesis", "estimator"])
    design = design_of(lesson).only(*hypotheses_by_lesson()[lesson])
    for preset in ("literature", "trap"):
        fresh = design.preset(preset).diagnose(sims=SIMS, seed=97, jobs=1, progress=False).full
        for row in fresh.itertuples():
            then = kept.loc[(preset, row.hypothesis, row.estimator)]
            assert row.estimand == pytest.approx(then["estimand"], abs=1e-5)
            share = (then["rejection_rate"] * found["sims"] + 1) / (found["sims"] + 2)
            error = np.sqrt(share * (1 - share) / SIMS)
            assert abs(row.rejection_rate - share) < ERRORS * error + 1 / SIMS, (preset, row.hypothesis)


def test_the_table_is_what_lies_in_datasets():
    kept = pd.read_csv(written(), dtype={"lesson": str})
    made = table()
    assert list(kept.columns) == list(made.columns) and len(kept) == len(made), "crmlab ledger --build"
    assert (kept["quote"] == made["quote"]).all()
    for column in ("size_null", "power", "holds_in"):
        np.testing.assert_allclose(kept[column], made[column].astype(float))


def test_what_a_row_says():
    rows = table().set_index("hypothesis")
    row = rows.loc["00 H1"].iloc[0]
    assert row["naive_in"] == "preset trap" and row["naive_confirms"] > 0.9 > row["size_trap"]
    assert row["power"] > 0.8 and row["customers"] == 200
    assert rows.loc["audit 80-20", "holds_in"] == pytest.approx(audit(NUMBERS["80-20"]).share, abs=1e-3)


def test_numbers_of_another_folder_are_not_taken_for_these(tmp_path, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(storing, "folder", lambda: tmp_path)
        assert stored_numbers() == {}
    assert "80-20" in stored_numbers()


def test_a_build_computes_only_what_changed(tmp_path, monkeypatch):
    """Interrupted or not, a lesson whose code is as it was is not computed again."""
    asked = []
    root = tmp_path / "root"
    (root / "datasets").mkdir(parents=True)
    monkeypatch.setattr(ledger, "folder", lambda: root / "datasets" / "ledger")
    monkeypatch.setattr(ledger, "store_numbers", lambda: asked.append("numbers"))
    monkeypatch.setattr(ledger, "numbers_are_current", lambda: "numbers" in asked)
    assert ledger.build(["00"], sims=20, jobs=1, progress=False) == ["00"]
    assert ledger.build(["00"], sims=20, jobs=1, progress=False) == []
    assert ledger.build(["00"], sims=21, jobs=1, progress=False) == ["00"]
    monkeypatch.setattr(ledger, "dependencies", lambda lesson: "changed")
    assert ledger.build(["00"], sims=21, jobs=1, progress=False) == ["00"]
    assert asked == ["numbers"]
    assert (root / "datasets" / "ledger" / "ledger.csv").is_file()


def test_a_lesson_without_claims_is_refused():
    with pytest.raises(InputError, match="no lesson"):
        ledger.build(["98"], progress=False)


def test_claims_are_found_by_words_and_told():
    text = "\n".join(told(matching(table(), ["3至5倍"])))
    assert "winning costs 3 to 5 times" in text and "of the markets" in text
    assert matching(table(), ["five", "nowhere-to-be-found"]).empty
    assert set(matching(table(), [], ["9"])["lesson"]) == {"09"}


def test_stored_audits_are_current():
    claim = NUMBERS["7-3"]
    assert stored_numbers()["7-3"] == summary_of(audit(claim))
    assert set(stored_numbers()) == set(NUMBERS)
