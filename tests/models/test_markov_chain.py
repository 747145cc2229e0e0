"""Markov chains from panels: counts, errors, tests of order, time to absorption."""

import numpy as np
import pytest
from scipy import stats

from crmlab.errors import InputError
from crmlab.models.markov_chain import (
    FundamentalMatrix,
    LikelihoodRatio,
    MarkovChain,
    bootstrap_order_test,
    count_sequences,
    order_test,
    sameness_test,
    shares,
)

P = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.0, 0.0, 1.0]])
STATES = ["new", "regular", "gone"]


def drawn(transition, customers, periods, seed, start=None):
    """A panel of a first-order chain; everybody begins in state 0 unless `start` says otherwise."""
    rng = np.random.default_rng(seed)
    panel = np.zeros((customers, periods), int)
    panel[:, 0] = 0 if start is None else start
    for at in range(1, periods):
        steps = np.cumsum(transition[panel[:, at - 1]], axis=1)[:, :-1]
        panel[:, at] = (rng.random(customers)[:, None] > steps).sum(axis=1)
    return panel


# Counts and probabilities --------------------------------------------------------------------------------


def test_moves_are_counted_and_what_was_not_observed_is_not():
    panel = np.array([[0, 1, 1, -1, 0], [0, 0, 2, 2, 2]])
    assert count_sequences(panel, 3, 1).tolist() == [[1, 1, 1], [0, 1, 0], [0, 0, 2]]
    assert count_sequences(panel, 3, 2)[0].tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 1]]


def test_probabilities_are_shares_with_a_proportions_errors():
    chain = MarkovChain([[60, 30, 10], [0, 0, 0], [0, 0, 5]], STATES)
    assert chain.transition[0].tolist() == [0.6, 0.3, 0.1] and np.isnan(chain.transition[1]).all()
    assert chain.standard_errors[0, 0] == pytest.approx(np.sqrt(0.6 * 0.4 / 100))
    assert chain.table.loc["new", "regular"] == 0.3


def test_intervals_of_probabilities_hold_the_truth():
    held = []
    for seed in range(300):
        chain = MarkovChain.fit(drawn(P, 200, 8, seed), STATES)
        held.append(np.abs(chain.transition[:2] - P[:2]) < 1.96 * chain.standard_errors[:2])
    assert np.abs(np.mean(held, axis=0) - 0.95).max() < 4 * np.sqrt(0.05 * 0.95 / 300) + 0.005


def test_shares_are_what_a_large_panel_shows():
    panel = drawn(P, 40_000, 6, 1)
    found = np.stack([(panel == state).mean(axis=0) for state in range(3)], axis=1)
    assert np.abs(found - shares(P, [1, 0, 0], 5)).max() < 4 * np.sqrt(0.25 / 40_000)


# Time to absorption --------------------------------------------------------------------------------------


def test_time_in_states_is_what_a_long_simulation_shows():
    panel = drawn(P, 30_000, 120, 2)
    chain = MarkovChain(1e6 * P, STATES)
    times = chain.time_in_states(absorbing=["gone"])
    for state, name in enumerate(STATES[:2]):
        spent = (panel == state).sum(axis=1)
        assert abs(times.loc["new", name] - spent.mean()) < 4 * spent.std() / np.sqrt(len(panel))
    assert times.total.tolist() == pytest.approx(times[STATES[:2]].sum(axis=1).tolist())


def test_one_state_waits_geometrically():
    times = MarkovChain([[80, 20], [0, 1]], ["here", "gone"]).time_in_states("gone")
    assert times.total["here"] == pytest.approx(5)
    # t = 1 / (1 - p), so its standard error is t² that of p
    assert times.standard_error["here"] == pytest.approx(25 * np.sqrt(0.2 * 0.8 / 100))


def test_errors_of_times_are_those_of_repeated_samples():
    rng = np.random.default_rng(3)
    seen = np.array([400, 300])
    chain = MarkovChain(np.vstack([seen[:, None] * P[:2], [0, 0, 1]]), STATES)
    errors = chain.time_in_states("gone").standard_error
    again = []
    for _ in range(4000):
        inner = np.stack([rng.multinomial(count, row) / count for count, row in zip(seen, P[:2])])[:, :2]
        again.append(FundamentalMatrix.of(inner).total)
    assert errors.to_numpy() == pytest.approx(np.std(again, axis=0), rel=0.06)


def test_the_gambler_ends_in_ruin_with_the_textbooks_chance():
    """From i of 4, with chance p of a win: (1 - (q/p)^i) / (1 - (q/p)^4) to get to 4."""
    p, ratio = 0.45, 0.55 / 0.45
    counts = np.zeros((5, 5))
    counts[0, 0] = counts[4, 4] = 1
    for at in (1, 2, 3):
        counts[at, at + 1], counts[at, at - 1] = 1000 * p, 1000 * (1 - p)
    ends = MarkovChain(counts, ["ruin", "1", "2", "3", "rich"]).absorbed_in(["ruin", "rich"])
    assert ends["rich"].tolist() == pytest.approx([(1 - ratio**i) / (1 - ratio**4) for i in (1, 2, 3)])
    assert ends.sum(axis=1).tolist() == pytest.approx([1, 1, 1])


# Tests ---------------------------------------------------------------------------------------------------


def test_the_order_test_is_scipys_in_each_stage_added_up():
    panel = drawn(P, 300, 8, 4)
    counts = count_sequences(panel, 3, 2)
    parts = []
    for middle in range(3):
        table = counts[:, middle]
        table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
        if min(table.shape) > 1:
            parts.append(stats.chi2_contingency(table, correction=False, lambda_="log-likelihood"))
    test = order_test(panel, 3)
    assert test.statistic == pytest.approx(sum(part.statistic for part in parts))
    assert test.degrees_of_freedom == sum(part.dof for part in parts)


def test_the_sameness_test_is_scipys_in_each_row_added_up():
    panel, groups = drawn(P, 300, 8, 5), np.arange(300) % 3
    counts = [count_sequences(panel[groups == group], 3, 1) for group in range(3)]
    parts = [
        stats.chi2_contingency([each[row] for each in counts], correction=False, lambda_="log-likelihood")
        for row in range(2)
    ]
    test = sameness_test(panel, 3, groups)
    assert test.statistic == pytest.approx(sum(part.statistic for part in parts))
    assert test.degrees_of_freedom == sum(part.dof for part in parts) == 8


def test_a_first_order_chain_is_called_so_in_95_of_a_hundred():
    mixing = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.3, 0.3, 0.4]])
    rejected = [order_test(drawn(mixing, 150, 10, seed), 3).p_value < 0.05 for seed in range(500)]
    assert abs(np.mean(rejected) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 500)
    independent = np.tile([0.5, 0.3, 0.2], (3, 1))
    rejected = [
        order_test(drawn(independent, 150, 10, seed), 3, order=0).p_value < 0.05 for seed in range(500)
    ]
    assert abs(np.mean(rejected) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 500)


def test_kinds_in_one_pot_look_like_memory_and_within_kinds_do_not():
    sticky, restless = np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[0.4, 0.6], [0.6, 0.4]])
    within, pooled = [], []
    for seed in range(100):
        panel = np.vstack([drawn(sticky, 100, 10, seed), drawn(restless, 100, 10, seed + 1000)])
        pooled.append(order_test(panel, 2).p_value < 0.05)
        within.append(order_test(panel, 2, groups=np.repeat([0, 1], 100)).p_value < 0.05)
    assert np.mean(pooled) > 0.95 and np.mean(within) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 100)


def test_the_bootstrap_agrees_with_chi_square_where_every_cell_is_full():
    mixing = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.3, 0.3, 0.4]])
    panels = [drawn(mixing, 300, 12, seed) for seed in range(12)]
    by_draws = np.array([bootstrap_order_test(panel, 3, draws=199, seed=1) for panel in panels])
    by_chi_square = np.array([order_test(panel, 3).p_value for panel in panels])
    error = np.sqrt(by_chi_square * (1 - by_chi_square) / 199)
    assert (np.abs(by_draws - by_chi_square) < 4 * error + 0.02).all()


def test_the_bootstrap_sees_memory_and_refuses_gaps():
    rng = np.random.default_rng(3)
    first = rng.random((400, 1)) < 0.5
    panel = np.where(first, rng.random((400, 10)) < 0.8, rng.random((400, 10)) < 0.2).astype(int)
    assert bootstrap_order_test(panel, 2, draws=99) == 0.01
    assert bootstrap_order_test(panel, 2, groups=first[:, 0], draws=99) > 0.01
    with pytest.raises(InputError, match="whole histories"):
        bootstrap_order_test(np.array([[0, 1, -1]]), 2)


def test_tests_in_independent_groups_add_up():
    both = LikelihoodRatio(3.0, 2) + LikelihoodRatio(4.0, 3)
    assert (both.statistic, both.degrees_of_freedom) == (7.0, 5)
    assert both.p_value == pytest.approx(stats.chi2.sf(7, 5))


# Bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "panel, message",
    [
        (np.zeros((3, 4)), "whole numbers"),
        (np.zeros(4, int), "whole numbers"),
        (np.array([[0, 3]]), "panel holds 3; states are 0 to 2"),
        (np.array([[0, -2]]), "panel holds -2"),
        (np.array([[0]]), "has 1 periods"),
    ],
)
def test_a_panel_that_is_none_is_refused(panel, message):
    with pytest.raises(InputError, match=message):
        MarkovChain.fit(panel, STATES)


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="square"):
        MarkovChain([[1, 2, 3]])
    with pytest.raises(InputError, match="negative"):
        MarkovChain([[1, -1], [0, 1]])
    with pytest.raises(InputError, match="different names"):
        MarkovChain([[1, 1], [0, 1]], ["a", "a"])
    with pytest.raises(InputError, match="unknown state 'lost'; known: new, regular, gone"):
        MarkovChain(100 * P, STATES).time_in_states("lost")
    with pytest.raises(InputError, match="no move out of regular"):
        MarkovChain([[5, 5, 5], [0, 0, 0], [0, 0, 1]], STATES).time_in_states("gone")
    with pytest.raises(InputError, match="cannot be reached from 2 of 2 states"):
        MarkovChain([[5, 5, 0], [5, 5, 0], [0, 0, 1]], STATES).time_in_states("gone")
    with pytest.raises(InputError, match="groups has shape"):
        order_test(drawn(P, 5, 5, 1), 3, groups=[1, 2])
