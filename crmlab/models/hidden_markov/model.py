"""A hidden Markov model whose numbers are known: what it says of a panel, and draws from it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from crmlab.errors import InputError, check_known
from crmlab.models.hidden_markov.recursions import expect, forward, panel_of

Array = npt.NDArray[np.float64]
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

    initial: Array
    thresholds: Array
    rates: Array
    slopes: Array = None  # type: ignore[assignment]  # none given: no covariates, shape (k, 0)
    emission: str = "poisson"

    def __post_init__(self) -> None:
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
    def from_transition(
        cls,
        initial: npt.ArrayLike,
        transition: npt.ArrayLike,
        rates: npt.ArrayLike,
        emission: str = "poisson",
    ) -> "HiddenMarkov":
        """The model without covariates whose transition probabilities are given, shape (k, k)."""
        above = 1.0 - np.cumsum(np.asarray(transition, float), axis=1)[:, :-1]
        thresholds = -logit(np.clip(above, 1e-9, 1 - 1e-9))
        return cls(np.asarray(initial, float), thresholds, np.asarray(rates, float), emission=emission)

    def transition(self, covariates: npt.ArrayLike | None = None) -> Array:
        """Transition probabilities (..., k, k) at covariates of shape (..., d); those at zero if None."""
        index = 0.0 if covariates is None else np.asarray(covariates, float) @ self.slopes.T
        above = expit(np.asarray(index)[..., None] - self.thresholds)
        ends = [np.ones((*above.shape[:-1], 1)), above, np.zeros((*above.shape[:-1], 1))]
        return -np.diff(np.concatenate(ends, axis=-1), axis=-1)

    def state_shares(self, covariates: npt.ArrayLike | None = None, periods: int | None = None) -> Array:
        """Expected share of customers in each state, period by period, shape (periods, k).

        Parameters
        ----------
        covariates : array, shape (periods - 1, d), optional
            Of the moves, the same for everybody.
        periods : int, optional
            How many, where there are no covariates.

        Raises
        ------
        InputError
            If neither is given.
        """
        if covariates is not None:
            steps = self.transition(covariates)
        elif periods is not None:
            steps = np.broadcast_to(self.transition(), (periods - 1, *self.thresholds.shape[:1] * 2))
        else:
            raise InputError("state_shares needs covariates or periods; give how many periods to look at")
        path = [self.initial]
        for step in steps:
            path.append(path[-1] @ step)
        return np.array(path)

    def log_likelihood(self, observed: npt.ArrayLike, covariates: npt.ArrayLike | None = None) -> float:
        """Of a panel, shape (customers, periods); NaN where nothing was observed."""
        return forward(self, panel_of(self, observed, covariates)).log_likelihood

    def filtered(self, observed: npt.ArrayLike, covariates: npt.ArrayLike | None = None) -> Array:
        """Probability of each state given what was observed so far, shape (customers, periods, k)."""
        return forward(self, panel_of(self, observed, covariates)).states.transpose(2, 0, 1)

    def smoothed(self, observed: npt.ArrayLike, covariates: npt.ArrayLike | None = None) -> Array:
        """Probability of each state given all that was observed, shape (customers, periods, k)."""
        return expect(self, panel_of(self, observed, covariates)).states.transpose(2, 0, 1)

    def simulate(
        self,
        customers: int,
        periods: int,
        rng: np.random.Generator,
        covariates: npt.ArrayLike | None = None,
    ) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
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
