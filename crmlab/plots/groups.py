"""Groups of equal size along an axis, for pictures of means."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab.errors import InputError


def group_means(values: ArrayLike, groups: int) -> np.ndarray:
    """Each value's group mean, in groups of equal size from the lowest values to the highest.

    As `x` of ``seaborn.regplot(..., x_estimator=np.mean)`` it draws means where their customers are.
    seaborn's own ``x_bins=10`` does not: it takes percentiles for the groups' middles and puts everybody
    to the nearest, so that the outer groups are larger and lie further out than they are drawn.

    Parameters
    ----------
    values : array_like of shape (n,)
    groups : int
        Fewer, where many values are the same.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> group_means([1, 9, 2, 4], 2)
    array([1.5, 6.5, 1.5, 6.5])
    """
    series = pd.Series(np.asarray(values, dtype=float))
    if not 1 <= groups <= len(series):
        raise InputError(f"groups is {groups}; give 1 to {len(series)}, the number of values")
    cells = pd.qcut(series, groups, labels=False, duplicates="drop")
    return series.groupby(cells).transform("mean").to_numpy()
