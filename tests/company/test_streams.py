"""Keyed numbers are uniform, independent of each other, and functions of what they are keyed by."""

import numpy as np
import pytest
from scipy import stats

from crmlab.company.streams import Streams, numbers_of, poisson_quantile
from crmlab.errors import InputError

N = 20_000


@pytest.fixture(scope="module")
def streams():
    return Streams(7)


@pytest.fixture(scope="module")
def keys(streams):
    return streams.keys(np.arange(N))


def correlation_z(x, y):
    return np.corrcoef(x, y)[0, 1] * np.sqrt(len(x))


def test_streams_are_uniform(streams, keys):
    found = [stats.kstest(streams.uniform(keys, "times", month), "uniform").pvalue for month in range(200)]
    assert stats.kstest(found, "uniform").pvalue > 1e-3


def test_words_fill_all_bytes_alike(streams):
    raw = np.arange(1 << 17, dtype=np.uint64)  # keys as bad as they can be
    counts = np.bincount(streams.bits(raw, "times", 3).view(np.uint8), minlength=256)
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("apart", ["months", "purposes", "counts", "customers", "seeds"])
def test_streams_are_independent(streams, keys, apart):
    """The z values of 150 correlations are standard normal."""
    found = []
    for at in range(150):
        one = streams.uniform(keys, "times", at)
        other = {
            "months": lambda: streams.uniform(keys, "times", at + 1),
            "purposes": lambda: streams.uniform(keys, "amounts", at),
            "counts": lambda: streams.uniform(keys, "times", at, 0),
            "customers": lambda: np.roll(one, 1),
            "seeds": lambda: Streams(8 + at).uniform(keys, "times", at),
        }[apart]()
        found.append(correlation_z(one, other))
    assert stats.kstest(found, "norm").pvalue > 1e-3
    assert 0.8 < np.std(found) < 1.2


def test_pairs_fill_the_square(streams, keys):
    cell = np.floor(streams.uniform(keys, "a", 1) * 20) * 20 + np.floor(streams.uniform(keys, "b", 1) * 20)
    assert stats.chisquare(np.bincount(cell.astype(int), minlength=400)).pvalue > 1e-4


def test_a_draw_depends_on_its_own_key_alone(streams, keys):
    some = np.random.default_rng(1).permutation(N)[:500]
    whole = streams.normal(keys, "moods", 4, np.arange(N) % 3)
    assert np.array_equal(whole[some], streams.normal(keys[some], "moods", 4, some % 3))
    assert np.array_equal(whole, Streams(7).normal(keys, "moods", 4, np.arange(N) % 3))


def test_another_luck_begins_with_its_month(keys):
    plain, lucky = Streams(7), Streams(7, luck=9, luck_from=12)
    for month, same in ((-1, True), (11, True), (12, False), (30, False)):
        one, other = plain.uniform(keys, "times", month), lucky.uniform(keys, "times", month)
        assert np.array_equal(one, other) is same


def test_customers_have_different_keys_and_orders_different_numbers(streams):
    keys = streams.keys(np.arange(300_000))
    assert len(np.unique(keys)) == 300_000
    numbers = numbers_of(streams.bits(keys, "order numbers", 2))
    assert len(np.unique(numbers)) == 300_000
    assert numbers.min() >= 10**14
    assert numbers.max() < 10**15  # 15 digits: whole in a spreadsheet, and as a float


def test_the_poisson_quantile_is_scipys_and_monotone():
    rng = np.random.default_rng(3)
    u, mean = rng.random(5000), rng.gamma(0.5, 4, 5000)
    assert np.array_equal(poisson_quantile(u, mean), stats.poisson.ppf(u, mean))
    assert (poisson_quantile(u, mean * 1.3) >= poisson_quantile(u, mean)).all()
    assert poisson_quantile(np.array([0.9]), np.array([0.0])) == 0
    ends = np.array([2.0**-54, 1 - 2.0**-53])  # of what a uniform number can be, where sums are rounded
    assert np.abs(poisson_quantile(ends, np.full(2, 600.0)) - stats.poisson.ppf(ends, 600)).max() < 10


@pytest.mark.parametrize("seed", [-1, 1.5, "one", None, True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(InputError, match="seed"):
        Streams(seed)
