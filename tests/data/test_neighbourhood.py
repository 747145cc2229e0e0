"""Kano's questions and the service quality ratings: as their cards say, and refused where they are not."""

import pandas as pd
import pytest

from crmlab.data import load_kano, load_sq
from crmlab.data.cards import card
from crmlab.data.neighbourhood import ASSETS
from crmlab.errors import InputError


def test_kanos_survey_is_complete(real_data):
    answers = load_kano()
    assert answers.shape == (1478, 48) and answers.isin(range(1, 6)).all(axis=None)
    assert answers.with_nightlife.value_counts().to_dict() == {1: 576, 2: 478, 3: 330, 4: 71, 5: 23}
    assert answers.without_nightlife.value_counts().to_dict() == {3: 488, 2: 344, 1: 335, 4: 217, 5: 94}


def test_both_forms_of_kanos_survey_say_the_same(real_data, tmp_path, monkeypatch):
    from_sheet = load_kano()
    (coded,) = card("kano").local
    (tmp_path / coded).write_bytes((real_data / coded).read_bytes())
    monkeypatch.setenv("CRMLAB_DATA", str(tmp_path))
    pd.testing.assert_frame_equal(load_kano(), from_sheet)


def test_a_survey_of_another_hash_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CRMLAB_DATA", str(tmp_path))
    (tmp_path / "kano_neighbourhood.csv").write_text("resp," + ",".join(ASSETS))
    with pytest.raises(InputError, match="SHA-256"):
        load_kano()


def test_service_quality_is_as_its_card_says(real_data):
    ratings = load_sq()
    assert ratings.shape == (411, 23) and ratings.isin(range(0, 101, 20)).all(axis=None)
    assert ratings.sat.mean() == pytest.approx(80.876, abs=0.001)
