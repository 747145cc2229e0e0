"""Transaction cost: what an exchange takes beside its price, who bears it how, and who stays because of it.

The more an account's work is made for it alone (specificity A), the less can be foreseen (uncertainty U) and
the more the sides know different things (asymmetry I), the more hours it takes, and the rather a contract
pays (Williamson 1979, doi:10.1086/466942). Ease w, how easy a customer is to work with, is in no table.

    log hours = base + γ_A A + γ_U U + γ_I I - κ w + .6 e + G (δ₀ + δ_A A + δ_w w) + η Z
    G = 1(.6 A + ζ Z + ω w + v > 0)                        a contract; Z nearness of the contract office
    log orders = need - β c                                c log minutes an order takes the customer
    c = log 20 + π L + .2 need/sd + .4 e                   L a portal, by lot
    log contacts = level + trend + τ CRM + shock (AR .5)   24 branches, half with CRM from quarter 5 of 8
    stay = 1(b₀ + b_S S + b_K K + b_SK S K + u > 0)        satisfaction S, switching cost K

All but L have variance 1. A is read off the order book, U and I are measured by half-scales. Sizes are ours;
that γ_A = γ_U in ``literature`` is after Geyskens, Steenkamp & Kumar (2006): specificity predicts no better.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr
from scipy.stats import norm

from crmlab.design import (
    AtEdge,
    Cohort,
    Construct,
    Design,
    Diagram,
    Hypothesis,
    Parameters,
    correlation,
    count,
    effect,
    probit,
    spread,
)
from crmlab.estimators import (
    Combination,
    CrossDifference,
    FittedChanceInstruments,
    LeastSquares,
    ProbitRegression,
    SwitchingRegression,
    TwoStageLeastSquares,
)
from crmlab.estimators.interactions import cross_difference
from crmlab.mechanisms.accounts import by_halves, draw_accounts, observed
from crmlab.mechanisms.contacts import QUARTERS_A_YEAR, by_branch, by_customer, by_quarter, draw_contacts
from crmlab.mechanisms.orders import draw_orders

QUARTERS, START = 8, 4  # of records; the first with CRM
HOURS = np.log(100.0)  # log hours a year of an ordinary account
LOG_HOURS = "log points of hours per standard deviation"
GEYSKENS = "specificity as uncertainty: Geyskens et al. (2006); size ours"
A_DEVIATION = "probit units per standard deviation"
WILLIAMSON = "sign: Williamson (1979); size ours"


@dataclass(frozen=True)
class TransactionMarket(Parameters):
    """The truth of the accounts, orders, branches and renewals."""

    specificity_to_hours: float = effect(0.4, LOG_HOURS, source=GEYSKENS)
    uncertainty_to_hours: float = effect(0.4, LOG_HOURS, source=GEYSKENS)
    asymmetry_to_hours: float = effect(0.3, LOG_HOURS, source="claimed in source s1; size ours")
    causes_correlation: float = correlation(0.3, "correlation of any two causes", low=0, high=0.95)
    ease_to_hours: float = effect(-0.4, LOG_HOURS)
    ease_to_contract: float = probit(0.4, A_DEVIATION)
    ease_skew: float = correlation(0.0, "correlation of ease with a chi-square of one", low=-1, high=1)
    nearness_to_contract: float = probit(0.8, A_DEVIATION)
    nearness_to_hours: float = effect(0.0, f"{LOG_HOURS}; other than 0 breaks the exclusion")
    contract_cost: float = effect(0.2, "log points of hours that a contract adds at mean specificity")
    contract_x_specificity: float = effect(-0.6, LOG_HOURS, source=WILLIAMSON)
    contract_x_ease: float = effect(0.0, f"{LOG_HOURS} of ease, with a contract")
    cost_to_orders: float = effect(-0.6, "log points of orders per log point of minutes", low=-5, high=5)
    portal_to_minutes: float = effect(-0.35, "log points of minutes an order")
    need_to_minutes: float = effect(0.2, "log points of minutes an order per standard deviation of need")
    fixed_minutes: float = spread(0.3, "minutes that everybody takes, over those of ordinary orders")
    crm_to_contacts: float = effect(-0.15, "log points of contacts")
    trend: float = effect(-0.10, "log points of contacts a year, in all branches")
    trend_gap: float = effect(0.0, "log points a year by which branches with CRM move apart anyway")
    crm_branch_level: float = effect(-0.1, "log points of contacts by which branches with CRM differ anyway")
    branch_shock: float = spread(0.10, "standard deviation of a branch's log contacts in a quarter")
    base_stay: float = probit(0.8)
    satisfaction_to_stay: float = probit(0.7, A_DEVIATION)
    switching_cost_to_stay: float = probit(0.4, A_DEVIATION, source="Burnham et al. (2003); size ours")
    satisfaction_x_switching_cost: float = probit(0.0, low=-2, high=2)
    n_customers: int = count(800, "accounts, and as many of each of the other samples", low=100)
    n_branches: int = count(24, "branches, every other one with CRM", low=6, high=2000)


# The market ---------------------------------------------------------------------------------------------


def simulate_transaction_market(p: TransactionMarket, streams: Any) -> Cohort:
    """Draw a cohort: ``accounts``, their ``halves``, ``contracts``, ``orders``, branches and ``renewals``.

    Every sample is of other customers. Accounts deal order by order; those in ``contracts`` signed, or did
    not, when they came, so there is no before.
    """
    rng = streams["accounts"]
    accounts = draw_accounts(p.n_customers, p.causes_correlation, p.ease_skew, rng)
    accounts["log_hours"] = _log_hours(p, accounts, rng)
    signed, potential = _contracts(p, streams["contracts"])
    contacts = draw_contacts(_log_contacts(p), p.branch_shock, streams["branches"])
    crm = with_crm(p.n_branches)
    return Cohort(
        tables={
            "accounts": observed(accounts),
            "halves": lambda: by_halves(accounts, ("specificity", "log_hours"), ("uncertainty", "asymmetry")),
            "contracts": signed,
            "orders": lambda: draw_orders(vars(p), streams["orders"]),
            "branches": lambda: by_branch(contacts, crm, START),
            "branch_customers": lambda: by_customer(contacts, crm, START),
            "quarters": lambda: by_quarter(contacts, crm),
            "renewals": lambda: _renewals(p, streams["renewals"]),
        },
        truth={name: accounts[name] for name in ("uncertainty", "asymmetry")} | potential,
    )


def _log_hours(p, account, rng):
    """Log hours a year without a contract."""
    causes = ("specificity", "uncertainty", "asymmetry", "ease")
    explained = sum(getattr(p, f"{cause}_to_hours") * account[cause] for cause in causes)
    return HOURS + explained + 0.6 * rng.standard_normal(p.n_customers)


def _contracts(p, rng):
    """Accounts that were offered a contract, and their hours under both regimes."""
    n = p.n_customers
    account = draw_accounts(n, p.causes_correlation, p.ease_skew, rng)
    specificity, ease, nearness = account["specificity"], account["ease"], rng.standard_normal(n)
    leaning = 0.6 * specificity + p.nearness_to_contract * nearness + p.ease_to_contract * ease
    contract = (leaning + rng.standard_normal(n) > 0) * 1.0
    without = _log_hours(p, account, rng) + p.nearness_to_hours * nearness
    changed = contract_effect(p, specificity) + p.contract_x_ease * ease
    seen = observed(account) | {"nearness": nearness, "contract": contract}
    potential = {"hours_without": without, "hours_with": without + changed, "ease": ease}
    return seen | {"log_hours": without + contract * changed}, potential


def with_crm(branches: int) -> np.ndarray:
    """1 for the branches that get CRM, every other one: array of shape (branches,)."""
    return np.arange(branches) % 2 * 1.0


def _log_contacts(p):
    """Expected log contacts of a branch's customers, shape (branches, quarters)."""
    quarter, crm = np.arange(QUARTERS), with_crm(p.n_branches)[:, None]
    year, begun = quarter / QUARTERS_A_YEAR, quarter >= START
    own = p.crm_branch_level + p.trend_gap * year + p.crm_to_contacts * begun
    return p.trend * year + crm * own


def _renewals(p, rng):
    """Satisfaction, switching cost, and who stayed."""
    satisfaction, cost = rng.standard_normal(p.n_customers), rng.standard_normal(p.n_customers)
    stayed = (rng.random(p.n_customers) < chance_of_staying(p, satisfaction, cost)) * 1.0
    return {"satisfaction": satisfaction, "switching_cost": cost, "stayed": stayed}


# What is true, from the parameters alone ---------------------------------------------------------------


def contract_effect(p: TransactionMarket, specificity: ArrayLike) -> Any:
    """What a contract adds to log hours at a specificity, averaged over ease."""
    return p.contract_cost + p.contract_x_specificity * np.asarray(specificity)


def crossing(intercept: float, slope: float) -> float:
    """Specificity beyond which a contract saves hours, from its effect's intercept and slope (below 0)."""
    return -intercept / slope


def hours_saved(p: TransactionMarket, threshold: float) -> float:
    """Share of all hours that contracts save if all beyond this specificity sign, where ease is normal."""
    # hours, not log hours: specific accounts take more of them, so their savings weigh more
    before = p.specificity_to_hours + p.causes_correlation * (p.uncertainty_to_hours + p.asymmetry_to_hours)
    after = before + p.contract_x_specificity
    eased = p.contract_x_ease * (2 * p.ease_to_hours + p.contract_x_ease)
    grown = np.exp(p.contract_cost + (after**2 - before**2 + eased) / 2)
    return float(norm.sf(threshold - before) - grown * norm.sf(threshold - after))


def chance_of_staying(p: TransactionMarket, satisfaction: ArrayLike, switching_cost: ArrayLike) -> Any:
    """Probability of staying."""
    return ndtr(
        p.base_stay
        + p.satisfaction_to_stay * np.asarray(satisfaction)
        + p.switching_cost_to_stay * np.asarray(switching_cost)
        + p.satisfaction_x_switching_cost * np.multiply(satisfaction, switching_cost)
    )


def switching_cost_by_satisfaction(p: TransactionMarket) -> float:
    """By how much switching cost raises the chance of staying more at high satisfaction than at low.

    Both from one standard deviation below the mean to one above; below 0 it holds the dissatisfied more.
    """
    return float(cross_difference(lambda *levels: chance_of_staying(p, *levels)))


# The design ---------------------------------------------------------------------------------------------

STAYING = ProbitRegression("stayed ~ satisfaction * switching_cost", "Intercept", "renewals")
HOURS_WITH_SCORES = "log_hours ~ specificity + uncertainty_score + asymmetry_score"
WITH_CONTRACT = f"{HOURS_WITH_SCORES} + contract + specificity:contract"
CHOICE = {"switch": "contract", "choice": "specificity + uncertainty_score + asymmetry_score + nearness"}
SWITCHING = SwitchingRegression(HOURS_WITH_SCORES, "1: specificity", "contracts", **CHOICE)
INSTRUMENTED = FittedChanceInstruments(WITH_CONTRACT, "contract", "contracts", **CHOICE)
SIGNED_OR_NOT = LeastSquares(WITH_CONTRACT, "contract", "contracts", "HC1")
BY_LOT = {"endogenous": ("log_minutes",), "instruments": ("portal",)}
HALVES = {
    "endogenous": ("uncertainty_half", "asymmetry_half"),
    "instruments": ("other_uncertainty", "other_asymmetry"),
    "cluster": "account",
}
HOURS_BY_HALVES = TwoStageLeastSquares(
    "log_hours ~ specificity + uncertainty_half + asymmetry_half", "specificity", "halves", **HALVES
)
HOURS_BY_SCORES = LeastSquares(HOURS_WITH_SCORES, "specificity", "accounts", "HC1")


def switching_effect(b: dict[str, Any]) -> tuple:
    """What a contract changes at mean specificity, and per standard deviation more, by regimes' lines."""
    return b["1: Intercept"] - b["0: Intercept"], b["1: specificity"] - b["0: specificity"]


def _at_one(b):
    return b["contract"] + b["specificity:contract"]


def _difference(b):
    _, specificity, uncertainty, _ = b.values()
    return specificity - uncertainty


def _coefficient(b):
    """The product's coefficient read as if chances were linear in it."""
    base, *_, both = b.values()
    return 4 * both * norm.pdf(base)


# A check that analysts make before they compare changes; no hypothesis of the theory.
PARALLEL = Hypothesis(
    "check",
    "Slopes before CRM differ",
    "!=",
    truth=lambda p: p.trend_gap,
    unit="log points a year",
    estimators={"slopes": LeastSquares("slope_before ~ crm", "crm", "branches")},
)

hypotheses = [
    Hypothesis(
        "H1",
        "The more specific an account's work, the more hours it takes",
        ">",
        truth=lambda p: p.specificity_to_hours,
        unit=LOG_HOURS,
        estimators={"halves as instruments": HOURS_BY_HALVES, "mean scores": HOURS_BY_SCORES},
    ),
    Hypothesis(
        "H1a",
        "Specificity costs more hours than uncertainty does",
        ">",
        truth=lambda p: p.specificity_to_hours - p.uncertainty_to_hours,
        unit=LOG_HOURS,
        estimators={
            "halves as instruments": Combination(HOURS_BY_HALVES, _difference),
            "mean scores": Combination(HOURS_BY_SCORES, _difference),
        },
    ),
    Hypothesis(
        "H2",
        "The more minutes an order takes, the fewer are placed",
        "<",
        truth=lambda p: p.cost_to_orders,
        unit="log points of orders per log point of minutes",
        estimators={
            "portal by lot": TwoStageLeastSquares(
                "log_orders ~ log_minutes", "log_minutes", "orders", "HC1", **BY_LOT
            ),
            "time divided by orders": LeastSquares(
                "log_orders ~ log_minutes_per_order", "log_minutes_per_order", "orders", "HC1"
            ),
        },
    ),
    Hypothesis(
        "H3",
        "CRM lowers the number of contacts that a customer needs",
        "<",
        truth=lambda p: p.crm_to_contacts,
        unit="log points of contacts",
        estimators={
            "difference in differences": LeastSquares("change ~ crm", "crm", table="branches"),
            "before and after": LeastSquares("change ~ 0 + crm + no_crm", "crm", table="branches"),
            "customers as independent": LeastSquares("change ~ crm", "crm", table="branch_customers"),
        },
    ),
    Hypothesis(
        "H4",
        "Switching cost holds the dissatisfied more than the satisfied",
        "<",
        truth=switching_cost_by_satisfaction,
        unit="difference of differences in the chance of staying",
        estimators={
            "chances": CrossDifference(STAYING, "satisfaction", "switching_cost"),
            "coefficient": Combination(STAYING, _coefficient),
        },
    ),
    Hypothesis(
        "H5",
        "Contracts save hours where work is specific",
        "<",
        truth=lambda p: contract_effect(p, 1.0),
        unit="log points of hours, one standard deviation of specificity above the mean",
        estimators={
            "switching regression": Combination(SWITCHING, lambda b: sum(switching_effect(b))),
            "signed against not": Combination(SIGNED_OR_NOT, _at_one),
            "fitted chance as instrument": Combination(INSTRUMENTED, _at_one),
        },
    ),
]

NO_EFFECT = {"cost_to_orders": 0.0, "crm_to_contacts": 0.0}
NO_LINK = {name: 0.0 for name in TransactionMarket.names() if "_to_" in name or "_x_" in name}
INSTRUMENTS = {"nearness_to_contract": 0.8, "portal_to_minutes": -0.35}  # move what they move in every world

design = Design(
    name="transaction_cost",
    title="Transaction cost",
    claim="Exchange costs more than its price; contracts and CRM lower that cost, and it decides who stays.",
    parameters=TransactionMarket(),
    presets={
        "null": NO_LINK
        | INSTRUMENTS
        | {"contract_cost": 0.0, "causes_correlation": 0.0, "fixed_minutes": 0.0, "trend": 0.0},
        "literature": {},
        "claim": {
            "specificity_to_hours": 0.5,
            "uncertainty_to_hours": 0.2,
            "contract_x_specificity": -0.8,
            "cost_to_orders": -0.8,
            "crm_to_contacts": -0.25,
            "satisfaction_x_switching_cost": -0.15,
        },
        "trap": NO_EFFECT
        | {
            "specificity_to_hours": 0.0,
            "uncertainty_to_hours": 0.0,
            "asymmetry_to_hours": 0.6,
            "causes_correlation": 0.6,
            "ease_to_hours": -0.8,
            "ease_to_contract": 0.8,
            "contract_x_specificity": -0.2,
            "fixed_minutes": 1.5,
            "trend": -0.25,
            "crm_branch_level": -0.3,
            "branch_shock": 0.15,
            "base_stay": -0.6,
            "satisfaction_to_stay": 0.6,
            "satisfaction_x_switching_cost": AtEdge("H4", (-0.9, 0.9)),
        },
    },
    model=simulate_transaction_market,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "specificity": Construct("specificity", "How much of an account's work is of use for it alone."),
        "uncertainty": Construct("uncertainty", "How little of what an account will ask can be foreseen."),
        "asymmetry": Construct("asymmetry", "How much one side of an exchange knows and the other does not."),
        "ease": Construct("ease", "How easy a customer is to work with; it stands in no table."),
        "nearness": Construct("nearness", "How near an account is to the office that draws up contracts."),
        "contract": Construct("contract", "Whether an account deals by the year or order by order."),
        "hours": Construct("hours", "Hours a year that staff spend on an account: a transaction cost."),
        "switching_cost": Construct("switching cost", "What a customer would lose or spend by leaving."),
    },
    diagram=Diagram(
        {
            "specificity": (0.05, 0.95),
            "uncertainty": (0.4, 1.0),
            "asymmetry": (0.75, 1.0),
            "nearness": (0.0, 0.35),
            "contract": (0.4, 0.35),
            "hours": (0.9, 0.5),
            "ease": (0.6, 0.0),
        },
        [
            *((cause, "hours") for cause in ("specificity", "uncertainty", "asymmetry", "contract", "ease")),
            *((cause, "contract") for cause in ("specificity", "nearness", "ease")),
        ],
        latent=("uncertainty", "asymmetry", "ease"),
    ),
)
