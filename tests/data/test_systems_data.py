"""Lesson 18's real data: numbers that were computed independently."""

import numpy as np
import pytest
import statsmodels.formula.api as smf
from sklearn.linear_model import LogisticRegression

from crmlab.data import load_ereader, load_hillstrom, load_privacy
from crmlab.models.necessity import (
    ceiling_effect,
    copula_p_value,
    necessity_by_column,
    permutation_p_value,
)
from crmlab.models.uplift import held_out_scores, qini


def fit(formula):
    answers = load_ereader()
    return smf.ols(formula, (answers - answers.mean()) / answers.std()).fit(cov_type="HC3")


def test_emotional_value_takes_over_from_usefulness_and_ease():
    short, full = fit("adoption ~ useful + easy"), fit("adoption ~ useful + easy + emotional + compatible")
    assert short.params[["useful", "easy"]].round(3).tolist() == [0.406, 0.268]
    assert short.bse[["useful", "easy"]].round(3).tolist() == [0.118, 0.103]
    assert round(short.rsquared, 3) == 0.335 and round(full.rsquared, 3) == 0.537
    assert full.params.round(3).to_dict() == pytest.approx(
        {"Intercept": 0, "useful": 0.223, "easy": 0.086, "emotional": 0.516, "compatible": 0.049}
    )


def test_ease_is_called_necessary_by_the_test_of_association_alone():
    answers = load_ereader()
    conditions = answers[["useful", "easy", "emotional"]]
    found = necessity_by_column(conditions, answers.adoption.to_numpy(), 2000, seed=1)
    assert found.d.round(3).tolist() == [0.118, 0.150, 0.215]
    assert found.permutation["easy"] == pytest.approx(0.012, abs=0.006)
    assert (found.permutation < 0.05).all() and (found.fair > 0.5).all()


def test_permutations_reject_where_answers_correlate_and_nothing_is_necessary():
    """In two samples of three, with the survey's margins of ease and adoption, correlated at .45."""
    answers, rng = load_ereader(), np.random.default_rng(5)
    margins = np.sort(answers.easy), np.sort(answers.adoption)
    found = []
    for number in range(100):
        first, other = rng.standard_normal((2, len(answers)))
        ranks = [
            np.argsort(np.argsort(each)) for each in (first, 0.45 * first + np.sqrt(1 - 0.45**2) * other)
        ]
        pair = [margin[rank] for margin, rank in zip(margins, ranks, strict=True)]
        found.append([test(*pair, 199, number) for test in (permutation_p_value, copula_p_value)])
    permutation, fair = (np.array(found) <= 0.05).mean(axis=0)
    assert 0.5 < permutation < 0.8 and fair <= 0.1


def test_trust_goes_with_intent_and_is_not_necessary(real_data):
    """Nor is little risk or little concern: the corner is that of those who fear, and yet would use it."""
    people = load_privacy()
    fitted = smf.ols("intent ~ trust + risk + concern", (people - people.mean()) / people.std()).fit(
        cov_type="HC3"
    )
    causes = ["trust", "risk", "concern"]
    assert len(people) == 1090 and round(fitted.rsquared, 3) == 0.311
    assert fitted.params[causes].round(3).tolist() == [0.492, -0.144, -0.053]
    assert fitted.bse[causes].round(3).tolist() == [0.036, 0.032, 0.030]
    for cause in (people.trust, -people.risk, -people.concern):
        assert ceiling_effect(cause.to_numpy(), people.intent.to_numpy()) == 0


def test_mail_by_uplift_gains_more_than_by_base_rate(real_data):
    """Of the women's mail on visits, best half, 10 half-splits; .075 and .042 ± .005 by other splits."""
    table = load_hillstrom().query("segment != 'Mens E-Mail'")
    features = np.column_stack(
        [
            table.recency,
            np.log(table.history),
            table.mens,
            table.womens,
            table.newbie,
            *((table.zip_code == each) for each in ("Rural", "Urban")),
            *((table.channel == each) for each in ("Phone", "Web")),
        ]
    ).astype(float)
    outcome, treated = table.visit.to_numpy(), (table.segment == "Womens E-Mail").to_numpy() * 1
    gains = []
    for seed in range(10):
        learn = np.random.default_rng(seed).random(len(table)) < 0.5
        scores = held_out_scores(lambda: LogisticRegression(max_iter=1000), features, outcome, treated, learn)
        gains.append(
            [
                qini(scores[name], outcome[~learn], treated[~learn], 0.5)[0] / 0.5
                for name in ("uplift", "without")
            ]
        )
    uplift, base = np.mean(gains, axis=0)
    assert uplift == pytest.approx(0.075, abs=0.006) and base == pytest.approx(0.043, abs=0.006)
