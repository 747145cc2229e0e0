"""Rows as analyses want them, made of a firm's tables alone.

Each function takes the tables of `Simulation.tables` (or of `parts.read_tables`) and returns a frame to
which estimators of `crmlab.estimators` are given; `only` wraps it as they want it. Only `posted_less_all`
looks at the truth.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.company.customers import SEGMENTS
from crmlab.company.tables import Simulation
from crmlab.design.cohort import Tables
from crmlab.errors import InputError

Array = npt.NDArray[np.float64]
Firm = Mapping[str, pd.DataFrame]
AHEAD = 3  # months after an answer in which a customer buys again, or not
AFTER_REDRESS = 6  # months after a complaint


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
    orders, customers = tables["orders"], tables["customers"]
    row = _rows(customers, orders["customer_id"])
    again = orders["time"].to_numpy() > customers["joined"].to_numpy()[row]
    cell = row[again] * months + orders["month"].to_numpy(np.intp)[again]
    return np.bincount(cell, minlength=len(customers) * months).reshape(len(customers), months).astype(float)


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
    customers, branches = tables["customers"], tables["branches"]
    early = customers["joined"].to_numpy() < joined_before
    branch = customers["branch_id"].to_numpy(np.intp)[early]
    size = len(branches)
    sums = np.zeros((size, months))
    np.add.at(sums, branch, repeat_orders(tables, months)[early])
    means = sums / np.maximum(np.bincount(branch, minlength=size), 1)[:, None]
    since, system = (branches[each].fillna(-1).to_numpy(np.int64) for each in ("scheme_since", "crm_since"))
    kept = np.arange(joined_before, months)
    return pd.DataFrame(
        {
            "branch_id": np.repeat(np.arange(size), kept.size),
            "period": np.tile(kept + 1, size),
            "start": np.repeat(since + 1, kept.size),
            "system": np.repeat(system + 1, kept.size),
            "orders": means[:, kept].ravel(),
        }
    )


def answers_and_orders(tables: Firm, months: int) -> pd.DataFrame:
    """Survey answers, and who bought in the three months after: for rebuying on ratings (09).

    Returns
    -------
    pandas.DataFrame
        customer_id, month, the answers, bought (0 or 1), segment_1 and segment_2 (indicators of the second
        and third segment), and logs of one plus: past (orders so far), tenure (months), late (orders of three
        months).
    """
    surveys, customers = tables["surveys"], tables["customers"]
    kept = surveys[surveys["month"] + AHEAD < months].drop(columns="date").reset_index(drop=True)
    row, month = _rows(customers, kept["customer_id"]), kept["month"].to_numpy(np.int64)
    sums = np.pad(repeat_orders(tables, months).cumsum(1), ((0, 0), (1, 0)))
    until = sums[row, month + 1]
    segment = _segments(customers)[row]
    return kept.assign(
        bought=(sums[row, month + 1 + AHEAD] > until) * 1.0,
        segment_1=(segment == 1) * 1.0,
        segment_2=(segment == 2) * 1.0,
        past=np.log1p(until),
        tenure=np.log1p(month + 1 - customers["joined"].to_numpy()[row]),
        late=np.log1p(until - sums[row, month - 2]),
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
    campaigns = tables["campaigns"]
    known = campaigns.loc[(campaigns["kind"] == kind) | (kind is None), "campaign_id"]
    exposures = tables["exposures"]
    kept = exposures[exposures["campaign_id"].isin(known)]
    row, month = _rows(tables["customers"], kept["customer_id"]), kept["month"].to_numpy(np.int64)
    orders = repeat_orders(tables, months)
    before = np.pad(orders.cumsum(1), ((0, 0), (1, 0)))[row, month]
    return kept[["customer_id", "month", "propensity"]].assign(
        sent=kept["sent"] * 1.0, read=kept["read"] * 1.0, orders=orders[row, month], past=np.log1p(before)
    )


def members_and_others(tables: Firm, months: int, last: int = 12) -> pd.DataFrame:
    """Customers of branches with a scheme: whether they joined it, and their orders of the last months (14).

    Returns
    -------
    pandas.DataFrame
        customer_id, member (by the first of the last months), orders (a month), past (log of one plus the
        orders of the first nine months), segment_1, segment_2; customers who came in the first half year.
    """
    customers, members = tables["customers"], tables["members"]
    open_branches = tables["branches"].loc[tables["branches"]["scheme_since"] < months - last, "branch_id"]
    joined = members.loc[members["joined"] < months - last, "customer_id"]
    orders = repeat_orders(tables, months)
    frame = pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "member": customers["customer_id"].isin(joined) * 1.0,
            "orders": orders[:, -last:].mean(1),
            "past": np.log1p(orders[:, :9].sum(1)),
            "segment_1": (_segments(customers) == 1) * 1.0,
            "segment_2": (_segments(customers) == 2) * 1.0,
        }
    )
    return frame[(customers["joined"] < 6) & customers["branch_id"].isin(open_branches)]


def letters(tables: Firm, months: int, sent: int = 18) -> pd.DataFrame:
    """The letters that praise the second channel, by lot, its use, and orders: for an instrument (17).

    Returns
    -------
    pandas.DataFrame
        customer_id, encouraged, use (share of the last year's months after taking up the channel), orders (a
        month of the last year), past and tenure (logs of one plus, at the time of the letters); customers who
        came before.
    """
    customers, choices = tables["customers"], tables["channel_choices"]
    taken = choices.set_index("customer_id")["taken_up"].reindex(customers["customer_id"]).fillna(months)
    orders = repeat_orders(tables, months)
    joined = customers["joined"].to_numpy()
    frame = pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "encouraged": customers["encouraged"] * 1.0,
            "use": np.clip(months - taken.to_numpy(), 0, 12) / 12,
            "orders": orders[:, -12:].mean(1),
            "past": np.log1p(orders[:, :sent].sum(1)),
            "tenure": np.log1p(np.maximum(sent - joined, 0)),
        }
    )
    return frame[joined < sent]


def redress(tables: Firm, months: int) -> pd.DataFrame:
    """Each customer's first complaint, whether it was redressed, and orders of the next six months (17).

    Returns
    -------
    pandas.DataFrame
        customer_id, redressed, by_lot (whether the branch decides by lot), orders.
    """
    complaints, customers = tables["complaints"], tables["customers"]
    first = complaints.sort_values("month", kind="stable").drop_duplicates("customer_id")
    first = first[first["month"] + AFTER_REDRESS < months]
    row, month = _rows(customers, first["customer_id"]), first["month"].to_numpy(np.int64)
    sums = np.pad(repeat_orders(tables, months).cumsum(1), ((0, 0), (1, 0)))
    lots = tables["branches"].set_index("branch_id")["redress_by_lot"].reindex(first["branch_id"])
    return pd.DataFrame(
        {
            "customer_id": first["customer_id"].to_numpy(),
            "redressed": first["redressed"].to_numpy() * 1.0,
            "by_lot": lots.to_numpy() * 1.0,
            "orders": sums[row, month + 1 + AFTER_REDRESS] - sums[row, month + 1],
        }
    )


def staff_and_satisfaction(tables: Firm) -> pd.DataFrame:
    """Answers of customers in the months in which staff are asked, too: for the service-profit chain (16).

    Returns
    -------
    pandas.DataFrame
        customer_id, branch_id, month, satisfaction, job (mean job satisfaction of the branch's staff).
    """
    staff = tables["staff_surveys"].groupby(["branch_id", "month"], as_index=False)["job_satisfaction"].mean()
    row = _rows(tables["customers"], tables["surveys"]["customer_id"])
    branch = tables["customers"]["branch_id"].to_numpy(np.int64)[row]
    answers = tables["surveys"][["customer_id", "month", "satisfaction"]].assign(branch_id=branch)
    both = answers.merge(staff.rename(columns={"job_satisfaction": "job"}), on=["branch_id", "month"])
    return both[["customer_id", "branch_id", "month", "satisfaction", "job"]]


def posted_less_all(simulation: Simulation) -> tuple[float, float]:
    """Mean stars of reviews less those of all buyers, as the truth has them, and the error of it (17)."""
    months, stars = simulation.truth.months, simulation.tables["reviews"]["stars"]
    everybody = months["stars"].sum() / months["buyers"].sum()
    return float(stars.mean() - everybody), float(stars.std() / np.sqrt(len(stars)))


def _segments(customers: pd.DataFrame) -> npt.NDArray[np.int8]:
    """Segments as numbers from 0, whether they were kept as categories or read back as words."""
    return pd.Categorical(customers["segment"], SEGMENTS).codes


def _rows(customers: pd.DataFrame, numbers: pd.Series) -> npt.NDArray[np.intp]:
    """Rows of customers in their table, which is in the order of their numbers."""
    known, wanted = customers["customer_id"].to_numpy(), numbers.to_numpy()
    row = np.searchsorted(known, wanted)
    found = np.minimum(row, len(known) - 1)
    if not np.array_equal(known[found], wanted):
        missing = wanted[known[found] != wanted]
        raise InputError(f"{missing.size} rows are of customers who are not in the table customers; add them")
    return row
