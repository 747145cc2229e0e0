"""What a model fitted to the calibration period said of the holdout, and how other models compare."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm, spearmanr

from crmlab.models.btyd import RegularModel
from crmlab.plots.intervals import interval

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


def fitted(kind: type, summary: pd.DataFrame) -> Any:
    """A model of this kind, fitted to a summary; how regular purchases are is told where it is known."""
    history = summary["frequency"], summary["recency"], summary["T"]
    if issubclass(kind, RegularModel) and "log_intervals" in summary:
        return kind().fit(*history, log_intervals=summary["log_intervals"])
    return kind().fit(*history)


def held_out(kind: type, early: pd.DataFrame) -> Holdout:
    """Fit to the calibration period and hold against what followed.

    Parameters
    ----------
    kind : type
        Of the model.
    early : pandas.DataFrame
        As from `crmlab.data.customer_summary` with a holdout.
    """
    history = early["frequency"], early["recency"], early["T"]
    model, length = fitted(kind, early), float(early["duration_holdout"].iloc[0])
    expected = np.asarray(model.conditional_expected_purchases(length, *history))
    made = early["frequency_holdout"].to_numpy(float)
    some = np.linspace(0, len(early) - 1, min(len(early), MANY)).astype(int)
    sample = [each.iloc[some] for each in history]
    _, low, high = interval(model, lambda m: m.conditional_expected_purchases(length, *sample).mean(), "log")
    doubt = 0.0 if low is None else np.log(high / low) / (2 * norm.ppf(0.975)) * expected.sum()
    chance = np.std(made - expected) * np.sqrt(len(made))
    T = early["T"].to_numpy()
    as_before = np.divide(early["frequency"].to_numpy() * length, T, out=np.zeros(len(T)), where=T > 0)
    rank = spearmanr(made, expected).statistic if made.std() > 0 and expected.std() > 0 else np.nan
    return Holdout(
        model,
        early,
        expected,
        float(made.sum()),
        float(expected.sum()),
        float(np.hypot(doubt, chance)),
        float(np.abs(made - expected).mean()),
        float(np.abs(made - as_before).mean()),
        float(rank),
    )


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
    kinds: dict[str, type], whole: pd.DataFrame, early: pd.DataFrame | None, horizon: float
) -> Comparison:
    """Fit models of each kind and hold them against the same holdout; large logs by a spread sample.

    Those that cannot be fitted are left out, and so is a model of regular purchases where these are not.
    """
    whole, early = _spread(whole), None if early is None else _spread(early)
    never = whole["frequency"].to_numpy() == 0
    found = []
    for key, kind in kinds.items():
        model = fitted(kind, whole)
        if getattr(model, "k_", 0) == 1:
            continue  # no more regular than chance: the model that it becomes is there already
        history = whole["frequency"], whole["recency"], whole["T"]
        alive = model.probability_alive(*history)
        expected = float(model.conditional_expected_purchases(horizon, *history).sum())
        later = () if early is None else _in_holdout(kind, early)
        found.append(
            Compared(
                key,
                model.name,
                model.log_likelihood_,
                model.aic_,
                model.convergence_.status,
                float(alive.sum()),
                float(alive[never].sum()),
                expected,
                *later,
            )
        )
    found.sort(key=lambda each: each.aic)
    return Comparison(found, len(whole), int(never.sum()))


def _spread(summary: pd.DataFrame) -> pd.DataFrame:
    if len(summary) <= COMPARED:
        return summary
    return summary.iloc[np.linspace(0, len(summary) - 1, COMPARED).astype(int)]


def _in_holdout(kind: type, early: pd.DataFrame) -> tuple[float, float, float]:
    """Purchases made and expected in the holdout, and the mean absolute error a customer."""
    if not early["frequency"].any():
        return ()
    history = early["frequency"], early["recency"], early["T"]
    length, made = float(early["duration_holdout"].iloc[0]), early["frequency_holdout"].to_numpy(float)
    expected = fitted(kind, early).conditional_expected_purchases(length, *history)
    return float(made.sum()), float(expected.sum()), float(np.abs(made - expected).mean())
