"""The recursions of hidden Markov models, over arrays of shape (periods, states, customers).

Forwards they give what is known of the states so far and the likelihood, backwards what all observations say
of them (Rabiner 1989, https://doi.org/10.1109/5.18626). They run over all customers at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from crmlab.errors import InputError

if TYPE_CHECKING:
    from crmlab.models.hidden_markov.model import HiddenMarkov

Array = npt.NDArray[np.float64]


class Panel(NamedTuple):
    """Observations, shape (periods, customers), zero where there is none, and all that is worked out once."""

    counts: Array
    constant: float  # of the log-likelihood
    covariates: Array | None
    seen: npt.NDArray[np.bool_]
    levels: Array  # the different counts
    level: npt.NDArray[
        np.intp
    ]  # the number of each observation's; one more than there are where nothing was seen


def panel_of(model: HiddenMarkov, observed: npt.ArrayLike, covariates: npt.ArrayLike | None) -> Panel:
    """The panel as the recursions want it; raises as `fit_hidden_markov`."""
    observed = np.asarray(observed, float)
    if observed.ndim != 2 or observed.shape[1] < 2:
        raise InputError(f"observed has shape {observed.shape}; give customers by periods, at least 2")
    seen = ~np.isnan(observed)
    counts = np.where(seen, observed, 0.0)
    top = 1 if model.emission == "bernoulli" else np.inf
    if ((counts < 0) | (counts > top) | (counts != np.floor(counts))).any():
        kinds = "0 and 1" if top == 1 else "whole numbers from 0"
        raise InputError(f"observed must hold {kinds}, and NaN where nothing was observed")
    if covariates is not None:
        covariates = np.asarray(covariates, float)
        if covariates.shape[:-1] not in ((observed.shape[1] - 1,), (len(observed), observed.shape[1] - 1)):
            raise InputError(
                f"covariates has shape {covariates.shape}; give a row for each of {observed.shape[1] - 1} "
                f"moves, for everybody or for each of {len(observed)} customers"
            )
        if not np.isfinite(covariates).all():
            raise InputError("covariates holds missing or infinite values; drop or fill them, and say how")
    elif model.slopes.shape[1]:
        raise InputError("covariates not given; the model has slopes for them")
    constant = gammaln(counts + 1).sum() if model.emission == "poisson" else 0.0
    levels, level = np.unique(counts, return_inverse=True)
    level = np.where(seen, level.reshape(counts.shape), len(levels)).T
    return Panel(counts.T, constant, covariates, seen.T, levels, np.ascontiguousarray(level))


def _steps(model: HiddenMarkov, covariates: Array | None, periods: int) -> Array:
    """Transition probabilities (periods - 1, k, k[, customers]), with the last axis if customers differ."""
    if covariates is None:
        return np.broadcast_to(model.transition(), (periods - 1, *model.thresholds.shape[:1] * 2))
    steps = model.transition(covariates)
    return steps if steps.ndim == 3 else steps.transpose(1, 2, 3, 0)


def _ahead(step: Array, now: Array) -> Array:
    """State probabilities a period on: shape (k, customers)."""
    return step.T @ now if step.ndim == 2 else np.einsum("ijn,in->jn", step, now)


def _emitted(model: HiddenMarkov, levels: Array, level: npt.NDArray[np.intp]) -> tuple[Array, Array]:
    """Likelihood of each observation in each state, over the largest of its states; logs of the largest."""
    rate, count = model.rates[:, None], levels
    if model.emission == "poisson":
        log = count * np.log(rate) - rate
    else:
        log = np.where(count > 0, np.log(rate), np.log1p(-rate))
    log = np.column_stack([log, np.zeros(len(rate))])  # what was not seen tells nothing
    top = log.max(axis=0)
    by_state = np.exp(log - top)
    emitted = np.empty((len(level), len(rate), level.shape[1]))
    for state, of_level in enumerate(by_state):
        emitted[:, state] = of_level[level]
    return emitted, top[level]


class Filtered(NamedTuple):
    """What the pass forwards gives."""

    states: Array  # probabilities given what was seen so far, (periods, k, customers)
    log_likelihood: float
    scales: Array  # likelihood of each observation given the earlier ones, (periods, customers)
    emitted: Array  # as `states`: of each observation in each state, over the largest
    steps: Array  # as `Expected.steps`


def forward(model: HiddenMarkov, panel: Panel) -> Filtered:
    """State probabilities given what was seen so far, and the log-likelihood."""
    counts = panel.counts
    emitted, top = _emitted(model, panel.levels, panel.level)
    filtered, scales = np.empty(emitted.shape), np.empty(counts.shape)
    steps = _steps(model, panel.covariates, len(counts))
    now = model.initial[:, None] * emitted[0]
    for at in range(len(counts)):
        if at:
            now = _ahead(steps[at - 1], filtered[at - 1]) * emitted[at]
        scales[at] = now.sum(axis=0)
        filtered[at] = now / scales[at]
    log_likelihood = float(np.log(scales).sum() + top.sum() - panel.constant)
    return Filtered(filtered, log_likelihood, scales, emitted, steps)


@dataclass(frozen=True, eq=False)
class Expected:
    """Smoothed probabilities (periods, k, customers), expected moves (periods - 1, k, k[, customers])."""

    model: HiddenMarkov
    log_likelihood: float
    states: Array
    moves: Array
    steps: Array


def expect(model: HiddenMarkov, panel: Panel) -> Expected:
    """The E step: backwards after forwards."""
    filtered, log_likelihood, scales, emitted, steps = forward(model, panel)
    told = emitted[1:] / scales[1:, None]
    later, coming = np.ones(emitted.shape), np.empty(told.shape)
    together = steps.ndim == 3
    for at in range(len(told) - 1, -1, -1):
        np.multiply(told[at], later[at + 1], out=coming[at])
        if together:
            np.matmul(steps[at], coming[at], out=later[at])
        else:
            np.einsum("ijn,jn->in", steps[at], coming[at], out=later[at])
    if together:
        moves = steps * np.matmul(filtered[:-1], coming.swapaxes(1, 2))
    else:
        moves = steps * filtered[:-1, :, None] * coming[:, None]
    return Expected(model, log_likelihood, filtered * later, moves, steps)
