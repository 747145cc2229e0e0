"""Kano's table as published, and the better and worse of counts."""

import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.models.kano import ANSWERS, CLASSES, better, evaluation_table, kano_class, worse


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
