"""A shop that mailed its customers by lot."""

import pandas as pd

from crmlab.data.locating import complete, located


def load_hillstrom() -> pd.DataFrame:
    """An experiment with e-mail: 64,000 customers, and what they did in the two weeks after.

    Returns
    -------
    DataFrame
        64,000 rows, one a customer. What was known: recency (months), history (dollars of the past year) and
        history_segment, mens and womens (0 or 1: bought such goods), zip_code, newbie (0 or 1), channel (of
        past purchases). By lot: segment ("No E-Mail", "Mens E-Mail", "Womens E-Mail"). After: visit,
        conversion (0 or 1), spend (dollars).

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get hillstrom``.
    """
    return complete("hillstrom", pd.read_csv(located("hillstrom")))
