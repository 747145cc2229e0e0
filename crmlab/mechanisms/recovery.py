"""Orders that fail, customers who complain, and redress: given by lot, or by whoever sits at the desk."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtr

from crmlab.mechanisms.normal import normal_nodes

Array = np.ndarray
ON_USAGE, BESIDE_USAGE = 0.6, 0.8  # loyalty = 0.6 usage + 0.8 e, of variance 1
FAILS, SPEAKS, BUYS = -0.5, -0.3, 0.3  # probit units
LOYALTY_TO_BUYING = 0.6  # probit units a standard deviation
SATISFACTION, LOYALTY_TO_SATISFACTION, RATING_NOISE = 7.0, 0.8, 1.2  # points of ten


def draw_orders(p: Mapping[str, float], n: int, rng: Any, by_lot: bool) -> dict[str, Array]:
    """A quarter's orders, one a customer.

    Parameters
    ----------
    p : mapping
        The effects of a failure and of redress, by the names that the theory gives them.
    n : int
        Orders.
    rng : Generator
    by_lot : bool
        Whether half of the failures are redressed by lot, or those who complain as the desk likes them.

    Returns
    -------
    dict of array
        usage, failed, complained (not by lot), redressed, satisfaction, repurchased.
    """
    usage = rng.standard_normal(n)
    loyalty = ON_USAGE * usage + BESIDE_USAGE * rng.standard_normal(n)
    failed = (rng.random(n) < ndtr(FAILS + p["usage_to_failure"] * usage)) * 1.0
    spoke, granted = rng.random(n), rng.random(n)
    complained = failed * (spoke < ndtr(SPEAKS + p["loyalty_to_voice"] * loyalty))
    redressed = failed * (granted < 0.5)
    if not by_lot:
        redressed = complained * (granted < ndtr(p["loyalty_to_redress"] * loyalty))
    satisfaction = (
        SATISFACTION
        + LOYALTY_TO_SATISFACTION * loyalty
        - p["failure_to_satisfaction"] * failed
        + p["redress_to_satisfaction"] * redressed
        + RATING_NOISE * rng.standard_normal(n)
    )
    index = (
        BUYS
        + LOYALTY_TO_BUYING * loyalty
        - p["failure_to_repurchase"] * failed
        + p["redress_to_repurchase"] * redressed
    )
    table = {"usage": usage, "failed": failed, "redressed": redressed, "satisfaction": satisfaction}
    table["repurchased"] = (index + rng.standard_normal(n) > 0) * 1.0
    return table if by_lot else table | {"complained": complained}


def chance_of_repurchase(usage: Array, shift: float) -> Array:
    """Chance to buy again of customers of this usage, with the index moved by `shift`."""
    spread = np.sqrt(1 + (LOYALTY_TO_BUYING * BESIDE_USAGE) ** 2)
    return np.asarray(ndtr((BUYS + LOYALTY_TO_BUYING * ON_USAGE * usage + shift) / spread))


def chance_of_failure(usage: Array, usage_to_failure: float) -> Array:
    """Chance that an order of customers of this usage fails."""
    return np.asarray(ndtr(FAILS + usage_to_failure * usage))


def means_after_failure(p: Mapping[str, float], repurchase: bool) -> Array:
    """Means over all customers if nobody's order failed, everybody's, and if all were redressed then.

    Parameters
    ----------
    p : mapping
        As for `draw_orders`.
    repurchase : bool
        The chance to buy again in place of satisfaction.

    Returns
    -------
    array of shape (3,)
    """
    outcome = "repurchase" if repurchase else "satisfaction"
    lost, regained = p[f"failure_to_{outcome}"], p[f"redress_to_{outcome}"]
    shifts = 0.0, -lost, regained - lost
    if not repurchase:
        return SATISFACTION + np.array(shifts)
    usage, mass = normal_nodes()
    return np.array([mass @ chance_of_repurchase(usage, shift) for shift in shifts])
