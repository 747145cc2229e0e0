"""Choices follow the multinomial logit, one alternative each."""

import numpy as np
from scipy.special import softmax

from crmlab.design.streams import BatchStreams, Streams
from crmlab.mechanisms.choices import choose


def test_shares_are_those_of_the_logit():
    utility = np.array([0.8, -0.3, 0.0, 1.4])
    taken = choose(np.tile(utility, (200_000, 1)), np.random.default_rng(1))
    chance = softmax(utility)
    assert (np.abs(taken.mean(axis=0) - chance) < 4 * np.sqrt(chance * (1 - chance) / 200_000)).all()


def test_one_alternative_is_taken_and_the_same_one_in_a_batch():
    utility = np.random.default_rng(2).standard_normal((3, 50, 4))
    many = choose(utility, BatchStreams([(7, number) for number in range(3)])["choices"])
    assert (many.sum(axis=-1) == 1).all()
    for number in range(3):
        assert (many[number] == choose(utility[number], Streams((7, number))["choices"])).all()
