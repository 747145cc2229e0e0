"""Samples whose rows are purchases, branches or months, made of a firm's tables.

Each function returns the sample's columns; the index names the rows in messages.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.analysis.firm.base import Base, NotThere, day, months_of, some, whole_months
from crmlab.data import customer_summary
from crmlab.words.saying import said

HOLDOUT = 39  # weeks, in lesson 11
DAYS_A_YEAR = 365.25
EARLIER, BEFORE, WINDOW, FRESH_ORDERS, HEAVY = 12, 3, 6, 3, 12  # of lesson 14: months, orders
QUARTERS = 8  # of lesson 18


# Lesson 11 ----------------------------------------------------------------------------------------------


def summary(base: Base) -> pd.DataFrame:
    """A row a customer who had bought by the end of calibration: what `customer_summary` says, in weeks."""
    end = base.rules.until - pd.Timedelta(days=1)
    calibration = end - pd.Timedelta(weeks=HOLDOUT)
    log = _until(base)
    if not (log["date"] < calibration + pd.Timedelta(days=1)).any():
        raise NotThere(said("firm.short_log", weeks=HOLDOUT))
    found = customer_summary(log, amount=None, observation_end=end, calibration_end=calibration)
    base.tell("firm.summary", calibration=day(calibration), last=day(end), weeks=HOLDOUT)
    fresh = found["T"] == 0
    if fresh.any():
        base.tell("firm.fresh", rows=int(fresh.sum()), some=some(found.index[fresh]))
    found = (
        found[~fresh].rename(columns={"frequency_holdout": "holdout_purchases"}).rename_axis("customer_id")
    )
    return found[["frequency", "recency", "T", "holdout_purchases"]]


def _until(base: Base) -> pd.DataFrame:
    return base.firm.log[base.firm.log["date"] < base.rules.until]


def purchases(base: Base) -> pd.DataFrame:
    """A row a purchase for which something was paid: the customer, years since the first one, the amount."""
    base.need("log", "amount")
    log = _until(base)
    first = log.groupby("customer_id")["date"].transform("min")
    free = ~(log["amount"] > 0)
    if free.any():
        base.tell("firm.free", rows=int(free.sum()), some=some(log.index[free]))
    years = (log["date"] - first).dt.total_seconds() / 86_400 / DAYS_A_YEAR
    table = pd.DataFrame({"customer": log["customer_id"], "tenure": years, "amount": log["amount"]})
    base.tell("firm.purchases", last=base.last)
    return table[~free]


# Lesson 14 ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Panel:
    """Customers of branches over months.

    Attributes
    ----------
    who : Index
        Customers, in the order of their branches.
    branch : array of str, shape (customers,)
    opens : array of int, shape (customers,)
        The month in which each one's branch opened the membership, 1 the first; 0 never.
    earlier : array of int, shape (customers,)
        Purchases in the year before the first month.
    bought, age : array of int, shape (months, customers)
        Purchases; months since joining, negative before and for ever of who did not join.
    """

    who: pd.Index
    branch: np.ndarray
    opens: np.ndarray
    earlier: np.ndarray
    bought: np.ndarray
    age: np.ndarray

    @property
    def months(self) -> int:
        """How many months."""
        return len(self.bought)


def panel(base: Base) -> Panel:
    """Customers of branches over the months from `start` on, and the branches that can be compared.

    A branch opens with its first member, or on the day in a joined file. Kept are branches that never opened,
    and those that were seen for `BEFORE` months before they did and for `WINDOW` from then on.
    """
    for table, column in (("customers", "branch"), ("members", "joined")):
        base.need(table, column)
    months = whole_months(base.rules.start, base.rules.until)
    if months < BEFORE + WINDOW:
        raise NotThere(said("firm.few_months", months=months, least=BEFORE + WINDOW + EARLIER))
    who = base.customers(base.rules.start)
    branch = base.firm.others["customers"].set_index("id")["branch"].reindex(who)
    if branch.isna().any():
        base.tell("firm.no_branch", rows=int(branch.isna().sum()), some=some(who[branch.isna()]))
    branch = branch.dropna().sort_values(kind="stable")
    joined = _joined_month(base, months)
    opens = _opened(base, branch, joined, months)
    branch = branch[branch.isin(opens.index)]
    if not len(branch) or not (opens > 0).any():
        raise NotThere(said("firm.no_opening", before=BEFORE, window=WINDOW))
    return _panel(base, branch, opens, joined, months)


def _joined_month(base: Base, months: int) -> pd.Series:
    """The month in which each member joined: 1 the first, 0 or less before it."""
    members = base.firm.others["members"]
    undated = members["joined"].isna()
    if undated.any():
        who = some(members.loc[undated, "customer_id"])
        base.tell("firm.undated_members", rows=int(undated.sum()), some=who)
    first = members[~undated].groupby("customer_id")["joined"].min()
    first = first[first < base.rules.until]
    return _month(base, first, months)


def _month(base: Base, moments: pd.Series, months: int) -> pd.Series:
    edges = months_of(base.rules.start, 0, months)
    at = np.searchsorted(edges, moments.to_numpy("datetime64[us]"), side="right")
    return pd.Series(at, moments.index)


def _opened(base: Base, branch: pd.Series, joined: pd.Series, months: int) -> pd.Series:
    """By branch the month of its opening, 0 for never, without those that cannot be compared."""
    if "opens" in base.joined:
        given = base.joined["opens"].reindex(branch.unique()).dropna()
        opens = _month(base, given[given < base.rules.until], months)
        base.tell("firm.opens_given")
    else:
        home = base.firm.others["customers"].set_index("id")["branch"].reindex(joined.index)
        opens = joined.groupby(home).min()
        base.tell("firm.opens_first")
    every = opens.reindex(sorted(branch.unique()), fill_value=-1)
    bad = (every >= 0) & ~every.between(BEFORE + 1, months - WINDOW + 1)
    if bad.any():
        facts = {"rows": int(bad.sum()), "some": some(every.index[bad])}
        base.tell("firm.branches_out", before=BEFORE, window=WINDOW, **facts)
    return every[~bad].replace(-1, 0)


def _panel(base: Base, branch: pd.Series, opens: pd.Series, joined: pd.Series, months: int) -> Panel:
    who, start = branch.index, base.rules.start
    earlier = base.purchases(base.rules.later(start, -EARLIER), start)
    log = base.purchases(start, base.rules.later(start, months))
    log = log[log["customer_id"].isin(who)]
    bought = np.zeros((months, len(who)), int)
    month = _month(base, log["date"], months).to_numpy() - 1
    np.add.at(bought, (month, who.get_indexer(log["customer_id"])), 1)
    since = joined.reindex(who, fill_value=months + 1).to_numpy()
    age = np.arange(1, months + 1)[:, None] - since
    counts = earlier.groupby("customer_id").size().reindex(who, fill_value=0).to_numpy()
    last = day(base.rules.later(start, months) - pd.Timedelta(days=1))
    base.tell("firm.panel", months=months, first=day(start), last=last, customers=len(who))
    return Panel(who, branch.to_numpy(), opens.reindex(branch).to_numpy(int), counts, bought, age)


def branch_months(base: Base) -> pd.DataFrame:
    """A row a branch and month: purchases and members a customer of the branch, heavy and light buyers."""
    held = panel(base)
    names, at = np.unique(held.branch, return_inverse=True)
    sizes, heavy, member = np.bincount(at), held.earlier >= HEAVY, held.age > 0

    def means(values: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(at, row) / sizes for row in values * 1.0]).ravel()

    opens = held.opens[np.unique(at, return_index=True)[1]]
    month = np.repeat(np.arange(1, held.months + 1), len(names))
    since = np.where(np.tile(opens, held.months) > 0, month - np.tile(opens, held.months), -1)
    columns = {
        "branch": np.tile(names, held.months),
        "month": month,
        "opens": np.tile(opens, held.months),
        "inside": ((since >= 0) & (since < WINDOW)) * 1,
        "purchases": means(held.bought),
        "members": means(member),
        "member_purchases": means(held.bought * member),
        "heavy_purchases": means(held.bought * heavy),
        "heavy_member_purchases": means(held.bought * (member & heavy)),
        "light_purchases": means(held.bought * ~heavy),
        "light_member_purchases": means(held.bought * (member & ~heavy)),
    }
    base.tell("firm.branch_months", heavy=HEAVY, first=day(base.rules.later(base.rules.start, -EARLIER)))
    table = pd.DataFrame(columns)
    return table.set_axis([f"{one}, {two}" for one, two in zip(table["branch"], month)])


def customer_months(base: Base) -> pd.DataFrame:
    """A row a customer and month: purchases, and 1 from the month of joining on."""
    held = panel(base)
    month = np.repeat(np.arange(1, held.months + 1), len(held.who))
    who = np.tile(held.who.to_numpy(), held.months)
    columns = {
        "customer": who,
        "branch": np.tile(held.branch, held.months),
        "month": month,
        "purchases": held.bought.ravel(),
        "joined": (held.age >= 0).ravel() * 1,
    }
    return pd.DataFrame(columns, index=[f"{one}, {two}" for one, two in zip(who, month)])


def offered(base: Base) -> pd.DataFrame:
    """A row a customer of a branch that opened: the year and quarter before, the six months after."""
    held = panel(base)
    kept = np.flatnonzero(held.opens > 0)

    def around(values: np.ndarray, first: int, last: int) -> np.ndarray:
        rows = held.opens[kept] - 1 + np.arange(first, last + 1)[:, None]
        return values[rows, kept]

    bought, member = around(held.bought, 0, WINDOW - 1), around(held.age > 0, 0, WINDOW - 1)
    months, lately = member.sum(0), around(held.bought, -BEFORE, -1).sum(0)
    columns = {
        "branch": held.branch[kept],
        "earlier_orders": held.earlier[kept],
        "before": lately / BEFORE,
        "heavy_lately": ((lately >= FRESH_ORDERS) & (months > 0)) * 1,
        "light_lately": ((lately < FRESH_ORDERS) & (months > 0)) * 1,
        "purchases": bought.mean(0),
        "joined": around(held.age >= 0, 0, WINDOW - 1).any(0) * 1,
        "as_member": (bought * member).sum(0) / np.maximum(months, 1),
    }
    return pd.DataFrame(columns, index=held.who[kept].rename("customer_id"))


# Lesson 18 ----------------------------------------------------------------------------------------------


def branch_quarters(base: Base) -> pd.DataFrame:
    """A row a branch and quarter: sales in standard deviations of branches, and the quarter of the start.

    The standard deviation is that between branches of their mean sales before the first of them starts.
    """
    base.need("customers", "branch")
    base.need("log", "amount")
    if "start" not in base.joined:
        raise NotThere(said("firm.no_start"))
    first = base.rules.later(base.rules.until, -3 * QUARTERS)
    log = base.purchases(first, base.rules.until)
    home = base.firm.others["customers"].set_index("id")["branch"]
    edges = months_of(first, 0, 3 * QUARTERS)[::3]
    quarter = np.searchsorted(edges, log["date"].to_numpy("datetime64[us]"), side="right")
    wide = log["amount"].groupby([log["customer_id"].map(home), quarter]).sum().unstack(fill_value=0.0)
    wide = wide.reindex(index=sorted(home.dropna().unique()), columns=range(1, QUARTERS + 1), fill_value=0.0)
    wide = wide[wide.index.isin(base.joined["start"].index)]
    given = base.joined["start"].reindex(wide.index)
    given = given.where(given < base.rules.until)
    start = pd.Series(np.searchsorted(edges, given.fillna(base.rules.until), side="right"), wide.index)
    early = (start == 0) | (start == 1)
    start = start.where(given.notna(), 0)
    early &= given.notna()
    if early.any():
        base.tell(
            "firm.early_branches", rows=int(early.sum()), some=some(wide.index[early]), first=day(first)
        )
    wide, start = wide[~early], start[~early]
    return _standard(base, wide, start, first)


def _standard(base: Base, wide: pd.DataFrame, start: pd.Series, first: pd.Timestamp) -> pd.DataFrame:
    begun = int(start[start > 0].min()) if (start > 0).any() else QUARTERS + 1
    level = wide[range(1, begun)].mean(axis=1)
    spread = float(level.std())
    if not spread > 0:
        raise NotThere(said("firm.branches_alike"))
    names = wide.index.to_numpy()
    base.tell("firm.quarters", first=day(first), last=base.last, mean=float(level.mean()), spread=spread)
    table = pd.DataFrame(
        {
            "branch": np.repeat(names, QUARTERS),
            "quarter": np.tile(np.arange(1, QUARTERS + 1), len(names)),
            "start": np.repeat(start.to_numpy(), QUARTERS),
            "sales": ((wide - level.mean()) / spread).to_numpy().ravel(),
        }
    )
    labels = [f"{one}, {two}" for one, two in zip(table["branch"], table["quarter"])]
    return table.set_axis(labels)


PANELS: dict[str, Callable[[Base], pd.DataFrame]] = {
    each.__name__: each
    for each in (summary, purchases, branch_months, customer_months, offered, branch_quarters)
}
