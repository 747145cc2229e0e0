"""Columns of a row a customer, made of a firm's tables: a function for each meaning.

Each takes a `Base` and the customers, and returns a value a customer, NaN where it has none. It tells what it
did, and raises `NotThere` where the tables do not hold what it needs.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from crmlab.analysis.firm.base import Base, NotThere, day, some
from crmlab.words.saying import said

BEST = 0.2  # of buyers: the tier at the top in lesson 12
DAYS_A_MONTH = 365.25 / 12
Column = pd.Series


def _sum(base: Base, who: pd.Index, window: str) -> Column:
    base.need("log", "amount")
    found = base.purchases(*base.rules.window(window))
    lacking = found["amount"].isna()
    if lacking.any():
        base.tell("firm.no_amount", rows=int(lacking.sum()), some=some(found.index[lacking]))
    return found.groupby("customer_id")["amount"].sum().reindex(who, fill_value=0.0).round(6)


def spent(base: Base, who: pd.Index, name: str, window: str) -> Column:
    """What each customer paid in a window: amounts less refunds and returns; 0 where nothing was bought."""
    values = _sum(base, who, window)
    base.tell("firm.spent", name=name, **base.span(window))
    return values


def bought(base: Base, who: pd.Index, name: str, window: str) -> Column:
    """1 for those with a purchase in a window."""
    found = base.purchases(*base.rules.window(window))
    base.tell("firm.bought", name=name, **base.span(window))
    return pd.Series(who.isin(found["customer_id"]) * 1, who)


def log_orders(base: Base, who: pd.Index, name: str, window: str) -> Column:
    """The logarithm of the number of purchases in a window; empty for who made none."""
    counts = base.purchases(*base.rules.window(window)).groupby("customer_id").size().reindex(who)
    base.tell("firm.log_orders", name=name, **base.span(window))
    return np.log(counts)


def veteran(base: Base, who: pd.Index, name: str) -> Column:
    """1 for customers known for so many months or more on the day of the survey."""
    base.need("customers", "created")
    edge = base.rules.later(base.rules.start, -base.rules.values["veteran_after"])
    base.tell("firm.veteran", name=name, day=day(edge))
    known = base.firm.known.reindex(who)
    return ((known < edge) * 1.0).where(known.notna())


def contribution(base: Base, who: pd.Index, name: str, window: str) -> Column:
    """What each customer's purchases of a year brought: what was paid, times the margin that was said."""
    margin = base.rules.values["margin"]
    if margin is None:
        raise NotThere(said("firm.say_margin"))
    values = margin * _sum(base, who, window)
    base.tell("firm.contribution", name=name, margin=margin, **base.span(window))
    return values


def constant(base: Base, who: pd.Index, name: str, rule: str) -> Column:
    """A number that was said, the same for all."""
    value = base.rules.values[rule]
    if value is None:
        raise NotThere(said("firm.say_rule", name=name, rule=rule))
    base.tell("firm.constant", name=name, value=value)
    return pd.Series(float(value), who)


def _best(base: Base, who: pd.Index, window: str) -> tuple[np.ndarray, np.ndarray]:
    """Which customers paid anything in a window, and which of them are the best fifth."""
    values = _sum(base, who, window).to_numpy()
    rank = np.empty(len(values))
    rank[np.argsort(-values, kind="stable")] = np.arange(len(values))
    buyers = values > 0
    return buyers, rank < np.rint(BEST * buyers.sum())


def best(base: Base, who: pd.Index, name: str, window: str) -> Column:
    """1 for the best fifth of a year's buyers, by what they paid."""
    _, chosen = _best(base, who, window)
    base.tell("firm.best", name=name)
    return pd.Series(chosen * 1.0, who)


def even(base: Base, who: pd.Index, name: str, window: str) -> Column:
    """The share of the best fifth's places that each buyer gets if they are spread evenly; 0 for others."""
    buyers, chosen = _best(base, who, window)
    base.tell("firm.even", name=name)
    return pd.Series(buyers * chosen.sum() / max(buyers.sum(), 1), who)


def referred(base: Base, who: pd.Index, name: str) -> Column:
    """1 where the record names a customer who referred this one."""
    base.need("customers", "referrer_id")
    base.tell("firm.referred", name=name)
    table = base.firm.others["customers"].set_index("id")["referrer_id"]
    return table.reindex(who).notna() * 1.0


def _ended(base: Base, who: pd.Index) -> Column:
    """The day on which each customer left, NaT for who did not before the tables end."""
    if "ended" not in base.joined:
        raise NotThere(said("firm.no_ended"))
    ended = base.joined["ended"].reindex(who)
    return ended.where(ended < base.rules.until)


def left(base: Base, who: pd.Index, name: str) -> Column:
    """1 for who had left before the tables end, by the day in a joined file."""
    base.tell("firm.left", name=name, last=base.last)
    return _ended(base, who).notna() * 1.0


def tenure(base: Base, who: pd.Index, name: str) -> Column:
    """Months from when a customer is known to when he left, or the tables end."""
    base.need("customers", "created")
    end = _ended(base, who).fillna(base.rules.until)
    base.tell("firm.tenure", name=name, last=base.last)
    return (end - base.firm.known.reindex(who)).dt.total_seconds() / 86_400 / DAYS_A_MONTH


def tenure_at_entry(base: Base, who: pd.Index, name: str) -> Column:
    """Months for which a customer was known when the records began; 0 for who came later."""
    base.need("customers", "created")
    begin = base.rules.values["records_begin"] or base.rules.since
    base.tell("firm.tenure_at_entry", name=name, first=day(begin))
    before = (begin - base.firm.known.reindex(who)).dt.total_seconds() / 86_400 / DAYS_A_MONTH
    return before.clip(lower=0)


def _complaints(base: Base, window: str) -> pd.DataFrame:
    for column in ("opened", "type"):
        base.need("cases", column)
    first, last = base.rules.window(window)
    cases, types = base.firm.others["cases"], base.rules.values["complaint"]
    plain = {each.casefold() for each in types}
    found = cases[cases["type"].fillna("").str.casefold().isin(plain)]
    if not len(found):
        held = some(dict.fromkeys(cases["type"].dropna()))
        raise NotThere(said("firm.no_complaint", types=some(types), held=held))
    return found[(found["opened"] >= first) & (found["opened"] < last)]


def complained(base: Base, who: pd.Index, name: str, window: str) -> Column:
    """1 for who opened a case of the types that are complaints in a window."""
    found = _complaints(base, window)
    base.tell("firm.complained", name=name, types=some(base.rules.values["complaint"]))
    return pd.Series(who.isin(found["customer_id"]) * 1.0, who)


def redressed(base: Base, who: pd.Index, name: str, window: str) -> Column:
    """1 for who has a complaint of a window in a status that was said to mean redress."""
    found = _complaints(base, window)
    base.need("cases", "status")
    statuses = base.rules.values["redressed"]
    held = some(dict.fromkeys(base.firm.others["cases"]["status"].dropna()))
    if statuses is None:
        raise NotThere(said("firm.say_redressed", held=held))
    plain = {each.casefold() for each in statuses}
    granted = found[found["status"].fillna("").str.casefold().isin(plain)]
    if not len(granted):
        raise NotThere(said("firm.no_redressed", statuses=some(statuses), held=held))
    base.tell("firm.redressed", name=name, statuses=some(statuses))
    return pd.Series(who.isin(granted["customer_id"]) * 1.0, who)


COLUMNS: dict[str, Callable[..., Column]] = {
    each.__name__: each
    for each in (
        spent, bought, log_orders, veteran, contribution, constant, best, even, referred, left, tenure,
        tenure_at_entry, complained, redressed,
    )
}  # fmt: skip
