"""Social exchange: what customers compare with, and whether a favour brings one back.

*Yardsticks.* A customer gets an outcome O and is used to the comparison level L; the best offer of others is
V (after Thibaut & Kelley 1959). Satisfaction is rated with error, offers are logged, and rated, too.

    S = bO O - bL L + u;   rating = S + e;   stay = 1(c + bS S - bV V + v > 0)
    rated alternative = 0.7 V - d S + e;     O, L - mean, V - mean ~ N(0, 1),  corr(O, L) = r, corr(L, V) = .4

*One favour.* Salesmen offer by lot to haggle for the customer at rivals' shops. Warm customers w accept more
often, get the favour without an offer more often, and buy more often.

    haggled = 1(-.9 + 1.8 offered + g w + e > 0),   bought = 1(-.3 + φ haggled + h w + e > 0)

*Favours in time.* x counts a quarter's favours of the firm, y those of the customer. Generosity, m, is
lognormal and differs between customers; whose sales people are generous may go with it.

    x' ~ Poisson(mx + a x + ψcf y),   y' ~ Poisson(my + a y + ψfc x)

The means are linear, so the paths of a panel model with random intercepts are a and ψ. ψfc is larger in the
fair branch and smaller in the unfair one by half the gain of fairness. All sizes are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy.special import ndtr
from scipy.stats import multivariate_normal, norm

from crmlab.design import (
    Cohort,
    Construct,
    Design,
    Diagram,
    Hypothesis,
    Parameters,
    Tables,
    correlation,
    count,
    effect,
    probit,
    spread,
)
from crmlab.errors import InputError
from crmlab.estimators import Contrast, LeastSquares, PanelPath, TwoStageLeastSquares
from crmlab.mechanisms.counts import poisson_counts
from crmlab.mechanisms.normal import mean_over_normal

Array = np.ndarray
QUARTERS = 6  # observed
LEVEL_WITH_OFFERS = 0.4  # correlation of the comparison level with the best offer of others
RATING_NOISE, OFFER_NOISE, OFFER_RATED = 0.8, 0.5, 0.7
HAGGLES, IF_OFFERED, BUYS = (
    -0.9,
    1.8,
    -0.3,
)  # probit units: without an offer, what an offer adds, without a favour
DRIFT_PERSISTENCE = 0.8  # a quarter
A_DEVIATION = "probit units a standard deviation"
FAVOURS = "favours next quarter a favour"


@dataclass(frozen=True)
class ExchangeMarket(Parameters):
    """The market's truth."""

    outcome_to_satisfaction: float = effect(0.8, "satisfaction a standard deviation of the outcome", low=0)
    level_to_satisfaction: float = effect(0.5, "satisfaction lost a standard deviation of the level", low=-1)
    outcome_with_level: float = correlation(0.5, "correlation of what one gets and what one is used to")
    mean_level: float = effect(0.0, "mean comparison level, standard deviations")
    mean_alternative: float = effect(0.0, "mean best offer of others, standard deviations")
    base_staying: float = probit(0.5)
    satisfaction_to_staying: float = probit(0.4, "probit units a unit of satisfaction")
    alternative_to_staying: float = probit(0.5, f"{A_DEVIATION}, subtracted")
    disparagement: float = effect(0.0, "what a unit of satisfaction takes from the rating of others' offers")
    favour_to_purchase: float = probit(0.6)
    warmth_to_favour: float = probit(0.6, A_DEVIATION)
    warmth_to_purchase: float = probit(0.5, A_DEVIATION)
    firm_to_customer: float = effect(0.12, f"customer's {FAVOURS} of the firm's", low=0, high=0.5)
    customer_to_firm: float = effect(0.08, f"firm's {FAVOURS} of the customer's", low=0, high=0.5)
    fairness_gain: float = effect(0.0, "how much more a favour brings in the fair branch", low=-1, high=1)
    persistence: float = effect(0.2, FAVOURS + " of one's own", low=0, high=0.8)
    generosity_spread: float = spread(0.5, "standard deviation of log generosity", high=1.0)
    match_if_fair: float = correlation(0.4, "correlation of both sides' log generosity, fair branch")
    match_if_unfair: float = correlation(0.4, "correlation of both sides' log generosity, unfair branch")
    history: int = count(
        12, "quarters since the relationship began, before the first observed", low=0, high=60
    )
    drift: float = spread(0.0, "standard deviation of a drifting common cause of log generosity", high=1.0)
    n_customers: int = count(600, low=60, high=200_000)

    def __post_init__(self) -> None:
        super().__post_init__()
        if abs(self.fairness_gain) > 2 * self.firm_to_customer:
            raise InputError(
                f"fairness_gain is {self.fairness_gain} and firm_to_customer {self.firm_to_customer}; the "
                "gain may be at most twice the mean, or a favour would bring less than none in one branch"
            )
        strongest = max(np.abs(np.linalg.eigvals(paths(self, fair))).max() for fair in (0, 1))
        if strongest > 0.95:
            raise InputError(
                f"persistence, firm_to_customer and customer_to_firm make favours grow by {strongest:.2f} a "
                "quarter; lower them until it is at most 0.95"
            )


def paths(p: ExchangeMarket, fair: int) -> Array:
    """What one favour more brings next quarter: rows to, columns from; firm first, customer second."""
    gain = p.fairness_gain * (fair - 0.5)
    return np.array([[p.persistence, p.customer_to_firm], [p.firm_to_customer + gain, p.persistence]])


def simulate_exchange_market(p: ExchangeMarket, streams: Mapping[str, Any]) -> Cohort:
    """Draw a cohort: ``customers``, ``visits`` to a car dealer, and ``relationships`` over six quarters."""
    survey, rng, n = streams["customers"], streams["visits"], p.n_customers
    outcome = survey.standard_normal(n)
    usual = p.outcome_with_level * outcome + sqrt(1 - p.outcome_with_level**2) * survey.standard_normal(n)
    offer = LEVEL_WITH_OFFERS * usual + sqrt(1 - LEVEL_WITH_OFFERS**2) * survey.standard_normal(n)
    level, alternative = p.mean_level + usual, p.mean_alternative + offer
    compared = p.outcome_to_satisfaction * outcome - p.level_to_satisfaction * level
    satisfaction = compared + survey.standard_normal(n)
    index = p.base_staying + p.satisfaction_to_staying * satisfaction - p.alternative_to_staying * alternative
    tie = index + survey.standard_normal(n)
    customers = {
        "outcome": outcome,
        "level": level,
        "alternative": alternative,
        "rating": satisfaction + RATING_NOISE * survey.standard_normal(n),
        "rated_alternative": OFFER_RATED * alternative
        - p.disparagement * satisfaction
        + OFFER_NOISE * survey.standard_normal(n),
        "stayed": (tie > 0) * 1.0,
    }
    warmth, offered = rng.standard_normal(n), (rng.random(n) < 0.5) * 1.0
    latent = HAGGLES + IF_OFFERED * offered + p.warmth_to_favour * warmth + rng.standard_normal(n)
    haggled = (latent > 0) * 1.0
    latent = BUYS + p.favour_to_purchase * haggled + p.warmth_to_purchase * warmth + rng.standard_normal(n)
    visits = {"offered": offered, "haggled": haggled, "bought": (latent > 0) * 1.0}
    return Cohort(
        {
            "customers": customers,
            "visits": visits,
            "relationships": lambda: _relationships(p, streams["relationships"], streams["drift"]),
        },
        truth={"satisfaction": satisfaction, "tie": tie, "warmth": warmth},
    )


def _relationships(p: ExchangeMarket, rng: Any, drifting: Any) -> dict[str, Array]:
    """Favours of both sides a quarter, ``firm_1`` … and ``customer_1`` …; half are in the fair branch."""
    n = p.n_customers
    fair = np.arange(n) % 2
    generosity = _generosity(p, rng, fair)
    bring = np.where(fair == 1, paths(p, 1)[1, 0], paths(p, 0)[1, 0])
    x = y = mood = np.zeros(generosity[0].shape)
    columns = {"fair": np.broadcast_to(fair * 1.0, x.shape)}
    for quarter in range(p.history + QUARTERS):
        if p.drift:
            fresh = drifting.standard_normal(n)
            mood = DRIFT_PERSISTENCE * mood + sqrt(1 - DRIFT_PERSISTENCE**2) * fresh if quarter else fresh
        common = np.exp(p.drift * mood - p.drift**2 / 2)
        next_x = generosity[0] * common + p.persistence * x + p.customer_to_firm * y
        next_y = generosity[1] * common + p.persistence * y + bring * x
        x, y = poisson_counts(next_x, rng.random(n)), poisson_counts(next_y, rng.random(n))
        if quarter >= p.history:
            columns |= {f"firm_{quarter - p.history + 1}": x, f"customer_{quarter - p.history + 1}": y}
    return columns


def _generosity(p: ExchangeMarket, rng: Any, fair: Array) -> tuple[Array, Array]:
    """The firm's and the customers' favours a quarter of their own accord; their median is 1."""
    first, other = rng.standard_normal(p.n_customers), rng.standard_normal(p.n_customers)
    match = np.where(fair == 1, p.match_if_fair, p.match_if_unfair)
    second = match * first + np.sqrt(1 - match**2) * other
    return np.exp(p.generosity_spread * first), np.exp(p.generosity_spread * second)


# What is true, from the parameters alone ---------------------------------------------------------------


def satisfaction_and_staying(p: ExchangeMarket) -> tuple[Array, Array]:
    """Means and covariances of satisfaction and of the index of staying, its error included."""
    weights = np.array(  # on outcome, level, offer, the two errors
        [
            [p.outcome_to_satisfaction, -p.level_to_satisfaction, 0.0, 1.0, 0.0],
            [0.0, 0.0, -p.alternative_to_staying, 0.0, 1.0],
        ]
    )
    weights[1] += p.satisfaction_to_staying * weights[0]
    spreads = np.eye(5)
    spreads[0, 1] = spreads[1, 0] = p.outcome_with_level
    spreads[1, 2] = spreads[2, 1] = LEVEL_WITH_OFFERS
    spreads[0, 2] = spreads[2, 0] = LEVEL_WITH_OFFERS * p.outcome_with_level
    mean = weights @ np.array([0.0, p.mean_level, p.mean_alternative, 0.0, 0.0])
    return mean + np.array([0.0, p.base_staying]), weights @ spreads @ weights.T


def quadrants(p: ExchangeMarket) -> dict[tuple[str, str], float]:
    """Shares of customers who are satisfied (S above 0) or not and stay or leave; they add up to 1."""
    mean, spreads = satisfaction_and_staying(p)
    unhappy, leave = norm.cdf(-mean / np.sqrt(np.diagonal(spreads)))
    both = float(multivariate_normal(mean, spreads).cdf(np.zeros(2)))
    return {
        ("satisfied", "stay"): 1 - unhappy - leave + both,
        ("satisfied", "leave"): leave - both,
        ("dissatisfied", "stay"): unhappy - both,
        ("dissatisfied", "leave"): both,
    }


def slope_of_staying(p: ExchangeMarket) -> float:
    """Mean slope of the chance of staying in others' best offer, a standard deviation, satisfaction held."""
    mean, spreads = satisfaction_and_staying(p)
    deviation = sqrt(spreads[1, 1])
    return -p.alternative_to_staying * float(norm.pdf(mean[1] / deviation)) / deviation


def compliers_gain(p: ExchangeMarket) -> float:
    """What the favour adds to the chance of buying of those who accept it if, and only if, it is offered."""

    def compliers(w: Array) -> Array:
        return ndtr(HAGGLES + IF_OFFERED + p.warmth_to_favour * w) - ndtr(HAGGLES + p.warmth_to_favour * w)

    def gain(w: Array) -> Array:
        index = BUYS + p.warmth_to_purchase * w
        return ndtr(index + p.favour_to_purchase) - ndtr(index)

    share = mean_over_normal(compliers)
    return mean_over_normal(lambda w: compliers(w) * gain(w)) / share


# The design ---------------------------------------------------------------------------------------------


def both_series(tables: Tables, rows: slice = slice(None)) -> tuple[Array, Array]:
    """The firm's and the customers' favours, arrays of shape ``(..., customers, quarters)``."""
    columns = tables.columns("relationships")
    firm, customer = (
        np.stack([columns[f"{side}_{quarter}"] for quarter in range(1, QUARTERS + 1)], -1)
        for side in ("firm", "customer")
    )
    return firm[..., rows, :], customer[..., rows, :]


def unfair_branch(tables: Tables) -> tuple[Array, Array]:
    """`both_series` of the unfair branch."""
    return both_series(tables, slice(0, None, 2))


def fair_branch(tables: Tables) -> tuple[Array, Array]:
    """`both_series` of the fair branch."""
    return both_series(tables, slice(1, None, 2))


def _branches(path: str, fair: float, unfair: float, *more: str) -> dict[str, Contrast]:
    """A weighted sum of a path in both branches, by panel model: two, and `more`."""
    return {
        model: Contrast(
            (PanelPath(fair_branch, path, model), PanelPath(unfair_branch, path, model)), (fair, unfair)
        )
        for model in ("random intercepts", "cross-lagged", *more)
    }


hypotheses = [
    Hypothesis(
        "H1",
        "Of customers who got the same, who is used to more is less satisfied",
        "<",
        truth=lambda p: -p.level_to_satisfaction,
        unit="satisfaction a standard deviation of the comparison level",
        estimators={
            "both": LeastSquares("rating ~ outcome + level", "level", table="customers"),
            "gap": LeastSquares("rating ~ I(level - outcome)", "I(level - outcome)", table="customers"),
        },
    ),
    Hypothesis(
        "H1a",
        "Of equally satisfied customers, who could have better elsewhere leaves",
        "<",
        truth=slope_of_staying,
        unit="chance of staying a standard deviation of others' best offer",
        estimators={
            "logged": LeastSquares(
                "stayed ~ alternative + rating + outcome + level", "alternative", "customers", "HC1"
            ),
            "rated": LeastSquares(
                "stayed ~ rated_alternative + rating", "rated_alternative", "customers", "HC1"
            ),
        },
    ),
    Hypothesis(
        "H2",
        "A favour of the firm brings favours of the customer",
        ">",
        truth=lambda p: p.firm_to_customer,
        unit=f"customer's {FAVOURS}",
        estimators=_branches("x_to_y", 0.5, 0.5, "dynamic panel"),
    ),
    Hypothesis(
        "H2a",
        "And conversely: a favour of the customer brings favours of the firm",
        ">",
        truth=lambda p: p.customer_to_firm,
        unit=f"firm's {FAVOURS}",
        estimators=_branches("y_to_x", 0.5, 0.5),
    ),
    Hypothesis(
        "H3",
        "A favour brings more where the firm is fair",
        ">",
        truth=lambda p: p.fairness_gain,
        unit=f"customer's {FAVOURS}, fair less unfair branch",
        estimators=_branches("x_to_y", 1.0, -1.0),
    ),
    Hypothesis(
        "H4",
        "Haggling for customers makes them buy",
        ">",
        truth=compliers_gain,
        unit="chance of buying",
        estimators={
            "by lot": TwoStageLeastSquares(
                "bought ~ haggled",
                "haggled",
                table="visits",
                covariance="HC1",
                endogenous=("haggled",),
                instruments=("offered",),
            ),
            "got it or not": LeastSquares("bought ~ haggled", "haggled", table="visits", covariance="HC1"),
        },
    ),
]

YARDSTICKS = ["level_to_satisfaction", "alternative_to_staying"]
NOTHING = dict.fromkeys([*YARDSTICKS, "favour_to_purchase", "firm_to_customer", "customer_to_firm"], 0.0)
NO_CAUSE = dict.fromkeys(
    ["outcome_with_level", "warmth_to_purchase", "match_if_fair", "match_if_unfair"], 0.0
)

design = Design(
    name="social_exchange",
    title="Social exchange",
    claim="Favours are returned, and whoever gets more than elsewhere stays.",
    parameters=ExchangeMarket(),
    presets={
        "null": NOTHING | NO_CAUSE,
        "literature": {},
        "claim": {
            "level_to_satisfaction": 0.7,
            "alternative_to_staying": 0.8,
            "favour_to_purchase": 0.8,
            "firm_to_customer": 0.20,
            "customer_to_firm": 0.15,
            "fairness_gain": 0.20,
        },
        "trap": NOTHING
        | {
            "outcome_with_level": 0.3,
            "satisfaction_to_staying": 0.8,
            "disparagement": 0.8,
            "warmth_to_favour": 0.9,
            "warmth_to_purchase": 0.9,
            "generosity_spread": 0.7,
            "match_if_fair": 0.9,
            "match_if_unfair": 0.1,
        },
    },
    model=simulate_exchange_market,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "outcome": Construct("outcome", "What a customer got for what it cost, in standard deviations."),
        "level": Construct("comparison level", "What a customer is used to, and measures an outcome by."),
        "alternative": Construct(
            "best offer of others",
            "The comparison level for alternatives: the best outcome to be had elsewhere.",
        ),
        "favour": Construct("favour", "Something given without a price, by the firm or by the customer."),
        "generosity": Construct(
            "generosity", "How many favours somebody does a quarter whatever the other did."
        ),
        "warmth": Construct(
            "warmth", "How well a customer and a salesman get on before any favour; nobody records it."
        ),
    },
    diagram=Diagram(
        nodes={
            "offered": (0.05, 0.15),
            "haggled": (0.45, 0.15),
            "bought": (0.9, 0.15),
            "warmth": (0.68, 0.95),
        },
        arrows=[("offered", "haggled"), ("haggled", "bought"), ("warmth", "haggled"), ("warmth", "bought")],
        latent=["warmth"],
    ),
)
