"""What a diagnosis measures: bias, errors, coverage, power, each with its Monte-Carlo standard error.

Names and Monte-Carlo errors follow Morris, White & Crowther (2019), Table 6, doi:10.1002/sim.8086. The type S
and type M errors are Gelman & Carlin's (2014), doi:10.1177/1745691614551642. Median bias has the
Maritz–Jarrett (1978) standard error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats.mstats import mjci

from crmlab.errors import InputError, listing

Number = tuple[float, float]  # a value and its Monte-Carlo standard error

SHARES = {"rejection_rate", "coverage", "bias_eliminated_coverage", "converged_coverage", "type_s"}
DEFAULT = ("bias", "rmse", "rejection_rate", "coverage", "type_s")
NOTHING: Number = (np.nan, np.nan)


@dataclass(frozen=True)
class Group:
    """The simulations of one hypothesis, estimator and point.

    Attributes
    ----------
    rows : DataFrame
        One row a simulation; see `Diagnosis.simulations`.
    null : float
        What the hypothesis is tested against.
    headline : DataFrame
        The rows of the hypothesis' headline estimator at the same point, in the same order.
    """

    rows: pd.DataFrame
    null: float
    headline: pd.DataFrame

    @property
    def estimand(self) -> float:
        """The truth at this point."""
        return float(self.rows["estimand"].iloc[0])

    @property
    def done(self) -> pd.DataFrame:
        """The fits that gave an answer."""
        return self.rows[self.rows["failure"] == ""]

    @property
    def errors(self) -> np.ndarray:
        """Estimate less estimand, of the fits that gave an answer."""
        return self.done["estimate"].to_numpy() - self.estimand

    @property
    def significant(self) -> pd.DataFrame:
        """The fits whose 95% interval excludes the null."""
        done = self.done
        return done[(done["low"] > self.null) | (done["high"] < self.null)]


Own = Callable[[Group], Number | float]  # a diagnosand of the user's


def mean(values: np.ndarray | pd.Series) -> Number:
    """A mean and its standard error."""
    values = np.asarray(values, dtype=float)
    if not len(values):
        return NOTHING
    with np.errstate(invalid="ignore"):
        spread = values.std(ddof=1) if len(values) > 1 else np.nan
    return float(values.mean()), float(spread / np.sqrt(len(values)))


def share(flags: np.ndarray | pd.Series) -> Number:
    """A share and its binomial standard error."""
    if not len(flags):
        return NOTHING
    value = float(np.mean(flags))
    return value, float(np.sqrt(value * (1 - value) / len(flags)))


def mean_estimate(group: Group) -> Number:
    """Over the fits that gave an answer."""
    return mean(group.done["estimate"])


def bias(group: Group) -> Number:
    """Mean of estimate less estimand."""
    return mean(group.errors)


def median_bias(group: Group) -> Number:
    """Median error: what to read where an estimator has no mean, as a ratio may have none."""
    errors = group.errors
    if len(errors) < 3:
        return NOTHING
    with np.errstate(invalid="ignore"):  # where all are alike, a variance of 0 may round to less
        spread = float(np.squeeze(mjci(errors, prob=[0.5])))
    return float(np.median(errors)), 0.0 if np.ptp(errors) == 0 else spread


def rmse(group: Group) -> Number:
    """Root mean squared error; its Monte-Carlo error by the delta method."""
    squares = group.errors**2
    value, error = mean(squares)
    root = np.sqrt(value)
    return float(root), float(error / (2 * root)) if root > 0 else np.nan


def empirical_se(group: Group) -> Number:
    """How far estimates scatter from cohort to cohort: the standard error that is true."""
    errors = group.errors
    if len(errors) < 2:
        return NOTHING
    spread = float(errors.std(ddof=1))
    return spread, spread / np.sqrt(2 * (len(errors) - 1))


def model_se(group: Group) -> Number:
    """What estimators say of their own error: the root mean squared standard error."""
    squares = group.done["standard_error"].to_numpy() ** 2
    value, error = mean(squares)
    root = np.sqrt(value)
    return float(root), float(error / (2 * root)) if root > 0 else np.nan


def se_ratio(group: Group) -> Number:
    """Model over empirical standard error: below 1 the intervals are too short, above 1 too wide."""
    (said, said_error), (true, _) = model_se(group), empirical_se(group)
    if not true > 0 or not said > 0:
        return NOTHING
    ratio = said / true
    count = len(group.errors)
    return ratio, float(ratio * np.sqrt((said_error / said) ** 2 + 1 / (2 * (count - 1))))


def relative_efficiency(group: Group) -> Number:
    """The headline's variance over this estimator's, on the same cohorts; the headline's own is 1."""
    if group.rows is group.headline:
        return 1.0, 0.0
    both = group.rows[["simulation", "estimate"]].merge(
        group.headline[["simulation", "estimate"]], on="simulation", suffixes=("", "_headline")
    )
    both = both.dropna()
    if len(both) < 3:
        return NOTHING
    here, headline = both["estimate"].to_numpy(), both["estimate_headline"].to_numpy()
    if not here.std() > 0:
        return NOTHING
    ratio = float(headline.var(ddof=1) / here.var(ddof=1))
    alike = np.corrcoef(here, headline)[0, 1] ** 2 if headline.std() > 0 else 0.0
    return ratio, float(2 * ratio * np.sqrt(max(0.0, 1 - alike) / (len(both) - 1)))


def rejection_rate(group: Group) -> Number:
    """Power where the claim is true, size where it is not; a failed fit rejects nothing."""
    return share(group.rows["rejected"])


def coverage(group: Group) -> Number:
    """The share of 95% intervals that hold the estimand; a failed fit covers nothing."""
    return share(group.rows["covered"])


def converged_coverage(group: Group) -> Number:
    """As coverage, of the fits that gave an answer."""
    return share(group.done["covered"])


def bias_eliminated_coverage(group: Group) -> Number:
    """The share of intervals that hold the estimators' mean: tells a short interval from a shifted one."""
    done = group.done
    centre = done["estimate"].mean()
    return share((done["low"] <= centre) & (centre <= done["high"]))


def width(group: Group) -> Number:
    """Mean width of the 95% interval; infinite if one is (a Fieller set may be)."""
    return mean(group.done["high"] - group.done["low"])


def type_s(group: Group) -> Number:
    """The share with the wrong sign among significant estimates; undefined where nothing is true."""
    if group.estimand == group.null:
        return NOTHING
    found = group.significant
    return share(np.sign(found["estimate"] - group.null) != np.sign(group.estimand - group.null))


def type_m(group: Group) -> Number:
    """How many times too large significant estimates are, on average; undefined where nothing is true."""
    if group.estimand == group.null:
        return NOTHING
    found = group.significant["estimate"].to_numpy()
    return mean(np.abs(found - group.null) / abs(group.estimand - group.null))


BUILT_IN: dict[str, Callable[[Group], Number]] = {
    each.__name__: each
    for each in (
        mean_estimate,
        bias,
        median_bias,
        rmse,
        empirical_se,
        model_se,
        se_ratio,
        relative_efficiency,
        rejection_rate,
        coverage,
        bias_eliminated_coverage,
        converged_coverage,
        width,
        type_s,
        type_m,
    )
}


def measure(group: Group, own: dict[str, Own]) -> dict[str, float]:
    """All diagnosands of a group as columns ``name`` and ``name_mcse``.

    Parameters
    ----------
    group : Group
    own : dict of str to callable
        The user's diagnosands: each takes a `Group` and returns a number, or a number and its
        Monte-Carlo standard error.
    """
    columns: dict[str, float] = {}
    for name, diagnosand in {**BUILT_IN, **own}.items():
        value, error = _with_error(name, diagnosand(group))
        columns |= {name: value, f"{name}_mcse": error}
    return columns


def _with_error(name: str, found: Number | float) -> Number:
    pair = found if isinstance(found, tuple) else (found, np.nan)
    try:
        value, error = map(float, pair)
    except (TypeError, ValueError):
        raise InputError(
            f"diagnosand {name!r} returned {found!r}; return a number, or a number and its Monte-Carlo error"
        ) from None
    return value, error


def check_own(own: Mapping[str, Own] | None, taken: set[str]) -> dict[str, Own]:
    """The user's diagnosands, their names checked.

    Raises
    ------
    InputError
        If a name is a column already, or what it names cannot be called.
    """
    own = dict(own or {})
    clash = [name for name in own if name in taken or f"{name}_mcse" in taken]
    if clash:
        raise InputError(
            f"diagnosands hold {listing(clash)}, which the table has already; choose other names"
        )
    dead = [name for name, each in own.items() if not callable(each)]
    if dead:
        raise InputError(f"diagnosands {listing(dead)} are no functions; give functions of a Group")
    return own
