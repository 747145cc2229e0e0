"""Keyed random numbers: a draw is a function of seed, purpose, month, customer and count, of nothing else.

A generator that is read in order gives every customer after the first change another number. Here a customer
who leaves, joins or buys once more changes no draw of anybody else. So two worlds that differ in one decision
share all their luck (common random numbers), a block of customers can be drawn alone, and a state that is
saved holds no generator.

    bits = mix(key_i ⊕ c(seed, purpose, month) + (k + 1) · odd)

`mix` is two rounds of multiply and xor-shift and a third of SplitMix64 (Steele, Lea & Flood 2014,
doi:10.1145/2660193.2660195); keys are mixed customer numbers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from crmlab.company.seeding import words_of
from crmlab.design.streams import Seed, seed_tuple

Array = npt.NDArray[np.float64]
Keys = npt.NDArray[Any]  # words of 64 bits, or `KEY`
Numbers = npt.NDArray[np.int64]
WORD = np.uint64
ODD, GOLDEN = WORD(0xD1342543DE82EF95), WORD(0x9E3779B97F4A7C15)
ROUND, FIRST, SECOND = WORD(0xD6E8FEB86659FD93), WORD(0xBF58476D1CE4E5B9), WORD(0x94D049BB133111EB)
KEY = np.dtype([("word", np.uint64), ("company", np.int64)])
APART = 10**15  # numbers of customers have up to 15 digits
ALWAYS = -1  # the month of what is drawn once for all
YEARS = 36  # months whose words are made at once
PURPOSES = (  # of the draws that most companies make; the words of others are made when they are asked for
    *("customers", "joining", "branch", "segment", "rate", "dropout", "mailing effect", "spend rate"),
    *("switching cost", "method", "letter", "expectation", "age", "acquisition", "needs"),
    *("membership", "second channel", "mailing", "reading", "purchases", "times", "leaving", "amounts"),
    *("channel", "contacts", "experience", "satisfaction", "complaints", "redress", "employee"),
    *("trust", "commitment", "attitude", "referrals", "referred", "order numbers"),
    *("response", "items", "posting", "lottery"),
)
Purpose = str | tuple[str, ...]  # several purposes are drawn for at once, each along the first axis
Counts = npt.NDArray[np.integer] | int | None


class Streams:
    """Draws of customers by purpose and month.

    Parameters
    ----------
    seed : int or sequence of int
    luck : int or sequence of int, optional
        Another seed for what happens from `luck_from` on: the same history with other luck after it.
    luck_from : int
        Month.
    """

    def __init__(self, seed: Seed, luck: Seed | None = None, luck_from: int = 0) -> None:
        self.seed, self.luck_from = seed_tuple(seed), luck_from
        self.luck = None if luck is None else seed_tuple(luck)
        self._words: dict[str, npt.NDArray[np.uint64]] = {}

    def keys(self, numbers: npt.ArrayLike) -> Keys:
        """Keys of the customers with these numbers, 0 or more."""
        return splitmix(
            splitmix(np.asarray(numbers).astype(WORD) + GOLDEN) ^ self.constant("customers", ALWAYS)
        )

    def constant(self, purpose: str, month: int) -> np.uint64:
        """The word that stands for a purpose in a month, the same for all customers."""
        if month + 1 >= len(self._words.get(purpose, ())):
            together = PURPOSES if purpose in PURPOSES else (purpose,)
            months = np.arange(ALWAYS, (max(month, 0) // YEARS + 1) * YEARS)
            self._words |= zip(together, self._made(together, months), strict=True)
        return self._words[purpose][month + 1]

    def _made(self, purposes: tuple[str, ...], months: npt.NDArray[np.intp]) -> Keys:
        """Words of purposes and months: of another seed where other luck has begun."""
        words = words_of(self.seed, purposes, months)
        if self.luck is None:
            return words
        return np.where(months >= self.luck_from, words_of(self.luck, purposes, months), words)

    def bits(self, keys: Keys, purpose: Purpose, month: int = ALWAYS, count: Counts = None) -> Keys:
        """64 random bits for each key.

        Parameters
        ----------
        keys : array of uint64, shape (n,)
        purpose : str or tuple of str
            What is drawn: ``"times"``, ``"amounts"``.
        month : int
        count : array of int of shape (n,) or int, optional
            Which of several draws for the same purpose and month, from 0.

        Returns
        -------
        array of shape (n,), or (purposes, n)
        """
        words = self._keyed(keys, purpose, month)
        if count is not None:
            words = words + (np.atleast_1d(count).astype(WORD) + WORD(1)) * ODD
        for _ in range(2):
            words ^= words >> WORD(32)
            words *= ROUND
        words ^= words >> WORD(32)
        words *= FIRST
        words ^= words >> WORD(29)
        words *= SECOND
        return words ^ (words >> WORD(31))

    def _keyed(self, keys: Keys, purpose: Purpose, month: int) -> Keys:
        """Keys marked with what is drawn, before they are mixed."""
        if isinstance(purpose, str):
            return keys ^ self.constant(purpose, month)
        return keys ^ np.array([[self.constant(each, month)] for each in purpose])

    def company(self, keys: Keys) -> npt.NDArray[np.int64]:
        """Whose each key is, if several companies are simulated together: else 0."""
        return np.zeros(keys.size, np.int64)

    def referred(self, keys: Keys, month: int, count: npt.NDArray[np.integer]) -> tuple[Keys, Numbers]:
        """Keys and numbers of those whom customers with these keys bring, by month and count."""
        born = self.bits(keys, "referred", month, count)
        return born, numbers_of(born)

    def uniform(self, keys: Keys, purpose: Purpose, month: int = ALWAYS, count: Counts = None) -> Array:
        """A number in (0, 1) for each key; ends excluded, so that every inverse distribution is finite."""
        return ((self.bits(keys, purpose, month, count) >> WORD(11)).astype(np.float64) + 0.5) * 2.0**-53

    def normal(self, keys: Keys, purpose: Purpose, month: int = ALWAYS, count: Counts = None) -> Array:
        """A standard normal number for each key."""
        return np.asarray(ndtri(self.uniform(keys, purpose, month, count)))

    def at(self, month: int) -> "MonthOfStreams":
        """The draws of one month."""
        return MonthOfStreams(self, month)


class ManyStreams(Streams):
    """Draws of several companies that are simulated together, the same as each alone has.

    Keys say whose they are, and so do customers' numbers, which lie `APART` from company to company.
    """

    def __init__(self, each: Sequence[Streams]) -> None:
        self.each = list(each)
        self._rows: dict[tuple[Purpose, int], npt.NDArray[np.uint64]] = {}

    def keys(self, numbers: npt.ArrayLike) -> Keys:
        """Keys of the customers with these numbers."""
        company, number = np.divmod(np.asarray(numbers), APART)
        words = splitmix(number.astype(WORD) + GOLDEN) ^ self._constants("customers", ALWAYS)[company]
        return _marked(splitmix(words), company)

    def company(self, keys: Keys) -> npt.NDArray[np.int64]:
        """Whose each key is."""
        return keys["company"]

    def referred(self, keys: Keys, month: int, count: npt.NDArray[np.integer]) -> tuple[Keys, Numbers]:
        """See `Streams.referred`."""
        born, company = self.bits(keys, "referred", month, count), keys["company"]
        return _marked(born, company), numbers_of(born) + company * APART

    def _keyed(self, keys: Keys, purpose: Purpose, month: int) -> Keys:
        return keys["word"] ^ self._constants(purpose, month)[..., keys["company"]]

    def _constants(self, purpose: Purpose, month: int) -> npt.NDArray[np.uint64]:
        """Words of all companies, of shape (companies,) or (purposes, companies)."""
        if (purpose, month) not in self._rows:
            names = (purpose,) if isinstance(purpose, str) else purpose
            rows = np.array([[one.constant(name, month) for one in self.each] for name in names])
            self._rows[purpose, month] = rows[0] if isinstance(purpose, str) else rows
        return self._rows[purpose, month]


def _marked(words: npt.NDArray[np.uint64], company: npt.NDArray[np.int64]) -> Keys:
    keys = np.empty(words.size, KEY)
    keys["word"], keys["company"] = words, company
    return keys


class MonthOfStreams:
    """`Streams` in one month."""

    def __init__(self, streams: Streams, month: int) -> None:
        self.streams, self.month = streams, month

    def bits(self, keys: Keys, purpose: Purpose, count: Counts = None) -> Keys:
        """See `Streams.bits`."""
        return self.streams.bits(keys, purpose, self.month, count)

    def uniform(self, keys: Keys, purpose: Purpose, count: Counts = None) -> Array:
        """See `Streams.uniform`."""
        return self.streams.uniform(keys, purpose, self.month, count)

    def normal(self, keys: Keys, purpose: Purpose, count: Counts = None) -> Array:
        """See `Streams.normal`."""
        return self.streams.normal(keys, purpose, self.month, count)


def splitmix(words: Keys) -> Keys:
    """SplitMix64's finaliser: a bijection on 64-bit words that leaves no trace of their order."""
    words = words ^ (words >> WORD(30))
    words = words * FIRST
    words ^= words >> WORD(27)
    words *= SECOND
    return words ^ (words >> WORD(31))


def numbers_of(bits: Keys) -> npt.NDArray[np.int64]:
    """Whole numbers of 15 digits, which every spreadsheet keeps as they are."""
    return (bits % WORD(9 * 10**14)).astype(np.int64) + 10**14


def poisson_quantile(uniform: Array, mean: Array) -> npt.NDArray[np.int64]:
    """The Poisson quantile: ``min{x : P(X ≤ x) ≥ u}``, which rises with the mean.

    So under one u a higher rate only adds events. By summing probabilities upwards: means are small here.
    """
    found = np.zeros(uniform.size, np.int64)
    mass = np.exp(-mean)
    total = mass.copy()
    rows = np.flatnonzero(uniform > total)
    u, m, mass, total, x = uniform[rows], mean[rows], mass[rows], total[rows], 0
    while rows.size:
        x += 1
        mass = mass * (m / x)
        total = total + mass
        found[rows] = x
        on = (u > total) & ((x < m) | (mass > 1e-17))  # beyond, nothing is added to the sum
        rows, u, m, mass, total = rows[on], u[on], m[on], mass[on], total[on]
    return found
