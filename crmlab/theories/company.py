"""One company in which the theories meet: five decisions, each with the analysis that people make of it.

The market is `crmlab.company`: customers who buy, like, join, complain, answer and leave month by month, at
branches of different quality. The tables are the company's own, and the rows made of them on which
analysts compare (`crmlab.company.frames`).

There are no closed forms: an estimand is what the same customers would have done otherwise. The company is
simulated with something forbidden (`Company.do`), with the same draws, and purchases are compared customer by
customer on the rows that the estimator uses. The Monte-Carlo error of that is small beside the estimators'
own: everybody who is not touched does the same to the last bit.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd

from crmlab.company import PRESETS, Company, CompanyParameters
from crmlab.company.analyses import ANALYSES
from crmlab.company.histories import Columns, Histories
from crmlab.company.tables import Frames
from crmlab.design import Cohort, Construct, Design, Diagram, Hypothesis, count
from crmlab.design.streams import Streams
from crmlab.estimators import GroupTimeEffects, LeastSquares

MONTHS = 36
FAIR = 0.5  # everybody's chance of a mailing by lot
SYSTEM_FROM = 13  # period from which on branches are compared side by side
WORLDS, CUSTOMERS = 4, 5000  # companies, and customers of each, from which an estimand is computed
A_MONTH = "purchases a customer and month"
NO_TRAP = {"H2": "better branches get the system first, but in the trap nobody buys more for quality"}
COMPARED = {  # tables that grow by the month, and their columns, of which rows for analysts are made
    "orders": ("customer_id", "month", "time"),
    "exposures": ("customer_id", "month", "sent", "read", "propensity"),
    "complaints": ("customer_id", "branch_id", "month", "redressed"),
}
COMPARISONS = (
    *("branch_months", "branches_after", "eligible", "letters", "complaints_by_lot"),
    *("complaints_elsewhere", "mailed_by_lot", "mailed_otherwise"),
)
Array = np.ndarray


@dataclass(frozen=True)
class CompanyMarket(CompanyParameters):
    """The company's truth and how many customers come to it by themselves."""

    n_customers: int = count(
        2000, "customers who come by themselves; referrals are added", low=500, high=100_000
    )


def company(p: CompanyMarket, seed: Any = 1) -> Company:
    """The company, to be simulated, stepped, or rerun with something forbidden."""
    names = [each.name for each in fields(CompanyParameters)]
    truth = CompanyParameters(**{name: getattr(p, name) for name in names})
    return Company(truth, customers=p.n_customers, months=MONTHS, seed=seed)


# The market ---------------------------------------------------------------------------------------------


def simulate_company(p: CompanyMarket, streams: Streams) -> Cohort:
    """A company: the rows on which analysts compare, its tables, and the truth.

    What analysts compare needs few columns; the whole company is drawn when somebody looks at its tables.
    """
    firm = company(p, streams.seed)
    few, whole = firm.lazily(COMPARED), firm.lazily()
    rows = cache(lambda: rows_of(Histories(few.arrays, MONTHS)))
    compared = {name: partial(lambda name: rows()[name], name) for name in COMPARISONS}
    tables = {name: partial(_columns, whole.tables, name) for name in whole.tables}
    return Cohort({**compared, **tables}, truth={"hidden": whole.truth})


def _columns(tables: Frames, name: str) -> Columns:
    return {str(column): values.to_numpy() for column, values in tables[name].items()}


def rows_of(known: Histories) -> dict[str, Columns]:
    """The rows on which analysts compare, `COMPARISONS`; made of the firm's tables alone."""
    complaints, mails, branches = known.redress(), known.mailings(), known.branch_months()
    lot, fair = complaints["by_lot"] > 0, mails["propensity"] == FAIR
    return {
        "branch_months": branches,
        "branches_after": _side_by_side(branches),
        "eligible": known.members_and_others(),
        "letters": known.letters(),
        "complaints_by_lot": _of(complaints, lot),
        "complaints_elsewhere": _of(complaints, ~lot),
        "mailed_by_lot": _of(mails, fair),
        "mailed_otherwise": _of(mails, ~fair),
    }


def _of(columns: Columns, rows: Array) -> Columns:
    return {name: values[rows] for name, values in columns.items()}


def _side_by_side(rows: Columns) -> Columns:
    """Branches from the system's month on: whether each has it, and its mean orders a month."""
    after = _of(rows, rows["period"] >= SYSTEM_FROM)
    start, orders = (after[name].reshape(-1, MONTHS + 1 - SYSTEM_FROM) for name in ("system", "orders"))
    return {
        "equipped": ((start[:, 0] >= 1) & (start[:, 0] <= SYSTEM_FROM)) * 1.0,
        "orders": orders.mean(1),
    }


# What would have happened otherwise ---------------------------------------------------------------------


@lru_cache(maxsize=WORLDS)
def _usual(p: CompanyMarket, seed: int) -> Histories:
    return Histories(company(p, seed).simulate(COMPARED).arrays, MONTHS)


@lru_cache(maxsize=2 * WORLDS)
def _otherwise(p: CompanyMarket, seed: int, forbidden: str) -> Histories:
    """The usual histories, but with the orders that the same customers would have made without something."""
    usual = _usual(p, seed)
    orders = company(p, seed).do(**{forbidden: 0}).simulate({"orders": COMPARED["orders"]}).arrays["orders"]
    there = np.isin(orders["customer_id"], usual.number)  # friends may be referred in one only
    return Histories({**usual.tables, "orders": _of(orders, there)}, MONTHS)


def gained(p: CompanyMarket, seed: int, forbidden: str, rows: Callable[[Histories], Columns]) -> pd.DataFrame:
    """Rows of an analysis with orders less those that would have been made without something.

    Parameters
    ----------
    p : CompanyMarket
    seed : int
    forbidden : {"membership", "crm", "campaign", "second_channel", "recovery"}
    rows : function
        A method of `Histories`.
    """
    with_it, without = (rows(each) for each in (_usual(p, seed), _otherwise(p, seed, forbidden)))
    return pd.DataFrame(with_it | {"orders": with_it["orders"] - without["orders"]})


def _by_lot(rows: pd.DataFrame, lot: str, outcome: str = "orders") -> float:
    """Mean of those whom the lot chose less that of the others."""
    chosen, values = rows[lot].to_numpy() > 0, rows[outcome].to_numpy()
    return float(values[chosen].mean() - values[~chosen].mean())


def _mean(of: Callable[[int], float]) -> float:
    return float(np.mean([of(seed) for seed in range(WORLDS)]))


def _enough(p: CompanyMarket) -> CompanyMarket:
    """The parameters on which an estimand depends: not on how many customers are drawn."""
    return p.replace(n_customers=CUSTOMERS)


def gain_at_branches(p: CompanyMarket, seed: int, forbidden: str, start: str, last: int) -> float:
    """Purchases a founder and month that branches gain by a start in one company, until `last` months later.

    Parameters
    ----------
    p : CompanyMarket
    seed : int
    forbidden : {"membership", "crm"}
        What the world has not with which this one is compared.
    start : {"start", "system"}
        The start at branches, a column of `branch_months`.
    last : int
        Months after the start that count.
    """
    rows = gained(p, seed, forbidden, Histories.branch_months)
    since = rows["period"] - rows[start]
    counts = rows[(rows[start] > 0) & since.between(0, last)].groupby(start)
    return float(np.average(counts["orders"].mean(), weights=counts["branch_id"].nunique()))


@lru_cache(maxsize=64)
def scheme_effect(p: CompanyMarket) -> float:
    """What opening the scheme at a branch does to purchases a founder and month, in the first nine months."""
    if not p.membership_to_purchase:
        return 0.0
    return _mean(lambda seed: gain_at_branches(_enough(p), seed, "membership", "start", 8))


@lru_cache(maxsize=64)
def system_effect(p: CompanyMarket) -> float:
    """What the CRM system does to purchases a founder and month at its branches, in its first year."""
    if not (p.attitude_to_purchase or p.commitment_to_staying or p.attitude_to_referral):
        return 0.0
    return _mean(lambda seed: gain_at_branches(_enough(p), seed, "crm", "system", 11))


@lru_cache(maxsize=64)
def channel_effect(p: CompanyMarket) -> float:
    """What the second channel adds to monthly purchases of those whom a letter brings to it."""
    if not p.channel_to_purchase:
        return 0.0
    worlds = [gained(_enough(p), seed, "second_channel", Histories.letters) for seed in range(WORLDS)]
    ordered, taken = (sum(_by_lot(rows, "encouraged", of) for rows in worlds) for of in ("orders", "use"))
    return ordered / taken


@lru_cache(maxsize=64)
def redress_effect(p: CompanyMarket) -> float:
    """What redress of a first complaint does to purchases in the half year after it."""
    if not p.recovery_to_satisfaction:
        return 0.0

    def one(seed: int) -> float:
        rows = gained(_enough(p), seed, "recovery", Histories.redress)
        return _by_lot(rows[rows["by_lot"] > 0], "redressed")

    return _mean(one)


@lru_cache(maxsize=64)
def mailing_effect(p: CompanyMarket) -> float:
    """What being sent a mailing does to a customer's purchases in its month."""
    if not p.mailing_to_purchase:
        return 0.0

    def one(seed: int) -> float:
        rows = gained(_enough(p), seed, "campaign", Histories.mailings)
        return _by_lot(rows[rows["propensity"] == FAIR], "sent")

    return _mean(one)


# The theory ---------------------------------------------------------------------------------------------


def _as_in(analysis: str, table: str) -> Any:
    """The estimator of one of the lessons' analyses, on a table of the cohort."""
    return replace(ANALYSES[analysis].estimator, table=table)


design = Design(
    name="company",
    title="One company",
    claim="Know your customers, bind them, give them a system, channels and redress, and they buy more.",
    parameters=CompanyMarket(**PRESETS["literature"]),
    presets={
        name: {each.name: chosen.get(each.name, each.default) for each in fields(CompanyParameters)}
        for name, chosen in PRESETS.items()
    },
    model=simulate_company,
    hypotheses=[
        Hypothesis(
            "H1",
            "A loyalty scheme raises purchases",
            ">",
            truth=scheme_effect,
            unit=A_MONTH,
            estimators={
                "branches over time": _as_in("staggered openings", "branch_months"),
                "members less others": _as_in("members − others", "eligible"),
                "with past purchases": _as_in("members − others, adjusted", "eligible"),
            },
        ),
        Hypothesis(
            "H2",
            "A CRM system raises purchases",
            ">",
            truth=system_effect,
            unit=A_MONTH,
            estimators={
                "branches over time": GroupTimeEffects(
                    "orders", "branch_id", "period", "system", table="branch_months", until=11, base=6
                ),
                "branches side by side": LeastSquares(
                    "orders ~ equipped", "equipped", table="branches_after"
                ),
            },
        ),
        Hypothesis(
            "H3",
            "A second channel raises purchases",
            ">",
            truth=channel_effect,
            unit=A_MONTH,
            estimators={
                "letters by lot": _as_in("letters by lot", "letters"),
                "users less others": _as_in("two channels − one", "letters"),
            },
        ),
        Hypothesis(
            "H4",
            "Redress of complaints raises later purchases",
            ">",
            truth=redress_effect,
            unit="purchases in half a year",
            estimators={
                "pilot by lot": _as_in("redress by lot", "complaints_by_lot"),
                "redressed less others": _as_in("redressed − not", "complaints_elsewhere"),
            },
        ),
        Hypothesis(
            "H5",
            "A mailing raises purchases",
            ">",
            truth=mailing_effect,
            unit="purchases in the mailing's month",
            estimators={
                "sent by lot": _as_in("mailing by lot", "mailed_by_lot"),
                "readers less others": LeastSquares(
                    "orders ~ read", "read", table="mailed_otherwise", cluster="customer_id"
                ),
            },
        ),
    ],
    constructs={
        "founder": Construct("founder", "A customer who came in the company's first six months."),
        "use": Construct("time with two channels", "Share of the last year after taking up the second one."),
    },
    diagram=Diagram(
        nodes={
            "habit": (0.08, 0.5),
            "quality": (0.08, 0.9),
            "scheme": (0.4, 0.05),
            "channel": (0.4, 0.3),
            "mailing": (0.4, 0.57),
            "redress": (0.4, 0.755),
            "system": (0.4, 1.0),
            "attitude": (0.68, 0.85),
            "purchases": (0.92, 0.4),
        },
        arrows=[
            ("habit", "scheme"),
            ("habit", "channel"),
            ("habit", "mailing"),
            ("habit", "redress"),
            ("habit", "purchases"),
            ("quality", "system"),
            ("quality", "scheme"),
            ("quality", "attitude"),
            ("system", "attitude"),
            ("redress", "attitude"),
            ("attitude", "scheme"),
            ("attitude", "purchases"),
            ("scheme", "purchases"),
            ("channel", "purchases"),
            ("mailing", "purchases"),
        ],
        latent=["habit", "quality", "attitude"],
    ),
)
