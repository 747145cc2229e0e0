"""How much of the answers' variance is persons', how much the items', and how much is left."""

import numpy as np
import pandas as pd

from crmlab.errors import InputError


def variance_shares(answers: pd.DataFrame) -> pd.Series:
    """Shares of variance in a complete table of persons by items.

    Parameters
    ----------
    answers : DataFrame
        One row a person, one column an item.

    Returns
    -------
    Series
        ``person``, ``item`` and ``rest``, which add up to 1. A component that comes out below zero counts as
        none.

    Raises
    ------
    InputError
        If there are fewer than two rows or columns, or an answer is missing.

    Notes
    -----
    The components of a two-way random effects analysis of variance with one answer a cell, by expected mean
    squares (Shavelson & Webb 1991, Generalizability theory: A primer). Person by item and error are one.
    """
    values = answers.to_numpy(dtype=float)
    if min(values.shape) < 2 or not np.isfinite(values).all():
        raise InputError(
            f"answers has {values.shape[0]} rows, {values.shape[1]} columns and "
            f"{int((~np.isfinite(values)).sum())} missing values; give two or more of each and none missing"
        )
    (persons, items), mean = values.shape, values.mean()
    person, item = values.mean(1, keepdims=True), values.mean(0)
    rest = ((values - person - item + mean) ** 2).sum() / ((persons - 1) * (items - 1))
    parts = {"person": person.var(ddof=1) - rest / items, "item": item.var(ddof=1) - rest / persons}
    found = pd.Series({name: max(float(part), 0.0) for name, part in parts.items()} | {"rest": float(rest)})
    return found / found.sum()
