"""CDNOW, an online music shop: the data set on which customer-base models are compared.

The files ship inside the package lifetimes (MIT licence). They are read without importing it, because its own
loaders need ``pkg_resources``, which a fresh environment no longer has.
"""

import pandas as pd

from crmlab.data.locating import complete, located


def load_cdnow_log() -> pd.DataFrame:
    """Every purchase of the CDNOW cohort: a transaction log, one row a purchase.

    Returns
    -------
    pandas.DataFrame
        69,659 rows by 4 columns, 23,570 customers, all of whom bought first in January to March 1997;
        observed to 30 June 1998.

        customer_id : int, 1 to 23,570
        date : datetime64, the day
        quantity : int, compact discs
        amount : float, US dollars; 0 in 80 rows

    Notes
    -----
    Source: the CDNOW master data set, as distributed by Bruce Hardie (brucehardie.com/datasets) and shipped
    with lifetimes 0.11 (MIT licence). Two purchases of one customer on one day stand in two rows.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2001). Forecasting repeat sales at CDNOW: a case study. Interfaces 31,
    S94–S107.
    """
    columns = ["customer_id", "date", "quantity", "amount"]
    return _dated(_read_fixed("cdnow_log", columns, head=1))


def load_cdnow_sample() -> pd.DataFrame:
    """The purchases of every tenth CDNOW customer: the log behind the published parameters.

    Returns
    -------
    pandas.DataFrame
        6,919 rows by 5 columns, 2,357 customers.

        customer_id : int, 1 to 2,357, as in `load_cdnow_summary`
        master_id : int, the customer's id in `load_cdnow_log`
        date, quantity, amount : as in `load_cdnow_log`

    Notes
    -----
    Source and licence as `load_cdnow_log`. The studies below take the first 39 weeks, to 30 September 1997,
    for calibration, and the next 39, to 30 June 1998, as holdout.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the easy way. Marketing
    Science 24, 275–284. https://doi.org/10.1287/mksc.1040.0098

    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). RFM and CLV: using iso-value curves for customer base
    analysis. Journal of Marketing Research 42, 415–430. https://doi.org/10.1509/jmkr.2005.42.4.415
    """
    columns = ["master_id", "customer_id", "date", "quantity", "amount"]
    table = _dated(_read_fixed("cdnow_sample", columns))
    return table[["customer_id", "master_id", "date", "quantity", "amount"]]


def load_cdnow_summary() -> pd.DataFrame:
    """The CDNOW sample as the published studies summarise it: one row a customer, 39 weeks of calibration.

    Returns
    -------
    pandas.DataFrame
        2,357 rows, index customer_id.

        frequency : int, repeat purchases
        recency : float, weeks from the first to the last purchase; 0 without a repeat purchase
        T : float, weeks from the first purchase to 30 September 1997
        monetary_value : float, mean US dollars of the repeat purchases; 0 without any

    Notes
    -----
    Source, licence and references as `load_cdnow_sample`. Times are rounded to a hundredth of a week.
    """
    table = pd.read_csv(located("cdnow_summary"), skipinitialspace=True)
    table.columns = ["customer_id", "frequency", "recency", "T", "monetary_value"]
    return complete("cdnow_summary", table).set_index("customer_id")


def _read_fixed(name: str, columns: list[str], head: int = 0) -> pd.DataFrame:
    table = pd.read_csv(located(name), sep=r"\s+", names=columns, skiprows=head, dtype={"date": str})
    return complete(name, table)


def _dated(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(date=pd.to_datetime(table["date"], format="%Y%m%d"))
