"""Customers whom somebody may call or offer something: whom it keeps, whom it wakes, and what it costs.

All functions take the market's parameters, named as in `crmlab.theories.crm_systems`.
"""

from math import sqrt
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from crmlab.mechanisms.normal import nodes_beside

Array = np.ndarray
CALLED = 0.30  # share of customers that may be called
CUT = float(-ndtri(CALLED))
SPREAD_OF_PROFIT, AREA_SLOPE = 40.0, 100.0  # yuan; yuan a branch's profit falls a unit of bad area
REACH = 0.8  # probit units of leaving between customers one sd apart in how settled they are


def draw_calls(p: Any, rng: Any) -> dict[str, Array]:
    """Calls by lot: two scores, who was called, who stayed (100 or 0), and whom either rule would call.

    ``credited`` counts who was called and stayed, doubled because a half is called: to the uplift rule's
    credit where it alone would have called, against it where the risk rule alone would.
    """
    n = p.n_customers
    risk, other = rng.standard_normal(n), rng.standard_normal(n)
    uplift = p.risk_with_uplift * risk + sqrt(1 - p.risk_with_uplift**2) * other
    called = (rng.random(n) < 0.5) * 1.0
    stayed = 100.0 * (rng.random(n) >= chance_of_leaving(p, risk, uplift, called))  # customers per 100
    by_risk, by_uplift = (risk > CUT) * 1.0, (uplift > CUT) * 1.0
    return {
        "risk": risk,
        "uplift": uplift,
        "called": called,
        "chance": np.full(n, 0.5),
        "stayed": stayed,
        "by_risk": by_risk,
        "by_uplift": by_uplift,
        "credited": 2 * called * stayed * (by_uplift - by_risk),
        "tenth": np.clip(np.floor(10 * ndtr(uplift)), 0, 9).astype(int),
    }


def chance_of_leaving(p: Any, risk: Array, uplift: Array, called: Array | float) -> Array:
    """Of customers with these scores, called (1) or not (0)."""
    return ndtr(p.base + p.risk * risk - called * (p.call + p.call_by_uplift * uplift))


def draw_offers(p: Any, rng: Any) -> dict[str, Array]:
    """Offers that fit or miss by lot: points of error in tens, and profit."""
    n = p.n_customers // 5
    wrong = (rng.random(n) < 0.5) * 1.0
    profit = p.right_offer - (p.right_offer - p.wrong_offer) * wrong
    return {"tens_wrong": 10 * wrong, "profit": profit + SPREAD_OF_PROFIT * rng.standard_normal(n)}


def draw_areas(p: Any, rng: Any) -> dict[str, Array]:
    """Branches: tens of percent of customers in the wrong segment, and profit a customer."""
    n = p.n_branches
    bad = rng.random(n)
    wrong = 0.1 + 0.4 * (p.area * bad + (1 - p.area) * rng.random(n))
    profit = p.right_offer - (p.right_offer - p.wrong_offer) * wrong - AREA_SLOPE * p.area * bad
    return {"tens_wrong": 10 * wrong, "profit": profit + 4 * rng.standard_normal(n)}


def draw_retained(p: Any, rng: Any, by_lot: bool) -> dict[str, Array]:
    """A retention offer, by lot or to whom agents choose, and who left."""
    n = p.n_customers // 2
    settled, other = rng.standard_normal(n), rng.standard_normal(n)
    offered = (other > 0) if by_lot else (p.choosing * settled + other > 0)
    wide = sqrt(1 + REACH**2)
    level = np.where(offered, ndtri(p.left_with), ndtri(p.left_without)) * wide
    left = rng.random(n) < ndtr(level - REACH * settled)
    return {"offered": offered * 1.0, "left": left * 1.0}


def saved_by(p: Any, score: str, calls: float = CALLED) -> float:
    """Customers per 100 whom calling the share `calls` with the highest score keeps, net of whom it wakes.

    Parameters
    ----------
    score : {"risk", "uplift"}
    """
    rho = p.risk_with_uplift
    x, mass = nodes_beside(float(-ndtri(calls)))
    b, t = (p.risk, p.call_by_uplift) if score == "uplift" else (p.call_by_uplift, p.risk)

    def leaving(on_own: float, on_other: float, level: float) -> Array:
        wide = sqrt(1 + on_other**2 * (1 - rho**2))
        return ndtr((level + on_own * x + on_other * rho * x) / wide)

    if score == "uplift":
        kept = leaving(0.0, b, p.base) - leaving(-t, b, p.base - p.call)
    else:
        kept = leaving(t, 0.0, p.base) - leaving(t, -b, p.base - p.call)
    return float(100 * (mass * (x > -ndtri(calls))) @ kept)
