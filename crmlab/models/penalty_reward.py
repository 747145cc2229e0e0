"""Is an attribute's penalty its reward? Dummies for low and high, and half-lines that meet at a knot."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import statsmodels.api as sm

from crmlab.errors import InputError, check_known


@dataclass(frozen=True)
class Dummies:
    """Low and high ratings against those between: steps (Brandt 1987).

    Parameters
    ----------
    low, high : float
        The highest rating that is low, the lowest that is high.
    """

    low: float
    high: float

    def terms(self, rating: pd.Series) -> list[np.ndarray]:
        """Two columns; the coefficients of both count upwards in satisfaction."""
        return [-1.0 * (rating <= self.low).to_numpy(), 1.0 * (rating >= self.high).to_numpy()]


@dataclass(frozen=True)
class HalfLines:
    """A slope below a knot and one above: points per point of rating."""

    knot: float

    def terms(self, rating: pd.Series) -> list[np.ndarray]:
        """Two columns; the coefficients of both count upwards in satisfaction."""
        distance = rating.to_numpy(dtype=float) - self.knot
        return [np.minimum(distance, 0), np.maximum(distance, 0)]


def penalties_and_rewards(
    ratings: pd.DataFrame,
    outcome: str,
    attributes: Sequence[str],
    shape: Dummies | HalfLines,
    together: bool = False,
    errors: str = "HC3",
) -> pd.DataFrame:
    """Each attribute's penalty and reward, and whether they differ.

    Parameters
    ----------
    ratings : DataFrame
        One row a customer.
    outcome : str
        Column of overall satisfaction.
    attributes : sequence of str
        Columns of ratings.
    shape : Dummies or HalfLines
    together : bool
        One regression on all attributes, in place of one for each.
    errors : str
        Of the regressions, as statsmodels' ``cov_type``: ``"HC3"``, or ``"nonrobust"`` for plain ones.

    Returns
    -------
    DataFrame
        One row an attribute: ``penalty``, ``reward``, their ``difference``, its ``standard_error`` and the
        two-sided ``p_value``.

    Raises
    ------
    InputError
        If a column is missing, or an attribute has no ratings on one side.
    """
    attributes = list(attributes)
    check_known("column", [outcome, *attributes], ratings)
    groups = [attributes] if together else [[each] for each in attributes]
    rows = [row for group in groups for row in _contrasts(ratings, outcome, group, shape, errors)]
    columns = ["penalty", "reward", "difference", "standard_error", "p_value"]
    return pd.DataFrame(rows, index=attributes, columns=columns)


def _contrasts(ratings, outcome, group, shape, errors):
    terms = [np.ones(len(ratings))]
    for name in group:
        terms += shape.terms(ratings[name])
        if not (terms[-2].any() and terms[-1].any()):
            raise InputError(f"{name} has no ratings on one side of {shape}; move it, or leave {name} out")
    fit = sm.OLS(ratings[outcome].to_numpy(dtype=float), np.column_stack(terms)).fit(
        cov_type=errors, use_t=True
    )
    for number in range(len(group)):
        at = 1 + 2 * number
        contrast = np.zeros(len(terms))
        contrast[at], contrast[at + 1] = 1, -1
        test = fit.t_test(contrast)
        yield [*fit.params[at : at + 2], test.effect.item(), test.sd.item(), float(test.pvalue)]
