"""The hidden Markov model against enumeration of all paths, and its estimates against simulation."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from crmlab.errors import InputError
from crmlab.models.delta import jacobian
from crmlab.models.hidden_markov import HiddenMarkov, NotConverged, fit_hidden_markov
from crmlab.models.hidden_markov.parameters import model_of, scores_of, values_of
from crmlab.models.hidden_markov.recursions import expect, panel_of

THREE = HiddenMarkov.from_transition(
    [0.5, 0.3, 0.2], [[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]], [0.3, 1.5, 4.0]
)
TWO = HiddenMarkov([0.6, 0.4], [[1.3], [-1.2]], [0.4, 2.5], [[0.8], [0.4]])
CHOICES = HiddenMarkov.from_transition([0.5, 0.5], [[0.9, 0.1], [0.2, 0.8]], [0.1, 0.7], "bernoulli")


def enumerated(model, row, steps):
    """Likelihood of one customer's row, and posterior of the states in each period, over all paths."""
    k, periods = model.rates.size, len(row)
    total, posterior = 0.0, np.zeros((periods, k))
    for path in product(range(k), repeat=periods):
        chance = model.initial[path[0]]
        for at in range(1, periods):
            chance *= steps[at - 1][path[at - 1], path[at]]
        for state, seen in zip(path, row):
            if not np.isnan(seen):
                rate = model.rates[state]
                chance *= (
                    stats.poisson.pmf(seen, rate)
                    if model.emission == "poisson"
                    else stats.bernoulli.pmf(seen, rate)
                )
        total += chance
        posterior[np.arange(periods), path] += chance
    return total, posterior / total


def covariates_for(model, customers, periods, kind, rng):
    d = model.slopes.shape[1]
    return {
        "none": None,
        "everybody's": rng.normal(size=(periods - 1, d)),
        "each one's": rng.normal(size=(customers, periods - 1, d)),
    }[kind]


@pytest.mark.parametrize(
    "model, kind", [(THREE, "none"), (TWO, "everybody's"), (TWO, "each one's"), (CHOICES, "none")]
)
@pytest.mark.parametrize("missing", [False, True])
def test_the_recursions_are_sums_over_all_paths(model, kind, missing):
    rng = np.random.default_rng(1)
    covariates = covariates_for(model, 4, 5, kind, rng)
    observed = model.simulate(4, 5, rng, covariates)[1].astype(float)
    if missing:
        observed[0, 2] = observed[1, 0] = observed[3, 4] = np.nan
    smoothed, filtered = model.smoothed(observed, covariates), model.filtered(observed, covariates)
    log_likelihood = 0.0
    for customer, row in enumerate(observed):
        steps = (
            [model.transition()] * 4
            if covariates is None
            else model.transition(covariates if covariates.ndim == 2 else covariates[customer])
        )
        total, posterior = enumerated(model, row, steps)
        log_likelihood += np.log(total)
        assert smoothed[customer] == pytest.approx(posterior, abs=1e-12)
        for at in range(5):
            assert filtered[customer, at] == pytest.approx(
                enumerated(model, row[: at + 1], steps)[1][-1], abs=1e-12
            )
    assert model.log_likelihood(observed, covariates) == pytest.approx(log_likelihood, rel=1e-12)


def test_states_that_never_change_are_a_finite_mixture():
    still = HiddenMarkov.from_transition([0.3, 0.7], np.eye(2), [0.5, 3.0])
    observed = np.array([[0, 1, 0, 0], [4, 2, 3, 1], [0, 0, 5, 0]])
    mixture = 0.3 * stats.poisson.pmf(observed, 0.5).prod(axis=1) + 0.7 * stats.poisson.pmf(
        observed, 3.0
    ).prod(axis=1)
    assert still.log_likelihood(observed) == pytest.approx(np.log(mixture).sum(), rel=1e-6)


def test_hundreds_of_periods_do_not_underflow():
    observed = THREE.simulate(3, 2000, np.random.default_rng(2))[1]
    assert np.isfinite(THREE.log_likelihood(observed))
    assert np.isfinite(THREE.smoothed(observed)).all()


def test_the_transition_is_an_ordered_logit():
    model = HiddenMarkov([1, 0, 0], [[-1, 1], [0, 2], [-2, 0]], [1, 2, 3], [[0.5], [0.0], [1.0]])
    at = model.transition([[2.0]])[0]
    up, top = stats.logistic.cdf([0.5 * 2 + 1, 0.5 * 2 - 1])
    assert at[0].tolist() == pytest.approx([1 - up, up - top, top])
    assert at.sum(axis=1).tolist() == pytest.approx([1, 1, 1])


def test_shares_of_states_are_those_of_a_large_panel():
    along = np.linspace(-1, 1, 7)[:, None]
    states, _ = TWO.simulate(40_000, 8, np.random.default_rng(3), along)
    assert TWO.state_shares(along)[:, 1] == pytest.approx(states.mean(axis=0), abs=4 * 0.5 / 200)
    assert THREE.state_shares(periods=200)[-1] @ THREE.transition() == pytest.approx(
        THREE.state_shares(periods=200)[-1]
    )


# Estimates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model, kind", [(THREE, "none"), (TWO, "everybody's"), (TWO, "each one's"), (CHOICES, "none")]
)
def test_the_score_is_the_derivative_of_the_likelihood(model, kind):
    """The private pieces that the optimiser is given."""
    rng = np.random.default_rng(4)
    covariates = covariates_for(model, 60, 6, kind, rng)
    observed = model.simulate(60, 6, rng, covariates)[1].astype(float)
    observed[rng.random(observed.shape) < 0.1] = np.nan
    shape = model.rates.size, model.slopes.shape[1] if covariates is not None else 0, model.emission
    panel = panel_of(model, observed, covariates)
    point = values_of(model, covariates)
    point = point + 0.2 * rng.normal(size=point.size)

    def height(at):
        return expect(model_of(at, *shape), panel)

    score = scores_of(point, height(point), panel).sum(axis=1)
    numeric = jacobian(lambda at: height(at).log_likelihood, point)
    assert score == pytest.approx(numeric, abs=1e-5)


@pytest.mark.parametrize(
    "model, kind, customers", [(THREE, "none", 1500), (TWO, "everybody's", 1500), (CHOICES, "none", 3000)]
)
def test_a_large_panel_gives_the_truth_back(model, kind, customers):
    rng = np.random.default_rng(5)
    covariates = covariates_for(model, customers, 12, kind, rng)
    observed = model.simulate(customers, 12, rng, covariates)[1]
    fit = fit_hidden_markov(observed, model.rates.size, model.emission, covariates)
    truth = [*model.initial, *model.transition().ravel(), *model.slopes.ravel(), *model.rates]
    assert (np.abs(fit.table.estimate - truth) < 4 * fit.table.standard_error).all(), fit.table.assign(
        truth=truth
    )
    assert fit.log_likelihood >= model.log_likelihood(observed, covariates)
    assert fit.log_likelihood == pytest.approx(fit.model.log_likelihood(observed, covariates))


def test_intervals_hold_the_truth_in_95_of_a_hundred_panels():
    along = np.array([-1.0, 1, 1, -1, 1, -1, -1])[:, None]
    truth, held = TWO.state_shares(along)[-1, 1], []
    for seed in range(120):
        observed = TWO.simulate(150, 8, np.random.default_rng([6, seed]), along)[1]
        value, error = fit_hidden_markov(observed, 2, covariates=along).combine(
            lambda m: m.state_shares(along)[-1, 1]
        )
        held.append(abs(value - truth) < 1.96 * error)
    assert abs(np.mean(held) - 0.95) < 4 * np.sqrt(0.05 * 0.95 / 120)


def test_states_are_numbered_by_their_rates():
    for seed in range(10):
        observed = THREE.simulate(300, 12, np.random.default_rng(seed))[1]
        assert (np.diff(fit_hidden_markov(observed, 3).model.rates) > 0).all()


def test_missing_observations_cost_precision_and_no_bias():
    rng = np.random.default_rng(7)
    observed = TWO.simulate(1500, 10, rng, np.zeros((9, 1)))[1].astype(float)
    whole = fit_hidden_markov(observed, 2).table
    observed[rng.random(observed.shape) < 0.3] = np.nan
    part = fit_hidden_markov(observed, 2).table
    assert (part.standard_error > whole.standard_error).all()
    assert (np.abs(part.estimate[-2:] - TWO.rates) < 4 * part.standard_error[-2:]).all()


def test_the_information_criterion_finds_the_number_of_states():
    observed = THREE.simulate(800, 15, np.random.default_rng(8))[1]
    two, three = (fit_hidden_markov(observed, states).bic for states in (2, 3))
    assert three < two
    assert two == pytest.approx(5 * np.log(800 * 15) - 2 * fit_hidden_markov(observed, 2).log_likelihood)


# Bad input -----------------------------------------------------------------------------------------------


def test_one_state_in_truth_is_not_called_two():
    observed = np.random.default_rng(9).poisson(1.5, (200, 8))
    try:
        fit = fit_hidden_markov(observed, 2)
    except NotConverged as error:
        assert "do not tell" in str(error) or "not found" in str(error)
    else:  # or it says how little it knows
        assert fit.bic > -2 * stats.poisson.logpmf(observed, observed.mean()).sum() + np.log(observed.size)


@pytest.mark.parametrize(
    "observed, options, message",
    [
        ([[1, -1], [0, 2]], {}, "whole numbers from 0"),
        ([[0.5, 1.0], [0, 2]], {}, "whole numbers from 0"),
        ([[0, 2], [1, 1]], {"emission": "bernoulli"}, "0 and 1"),
        ([[1], [2]], {}, "at least 2"),
        ([1, 2, 3], {}, "observed has shape"),
        ([[np.nan, np.nan]], {}, "0 values"),
        ([[1, 2], [2, 3]], {"states": 1}, "states is 1"),
        ([[1, 2], [2, 3]], {"emission": "normal"}, "unknown emission 'normal'; known: poisson, bernoulli"),
        ([[1, 2], [2, 3]], {"covariates": np.zeros((3, 1))}, "covariates has shape"),
        ([[1, 2], [2, 3]], {"covariates": np.full((1, 1), np.nan)}, "covariates holds missing"),
    ],
)
def test_what_is_no_panel_is_refused(observed, options, message):
    with pytest.raises(InputError, match=message):
        fit_hidden_markov(np.array(observed, float), **{"states": 2, **options})


@pytest.mark.parametrize(
    "change, message",
    [
        ({"rates": [2.0, 1.0]}, "rise from state to state"),
        ({"rates": [1.0, 2.0, 3.0]}, "do not belong together"),
        ({"initial": [1.0]}, "do not belong together"),
        ({"emission": "gamma"}, "unknown emission"),
    ],
)
def test_what_is_no_model_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        HiddenMarkov(**{"initial": [0.5, 0.5], "thresholds": [[0], [0]], "rates": [1.0, 2.0], **change})


def test_thresholds_must_rise_and_slopes_want_covariates():
    with pytest.raises(InputError, match="thresholds must rise"):
        HiddenMarkov([1, 0, 0], [[1, 0], [0, 1], [0, 1]], [1, 2, 3])
    with pytest.raises(InputError, match="covariates not given"):
        TWO.log_likelihood([[1, 2, 3]])
