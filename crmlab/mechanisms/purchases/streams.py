"""Random streams by block of customers and purpose, so that results depend on the seed alone."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from crmlab.errors import InputError

BLOCK = 1 << 15  # customers of one random stream
SUMMARY, TIMES, SPEND, AMOUNTS = range(4)  # purposes of the streams of a block

Seed = int | np.random.SeedSequence | np.random.Generator
Item = TypeVar("Item")
Result = TypeVar("Result")


def stream(sequence: np.random.SeedSequence, block: int, purpose: int) -> np.random.Generator:
    """The random numbers of one block of customers for one purpose."""
    own = np.random.SeedSequence(sequence.entropy, spawn_key=(*sequence.spawn_key, block, purpose))
    return np.random.Generator(np.random.SFC64(own))


def sequence_of(seed: Seed | None) -> np.random.SeedSequence:
    """A seed as the sequence from which all streams follow; a generator gives one number."""
    if isinstance(seed, np.random.SeedSequence):
        return seed
    try:
        drawn = int(seed.integers(2**63)) if isinstance(seed, np.random.Generator) else seed
        return np.random.SeedSequence(drawn)
    except (TypeError, ValueError):
        raise InputError(f"seed is {seed!r}; give a whole number from 0 or a numpy generator") from None


def in_threads(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> list[Result]:
    """The function's results over items, in their order."""
    items = list(items)
    if threads == 1 or len(items) == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))
