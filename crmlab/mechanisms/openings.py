"""Branches that open a membership one after the other, by lot, and customers who join and buy.

    mean = λ_i · shock_bm · growth · appetite_im · exp(lift + fade at first, less later), as a member
    λ ~ Gamma(k, mean 1);  appetite = exp(± s) / cosh(s): busy and quiet months, a coin toss
    willing = 1(ω ln λ + e > 0);  joins in an open month with chance Λ(θ (± s)), member from the month after

Functions take a market's parameters; `crmlab.theories.membership` says what each is.
"""

from typing import Any

import numpy as np
from scipy.special import expit

from crmlab.mechanisms.counts import poisson_counts

Array = np.ndarray
MONTHS, EARLY, LATE, NEVER = 12, 4, 7, 0  # when branches open
WINDOW, BEFORE = 6, 3  # months from the opening on that count, and before it
FRESH = 2  # months in which a member is new
HEAVY = 12  # orders in the earlier year
QUARTER = 3  # months, and orders in them that make a buyer heavy to an analyst in haste
WILLING, JOINING = 0.0, 0.0  # logit units: of an average buyer, in an average month


def chance_of_being_willing(p: Any, rate: Array) -> Array:
    """Chance that a customer would join sooner or later, by purchases a month."""
    return expit(WILLING + p.rate_to_joining * np.log(np.maximum(rate, 1e-300)))


def chance_of_joining(p: Any) -> float:
    """Chance that a willing customer joins in an open month: the same in each."""
    push = p.surge_to_joining * p.surge
    return float((expit(JOINING + push) + expit(JOINING - push)) / 2)


def branches_of(p: Any) -> tuple[Array, Array]:
    """Each customer's branch, and the month in which each branch opens (0 never)."""
    branch = np.arange(p.n_customers) * p.n_branches // p.n_customers
    return branch, np.array([EARLY, LATE, NEVER])[np.arange(p.n_branches) % 3]


def draw_panel(p: Any, who: Any, when: Any) -> dict[str, Array]:
    """Customers (..., customers), and what they did in each month (..., months, customers)."""
    n, (branch, opens) = p.n_customers, branches_of(p)
    rate = who.standard_gamma(p.rate_shape, n) / p.rate_shape
    earlier = poisson_counts(12 * rate, who.random(n))
    willing = who.random(n) < chance_of_being_willing(p, rate)
    quiet = when.random((MONTHS, n)) < 0.5
    shock = when.standard_normal((MONTHS, p.n_branches))
    since = np.arange(1, MONTHS + 1)[:, None] - np.where(opens > 0, opens, MONTHS + 1)[branch]
    in_quiet, in_busy = (expit(JOINING + p.surge_to_joining * p.surge * sign) for sign in (-1.0, 1.0))
    tries = when.random((MONTHS, n)) < (np.where(quiet, in_quiet, in_busy) if p.surge else in_busy)
    tries &= (since >= 0) & willing[..., None, :]
    first = np.where(tries.any(-2), tries.argmax(-2), MONTHS).astype(np.int8)
    age = np.arange(MONTHS, dtype=np.int8)[:, None] - first[..., None, :]
    grown = p.trend_gap * np.where(opens > 0, np.arange(1, MONTHS + 1)[:, None] - opens + 1, 0)
    level = np.exp(p.branch_shock * shock - p.branch_shock**2 / 2 + grown)
    sizes = np.bincount(branch.astype(np.intp, copy=False), minlength=p.n_branches)
    mean = np.repeat(level, sizes.astype(np.intp, copy=False), axis=-1)
    mean *= rate[..., None, :]
    factor = _gains(p, earlier >= HEAVY, age, 1.0)
    mean *= np.where(quiet, _gains(p, earlier >= HEAVY, age, -1.0), factor) if p.surge else factor
    return {
        "rate": rate,
        "earlier": earlier,
        "willing": willing,
        "purchases": poisson_counts(mean, when.random((MONTHS, n))),
        "joined": age >= 0,
        "member": age > 0,
    }


def _gains(p: Any, heavy: Array, age: Array, sign: float) -> Array:
    """By what purchases are multiplied in busy (`sign` 1) or quiet months, by months since joining."""
    appetite = p.surge * sign - np.log(np.cosh(p.surge))
    lift = p.lift + p.heavy_gap * heavy
    fresh, later = (np.exp(lift + fade + appetite)[..., None, :] for fade in (p.fade, -p.fade))
    return np.where(age > 0, np.where(age <= FRESH, fresh, later), np.exp(appetite))


def by_branch(p: Any, panel: dict[str, Array]) -> dict[str, Array]:
    """Purchases and members a customer, by branch and month."""
    branch, opens = branches_of(p)
    starts = np.searchsorted(branch, np.arange(p.n_branches))
    sizes = np.diff([*starts, p.n_customers])
    heavy, month = panel["earlier"][..., None, :] >= HEAVY, np.arange(1, MONTHS + 1)[:, None]
    after = np.where(opens > 0, month - opens, -1)
    bought, member = panel["purchases"], panel["member"]

    def means(values):
        sums = np.add.reduceat(values, starts, axis=-1) / sizes
        return sums.reshape(*sums.shape[:-2], -1)

    return {
        "branch": np.tile(np.arange(p.n_branches), MONTHS),
        "month": np.arange(MONTHS * p.n_branches) // p.n_branches + 1,
        "opens": np.tile(opens, MONTHS),
        "open": ((after >= 0) * 1.0).ravel(),
        "inside": ((after >= 0) & (after < WINDOW)).ravel() * 1.0,
        "purchases": means(bought),
        "members": means(member * 1.0),
        "member_purchases": means(bought * member),
        "heavy_purchases": means(bought * heavy),
        "heavy_member_purchases": means(bought * (member & heavy)),
        "light_purchases": means(bought * ~heavy),
        "light_member_purchases": means(bought * (member & ~heavy)),
    }


def by_customer(p: Any, panel: dict[str, Array]) -> dict[str, Array]:
    """A row a customer and month, as the chain's records have it: ``joined`` from the day of joining on."""
    branch, opens = branches_of(p)
    n, flat = p.n_customers, lambda values: values.reshape(*values.shape[:-2], -1)
    return {
        "customer": np.tile(np.arange(n), MONTHS),
        "branch": np.tile(branch, MONTHS),
        "month": np.arange(MONTHS * n) // n + 1,
        "opens": np.tile(opens[branch], MONTHS),
        "purchases": flat(panel["purchases"]),
        "joined": flat(panel["joined"] * 1.0),
    }


def by_offer(p: Any, panel: dict[str, Array]) -> dict[str, Array]:
    """Customers of branches that opened: the earlier year, the quarter before, the six months after."""
    branch, opens = branches_of(p)
    own = opens[branch]
    kept = own > 0

    def around(values, first, last):
        early, late = (values[..., start + first - 1 : start + last, :] for start in (EARLY, LATE))
        return np.where(own == EARLY, early, late)[..., kept]

    bought = around(panel["purchases"], 0, WINDOW - 1)
    member = around(panel["member"], 0, WINDOW - 1)
    months, quarter = member.sum(-2), around(panel["purchases"], -QUARTER, -1).sum(-2)
    return {
        "branch": branch[kept],
        "opens": own[kept],
        "earlier_orders": panel["earlier"][..., kept],
        "before": quarter / QUARTER,
        "heavy_lately": (quarter >= QUARTER) & (months > 0),
        "light_lately": (quarter < QUARTER) & (months > 0),
        "purchases": bought.mean(-2),
        "joined": around(panel["joined"], 0, WINDOW - 1).any(-2) * 1.0,
        "member_months": months,
        "as_member": (bought * member).sum(-2) / np.maximum(months, 1),
    }
