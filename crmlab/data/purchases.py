"""From a transaction log to the days on which each customer bought."""

from dataclasses import replace

import numpy as np
import pandas as pd

from crmlab.data import queries
from crmlab.data.logs import Log
from crmlab.data.queries import Rules
from crmlab.errors import InputError


def purchase_days(log: Log, rules: Rules) -> tuple[pd.Index, np.ndarray, np.ndarray]:
    """The days with a purchase of each customer of an open `Log`.

    Parameters
    ----------
    log : crmlab.data.logs.Log
    rules : crmlab.data.queries.Rules
        Purchases are those that `crmlab.data.customer_summary` counts by these rules.

    Returns
    -------
    ids : pandas.Index, shape (n,)
        In order, as in a summary.
    customer, day : arrays, shape (m,)
        Position of the customer in `ids`, and days since 1970; in order of both.
    """
    leave = rules.leave_refunds or rules.net_refunds
    plain = replace(rules, net_refunds=False, leave_refunds=leave, money=False, split=None)
    query = queries.purchases_query(plain)
    parts = list(log.by_bucket(query))
    keys = np.concatenate([np.asarray(part["customer"]) for part in parts])
    if not len(keys):
        raise InputError(f"log holds no purchase up to {rules.end}; check the dates and the period's end")
    day = np.concatenate([np.asarray(part["moment"]) for part in parts]).astype(np.int64)
    code, distinct = pd.factorize(keys)
    ids = log.opened.ids.restore(distinct).rename(log.columns["customer_id"])
    try:
        place = ids.argsort()
    except TypeError:  # ids of several types stand by first appearance
        place = np.arange(len(ids))
    rank = np.empty(len(ids), np.intp)
    rank[place] = np.arange(len(ids))
    customer = rank[code]
    order = np.lexsort((day, customer))
    return ids[place], customer[order], day[order]
