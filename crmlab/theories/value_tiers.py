"""Value tiers: what the best customers bring, whether they still do next year, and whom to serve.

A share `dormant` of the list never buys. The others buy by chance at rates that differ, keep their rate from
one year to the next with a chance, and spend amounts of their own on a purchase:

    λ₁ ~ Gamma(k, mean μ),   λₜ₊₁ = λₜ with chance ρ, else drawn anew,   Nₜ ~ Poisson(λₜ)
    contribution   Sₜ = Nₜ m,   m lognormal, mean 20 dollars, log-sd σ
    profit         Sₜ − C       C the full cost of a customer and year, of which a share φ stays when he goes

Contribution is sales less the cost of the goods, at one margin for all, so shares of it are shares of sales.
In year 3 a service is given by lot, with chances that rise with the customer's rank in year 2 (targeting b)
and stay between .2 and .8; it lifts orders by one percentage in the best fifth of year 2's buyers and by
another in the rest. Year 3 brings the experiment, years 1 and 2 the tiers: no tier is judged on the data that
made it, except by the naive analyses. Ours; a simplification of markets in which rates drift and die.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import expit, ndtri

from crmlab.design import (
    AtEdge,
    Cohort,
    Construct,
    Design,
    Diagram,
    Estimate,
    Hypothesis,
    Parameters,
    Tables,
    count,
    effect,
    positive,
    share,
    spread,
)
from crmlab.design.streams import Streams
from crmlab.estimators import (
    Estimator,
    PolicyValue,
    Propensity,
    TierRatio,
    TopShare,
    WeightedPolicyValue,
)
from crmlab.estimators.influence import mean_of
from crmlab.mechanisms.counts import poisson_counts
from crmlab.models.concentration import Concentration, below, best_buyers, buying, worst_buyers

BEST = 0.2  # of the buyers: the tier at the top
MEAN_AMOUNT = 20.0  # dollars of contribution a purchase
LEAST_CHANCE = 0.2  # of being served and of not being served: nobody's outcome stands for more than five
THREE_QUARTERS, THREE_FIFTHS = 0.75, 0.60
FIVE_TO_TEN = float(np.log(50) / 2)  # the middle of ln 5 and ln 10
HALF_OF_IT = float(np.log(2) / 2)


@dataclass(frozen=True)
class TieredBase(Parameters):
    """The truth of a customer base. Money in dollars a customer and year."""

    k: float = positive(
        0.45, "shape of purchase rates: the smaller, the more customers differ", low=0.05, high=100
    )
    mean_rate: float = positive(4.0, "purchases a customer and year", low=0.05, high=60)
    sigma: float = spread(0.5, "log-sd of a customer's amount", low=0.01, high=2)
    persistence: float = share(0.9, "chance of keeping last year's purchase rate")
    full_cost: float = positive(20.0, "dollars a customer and year, overhead included", low=0.01, high=1e4)
    overhead: float = share(0.2, "share of the full cost that stays when the customer goes")
    dormant: float = share(0.2, "share of the list that never buys", high=0.95)
    lift_top: float = effect(0.30, "relative growth of orders by service, best fifth", low=-0.9)
    lift_rest: float = effect(0.05, "relative growth of orders by service, all others", low=-0.9)
    targeting: float = effect(1.0, "logit units of being served, a normal score of rank", low=-5, high=5)
    n_customers: int = count(8000, low=500)


def simulate_tiered_base(p: TieredBase, streams: Streams) -> Cohort:
    """Draw a cohort: ``customers``, a row each on the list, with three years of contribution and the lot.

    Columns end in the year: ``contribution_1``, ``profit_1``, ``bought_1``. ``booked_profit_1`` charges
    nobody who bought nothing, as many a customer database does. ``best_2`` is the best fifth of year 2's
    buyers and ``even_2`` the same number of places spread over all of them.
    """
    rng, n = streams["customers"], p.n_customers
    rate = rng.standard_gamma(p.k, n) * (p.mean_rate / p.k) * (rng.random(n) >= p.dormant)
    awake = rate > 0
    amount = MEAN_AMOUNT * np.exp(p.sigma * rng.standard_normal(n) - p.sigma**2 / 2)
    one = amount * poisson_counts(rate, rng.random(n))
    rate = _next_rate(rate, awake, p, streams["year 2"])
    two = amount * poisson_counts(rate, streams["year 2"].random(n))
    best, even, chance = _tiers(two, p.targeting)
    service = streams["service"]
    served = (service.random(n) < chance) * 1.0
    rate = _next_rate(rate, awake, p, service)
    lift = np.where(best > 0, p.lift_top, p.lift_rest)
    three = amount * poisson_counts(rate * (1 + lift * served), service.random(n))
    constant = np.ones(n)
    return Cohort(
        {
            "customers": {
                "contribution_1": one,
                "profit_1": one - p.full_cost,
                "bought_1": (one > 0) * 1.0,
                "booked_profit_1": (one - p.full_cost) * (one > 0),
                "contribution_2": two,
                "profit_2": two - p.full_cost,
                "bought_2": (two > 0) * 1.0,
                "best_2": best,
                "even_2": even,
                "chance": chance,
                "served": served,
                "contribution_3": three,
                "full_cost": p.full_cost * constant,
                "avoidable_cost": (1 - p.overhead) * p.full_cost * constant,
            }
        },
        truth={"purchase_rate": rate, "amount": amount, "effect_of_service": rate * amount * lift},
    )


def _next_rate(rate: np.ndarray, awake: np.ndarray, p: TieredBase, rng) -> np.ndarray:
    """The rate of the next year: kept, or drawn anew by those who buy at all."""
    fresh = rng.standard_gamma(p.k, p.n_customers) * (p.mean_rate / p.k) * awake
    return np.where(rng.random(p.n_customers) < p.persistence, rate, fresh)


def _tiers(contribution: np.ndarray, targeting: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best fifth of buyers, as many places spread evenly over buyers, and the chance of being served."""
    n = contribution.shape[-1]
    buyers = (contribution > 0).sum(-1, keepdims=True)
    order = np.argsort(-contribution, axis=-1, kind="stable")
    rank = np.empty(order.shape, dtype=float)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(n, dtype=float), order.shape), -1)
    best = (rank < np.rint(BEST * buyers)) * 1.0
    places = best.sum(-1, keepdims=True) / np.maximum(buyers, 1)
    middle = np.where(contribution > 0, rank, (n + buyers) / 2 - 0.5)  # those who bought nothing are tied
    chance = expit(targeting * ndtri(1 - (middle + 0.5) / n))
    return best, places * (contribution > 0), np.clip(chance, LEAST_CHANCE, 1 - LEAST_CHANCE)


# What is true, from the parameters alone ---------------------------------------------------------------


@lru_cache(maxsize=256)
def _tier(fraction: float, best: bool, k: float, mean: float, sigma: float, rho: float) -> Concentration:
    return (best_buyers if best else worst_buyers)(fraction, k, mean, sigma, rho)


def tier(p: TieredBase, fraction: float, best: bool = True) -> Concentration:
    """What the best (or worst) fraction of buyers bring this year and next, in median amounts."""
    return _tier(fraction, best, p.k, p.mean_rate, p.sigma, p.persistence)


def median_amount(p: TieredBase) -> float:
    """Dollars of contribution a purchase of the median customer."""
    return float(MEAN_AMOUNT * np.exp(-(p.sigma**2) / 2))


def share_of_profit(p: TieredBase, following: bool = False) -> float:
    """What the best fifth of year 1's buyers bring of these buyers' profit in year 1, or in year 2."""
    best, all_buyers = tier(p, BEST), tier(p, 1.0)
    unit = median_amount(p)
    top, every = (each.next_mean if following else each.mean for each in (best, all_buyers))
    return float(BEST * (top * unit - p.full_cost) / (every * unit - p.full_cost))


def next_tenths(p: TieredBase) -> float:
    """The logarithm of how many times year 1's best tenth bring in year 2 what its worst tenth bring."""
    return float(np.log(tier(p, 0.1).next_mean / tier(p, 0.1, best=False).next_mean))


def service_for_the_best(p: TieredBase) -> float:
    """Dollars a customer on the list by which service for the best fifth beats spreading it evenly."""
    top, every = tier(p, BEST).next_mean, tier(p, 1.0).next_mean
    rest = (every - BEST * top) / (1 - BEST)
    buyers = (1 - p.dormant) * buying(p.k, p.mean_rate)
    gap = p.lift_top * top - p.lift_rest * rest
    return float(buyers * BEST * (1 - BEST) * gap * median_amount(p))


def gain_of_dropping(p: TieredBase) -> float:
    """Dollars a customer on the list in year 2, if those below full cost in year 1 are dropped."""
    unit = median_amount(p)
    low = below(p.full_cost / unit, p.k, p.mean_rate, p.sigma, p.persistence)
    dropped = p.dormant + (1 - p.dormant) * float(low.share)
    brings = (1 - p.dormant) * float(low.next_sales) * unit
    return (1 - p.overhead) * p.full_cost * dropped - brings


# Estimators ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DropRule(Estimator):
    """What is won a customer on the list by dropping those who brought less than their full cost in year 1.

    Parameters
    ----------
    cost, brings : str
        Columns: what a dropped customer would no longer cost, and no longer bring.
    """

    cost: str
    brings: str

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        c = tables.columns("customers")
        dropped = c["contribution_1"] < c["full_cost"]
        return mean_of((c[self.cost] - c[self.brings]) * dropped)


@dataclass(frozen=True)
class ServedGap(Estimator):
    """The best less the rest, both served: the value of customers, taken for what service does to them."""

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        c = tables.columns("customers")
        best = c["best_2"] * c["served"]
        rest = (c["bought_2"] - c["best_2"]) * c["served"]
        with np.errstate(all="ignore"):
            means, variances = [], []
            for group in (best, rest):
                many = group.sum(-1, keepdims=True)
                mean = (group * c["contribution_3"]).sum(-1, keepdims=True) / many
                means.append(mean[..., 0])
                variances.append((group * (c["contribution_3"] - mean) ** 2).sum(-1) / many[..., 0] ** 2)
            scale = BEST * (1 - BEST) * c["bought_2"].mean(-1)
            return Estimate(scale * (means[0] - means[1]), scale * np.sqrt(variances[0] + variances[1]))


LOT = Propensity(known="chance")
POLICY = {
    "outcome": "contribution_3",
    "treated": "served",
    "propensity": LOT,
    "rule": "best_2",
    "against": "even_2",
}
COVARIATES = "bought_2 + best_2 + contribution_2 + np.sqrt(contribution_2)"


def _among_buyers(kind, value: str, **options) -> Estimator:
    return kind(value, by="contribution_1", among="bought_1", **options)


hypotheses = [
    Hypothesis(
        "H1",
        "The best fifth of buyers bring more than three quarters of a year's profit",
        ">",
        truth=share_of_profit,
        null=THREE_QUARTERS,
        unit="share of buyers' profit",
        estimators={
            "buyers": _among_buyers(TopShare, "profit_1"),
            "whole list": TopShare("booked_profit_1", by="contribution_1"),
        },
    ),
    Hypothesis(
        "H2",
        "This year's best fifth bring more than three fifths of the same buyers' profit next year",
        ">",
        truth=lambda p: share_of_profit(p, following=True),
        null=THREE_FIFTHS,
        unit="share of buyers' profit",
        estimators={
            "next year": _among_buyers(TopShare, "profit_2"),
            "same year": _among_buyers(TopShare, "profit_1"),
        },
    ),
    Hypothesis(
        "H3",
        "Next year this year's best tenth of buyers bring 5 to 10 times what its worst tenth bring",
        "within",
        truth=next_tenths,
        null=FIVE_TO_TEN,
        margin=HALF_OF_IT,
        unit="logarithm of the ratio",
        estimators={
            "next year": _among_buyers(TierRatio, "contribution_2"),
            "same year": _among_buyers(TierRatio, "contribution_1"),
        },
    ),
    Hypothesis(
        "H4",
        "Service for the best fifth brings more than the same places spread evenly over buyers",
        ">",
        truth=service_for_the_best,
        unit="dollars a customer on the list",
        estimators={
            "doubly robust": PolicyValue(**POLICY, covariates=COVARIATES),
            "self-normalised": WeightedPolicyValue(**POLICY),
            "best less rest": ServedGap(),
        },
    ),
    Hypothesis(
        "H5",
        "Dropping the customers who brought less than their full cost pays",
        ">",
        truth=gain_of_dropping,
        unit="dollars a customer on the list",
        estimators={
            "avoidable, next year": DropRule("avoidable_cost", "contribution_2"),
            "full cost, last year": DropRule("full_cost", "contribution_1"),
        },
    ),
]

design = Design(
    name="value_tiers",
    title="Value tiers and the customer pyramid",
    claim="80% of profit comes from 20% of customers: serve those, and drop who brings less than he costs.",
    parameters=TieredBase(),
    presets={
        # Every claim just fails: service does nothing, and what would be saved is what would be lost.
        "null": {
            "k": 0.5655,
            "mean_rate": 8.0,
            "sigma": 0.35,
            "dormant": 0.1,
            "lift_top": 0.0,
            "lift_rest": 0.0,
            "full_cost": AtEdge("H1", (20.0, 100.0)),
            "persistence": AtEdge("H2", (0.3, 0.99)),
            "overhead": AtEdge("H5", (0.0, 0.99)),
        },
        "literature": {},
        # Costs eat most customers' contribution; rates last; service works on the best alone.
        "claim": {
            "k": 2.0,
            "mean_rate": 8.0,
            "sigma": 0.35,
            "persistence": 0.95,
            "full_cost": 90.18,
            "overhead": 0.1,
            "lift_rest": 0.0,
        },
        # Much alike, half the list asleep, the best served first, and costs that stay.
        "trap": {
            "k": 8.0,
            "mean_rate": 15.0,
            "sigma": 0.15,
            "persistence": 0.95,
            "dormant": 0.5,
            "lift_top": 0.0,
            "lift_rest": 0.0,
            "targeting": 2.0,
            "full_cost": AtEdge("H1", (100.0, 290.0)),
            "overhead": AtEdge("H5", (0.0, 0.99)),
        },
    },
    model=simulate_tiered_base,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "contribution": Construct(
            "contribution", "What a customer's purchases bring in a year, less the cost of the goods."
        ),
        "profit": Construct("profit", "Contribution less a customer's full cost, overhead included."),
        "rate": Construct("purchase rate", "How often a customer buys in a year on average; nobody sees it."),
        "tier": Construct(
            "tier", "Customers of one rank by what they brought: the best fifth, the next, and so on."
        ),
        "overhead": Construct(
            "overhead", "The part of a customer's full cost that stays when the customer goes."
        ),
        "dormant": Construct("dormant customers", "Names on the list that never buy again."),
    },
    diagram=Diagram.by_cause(
        {
            "rate": (0.02, 0.95),
            "next_rate": (0.45, 0.95),
            "amount": (0.02, 0.30),
            "contribution_1": (0.30, 0.62),
            "contribution_2": (0.62, 0.62),
            "tier": (0.55, 0.05),
            "served": (0.85, 0.05),
            "contribution_3": (1.0, 0.62),
        },
        {
            "rate": ("next_rate", "contribution_1"),
            "next_rate": ("contribution_2", "contribution_3"),
            "amount": ("contribution_1", "contribution_2", "contribution_3"),
            "contribution_2": ("tier",),
            "tier": ("served", "contribution_3"),
            "served": ("contribution_3",),
        },
        latent=("rate", "next_rate", "amount"),
    ),
)
