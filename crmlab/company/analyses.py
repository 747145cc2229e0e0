"""The lessons' analyses of a firm's tables, naive and sound, by what they ask about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crmlab.company.frames import (
    Firm,
    answers_and_orders,
    branch_months,
    letters,
    mailings,
    members_and_others,
    only,
    redress,
)
from crmlab.design import Estimate
from crmlab.estimators import GroupTimeEffects, LeastSquares, TwoStageLeastSquares, Within

CONFOUNDERS = "segment_1 + segment_2 + switching_cost + alternatives + past + tenure + late"


@dataclass(frozen=True)
class Analysis:
    """A frame made of a firm's tables, and what is estimated from it.

    Parameters
    ----------
    lesson : str
        Where it is taught.
    frame : function
        ``frame(tables, months)`` returns the rows.
    estimator : Estimator
    naive : bool
        Whether it takes what selects customers for what moves them.
    """

    lesson: str
    frame: Callable[[Firm, int], pd.DataFrame]
    estimator: Any
    naive: bool = False

    def __call__(self, tables: Firm, months: int) -> Estimate:
        """The estimate from the tables of so many months."""
        return self.estimator(only(self.frame(tables, months)))


def _by_lot(tables: Firm, months: int) -> pd.DataFrame:
    return redress(tables, months).query("by_lot == 1")


def _by_liking(tables: Firm, months: int) -> pd.DataFrame:
    return redress(tables, months).query("by_lot == 0")


def _mailed_by_lot(tables: Firm, months: int) -> pd.DataFrame:
    return mailings(tables, months, "by lot")


def _mailed_by_habit(tables: Firm, months: int) -> pd.DataFrame:
    return mailings(tables, months, "targeted")


def _slope(outcome: str, cause: str, *others: str, cluster: str | None = None) -> LeastSquares:
    formula = f"{outcome} ~ {' + '.join((cause, *others))}"
    return LeastSquares(formula, cause, cluster=cluster, covariance="nonrobust" if cluster else "HC1")


ANALYSES = {
    "members − others": Analysis("14", members_and_others, _slope("orders", "member"), naive=True),
    "members − others, adjusted": Analysis(
        "14",
        members_and_others,
        _slope("orders", "member", "past", "segment_1", "segment_2"),
        naive=True,
    ),
    "staggered openings": Analysis(
        "14",
        branch_months,
        GroupTimeEffects("orders", "branch_id", "period", "start", until=8, base=3),
    ),
    "rebuying on rating": Analysis(
        "09",
        answers_and_orders,
        _slope("bought", "satisfaction", cluster="customer_id"),
        naive=True,
    ),
    "rebuying on rating, adjusted": Analysis(
        "09", answers_and_orders, _slope("bought", "satisfaction", CONFOUNDERS, cluster="customer_id")
    ),
    "rebuying on rating, customers' own means": Analysis(
        "09",
        answers_and_orders,
        Within("bought ~ satisfaction + month", "satisfaction", unit="customer_id"),
    ),
    "two channels − one": Analysis("17", letters, _slope("orders", "use"), naive=True),
    "letters by lot": Analysis(
        "17",
        letters,
        TwoStageLeastSquares(
            "orders ~ use + past + tenure",
            "use",
            endogenous=("use",),
            instruments=("encouraged",),
            covariance="HC1",
        ),
    ),
    "redressed − not": Analysis("17", _by_liking, _slope("orders", "redressed"), naive=True),
    "redress by lot": Analysis("17", _by_lot, _slope("orders", "redressed")),
    "mailed − not": Analysis(
        "18", _mailed_by_habit, _slope("orders", "sent", cluster="customer_id"), naive=True
    ),
    "mailing by lot": Analysis("18", _mailed_by_lot, _slope("orders", "sent", cluster="customer_id")),
}
