"""Why a forecast misses: a season, a trend, a break, or cohorts that differ, each tested and with its remedy.

Purchases of a period are set beside those that the model expects of it. What is left is modelled as a factor
on the expectation (a quasi-Poisson model with the log of the expectation as offset): one factor for all, one
for each month of the year, one that grows, one before and one after a day, one for each cohort. An F test,
whose scale is what is left after the larger model, says whether the factor depends on that.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution

LEAST = 5.0  # purchases expected of a period that counts
SEEN = 0.01  # p below which a cause is named
SHORT = 8  # periods below which nothing can be told


@dataclass(frozen=True)
class Miss:
    """One thing that the forecast may have missed.

    Attributes
    ----------
    kind : {"season", "trend", "break", "cohorts"}
    p : float
        Of the test that it is nothing; for a break, after the search for its place (Bonferroni).
    size : float
        How far it goes: largest factor over smallest.
    labels : list
        What the factors belong to: months, dates of periods, cohorts.
    made, expected : arrays
    factor, low, high : arrays
        Made over expected, with 95% intervals.
    fitted : array or None
        The factors by the larger model, where they are a line over time.
    place : datetime64 or None
        The day of a break.
    """

    kind: str
    p: float
    size: float
    labels: list
    made: np.ndarray
    expected: np.ndarray
    factor: np.ndarray
    low: np.ndarray
    high: np.ndarray
    fitted: np.ndarray | None = None
    place: np.datetime64 | None = None

    @property
    def seen(self) -> bool:
        """Whether it is more than chance."""
        return self.p < SEEN


def misses(
    ends: np.ndarray, made: np.ndarray, expected: np.ndarray, by_cohort: pd.DataFrame | None = None
) -> list[Miss]:
    """What the residuals of a forecast show, the clearest first.

    Parameters
    ----------
    ends : array of datetime64, shape (k,)
        Last days of periods of equal length.
    made, expected : arrays, shape (k,)
        Purchases.
    by_cohort : pandas.DataFrame, optional
        A row a cohort: made, expected, in the holdout.

    Returns
    -------
    list of Miss
        Those that can be told from the data.
    """
    usable = expected >= LEAST
    ends, made, expected = ends[usable], made[usable].astype(float), expected[usable]
    found = []
    if len(made) >= SHORT:
        found += [_season(ends, made, expected), _trend(ends, made, expected), _break(ends, made, expected)]
    if by_cohort is not None:
        found.append(_cohorts(by_cohort))
    return sorted((each for each in found if each is not None), key=lambda each: each.p)


def deviance(made: np.ndarray, expected: np.ndarray) -> float:
    """Poisson deviance of counts about their expectations."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(made > 0, made * np.log(made / expected), 0.0) - (made - expected)
    return float(2.0 * terms.sum())


def _grouped(made: np.ndarray, expected: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The factor of each group, and the expectations with it."""
    factor = np.bincount(group, made) / np.bincount(group, expected)
    return factor, expected * factor[group]


def _test(made: np.ndarray, small: np.ndarray, large: np.ndarray, more: int, parameters: int) -> float:
    """P of the F test of `more` parameters; the scale is at least that of Poisson counts."""
    free = len(made) - parameters
    if free < 3 or more < 1:
        return 1.0
    before, after = deviance(made, small), deviance(made, large)
    scale = max(after / free, 1.0)
    return float(f_distribution.sf(max(before - after, 0.0) / more / scale, more, free))


def _level(made: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return expected * made.sum() / expected.sum()


def _band(made: np.ndarray, expected: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factors with 95% intervals, symmetric on the log scale; `scale` is variance over mean."""
    factor = made / expected
    reach = 1.96 * np.sqrt(max(scale, 1.0) / np.maximum(made, 0.5))
    return factor, factor * np.exp(-reach), factor * np.exp(reach)


def _scale(made: np.ndarray, fitted: np.ndarray, parameters: int) -> float:
    return deviance(made, fitted) / max(len(made) - parameters, 1)


def _season(ends: np.ndarray, made: np.ndarray, expected: np.ndarray) -> Miss | None:
    """A factor for each month of the year, if some months have come twice."""
    middle = pd.DatetimeIndex(ends) - (ends[1] - ends[0]) / 2
    months, group = np.unique(middle.month, return_inverse=True)
    years = [len(np.unique(middle.year[group == k])) for k in range(len(months))]
    if sum(count > 1 for count in years) < 3 or len(made) - len(months) < 3:
        return None
    factor, fitted = _grouped(made, expected, group)
    p = _test(made, _level(made, expected), fitted, len(months) - 1, len(months))
    sums = np.bincount(group, made), np.bincount(group, expected)
    band = _band(*sums, _scale(made, fitted, len(months)))
    return Miss("season", p, _ratio(factor), [int(each) for each in months], *sums, *band)


def _trend(ends: np.ndarray, made: np.ndarray, expected: np.ndarray) -> Miss:
    """A factor that grows or falls by the same share in each period."""
    time = np.linspace(-1.0, 1.0, len(made))
    slope, level = 0.0, np.log(made.sum() / expected.sum())
    for _ in range(50):  # Newton's method; the log-likelihood of a Poisson model is concave
        fitted = expected * np.exp(np.clip(level + slope * time, -30.0, 30.0))
        rest = made - fitted
        hessian = np.array([[fitted.sum(), fitted @ time], [fitted @ time, fitted @ time**2]])
        step = np.linalg.solve(hessian, np.array([rest.sum(), rest @ time]))
        level, slope = level + step[0], slope + step[1]
        if np.abs(step).max() < 1e-10:
            break
    fitted = expected * np.exp(level + slope * time)
    p = _test(made, _level(made, expected), fitted, 1, 2)
    band = _band(made, expected, _scale(made, fitted, 2))
    return Miss("trend", p, float(np.exp(2.0 * slope)), list(ends), made, expected, *band, fitted / expected)


def _break(ends: np.ndarray, made: np.ndarray, expected: np.ndarray) -> Miss | None:
    """One factor before a day and another after it; the day at which these tell most."""
    edge = max(3, len(made) // 10)
    places = range(edge, len(made) - edge + 1)
    if len(places) < 2:
        return None
    fits = [_grouped(made, expected, (np.arange(len(made)) >= place).astype(int)) for place in places]
    best = int(np.argmin([deviance(made, fitted) for _, fitted in fits]))
    factor, fitted = fits[best]
    p = min(1.0, len(places) * _test(made, _level(made, expected), fitted, 1, 2))
    band = _band(made, expected, _scale(made, fitted, 2))
    place = ends[places[best] - 1]
    size = float(factor[1] / factor[0]) if factor[0] > 0 else np.inf
    return Miss("break", p, size, list(ends), made, expected, *band, fitted / expected, place)


def _cohorts(table: pd.DataFrame) -> Miss | None:
    """A factor for each cohort in the holdout; the scale is Poisson's, there being one count of each."""
    table = table[table["expected"] >= LEAST]
    if len(table) < 2:
        return None
    made, expected = table["made"].to_numpy(float), table["expected"].to_numpy(float)
    scale = float(table["scale"].iloc[0]) if "scale" in table else 1.0
    chi = deviance(made, _level(made, expected)) / max(scale, 1.0)
    p = float(f_distribution.sf(chi / (len(made) - 1), len(made) - 1, 10**6))
    band = _band(made, expected, scale)
    return Miss("cohorts", p, _ratio(band[0]), list(table.index), made, expected, *band)


def _ratio(factor: np.ndarray) -> float:
    return float(factor.max() / factor.min()) if factor.min() > 0 else np.inf
