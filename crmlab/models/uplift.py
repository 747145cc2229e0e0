"""Uplift: by how much a treatment changes a customer's chance, learned honestly, and judged by the lot.

A score learned on some customers is judged on others only. Two models, one for either arm, give the chance
with and without the treatment; their difference is the uplift.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crmlab.errors import InputError

Array = np.ndarray


def qini(score: ArrayLike, outcome: ArrayLike, treated: ArrayLike, shares: ArrayLike) -> Array:
    """What treating the best by a score gains, per customer of all (Radcliffe 2007's curve, per head).

    Parameters
    ----------
    score, outcome, treated : array of shape (customers,)
        `treated` is 0 or 1 by lot; the best have the highest score.
    shares : array of shape (k,)
        Shares of customers to treat, above 0, at most 1.

    Returns
    -------
    array of shape (k,)
        Share treated times the difference of the arms' means among them; NaN where an arm is empty.

    Raises
    ------
    InputError
        If the arrays differ in length, or a share does not lie above 0 and up to 1.
    """
    score, outcome, treated = (np.asarray(each, dtype=float) for each in (score, outcome, treated))
    shares = np.atleast_1d(np.asarray(shares, dtype=float))
    if not len(score) == len(outcome) == len(treated):
        raise InputError(f"score, outcome, treated have {len(score)}, {len(outcome)}, {len(treated)} rows")
    if ((shares <= 0) | (shares > 1)).any():
        raise InputError("shares must lie above 0 and up to 1")
    order = np.argsort(-score, kind="stable")
    outcome, treated = outcome[order], treated[order]
    last = np.maximum(np.round(shares * len(score)).astype(int), 1) - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [
            (np.cumsum(arm * outcome) / np.where((many := np.cumsum(arm)) > 0, many, np.nan))[last]
            for arm in (treated, 1 - treated)
        ]
    return shares * (means[0] - means[1])


def held_out_scores(
    learner: Callable[[], Any],
    features: Array,
    outcome: Array,
    treated: Array,
    learn: Array,
) -> dict[str, Array]:
    """Scores of customers from models that never saw them.

    Parameters
    ----------
    learner : callable
        Makes a fresh classifier with scikit-learn's `fit` and `predict_proba`.
    features : array of shape (customers, features)
    outcome, treated : array of shape (customers,)
        Of 0 and 1.
    learn : array of bool, shape (customers,)
        Who is learned from; all others are scored.

    Returns
    -------
    dict
        ``with``, ``without`` and ``uplift``, the difference, of the others in their order.

    Raises
    ------
    InputError
        If an arm of those who are learned from has one outcome only.
    """
    chances = {}
    for name, arm in (("with", 1), ("without", 0)):
        rows = learn & (treated == arm)
        if len(np.unique(outcome[rows])) < 2:
            raise InputError(f"learn: those {name} treatment all have the same outcome; learn from more")
        fitted = learner().fit(features[rows], outcome[rows])
        chances[name] = fitted.predict_proba(features[~learn])[:, 1]
    return chances | {"uplift": chances["with"] - chances["without"]}
