"""People within organisations: companies of an army, and hospital trusts year by year."""

import pandas as pd

from crmlab.data.locating import complete, located, read_r


def load_bh1996() -> pd.DataFrame:
    """Soldiers in companies of the US Army: how long they work, how they are led, and how they are.

    Returns
    -------
    DataFrame
        7,382 rows, one a soldier; ``company`` (99 of them, numbered), ``cohesion``, ``leadership``,
        ``well_being`` (scores from 1 to 5) and ``hours`` (of work a day).

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get bh1996``.

    References
    ----------
    Bliese, P. D. & Halverson, R. R. (1996). Individual and nomothetic models of job stress. Journal of
    Applied Social Psychology 26, 1171–1189.
    """
    names = {
        "GRP": "company",
        "COHES": "cohesion",
        "LEAD": "leadership",
        "HRS": "hours",
        "WBEING": "well_being",
    }
    people = read_r("bh1996")["bh1996"][list(names)].rename(columns=names).reset_index(drop=True)
    return complete("bh1996", people.astype({"company": int}))


def load_nhs() -> pd.DataFrame:
    """Hospital trusts of the English National Health Service, 2012 to 2019: the staff survey and mortality.

    Returns
    -------
    DataFrame
        1,084 rows, one a trust's year; ``trust``, ``year``, ``mortality`` (the index SHMI: deaths over
        those expected for such patients, 1 being as expected), shares of staff who would recommend the
        trust as a workplace (``workplace``) or for care (``care``), and ``stress``, the survey's index of
        work stress; NaN where a trust's survey is missing.

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get nhs``.

    Notes
    -----
    The shares are the columns whose names end in ``.dichot``.
    """
    names = {
        "Code": "trust",
        "Year.Index": "year",
        "SHMI.Index": "mortality",
        "RecommendWork.Index.dichot": "workplace",
        "RecommendCare.Index.dichot": "care",
        "WorkStress.Index": "stress",
    }
    trusts = pd.read_csv(located("nhs"), usecols=list(names))[list(names)].rename(columns=names)
    return complete("nhs", trusts)
