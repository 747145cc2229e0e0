"""Random numbers: one stream a table, the same for one cohort or for many drawn at once.

A cohort's tables draw from streams of their own, so changing how one table is drawn leaves the others
as they were. The stream of a table depends on the seed and the table's name alone, not on the order
in which tables are drawn nor on how many workers share the simulations.
"""

import zlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from crmlab.errors import InputError

FILLING = ("random", "standard_exponential", "standard_gamma", "standard_normal")  # draw into a given array
Seed = int | Sequence[int]  # the run's, or the run's and the simulation's


def seed_tuple(seed: Seed) -> tuple[int, ...]:
    """A seed as a tuple of non-negative ints."""
    numbers = tuple(seed) if isinstance(seed, (tuple, list)) else (seed,)
    if not numbers or not all(
        isinstance(each, (int, np.integer)) and not isinstance(each, bool) and each >= 0 for each in numbers
    ):
        raise InputError(f"seed is {seed!r}; give a whole number, 0 or more")
    return tuple(int(each) for each in numbers)


def generator(seed: tuple[int, ...], table: str) -> np.random.Generator:
    """The NumPy generator of one table of one simulation.

    Parameters
    ----------
    seed : tuple of int
        The run's seed, then the simulation's number if there are several.
    table : str
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([*seed, zlib.crc32(table.encode())])))


class Streams:
    """``streams["surveys"]`` is the generator of that table, for one cohort."""

    simulations = None

    def __init__(self, seed: tuple[int, ...]) -> None:
        self.seed = seed
        self._open: dict[str, np.random.Generator] = {}

    def __getitem__(self, table: str) -> np.random.Generator:
        if table not in self._open:
            self._open[table] = generator(self.seed, table)
        return self._open[table]


class BatchStreams:
    """As `Streams`, for many simulations at once: every draw has them along its first axis.

    Row *i* of every draw is exactly what `Streams` would have drawn for simulation *i*, so a batched
    diagnosis and a looped one are the same diagnosis.
    """

    def __init__(self, seeds: Iterable[tuple[int, ...]]) -> None:
        self.seeds = list(seeds)
        self.simulations = len(self.seeds)
        self._open: dict[str, BatchGenerator] = {}

    def __getitem__(self, table: str) -> "BatchGenerator":
        if table not in self._open:
            self._open[table] = BatchGenerator([generator(seed, table) for seed in self.seeds])
        return self._open[table]


class BatchGenerator:
    """A row of NumPy generators that draw together.

    Arguments that are arrays over simulations are not taken apart: distribution parameters must be
    scalars, as they are when they come from one parameter object.
    """

    def __init__(self, generators: list[np.random.Generator]) -> None:
        self._generators = generators

    def __getattr__(self, method: str) -> Callable[..., np.ndarray]:
        def draw(*arguments: object, **options: object) -> np.ndarray:
            first = np.asarray(getattr(self._generators[0], method)(*arguments, **options))
            rows = np.empty((len(self._generators), *first.shape), first.dtype)
            rows[0] = first
            fills = method in FILLING and first.ndim and "out" not in options
            for row, each in zip(rows[1:], self._generators[1:]):
                if fills:
                    getattr(each, method)(*arguments, **options, out=row)
                else:
                    row[...] = getattr(each, method)(*arguments, **options)
            return rows

        if method.startswith("_"):
            raise AttributeError(method)
        return draw
