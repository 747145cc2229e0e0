"""An apparel retailer's customers: their purchases, and what is known of them and of each week."""

import pandas as pd

from crmlab.data.locating import complete, read_r


def load_apparel() -> pd.DataFrame:
    """Purchases at an apparel retailer, for models of customers who buy until they drop out.

    Returns
    -------
    DataFrame
        3,187 rows, one a purchase: ``customer_id`` (text), ``date`` (2005 to 2010) and ``amount``. All 600
        customers bought first on 2005-01-02.

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get apparel``.

    References
    ----------
    Bachmann, P., Meierer, M. & Näf, J. (2021). The role of time-varying contextual factors in latent
    attrition models for customer base analysis. Marketing Science 40, 783–809. doi:10.1287/mksc.2020.1254
    """
    table = read_r("apparel")["apparelTrans"]
    return complete("apparel", _dated(table, "Date", "date").rename(columns={"Price": "amount"}))


def load_apparel_customers() -> pd.DataFrame:
    """What is known of the customers of `load_apparel`, and does not change.

    Returns
    -------
    DataFrame
        600 rows, one a customer, indexed by ``customer_id``: ``gender`` and ``channel``, 0 or 1.

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get apparel_customers``.
    """
    table = read_r("apparel_customers")["apparelStaticCov"]
    table = table.rename(columns={"Id": "customer_id", "Gender": "gender", "Channel": "channel"})
    table = complete("apparel_customers", table.assign(customer_id=table["customer_id"].astype(str)))
    return table.set_index("customer_id")[["gender", "channel"]].astype(float)


def load_apparel_weeks() -> pd.DataFrame:
    """What held in each week for each of the customers of `load_apparel`.

    Returns
    -------
    DataFrame
        187,800 rows, one a customer and week: ``customer_id``, ``period`` (its first day), ``high_season`` (1
        in weeks of much business), ``gender`` and ``channel``.

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get apparel_weeks``.
    """
    table = _dated(read_r("apparel_weeks")["apparelDynCov"], "Cov.Date", "period")
    names = {"High.Season": "high_season", "Gender": "gender", "Channel": "channel"}
    return complete("apparel_weeks", table.rename(columns=names))


def _dated(table: pd.DataFrame, day: str, name: str) -> pd.DataFrame:
    """Customers as text, days since 1970 as dates."""
    columns = {
        "customer_id": table["Id"].astype(str),
        name: pd.Timestamp(0) + pd.to_timedelta(table[day].astype(float), unit="D"),
    }
    rest = table.drop(columns=["Id", day]).astype(float)
    return pd.DataFrame(columns).join(rest).reset_index(drop=True)
