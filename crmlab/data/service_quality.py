"""Service quality: ratings of attributes with satisfaction, SERVQUAL's correlations, and NCA's example."""

import pandas as pd

from crmlab.data.locating import complete, read_r

SERVQUAL: dict[str, list[str]] = {  # items of each of its five scales
    name: [f"Q{number}" for number in range(first, last + 1)]
    for name, first, last in (
        ("tangibles", 1, 4),
        ("reliability", 5, 9),
        ("responsiveness", 10, 13),
        ("assurance", 14, 17),
        ("empathy", 18, 22),
    )
}


def load_sq() -> pd.DataFrame:
    """Service quality of a European maker of consumer durables, as its customers rate it.

    Returns
    -------
    DataFrame
        411 rows, one a customer, and 23 columns, 0 to 100 in steps of 20: attributes ``a01`` to ``a22`` and
        overall satisfaction ``sat``.

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get sq``.

    Notes
    -----
    Source: the R package cSEM. What each attribute asks is not on record there.
    """
    table = read_r("sq")["SQ"].reset_index(drop=True)
    return complete("sq", table.set_axis([str(name) for name in table.columns], axis=1).astype(float))


def load_servqual_correlations() -> pd.DataFrame:
    """Correlations of SERVQUAL's 22 items among 502 customers, as Babakus & Boller (1992) published them.

    Returns
    -------
    DataFrame
        22 × 22, names ``Q1`` to ``Q22``, which `SERVQUAL` gives to the five scales. Two decimals each.

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get bb1992``.

    Notes
    -----
    The file's rows are simulated, and only their correlations are real; so nothing else is handed out.
    """
    rows = complete("bb1992", read_r("bb1992")["bb1992"])
    names = [str(name) for name in rows.columns]
    return rows.set_axis(names, axis=1).astype(float).corr().round(2)


def load_nca() -> pd.DataFrame:
    """Individualism, risk taking and innovation of 28 countries: the example of the R package NCA.

    Returns
    -------
    DataFrame
        28 rows by country, columns individualism, risk_taking and innovation.

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get nca``.
    """
    table = complete("nca", read_r("nca")["nca.example"])
    return table.set_axis(["individualism", "risk_taking", "innovation"], axis=1).astype(float)
