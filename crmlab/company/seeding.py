"""Words that stand for a seed, a purpose and a month: those of NumPy's `SeedSequence`, many at once.

One `SeedSequence` takes microseconds, and a company needs one for each purpose and month: some hundreds. What
NumPy does with one pool of words is done here with arrays of them; a test compares word by word.
"""

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]
POOL = 4  # words of entropy that are mixed
MIXED, DRAWN = (0x43B0D7E5, 0x931E8875), (0x8B51F9DD, 0x58F38DED)  # first constant and its multiplier
LEFT, RIGHT, SHIFT = np.uint32(0xCA01F9DD), np.uint32(0x4973F715), np.uint32(16)


def words_of(
    seed: Sequence[int], purposes: Sequence[str], months: npt.NDArray[np.integer]
) -> npt.NDArray[np.uint64]:
    """``SeedSequence([*seed, crc32(purpose), month + 1]).generate_state(1, uint64)`` of each.

    Parameters
    ----------
    seed : sequence of int
    purposes : sequence of str
    months : array of int
        From -1 on.

    Returns
    -------
    array of shape (purposes, months)
    """
    shape = (len(purposes), len(months))
    codes = np.array([zlib.crc32(each.encode()) for each in purposes], np.uint32)[:, None]
    numbers = (months + 1).astype(np.uint32)
    entropy = [np.full(shape, word, np.uint32) for each in seed for word in _in_words(each)]
    entropy += [np.broadcast_to(each, shape) for each in (codes, numbers)]
    return _drawn(_mixed(entropy))


def _in_words(number: int) -> list[int]:
    """A whole number in words of 32 bits, the lowest first."""
    words = [number & 0xFFFFFFFF]
    while number := number >> 32:
        words.append(number & 0xFFFFFFFF)
    return words


def _mixed(entropy: list[Words]) -> list[Words]:
    """The pool of a seed sequence after its entropy has been mixed in."""
    hashed = _Hash(*MIXED)
    filled = entropy + [np.zeros_like(entropy[0])] * (POOL - len(entropy))
    pool = [hashed(each) for each in filled[:POOL]]
    for source in range(POOL):
        for target in range(POOL):
            if source != target:
                pool[target] = _mix(pool[target], hashed(pool[source]))
    for each in filled[POOL:]:
        for target in range(POOL):
            pool[target] = _mix(pool[target], hashed(each))
    return pool


def _drawn(pool: list[Words]) -> npt.NDArray[np.uint64]:
    hashed = _Hash(*DRAWN)
    low, high = (hashed(each).astype(np.uint64) for each in pool[:2])
    return low | high << np.uint64(32)


class _Hash:
    """Hashes one array after the other, with a constant that changes from one to the next."""

    def __init__(self, first: int, multiplier: int) -> None:
        self.constant, self.multiplier = first, multiplier

    def __call__(self, values: Words) -> Words:
        before, self.constant = self.constant, self.constant * self.multiplier & 0xFFFFFFFF
        hashed = (values ^ np.uint32(before)) * np.uint32(self.constant)
        return hashed ^ hashed >> SHIFT


def _mix(one: Words, other: Words) -> Words:
    mixed = one * LEFT - other * RIGHT
    return mixed ^ mixed >> SHIFT
