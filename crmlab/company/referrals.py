"""Customers who bring others: Poisson(θ_W [A]₊) a month, who join a month later in the same branch."""

import numpy as np

from crmlab.company.customers import Customers, draw_customers
from crmlab.company.month import Month
from crmlab.company.purchases import events
from crmlab.company.streams import ALWAYS, poisson_quantile


def brought(now: Customers, month: Month) -> Customers | None:
    """Those who are referred this month, or nobody.

    A referred customer's key comes from the referrer's key, the month and the count, so it is the same person
    in every world in which he is brought at all.
    """
    if not month.p.attitude_to_referral:
        return None
    mean = month.p.attitude_to_referral * np.maximum(now.attitude, 0)
    counts = poisson_quantile(month.draw.uniform(now.key, "referrals"), mean)
    if not counts.any():
        return None
    row, count = events(counts)
    streams = month.draw.streams
    keys, numbers = streams.referred(now.key[row], month.number, count)
    joined = month.number + 1 + streams.uniform(keys, "joining", ALWAYS)
    return draw_customers(
        month.p,
        streams,
        keys,
        numbers,
        joined=joined,
        referrer=now.number[row],
        branch=now.branch[row],
    )
