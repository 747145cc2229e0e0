"""The package lifetimes as a second opinion: its point estimates, and nothing else of it.

lifetimes 0.11 is archived. Its fitters are sound on today's stack; its data loaders, simulators, covariances
and plots are not. So only fitters are called here, on plain arrays, and what they return is put into the
published units: it stores a log-likelihood per customer of rescaled times.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import InputError


class SecondOpinionFailed(ArithmeticError):
    """lifetimes did not converge on these data."""


@dataclass(frozen=True)
class SecondOpinion:
    """A model fitted by lifetimes.

    Attributes
    ----------
    params_ : pandas.Series
        In the unit of the data.
    log_likelihood_ : float
        Total over customers, in the unit of the data, as publications state it.
    """

    params_: pd.Series
    log_likelihood_: float
    _fitter: Any = field(repr=False)

    def conditional_expected_purchases(
        self, t: ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike
    ) -> np.ndarray:
        """BG/NBD: expected purchases in (T, T+t] of customers with these histories."""
        asked = self._fitter.conditional_expected_number_of_purchases_up_to_time
        return np.asarray(asked(t, *_arrays(frequency=frequency, recency=recency, T=T)))

    def expected_purchases(self, t: ArrayLike) -> np.ndarray:
        """BG/NBD: expected repeat purchases of a new customer in (0, t]."""
        return np.asarray(self._fitter.expected_number_of_purchases_up_to_time(np.asarray(t, float)))

    def probability_alive(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> np.ndarray:
        """BG/NBD: probability of being active at T."""
        return np.asarray(
            self._fitter.conditional_probability_alive(*_arrays(frequency=frequency, recency=recency, T=T))
        )

    def expected_spend(self, frequency: ArrayLike, monetary_value: ArrayLike) -> np.ndarray:
        """Gamma-Gamma: expected mean spend of customers with these histories."""
        given = _arrays(frequency=frequency, monetary_value=monetary_value)
        return np.asarray(self._fitter.conditional_expected_average_profit(*given))


def fit_bgnbd(frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> SecondOpinion:
    """BG/NBD by lifetimes.

    Parameters
    ----------
    frequency, recency, T : array_like, shape (n,)
        A customer summary; times in any one unit.

    Returns
    -------
    SecondOpinion
        With parameters r, alpha, a, b.

    Raises
    ------
    SecondOpinionFailed
        If lifetimes gives up.
    """
    BetaGeoFitter = _lifetimes().BetaGeoFitter
    frequency, recency, T = _arrays(frequency=frequency, recency=recency, T=T)
    fitter = _fitted(BetaGeoFitter(penalizer_coef=0.0), frequency, recency, T)
    parameters = fitter.params_[["r", "alpha", "a", "b"]].astype(float)
    logs = np.log(parameters.to_numpy())
    mean_loss = BetaGeoFitter._negative_log_likelihood(logs, frequency, recency, T, np.ones(len(T)), 0.0)
    return SecondOpinion(parameters, float(-len(T) * mean_loss), fitter)


def fit_gamma_gamma(frequency: ArrayLike, monetary_value: ArrayLike) -> SecondOpinion:
    """Gamma-Gamma by lifetimes, on customers with repeat purchases.

    Parameters
    ----------
    frequency, monetary_value : array_like, shape (n,)
        Repeat purchases, all at least 1, and their mean amount, all above 0.

    Returns
    -------
    SecondOpinion
        With parameters p, q, gamma (lifetimes calls the last v).
    """
    GammaGammaFitter = _lifetimes().GammaGammaFitter
    frequency, spend = _arrays(frequency=frequency, monetary_value=monetary_value)
    if (frequency < 1).any() or (spend <= 0).any():
        bad = int(((frequency < 1) | (spend <= 0)).sum())
        raise InputError(
            f"frequency below 1 or monetary_value not above 0 in {bad:,} rows; "
            "give customers with repeat purchases and positive spend only"
        )
    fitter = _fitted(GammaGammaFitter(penalizer_coef=0.0), frequency, spend)
    parameters = fitter.params_[["p", "q", "v"]].astype(float)
    logs = np.log(parameters.to_numpy())
    mean_loss = GammaGammaFitter._negative_log_likelihood(logs, frequency, spend, np.ones(len(spend)), 0.0)
    return SecondOpinion(parameters.rename({"v": "gamma"}), float(-len(spend) * mean_loss), fitter)


def pareto_nbd_probability_alive(
    parameters: Mapping[str, float], frequency: ArrayLike, recency: ArrayLike, T: ArrayLike
) -> np.ndarray:
    """Pareto/NBD: lifetimes' probability of being active at T, for given parameters, as it comes.

    With scipy 1.16 or later it is NaN, without a warning, for frequent customers whose last purchase is at T.

    Parameters
    ----------
    parameters : mapping
        r, alpha, s, beta.
    """
    fitter = _lifetimes().ParetoNBDFitter()
    fitter.params_ = pd.Series({name: float(parameters[name]) for name in ("r", "alpha", "s", "beta")})
    with np.errstate(all="ignore"):
        return np.asarray(
            fitter.conditional_probability_alive(*_arrays(frequency=frequency, recency=recency, T=T))
        )


def _lifetimes():
    """The package, imported when it is asked and without what it says about pandas while it loads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lifetimes
    return lifetimes


def _fitted(fitter, *columns):
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of its optimiser's path; the end point is checked
            return fitter.fit(*columns)
    except _lifetimes().utils.ConvergenceError as error:
        raise SecondOpinionFailed(
            f"lifetimes did not converge: {str(error).strip().splitlines()[0]}"
        ) from None


def _arrays(**columns):
    """Float arrays of one length, without gaps."""
    arrays = {name: np.asarray(values, dtype=float) for name, values in columns.items()}
    longest = max(np.size(values) for values in arrays.values())
    for name, values in arrays.items():
        if not np.isfinite(values).all():
            raise InputError(
                f"{name} has {int((~np.isfinite(values)).sum())} values that are missing or infinite"
            )
        if np.size(values) not in (1, longest):
            raise InputError(
                f"{name} has {np.size(values)} values, others {longest}; give one each for every customer"
            )
    return arrays.values()
