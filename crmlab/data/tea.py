"""A conjoint study of tea."""

import pandas as pd

from crmlab.data.locating import complete, read_r


def load_tea() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A conjoint study of tea.

    Returns
    -------
    profiles : DataFrame
        13 rows, columns price, variety, kind and aroma: levels as words.
    ratings : DataFrame
        100 rows, one a respondent, and 13 columns, one a profile: 0 to 10.

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get tea``.

    Notes
    -----
    Source: the R package conjoint (Bak & Bartlomowicz), whose file codes the levels by number and names them
    in a table of its own.
    """
    tables = read_r("tea")
    levels = iter(tables["tlevn"].iloc[:, 0].astype(str))
    profiles = {}
    for name in tables["tprof"].columns:
        codes = tables["tprof"][name].astype(int)
        words = [next(levels) for _ in range(codes.max())]
        profiles[str(name)] = [words[code - 1] for code in codes]
    ratings = tables["tprefm"].reset_index(drop=True).astype(float)
    ratings.columns = range(1, 14)
    return pd.DataFrame(profiles, index=range(1, 14)), complete("tea", ratings)
