"""Surprises with a long tail: their moments, their shape, and that scores lead back to them."""

import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.mechanisms.normal import FAR
from crmlab.mechanisms.surprises import Surprise

SHAPES = [Surprise(), Surprise(0.4, 0.3, 1), Surprise(-0.3, 0.8, -1), Surprise(0.2, 0.8, 0)]


@pytest.mark.parametrize("surprise", SHAPES)
def test_moments_and_tail_are_as_declared(surprise):
    drawn = surprise.at(np.random.default_rng(1).standard_normal(400_000))
    assert drawn.mean() == pytest.approx(surprise.level, abs=0.01)
    assert drawn.std() == pytest.approx(1, abs=0.02)
    third = ((drawn - drawn.mean()) ** 3).mean()
    assert np.sign(third) * (abs(third) > 0.05) == surprise.tail


@pytest.mark.parametrize("surprise", SHAPES)
def test_it_rises_with_the_score_and_the_score_leads_back(surprise):
    scores = np.linspace(-2.5, 2.5, 11)
    values = surprise.at(scores)
    assert (np.diff(values) > 0).all()
    assert [surprise.score(value) for value in values] == pytest.approx(scores.tolist())


def test_what_the_short_side_never_reaches_lies_far_out():
    assert Surprise(0, 0.8, 1).score(-9.0) == -FAR and Surprise(0, 0.8, -1).score(9.0) == FAR


@pytest.mark.parametrize("surprise", SHAPES)
def test_nodes_give_means_of_what_has_a_corner(surprise):
    drawn = surprise.at(np.random.default_rng(2).standard_normal(1_000_000))
    for corner in (-0.7, 0.0, 0.9):
        values, mass = surprise.nodes(corner)
        exact = float(mass @ np.maximum(values - corner, 0))
        assert exact == pytest.approx(np.maximum(drawn - corner, 0).mean(), abs=0.005)


def test_a_shape_that_cannot_be_is_refused():
    with pytest.raises(InputError, match="tail is 2"):
        Surprise(tail=2)
