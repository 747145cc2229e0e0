"""Customers who buy until they drop out: exact draws of summaries and of full transaction logs.

Each simulator draws the truth of every customer (rates, dropout, lifetime) and from it the summary
(frequency, recency, T) directly, without stepping through purchases. `Customers.log` fills in the purchases
that the summary implies: given x purchases of which the last is at t_x, the gaps between them are
exchangeable and uniform on the simplex, in all models with Poisson purchases.

Customers come in blocks of fixed size with one random stream a block and purpose, so results depend on the
seed alone, not on the number of threads nor on whether a cohort is drawn whole or in parts (`in_parts`).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from numbers import Real

import numpy as np
import pandas as pd

from crmlab.cores import available_cores
from crmlab.errors import InputError, check_known, listing
from crmlab.words import words

BLOCK = 1 << 15  # customers of one random stream
SUMMARY, TIMES, SPEND, AMOUNTS = range(4)  # purposes of the streams of a block
DAYS = {"D": 1.0, "W": 7.0, "M": 365.25 / 12.0, "Y": 365.25}


@dataclass(frozen=True, eq=False, repr=False)
class Customers:
    """A simulated customer base with its truth.

    Attributes
    ----------
    frequency, recency, T : arrays, shape (n,)
        Repeat purchases; time of the last one since the first purchase; time observed.
    truth : dict of arrays, shape (n,)
        What no analyst sees: ``purchase_rate``, ``dropout_rate`` or ``dropout_probability``, ``lifetime``
        (when the customer drops out, counted from the first purchase) and ``alive`` at T;
        with spend, ``mean_spend``.
    monetary_value : array, shape (n,), or None
        Mean amount of the repeat purchases, 0 where there are none.
    """

    frequency: np.ndarray
    recency: np.ndarray
    T: np.ndarray
    truth: dict
    monetary_value: np.ndarray = None
    _draw: dict = field(default_factory=dict, repr=False)

    def __len__(self):
        return self.frequency.size

    def __repr__(self):
        return words(
            "btyd.customers", n=len(self), mean=self.frequency.mean(), alive=self.truth["alive"].mean()
        )

    @property
    def summary(self):
        """The customer summary an analyst has: frequency, recency, T and, with spend, monetary_value."""
        columns = {"frequency": self.frequency, "recency": self.recency, "T": self.T}
        if self.monetary_value is not None:
            columns["monetary_value"] = self.monetary_value
        return pd.DataFrame(columns, index=self._ids())

    @property
    def truth_table(self):
        """The truth as a DataFrame, one row a customer."""
        return pd.DataFrame(self.truth, index=self._ids())

    def _ids(self):
        first = self._draw.get("first", 0)
        return pd.RangeIndex(first, first + len(self), name="customer_id")

    def log(self, observation_end=None, time_unit="W"):
        """Every purchase, the first included, in order of customer and time.

        Parameters
        ----------
        observation_end : date-like, optional
            The date (for daily purchases, the last day observed) at which everybody's observation ends.
            With it the log has dates; without, times since the customer's first purchase.
        time_unit : {"D", "W", "M", "Y"}
            What one unit of time is, for dates.

        Returns
        -------
        pandas.DataFrame
            customer_id; time or date; amount where spend was simulated.
        """
        if "periods" in self._draw:
            if observation_end is not None:
                raise InputError(
                    "observation_end given, but opportunities are counted, not dated; leave it out"
                )
            return self._log_of_periods()
        parts = _in_threads(self._block_log, range(0, len(self), BLOCK), self._draw["threads"])
        counts, times, amounts = (
            np.concatenate(each) if each[0] is not None else None for each in zip(*parts)
        )
        customer = np.repeat(np.arange(len(self)), counts.astype(np.intp, copy=False))
        columns = {"customer_id": customer + self._draw["first"]}
        if observation_end is None:
            columns["time"] = times
        else:
            columns["date"] = self._dates(customer, times, observation_end, time_unit)
        if amounts is not None:
            columns["amount"] = amounts
        return pd.DataFrame(columns)

    def _block_log(self, start):
        part = slice(start, start + BLOCK)
        block = (self._draw["first"] + start) // BLOCK
        x, t_x = self._draw["purchases"][part], self._draw["last"][part]
        counts, times = _times(_stream(self._draw["seed"], block, TIMES), x, t_x)
        if self._draw["grain"] is not None:
            start_of_day = np.repeat(self._draw["offset"][part], counts.astype(np.intp, copy=False))
            times = np.floor((times + start_of_day) / self._draw["grain"]) * self._draw["grain"]
        amounts = None
        if self._draw["spend"] is not None:
            p, rate, total = self._draw["spend"]["p"], self._draw["rate"][part], self._draw["total"][part]
            amounts = _amounts(_stream(self._draw["seed"], block, AMOUNTS), p, rate, total, x, counts)
        return counts, times, amounts

    def _log_of_periods(self):
        """Given x purchases, the last in period t_x, the others are any x−1 of the t_x−1 periods before."""
        customers, periods = [], []
        for block, start in enumerate(range(0, len(self), self._draw["periods"])):
            part = slice(start, start + self._draw["periods"])
            x, t_x = self.frequency[part], self.recency[part]
            key = _stream(self._draw["seed"], block, TIMES).random((x.size, int(t_x.max(initial=1)) + 1))
            period = np.arange(key.shape[1])
            key[period >= t_x[:, None]] = 2.0  # from t_x on: none
            key[:, 0] = -2.0  # the first purchase, in period 0
            key[np.arange(x.size), t_x] = -1.0  # the last one
            bought = key.argsort(axis=1).argsort(axis=1) <= x[:, None]
            customer, when = np.nonzero(bought)
            customers.append(customer + start)
            periods.append(when)
        return pd.DataFrame({"customer_id": np.concatenate(customers), "time": np.concatenate(periods)})

    def _dates(self, customer, times, observation_end, time_unit):
        if time_unit not in DAYS:
            raise InputError(f"time_unit is {time_unit!r}; give one of {', '.join(DAYS)}")
        end = pd.Timestamp(observation_end)
        days = (times - self.T[customer]) * DAYS[time_unit]
        if self._draw["grain"] is not None:
            return end.normalize() + pd.to_timedelta(np.rint(days).astype(np.int64), unit="D")
        return end + pd.to_timedelta((days * 86_400e6).astype(np.int64), unit="us")

    def split(self, calibration_end):
        """What was seen by `calibration_end` (time since the first purchase) and what came after.

        Parameters
        ----------
        calibration_end : float or array, shape (n,)
            At most T.

        Returns
        -------
        pandas.DataFrame
            frequency, recency, T of the calibration period; holdout_purchases and holdout_T of the rest.
        """
        end = np.broadcast_to(np.asarray(calibration_end, float), self.T.shape)
        if (end > self.T).any() or (end <= 0).any():
            raise InputError(
                f"calibration_end must lie above 0 and at most at T; it is {np.min(end):g} to "
                f"{np.max(end):g}, and the smallest T is {self.T.min():g}"
            )
        log = self.log()
        customer, time = log["customer_id"].to_numpy() - self._draw["first"], log["time"].to_numpy()
        if self._draw["grain"] is not None:
            new = np.r_[True, (np.diff(customer) != 0) | (np.diff(time) > 0)]
            customer, time = customer[new], time[new]
        before = time <= end[customer]
        calibration = np.bincount(customer[before].astype(np.intp, copy=False), minlength=len(self))
        recency = np.zeros(len(self))
        np.maximum.at(recency, customer[before], time[before])
        return pd.DataFrame(
            {
                "frequency": calibration - 1,
                "recency": recency,
                "T": end,
                "holdout_purchases": np.bincount(
                    customer[~before].astype(np.intp, copy=False), minlength=len(self)
                ),
                "holdout_T": self.T - end,
            },
            index=self._ids(),
        )


# -- the models --------------------------------------------------------------------------------------------


def pareto_nbd(n, T, *, r, alpha, s, beta, seed, **options):
    """Draw from the Pareto/NBD: purchases at rate λ ~ Gamma(r, alpha), dropout at rate μ ~ Gamma(s, beta).

    Parameters
    ----------
    n : int
        Customers.
    T : float or array, shape (n,)
        Time from each customer's first purchase to the end of observation.
    r, alpha, s, beta : float
        As Schmittlein, Morrison & Colombo (1987, https://doi.org/10.1287/mnsc.33.1.1); alpha and beta in
        the unit of T.
    seed : int, numpy.random.SeedSequence or numpy.random.Generator
        A generator gives one number, from which all streams follow.
    **options
        grain : float, optional
            Length of a day in the unit of T: purchases are then recorded by day (see `bg_nbd`).
        spend : dict, optional
            ``{"p":, "q":, "gamma":}`` of gamma-gamma spend.
        purchase_covariates, dropout_covariates : array_like, shape (n, k), optional
            With purchase_effects, dropout_effects, shape (k,): rates are multiplied by
            exp(covariates @ effects).
        threads : int, optional

    Returns
    -------
    Customers
    """

    def draw(generator, size, T, faster, leaving):
        rate = generator.standard_gamma(r, size) / alpha * faster
        dropout = generator.standard_gamma(s, size) / beta * leaving
        with np.errstate(divide="ignore", over="ignore"):
            lifetime = generator.standard_exponential(size) / dropout
        active = np.minimum(lifetime, T)
        x = generator.poisson(rate * active)
        return x, active * _last_share(generator, x), (rate, dropout, lifetime, lifetime > T)

    names = ("purchase_rate", "dropout_rate", "lifetime", "alive")
    return _simulate(draw, n, T, names, dict(r=r, alpha=alpha, s=s, beta=beta), seed, **options)


def bg_nbd(n, T, *, r, alpha, a, b, seed, **options):
    """Draw from the BG/NBD: after each repeat purchase a customer drops out with probability p ~ Beta(a, b).

    Purchases after which the customer stays and the one after which the customer is gone are independent
    Poisson processes of rates λ(1−p) and λp, so the lifetime is exponential of rate λp, and the purchases
    before its end (or before T) are a Poisson number at uniform times.

    Parameters
    ----------
    n, T, seed
        As in `pareto_nbd`.
    r, alpha, a, b : float
        As Fader, Hardie & Lee (2005, https://doi.org/10.1287/mksc.1040.0098); alpha in the unit of T.
    **options
        As in `pareto_nbd`. Covariates of dropout multiply a, and so the mean odds of dropout. With
        ``grain``, a customer's first purchase falls uniformly within day 0 and observation runs to the end
        of day T/grain; purchases of one day count once, and those on day 0 not at all, as in a summary of a
        dated log.

    Returns
    -------
    Customers
        ``lifetime`` is the time of the purchase after which the customer is gone, also beyond T.
    """

    def draw(*arguments):
        return _beta_geometric(*arguments, r, alpha, a, b, at_start=0)

    names = ("purchase_rate", "dropout_probability", "lifetime", "alive")
    return _simulate(draw, n, T, names, dict(r=r, alpha=alpha, a=a, b=b), seed, **options)


def mbg_nbd(n, T, *, r, alpha, a, b, seed, **options):
    """Draw from the MBG/NBD: as `bg_nbd`, with a chance to drop out after the first purchase too.

    Batislam, Denizel & Filiztekin (2007, https://doi.org/10.1016/j.ijresmar.2006.12.005).
    """

    def draw(*arguments):
        return _beta_geometric(*arguments, r, alpha, a, b, at_start=1)

    names = ("purchase_rate", "dropout_probability", "lifetime", "alive")
    return _simulate(draw, n, T, names, dict(r=r, alpha=alpha, a=a, b=b), seed, **options)


def _beta_geometric(generator, size, T, faster, leaving, r, alpha, a, b, at_start):
    rate = generator.standard_gamma(r, size) / alpha * faster
    p = generator.beta(a * leaving, b, size)
    with np.errstate(divide="ignore", over="ignore"):
        lifetime = generator.standard_exponential(size) / (rate * p)
    if at_start:
        lifetime[generator.random(size) < p] = 0.0
    alive = lifetime > T
    active = np.minimum(lifetime, T)
    before = generator.poisson(rate * (1.0 - p) * active)
    t_x = active * _last_share(generator, before)
    last = np.flatnonzero(~alive)  # whose last purchase is the one after which they are gone
    t_x[last] = lifetime[last]
    x = before
    x[last] += lifetime[last] > 0
    return x, t_x, (rate, p, lifetime, alive)


def _last_share(generator, x):
    """The largest of x uniform numbers, 0 where x is 0."""
    share = np.zeros(x.size)
    some = np.flatnonzero(x)
    share[some] = generator.random(some.size) ** (1.0 / x[some])
    return share


def gamma_gamma(frequency, *, p, q, gamma, seed):
    """Draw mean spends: a purchase is worth Gamma(p, ν), and ν ~ Gamma(q, gamma) over customers.

    Parameters
    ----------
    frequency : array_like, shape (n,)
        Purchases that each mean is over.
    p, q, gamma : float
        As Fader, Hardie & Lee (2005, https://doi.org/10.1509/jmkr.2005.42.4.415); gamma in the unit of money.
    seed : int, numpy.random.SeedSequence or numpy.random.Generator
        A generator gives one number, from which all streams follow.

    Returns
    -------
    monetary_value, mean_spend : arrays, shape (n,)
        The observed mean (0 where frequency is 0) and the customer's true mean p/ν.
    """
    _check(dict(p=p, q=q, gamma=gamma))
    x = _numbers("frequency", frequency)
    bad = ~(np.isfinite(x) & (x >= 0) & (x == np.rint(x)))
    if x.ndim != 1 or bad.any():
        raise InputError(
            f"frequency has shape {x.shape} and {bad.sum()} values that are no whole number from 0; give one "
            f"count of purchases a customer"
        )
    sequence = _sequence(seed)
    mean, truth = np.empty(x.size), np.empty(x.size)
    for start in range(0, x.size, BLOCK):
        part = slice(start, start + BLOCK)
        total, rate = _totals(_stream(sequence, start // BLOCK, SPEND), x[part], p, q, gamma)
        mean[part], truth[part] = total / np.maximum(x[part], 1), p / rate
    return mean, truth


def bg_bb(n, n_periods, *, alpha, beta, gamma, delta, seed):
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
    _check(dict(alpha=alpha, beta=beta, gamma=gamma, delta=delta))
    n, opportunities = _size(n), _numbers("n_periods", n_periods)
    bad = ~((opportunities >= 1) & (opportunities == np.rint(opportunities)) & (opportunities < 2**31))
    if bad.any():
        raise InputError(f"n_periods is {opportunities[bad].flat[0]:g}; give whole numbers from 1")
    if opportunities.shape not in ((), (n,)):
        raise InputError(
            f"n_periods has shape {opportunities.shape}; give one number or one for each of {n} customers"
        )
    opportunities = np.broadcast_to(opportunities.astype(np.int64), (n,))
    top = int(opportunities.max())
    out = [np.empty(n, kind) for kind in (np.int64, np.int64, float, float, float, bool)]
    sequence = _sequence(seed)
    rows = max(1, min(BLOCK, (1 << 21) // top))
    for block, start in enumerate(range(0, n, rows)):
        part = slice(start, min(start + rows, n))
        drawn = _buy_or_die(_stream(sequence, block, SUMMARY), opportunities[part], alpha, beta, gamma, delta)
        for whole, some in zip(out, drawn):
            whole[part] = some
    x, t_x, *truth = out
    names = ("purchase_probability", "dropout_probability", "lifetime", "alive")
    return Customers(
        x,
        t_x,
        opportunities.copy(),
        dict(zip(names, truth)),
        _draw={"first": 0, "seed": sequence, "periods": rows},
    )


def _buy_or_die(generator, opportunities, alpha, beta, gamma, delta):
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


def shifted_beta_geometric(n, *, alpha, beta, seed):
    """Draw contract lifetimes: each period a customer leaves with probability θ ~ Beta(alpha, beta).

    Fader & Hardie (2007, https://doi.org/10.1002/dir.20074).

    Returns
    -------
    lifetime, theta : arrays, shape (n,)
        The renewal, from 1, at which the customer leaves (inf if never), and the truth.
    """
    _check(dict(alpha=alpha, beta=beta))
    lifetime, theta = np.empty(_size(n)), np.empty(_size(n))
    sequence = _sequence(seed)
    for start in range(0, lifetime.size, BLOCK):
        part = slice(start, start + BLOCK)
        generator = _stream(sequence, start // BLOCK, SUMMARY)
        theta[part] = generator.beta(alpha, beta, theta[part].size)
        with np.errstate(divide="ignore", over="ignore"):
            periods = np.ceil(generator.standard_exponential(theta[part].size) / -np.log1p(-theta[part]))
        lifetime[part] = np.maximum(periods, 1.0)
    return lifetime, theta


def survivors(lifetime, n_periods):
    """How many of the customers are still there after 0, 1, …, n_periods renewals, as counts."""
    lifetime = np.asarray(lifetime)
    left = np.bincount(
        np.minimum(lifetime, n_periods + 1).astype(np.intp, copy=False), minlength=n_periods + 2
    )
    return lifetime.size - np.cumsum(left)[: n_periods + 1]


def in_parts(simulator, n, T, *, size=1 << 20, **options):
    """Yield a cohort in parts of at most `size` customers, so that memory stays bounded.

    The parts together are ``simulator(n, T, **options)``, customer by customer.

    Parameters
    ----------
    simulator : pareto_nbd, bg_nbd or mbg_nbd
    size : int
        Customers a part, rounded up to whole blocks of random streams.

    Yields
    ------
    Customers
    """
    size = -(-int(size) // BLOCK) * BLOCK
    options["seed"] = _sequence(options.get("seed"))
    tables = ("purchase_covariates", "dropout_covariates")
    for first in range(0, _size(n), size):
        part = slice(first, min(first + size, n))
        some = {
            key: np.asarray(value)[part] if key in tables and value is not None else value
            for key, value in options.items()
        }
        yield simulator(part.stop - first, T[part] if np.ndim(T) else T, first=first, **some)


# -- how they are drawn ------------------------------------------------------------------------------------


def _simulate(
    draw,
    n,
    T,
    names,
    parameters,
    seed,
    *,
    grain=None,
    spend=None,
    purchase_covariates=None,
    purchase_effects=None,
    dropout_covariates=None,
    dropout_effects=None,
    threads=None,
    first=0,
):
    _check(parameters)
    n, sequence = _size(n), _sequence(seed)
    T = _windows(T, n, grain)
    faster = _multiplier("purchase", purchase_covariates, purchase_effects, n)
    leaving = _multiplier("dropout", dropout_covariates, dropout_effects, n)
    threads = threads or available_cores()
    x, t_x = np.empty(n, np.int64), np.empty(n)
    truth = {name: np.empty(n, bool if name == "alive" else float) for name in names}
    offset = None if grain is None else np.empty(n)

    def block(start):
        part = slice(start, min(start + BLOCK, n))
        generator = _stream(sequence, (first + start) // BLOCK, SUMMARY)
        window = T[part] if np.ndim(T) else T
        if grain is not None:
            offset[part] = generator.random(part.stop - start) * grain
            window = window + grain - offset[part]

        def scale(each):
            return each[part] if np.ndim(each) else each

        x[part], t_x[part], drawn = draw(generator, part.stop - start, window, scale(faster), scale(leaving))
        for whole, some in zip(truth.values(), drawn):
            whole[part] = some

    _in_threads(block, range(0, n, BLOCK), threads)
    state = dict(
        seed=sequence,
        first=first,
        threads=threads,
        grain=grain,
        offset=offset,
        purchases=x,
        last=t_x,
        spend=spend,
    )
    money = None
    if spend is not None:
        state["total"], state["rate"] = _spending(sequence, first, x, spend, threads)
        truth["mean_spend"] = spend["p"] / state["rate"]
        money = state["total"] / np.maximum(x, 1)
    customers = Customers(x, t_x, np.array(np.broadcast_to(T, (n,))), truth, money, state)
    return customers if grain is None else _by_day(customers)


def _spending(sequence, first, x, spend, threads):
    """Each customer's total of x repeat purchases and rate ν, arrays of shape (n,)."""
    check_known("parameter of spend", spend, ("p", "q", "gamma"))
    if len(spend) < 3:
        raise InputError(f"spend has {listing(spend)}; give p, q and gamma")
    _check(spend)
    total, rate = np.empty(x.size), np.empty(x.size)

    def block(start):
        part = slice(start, start + BLOCK)
        stream = _stream(sequence, (first + start) // BLOCK, SPEND)
        total[part], rate[part] = _totals(stream, x[part], **spend)

    _in_threads(block, range(0, x.size, BLOCK), threads)
    return total, rate


def _by_day(customers):
    """The same customers as a dated log shows them: one purchase a day at most, none on day 0."""
    grain, n = customers._draw["grain"], len(customers)
    x, t_x, money = (
        np.empty(n, np.int64),
        np.empty(n),
        None if customers.monetary_value is None else np.empty(n),
    )

    def block(start):
        size = min(BLOCK, n - start)
        part = slice(start, start + size)
        counts, times, amounts = customers._block_log(start)
        customer, day = np.repeat(np.arange(size), counts.astype(np.intp, copy=False)), np.rint(times / grain)
        repeat = day > 0
        new = repeat & np.r_[True, (np.diff(customer) != 0) | (np.diff(day) > 0)]
        x[part] = np.bincount(customer[new].astype(np.intp, copy=False), minlength=size)
        t_x[part] = day[np.cumsum(counts) - 1] * grain
        if money is not None:
            money[part] = np.bincount(
                customer[repeat].astype(np.intp, copy=False), amounts[repeat], size
            ) / np.maximum(x[part], 1)

    _in_threads(block, range(0, n, BLOCK), customers._draw["threads"])
    return Customers(x, t_x, customers.T, customers.truth, money, customers._draw)


def _times(generator, x, t_x):
    """Purchases a customer (the first included) and their times, one after the other."""
    counts = x + 1
    ends = np.cumsum(counts)
    starts = ends - counts
    gaps = generator.standard_exponential(int(ends[-1]))
    gaps[starts] = 0.0
    walk = np.cumsum(gaps)
    begin, length = walk[starts], walk[ends - 1] - walk[starts]
    scale = np.divide(t_x, length, out=np.zeros(x.size), where=length > 0)
    times = (walk - np.repeat(begin, counts.astype(np.intp, copy=False))) * np.repeat(
        scale, counts.astype(np.intp, copy=False)
    )
    times[ends - 1] = t_x
    return counts, np.minimum(times, np.repeat(t_x, counts.astype(np.intp, copy=False)))


def _totals(generator, x, p, q, gamma):
    """Total of x gamma-gamma amounts, and each customer's rate ν."""
    rate = np.maximum(generator.standard_gamma(q, x.size) / gamma, 1e-300)
    return generator.standard_gamma(p * x) / rate, rate


def _amounts(generator, p, rate, total, x, counts):
    """Amounts that add up to each customer's total, after the first purchase's own amount."""
    draws = generator.standard_gamma(p, int(counts.sum()))
    starts = np.cumsum(counts) - counts
    first = draws[starts] / rate
    draws[starts] = 0.0
    sums = np.add.reduceat(draws, starts)
    scale = np.divide(total, sums, out=np.zeros(x.size), where=sums > 0)
    amounts = draws * np.repeat(scale, counts.astype(np.intp, copy=False))
    amounts[starts] = first
    return amounts


def _stream(sequence, block, purpose):
    own = np.random.SeedSequence(sequence.entropy, spawn_key=(*sequence.spawn_key, block, purpose))
    return np.random.Generator(np.random.SFC64(own))


def _sequence(seed):
    if isinstance(seed, np.random.SeedSequence):
        return seed
    try:
        return np.random.SeedSequence(int(seed.integers(2**63)) if hasattr(seed, "integers") else seed)
    except (TypeError, ValueError):
        raise InputError(f"seed is {seed!r}; give a whole number from 0 or a numpy generator") from None


def _in_threads(function, items, threads):
    items = list(items)
    if threads == 1 or len(items) == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))


def _check(parameters):
    for name, value in parameters.items():
        if not (isinstance(value, Real) and 0 < value < np.inf):
            raise InputError(f"{name} is {value!r}; give one finite number above 0")


def _size(n):
    if not (isinstance(n, Real) and 1 <= n < np.inf and int(n) == n):
        raise InputError(f"n is {n!r}; give a whole number of customers, at least 1")
    return int(n)


def _numbers(name, values):
    try:
        return np.asarray(values, float)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {values!r:.60}; give numbers") from None


def _windows(T, n, grain):
    window = _numbers("T", T)
    if window.ndim > 1 or (window.ndim == 1 and window.size != n):
        raise InputError(f"T has shape {window.shape}; give one number or one for each of {n} customers")
    bad = ~np.isfinite(window) | (window < 0)
    if bad.any():
        raise InputError(
            f"T is {window[bad].flat[0] if window.ndim else window:g} in {bad.sum()} of {window.size} "
            f"values; give times of at least 0"
        )
    if grain is not None:
        _check({"grain": grain})
        window = np.rint(window / grain) * grain
    return window if window.ndim else float(window)


def _multiplier(side, covariates, effects, n):
    if covariates is None and effects is None:
        return 1.0
    if covariates is None or effects is None:
        raise InputError(f"give {side}_covariates and {side}_effects together")
    z = _numbers(f"{side}_covariates", covariates)
    z = z[:, None] if z.ndim == 1 else z
    gamma = np.atleast_1d(_numbers(f"{side}_effects", effects))
    if z.shape != (n, gamma.size):
        raise InputError(
            f"{side}_covariates has shape {z.shape}; {n} customers and {gamma.size} "
            f"{side}_effects need {(n, gamma.size)}"
        )
    with np.errstate(over="ignore"):
        faster = np.exp(z @ gamma)
    bad = ~np.isfinite(faster)
    if bad.any():
        raise InputError(
            f"{side}_covariates times {side}_effects is not finite or too large in {bad.sum()} of {n} rows, "
            f"the first being row {np.flatnonzero(bad)[0]}; drop or repair these rows"
        )
    return faster
