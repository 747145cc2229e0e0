"""CDNOW, an online music shop: the data set on which customer-base models are compared.

The files ship inside the package lifetimes (MIT licence). They are read without importing it, because its own
loaders need ``pkg_resources``, which a fresh environment no longer has.
"""

import importlib.util
from pathlib import Path

import pandas as pd

from crmlab.errors import InputError


def load_cdnow_log():
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
    return _dated(_read_fixed("CDNOW_master.txt", columns, rows=69_659, head=1))


def load_cdnow_sample():
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
    table = _dated(_read_fixed("CDNOW_sample.txt", columns, rows=6_919))
    return table[["customer_id", "master_id", "date", "quantity", "amount"]]


def load_cdnow_summary():
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
    path = _file("cdnow_customers_summary_with_transactions.csv")
    table = pd.read_csv(path, skipinitialspace=True)
    table.columns = ["customer_id", "frequency", "recency", "T", "monetary_value"]
    return _counted(table, path, rows=2_357).set_index("customer_id")


def _read_fixed(name, columns, rows, head=0):
    path = _file(name)
    table = pd.read_csv(path, sep=r"\s+", names=columns, skiprows=head, dtype={"date": str})
    return _counted(table, path, rows)


def _dated(table):
    return table.assign(date=pd.to_datetime(table["date"], format="%Y%m%d"))


def _counted(table, path, rows):
    if len(table) != rows or table.isna().any(axis=None):
        raise InputError(
            f"{path.name} has {len(table):,} rows, {int(table.isna().any(axis=1).sum())} of them incomplete; "
            f"{rows:,} complete ones are expected: reinstall lifetimes 0.11"
        )
    return table


def _file(name):
    """A data file of lifetimes, found without importing it."""
    found = importlib.util.find_spec("lifetimes")
    places = found.submodule_search_locations if found else []
    for place in places:
        path = Path(place) / "datasets" / name
        if path.is_file():
            return path
    raise InputError(f"{name} is not there: it comes with the package lifetimes; install lifetimes>=0.11.3")
