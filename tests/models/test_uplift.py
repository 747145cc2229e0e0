"""Uplift: the curve against its definition, the truth in a market that is known, and no peeking."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from crmlab.errors import InputError
from crmlab.models.uplift import held_out_scores, qini


def market(n, seed):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, 2))
    treated = (rng.random(n) < 0.5) * 1
    chance = 1 / (1 + np.exp(1 - features[:, 0] - treated * features[:, 1]))
    return features, (rng.random(n) < chance) * 1, treated


def test_the_curve_is_the_difference_of_arms_among_the_best():
    _, outcome, treated = market(500, 1)
    score = np.random.default_rng(2).random(500)
    best = score >= np.sort(score)[-150]
    gap = outcome[best & (treated == 1)].mean() - outcome[best & (treated == 0)].mean()
    assert qini(score, outcome, treated, [0.3])[0] == pytest.approx(0.3 * gap)


def test_all_are_worth_the_mean_effect_whatever_the_score():
    features, outcome, treated = market(2000, 3)
    effect = outcome[treated == 1].mean() - outcome[treated == 0].mean()
    for score in (features[:, 0], features[:, 1]):
        assert qini(score, outcome, treated, 1.0) == pytest.approx(effect)


def test_scores_of_others_find_whom_it_moves():
    features, outcome, treated = market(20_000, 4)
    learn = np.arange(20_000) < 10_000
    scores = held_out_scores(LogisticRegression, features, outcome, treated, learn)
    assert len(scores["uplift"]) == 10_000
    assert np.corrcoef(scores["uplift"], features[~learn, 1])[0, 1] > 0.9
    by_uplift, by_risk = (
        qini(scores[name], outcome[~learn], treated[~learn], 0.3)[0] for name in ("uplift", "without")
    )
    assert by_uplift > by_risk + 0.03


def test_those_who_are_scored_are_not_learned_from():
    features, outcome, treated = market(400, 5)
    learn = np.arange(400) < 200
    one = held_out_scores(LogisticRegression, features, outcome, treated, learn)
    other = np.where(learn, outcome, 1 - outcome)
    again = held_out_scores(LogisticRegression, features, other, treated, learn)
    assert np.array_equal(one["uplift"], again["uplift"])


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(InputError, match="have 2, 2, 3 rows"):
        qini([1, 2], [0, 1], [0, 1, 0], 0.5)
    with pytest.raises(InputError, match="above 0 and up to 1"):
        qini([1, 2], [0, 1], [0, 1], [0.0])
    with pytest.raises(InputError, match="the same outcome"):
        held_out_scores(
            LogisticRegression, np.zeros((4, 1)), np.zeros(4), np.array([0, 1, 0, 1]), np.ones(4, bool)
        )
    assert np.isnan(qini([3, 2, 1], [0, 1, 1], [1, 0, 0], [0.3])).all()
