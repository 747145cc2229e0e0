"""Orders that take the customer's time: what is wanted, how long an order takes, what is written down."""

from collections.abc import Mapping

import numpy as np

LOG_MINUTES = np.log(20.0)  # of an ordinary order
LOG_NEED, NEED_SPREAD = 2.0, 0.7  # mean and standard deviation of a quarter's log orders if all take as long


def draw_orders(p: Mapping[str, float], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A quarter's orders, with the minutes that the system stamps and the time that staff write down.

    Parameters
    ----------
    p : mapping
        By name. ``n_customers``; ``cost_to_orders``, log points of orders per log point of minutes an order;
        ``portal_to_minutes``, log points of minutes that a portal, given to half by lot, adds;
        ``need_to_minutes``, the same per standard deviation of log need; ``fixed_minutes``, minutes that
        everybody takes, orders or not, over those of an ordinary customer's orders.
    rng : numpy Generator

    Returns
    -------
    dict of str to array of shape (..., customers)
        ``log_minutes`` has an error of standard deviation .3; ``log_minutes_per_order`` is all time written
        down, divided by the orders.
    """
    customers = int(p["n_customers"])
    portal, need = (rng.random(customers) < 0.5) * 1.0, rng.standard_normal(customers)
    longer = (
        p["portal_to_minutes"] * portal + p["need_to_minutes"] * need + 0.4 * rng.standard_normal(customers)
    )
    log_orders = LOG_NEED + NEED_SPREAD * need + p["cost_to_orders"] * longer
    written = np.exp(LOG_MINUTES) * (p["fixed_minutes"] * np.exp(LOG_NEED) + np.exp(log_orders + longer))
    return {
        "portal": portal,
        "log_minutes": LOG_MINUTES + longer + 0.3 * rng.standard_normal(customers),
        "log_orders": log_orders,
        "log_minutes_per_order": np.log(written) - log_orders,
    }
