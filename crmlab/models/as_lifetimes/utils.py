"""lifetimes' ways from transactions to summaries, on the house's own.

Two things differ: a row with a negative amount is a refund here and no purchase; and the mean amount in the
holdout is one over days with a purchase, as in calibration, where lifetimes takes one over rows.
"""

from typing import Any

import pandas as pd

from crmlab.data import customer_summary
from crmlab.errors import InputError


def summary_data_from_transaction_data(
    transactions: pd.DataFrame,
    customer_id_col: str,
    datetime_col: str,
    monetary_value_col: str | None = None,
    datetime_format: str | None = None,
    observation_period_end: object = None,
    freq: str = "D",
    freq_multiplier: float = 1,
    include_first_transaction: bool = False,
) -> pd.DataFrame:
    """Frequency, recency, T and, with money, monetary_value of each customer, as lifetimes counts them.

    Parameters
    ----------
    transactions : pandas.DataFrame
        One row a purchase; whatever `customer_summary` reads will do, too.
    customer_id_col, datetime_col, monetary_value_col : str
        Its columns.
    datetime_format : str, optional
    observation_period_end : date-like, optional
        The last day of the data otherwise.
    freq : {"D", "W", "M", "Y"}
        Purchases of one such unit are one, and times count these units.
    freq_multiplier : float
        Times are divided by it.
    include_first_transaction : bool
        Only False: the models are of repeat purchases.

    Returns
    -------
    pandas.DataFrame
    """
    _refuse_first(include_first_transaction)
    found = customer_summary(
        transactions,
        customer_id_col,
        datetime_col,
        monetary_value_col,
        **_options(datetime_format, freq),
        observation_end=observation_period_end,
    )
    found[["recency", "T"]] /= freq_multiplier
    return found.astype({"frequency": float})


def calibration_and_holdout_data(
    transactions: pd.DataFrame,
    customer_id_col: str,
    datetime_col: str,
    calibration_period_end: object,
    observation_period_end: object = None,
    freq: str = "D",
    freq_multiplier: float = 1,
    datetime_format: str | None = None,
    monetary_value_col: str | None = None,
    include_first_transaction: bool = False,
) -> pd.DataFrame:
    """The summary of a calibration period and what followed, under lifetimes' names of columns.

    Parameters
    ----------
    calibration_period_end : date-like
    others
        As in `summary_data_from_transaction_data`.

    Returns
    -------
    pandas.DataFrame
        frequency_cal, recency_cal, T_cal, frequency_holdout, duration_holdout and, with money,
        monetary_value_cal and monetary_value_holdout.
    """
    _refuse_first(include_first_transaction)
    found = customer_summary(
        transactions,
        customer_id_col,
        datetime_col,
        monetary_value_col,
        **_options(datetime_format, freq),
        observation_end=observation_period_end,
        calibration_end=calibration_period_end,
    )
    found[["recency", "T", "duration_holdout"]] /= freq_multiplier
    found = found.astype({"frequency": float, "frequency_holdout": float})
    return found.rename(
        columns={name: f"{name}_cal" for name in ("frequency", "recency", "T", "monetary_value")}
    )


def _refuse_first(include_first_transaction: bool) -> None:
    if include_first_transaction:
        raise InputError(
            "include_first_transaction is not offered: the models are of repeat purchases; add 1 to "
            "frequency where you need the number of all"
        )


def _options(datetime_format: str | None, freq: str) -> dict[str, Any]:
    if freq not in ("D", "W", "M", "Y"):
        raise InputError(f"freq is {freq!r}; give D, W, M or Y")
    named: dict[str, Any] = {} if datetime_format is None else {"date_format": datetime_format}
    return {"time_unit": freq, "merge": "unit", **named}
