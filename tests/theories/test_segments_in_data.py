"""Lesson 02's real data: the numbers that the lesson tells, from the files themselves."""

import numpy as np
import pytest

from crmlab.data import load_bank, load_mcdonalds
from crmlab.models.mixture_logit import fit_mixture_logit
from crmlab.theories import segments_in_data as evidence


def test_fit_wants_seven_classes_and_stability_two(real_data):
    table = evidence.number_of_classes(load_mcdonalds(), pairs=10)
    assert table.bic.idxmin() == 7 and table.bic[7] == pytest.approx(14404.7, abs=0.5)
    assert table.bic[4] == pytest.approx(14564.5, abs=0.5)
    assert table.agreement.idxmax() == 2
    assert table.agreement[2] > 0.9 and table.agreement[7] < 0.75


def test_what_people_perceive_explains_more_than_who_they_are(real_data):
    survey = load_mcdonalds()
    assert survey.shape == (1453, 15) and survey.like.between(-5, 5).all()
    table = evidence.explained(survey)
    assert table.loc["age and gender"].to_numpy() == pytest.approx([0.066, 0.086], abs=0.001)
    assert table.loc["4 classes"].to_numpy() == pytest.approx([0.468, 0.222], abs=0.001)


def test_demography_is_significant_beyond_doubt(real_data):
    bank = load_bank()
    pooled = fit_mixture_logit(evidence.card_panel(*bank), 1)
    names = list(bank[0].columns[2:])
    assert pooled.log_likelihood == pytest.approx(-8063.8, abs=0.1)
    assert pooled.coefficients[0][names.index("Low_FInt")] == pytest.approx(3.061, abs=0.001)
    assert pooled.coefficients[0][names.index("Out_State")] == pytest.approx(-1.369, abs=0.001)
    test = evidence.demography_tested(*bank)
    assert test["statistic"] == pytest.approx(171.5, abs=0.1)
    assert test["degrees_of_freedom"] == 42 and test["p_value"] < 1e-16


def test_and_foretells_next_to_nothing(real_data):
    table = evidence.out_of_sample(*load_bank())
    assert table.hits["everybody alike"] == pytest.approx(0.772, abs=5e-4)
    assert table.hits["demography"] == pytest.approx(0.772, abs=1e-3)
    assert table.log_likelihood[:2].to_numpy() == pytest.approx([-0.508, -0.504], abs=6e-4)
    assert table.gain["demography"] < 2 * table.standard_error["demography"]
    for better in ("two classes", "one to one"):
        assert table.gain[better] > 2 * table.standard_error[better]
        assert table.hits[better] > 0.775
    assert table.log_likelihood["two classes"] == pytest.approx(-0.487, abs=2e-3)


def test_three_choices_of_everybody_are_held_out(real_data):
    choices, people = load_bank()
    assert len(people) == 946 and choices.groupby("id").size().min() > evidence.HELD_OUT
    panel = evidence.card_panel(choices, people, demography=True)
    assert panel.attributes.shape == (14_799, 2, 14 * 4) and not panel.attributes[:, 1].any()
    scores = panel.attributes[:, 0, 14:28] / np.where(
        panel.attributes[:, 0, :14] == 0, np.nan, panel.attributes[:, 0, :14]
    )
    assert np.nanmax(np.nanstd(scores, axis=1)) < 1e-9  # one age a person, whatever the attribute
