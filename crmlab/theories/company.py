"""One company in which the theories meet: five decisions, each with the analysis that people make of it.

The market is `crmlab.company`: customers who buy, like, join, complain, answer and leave month by month, at
branches of different quality. The tables are the company's own, and views of them on which analysts compare
(`crmlab.company.views`).

There are no closed forms: an estimand is what the same customers would have done otherwise. The company is
simulated with something forbidden (`Company.do`), with the same draws, and purchases are compared customer by
customer on the rows that the estimator uses. The Monte-Carlo error of that is small beside the estimators'
own: everybody who is not touched does the same to the last bit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np

from crmlab.company import PRESETS, Company, CompanyParameters, Simulation
from crmlab.company.views import (
    WINDOW,
    branch_months,
    branches_after,
    customers_compared,
    first_complaints,
    known,
    mailed,
    purchases_by_month,
)
from crmlab.design import Cohort, Construct, Design, Diagram, Hypothesis, count
from crmlab.design.streams import Streams
from crmlab.estimators import GroupTimeEffects, LeastSquares, TwoStageLeastSquares, robust

MONTHS = 36
SYSTEM_FROM = 13  # period from which on branches are compared side by side
WORLDS, CUSTOMERS = 4, 5000  # companies, and customers of each, from which an estimand is computed
A_MONTH = "purchases a customer and month"
NO_TRAP = {
    "H2": "Better branches got the system rather, but where nothing follows from quality none buys more."
}
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
    """Draw a company: its tables, the analysts' views of them, and the truth."""
    simulation = company(p, streams.seed).simulate()
    raw = {name: _columns(frame) for name, frame in simulation.tables.items()}
    return Cohort({**views(simulation), **raw}, truth={"hidden": simulation.truth})


def _columns(frame: Any) -> Callable[[], Mapping[str, Array]]:
    return lambda: {name: frame[name].to_numpy() for name in frame}


def views(simulation: Simulation) -> dict[str, Mapping[str, Array]]:
    """The rows on which analysts compare."""
    tables = simulation.tables
    purchases = purchases_by_month(tables, MONTHS)
    by_branch = branch_months(tables, purchases)
    customers = customers_compared(tables, purchases)
    complaints = first_complaints(tables, purchases)
    lot = complaints["by_lot"] > 0
    return {
        "branch_months": by_branch,
        "branches_after": branches_after(by_branch, SYSTEM_FROM),
        "compared": customers,
        "eligible": _rows(customers, customers["open_to_scheme"] > 0),
        "complaints_by_lot": _rows(complaints, lot),
        "complaints_elsewhere": _rows(complaints, ~lot),
        "mailed_by_lot": mailed(tables, purchases, by_lot=True),
        "mailed_to_target": mailed(tables, purchases, by_lot=False),
    }


def _rows(columns: Mapping[str, Array], chosen: Array) -> Mapping[str, Array]:
    return {name: values[chosen] for name, values in columns.items()}


# What would have happened otherwise ---------------------------------------------------------------------


@lru_cache(maxsize=WORLDS)
def _usual(p: CompanyMarket, seed: int) -> tuple[Simulation, Array]:
    """A company as it is, and its purchases by customer and month."""
    simulation = company(p, seed).simulate()
    return simulation, purchases_by_month(simulation.tables, MONTHS)


def _difference(p: CompanyMarket, seed: int, **forbidden: int) -> tuple[Simulation, Array]:
    """A company, and purchases by customer and month less those of the same customers without something.

    Who is in one world only (his friend left in the other, and did not refer him) bought nothing there.
    """
    simulation, purchases = _usual(p, seed)
    without = company(p, seed).do(**forbidden).simulate(keep=["orders"])
    other = purchases_by_month(without.tables, MONTHS)
    ids, others = (each.tables["customers"]["customer_id"].to_numpy() for each in (simulation, without))
    place = np.minimum(np.searchsorted(ids, others), len(ids) - 1)
    same = ids[place] == others
    difference = purchases.copy()
    difference[place[same]] -= other[same]
    return simulation, difference


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
    start : {"scheme", "system"}
        The start at branches, a column of `branch_months`.
    last : int
        Months after the start that count.
    """
    simulation, difference = _difference(p, seed, **{forbidden: 0})
    rows = branch_months(simulation.tables, difference)
    since = rows["period"] - rows[start]
    counts = (rows[start] > 0) & (since >= 0) & (since <= last)
    groups, group = np.unique(rows[start][counts], return_inverse=True)
    effects = np.bincount(group, rows["purchases"][counts]) / np.bincount(group)
    sizes = [len(np.unique(rows["branch"][rows[start] == each])) for each in groups]
    return float(np.average(effects, weights=sizes))


@lru_cache(maxsize=64)
def scheme_effect(p: CompanyMarket) -> float:
    """What opening the scheme at a branch does to purchases a founder and month, in the first nine months."""
    if not p.membership_to_purchase:
        return 0.0
    return _mean(lambda seed: gain_at_branches(_of(p), seed, "membership", "scheme", 8))


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
    gained = taken = 0.0
    for seed in range(WORLDS):
        simulation, difference = _difference(_of(p), seed, second_channel=0)
        rows = customers_compared(simulation.tables, _usual(_of(p), seed)[1])
        letter, change = rows["encouraged"] > 0, difference[known(simulation.tables), WINDOW:].mean(1)
        gained += change[letter].mean() - change[~letter].mean()
        taken += rows["spell"][letter].mean() - rows["spell"][~letter].mean()
    return float(gained / taken)


@lru_cache(maxsize=64)
def redress_effect(p: CompanyMarket) -> float:
    """What redress of a first complaint does to purchases in the half year after it."""
    if not p.recovery_to_satisfaction:
        return 0.0

    def one(seed: int) -> float:
        simulation, difference = _difference(_of(p), seed, recovery=0)
        rows = first_complaints(simulation.tables, difference)
        redressed, lot = rows["redressed"] > 0, rows["by_lot"] > 0
        return float(rows["later"][lot & redressed].mean() - rows["later"][lot & ~redressed].mean())

    return _mean(one)


@lru_cache(maxsize=64)
def mailing_effect(p: CompanyMarket) -> float:
    """What being sent a mailing does to a customer's purchases in its month."""
    if not p.mailing_to_purchase:
        return 0.0

    def one(seed: int) -> float:
        simulation, difference = _difference(_of(p), seed, campaign=0)
        rows = mailed(simulation.tables, difference, by_lot=True)
        sent = rows["sent"] > 0
        return float(rows["bought"][sent].mean() - rows["bought"][~sent].mean())

    return _mean(one)


# The theory ---------------------------------------------------------------------------------------------

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
                "branches over time": GroupTimeEffects(
                    "purchases", "branch", "period", "scheme", table="branch_months", until=8, base=3
                ),
                "members less others": LeastSquares(
                    "purchases ~ member", "member", table="eligible", covariance="HC1"
                ),
                "with past purchases": robust("purchases ~ member + before + tenure", "member", "eligible"),
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
                    "purchases", "branch", "period", "system", table="branch_months", until=11, base=6
                ),
                "branches side by side": LeastSquares(
                    "purchases ~ equipped", "equipped", table="branches_after"
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
                "letters by lot": TwoStageLeastSquares(
                    "purchases ~ spell + before + tenure",
                    "spell",
                    table="compared",
                    covariance="HC1",
                    endogenous=("spell",),
                    instruments=("encouraged",),
                ),
                "two channels less one": robust("purchases ~ second_channel", "second_channel", "compared"),
            },
        ),
        Hypothesis(
            "H4",
            "Redress of complaints raises later purchases",
            ">",
            truth=redress_effect,
            unit="purchases in half a year",
            estimators={
                "pilot by lot": robust("later ~ redressed + before", "redressed", "complaints_by_lot"),
                "redressed less others": robust("later ~ redressed", "redressed", "complaints_elsewhere"),
            },
        ),
        Hypothesis(
            "H5",
            "A mailing raises purchases",
            ">",
            truth=mailing_effect,
            unit="purchases in the mailing's month",
            estimators={
                "sent by lot": LeastSquares(
                    "bought ~ sent", "sent", table="mailed_by_lot", cluster="customer"
                ),
                "readers less others": LeastSquares(
                    "bought ~ read", "read", table="mailed_to_target", cluster="customer"
                ),
            },
        ),
    ],
    constructs={
        "founder": Construct("founder", "A customer who came in the company's first six months."),
        "spell": Construct(
            "time with two channels", "Share of the last year with the second channel at hand."
        ),
    },
    diagram=Diagram(
        nodes={
            "habit": (0.08, 0.5),
            "quality": (0.08, 0.95),
            "scheme": (0.4, 0.05),
            "channel": (0.4, 0.3),
            "mailing": (0.4, 0.55),
            "redress": (0.4, 0.8),
            "system": (0.4, 1.0),
            "satisfaction": (0.68, 0.85),
            "purchases": (0.92, 0.4),
        },
        arrows=[
            ("habit", "scheme"),
            ("habit", "channel"),
            ("habit", "mailing"),
            ("habit", "redress"),
            ("habit", "purchases"),
            ("quality", "system"),
            ("quality", "satisfaction"),
            ("system", "satisfaction"),
            ("redress", "satisfaction"),
            ("satisfaction", "scheme"),
            ("satisfaction", "purchases"),
            ("scheme", "purchases"),
            ("channel", "purchases"),
            ("mailing", "purchases"),
        ],
        latent=["habit", "quality", "satisfaction"],
    ),
)
