"""Necessary condition analysis: how much of the upper left corner of a scatter plot is empty.

If a low x allows only a low y, no point lies there. Dul (2016, doi:10.1177/1094428115584005) draws a ceiling
over the points and takes the empty share of their rectangle for the effect; Dul, van der Laan & Kuik (2020,
doi:10.1177/1094428118795272) call it significant if few permutations of y leave as much empty.
"""

import numpy as np
import pandas as pd
from scipy import stats

from crmlab.errors import InputError

Array = np.ndarray


def ceiling_effect(condition: Array, outcome: Array) -> Array:
    """Effect size d of CE-FDH, the free disposal hull: the ceiling is the highest outcome so far.

    Parameters
    ----------
    condition : array of shape (rows,)
    outcome : array of shape (rows,) or (draws, rows)

    Returns
    -------
    float or array of shape (draws,)
        From 0 to 1: the share of the rectangle from least to largest of both that lies above the ceiling.

    Examples
    --------
    >>> ceiling_effect(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0])).item()
    1.0
    """
    condition, outcome = np.asarray(condition, dtype=float), np.asarray(outcome, dtype=float)
    spread = np.ptp(condition)
    if spread == 0 or (np.ptp(outcome, axis=-1) == 0).any():
        raise InputError("condition or outcome has one value only; an effect needs two of each")
    order = np.argsort(condition, kind="stable")
    ceiling = np.maximum.accumulate(outcome[..., order], axis=-1)
    empty = (ceiling[..., -1:] - ceiling[..., :-1]) @ np.diff(condition[order])
    return empty / (spread * np.ptp(outcome, axis=-1))


def ceiling(condition: Array, outcome: Array) -> tuple[Array, Array]:
    """Corners of the CE-FDH ceiling: values of the condition, and the highest outcome up to each."""
    order = np.argsort(condition, kind="stable")
    return np.asarray(condition)[order], np.maximum.accumulate(np.asarray(outcome)[order])


def permutation_p_value(condition: Array, outcome: Array, draws: int, seed: int) -> float:
    """The share of permutations of the outcome that leave at least as much empty, with the sample itself.

    Small if condition and outcome are *associated*; that nothing is possible below a condition is another
    matter, on which permutations are silent.
    """
    rng = np.random.default_rng(seed)
    found = ceiling_effect(condition, outcome)
    shuffled = rng.permuted(np.broadcast_to(outcome, (draws, len(outcome))), axis=1)
    return float((1 + (ceiling_effect(condition, shuffled) >= found - 1e-12).sum()) / (1 + draws))


def copula_p_value(condition: Array, outcome: Array, draws: int, seed: int) -> float:
    """The same share of samples with these margins and this correlation in which nothing is necessary.

    Pairs are drawn from a normal distribution, under which every outcome can come with every condition, and
    each variable is given its own values back by rank. The normal correlation is the one at which the
    samples' mean correlation is the one observed.

    A large share is no proof that the condition is not necessary: of samples of 174 with a correlation of
    .45 in which the lowest fifth cannot pass the middle of the outcome, half are found at 5%.
    """
    rng = np.random.default_rng(seed)
    found, target = ceiling_effect(condition, outcome), np.corrcoef(condition, outcome)[0, 1]
    first, second = rng.standard_normal((2, draws, len(outcome)))
    margin = np.sort(condition), np.sort(outcome)

    def drawn(correlation):
        other = correlation * first + np.sqrt(1 - correlation**2) * second
        return [
            values[np.argsort(np.argsort(each, axis=1), axis=1)]
            for values, each in zip(margin, (first, other), strict=True)
        ]

    low, high = -0.999, 0.999
    for _ in range(12):
        middle = (low + high) / 2
        reached = stats.zscore(drawn(middle), axis=-1)
        low, high = (middle, high) if (reached[0] * reached[1]).mean() < target else (low, middle)
    conditions, outcomes = drawn((low + high) / 2)
    effects = np.array([ceiling_effect(*pair) for pair in zip(conditions, outcomes, strict=True)])
    return float((1 + (effects >= found - 1e-12).sum()) / (1 + draws))


def necessity_by_column(conditions: pd.DataFrame, outcome: Array, draws: int, seed: int) -> pd.DataFrame:
    """Each column's effect size and correlation with the outcome, and its two p-values.

    Parameters
    ----------
    conditions : DataFrame
    outcome : array of shape (rows,)
    draws : int
        Permutations, and samples in which nothing is necessary.
    seed : int

    Returns
    -------
    DataFrame
        A row a column of `conditions`: ``d``, ``r``, ``permutation`` (`permutation_p_value`) and ``fair``
        (`copula_p_value`).
    """
    rows = {
        name: {
            "d": float(ceiling_effect(values, outcome)),
            "r": float(np.corrcoef(values, outcome)[0, 1]),
            "permutation": permutation_p_value(values, outcome, draws, seed),
            "fair": copula_p_value(values, outcome, draws, seed),
        }
        for name, values in conditions.items()
    }
    return pd.DataFrame(rows).T
