"""Hidden Markov models for panels: what customers do shows, with error, a state that nobody observes.

Each customer is in one of k ordered states, moves among them from period to period, and acts more or less
often in each. Moves follow an ordered logit that may depend on covariates, one for each state to leave, as in
Netzer, Lattin & Srinivasan (2008), https://doi.org/10.1287/mksc.1070.0294 (in theirs customers differ, too):

    P(next >= j | now = s, x) = Λ(x' b_s - τ_sj),   τ_s1 < τ_s2 < …

Observations are counts (Poisson) or yes-and-no choices (Bernoulli). States are numbered by their rates, the
lowest first, so that no two numberings describe one model. All recursions run over the customers at once.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, gammaln, logit

from crmlab.errors import InputError, NotConverged, check_known
from crmlab.models.delta import delta_method, jacobian
from crmlab.models.stacked import inverse

EM_STEPS = 100  # from rough starts; a quasi-Newton method goes on from where they lead
ENOUGH = 1.0  # gain in log-likelihood of an EM step below which that method takes over
NEWTON_STEPS = 4  # at the end, where the curvature is needed in any case
EMISSIONS = {"poisson": np.log, "bernoulli": logit}


@dataclass(frozen=True, eq=False)
class HiddenMarkov:
    """A hidden Markov model whose numbers are known.

    Parameters
    ----------
    initial : array, shape (k,)
        Probability of each state in the first period.
    thresholds : array, shape (k, k - 1)
        τ, by the state to leave; rising along each row.
    rates : array, shape (k,)
        Mean count (poisson) or probability (bernoulli) in each state, rising.
    slopes : array, shape (k, covariates)
        b, by the state to leave.
    emission : {"poisson", "bernoulli"}
    """

    initial: np.ndarray
    thresholds: np.ndarray
    rates: np.ndarray
    slopes: np.ndarray = None
    emission: str = "poisson"

    def __post_init__(self):
        check_known("emission", [self.emission], EMISSIONS)
        rates = np.asarray(self.rates, float)
        k = rates.size
        slopes = np.zeros((k, 0)) if self.slopes is None else self.slopes
        parts = {"initial": self.initial, "rates": rates, "slopes": slopes, "thresholds": self.thresholds}
        parts = {name: np.asarray(value, float) for name, value in parts.items()}
        shapes = {name: value.shape for name, value in parts.items()}
        d = shapes["slopes"][-1] if shapes["slopes"] else 0
        wanted = {"initial": (k,), "rates": (k,), "slopes": (k, d), "thresholds": (k, k - 1)}
        if k < 2 or shapes != wanted:
            raise InputError(
                f"parts of shapes {shapes} do not belong together; k states, 2 or more, have initial (k,), "
                "rates (k,), slopes (k, covariates) and thresholds (k, k - 1)"
            )
        if (np.diff(rates) <= 0).any() or (rates <= 0).any():
            raise InputError(f"rates is {rates.tolist()}; they must be positive and rise from state to state")
        if (np.diff(parts["thresholds"], axis=1) <= 0).any():
            raise InputError("thresholds must rise along each row")
        for name, value in parts.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_transition(cls, initial, transition, rates, emission="poisson"):
        """The model without covariates whose transition probabilities are given, shape (k, k)."""
        above = 1.0 - np.cumsum(np.asarray(transition, float), axis=1)[:, :-1]
        return cls(initial, -logit(np.clip(above, 1e-9, 1 - 1e-9)), rates, emission=emission)

    def transition(self, covariates=None):
        """Transition probabilities (..., k, k) at covariates of shape (..., d); those at zero if None."""
        index = 0.0 if covariates is None else np.asarray(covariates, float) @ self.slopes.T
        above = expit(np.asarray(index)[..., None] - self.thresholds)
        ends = [np.ones((*above.shape[:-1], 1)), above, np.zeros((*above.shape[:-1], 1))]
        return -np.diff(np.concatenate(ends, axis=-1), axis=-1)

    def state_shares(self, covariates=None, periods=None):
        """Expected share of customers in each state, period by period, shape (periods, k).

        Parameters
        ----------
        covariates : array, shape (periods - 1, d), optional
            Of the moves, the same for everybody; else give `periods`.
        """
        steps = (
            np.broadcast_to(self.transition(), (periods - 1, *self.thresholds.shape[:1] * 2))
            if covariates is None
            else self.transition(covariates)
        )
        path = [self.initial]
        for step in steps:
            path.append(path[-1] @ step)
        return np.array(path)

    def log_likelihood(self, observed, covariates=None):
        """Of a panel, shape (customers, periods); NaN where nothing was observed."""
        return _forward(self, *_panel(self, observed, covariates))[1]

    def filtered(self, observed, covariates=None):
        """Probability of each state given what was observed so far, shape (customers, periods, k)."""
        return _forward(self, *_panel(self, observed, covariates))[0].transpose(2, 0, 1)

    def smoothed(self, observed, covariates=None):
        """Probability of each state given all that was observed, shape (customers, periods, k)."""
        return _expect(self, *_panel(self, observed, covariates)).states.transpose(2, 0, 1)

    def simulate(self, customers, periods, rng, covariates=None):
        """Draw states and observations, each of shape (customers, periods)."""
        steps = self.transition(covariates) if covariates is not None else self.transition()[None, None]
        steps = np.broadcast_to(steps, (customers, periods - 1, *steps.shape[-2:]))
        states = np.empty((customers, periods), int)
        chance = rng.random((periods, customers))
        states[:, 0] = (chance[0][:, None] > np.cumsum(self.initial)[:-1]).sum(axis=1)
        for at in range(1, periods):
            row = steps[np.arange(customers), at - 1, states[:, at - 1]]
            states[:, at] = (chance[at][:, None] > np.cumsum(row, axis=1)[:, :-1]).sum(axis=1)
        rate = self.rates[states]
        drawn = rng.poisson(rate) if self.emission == "poisson" else (rng.random(rate.shape) < rate) * 1
        return states, drawn


@dataclass(frozen=True, eq=False)
class HiddenMarkovFit:
    """A hidden Markov model estimated by maximum likelihood.

    Attributes
    ----------
    model : HiddenMarkov
    covariance : array
        Of the free parameters (``values``), from the inverse of the observed information.
    log_likelihood : float
    observations : int
    """

    model: HiddenMarkov
    values: np.ndarray = field(repr=False)
    covariance: np.ndarray = field(repr=False)
    log_likelihood: float
    observations: int

    @property
    def bic(self):
        """Bayesian information criterion, with the number of observations; smaller is better."""
        return self.values.size * np.log(self.observations) - 2 * self.log_likelihood

    def combine(self, function):
        """A function of the model with its standard error by the delta method.

        Parameters
        ----------
        function : callable
            `HiddenMarkov` to a number or an array.

        Returns
        -------
        value, standard_error : float or array
        """
        shape = self.model.rates.size, self.model.slopes.shape[1], self.model.emission
        return delta_method(lambda values: function(_model(values, *shape)), self.values, self.covariance)

    @property
    def table(self):
        """Initial shares, transition probabilities at covariates of zero, slopes, rates; standard errors."""
        model, k = self.model, self.model.rates.size
        parts = {
            **{f"initial {s}": (lambda m, s=s: m.initial[s]) for s in range(k)},
            **{f"{s} -> {j}": (lambda m, s=s, j=j: m.transition()[s, j]) for s in range(k) for j in range(k)},
            **{
                f"slope {d + 1} from {s}": (lambda m, s=s, d=d: m.slopes[s, d])
                for s in range(k)
                for d in range(model.slopes.shape[1])
            },
            **{f"rate {s}": (lambda m, s=s: m.rates[s]) for s in range(k)},
        }
        found = self.combine(lambda each: np.array([part(each) for part in parts.values()]))
        return pd.DataFrame(dict(zip(("estimate", "standard_error"), found)), index=list(parts))


def fit_hidden_markov(observed, states, emission="poisson", covariates=None):
    """Maximum likelihood by EM steps without covariates, then a quasi-Newton method on all parameters.

    Parameters
    ----------
    observed : array, shape (customers, periods)
        Counts, or 0 and 1; NaN where nothing was observed.
    states : int
        2 or more.
    emission : {"poisson", "bernoulli"}
    covariates : array, shape (periods - 1, d) or (customers, periods - 1, d), optional
        Of the move from each period to the next; the first shape if they are everybody's.

    Returns
    -------
    HiddenMarkovFit

    Raises
    ------
    InputError
        If the panel or the covariates are not of these shapes and kinds.
    NotConverged
        If no maximum was found, or the information matrix there has no inverse.

    Notes
    -----
    The score is what the complete data's score is expected to be (Fisher's identity), so that each step costs
    one pass forward and one backward (Rabiner 1989, https://doi.org/10.1109/5.18626). The observed
    information is the score's derivative, by differences.
    """
    start = _start(np.asarray(observed, float), int(states), emission)
    panel = _panel(start, observed, covariates)
    bare = panel._replace(covariates=None)
    before = -np.inf
    for _ in range(EM_STEPS):
        found = _expect(start, *bare)
        start = _maximise(start, panel, found)
        if found.log_likelihood - before < ENOUGH:
            break
        before = found.log_likelihood
    return _polish(_values(start, panel.covariates), start.rates.size, panel, emission)


def _polish(values, k, panel, emission):
    """From good values to the maximum, and the curvature there."""
    shape = k, 0 if panel.covariates is None else panel.covariates.shape[-1], emission
    scale = panel.counts.shape[1]  # per customer, so that tolerances do not depend on how many there are

    def downhill(point):
        found = _expect(_model(point, *shape), *panel)
        return -found.log_likelihood / scale, -_scores(point, found, panel).sum(axis=1) / scale

    options = {"gtol": 1e-6, "maxiter": 300, "hess_inv0": _rough_covariance(values, panel, shape)}
    point = minimize(downhill, values, jac=True, method="BFGS", options=options).x
    for _ in range(NEWTON_STEPS):
        height, slope = downhill(point)
        bend = jacobian(lambda at: downhill(at)[1], point, at=slope)
        bend = (bend + bend.T) / 2
        if not np.isfinite(bend).all() or np.linalg.eigvalsh(bend).min() <= 1e-9:
            raise NotConverged("the likelihood is flat: the data do not tell so many states apart")
        step = np.linalg.solve(bend, slope)
        if slope @ step * scale < 1e-6:  # twice what the log-likelihood could still gain
            covariance, seen = np.linalg.inv(bend) / scale, int(panel.seen.sum())
            return HiddenMarkovFit(_model(point, *shape), point, covariance, -height * scale, seen)
        point = point - step
    raise NotConverged("the likelihood's maximum was not found")


def _rough_covariance(values, panel, shape):
    """Inverse of the mean product of customers' scores: a curvature to begin with, for one pass."""
    customers, moves = panel.counts.shape[1], panel.counts.shape[0] - 1
    given = np.zeros((moves, 0)) if panel.covariates is None else panel.covariates
    own = panel._replace(covariates=np.broadcast_to(given, (customers, moves, given.shape[-1])))
    scores = _scores(values, _expect(_model(values, *shape), *own), own)
    found = inverse(scores @ scores.T / customers, 1e8)
    return np.eye(len(values)) if np.isnan(found).any() else (found + found.T) / 2


# Recursions, over arrays of shape (periods, states, customers) ---------------------------------------------


class _Panel(NamedTuple):
    """Observations, shape (periods, customers), zero where there is none, and all that is worked out once."""

    counts: np.ndarray
    constant: float  # of the log-likelihood
    covariates: np.ndarray | None
    seen: np.ndarray
    levels: np.ndarray  # the different counts
    level: np.ndarray  # the number of each observation's; one more than there are where nothing was seen


def _panel(model, observed, covariates):
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
    return _Panel(counts.T, constant, covariates, seen.T, levels, np.ascontiguousarray(level))


def _steps(model, covariates, periods):
    """Transition probabilities (periods - 1, k, k[, customers]), with the last axis if customers differ."""
    if covariates is None:
        return np.broadcast_to(model.transition(), (periods - 1, *model.thresholds.shape[:1] * 2))
    steps = model.transition(covariates)
    return steps if steps.ndim == 3 else steps.transpose(1, 2, 3, 0)


def _ahead(step, now):
    """State probabilities a period on: shape (k, customers)."""
    return step.T @ now if step.ndim == 2 else np.einsum("ijn,in->jn", step, now)


def _emitted(model, levels, level):
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


def _forward(model, counts, constant, covariates, _, levels, level):
    """Filtered probabilities (periods, k, customers) and the log-likelihood."""
    emitted, top = _emitted(model, levels, level)
    filtered, scales = np.empty(emitted.shape), np.empty(counts.shape)
    steps = _steps(model, covariates, len(counts))
    now = model.initial[:, None] * emitted[0]
    for at in range(len(counts)):
        if at:
            now = _ahead(steps[at - 1], filtered[at - 1]) * emitted[at]
        scales[at] = now.sum(axis=0)
        filtered[at] = now / scales[at]
    return filtered, float(np.log(scales).sum() + top.sum() - constant), scales, emitted, steps


@dataclass(frozen=True, eq=False)
class _Expected:
    """Smoothed probabilities (periods, k, customers), expected moves (periods - 1, k, k[, customers])."""

    model: HiddenMarkov
    log_likelihood: float
    states: np.ndarray
    moves: np.ndarray
    steps: np.ndarray


def _expect(model, *panel):
    """The E step: backwards after forwards."""
    filtered, log_likelihood, scales, emitted, steps = _forward(model, *panel)
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
    return _Expected(model, log_likelihood, filtered * later, moves, steps)


# EM without covariates ------------------------------------------------------------------------------------


def _start(observed, k, emission):
    """Rough values: rates from quantiles of customers' running means, states that persist."""
    check_known("emission", [emission], EMISSIONS)
    if k < 2:
        raise InputError(f"states is {k}; a hidden Markov model needs at least 2")
    seen = ~np.isnan(observed)
    if observed.ndim != 2 or observed.shape[1] < 2 or not seen.any():
        raise InputError(
            f"observed has shape {observed.shape} and {int(seen.sum())} values; give customers by periods, "
            "at least 2"
        )
    filled = np.where(seen, observed, observed[seen].mean())
    rates = np.quantile((filled[:, :-1] + filled[:, 1:]) / 2, (np.arange(k) + 0.5) / k)
    low, high = (0.05, np.inf) if emission == "poisson" else (0.05, 0.95)
    rates = np.clip(rates, low, high)
    spread = filled.mean() * (0.4 + 1.2 * np.arange(k) / (k - 1))
    if (np.diff(rates) <= 0.05 * rates[1:]).any():
        rates = np.clip(spread, low, high)
    transition = np.full((k, k), 0.3 / (k - 1)) + np.eye(k) * (0.7 - 0.3 / (k - 1))
    return HiddenMarkov.from_transition(np.full(k, 1 / k), transition, rates, emission)


def _maximise(model, panel, found):
    """The M step without covariates: shares and means, weighted by the probabilities of the states."""
    weight = np.where(panel.seen[:, None], found.states, 0.0)
    rates = (weight * panel.counts[:, None]).sum(axis=(0, 2)) / weight.sum(axis=(0, 2))
    order = np.argsort(rates)
    moves = found.moves.sum(axis=0)[np.ix_(order, order)] + 1e-6
    rates = np.maximum.accumulate(np.clip(rates[order], 1e-6, None)) * (1 + 1e-6 * np.arange(rates.size))
    if model.emission == "bernoulli":
        rates = np.clip(rates, 1e-6, 1 - 1e-6)
    initial, moves = found.states[0].mean(axis=1)[order], moves / moves.sum(axis=1, keepdims=True)
    return HiddenMarkov.from_transition(initial, moves, rates, model.emission)


# Free parameters: every real vector is a model, with its states in order ----------------------------------


def _values(model, covariates):
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


def _split(values, k, d):
    found, start = [], 0
    for size in (k - 1, k, k * (k - 2), k * d, 1, k - 1):
        found.append(values[start : start + size])
        start += size
    return found


def _model(values, k, d, emission):
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


def _scores(values, found, panel):
    """Derivative of the log-likelihood in the free parameters, by Fisher's identity.

    Shape (parameters, customers), or (parameters, 1) where all customers' moves follow the same probabilities
    and are counted together.
    """
    model, states = found.model, found.states
    k, d = model.slopes.shape
    _, _, gaps, _, _, rate_gaps = _split(values, k, d)
    alone = found.moves.ndim == 4

    def customers(each):
        return each if alone else each.sum(axis=-1, keepdims=True)

    initial = customers(states[0, 1:] - model.initial[1:, None])
    pull = _pull(model, found, panel.covariates)  # of each index, (periods - 1, k, k - 1[, customers])
    pull = pull if alone else pull[..., None]
    over = pull.sum(axis=0)
    beyond = np.cumsum(over[:, ::-1], axis=1)[:, ::-1][:, 1:].reshape(-1, over.shape[-1])
    slopes = np.zeros((0, over.shape[-1]))
    if d:
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


def _pull(model, found, covariates):
    """What the expected moves say of each index ``x' b_s - τ_sj``: its derivative of the log-likelihood."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(found.moves > 0, found.moves / found.steps, 0.0)
    index = 0.0 if covariates is None else covariates @ model.slopes.T
    above = expit(np.asarray(index)[..., None] - model.thresholds)
    if found.steps.ndim == 4:
        above = above.transpose(1, 2, 3, 0)
    return above * (1 - above) * (ratio[:, :, 1:] - ratio[:, :, :-1])
