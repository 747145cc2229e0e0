"""Kano's questions about a neighbourhood, answered by renters."""

import pandas as pd

from crmlab.data.locating import complete, located
from crmlab.errors import InputError

ASSETS: tuple[str, ...] = (  # in the order of the sheet
    "nightlife",
    "bike_lanes",
    "childcare",
    "coffee",
    "doctors",
    "farmers_market",
    "gym",
    "green_space",
    "grocery",
    "library",
    "trails_courts",
    "pet_area",
    "transit",
    "restaurants",
    "shopping",
    "walkability",
)
_FEELINGS = ("I like it", "I expect it", "I am neutral", "I tolerate it", "I dislike it")
_NEEDS = (
    "Not at all important",
    "Slightly important",
    "Moderately important",
    "Very important",
    "Extremely important",
)


def load_kano() -> pd.DataFrame:
    """Kano's two questions about 16 assets of a neighbourhood, and how important each is.

    Returns
    -------
    DataFrame
        1,478 rows, one a renter, and 48 columns: ``with_ASSET`` and ``without_ASSET`` (1 like, 2 expect,
        3 neutral, 4 tolerate, 5 dislike) and ``importance_ASSET`` (1 not at all to 5 extremely important).

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get kano``.

    Notes
    -----
    The questions say "this in-unit amenity" where assets of the neighbourhood are listed.
    """
    path = located("kano")
    if path.suffix == ".csv":
        answers = pd.read_csv(path).drop(columns="resp")
    else:
        sheet = pd.read_excel(path, sheet_name="Raw data").iloc[:, 2:]
        codes = {word: at for words in (_FEELINGS, _NEEDS) for at, word in enumerate(words, 1)}
        answers = sheet.apply(lambda column: column.map(codes))
    columns = [f"{what}_{asset}" for what in ("with", "without", "importance") for asset in ASSETS]
    if answers.shape[1] != len(columns) or answers.isna().any(axis=None):
        raise InputError(
            f"{path.name} has other columns or answers than kano's; get it: crmlab data get kano"
        )
    return complete("kano", answers.set_axis(columns, axis=1).astype(int))
