"""One company in which the theories meet: five decisions, each with the analysis that people make of it.

The market is `crmlab.company`: customers who buy, like, join, complain, answer and leave month by month, at
branches of different quality. The tables are the company's own, and the rows made of them on which
analysts compare (`crmlab.company.frames`).

There are no closed forms: an estimand is what the same customers would have done otherwise. The company is
simulated with something forbidden (`Company.do`), with the same draws, and purchases are compared customer by
customer on the rows that the estimator uses. The Monte-Carlo error of that is small beside the estimators'
own: everybody who is not touched does the same to the last bit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from crmlab.company import PRESETS, Company, CompanyParameters, frames
from crmlab.company.analyses import ANALYSES
from crmlab.company.frames import Firm
from crmlab.design import Cohort, Construct, Design, Diagram, Hypothesis, count
from crmlab.design.streams import Streams
from crmlab.estimators import GroupTimeEffects, LeastSquares

MONTHS = 36
FAIR = 0.5  # everybody's chance of a mailing by lot
SYSTEM_FROM = 13  # period from which on branches are compared side by side
WORLDS, CUSTOMERS = 4, 5000  # companies, and customers of each, from which an estimand is computed
A_MONTH = "purchases a customer and month"
NO_TRAP = {"H2": "better branches get the system first, but in the trap nobody buys more for quality"}
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
    """Draw a company: its tables, the rows on which analysts compare, and the truth."""
    simulation = company(p, streams.seed).simulate()
    raw = {name: _columns(frame) for name, frame in simulation.tables.items()}
    compared = {name: _columns(frame) for name, frame in rows_of(simulation.tables).items()}
    return Cohort({**compared, **raw}, truth={"hidden": simulation.truth})


def _columns(frame: pd.DataFrame) -> Callable[[], Mapping[str, Array]]:
    return lambda: {str(name): frame[name].to_numpy() for name in frame}


def rows_of(tables: Firm) -> dict[str, pd.DataFrame]:
    """The rows on which analysts compare, by name; made of the firm's tables alone."""
    complaints, mails = frames.redress(tables, MONTHS), frames.mailings(tables, MONTHS)
    branches = frames.branch_months(tables, MONTHS)
    lot, fair = complaints["by_lot"] > 0, mails["propensity"] == FAIR
    return {
        "branch_months": branches,
        "branches_after": _side_by_side(branches),
        "eligible": frames.members_and_others(tables, MONTHS),
        "letters": frames.letters(tables, MONTHS),
        "complaints_by_lot": complaints[lot],
        "complaints_elsewhere": complaints[~lot],
        "mailed_by_lot": mails[fair],
        "mailed_otherwise": mails[~fair],
    }


def _side_by_side(rows: pd.DataFrame) -> pd.DataFrame:
    after = rows[rows["period"] >= SYSTEM_FROM].groupby("branch_id")
    equipped = after["system"].first().between(1, SYSTEM_FROM) * 1.0
    return pd.DataFrame({"equipped": equipped, "orders": after["orders"].mean()})


# What would have happened otherwise ---------------------------------------------------------------------


@lru_cache(maxsize=WORLDS)
def _usual(p: CompanyMarket, seed: int) -> Firm:
    return company(p, seed).simulate().tables


@lru_cache(maxsize=2 * WORLDS)
def _otherwise(p: CompanyMarket, seed: int, forbidden: str) -> Firm:
    """The company's tables, but with the orders that the same customers would have made without something."""
    tables = _usual(p, seed)
    orders = company(p, seed).do(**{forbidden: 0}).simulate(keep=["orders"]).tables["orders"]
    there = orders["customer_id"].isin(
        tables["customers"]["customer_id"]
    )  # friends may be referred in one only
    return {**tables, "orders": orders[there]}


def _gained(
    p: CompanyMarket, seed: int, forbidden: str, rows: Callable[[Firm, int], pd.DataFrame]
) -> pd.DataFrame:
    """Rows of an analysis with orders less those that would have been made without something."""
    with_it, without = (rows(each, MONTHS) for each in (_usual(p, seed), _otherwise(p, seed, forbidden)))
    return with_it.assign(orders=with_it["orders"] - without["orders"])


def _by_lot(rows: pd.DataFrame, lot: str, outcome: str = "orders") -> float:
    """Mean of those whom the lot chose less that of the others."""
    means = rows.groupby(rows[lot] > 0)[outcome].mean()
    return float(means[True] - means[False])


def _mean(of: Callable[[int], float]) -> float:
    return float(np.mean([of(seed) for seed in range(WORLDS)]))


def _of(p: CompanyMarket) -> CompanyMarket:
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
    rows = _gained(p, seed, forbidden, frames.branch_months)
    since = rows["period"] - rows[start]
    counts = rows[(rows[start] > 0) & since.between(0, last)].groupby(start)
    return float(np.average(counts["orders"].mean(), weights=counts["branch_id"].nunique()))


@lru_cache(maxsize=64)
def scheme_effect(p: CompanyMarket) -> float:
    """What opening the scheme at a branch does to purchases a founder and month, in the first nine months."""
    if not p.membership_to_purchase:
        return 0.0
    return _mean(lambda seed: gain_at_branches(_of(p), seed, "membership", "start", 8))


@lru_cache(maxsize=64)
def system_effect(p: CompanyMarket) -> float:
    """What the CRM system does to purchases a founder and month at its branches, in its first year."""
    if not (p.attitude_to_purchase or p.commitment_to_staying or p.attitude_to_referral):
        return 0.0
    return _mean(lambda seed: gain_at_branches(_of(p), seed, "crm", "system", 11))


@lru_cache(maxsize=64)
def channel_effect(p: CompanyMarket) -> float:
    """What the second channel adds to monthly purchases of those whom a letter brings to it."""
    if not p.channel_to_purchase:
        return 0.0
    worlds = [_gained(_of(p), seed, "second_channel", frames.letters) for seed in range(WORLDS)]
    gained, taken = (sum(_by_lot(rows, "encouraged", of) for rows in worlds) for of in ("orders", "use"))
    return gained / taken


@lru_cache(maxsize=64)
def redress_effect(p: CompanyMarket) -> float:
    """What redress of a first complaint does to purchases in the half year after it."""
    if not p.recovery_to_satisfaction:
        return 0.0

    def one(seed: int) -> float:
        rows = _gained(_of(p), seed, "recovery", frames.redress)
        return _by_lot(rows[rows["by_lot"] > 0], "redressed")

    return _mean(one)


@lru_cache(maxsize=64)
def mailing_effect(p: CompanyMarket) -> float:
    """What being sent a mailing does to a customer's purchases in its month."""
    if not p.mailing_to_purchase:
        return 0.0

    def one(seed: int) -> float:
        rows = _gained(_of(p), seed, "campaign", frames.mailings)
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
