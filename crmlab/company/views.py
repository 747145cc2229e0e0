"""What analysts make of the company's tables: the rows on which they compare.

Months count from 0 in the company's tables and from 1 in `branch_months`, where 0 means never.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Tables = Mapping[str, pd.DataFrame]
Columns = dict[str, npt.NDArray[Any]]
Counts = npt.NDArray[np.float64]
FOUNDERS = 6  # months: who has come by then is followed in branches
KNOWN, WINDOW = 18, 24  # months: customers of before the letters; the window in which they are compared
HALF_A_YEAR = 6


def places(tables: Tables, of: pd.Series) -> npt.NDArray[np.intp]:
    """The rows of the table ``customers`` that these customer numbers belong to."""
    return pd.Index(tables["customers"]["customer_id"]).get_indexer(of)


def purchases_by_month(tables: Tables, months: int) -> Counts:
    """Orders of each customer in each month, the first one too; shape (customers, months)."""
    orders, n = tables["orders"], len(tables["customers"])
    cell = places(tables, orders["customer_id"]) * months + orders["month"].to_numpy()
    counts = np.bincount(cell.astype(np.intp, copy=False), minlength=n * months)
    return counts.reshape(n, months).astype(float)


def first_months(values: pd.Series) -> npt.NDArray[np.int64]:
    """Months in which something began as periods from 1; 0 where it never did."""
    return values.astype("Float64").add(1).fillna(0).to_numpy(dtype=np.int64)


def months_since(tables: Tables, table: str, column: str) -> Counts:
    """The month in which each customer joined or took up something; infinite where nobody knows of it."""
    since = np.full(len(tables["customers"]), np.inf)
    since[places(tables, tables[table]["customer_id"])] = tables[table][column]
    return since


def branch_months(tables: Tables, purchases: Counts) -> Columns:
    """A row a branch and month: purchases a founder of that branch, and when its scheme and system began.

    Founders came in the first `FOUNDERS` months. Whether they stay is part of what happens to them.
    """
    customers, branches = tables["customers"], tables["branches"]
    founder = customers["joined"].to_numpy() < FOUNDERS
    branch = customers["branch_id"].to_numpy()[founder].astype(np.intp)
    n, months = len(branches), purchases.shape[1]
    of_branch = np.zeros((n, months))
    np.add.at(of_branch, branch, purchases[founder])
    founders = np.bincount(branch, minlength=n)[:, None]
    row, month = (index.ravel() for index in np.indices((n, months)))
    return {
        "branch": row,
        "period": month + 1,
        "scheme": first_months(branches["scheme_since"])[row],
        "system": first_months(branches["crm_since"])[row],
        "purchases": (of_branch / np.maximum(founders, 1)).ravel(),
    }


def branches_after(rows: Columns, first: int) -> Columns:
    """A row a branch: mean monthly purchases from a period on, and whether its system had begun by then."""
    chosen = rows["period"] >= first
    branch = rows["branch"][chosen].astype(np.intp)
    many = np.bincount(branch)
    system = np.bincount(branch, rows["system"][chosen]) / many
    return {
        "equipped": ((system > 0) & (system <= first)) * 1.0,
        "purchases": np.bincount(branch, rows["purchases"][chosen]) / many,
    }


def known(tables: Tables) -> npt.NDArray[np.bool_]:
    """Which customers came before the letters."""
    return tables["customers"]["joined"].to_numpy() < KNOWN


def customers_compared(tables: Tables, purchases: Counts) -> Columns:
    """A row a customer who came before the letters: what he did before, has joined, and bought in the window.

    ``spell`` is the share of the window in which he had the second channel.
    """
    customers, months = tables["customers"], purchases.shape[1]
    early, joined = known(tables), customers["joined"].to_numpy()
    channel = months_since(tables, "channel_choices", "taken_up")[early]
    open_to = np.isfinite(_scheme_at(tables))[early]
    length = months - WINDOW
    return {
        "open_to_scheme": open_to * 1.0,
        "member": (months_since(tables, "members", "joined")[early] < WINDOW) * 1.0,
        "encouraged": customers["encouraged"].to_numpy()[early] * 1.0,
        "second_channel": (channel < WINDOW) * 1.0,
        "spell": np.clip(months - np.maximum(channel, WINDOW), 0, length) / length,
        "before": np.log1p(purchases[early, :KNOWN].sum(1)),
        "tenure": np.log(KNOWN - joined[early]),
        "purchases": purchases[early, WINDOW:].mean(1),
    }


def _scheme_at(tables: Tables) -> Counts:
    """The month in which the scheme opened at each customer's branch; infinite if it never did."""
    opened = tables["branches"]["scheme_since"].astype("Float64").to_numpy(dtype=float, na_value=np.inf)
    return opened[tables["customers"]["branch_id"].to_numpy().astype(np.intp)]


def first_complaints(tables: Tables, purchases: Counts) -> Columns:
    """A row a customer's first complaint that leaves half a year to look at."""
    months = purchases.shape[1]
    all_of_them = tables["complaints"].sort_values(["customer_id", "month"], kind="stable")
    complaints = all_of_them.drop_duplicates("customer_id")
    complaints = complaints[complaints["month"] < months - HALF_A_YEAR]
    row, month = places(tables, complaints["customer_id"]), complaints["month"].to_numpy().astype(int)
    so_far = np.cumsum(np.pad(purchases, ((0, 0), (1, 0))), axis=1)
    lot = tables["branches"]["redress_by_lot"].to_numpy()[complaints["branch_id"].to_numpy().astype(np.intp)]
    return {
        "by_lot": lot * 1.0,
        "redressed": complaints["redressed"].to_numpy() * 1.0,
        "before": so_far[row, month + 1] - so_far[row, np.maximum(month + 1 - HALF_A_YEAR, 0)],
        "later": so_far[row, month + 1 + HALF_A_YEAR] - so_far[row, month + 1],
    }


def mailed(tables: Tables, purchases: Counts, by_lot: bool) -> Columns:
    """A row a customer in the books and mailing, sent or not: purchases in its month.

    Parameters
    ----------
    by_lot : bool
        The mailings of which everybody had the same chance of one half, or the others.
    """
    exposures = tables["exposures"]
    chance = exposures.groupby("campaign_id")["propensity"].transform(lambda one: (one == 0.5).all())
    rows = exposures[chance.to_numpy(dtype=bool) == by_lot]
    row = places(tables, rows["customer_id"])
    return {
        "customer": row,
        "sent": rows["sent"].to_numpy() * 1.0,
        "read": rows["read"].to_numpy() * 1.0,
        "bought": purchases[row, rows["month"].to_numpy().astype(int)],
    }
