"""Maximum likelihood for hidden Markov models: EM steps, a quasi-Newton method, the curvature at the end."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize

from crmlab.errors import InputError, NotConverged, check_known
from crmlab.models.delta import delta_method, jacobian
from crmlab.models.hidden_markov.model import EMISSIONS, HiddenMarkov
from crmlab.models.hidden_markov.parameters import model_of, scores_of, values_of
from crmlab.models.hidden_markov.recursions import Expected, Panel, expect, panel_of
from crmlab.models.stacked import inverse

Array = npt.NDArray[np.float64]
EM_STEPS = 100  # from rough starts; a quasi-Newton method goes on from where they lead
ENOUGH = 1.0  # gain in log-likelihood of an EM step below which that method takes over
NEWTON_STEPS = 4  # at the end, where the curvature is needed in any case


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
    values: Array = field(repr=False)
    covariance: Array = field(repr=False)
    log_likelihood: float
    observations: int

    @property
    def bic(self) -> float:
        """Bayesian information criterion, with the number of observations; smaller is better."""
        return self.values.size * np.log(self.observations) - 2 * self.log_likelihood

    def combine(self, function: Callable[[HiddenMarkov], npt.ArrayLike]) -> tuple[Array, Array]:
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
        return delta_method(lambda values: function(model_of(values, *shape)), self.values, self.covariance)

    @property
    def table(self) -> pd.DataFrame:
        """Initial shares, transition probabilities at covariates of zero, slopes, rates; standard errors."""
        states, slopes = range(self.model.rates.size), range(self.model.slopes.shape[1])
        names = [f"initial {s}" for s in states]
        names += [f"{s} -> {j}" for s in states for j in states]
        names += [f"slope {d + 1} from {s}" for s in states for d in slopes]
        names += [f"rate {s}" for s in states]

        def parts(model: HiddenMarkov) -> Array:
            moves, bends = model.transition().ravel(), model.slopes.ravel()
            return np.concatenate([model.initial, moves, bends, model.rates])

        return pd.DataFrame(dict(zip(("estimate", "standard_error"), self.combine(parts))), index=names)


def fit_hidden_markov(
    observed: npt.ArrayLike,
    states: int,
    emission: str = "poisson",
    covariates: npt.ArrayLike | None = None,
) -> HiddenMarkovFit:
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
    panel = panel_of(start, observed, covariates)
    bare = panel._replace(covariates=None)
    before = -np.inf
    for _ in range(EM_STEPS):
        found = expect(start, bare)
        start = _maximise(start, panel, found)
        if found.log_likelihood - before < ENOUGH:
            break
        before = found.log_likelihood
    return _polish(values_of(start, panel.covariates), start.rates.size, panel, emission)


def _polish(values: Array, k: int, panel: Panel, emission: str) -> HiddenMarkovFit:
    """From good values to the maximum, and the curvature there."""
    shape = k, 0 if panel.covariates is None else panel.covariates.shape[-1], emission
    scale = panel.counts.shape[1]  # per customer, so that tolerances do not depend on how many there are

    def downhill(point: Array) -> tuple[float, Array]:
        found = expect(model_of(point, *shape), panel)
        return -found.log_likelihood / scale, -scores_of(point, found, panel).sum(axis=1) / scale

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
            return HiddenMarkovFit(model_of(point, *shape), point, covariance, -height * scale, seen)
        point = point - step
    raise NotConverged("the likelihood's maximum was not found")


def _rough_covariance(values: Array, panel: Panel, shape: tuple[int, int, str]) -> Array:
    """Inverse of the mean product of customers' scores: a curvature to begin with, for one pass."""
    customers, moves = panel.counts.shape[1], panel.counts.shape[0] - 1
    given = np.zeros((moves, 0)) if panel.covariates is None else panel.covariates
    own = panel._replace(covariates=np.broadcast_to(given, (customers, moves, given.shape[-1])))
    scores = scores_of(values, expect(model_of(values, *shape), own), own)
    found = inverse(scores @ scores.T / customers, 1e8)
    return np.eye(len(values)) if np.isnan(found).any() else (found + found.T) / 2


# EM without covariates ------------------------------------------------------------------------------------


def _start(observed: Array, k: int, emission: str) -> HiddenMarkov:
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


def _maximise(model: HiddenMarkov, panel: Panel, found: Expected) -> HiddenMarkov:
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
