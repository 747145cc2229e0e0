"""Conjoint analysis by ratings: what each attribute of rated profiles counts for each respondent."""

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf

from crmlab.errors import InputError


def importances(profiles: pd.DataFrame, ratings: pd.DataFrame) -> pd.DataFrame:
    """Each respondent's importance of each attribute: the range of its part-worths, percent of all ranges.

    Part-worths are effect-coded least squares coefficients of one respondent's ratings, those of an
    attribute's levels adding up to zero.

    Parameters
    ----------
    profiles : DataFrame of shape (profiles, attributes)
        The level of each attribute, words.
    ratings : DataFrame of shape (respondents, profiles)
        In the order of the profiles.

    Returns
    -------
    DataFrame of shape (respondents, attributes)
        Percent; a row adds up to 100. NaN for who rates all profiles alike.

    Raises
    ------
    InputError
        If there are not as many ratings a respondent as profiles, or no more than part-worths to estimate.
    """
    terms = 1 + sum(profiles[name].nunique() - 1 for name in profiles)
    if ratings.shape[1] != len(profiles) or len(profiles) <= terms:
        raise InputError(
            f"{ratings.shape[1]} ratings of {len(profiles)} profiles for {terms} coefficients; "
            "give one rating a profile, and more profiles than coefficients"
        )
    formula = "rating ~ " + " + ".join(f"C({name}, Sum)" for name in profiles)
    return pd.DataFrame([_importances(formula, profiles, row) for row in ratings.to_numpy()], ratings.index)


def _importances(formula, profiles, rating):
    parts = smf.ols(formula, profiles.assign(rating=rating)).fit().params
    levels = {name: parts[parts.index.str.startswith(f"C({name},")] for name in profiles}
    ranges = pd.Series({name: np.ptp([*each, -each.sum()]) for name, each in levels.items()})
    return 100 * ranges / ranges.sum() if ranges.sum() > 1e-12 else ranges * np.nan
