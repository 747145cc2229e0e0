"""The protocol and the package hold what the design holds, and what ran."""

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime

import pandas as pd
import pytest

from crmlab.design.crate import write_crate
from crmlab.design.protocol import ademp
from crmlab.errors import InputError
from crmlab.theories.start_here import design

AT = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def protocol():
    return ademp(design, sims=400, seed=7, version="1.2.3")


def test_a_protocol_names_everything_that_the_design_declares(protocol):
    for name in design.parameters.names():
        assert f"| `{name}` |" in protocol
    for each in design.hypotheses:
        assert each.claim in protocol
        for estimator in each.estimators:
            assert f"| {each.name} | {estimator} |" in protocol
    for heading in ("Aims", "Data-generating mechanisms", "Estimands", "Methods", "Performance measures"):
        assert f"## {heading}" in protocol


def test_estimands_are_fixed_in_it_before_any_data(protocol):
    for preset in design.presets:
        at = design.preset(preset)
        assert f"{at.hypotheses[0].estimand(at.parameters):.6g}" in protocol


def test_the_number_of_simulations_has_its_reason(protocol):
    assert "400 simulations in each world, seed 7" in protocol
    assert (
        "at most 0.0250" in protocol and "0.0109 for a size of 5%" in protocol and "needs 1,900" in protocol
    )


def test_a_table_in_it_is_a_table(protocol):
    rows = [line for line in protocol.splitlines() if line.startswith("|")]
    blocks = protocol.split("\n\n")
    for block in blocks:
        lines = [line for line in block.splitlines() if line.startswith("|")]
        if lines:
            assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    assert rows


def test_an_unknown_measure_is_refused():
    with pytest.raises(InputError, match="unknown measure 'luck'"):
        ademp(design, measures=("luck",))


@pytest.fixture(scope="module")
def crate(tmp_path_factory):
    found = design.vary(preset=["null", "trap"]).diagnose(sims=50, seed=(3, 4))
    path = tmp_path_factory.mktemp("crate") / "study.zip"
    write_crate(path, design, found, "1.2.3", {"code/start_here.py": b"# code"}, at=AT)
    return found, zipfile.ZipFile(io.BytesIO(path.read_bytes()))


def test_the_crates_results_are_those_that_ran(crate):
    found, archive = crate
    with archive.open("simulations.csv") as file:
        stored = pd.read_csv(file, keep_default_na=False, na_values=[""])
    assert len(stored) == len(found.simulations)
    study = json.loads(archive.read("study.json"))
    assert study["seed"] == [3, 4] and study["sims"] == 50
    assert study["points"][1]["parameters"] == {
        name: getattr(design.preset("trap").parameters, name) for name in design.parameters.names()
    }


def test_every_file_is_described_with_its_digest(crate):
    _, archive = crate
    graph = json.loads(archive.read("ro-crate-metadata.json"))["@graph"]
    by_id = {each["@id"]: each for each in graph}
    held = set(archive.namelist()) - {"ro-crate-metadata.json"}
    assert {part["@id"] for part in by_id["./"]["hasPart"]} == held
    for name in held:
        assert by_id[name]["sha256"] == hashlib.sha256(archive.read(name)).hexdigest()


def test_the_metadata_are_what_the_specification_asks(crate):
    """RO-Crate 1.1: the descriptor, the root with name, date and licence; all references exist."""
    _, archive = crate
    content = json.loads(archive.read("ro-crate-metadata.json"))
    by_id = {each["@id"]: each for each in content["@graph"]}
    descriptor, root = by_id["ro-crate-metadata.json"], by_id["./"]
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert descriptor["about"] == {"@id": "./"} and root["@type"] == "Dataset"
    assert root["datePublished"] == "2026-05-01T12:30:00+00:00"
    assert {"name", "description", "license"} <= set(root)
    references = [
        each["@id"]
        for entity in content["@graph"]
        for value in entity.values()
        for each in (value if isinstance(value, list) else [value])
        if isinstance(each, dict) and set(each) == {"@id"}
    ]
    assert {name for name in references if not name.startswith("https://w3id.org")} <= set(by_id)


def test_a_crate_is_a_zip(tmp_path):
    with pytest.raises(InputError, match=r"ends in \.zip"):
        write_crate(tmp_path / "study.tar", design, design.diagnose(sims=2), "1")
