"""What theories need, with a card and without one; cards that speak of what is not there."""

import tomllib

import numpy as np
import pytest

from crmlab.analysis import needs as module
from crmlab.analysis.analysing import sources_of
from crmlab.analysis.deriving import Formula
from crmlab.analysis.matching import read_map
from crmlab.analysis.needs import needs_of
from crmlab.analysis.preparing import prepared
from crmlab.analysis.template import template
from crmlab.errors import InputError
from crmlab.theories import design_of


def test_a_theory_without_a_card_takes_the_tables_that_it_simulates(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "CARDS", tmp_path)
    needs = needs_of.__wrapped__("17")
    design = design_of("17").replace(n_customers=500)
    cohort = design.simulate(3)
    frames = {name: cohort[name] for name in needs.samples}
    said = {name: {"file": name} for name in frames}
    ready = prepared(needs, design, sources_of(frames), read_map(said, needs), complete_cases=False)
    own = ready.design(design).analyse(ready.tables, sims=0).estimates
    assert np.allclose(own["estimate"], design.test(cohort)["estimate"])


@pytest.mark.parametrize(
    "card, match",
    [
        (
            "about = 'x'\n[customers]\nrow = 'a'\nfile = 'x'",
            "unknown key of .customers. in omnichannel.toml 'file'",
        ),
        ("[customers.columns.app]\nkind = 'mood'", "unknown kind of app"),
        ("[customers.columns.app]\nabot = 'x'", "unknown key of app"),
        ("[clients]\nrow = 'a'", "unknown table of omnichannel.toml 'clients'"),
        ("[customers]\nalso = ['mood']", "speaks of 'mood', which is no column"),
        ("why_not = 'It has no rows.'", "It has no rows"),
    ],
)
def test_cards_that_speak_of_what_is_not_there(monkeypatch, tmp_path, card, match):
    (tmp_path / "omnichannel.toml").write_text(card)
    monkeypatch.setattr(module, "CARDS", tmp_path)
    with pytest.raises(InputError, match=match):
        needs_of.__wrapped__("17")


@pytest.mark.parametrize(
    "text, match",
    [
        ("__import__('os')", "unknown function"),
        ("a.b", "only arithmetic"),
        ("a +", "cannot be read"),
        ("[a]", "only"),
    ],
)
def test_formulas_hold_arithmetic_only(text, match):
    with pytest.raises(InputError, match=match):
        Formula(text).of({"a": np.ones(3)})


def test_a_formula():
    columns = {"a": np.array([1.0, 3.0, 5.0]), "b": np.array([0.0, 0.0, 1.0])}
    assert Formula("a - mean_by(a, b)").of(columns).tolist() == [-1, 1, 0]
    assert Formula("(a > 2) * -b + 1").of(columns).tolist() == [1, 1, 0]
    assert Formula("1").of(columns).tolist() == [1, 1, 1]


@pytest.mark.parametrize("lesson", ["00", "08", "09", "14"])
def test_a_template_is_a_map(lesson):
    needs = needs_of(lesson)
    held = tomllib.loads(template(needs))
    assert set(held) == set(needs.samples)
    for name, sample in needs.samples.items():
        assert set(held[name]["columns"]) == set(sample.columns)
    assert not read_map(held, needs).of(next(iter(needs.samples))).columns
