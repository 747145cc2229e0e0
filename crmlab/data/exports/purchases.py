"""The transaction log of an export: which records are purchases, and what was paid for them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from crmlab.data.exports.audit import TableAudit, counted, places, shortened, where
from crmlab.data.exports.cards import Card
from crmlab.data.exports.settings import Settings
from crmlab.data.exports.tables import STATE
from crmlab.errors import InputError, listing, option
from crmlab.words import words

TIMES = {"orders": "time", "deals": "closed"}
LABELS = {"orders": "status", "deals": "stage"}


@dataclass(frozen=True)
class Purchases:
    """A transaction log and where it comes from.

    Attributes
    ----------
    table : pandas.DataFrame
        ``customer_id``, ``date``, ``amount`` and, where there are, ``currency`` and ``record_id``; one row a
        purchase, in the order of time.
    rule : str
        What counts as a purchase, as the card says it.
    audit : TableAudit
    """

    table: pd.DataFrame
    rule: str
    audit: TableAudit


def purchases(
    tables: dict[str, pd.DataFrame], card: Card, settings: Settings, broken: Mapping[str, str]
) -> Purchases | None:
    """The transaction log; None where no table holds purchases.

    Parameters
    ----------
    tables : dict of str to DataFrame
    card : Card
    settings : Settings
    broken : mapping of str to str
        For each table of which a file could not be read that file: a log without it would lack purchases.

    Raises
    ------
    InputError
        If purchases cannot be told or would be missing, or amounts are in several currencies.
    """
    source = next((name for name in card.purchases if name in broken or len(tables.get(name, ()))), None)
    if source is None:
        return None
    if source in broken:
        what = source if broken[source] == source else f"{broken[source]} of {source}"
        raise InputError(
            f"no log is made: {what} could not be read, and its purchases would be missing; mend it, or pass "
            f"it over by skip in the map"
        )
    table = tables[source]
    audit = TableAudit("transactions", rows_in=len(table))
    _tell_states(table, source, audit)
    kept = _counted(table, source, settings, audit)
    log = pd.DataFrame({"customer_id": kept["customer_id"], "date": kept[TIMES[source]]})
    log["amount"] = _amount(kept, audit)
    for column, name in (("currency", "currency"), ("id", "record_id")):
        if column in kept:
            log[name] = kept[column]
    log = log.sort_values(["date", "customer_id"], kind="stable").reset_index(drop=True)
    audit.rows_out = len(log)
    if not len(log):
        raise InputError(f"{source}: no row is a purchase ({_reasons(audit)})")
    return Purchases(log, card.purchases[source], audit)


def _tell_states(table: pd.DataFrame, source: str, audit: TableAudit) -> None:
    """Say which states count, with their numbers; refuse deals none of which is known to be won."""
    label = LABELS[source]
    if label not in table:
        audit.note(words("exports.no_status"))
        return
    counts = table.groupby([label, STATE], dropna=False).size().sort_values(ascending=False)
    good = ("won",) if source == "deals" else ("open", "won")
    yes = [f"{stage} ({count:,})" for (stage, state), count in counts.items() if state in good]
    no = [f"{stage} ({count:,})" for (stage, state), count in counts.items() if state not in good]
    if source == "deals" and not yes and len(table):
        raise InputError(
            f"deals: no stage is known to mean a sale; stages are {listing(no, 12)}. Name those that do in "
            f'the map: [tables.deals.states] won = ["…"]'
        )
    held = shortened(yes, 12) or words("exports.counts_nothing")
    audit.note(words("exports.counts", label=label, states=held))
    audit.note(words("exports.counts_not", states=shortened(no, 12)) if no else "")


def _counted(table: pd.DataFrame, source: str, settings: Settings, audit: TableAudit) -> pd.DataFrame:
    """The rows that are purchases; of the others the audit says why."""
    reasons = {
        **{words(f"exports.drop_{state}"): table[STATE] == state for state in ("deleted", "void", "lost")},
        words("exports.drop_open"): (table[STATE] == "open") & (source == "deals"),
        words("exports.drop_without", name=TIMES[source]): table[TIMES[source]].isna(),
        words("exports.drop_without", name="customer"): table["customer_id"].isna(),
    }
    if settings.currency and "currency" in table:
        reasons[words("exports.drop_currency", currency=settings.currency)] = (
            table["currency"] != settings.currency
        )
    left = pd.Series(True, table.index)
    for reason, holds in reasons.items():
        gone = left & holds
        audit.drop(reason, places(table, gone))
        left &= ~holds
    kept = table[left]
    held = kept["currency"].value_counts(dropna=False) if "currency" in kept else pd.Series(dtype=int)
    if len(held) > 1:
        shown = listing(f"{name} ({count:,})" for name, count in held.items())
        raise InputError(
            f"{source}: amounts are in several currencies, {shown}; choose one by {option('currency')}, or "
            f"convert them before"
        )
    return kept


def _amount(table: pd.DataFrame, audit: TableAudit) -> pd.Series:
    """What was paid: the amount less what was given back."""
    if "amount" not in table:
        audit.note(words("exports.no_amounts"))
        return pd.Series(float("nan"), table.index)
    amount = table["amount"]
    back = sum(
        (table[name].fillna(0).abs() for name in ("refunded", "returned") if name in table), 0 * amount
    )
    net = (amount - back).round(6)
    odd = {
        "more_back": (net < 0) & (amount >= 0),
        "credits": amount < 0,
        "all_back": (net == 0) & (amount > 0),
        "amountless": amount.isna(),
    }
    if (back > 0).any():
        audit.note(words("exports.taken_off", rows=counted((back > 0).sum()), sum=back.sum()))
    for what, holds in odd.items():
        if holds.any():
            facts = {"rows": counted(holds.sum()), "where": where(places(table, holds))}
            audit.note(words("exports.kept", what=words(f"exports.{what}"), **facts))
    return net


def _reasons(audit: TableAudit) -> str:
    return (
        listing(f"{reason}: {len(places):,}" for reason, places in audit.dropped.items())
        or "there are no rows"
    )
