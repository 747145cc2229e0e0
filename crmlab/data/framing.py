"""An experiment with a news story: what it made people feel, and whether they then acted."""

import pandas as pd

from crmlab.data.locating import complete, read_r

COVARIATES = ["age", "schooling", "female", "income"]  # schooling as dummies


def load_framing() -> pd.DataFrame:
    """Who read which news story on immigration, felt what, and asked for a message to Congress.

    Returns
    -------
    DataFrame
        265 rows, one a person: ``story`` (1 if, by lot, the story told of costs and showed a Latino, one cell
        of four; 0 in the three others), ``emotion`` (3 to 12), ``message`` (1 if the person asked that one
        be sent), ``age`` in years, ``schooling`` (four levels), ``female`` and ``income`` (19 brackets).

    Raises
    ------
    InputError
        If it has not been downloaded: ``crmlab data get framing``.

    Notes
    -----
    The help text of the file calls a low ``emotion`` the worst feeling; the story and the message both go
    with a high one, so which way the scale runs is not sure.

    References
    ----------
    Brader, T., Valentino, N. A. & Suhay, E. (2008). What triggers public opposition to immigration? Anxiety,
    group cues, and immigration threat. American Journal of Political Science 52, 959–978.
    """
    people = read_r("framing")["framing"]
    table = pd.DataFrame(
        {
            "story": people.treat.astype(float),
            "emotion": people.emo.astype(float),
            "message": people.cong_mesg.astype(float),
            "age": people.age.astype(float),
            "schooling": people.educ.astype(str),
            "female": (people.gender.astype(str) == "female") * 1.0,
            "income": people.income.astype(float),
        }
    )
    return complete("framing", table.reset_index(drop=True))
