"""Key accounts: what makes their exchange costly, measured exactly or by two half-scales."""

from collections.abc import Sequence
from math import sqrt

import numpy as np

CAUSES = ("specificity", "uncertainty", "asymmetry")
LATENT = ("uncertainty", "asymmetry", "ease")  # what nobody sees


def draw_accounts(
    accounts: int, correlation: float, skew: float, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Specificity, uncertainty, asymmetry and ease, all of mean 0 and variance 1, and half-scales.

    Parameters
    ----------
    accounts : int
    correlation : float
        Of any two of the first three.
    skew : float
        Correlation of ease with a standardised chi-square of one degree of freedom; the rest is normal.
    rng : numpy Generator

    Returns
    -------
    dict of str to array of shape (..., accounts)
        Specificity is read off the order book. Of the scales ``NAME_1``, ``NAME_2`` each half has an error of
        variance 1; ``NAME_score`` is their mean.
    """
    common, *own = (rng.standard_normal(accounts) for _ in range(4))
    found = {
        name: sqrt(correlation) * common + sqrt(1 - correlation) * each
        for name, each in zip(CAUSES, own, strict=True)
    }
    for name in CAUSES[1:]:
        for half in (1, 2):
            found[f"{name}_{half}"] = found[name] + rng.standard_normal(accounts)
        found[f"{name}_score"] = (found[f"{name}_1"] + found[f"{name}_2"]) / 2
    plain, bent = rng.standard_normal(accounts), rng.standard_normal(accounts)
    found["ease"] = sqrt(1 - skew**2) * plain + skew * (bent**2 - 1) / sqrt(2)
    return found


def observed(accounts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The columns without what nobody sees."""
    return {name: each for name, each in accounts.items() if name not in LATENT}


def by_halves(
    accounts: dict[str, np.ndarray], exact: Sequence[str], scales: Sequence[str]
) -> dict[str, np.ndarray]:
    """Two rows an account: in each, one half of every scale measures and the other is its instrument.

    Parameters
    ----------
    accounts : dict of str to array of shape (..., accounts)
    exact : sequence of str
        Columns that stand in both rows.
    scales : sequence of str
        ``NAME`` for the halves ``NAME_1`` and ``NAME_2``: the measure is called ``NAME_half``, the instrument
        ``other_NAME``.
    """

    def joined(one, other):
        return np.concatenate([accounts[one], accounts[other]], axis=-1)

    rows = accounts[exact[0]].shape[-1]
    long = {"account": np.tile(np.arange(rows), 2)} | {name: joined(name, name) for name in exact}
    for name in scales:
        long[f"{name}_half"] = joined(f"{name}_1", f"{name}_2")
        long[f"other_{name}"] = joined(f"{name}_2", f"{name}_1")
    return long
