"""AHP and TOPSIS: a published example to the digits, properties that define them, and what they refuse."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import InputError
from crmlab.models.priorities import RANDOM_INDEX, closeness, comparisons, priorities, reversal_weight

CITY = comparisons([[1 / 5, 3, 1 / 2, 5], [7, 1, 7], [1 / 4, 3], [7]])  # Saaty (2004), choosing a city


def test_saatys_city_comes_out_to_the_digits():
    """Culture, family, house, jobs, transport."""
    found = priorities(CITY)
    assert found.weights == pytest.approx([0.152, 0.434, 0.072, 0.305, 0.038], abs=6e-4)
    assert found.eigenvalue == pytest.approx(5.2252, abs=5e-5)
    assert found.consistency_ratio == pytest.approx(0.050, abs=5e-4)


def test_comparisons_that_do_not_contradict_give_their_own_weights():
    weights = np.array([0.5, 0.3, 0.15, 0.05])
    found = priorities(weights[:, None] / weights)
    assert found.weights == pytest.approx(weights)
    assert found.eigenvalue == pytest.approx(4) and found.consistency_ratio == pytest.approx(0, abs=1e-12)


def test_the_order_of_criteria_does_not_matter():
    order = np.random.default_rng(1).permutation(5)
    mixed = priorities(CITY[np.ix_(order, order)])
    assert mixed.weights == pytest.approx(priorities(CITY).weights[order])


@pytest.mark.parametrize("size", range(3, 11))
def test_random_comparisons_are_about_as_consistent_as_saaty_found(size):
    """His indices come from reciprocal matrices with entries drawn from 1/9, 1/8, …, 8, 9."""
    rng, scale = np.random.default_rng(size), np.array([*range(1, 10), *(1 / k for k in range(2, 10))])
    found = [
        priorities(comparisons([rng.choice(scale, size - 1 - at) for at in range(size - 1)]))
        for _ in range(400)
    ]
    assert np.mean([each.consistency_ratio for each in found]) == pytest.approx(1, abs=0.15)
    assert len(RANDOM_INDEX) == 10


VENDORS = pd.DataFrame({"sales": [7, 9, 4], "service": [6, 3, 9], "price": [5, 5, 5]}, index=list("ABC"))


def test_closeness_is_that_of_the_definition():
    weights = np.array([0.5, 0.3, 0.2])
    scaled = VENDORS / np.sqrt((VENDORS**2).sum()) * weights
    best, worst = scaled.max(), scaled.min()
    to_best, to_worst = (np.sqrt(((scaled - each) ** 2).sum(axis=1)) for each in (best, worst))
    assert closeness(VENDORS, 10 * weights).to_dict() == pytest.approx(
        (to_worst / (to_best + to_worst)).to_dict()
    )


def test_an_option_that_is_best_everywhere_has_closeness_one():
    both = pd.DataFrame({"one": [3, 1], "other": [5, 2]}, index=["A", "B"])
    assert closeness(both, [1, 4]).to_dict() == {"A": 1.0, "B": 0.0}


def test_at_the_reversal_weight_the_two_tie():
    gaps, weights = np.array([0.3, -0.25, 0.1, -0.1]), np.array([0.35, 0.3, 0.2, 0.15])
    for moved in range(4):
        tie = reversal_weight(gaps, weights, moved)
        if np.isnan(tie):
            continue
        rest = weights * (1 - tie) / (1 - weights[moved])
        rest[moved] = tie
        assert rest.sum() == pytest.approx(1) and rest @ gaps == pytest.approx(0, abs=1e-12)
    assert 0.3 < reversal_weight(gaps, weights, 1) < 0.5


def test_where_one_wins_everywhere_nothing_turns_the_order():
    assert np.isnan(reversal_weight([0.1, 0.2], [0.5, 0.5], 0))
    assert np.isnan(reversal_weight([0.2, 0.2], [0.5, 0.5], 0))


@pytest.mark.parametrize(
    "ask, says",
    [
        (lambda: comparisons([[2, 3], [1, 2]]), "give 2 rows, each one shorter"),
        (lambda: comparisons([]), "upper has rows of"),
        (lambda: comparisons([[0.0]]), "not above 0"),
        (lambda: priorities([[1, 2], [2, 1]]), "not reciprocal"),
        (lambda: priorities(np.ones((11, 11))), "of 2 to 10 rows"),
        (lambda: priorities([[1, 2]]), "it must be square"),
        (lambda: closeness(VENDORS, [1, 1]), "weights must be 3 numbers"),
        (lambda: closeness(VENDORS, [0, 0, 0]), "not all 0"),
        (lambda: closeness(VENDORS[["price"]], [1]), "the same in all options"),
    ],
)
def test_what_is_no_comparison_is_refused(ask, says):
    with pytest.raises(InputError, match=says):
        ask()
