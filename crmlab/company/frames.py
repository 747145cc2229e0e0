"""Rows as analyses want them, made of a firm's tables alone.

Each function takes the tables of `Simulation.tables` (or of `parts.read_tables`) and returns a frame to
which estimators of `crmlab.estimators` are given; `only` wraps it as they want it. Only `posted_less_all`
looks at the truth.
"""

import numpy as np
import pandas as pd

from crmlab.company.histories import Array, Firm, Histories
from crmlab.company.tables import Simulation
from crmlab.design.cohort import Tables

AHEAD = 3  # months after an answer in which a customer buys again, or not


def only(frame: pd.DataFrame, name: str = "rows") -> Tables:
    """A frame as the only table of a cohort: categories as their numbers, truth values as 0 and 1."""
    columns = {}
    for each, values in frame.items():
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.cat.codes
        columns[str(each)] = np.asarray(values, dtype=float if values.dtype != np.int64 else np.int64)
    return Tables({name: columns})


def repeat_orders(tables: Firm, months: int) -> Array:
    """Orders after the first, by customer (in the order of the table ``customers``) and month.

    Returns
    -------
    array of shape (customers, months)
    """
    return Histories(tables, months).orders


def branch_months(tables: Firm, months: int, joined_before: int = 6) -> pd.DataFrame:
    """Mean repeat orders of a branch's early customers, by branch and month: for staggered starts (14).

    Parameters
    ----------
    tables : mapping of str to DataFrame
    months : int
    joined_before : int
        Only customers who joined before this month count, and only months from it on.

    Returns
    -------
    pandas.DataFrame
        branch_id, period (month + 1), start (period of the scheme's opening, 0 if never), system (that of the
        CRM system's), orders.
    """
    return pd.DataFrame(Histories(tables, months).branch_months(joined_before))


def answers_and_orders(tables: Firm, months: int) -> pd.DataFrame:
    """Survey answers, and who bought in the three months after: for rebuying on ratings (09).

    Returns
    -------
    pandas.DataFrame
        customer_id, month, the answers, bought (0 or 1), segment_1 and segment_2 (indicators of the second
        and third segment), and logs of one plus: past (orders so far), tenure (months), late (orders of three
        months).
    """
    surveys, known = tables["surveys"], Histories(tables, months)
    kept = surveys[surveys["month"] + AHEAD < months].drop(columns="date").reset_index(drop=True)
    row, month = known.rows(kept["customer_id"].to_numpy()), kept["month"].to_numpy(np.int64)
    until, segment = known.before[row, month + 1], known.segment[row]
    return kept.assign(
        bought=(known.before[row, month + 1 + AHEAD] > until) * 1.0,
        segment_1=(segment == 1) * 1.0,
        segment_2=(segment == 2) * 1.0,
        past=np.log1p(until),
        tenure=np.log1p(month + 1 - known.joined[row]),
        late=np.log1p(until - known.before[row, month - 2]),
    )


def mailings(tables: Firm, months: int, kind: str | None = None) -> pd.DataFrame:
    """Whom campaigns of a kind, or all of them, were sent to, and the orders of the month.

    Parameters
    ----------
    tables : mapping of str to DataFrame
    months : int
    kind : {"by lot", "targeted", "decided", "to all"}, optional

    Returns
    -------
    pandas.DataFrame
        customer_id, month, propensity, sent, read, orders, past (log of one plus the orders before).
    """
    of_kind = (
        None if kind is None else tables["campaigns"].loc[tables["campaigns"]["kind"] == kind, "campaign_id"]
    )
    return pd.DataFrame(Histories(tables, months).mailings(of_kind))


def members_and_others(tables: Firm, months: int, last: int = 12) -> pd.DataFrame:
    """Customers of branches with a scheme: whether they joined it, and their orders of the last months (14).

    Returns
    -------
    pandas.DataFrame
        customer_id, member (by the first of the last months), orders (a month), past (log of one plus the
        orders of the first nine months), segment_1, segment_2; customers who came in the first half year.
    """
    return pd.DataFrame(Histories(tables, months).members_and_others(last))


def letters(tables: Firm, months: int, sent: int = 18) -> pd.DataFrame:
    """The letters that praise the second channel, by lot, its use, and orders: for an instrument (17).

    Returns
    -------
    pandas.DataFrame
        customer_id, encouraged, use (share of the last year's months after taking up the channel), orders (a
        month of the last year), past and tenure (logs of one plus, at the time of the letters); customers who
        came before.
    """
    return pd.DataFrame(Histories(tables, months).letters(sent))


def redress(tables: Firm, months: int) -> pd.DataFrame:
    """Each customer's first complaint, whether it was redressed, and orders of the next six months (17).

    Returns
    -------
    pandas.DataFrame
        customer_id, redressed, by_lot (whether the branch decides by lot), orders.
    """
    return pd.DataFrame(Histories(tables, months).redress())


def staff_and_satisfaction(tables: Firm) -> pd.DataFrame:
    """Answers of customers in the months in which staff are asked, too: for the service-profit chain (16).

    Returns
    -------
    pandas.DataFrame
        customer_id, branch_id, month, satisfaction, job (mean job satisfaction of the branch's staff).
    """
    staff = tables["staff_surveys"].groupby(["branch_id", "month"], as_index=False)["job_satisfaction"].mean()
    known = Histories(tables, 0)
    branch = known.branch[known.rows(tables["surveys"]["customer_id"].to_numpy())]
    answers = tables["surveys"][["customer_id", "month", "satisfaction"]].assign(branch_id=branch)
    both = answers.merge(staff.rename(columns={"job_satisfaction": "job"}), on=["branch_id", "month"])
    return both[["customer_id", "branch_id", "month", "satisfaction", "job"]]


def posted_less_all(simulation: Simulation) -> tuple[float, float]:
    """Mean stars of reviews less those of all buyers, as the truth has them, and the error of it (17)."""
    months, stars = simulation.truth.months, simulation.tables["reviews"]["stars"]
    everybody = months["stars"].sum() / months["buyers"].sum()
    return float(stars.mean() - everybody), float(stars.std() / np.sqrt(len(stars)))
