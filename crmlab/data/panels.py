"""Scanner panels as choice models want them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.errors import InputError, check_known

PARTS = ("price", "disp", "feat")


def choice_rows(purchases: pd.DataFrame, brands: Sequence[str]) -> pd.DataFrame:
    """One row for each purchase and brand of a scanner panel that has one row a purchase.

    Parameters
    ----------
    purchases : DataFrame
        As `crmlab.data.load_cracker` and `crmlab.data.load_catsup` return.
    brands : sequence of str
        All brands, in the order wanted within a purchase; the first gets no column of its own.

    Returns
    -------
    DataFrame
        household, visit (number of the purchase), brand, price, disp, feat, chosen (0 or 1), and a column of
        0 and 1 for each brand but the first.

    Raises
    ------
    InputError
        If a brand is not in the panel.
    """
    brands = list(brands)
    check_known("brand", brands, sorted(set(purchases["choice"])))
    rows = {
        part: purchases[[f"{part}.{brand}" for brand in brands]].to_numpy(float).ravel() for part in PARTS
    }
    chosen = purchases["choice"].to_numpy()[:, None] == np.array(brands, dtype=object)
    table = pd.DataFrame(
        {
            "household": np.repeat(purchases["id"].to_numpy(), len(brands)),
            "visit": np.repeat(np.arange(len(purchases)), len(brands)),
            "brand": brands * len(purchases),
            **rows,
            "chosen": chosen.ravel() * 1,
        }
    )
    return table.assign(**{brand: (table["brand"] == brand) * 1.0 for brand in brands[1:]})


def repeat_choices(purchases: pd.DataFrame, brands: Sequence[str]) -> pd.DataFrame:
    """As `choice_rows`, with the brand bought last time; a household's first purchase is left out.

    Parameters
    ----------
    purchases : DataFrame
        The purchases of a household follow each other, in the order of time.
    brands : sequence of str

    Returns
    -------
    DataFrame
        With a column ``last`` more: 1 at the brand of the household's purchase before, else 0.

    Raises
    ------
    InputError
        If a brand is not in the panel, or a household's purchases do not follow each other.
    """
    household = purchases["id"]
    first = household.ne(household.shift())
    if first.sum() != household.nunique():
        raise InputError("purchases of a household do not follow each other; sort them by id, then by time")
    before = purchases["choice"].shift().to_numpy()
    rows = choice_rows(purchases, brands)
    rows["last"] = (rows["brand"].to_numpy() == np.repeat(before, len(brands))) * 1.0
    return rows[~np.repeat(first.to_numpy(), len(brands))].reset_index(drop=True)
