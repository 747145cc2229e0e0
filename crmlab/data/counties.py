"""Counties whose states raised the minimum wage in different years."""

import pandas as pd

from crmlab.data.locating import complete, read_r


def load_mpdta() -> pd.DataFrame:
    """Teenage employment in US counties, an example of staggered starts.

    Returns
    -------
    DataFrame
        2,500 rows, one a county and year: ``county`` (its code), ``year`` (2003 to 2007), ``start`` (the year
        in which its state raised the minimum wage, 0 if never), ``raised`` (1 from that year on) and
        ``log_employment`` (log of teenagers employed).

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get mpdta``.

    References
    ----------
    Callaway, B. & Sant'Anna, P. H. C. (2021). Difference-in-differences with multiple time periods. Journal
    of Econometrics 225, 200–230. doi:10.1016/j.jeconom.2020.12.001
    """
    rows = read_r("mpdta")["mpdta"]
    names = {"countyreal": "county", "year": "year", "first.treat": "start", "lemp": "log_employment"}
    table = rows[list(names)].rename(columns=names).astype(float).reset_index(drop=True)
    table[["county", "year", "start"]] = table[["county", "year", "start"]].astype(int)
    raised = ((table["start"] > 0) & (table["year"] >= table["start"])) * 1.0
    return complete("mpdta", table.assign(raised=raised))
