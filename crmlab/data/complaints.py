"""Complaints about banks, and how they ended."""

import pandas as pd

from crmlab.data.locating import complete, located


def load_cfpb() -> pd.DataFrame:
    """Complaints to an agency about banks, how the bank closed them, and whether that was disputed.

    Returns
    -------
    DataFrame
        3,186 rows, one a complaint: product, issue, company, state, channel and response (words), late and
        disputed (0 or 1; disputed is NaN where it is not known).

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get cfpb``.
    """
    table = pd.read_csv(located("cfpb"))
    words = {
        "Product": "product",
        "Issue": "issue",
        "Company": "company",
        "State": "state",
        "Submitted via": "channel",
        "Company response to consumer": "response",
    }
    told = table[list(words)].rename(columns=words)
    told["late"] = table["Timely response?"].map({"Yes": 0.0, "No": 1.0})
    told["disputed"] = table["Consumer disputed?"].map({"Yes": 1.0, "No": 0.0})
    return complete("cfpb", told)
