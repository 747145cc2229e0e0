"""Ratings of a service's attributes with overall satisfaction."""

import pandas as pd

from crmlab.data.locating import complete, read_r


def load_sq() -> pd.DataFrame:
    """Service quality of a European maker of consumer durables, as its customers rate it.

    Returns
    -------
    DataFrame
        411 rows, one a customer, and 23 columns, 0 to 100 in steps of 20: attributes ``a01`` to ``a22`` and
        overall satisfaction ``sat``.

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get sq``.

    Notes
    -----
    Source: the R package cSEM. What each attribute asks is not on record there.
    """
    table = read_r("sq")["SQ"].reset_index(drop=True)
    return complete("sq", table.set_axis([str(name) for name in table.columns], axis=1).astype(float))
