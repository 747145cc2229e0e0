"""The README's example runs as it stands, on the survey that is carried with the kit."""

import json
import re

import pytest

from crmlab import cli
from crmlab.words import words


@pytest.fixture(scope="module")
def section(root):
    """The README's section on a user's own data."""
    text = (root / "README.md").read_text(encoding="utf-8")
    return text.split("## Your own data under a theory")[1].split("\n## ")[0]


def test_the_example_runs_and_says_what_the_readme_says(section, root, tmp_path, monkeypatch, capsys):
    commands = re.findall(r"(?m)^crmlab (analyse .*)$", section.split("\n### ")[0])
    (toml,) = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "datasets").symlink_to(root / "datasets")
    listing, template, analysis = commands
    assert cli.main(listing.split()) == 0
    assert "useful_1" in capsys.readouterr().out
    assert cli.main([*template.split()[:-1], "started.toml"]) == 0
    (tmp_path / "map.toml").write_text(toml, encoding="utf-8")
    assert cli.main([*analysis.split(), "--sims", "40", "--jobs", "1"]) == 0
    held = json.loads((tmp_path / "report" / "analysis.json").read_text(encoding="utf-8"))
    trap = [row["rejection_rate"] for row in held["worlds"] if row["preset"] == "trap"]
    assert len(trap) == 2 and min(trap) > 0.5
    assert held["estimates"][0]["verdict"] == "supported"
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert words("checks.common_method_title") in page
    assert words("analyse.mind_simpler") in page
    assert words("analyse.supported_fooled") in page
    assert "mean of PU_01, PU_02, PU_03" in page
    assert "e−1" not in page  # a mean of 0 is shown as 0


def test_tables_of_an_import_are_analysed_as_the_readme_says(root, section, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    of_import = (root / "README.md").read_text(encoding="utf-8").split("## From a CRM system and back")[1]
    demo, _, imported, *_ = re.findall(r"(?m)^crmlab (.*)$", of_import)
    assert cli.main([*demo.split(), "--customers", "800"]) == 0
    assert cli.main(imported.split()) == 0
    ids = [f"C{at:07d}" for at in range(0, 700, 2)]
    calls = "\n".join(["客户编号,contact", *(f"{each},{at % 4}" for at, each in enumerate(ids))])
    (tmp_path / "calls.csv").write_text(calls, encoding="utf-8")
    commands = re.findall(r"(?m)^crmlab (analyse .*)$", section.split("\n### ")[1])
    assert len(commands) == 3
    for command in commands:
        assert cli.main([*command.split(), "--sims", "0"]) == 0, capsys.readouterr().err
    assert "39 weeks" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
