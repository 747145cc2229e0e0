"""Two surveys that are cut into segments: what people think of McDonald's, which credit card they take."""

import pandas as pd

from crmlab.data.locating import complete, located, read_r
from crmlab.errors import InputError

PERCEPTIONS: tuple[str, ...] = (  # in the order of the file
    "yummy",
    "convenient",
    "spicy",
    "fattening",
    "greasy",
    "fast",
    "cheap",
    "tasty",
    "expensive",
    "healthy",
    "disgusting",
)
_VISITS_A_YEAR = {
    "Never": 0.0,
    "Once a year": 1.0,
    "Every three months": 4.0,
    "Once a month": 12.0,
    "Once a week": 52.0,
    "More than once a week": 104.0,
}


def load_mcdonalds() -> pd.DataFrame:
    """What adult Australians think of McDonald's.

    Returns
    -------
    DataFrame
        1,453 rows, one a respondent, 15 columns: eleven perceptions (0 or 1), ``like`` (-5 to 5), ``age``
        (years), ``visits`` (a year, the least that the ticked answer means; twice a week for "more than
        once") and ``woman`` (0 or 1).

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get mcdonalds``.

    References
    ----------
    Dolnicar, S., Grün, B. & Leisch, F. (2018). Market segmentation analysis. Springer.
    https://doi.org/10.1007/978-981-10-8818-6
    """
    raw = pd.read_csv(located("mcdonalds"))
    table = (raw[list(PERCEPTIONS)] == "Yes").astype(int)
    table["like"] = raw["Like"].str.extract(r"([+-]?\d+)$", expand=False).astype(int)
    table["age"] = raw["Age"]
    table["visits"] = raw["VisitFrequency"].map(_VISITS_A_YEAR)
    table["woman"] = (raw["Gender"] == "Female").astype(int)
    if table.isna().any(axis=None):
        raise InputError("mcdonalds holds answers that are not known; get it: crmlab data get mcdonalds")
    return complete("mcdonalds", table)


def load_bank() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Choices between two credit cards, by people of known age, income and gender.

    Returns
    -------
    choices : DataFrame
        14,799 rows, one a choice: id, choice (1 for the first card), and 14 attributes as the first card's
        level less the second's, which is where -1 comes from.
    people : DataFrame
        946 rows, index id, columns age (years), income (thousand dollars) and gender (1 for a woman).

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get bank``.

    References
    ----------
    Allenby, G. M. & Ginter, J. L. (1995). Using extremes to design products and segment markets. Journal of
    Marketing Research 32, 392-403. The file is that of the R package bayesm.
    """
    tables = read_r("bank")["bank"]
    choices = tables["choiceAtt"].reset_index(drop=True).astype(int)
    people = tables["demo"].astype(int).set_index("id")
    if set(choices["id"]) != set(people.index):
        raise InputError("bank holds choices of people who are not described; get it: crmlab data get bank")
    return complete("bank", choices), people
