"""The double sample against a hand-made case, against its scatter, and against a mean."""

import numpy as np
import pytest

from crmlab.design import EstimationFailed, InputError, Tables
from crmlab.estimators import DoubleSample


def sample(heard, answered, followed):
    return Tables(
        {"asked": dict(zip(("y", "answered", "followed"), map(np.asarray, (heard, answered, followed))))}
    )


def test_the_followed_stand_for_all_the_silent():
    tables = sample([4.0, 5.0, 1.0, 3.0, 0.0, 0.0], [1.0, 1, 0, 0, 0, 0], [0.0, 0, 1, 1, 0, 0])
    assert DoubleSample("y", "answered", "followed")(tables).value == pytest.approx(2 / 6 * 4.5 + 4 / 6 * 2.0)


def test_where_all_answer_it_is_their_mean():
    values = np.random.default_rng(1).standard_normal(50)
    found = DoubleSample("y", "answered", "followed")(sample(values, np.ones(50), np.zeros(50)))
    assert found.value == pytest.approx(values.mean())
    assert found.standard_error == pytest.approx(values.std(ddof=1) / 50**0.5)


def test_its_error_is_its_scatter_and_it_has_no_bias():
    rng = np.random.default_rng(2)
    values = rng.standard_normal((4000, 300))
    answered = (rng.random(values.shape) < 1 / (1 + np.exp(-values))) * 1.0
    followed = (1 - answered) * (rng.random(values.shape) < 0.3)
    found = DoubleSample("y", "answered", "followed").batch(sample(values, answered, followed))
    assert found.value.mean() == pytest.approx(0, abs=4 * found.value.std() / 4000**0.5)
    assert found.standard_error.mean() == pytest.approx(found.value.std(), rel=0.05)


def test_the_silent_must_be_heard():
    with pytest.raises(EstimationFailed, match="none of them was followed up"):
        DoubleSample("y", "answered", "followed")(sample([1.0, 0.0], [1.0, 0.0], [0.0, 0.0]))
    with pytest.raises(InputError, match="is not 0 in rows"):
        DoubleSample("y", "answered", "followed")(sample([1.0, 0.0], [1.0, 0.0], [1.0, 0.0]))
