"""The service-profit chain: internal quality, content staff, served customers, profit, branch by branch.

Branches have ten employees, each with five customers, in four years; staff and customers are others each
year. U is a branch's location, good for everything, and in no table. X is internal service quality, audited.

    X  = γ U + shared good years + .6 x
    M* = a X + λ U + .3 e                    staff's mean satisfaction; of one of them M = M* + ε, ε ~ N(0, 1)
    Y* = b M* + λ U + .3 e                   customers' mean; of hers Y = Y* + w ε + noise of five ratings
    R  = Y* + δ M + .6 e                     what she says her customers think, coloured by her own mood
    log profit = π Y* + λ U + .15 e

So `b`, of branches that become happier, and `w`, of the happier of two colleagues, are two slopes (Heskett,
Jones, Loveman, Sasser & Schlesinger 1994 say nothing of the difference). Quality reaches customers through
staff alone: that exclusion is ours, as are all sizes.

In twelve quarters, e and c are log-odds that employees and customers stay, less what is usual in the branch,
λr U + .2 z, with z another one for each:

    e' = .3 e + ψce c + shock,   c' = .3 c + ψec e + shock
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import Any

import numpy as np

from crmlab.design import (
    Cohort,
    Construct,
    Design,
    Diagram,
    Estimator,
    Hypothesis,
    Parameters,
    Tables,
    count,
    effect,
    spread,
)
from crmlab.errors import InputError
from crmlab.estimators import LeastSquares, MixedModel, PanelPath, PanelProduct, PanelSlope, Within
from crmlab.mechanisms.nested import as_rows, customers_of, means_and_halves
from crmlab.mechanisms.turnover import draw_retention, lagged

Array = np.ndarray
YEARS, STAFF, HER_CUSTOMERS = 4, 10, 5
A_BRANCH = STAFF * HER_CUSTOMERS  # customers who are asked there in a year
QUARTERS, PERSISTENCE = 12, 0.3
QUALITY_NOISE, LEVEL_NOISE, REPORT_NOISE, PROFIT_NOISE = 0.6, 0.3, 0.6, 0.15
RATING_NOISE = 0.8 * sqrt(HER_CUSTOMERS)  # of one customer: 0.8 is that of an employee's mean
USUAL = {"staff": 1.5, "customers": 2.0}  # log-odds that one stays a quarter
TRAIT, SHOCK = 0.2, 0.3  # standard deviations of log-odds between branches, and of a quarter's


@dataclass(frozen=True)
class ServiceProfitMarket(Parameters):
    """The chain's truth. Staff's satisfaction has a standard deviation of 1 between colleagues."""

    quality_to_staff: float = effect(0.4, "staff satisfaction a unit of internal quality")
    staff_to_customers: float = effect(0.4, "customers' rating a unit of a branch's staff satisfaction")
    colleague_to_customers: float = effect(0.2, "customers' rating a unit above one's colleagues")
    location: float = effect(0.3, "of staff, customers and log profit a standard deviation of location")
    location_to_quality: float = effect(0.3, "internal quality a standard deviation of location")
    good_years: float = spread(0.2, "standard deviation of years that are good for all, in every variable")
    mood: float = effect(0.3, "staff's report on customers a unit of staff's own satisfaction")
    customers_to_profit: float = effect(0.12, "log profit a unit of customers' mean rating")
    staff_to_customer_retention: float = effect(
        0.15, "customers' log-odds next quarter a log-odds of staff", low=-0.6, high=0.6
    )
    customer_to_staff_retention: float = effect(
        0.10, "staff's log-odds next quarter a log-odds of customers", low=-0.6, high=0.6
    )
    location_to_retention: float = effect(0.5, "log-odds of staying a standard deviation of location")
    n_customers: int = count(
        3000, f"customers asked a year, {A_BRANCH} in each branch; rounded down to whole branches", low=1000
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        strongest = np.abs(np.linalg.eigvals(retention_paths(self))).max()
        if strongest > 0.95:
            raise InputError(
                "staff_to_customer_retention and customer_to_staff_retention make a shock grow or last: it "
                f"is multiplied by {strongest:.2f} a quarter; lower them until that is at most 0.95"
            )

    @property
    def n_branches(self) -> int:
        """Branches that `n_customers` fill."""
        return self.n_customers // A_BRANCH


def retention_paths(p: ServiceProfitMarket) -> Array:
    """What a log-odds more brings next quarter: rows to, columns from; staff first, customers second."""
    return np.array(
        [[PERSISTENCE, p.customer_to_staff_retention], [p.staff_to_customer_retention, PERSISTENCE]]
    )


# The market ---------------------------------------------------------------------------------------------


def simulate_service_profit_market(p: ServiceProfitMarket, streams: Any) -> Cohort:
    """Draw a cohort: ``employees``, their ``customers``, ``branches`` by year, ``retention`` by quarter."""
    rng, shape = streams["branches"], (p.n_branches, YEARS)

    def draw(*shape: int) -> Array:
        values = rng.standard_normal(int(np.prod(shape)))
        return values.reshape(*values.shape[:-1], *shape)

    where = draw(p.n_branches, 1)
    years = p.good_years * draw(1, YEARS)
    quality = p.location_to_quality * where + years + QUALITY_NOISE * draw(*shape)
    content = p.quality_to_staff * quality + p.location * where + years + LEVEL_NOISE * draw(*shape)
    served = p.staff_to_customers * content + p.location * where + years + LEVEL_NOISE * draw(*shape)
    profit = p.customers_to_profit * served + p.location * where + years
    people = _employees(p, content[..., None], served[..., None], draw)
    employees = {name: values for name, values in people.items() if name != "ratings"}
    index = np.arange(p.n_branches * YEARS)
    retention = cache(lambda: _retention(p, where[..., 0], streams["retention"]))
    panel = {"branch": index // YEARS, "year": index % YEARS + 1, "quality": as_rows(quality, 2)}
    return Cohort(
        {
            "employees": {
                name: np.repeat(values, STAFF, axis=-1)
                for name, values in (panel | {"branch_year": index}).items()
            }
            | {name: as_rows(values, 3) for name, values in employees.items()},
            "branches": panel
            | means_and_halves(employees)
            | {"profit": as_rows(profit + PROFIT_NOISE * draw(*shape), 2)},
            "customers": lambda: customers_of(people["ratings"]),
            "retention": retention,
            "lags": lambda: lagged(retention(), tuple(USUAL), QUARTERS),
        },
        truth={
            "location": where[..., 0],
            "staff_level": as_rows(content, 2),
            "customer_level": as_rows(served, 2),
        },
    )


def _employees(p: ServiceProfitMarket, content: Array, served: Array, draw: Callable) -> dict[str, Array]:
    """Columns by branch, year and employee, and the customers' ``ratings``."""
    shape = p.n_branches, YEARS, STAFF
    above = draw(*shape)
    satisfied = content + above
    fair = served + p.colleague_to_customers * above
    ratings = fair[..., None] + RATING_NOISE * draw(*shape, HER_CUSTOMERS)
    report = served + p.mood * satisfied + REPORT_NOISE * draw(*shape)
    return {"satisfied": satisfied, "served": ratings.mean(-1), "report": report, "ratings": ratings}


def _retention(p: ServiceProfitMarket, where: Array, rng: Any) -> dict[str, Array]:
    """Log-odds of staying by branch, ``staff_1`` … ``staff_12`` and ``customers_1`` …."""
    usual = {
        side: level + p.location_to_retention * where + TRAIT * rng.standard_normal(p.n_branches)
        for side, level in USUAL.items()
    }
    return draw_retention(retention_paths(p), usual, SHOCK, QUARTERS, rng)


# What is true, from the parameters alone ---------------------------------------------------------------


def quality_to_customers(p: ServiceProfitMarket) -> float:
    """Customers' rating a unit of internal quality, all of it through staff."""
    return p.quality_to_staff * p.staff_to_customers


def quality_to_profit(p: ServiceProfitMarket) -> float:
    """Log profit a unit of internal quality, through staff and customers."""
    return quality_to_customers(p) * p.customers_to_profit


def change_variance(p: ServiceProfitMarket) -> float:
    """Variance of staff's mean satisfaction within branches, years' own effects taken out."""
    return p.quality_to_staff**2 * QUALITY_NOISE**2 + LEVEL_NOISE**2


def reliability_of_changes(p: ServiceProfitMarket, staff: int = STAFF) -> float:
    """Share of the variation of branches' observed means, within branches, that is not noise."""
    real = change_variance(p)
    return real / (real + 1 / staff)


def slope_of_means(p: ServiceProfitMarket, staff: int = STAFF) -> float:
    """What branch effects on observed means estimate (Lüdtke et al. 2008): a mixture of two slopes."""
    kept = reliability_of_changes(p, staff)
    return kept * p.staff_to_customers + (1 - kept) * p.colleague_to_customers


# The design ---------------------------------------------------------------------------------------------


def both_series(tables: Tables) -> tuple[Array, Array]:
    """Log-odds of staff and of customers, arrays of shape ``(..., branches, quarters)``."""
    columns = tables.columns("retention")
    staff, customers = (
        np.stack([columns[f"{side}_{quarter}"] for quarter in range(1, QUARTERS + 1)], -1) for side in USUAL
    )
    return staff, customers


def _changes(outcome: str, regressor: str) -> PanelSlope:
    """With branch and year effects."""
    return PanelSlope(outcome, regressor, "branches", "branch", "year")


def _halves(outcome: str, regressor: str, split_outcome: bool = True) -> PanelSlope:
    """With branch and year effects, halves of the staff against the noise in means."""
    left = (f"{outcome}_1", f"{outcome}_2") if split_outcome else outcome
    return PanelSlope(left, (f"{regressor}_1", f"{regressor}_2"), "branches", "branch", "year")


def _pooled(outcome: str, regressor: str, table: str = "branches") -> LeastSquares:
    """Over all branches and years, errors clustered by branch."""
    return LeastSquares(f"{outcome} ~ {regressor}", regressor, table=table, cluster="branch")


def _paths(path: str, outcome: str, cause: str) -> dict[str, Estimator]:
    """With random intercepts for what is usual in a branch, and without."""
    text = f"{outcome} ~ staff_before + customers_before"
    return {
        "random intercepts": PanelPath(both_series, path, robust=False, alike=True),
        "cross-lagged": LeastSquares(text, f"{cause}_before", table="lags", cluster="branch"),
    }


hypotheses = [
    Hypothesis(
        "H1",
        "Better internal quality makes a branch's staff more satisfied",
        ">",
        truth=lambda p: p.quality_to_staff,
        unit="staff satisfaction a unit of internal quality",
        estimators={
            "branch and year effects": _changes("satisfied", "quality"),
            "pooled": _pooled("satisfied", "quality", "employees"),
            "pooled, staff as independent": LeastSquares("satisfied ~ quality", "quality", table="employees"),
        },
    ),
    Hypothesis(
        "H2",
        "Of two colleagues the more satisfied has the better served customers",
        ">",
        truth=lambda p: p.colleague_to_customers,
        unit="customers' rating a unit of satisfaction above colleagues",
        estimators={
            "colleagues": Within(
                "served ~ satisfied", "satisfied", "employees", cluster="branch", unit="branch_year"
            ),
            "pooled": _pooled("served", "satisfied", "employees"),
            "one slope, random branches": MixedModel(
                "served ~ satisfied", "satisfied", "employees", group="branch"
            ),
        },
    ),
    Hypothesis(
        "H3",
        "Branches whose staff become more satisfied serve their customers better",
        ">",
        truth=lambda p: p.staff_to_customers,
        unit="customers' rating a unit of a branch's staff satisfaction",
        estimators={
            "split halves": _halves("served", "satisfied"),
            "branch means": _changes("served", "satisfied"),
            "staff rate both": _halves("report", "satisfied"),
        },
    ),
    Hypothesis(
        "H3a",
        "So internal quality reaches the customers",
        ">",
        truth=quality_to_customers,
        unit="customers' rating a unit of internal quality",
        estimators={
            "branch and year effects": _changes("served", "quality"),
            "product": PanelProduct(_changes("satisfied", "quality"), _halves("served", "satisfied")),
            "pooled": _pooled("served", "quality"),
        },
    ),
    Hypothesis(
        "H4",
        "Branches that keep their staff keep their customers",
        ">",
        truth=lambda p: p.staff_to_customer_retention,
        unit="customers' log-odds next quarter a log-odds of staff",
        estimators=_paths("x_to_y", "customers", "staff"),
    ),
    Hypothesis(
        "H4a",
        "And conversely: branches that keep their customers keep their staff",
        ">",
        truth=lambda p: p.customer_to_staff_retention,
        unit="staff's log-odds next quarter a log-odds of customers",
        estimators=_paths("y_to_x", "staff", "customers"),
    ),
    Hypothesis(
        "H5",
        "Branches whose customers become better served earn more",
        ">",
        truth=lambda p: p.customers_to_profit,
        unit="log profit a unit of customers' mean rating",
        estimators={
            "split halves": _halves("profit", "served", split_outcome=False),
            "pooled": _pooled("profit", "served"),
        },
    ),
]

NO_TRAP: dict[str, str] = {}  # hypotheses whose naive analysis the trap does not fool

LINKS = ["quality_to_staff", "staff_to_customers", "colleague_to_customers", "customers_to_profit"]
RETENTION = ["staff_to_customer_retention", "customer_to_staff_retention"]
NO_LINK = dict.fromkeys([*LINKS, *RETENTION], 0.0)
NO_CONFOUNDING = dict.fromkeys(
    ["location", "location_to_quality", "good_years", "mood", "location_to_retention"], 0.0
)

design = Design(
    name="service_profit_chain",
    title="The service-profit chain",
    claim="Serve your staff well, and they serve the customers well, who stay and bring profit.",
    parameters=ServiceProfitMarket(),
    presets={
        "null": NO_LINK | NO_CONFOUNDING,
        "literature": {},
        "claim": {
            "quality_to_staff": 0.5,
            "staff_to_customers": 0.6,
            "colleague_to_customers": 0.4,
            "customers_to_profit": 0.15,
            "staff_to_customer_retention": 0.25,
            "customer_to_staff_retention": 0.20,
        },
        "trap": NO_LINK
        | {
            "location": 0.6,
            "location_to_quality": 0.6,
            "mood": 0.5,
            "location_to_retention": 0.8,
        },
    },
    model=simulate_service_profit_market,
    hypotheses=hypotheses,
    batched=True,
    constructs={
        "quality": Construct(
            "internal service quality",
            "How well a branch serves its own staff: tools, training, rota; audited, mean 0.",
        ),
        "satisfied": Construct(
            "staff satisfaction", "How satisfied an employee is; colleagues differ by one standard deviation."
        ),
        "served": Construct(
            "customers' rating", "How an employee's own customers rate the service they got."
        ),
        "report": Construct(
            "staff's report", "What an employee says that her customers think of the service."
        ),
        "profit": Construct("log profit", "Natural logarithm of a branch's profit in a year, million yuan."),
        "retention": Construct("retention", "Log-odds that staff, or customers, stay for the quarter."),
        "location": Construct("location", "How good a branch's street is; nobody records it."),
    },
    diagram=Diagram(
        {
            "quality": (0.0, 0.15),
            "satisfied": (0.33, 0.15),
            "served": (0.66, 0.15),
            "profit": (1.0, 0.15),
            "location": (0.5, 0.95),
        },
        [
            ("quality", "satisfied"),
            ("satisfied", "served"),
            ("served", "profit"),
            ("location", "quality"),
            ("location", "satisfied"),
            ("location", "served"),
            ("location", "profit"),
        ],
        latent=("location",),
    ),
)
