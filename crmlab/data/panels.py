"""Scanner panels as choice models want them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.errors import check_known

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
