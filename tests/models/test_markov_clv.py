"""Markov-chain customer value, against Pfeifer & Carraway's example and against simulated paths."""

import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.models.markov_clv import MarkovCLV


@pytest.fixture
def article():
    """NC = 40, M = 4, purchase probabilities .3, .2, .15, .05 by recency, d = .2."""
    return MarkovCLV.from_recency([0.3, 0.2, 0.15, 0.05], contribution=40, marketing=4, discount_rate=0.2)


def test_value_as_in_the_article(article):
    assert article.value().round(3).tolist() == [52.320, 5.554, 1.251, -1.820, 0.0]


def test_stopping_rule_as_in_the_article(article):
    rule = article.stopping_rule()
    assert rule.value.round(3).tolist() == [53.149, 6.621, 2.644, 0.0, 0.0]
    assert rule.stop_at == ("recency 4",)
    assert (rule.value >= article.value() - 1e-12).all()


def test_stopping_rule_is_the_best_of_all_rules(article):
    best = np.full(5, -np.inf)
    for code in range(32):
        keep = np.array([code >> j & 1 for j in range(5)], bool)
        best = np.maximum(best, article._value_of(keep, np.array([40 / 1.0, 0, 0, 0, 0])))
    assert article.stopping_rule().value == pytest.approx(best)


def test_value_is_the_mean_of_simulated_paths(article):
    path = article.paths(200_000, 40, seed=1)
    cash = (article.reward[path] * 1.2 ** -np.arange(41)).sum(axis=1)
    assert cash.mean() == pytest.approx(article.value(41)[0], abs=4 * cash.std() / np.sqrt(200_000))
    assert article.value(200) == pytest.approx(article.value(), abs=1e-9)
    assert article.value(1) == pytest.approx(article.reward)


def test_display(article):
    assert "recency 4" in repr(article) and "value_with_stopping" in article._repr_html_()
    assert list(article.summary.index) == [
        "recency 1",
        "recency 2",
        "recency 3",
        "recency 4",
        "former customer",
    ]


def test_without_discounting():
    absorbed = MarkovCLV.from_recency([0.3, 0.2], 40, 4, discount_rate=0.0)
    assert absorbed.value() == pytest.approx(absorbed.value(2000))
    with pytest.raises(InputError, match="no limit"):
        MarkovCLV([[0.5, 0.5], [0.5, 0.5]], [1, 1], 0.0).value()


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: MarkovCLV([[0.5, 0.4], [0, 1]], [1, 0], 0.1),
            r"transition is not a set of probabilities in 1 of 2.*0.9",
        ),
        (lambda: MarkovCLV([[1.2, -0.2], [0, 1]], [1, 0], 0.1), "transition is not a set"),
        (lambda: MarkovCLV([[1.0]], [1, 0], 0.1), r"transition has shape \(1, 1\); 2 states"),
        (lambda: MarkovCLV(np.eye(2), [1, np.nan], 0.1), "reward must be one row"),
        (lambda: MarkovCLV(np.eye(2), [1, 0], -0.1), "discount_rate is -0.1"),
        (lambda: MarkovCLV.from_recency([0.3, 1.4], 40, 4, 0.2), "probability holds 1.4"),
        (lambda: MarkovCLV(np.eye(2), [1, 0], 0.1, states=["a"]), "states names 1"),
        (lambda: MarkovCLV([["half", 0.5], [0, 1]], [1, 0], 0.1), "transition must hold numbers"),
        (lambda: MarkovCLV([[0.5, 0.5], [1]], [1, 0], 0.1), "rows of equal length"),
        (lambda: MarkovCLV(np.eye(2), [1, "much"], 0.1), "reward must hold numbers"),
        (lambda: MarkovCLV(np.eye(2), [1, 0], "high"), "discount_rate is 'high'"),
        (lambda: MarkovCLV(np.eye(2), [1, 0], 0.1).value(horizon=1.5), "horizon is 1.5"),
        (lambda: MarkovCLV(np.eye(2), [1, 0], 0.1).paths(3, 4, seed=1, start=2), "start is 2; give a state"),
        (lambda: MarkovCLV(np.eye(2), [1, 0], 0.1).paths(0, 4, seed=1), "n is 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
