"""A survey on electronic books: what makes people adopt a technology, as they say."""

import pandas as pd

from crmlab.data.locating import complete, located

SCALES = {  # of three items each, by the name of their columns
    "useful": "PU",
    "easy": "EOU",
    "compatible": "CO",
    "emotional": "EMV",
    "adoption": "AD",
}


def load_ereader() -> pd.DataFrame:
    """174 people's answers on electronic books.

    Returns
    -------
    DataFrame
        174 rows, one a person: means of three items each, from 1 to 5, named as in `SCALES`: ``useful``,
        ``easy``, ``compatible``, ``emotional`` value, ``adoption``.

    References
    ----------
    Richter, N. F. et al. (2023). Data in Brief. doi:10.1016/j.dib.2023.109190. CC BY 4.0.
    """
    answers = complete("ereader", pd.read_csv(located("ereader")))
    return pd.DataFrame(
        {
            name: answers[[f"{code}_{item:02}" for item in (1, 2, 3)]].mean(axis=1)
            for name, code in SCALES.items()
        }
    )
