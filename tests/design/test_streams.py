"""Random numbers: a stream a table, the same for one cohort or for many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crmlab.design import InputError, Streams
from crmlab.design.streams import BatchStreams, seed_tuple

from .markets import searching

seeds = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3).map(tuple)
names = st.text(min_size=1, max_size=8)


@searching
@given(seeds, names, names, st.integers(0, 50))
def test_what_one_table_draws_leaves_the_others_as_they_were(seed, one, other, more):
    if one == other:
        return
    alone = Streams(seed)[one].random(5)
    streams = Streams(seed)
    streams[other].random(more)
    half = streams[one].random(2)
    streams[other].standard_normal(more)
    assert np.array_equal(np.r_[half, streams[one].random(3)], alone)


@searching
@given(seeds, names)
def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(seed, table):
    assert np.array_equal(Streams(seed)[table].random(4), Streams(seed)[table].random(4))
    assert not np.array_equal(Streams(seed)[table].random(4), Streams((*seed, 1))[table].random(4))


def test_asking_twice_for_a_stream_goes_on_with_it():
    streams = Streams((1,))
    assert streams["a"] is streams["a"]
    assert not np.array_equal(streams["a"].random(3), streams["a"].random(3))


def test_streams_of_tables_and_of_neighbouring_seeds_are_independent():
    draws = [
        Streams((seed, simulation))[table].standard_normal(4000)
        for seed in (1, 2)
        for simulation in (0, 1)
        for table in ("customers", "surveys", "purchases")
    ]
    correlations = np.corrcoef(draws)[np.triu_indices(len(draws), 1)]
    assert np.abs(correlations).max() < stats.norm.isf(1e-3 / len(correlations)) / np.sqrt(4000)


@searching
@given(st.integers(0, 1000), st.integers(1, 6))
def test_drawn_at_once_each_simulation_gets_what_it_would_have_alone(seed, count):
    at_once = BatchStreams([(seed, simulation) for simulation in range(count)])
    normal, uniform = at_once["customers"].standard_normal(7), at_once["surveys"].random(3)
    again = at_once["customers"].integers(0, 9, 4)
    assert at_once.simulations == count and normal.shape == (count, 7)
    for simulation in range(count):
        alone = Streams((seed, simulation))
        assert np.array_equal(alone["customers"].standard_normal(7), normal[simulation])
        assert np.array_equal(alone["surveys"].random(3), uniform[simulation])
        assert np.array_equal(alone["customers"].integers(0, 9, 4), again[simulation])


@pytest.mark.parametrize("seed", [-1, 1.5, "1", None, True, (), (1, -2), [1, "a"]])
def test_a_seed_must_be_a_whole_number(seed):
    with pytest.raises(InputError, match="seed is .*whole number, 0 or more"):
        seed_tuple(seed)


def test_seeds_of_any_size_and_kind_of_integer_will_do():
    assert seed_tuple(3) == seed_tuple(np.int64(3)) == seed_tuple([3]) == (3,)
    assert seed_tuple(2**70) == (2**70,)
    Streams(seed_tuple(2**70))["a"].random()
