"""Estimators that are means: their errors are the spread of each row's influence."""

import numpy as np

from crmlab.design import Estimate
from crmlab.estimators.regression import group_numbers, group_sums


def mean_of(influence: np.ndarray, groups: np.ndarray | None = None) -> Estimate:
    """The mean over rows of what each row says.

    Parameters
    ----------
    influence : array of shape (simulations, rows)
        A row's influence function plus the estimate.
    groups : array of shape (rows,) or (simulations, rows), optional
        Clusters of rows; errors are then those of the clusters' sums.

    Returns
    -------
    Estimate
        With the degrees of freedom of the t test: rows or clusters less one.
    """
    value, rows = influence.mean(-1), influence.shape[-1]
    centred = influence - value[..., None]
    count: np.ndarray | float = float(rows)
    if groups is not None:
        numbers, kinds = group_numbers(groups, len(influence))
        centred = group_sums(centred, numbers, kinds)
        count = (group_sums(np.ones(numbers.shape), numbers, kinds) > 0).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt((centred**2).sum(-1) * count / (count - 1)) / rows
    return Estimate(value, error, count - 1.0)
