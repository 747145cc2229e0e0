"""The words of purposes and months are NumPy's."""

import zlib

import numpy as np
import pytest

from crmlab.company.seeding import words_of
from crmlab.company.streams import Streams

PURPOSES, MONTHS = ("times", "amounts", "game: who reads"), np.arange(-1, 60)


@pytest.mark.parametrize("seed", [(0,), (1,), (4, 2), (3, 2**40 + 5, 7, 9), (1, 2, 3, 4, 5)])
def test_words_are_those_of_seed_sequences(seed):
    found = words_of(seed, PURPOSES, MONTHS)
    for purpose, words in zip(PURPOSES, found, strict=True):
        code = zlib.crc32(purpose.encode())
        for month, word in zip(MONTHS.tolist(), words, strict=True):
            sequence = np.random.SeedSequence([*seed, code, month + 1])
            assert word == sequence.generate_state(1, np.uint64)[0]


def test_a_word_is_the_same_in_whatever_order_it_is_asked_for():
    late = Streams(7, luck=9, luck_from=12)
    asked = {month: late.constant("times", month) for month in (100, 3, 40, 12, -1)}
    early = Streams(7, luck=9, luck_from=12)
    assert all(early.constant("times", month) == word for month, word in sorted(asked.items()))
    assert early.constant("times", 11) == Streams(7).constant("times", 11) != early.constant("times", 12)
