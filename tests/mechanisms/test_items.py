"""Scales: their answers, their thresholds, and what they do to a trait on average."""

import numpy as np
import pytest
from scipy.stats import norm

from crmlab.design.streams import BatchStreams, Streams
from crmlab.errors import InputError
from crmlab.mechanisms.items import Scale, answers, mean_scores, spend_by_period

SCALES = [Scale(7, 0.7, 0.75, 0.3), Scale(2, 1.0, 0.6), Scale(11, 0.45, 0.9), Scale(5, 0.3, 0.95, 0.3)]


@pytest.mark.parametrize("scale", SCALES)
def test_answers_have_the_shares_that_the_thresholds_say(scale):
    rng = np.random.default_rng(1)
    trait, method = rng.standard_normal((2, 200_000))
    (answer,) = scale.draw(trait, rng, 1, method)
    shares = np.diff(norm.cdf([-np.inf, *scale.thresholds, np.inf]))
    assert np.bincount(answer.astype(int), minlength=scale.points + 1)[1:] / len(answer) == pytest.approx(
        shares, abs=0.005
    )
    assert scale.thresholds == pytest.approx(-scale.thresholds[::-1])


@pytest.mark.parametrize("scale", SCALES)
def test_a_point_is_worth_what_the_least_squares_line_says(scale):
    rng = np.random.default_rng(2)
    trait, method = rng.standard_normal((2, 400_000))
    (answer,) = scale.draw(trait, rng, 1, method)
    assert np.cov(trait, answer)[0, 1] / trait.var() == pytest.approx(scale.points_per_deviation, abs=0.01)


def test_the_mean_answer_is_that_of_many_answers():
    scale, rng = Scale(7, 0.7, 0.8), np.random.default_rng(3)
    for trait in (-1.5, 0.0, 2.0):
        answers = np.concatenate(scale.draw(np.full(200_000, trait), rng, 2))
        assert answers.mean() == pytest.approx(float(scale.true_score(trait)), abs=0.008)
    steps = np.linspace(-3, 3, 41)
    slope = (scale.mean_answer(steps + 1e-5, 0.6) - scale.mean_answer(steps - 1e-5, 0.6)) / 2e-5
    assert scale.mean_answer_slope(steps, 0.6) == pytest.approx(slope, rel=1e-6)


def test_many_cohorts_are_those_drawn_one_by_one():
    seeds, scale = [(3, number) for number in range(3)], Scale(method=0.3)
    many = BatchStreams(seeds)
    answers = scale.draw(many["trait"].standard_normal(40), many["items"], 2, many["m"].standard_normal(40))
    for number, seed in enumerate(seeds):
        one = Streams(seed)
        alone = scale.draw(one["trait"].standard_normal(40), one["items"], 2, one["m"].standard_normal(40))
        assert all((together[number] == single).all() for together, single in zip(answers, alone))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Scale(points=1), "points is 1"),
        (lambda: Scale(spread=0.0), "spread 0.0"),
        (lambda: Scale(loading=0.9, method=0.6), "loading 0.9 and method 0.6 explain 1.17"),
        (lambda: Scale(method=0.3).draw(np.zeros(3), np.random.default_rng(1)), "give the method factor"),
    ],
)
def test_scales_that_cannot_be_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_log_spend_loads_as_declared():
    rng = np.random.default_rng(4)
    habit = rng.standard_normal(200_000)
    spend = np.stack(spend_by_period(habit, rng))
    assert np.log(spend).std(axis=1) == pytest.approx(0.5, abs=0.005)
    for period in np.log(spend):
        assert np.corrcoef(habit, period)[0, 1] == pytest.approx(0.8, abs=0.005)
    assert np.median(spend) == pytest.approx(40, rel=0.01)


def test_a_questionnaire_is_its_items_drawn_one_trait_after_the_other():
    scale, rng = Scale(points=5, loading=0.7, method=0.3), np.random.default_rng(4)
    traits = dict(zip(("trust", "value"), rng.standard_normal((2, 50)), strict=True))
    method = rng.standard_normal(50)
    items = {"value": ["value_1", "value_2"], "trust": ["trust_1"]}
    found = answers(items, traits, scale, np.random.default_rng(5), method)
    again = np.random.default_rng(5)
    by_hand = [*scale.draw(traits["value"], again, 2, method), *scale.draw(traits["trust"], again, 1, method)]
    assert list(found) == ["value_1", "value_2", "trust_1"]
    assert np.array_equal(list(found.values()), by_hand)
    scores = mean_scores(found | {"age": method}, items)
    assert list(scores) == ["value_score", "trust_score", "age"]
    assert np.array_equal(scores["value_score"], (found["value_1"] + found["value_2"]) / 2)
