"""Purchases and renewals period by period: the BG/BB, and contracts of the shifted beta-geometric."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.errors import InputError
from crmlab.mechanisms.purchases.checks import check_positive, numbers, size_of
from crmlab.mechanisms.purchases.customers import Customers, Drawing
from crmlab.mechanisms.purchases.streams import BLOCK, SUMMARY, TIMES, Seed, sequence_of, stream

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class CustomersByPeriod(Customers):
    """Customers with opportunities to buy, which are counted and not dated."""

    def log(self, observation_end: object = None, time_unit: str = "W") -> pd.DataFrame:
        """Every purchase, the first included, by customer and period.

        Given x purchases, the last in period t_x, the others are any x−1 of the t_x−1 periods before.

        Raises
        ------
        InputError
            If an `observation_end` is given: periods have no dates.
        """
        if observation_end is not None:
            raise InputError("observation_end given, but opportunities are counted, not dated; leave it out")
        customers, periods = [], []
        rows = _rows(int(self.T.max()))
        for block, start in enumerate(range(0, len(self), rows)):
            part = slice(start, start + rows)
            x, t_x = self.frequency[part], self.recency[part]
            key = stream(self.drawing.seed, block, TIMES).random((x.size, int(t_x.max(initial=1)) + 1))
            period = np.arange(key.shape[1])
            key[period >= t_x[:, None]] = 2.0  # from t_x on: none
            key[:, 0] = -2.0  # the first purchase, in period 0
            key[np.arange(x.size), t_x] = -1.0  # the last one
            bought = key.argsort(axis=1).argsort(axis=1) <= x[:, None]
            customer, when = np.nonzero(bought)
            customers.append(customer + start)
            periods.append(when)
        return pd.DataFrame({"customer_id": np.concatenate(customers), "time": np.concatenate(periods)})


def _rows(periods: int) -> int:
    """Customers of one block, such that a table of their periods stays small."""
    return max(1, min(BLOCK, (1 << 21) // periods))


def bg_bb(
    n: int,
    n_periods: npt.ArrayLike,
    *,
    alpha: float,
    beta: float,
    gamma: float,
    delta: float,
    seed: Seed,
) -> CustomersByPeriod:
    """Draw from the BG/BB: in each period still alive, a purchase with probability ~ Beta(alpha, beta).

    At the start of each period a customer drops out with probability ~ Beta(gamma, delta). Fader, Hardie &
    Shang (2010, https://doi.org/10.1287/mksc.1100.0580).

    Parameters
    ----------
    n : int
    n_periods : int or array, shape (n,)
        Opportunities to buy.

    Returns
    -------
    Customers
        T holds n_periods; the log's time is the period, 0 for the purchase that made the customer. Truth:
        purchase_probability, dropout_probability, lifetime (periods alive), alive (in
        the last period observed).
    """
    check_positive(dict(alpha=alpha, beta=beta, gamma=gamma, delta=delta))
    n, opportunities = size_of(n), numbers("n_periods", n_periods)
    bad = ~((opportunities >= 1) & (opportunities == np.rint(opportunities)) & (opportunities < 2**31))
    if bad.any():
        raise InputError(f"n_periods is {opportunities[bad].flat[0]:g}; give whole numbers from 1")
    if opportunities.shape not in ((), (n,)):
        raise InputError(
            f"n_periods has shape {opportunities.shape}; give one number or one for each of {n} customers"
        )
    opportunities = np.broadcast_to(opportunities.astype(np.int64), (n,))
    out = [np.empty(n, kind) for kind in (np.int64, np.int64, float, float, float, bool)]
    sequence = sequence_of(seed)
    rows = _rows(int(opportunities.max()))
    for block, start in enumerate(range(0, n, rows)):
        part = slice(start, min(start + rows, n))
        drawn = _buy_or_die(stream(sequence, block, SUMMARY), opportunities[part], alpha, beta, gamma, delta)
        for whole, some in zip(out, drawn):
            whole[part] = some
    x, t_x, *truth = out
    names = ("purchase_probability", "dropout_probability", "lifetime", "alive")
    how = Drawing(sequence, x, t_x)
    return CustomersByPeriod(x, t_x, opportunities.copy(), dict(zip(names, truth)), how)


def _buy_or_die(
    generator: np.random.Generator,
    opportunities: Counts,
    alpha: float,
    beta: float,
    gamma: float,
    delta: float,
) -> tuple[npt.NDArray[np.generic], ...]:
    """Purchases, the last one's period, and the truth in the order of its names."""
    size = opportunities.size
    buys, leaves = generator.beta(alpha, beta, size), generator.beta(gamma, delta, size)
    with np.errstate(divide="ignore", over="ignore"):
        lifetime = np.floor(
            generator.standard_exponential(size) / -np.log1p(-leaves)
        )  # periods before dropout
    period = np.arange(1, int(opportunities.max()) + 1)
    bought = generator.random((size, period.size)) < buys[:, None]
    bought &= period <= np.minimum(lifetime, opportunities)[:, None]
    last = np.where(bought.any(axis=1), period.size - bought[:, ::-1].argmax(axis=1), 0)
    return bought.sum(axis=1), last, buys, leaves, lifetime, lifetime >= opportunities


def shifted_beta_geometric(n: int, *, alpha: float, beta: float, seed: Seed) -> tuple[Array, Array]:
    """Draw contract lifetimes: each period a customer leaves with probability θ ~ Beta(alpha, beta).

    Fader & Hardie (2007, https://doi.org/10.1002/dir.20074).

    Returns
    -------
    lifetime, theta : arrays, shape (n,)
        The renewal, from 1, at which the customer leaves (inf if never), and the truth.
    """
    check_positive(dict(alpha=alpha, beta=beta))
    lifetime, theta = np.empty(size_of(n)), np.empty(size_of(n))
    sequence = sequence_of(seed)
    for start in range(0, lifetime.size, BLOCK):
        part = slice(start, start + BLOCK)
        generator = stream(sequence, start // BLOCK, SUMMARY)
        theta[part] = generator.beta(alpha, beta, theta[part].size)
        with np.errstate(divide="ignore", over="ignore"):
            periods = np.ceil(generator.standard_exponential(theta[part].size) / -np.log1p(-theta[part]))
        lifetime[part] = np.maximum(periods, 1.0)
    return lifetime, theta


def survivors(lifetime: npt.ArrayLike, n_periods: int) -> npt.NDArray[np.int_]:
    """How many of the customers are still there after 0, 1, …, n_periods renewals, as counts."""
    lifetime = np.asarray(lifetime)
    left = np.bincount(
        np.minimum(lifetime, n_periods + 1).astype(np.intp, copy=False), minlength=n_periods + 2
    )
    return lifetime.size - np.cumsum(left)[: n_periods + 1]
