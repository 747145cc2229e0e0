"""One company in which the theories meet: five decisions, each with the analysis that people make of it.

The market is `crmlab.company`: customers who buy, like, join, complain, answer and leave month by month, at
branches of different quality. The tables are the company's own, and the rows made of them on which
analysts compare (`crmlab.company.frames`).

There are no closed forms: an estimand is what the same customers would have done otherwise, with the same
luck (`crmlab.company.effects`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from crmlab.company import PRESETS, Company, CompanyParameters
from crmlab.company.analyses import ANALYSES
from crmlab.company.effects import COMPARED, EFFECTS, FAIR, MONTHS, gained, truth_of
from crmlab.company.histories import Columns, Histories
from crmlab.company.tables import Frames, Simulation
from crmlab.company.together import simulate_together
from crmlab.design import Cohort, Construct, Design, Diagram, Hypothesis, count
from crmlab.design.streams import Streams
from crmlab.estimators import GroupTimeEffects, LeastSquares

SYSTEM_FROM = 13  # period from which on branches are compared side by side
A_MONTH = "purchases a customer and month"
NO_TRAP = {"H2": "better branches get the system first, but in the trap nobody buys more for quality"}
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
    return Company(truth_of(p), customers=p.n_customers, months=MONTHS, seed=seed)


# The market ---------------------------------------------------------------------------------------------


def simulate_company(p: CompanyMarket, streams: Streams) -> Cohort:
    """A company: the rows on which analysts compare, its tables, and the truth.

    What analysts compare needs few columns; the whole company is drawn when somebody looks at its tables.
    """
    firm = company(p, streams.seed)
    return _cohort(firm, firm.lazily(COMPARED))


def simulate_companies(p: CompanyMarket, streams: Sequence[Streams]) -> list[Cohort]:
    """Companies as `simulate_company` draws them, side by side."""
    firms = [company(p, each.seed) for each in streams]
    return [_cohort(*both) for both in zip(firms, simulate_together(firms, COMPARED), strict=True)]


def _cohort(firm: Company, few: Simulation) -> Cohort:
    whole = firm.lazily()
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


def gains_of_the_counted(firm: Company) -> dict[str, float]:
    """What each decision did, in one company, to those whom the naive analysis counts, by hypothesis.

    Purchases of a member (H1), of a founder at a branch with the system (H2), of a year with two channels
    (H3), after a complaint that was redressed as the desk likes (H4), after a mailing that was read (H5).
    """
    branches = gained(firm, "crm", lambda known: _side_by_side(known.branch_months()))
    complaints = gained(firm, "recovery", Histories.redress).query("by_lot == 0")
    mails = gained(firm, "campaign", Histories.mailings).query("propensity != @FAIR")
    return {
        "H1": _per_unit(gained(firm, "membership", Histories.members_and_others), "member"),
        "H2": _per_unit(branches, "equipped"),
        "H3": _per_unit(gained(firm, "second_channel", Histories.letters), "use"),
        "H4": _per_unit(complaints, "redressed"),
        "H5": _per_unit(mails, "read"),
    }


def _per_unit(rows: pd.DataFrame, unit: str) -> float:
    return float(rows.loc[rows[unit] > 0, "orders"].sum() / rows[unit].sum())


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
    together=simulate_companies,
    hypotheses=[
        Hypothesis(
            "H1",
            "A loyalty scheme raises purchases",
            ">",
            truth=EFFECTS["scheme"],
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
            truth=EFFECTS["system"],
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
            truth=EFFECTS["channel"],
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
            truth=EFFECTS["redress"],
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
            truth=EFFECTS["mailing"],
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
            "segment": (0.03, 1.0),
            "quality": (0.19, 0.82),
            "habit": (0.03, 0.34),
            "system": (0.43, 0.81),
            "scheme": (0.49, 0.63),
            "redress": (0.66, 0.44),
            "mailing": (0.44, 0.22),
            "channel": (0.64, 0.0),
            "attitude": (0.82, 1.0),
            "purchases": (0.95, 0.34),
        },
        arrows=[
            ("segment", "habit"),
            ("segment", "attitude"),
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
