"""What a model fitted to the calibration period said of the holdout, and how other models compare."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.plots.intervals import interval
from crmlab.reports.asking import Asked, Summarised

MANY = 4_000  # customers on whom the error of the forecast total is computed
COMPARED = 50_000  # customers on whom models are compared


@dataclass(frozen=True)
class Holdout:
    """What a model fitted to the calibration period said of the holdout.

    Attributes
    ----------
    model
        Fitted to the calibration period.
    summary : pandas.DataFrame
        Its customers.
    each : array, shape (n,)
        Purchases expected of each.
    made, expected, standard_error : float
        Purchases in the holdout; those expected; and the error that their difference has by chance in
        purchases and uncertainty of the estimates.
    error, error_of_repeating : float
        Mean absolute error a customer, and that of the rule "as often as before".
    correlation : float
        Of made and expected purchases over customers, by ranks.
    asked : Asked
        The customers, about whom the model was asked.
    """

    model: Any
    summary: pd.DataFrame
    each: np.ndarray
    made: float
    expected: float
    standard_error: float
    error: float
    error_of_repeating: float
    correlation: float
    asked: Asked

    @property
    def scale(self) -> float:
        """Variance over mean of the purchases made by a customer."""
        made = self.summary["frequency_holdout"].to_numpy(float)
        mean = np.average(made, weights=self.asked.weights)
        return float(np.average((made - mean) ** 2, weights=self.asked.weights) / mean) if mean else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """Between which totals the purchases should have been, in 95 of 100 such holdouts."""
        reach = norm.ppf(0.975) * self.standard_error
        return max(self.expected - reach, 0.0), self.expected + reach

    @property
    def missed(self) -> bool:
        """Whether the purchases made are outside."""
        low, high = self.interval
        return not low <= self.made <= high


def held_out(kind: type, asked: Asked) -> Holdout:
    """Fit to the calibration period and hold against what followed.

    Parameters
    ----------
    kind : type
        Of the model.
    asked : Asked
        The customers; their summary has a holdout.
    """
    early = asked.summary
    model, length = asked.fit(kind), float(early["duration_holdout"].iloc[0])
    expected = asked.expected(model, length)
    made, weights = early["frequency_holdout"].to_numpy(float), asked.weights
    below = np.cumsum(weights)
    n = below[-1]
    some = np.searchsorted(below, np.linspace(0, n - 1, int(min(n, MANY))).astype(int), side="right")
    sample = asked.some(some)
    _, low, high = interval(model, lambda m: sample.expected(m, length).mean(), "log")
    total = float(expected @ weights)
    doubt = 0.0 if low is None else np.log(high / low) / (2 * norm.ppf(0.975)) * total
    bias = np.average(made - expected, weights=weights)
    chance = np.sqrt(np.average((made - expected - bias) ** 2, weights=weights) * n)
    T = early["T"].to_numpy()
    as_before = np.divide(early["frequency"].to_numpy() * length, T, out=np.zeros(len(T)), where=T > 0)
    return Holdout(
        model,
        early,
        expected,
        float(made @ weights),
        total,
        float(np.hypot(doubt, chance)),
        float(np.average(np.abs(made - expected), weights=weights)),
        float(np.average(np.abs(made - as_before), weights=weights)),
        _rank_correlation(made, expected, weights),
        asked,
    )


def _rank_correlation(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> float:
    """Spearman's correlation, equal values having their mean rank; NaN where one of them does not vary."""
    ranks = []
    for values in (a, b):
        _, code = np.unique(values, return_inverse=True)
        size = np.bincount(code, weights)
        rank = (np.cumsum(size) - 0.5 * size)[code]
        ranks.append(rank - np.average(rank, weights=weights))
    spread = np.sqrt(np.prod([np.average(rank**2, weights=weights) for rank in ranks]))
    return float(np.average(ranks[0] * ranks[1], weights=weights) / spread) if spread > 0 else np.nan


@dataclass(frozen=True)
class Compared:
    """One model beside others, fitted to the same customers.

    Attributes
    ----------
    key, name : str
    log_likelihood, aic : float
        On the whole time.
    status : str
        How the fit ended.
    active, active_never : float
        Customers expected to be active, of all and of those who never bought again.
    expected : float
        Purchases expected in the horizon.
    holdout_made, holdout_expected, holdout_error : float
        Of the holdout: purchases made and expected, and the mean absolute error a customer; NaN without one.
    """

    key: str
    name: str
    log_likelihood: float
    aic: float
    status: str
    active: float
    active_never: float
    expected: float
    holdout_made: float = np.nan
    holdout_expected: float = np.nan
    holdout_error: float = np.nan

    @property
    def miss(self) -> float:
        """By which share the holdout's total was missed; above 0 if too much was expected."""
        return self.holdout_expected / self.holdout_made - 1.0 if self.holdout_made else np.nan


@dataclass(frozen=True)
class Comparison:
    """Models that fit, in order of AIC, on `customers` customers, of whom `never` never bought again."""

    models: list[Compared]
    customers: int
    never: int

    @property
    def best(self) -> Compared:
        """By AIC."""
        return self.models[0]

    @property
    def best_in_holdout(self) -> Compared | None:
        """By the error a customer; None without a holdout."""
        known = [each for each in self.models if np.isfinite(each.holdout_error)]
        return min(known, key=lambda each: each.holdout_error) if known else None


def compared(
    kinds: dict[str, type],
    whole: pd.DataFrame,
    early: pd.DataFrame | None,
    horizon: float,
    more: tuple[str, type, Asked, Asked | None] | None = None,
) -> Comparison:
    """Fit models of each kind and hold them against the same holdout; large logs by a spread sample.

    Those that cannot be fitted are left out, and so is a model of regular purchases where these are not.

    Parameters
    ----------
    more : (key, kind, Asked, Asked or None), optional
        One more, asked about the same customers (to the end, and to the end of calibration) in its own way.
    """
    never = int((_spread(Summarised(whole)).summary["frequency"] == 0).sum())
    asked = Summarised(whole), None if early is None else Summarised(early)
    models = [(key, kind, *asked) for key, kind in kinds.items()] + ([more] if more else [])
    found = [_compared(key, kind, _spread(all_of), before, horizon) for key, kind, all_of, before in models]
    kept = sorted((each for each in found if each is not None), key=lambda each: each.aic)
    return Comparison(kept, min(len(whole), COMPARED), never)


def _compared(key: str, kind: type, asked: Asked, early: Asked | None, horizon: float) -> Compared | None:
    """One model fitted to customers; None if it is one of the others."""
    model = asked.fit(kind)
    if getattr(model, "k_", 0) == 1:
        return None  # no more regular than chance: the model that it becomes is there already
    alive = asked.alive(model)
    never = asked.summary["frequency"].to_numpy() == 0
    return Compared(
        key,
        model.name,
        model.log_likelihood_,
        model.aic_,
        model.convergence_.status,
        float(alive.sum()),
        float(alive[never].sum()),
        float(asked.expected(model, horizon).sum()),
        *(() if early is None else _in_holdout(kind, _spread(early))),
    )


def _spread(asked: Asked) -> Asked:
    n = len(asked.summary)
    return asked if n <= COMPARED else asked.some(np.linspace(0, n - 1, COMPARED).astype(int))


def _in_holdout(kind: type, asked: Asked) -> tuple[float, float, float]:
    """Purchases made and expected in the holdout, and the mean absolute error a customer."""
    early = asked.summary
    if not early["frequency"].any():
        return ()
    length, made = float(early["duration_holdout"].iloc[0]), early["frequency_holdout"].to_numpy(float)
    expected = asked.expected(asked.fit(kind), length)
    return float(made.sum()), float(expected.sum()), float(np.abs(made - expected).mean())
