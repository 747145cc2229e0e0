"""Small published tables that crmlab carries in ``datasets/``, each with a card."""

import pandas as pd

from crmlab.data.locating import complete, located


def load_contract_survivors() -> pd.DataFrame:
    """Survivors of two cohorts of 1,000 contract customers over twelve renewals.

    Returns
    -------
    pandas.DataFrame
        13 rows, index year (0 to 12), columns regular and high_end, customers still there.

    Notes
    -----
    Source: Fader & Hardie (2007), https://doi.org/10.1002/dir.20074; card:
    ``datasets/contract_survivors.md``.
    """
    return _table("contract_survivors").set_index("year")


def load_reichheld_sasser() -> pd.DataFrame:
    """Gains in profit when five percent fewer customers defect, as Reichheld & Sasser (1990) calculate them.

    Returns
    -------
    pandas.DataFrame
        3 rows, columns business and profit_gain_percent.

    Notes
    -----
    Source: the abstract of "Zero defections", Harvard Business Review 68(5); card:
    ``datasets/reichheld_sasser_1990.md``.
    """
    return _table("reichheld_sasser")


def _table(name: str) -> pd.DataFrame:
    return complete(name, pd.read_csv(located(name)))
