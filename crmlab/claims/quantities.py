"""Quantities that claims are about, each over the parameters of a market and the range that these may have.

A quantity takes arrays of parameters, one entry a market, and gives one value a market; ``nan`` where the
parameters are impossible together. The usual ranges are ours: wide enough for most firms that publish.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import hyp2f1, ndtr

from crmlab.errors import InputError
from crmlab.models.concentration import Concentration, best_buyers, worst_buyers
from crmlab.theories.loyalty import LoyaltyMarket, renewal_given_satisfaction

Floats = NDArray[np.float64]
Markets = Mapping[str, Floats]

POINTS = 0.05  # the "5%" of the retention claim
SATISFIED = 1.5  # standard deviations above the mean: a satisfied customer


@dataclass(frozen=True)
class Range:
    """Between which values a parameter may lie.

    Attributes
    ----------
    low, high : float
    log : bool
        Whether values are spread evenly by ratio (else by difference).
    about : str
        What it is, with its unit.
    """

    low: float
    high: float
    about: str = ""
    log: bool = False

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low <= self.high):
            raise InputError(
                f"a range runs from a lower to an upper value, not from {self.low} to {self.high}"
            )
        if self.log and self.low <= 0:
            raise InputError(f"a range that is spread by ratio must lie above 0; it begins at {self.low}")

    def at(self, place: Floats) -> Floats:
        """The values at places from 0 (`low`) to 1 (`high`)."""
        if self.log:
            return self.low * (self.high / self.low) ** place
        return self.low + (self.high - self.low) * place


@dataclass(frozen=True)
class Quantity:
    """Something that can be computed of a market.

    Attributes
    ----------
    name : str
        As it is typed.
    about : str
        One line, with the unit.
    ranges : mapping of str to Range
        The parameters that it depends on.
    value : function
        Parameters to values, one a market.
    map : pair of str
        The two parameters that a map shows it over.
    percent : bool
        Whether it is a share, written as percent.
    """

    name: str
    about: str
    ranges: Mapping[str, Range]
    value: Callable[[Markets], Floats]
    map: tuple[str, str]
    percent: bool = True


BUYERS = {
    "k": Range(
        0.2, 3, "shape of the gamma of purchase rates: the smaller, the more customers differ", log=True
    ),
    "mu": Range(1, 12, "purchases a customer and year"),
    "sigma": Range(0.2, 1.2, "standard deviation of the logarithm of a customer's amount"),
}
COST = Range(0, 0.5, "cost of a buyer, as a share of the mean buyer's sales")
PERSISTENCE = Range(0.3, 1, "chance that a customer keeps last year's purchase rate")
DISCOUNT = Range(0.05, 0.20, "discount rate a year")


def _best(p: Markets, fraction: float = 0.2) -> Concentration:
    return best_buyers(fraction, p["k"], p["mu"], p["sigma"], p.get("rho", np.ones_like(p["k"])))


def _worst_tenth(p: Markets) -> Concentration:
    return worst_buyers(0.1, p["k"], p["mu"], p["sigma"], p.get("rho", np.ones_like(p["k"])))


def _top_fifth_of_profit(p: Markets) -> Floats:
    return (_best(p).share - 0.2 * p["cost"]) / (1 - p["cost"])


def _decile_ratio(p: Markets) -> Floats:
    return _best(p, 0.1).mean / _worst_tenth(p).mean


def _next_decile_ratio(p: Markets) -> Floats:
    return _best(p, 0.1).next_mean / _worst_tenth(p).next_mean


def _gain_alike(p: Markets) -> Floats:
    """Five points of retention in m(1 + d)/(1 + d − r), where all customers are alike."""
    return POINTS / (1 + p["discount"] - p["retention"] - POINTS)


def _gain_differing(p: Markets) -> Floats:
    """The same where churn is Beta: as `crmlab.models.retention_value.gain_from_points`, in closed form.

    E[1/(d + kθ)] = ₂F₁(1, α; α + β; −k/d)/d for θ ~ Beta(α, β).
    """
    alpha, beta = p["churn"] * p["sameness"], (1 - p["churn"]) * p["sameness"]
    kept = 1 - POINTS / p["churn"]

    def value(cut: Floats | float) -> Floats:
        return hyp2f1(1.0, alpha, alpha + beta, -cut / p["discount"])

    return np.where(kept > 0, value(kept) / value(1.0) - 1, np.nan)


def _more_loyal(p: Markets) -> Floats:
    """5% more loyal customers, who hold a share s of profit, bring 5% of that share more."""
    return POINTS * p["loyal_profit"]


def _turned_loyal(p: Markets) -> Floats:
    """Five points of the customers turn loyal: each gains what a loyal one brings over another."""
    loyal, held = p["loyal"], p["loyal_profit"]
    return POINTS * (held / loyal - (1 - held) / (1 - loyal))


def _responses(p: Markets) -> tuple[Floats, Floats, Floats, Floats]:
    """Shares won and kept, and what spending added to each; ``nan`` where more than all would be kept."""
    won_more = p["gain_won"] * -np.expm1(-p["reach_won"])
    kept_more = p["gain_kept"] * -np.expm1(-p["reach_kept"])
    won, kept = p["won_anyway"] + won_more, p["kept_anyway"] + kept_more
    return won, np.where(p["kept_anyway"] + p["gain_kept"] <= 1, kept, np.nan), won_more, kept_more


def _average_cost_ratio(p: Markets) -> Floats:
    won, kept, _, _ = _responses(p)
    return (p["spend_won"] / won) / (p["spend_kept"] / kept)


def _incremental_cost_ratio(p: Markets) -> Floats:
    _, kept, won_more, kept_more = _responses(p)
    ratio = (p["spend_won"] / won_more) / (p["spend_kept"] / kept_more)
    return np.where(np.isfinite(kept), ratio, np.nan)


def _listening_share(p: Markets) -> Floats:
    """Where listenᵅ talkᵝ is largest, of a call that is filled by the two (ours)."""
    return p["listening"] / (p["listening"] + p["talking"])


def _renewal_of_satisfied(p: Markets) -> Floats:
    return _loyalty(p, SATISFIED)


def _renewal_difference(p: Markets) -> Floats:
    """Renewal of the satisfied less that of the average customer."""
    return _loyalty(p, SATISFIED) - _loyalty(p, 0.0)


def _loyalty(p: Markets, satisfaction: float) -> Floats:
    names = [name for name in LOYALTY if name in p]
    rows = zip(*(np.atleast_1d(p[name]) for name in names), strict=True)
    markets = (LoyaltyMarket(**{name: float(v) for name, v in zip(names, row, strict=True)}) for row in rows)
    return np.array([float(renewal_given_satisfaction(market, satisfaction)) for market in markets])


CURVES = {
    "won_anyway": Range(0, 0.02, "share of prospects who come unasked"),
    "gain_won": Range(0.02, 0.20, "share of prospects that spending can add at most", log=True),
    "kept_anyway": Range(0.5, 0.9, "share of customers who stay unasked"),
    "gain_kept": Range(0.02, 0.25, "share of customers that spending can add at most", log=True),
    "spend_won": Range(2, 30, "acquisition spend a prospect, dollars", log=True),
    "spend_kept": Range(2, 30, "retention spend a customer, dollars", log=True),
    "reach_won": Range(0.2, 3, "acquisition spend times its decay: 3 is near the ceiling"),
    "reach_kept": Range(0.2, 3, "retention spend times its decay"),
}
LOYALTY = {
    "base_renewal": Range(-0.5, 1, "renewal of an average customer, probit units"),
    "satisfaction_to_attitude": Range(0, 0.8, "path, standard deviations"),
    "attitude_to_renewal": Range(0, 0.8, "probit units a standard deviation"),
    "satisfaction_to_renewal": Range(0, 0.5, "probit units a standard deviation"),
    "convexity": Range(-0.2, 0.2, "probit units a squared standard deviation"),
    "switching_cost_to_renewal": Range(0, 0.8, "probit units a standard deviation"),
    "rivals_to_renewal": Range(-0.8, 0, "probit units a standard deviation"),
}
LOYAL = {
    "loyal": Range(0.1, 0.4, "share of customers who are loyal"),
    "loyal_profit": Range(0.4, 1, "share of profit that the loyal bring"),
}

_ALL = [
    Quantity(
        "top-fifth-sales",
        "share of a year's sales that the best fifth of buyers bring",
        BUYERS,
        lambda p: _best(p).share,
        ("k", "sigma"),
    ),
    Quantity(
        "top-fifth-profit",
        "share of a year's profit of the best fifth of buyers; above 100% where the others lose money",
        {**BUYERS, "cost": COST},
        _top_fifth_of_profit,
        ("k", "cost"),
    ),
    Quantity(
        "top-fifth-next-year",
        "share of the same buyers' sales next year that this year's best fifth bring",
        {**BUYERS, "rho": PERSISTENCE},
        lambda p: _best(p).next_share,
        ("k", "rho"),
    ),
    Quantity(
        "decile-ratio",
        "sales of the best tenth of buyers over those of the worst tenth, same year",
        BUYERS,
        _decile_ratio,
        ("k", "sigma"),
        percent=False,
    ),
    Quantity(
        "decile-ratio-next-year",
        "next year's sales of this year's best tenth of buyers over those of its worst tenth",
        {**BUYERS, "rho": PERSISTENCE},
        _next_decile_ratio,
        ("k", "rho"),
        percent=False,
    ),
    Quantity(
        "gain-of-retention",
        "relative gain in customer value from five points of retention, all customers alike",
        {"retention": Range(0.5, 0.94, "share who stay, a year"), "discount": DISCOUNT},
        _gain_alike,
        ("retention", "discount"),
    ),
    Quantity(
        "gain-of-retention-differing",
        "relative gain in a cohort's value from five points of retention, where customers differ in churn",
        {
            "churn": Range(0.06, 0.5, "mean share who leave, first year"),
            "sameness": Range(0.3, 30, "α + β of the Beta of churn: the larger, the more alike", log=True),
            "discount": DISCOUNT,
        },
        _gain_differing,
        ("churn", "sameness"),
    ),
    Quantity(
        "gain-of-more-loyal",
        "relative gain in profit from 5% more loyal customers, as the source words it",
        LOYAL,
        _more_loyal,
        ("loyal", "loyal_profit"),
    ),
    Quantity(
        "gain-of-turned-loyal",
        "relative gain in profit when five in a hundred customers turn loyal",
        LOYAL,
        _turned_loyal,
        ("loyal", "loyal_profit"),
    ),
    Quantity(
        "cost-ratio-average",
        "spend a customer won over spend a customer kept, counting all who come and stay",
        CURVES,
        _average_cost_ratio,
        ("gain_won", "gain_kept"),
        percent=False,
    ),
    Quantity(
        "cost-ratio-incremental",
        "spend an additional customer won over spend an additional customer kept",
        CURVES,
        _incremental_cost_ratio,
        ("gain_won", "gain_kept"),
        percent=False,
    ),
    Quantity(
        "listening-share",
        "share of a call that the customer should talk, where success is listenᵅ talkᵝ (ours)",
        {
            "listening": Range(0.1, 1, "what listening brings: α"),
            "talking": Range(0.1, 1, "what talking brings: β"),
        },
        _listening_share,
        ("listening", "talking"),
    ),
    Quantity(
        "satisfied-share",
        "share of customers whose experience is at or above what they expected",
        {
            "margin": Range(0, 2.5, "mean experience less expectation, points"),
            "spread": Range(0.5, 1.5, "standard deviation between customers, points"),
        },
        lambda p: ndtr(p["margin"] / p["spread"]),
        ("margin", "spread"),
    ),
    Quantity(
        "renewal-of-satisfied",
        "share of customers 1.5 standard deviations above mean satisfaction who renew (loyalty market)",
        LOYALTY,
        _renewal_of_satisfied,
        ("base_renewal", "attitude_to_renewal"),
    ),
    Quantity(
        "renewal-for-satisfaction",
        "renewal of the satisfied (1.5 standard deviations) less that of the average customer",
        LOYALTY,
        _renewal_difference,
        ("attitude_to_renewal", "satisfaction_to_renewal"),
    ),
]
QUANTITIES: dict[str, Quantity] = {each.name: each for each in _ALL}
