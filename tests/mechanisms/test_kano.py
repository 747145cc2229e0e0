"""Answers to Kano's questions: their shares in closed form, and how much of them is the person's."""

import numpy as np
import pytest

from crmlab.mechanisms.kano import AnsweringStyle

ROWS = 400_000


@pytest.mark.parametrize("spread, together, liked, missed", [(1.2, -0.2, 0.4, -0.4), (0.5, 0.6, 0.0, 1.0)])
def test_shares_are_those_of_a_large_survey(spread, together, liked, missed):
    style, rng = AnsweringStyle(spread, together), np.random.default_rng(1)
    with_it, without_it = style.answers(liked, missed, style.draw(rng, ROWS), rng)
    cells = np.zeros((5, 5))
    np.add.at(cells, (with_it.astype(int) - 1, without_it.astype(int) - 1), 1 / ROWS)
    shares = style.shares(liked, missed)
    assert shares.sum() == pytest.approx(1)
    assert np.abs(shares - cells).max() < 0.003


def test_who_likes_a_thing_more_says_like_and_who_misses_it_more_says_dislike():
    style = AnsweringStyle(1.0, 0.0)
    low, high = style.shares(0.0, 0.0), style.shares(1.0, 1.0)
    assert high[0].sum() > low[0].sum() and high[:, 4].sum() > low[:, 4].sum()
    assert high[:, 0].sum() < low[:, 0].sum()


def test_styles_have_their_spread_and_correlation():
    s, t = AnsweringStyle(1.2, -0.3).draw(np.random.default_rng(2), ROWS)
    assert (s.std(), t.std()) == pytest.approx((1.2, 1.2), abs=0.01)
    assert np.corrcoef(s, t)[0, 1] == pytest.approx(-0.3, abs=0.01)
