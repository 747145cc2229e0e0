"""Kano's table as published, and the better and worse of counts."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.models.kano import (
    ANSWERS,
    CLASSES,
    better,
    class_counts,
    evaluation_table,
    kano_class,
    kano_classes,
    lean,
    worse,
)


def test_the_table_is_kanos():
    table = evaluation_table()
    assert list(table.index) == list(table.columns) == list(ANSWERS)
    assert table.loc["like"].tolist() == list("QAAAO")
    for answer in ("must be", "neutral", "live with"):
        assert table.loc[answer].tolist() == list("RIIIM")
    assert table.loc["dislike"].tolist() == list("RRRRQ")
    assert set(np.unique(table)) == set(CLASSES)


def test_each_pair_of_answers_has_the_tables_class():
    one, other = np.meshgrid(range(1, 6), range(1, 6), indexing="ij")
    assert (kano_class(one, other) == evaluation_table().to_numpy()).all()


@pytest.mark.parametrize("bad", [0, 6, 2.5, np.nan])
def test_an_answer_off_the_scale_is_refused(bad):
    with pytest.raises(InputError, match="without_it has 1 answers .*rows \\[1\\]"):
        kano_class(np.array([1, 1]), np.array([2, bad]))


def test_better_and_worse_leave_reversed_and_questionable_answers_out():
    counts = {"A": 30, "O": 20, "M": 10, "I": 40, "R": 50, "Q": 25}
    assert better(counts) == 0.5 and worse(counts) == -0.3
    assert better(counts | {"R": 0, "Q": 0}) == better(counts)
    with pytest.raises(InputError, match="counts has no I"):
        better({"A": 1, "O": 1, "M": 1})
    with pytest.raises(InputError, match="all 0"):
        worse(dict.fromkeys("AOMIRQ", 0))


def test_a_surveys_classes_are_counted_by_feature():
    answers = pd.DataFrame(
        {"with_tea": [1, 1, 3], "without_tea": [3, 5, 3], "with_wifi": [2, 3, 1], "without_wifi": [5, 5, 1]}
    )
    classes = kano_classes(answers, ["tea", "wifi"])
    assert classes.to_dict("list") == {"tea": ["A", "O", "I"], "wifi": ["M", "M", "Q"]}
    counts = class_counts(classes)
    assert counts.loc["tea"].to_dict() == pytest.approx(
        {"A": 1, "O": 1, "M": 0, "I": 1, "R": 0, "Q": 0, "better": 2 / 3, "worse": -1 / 3}
    )
    assert counts.loc["wifi", ["M", "Q", "better", "worse"]].tolist() == [2, 1, 0, -1]
    for feature, row in counts.iterrows():
        assert (row.better, row.worse) == (better(row), worse(row)), feature
    people = class_counts(classes.T)
    assert people.better.tolist() == [0.5, 0.5, 0.0] and people.worse.tolist() == [-0.5, -1.0, 0.0]
    assert class_counts(pd.DataFrame({"tea": ["Q", "R"]})).better.isna().all()
    assert lean(classes).to_dict("list") == {"tea": [1, 0, 0], "wifi": [-1, -1, 0]}
    with pytest.raises(InputError, match="unknown column 'without_bath'"):
        kano_classes(answers.assign(with_bath=1), ["bath"])
