"""The free parameters of a hidden Markov model: every real vector is a model, with its states in order."""

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from crmlab.models.hidden_markov.model import EMISSIONS, HiddenMarkov
from crmlab.models.hidden_markov.recursions import Expected, Panel

Array = npt.NDArray[np.float64]


def values_of(model: HiddenMarkov, covariates: Array | None) -> Array:
    """Model to vector: initial log ratios; first thresholds and log gaps; slopes; first rate and log gaps."""
    slopes = np.zeros((model.rates.size, 0 if covariates is None else covariates.shape[-1]))
    initial = np.clip(model.initial, 1e-6, None)
    rates = EMISSIONS[model.emission](model.rates)
    return np.concatenate(
        [
            np.log(initial[1:] / initial[0]),
            model.thresholds[:, 0],
            np.log(np.diff(model.thresholds, axis=1)).ravel(),
            slopes.ravel(),
            rates[:1],
            np.log(np.diff(rates)),
        ]
    )


def _split(values: Array, k: int, d: int) -> list[Array]:
    found, start = [], 0
    for size in (k - 1, k, k * (k - 2), k * d, 1, k - 1):
        found.append(values[start : start + size])
        start += size
    return found


def model_of(values: Array, k: int, d: int, emission: str) -> HiddenMarkov:
    """Vector to model."""
    initial, first, gaps, slopes, rate, rate_gaps = _split(values, k, d)
    ratio = np.concatenate([[0.0], initial])
    ratio = np.exp(ratio - ratio.max())
    gaps = np.exp(gaps.reshape(k, k - 2))
    thresholds = first[:, None] + np.concatenate([np.zeros((k, 1)), np.cumsum(gaps, axis=1)], axis=1)
    index = rate + np.concatenate([[0.0], np.cumsum(np.exp(rate_gaps))])
    rates = np.exp(index) if emission == "poisson" else expit(index)
    parts = ratio / ratio.sum(), thresholds, rates, slopes.reshape(k, d), emission
    model = object.__new__(HiddenMarkov)  # every vector is a model, so there is nothing to check
    for name, part in zip(("initial", "thresholds", "rates", "slopes", "emission"), parts, strict=True):
        object.__setattr__(model, name, part)
    return model


def scores_of(values: Array, found: Expected, panel: Panel) -> Array:
    """Derivative of the log-likelihood in the free parameters, by Fisher's identity.

    Shape (parameters, customers), or (parameters, 1) where all customers' moves follow the same probabilities
    and are counted together.
    """
    model, states = found.model, found.states
    k, d = model.slopes.shape
    _, _, gaps, _, _, rate_gaps = _split(values, k, d)
    alone = found.moves.ndim == 4

    def customers(each: Array) -> Array:
        return each if alone else each.sum(axis=-1, keepdims=True)

    initial = customers(states[0, 1:] - model.initial[1:, None])
    pull = _pull(model, found, panel.covariates)  # of each index, (periods - 1, k, k - 1[, customers])
    pull = pull if alone else pull[..., None]
    over = pull.sum(axis=0)
    beyond = np.cumsum(over[:, ::-1], axis=1)[:, ::-1][:, 1:].reshape(-1, over.shape[-1])
    slopes = np.zeros((0, over.shape[-1]))
    if panel.covariates is not None and d:
        axes = "tsn,ntd->sdn" if alone else "tsn,td->sdn"
        slopes = np.einsum(axes, pull.sum(axis=2), panel.covariates).reshape(k * d, -1)
    into = "tkn,tn->kn" if alone else "tkn,tn->k"
    counted = np.einsum(into, states, panel.counts)  # zero where nothing was seen
    expected = np.einsum(into, states, panel.seen.astype(float))
    rate = (counted.T - model.rates * expected.T).T.reshape(k, -1)
    later = np.cumsum(rate[::-1], axis=0)[::-1]
    steps = later[1:] * np.exp(rate_gaps)[:, None]
    return np.concatenate(
        [initial, -over.sum(axis=1), -beyond * np.exp(gaps)[:, None], slopes, later[:1], steps]
    )


def _pull(model: HiddenMarkov, found: Expected, covariates: Array | None) -> Array:
    """What the expected moves say of each index ``x' b_s - τ_sj``: its derivative of the log-likelihood."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(found.moves > 0, found.moves / found.steps, 0.0)
    index = 0.0 if covariates is None else covariates @ model.slopes.T
    above = expit(np.asarray(index)[..., None] - model.thresholds)
    if found.steps.ndim == 4:
        above = above.transpose(1, 2, 3, 0)
    return above * (1 - above) * (ratio[:, :, 1:] - ratio[:, :, :-1])
