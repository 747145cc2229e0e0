"""Purchases at any time: the Pareto/NBD, and the beta-geometric models, whole or in parts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from crmlab.cores import available_cores
from crmlab.mechanisms.purchases.checks import check_positive, multiplier, size_of, windows
from crmlab.mechanisms.purchases.customers import Customers, Drawing, Spend, by_day
from crmlab.mechanisms.purchases.spending import spending
from crmlab.mechanisms.purchases.streams import BLOCK, SUMMARY, Seed, in_threads, sequence_of, stream

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Some = Array | float  # one number a customer, or one for all
# Repeat purchases, the time of the last one, and the truth in the order of its names.
Drawn = tuple[Counts, Array, tuple[npt.NDArray[np.generic], ...]]


class Recording(TypedDict, total=False):
    """How what customers do is recorded; `pareto_nbd` says what each is."""

    grain: float | None
    spend: Mapping[str, float] | None
    threads: int | None
    first: int


class Options(Recording, total=False):
    """What every simulator of this module takes besides its parameters; `pareto_nbd` says what each is."""

    purchase_covariates: npt.ArrayLike | None
    purchase_effects: npt.ArrayLike | None
    dropout_covariates: npt.ArrayLike | None
    dropout_effects: npt.ArrayLike | None


def pareto_nbd(
    n: int,
    T: npt.ArrayLike,
    *,
    r: float,
    alpha: float,
    s: float,
    beta: float,
    seed: Seed,
    **options: Unpack[Options],
) -> Customers:
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

    def draw(generator: np.random.Generator, size: int, T: Some, faster: Some, leaving: Some) -> Drawn:
        rate = generator.standard_gamma(r, size) / alpha * faster
        dropout = generator.standard_gamma(s, size) / beta * leaving
        with np.errstate(divide="ignore", over="ignore"):
            lifetime = generator.standard_exponential(size) / dropout
        active = np.minimum(lifetime, T)
        x = generator.poisson(rate * active)
        return x, active * _last_share(generator, x), (rate, dropout, lifetime, lifetime > T)

    names = ("purchase_rate", "dropout_rate", "lifetime", "alive")
    return _simulate(draw, n, T, names, dict(r=r, alpha=alpha, s=s, beta=beta), seed, **options)


def bg_nbd(
    n: int,
    T: npt.ArrayLike,
    *,
    r: float,
    alpha: float,
    a: float,
    b: float,
    seed: Seed,
    **options: Unpack[Options],
) -> Customers:
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
    draw = partial(_beta_geometric, r=r, alpha=alpha, a=a, b=b, at_start=False)
    names = ("purchase_rate", "dropout_probability", "lifetime", "alive")
    return _simulate(draw, n, T, names, dict(r=r, alpha=alpha, a=a, b=b), seed, **options)


def mbg_nbd(
    n: int,
    T: npt.ArrayLike,
    *,
    r: float,
    alpha: float,
    a: float,
    b: float,
    seed: Seed,
    **options: Unpack[Options],
) -> Customers:
    """Draw from the MBG/NBD: as `bg_nbd`, with a chance to drop out after the first purchase too.

    Batislam, Denizel & Filiztekin (2007, https://doi.org/10.1016/j.ijresmar.2006.12.005).
    """
    draw = partial(_beta_geometric, r=r, alpha=alpha, a=a, b=b, at_start=True)
    names = ("purchase_rate", "dropout_probability", "lifetime", "alive")
    return _simulate(draw, n, T, names, dict(r=r, alpha=alpha, a=a, b=b), seed, **options)


def _beta_geometric(
    generator: np.random.Generator,
    size: int,
    T: Some,
    faster: Some,
    leaving: Some,
    *,
    r: float,
    alpha: float,
    a: float,
    b: float,
    at_start: bool,
) -> Drawn:
    """Purchases, the last one's time and the truth; dropout `at_start` is that of the MBG/NBD."""
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


def bg_cnbd(
    n: int,
    T: npt.ArrayLike,
    *,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
    seed: Seed,
    **options: Unpack[Options],
) -> Customers:
    """Draw from the BG/CNBD-k: as `bg_nbd`, but only every k-th event of rate λ is a purchase.

    Reutterer, Platzer & Schröder (2021, https://doi.org/10.1016/j.ijresmar.2020.09.002).

    Parameters
    ----------
    k : int
        Events that make a purchase: the times between purchases are Erlang-k.
    n, T, r, alpha, a, b, seed, **options
        As in `bg_nbd`.
    """
    return _regular(n, T, k, False, dict(r=r, alpha=alpha, a=a, b=b), seed, options)


def mbg_cnbd(
    n: int,
    T: npt.ArrayLike,
    *,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
    seed: Seed,
    **options: Unpack[Options],
) -> Customers:
    """Draw from the MBG/CNBD-k: as `bg_cnbd`, with a chance to drop out after the first purchase too."""
    return _regular(n, T, k, True, dict(r=r, alpha=alpha, a=a, b=b), seed, options)


def _regular(
    n: int,
    T: npt.ArrayLike,
    k: int,
    at_start: bool,
    parameters: Mapping[str, float],
    seed: Seed,
    options: Options,
) -> Customers:
    k = size_of(k, "k")
    draw: Callable[..., Drawn] = partial(_regular_beta_geometric, k=k, at_start=at_start, **parameters)  # type: ignore[arg-type]
    names = ("purchase_rate", "dropout_probability", "lifetime", "alive")
    return _simulate(draw, n, T, names, parameters, seed, every=k, **options)


def _regular_beta_geometric(
    generator: np.random.Generator,
    size: int,
    T: Some,
    faster: Some,
    leaving: Some,
    *,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
    at_start: bool,
) -> Drawn:
    """Purchases, the last one's time and the truth: events until T, every k-th a purchase until dropout.

    Of m events until T the j-th is at T times a Beta(j, m − j + 1) number.
    """
    rate = generator.standard_gamma(r, size) / alpha * faster
    p = generator.beta(a * leaving, b, size)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        # purchases until dropout, that which made the customer being number 0
        stays = np.floor(generator.standard_exponential(size) / -np.log1p(-p)) + (not at_start)
    events = generator.poisson(rate * T)
    x = np.minimum(events // k, stays).astype(np.int64)
    t_x = np.zeros(size)
    some = np.flatnonzero(x)
    window = np.broadcast_to(T, (size,))
    t_x[some] = window[some] * generator.beta(k * x[some], events[some] - k * x[some] + 1)
    alive = stays > events // k
    later = np.flatnonzero(alive)
    lifetime = t_x.copy()
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        missing = k * stays[later] - events[later]
        waits = generator.standard_gamma(np.minimum(missing, 1e300)) / rate[later]
        lifetime[later] = window[later] + np.where(np.isfinite(missing), waits, np.inf)
    return x, t_x, (rate / k, p, lifetime, alive)


def _last_share(generator: np.random.Generator, x: Counts) -> Array:
    """The largest of x uniform numbers, 0 where x is 0."""
    share = np.zeros(x.size)
    some = np.flatnonzero(x)
    share[some] = generator.random(some.size) ** (1.0 / x[some])
    return share


def in_parts(
    simulator: Callable[..., Customers], n: int, T: npt.ArrayLike, *, size: int = 1 << 20, **options: Any
) -> Iterator[Customers]:
    """Yield a cohort in parts of at most `size` customers, so that memory stays bounded.

    The parts together are ``simulator(n, T, **options)``, customer by customer.

    Parameters
    ----------
    simulator : pareto_nbd, bg_nbd, mbg_nbd, bg_cnbd or mbg_cnbd
    size : int
        Customers a part, rounded up to whole blocks of random streams.

    Yields
    ------
    Customers
    """
    size = -(-int(size) // BLOCK) * BLOCK
    options["seed"] = sequence_of(options.get("seed"))
    tables = ("purchase_covariates", "dropout_covariates")
    for first in range(0, size_of(n), size):
        part = slice(first, min(first + size, n))
        some = {
            key: np.asarray(value)[part] if key in tables and value is not None else value
            for key, value in options.items()
        }
        yield simulator(part.stop - first, np.asarray(T)[part] if np.ndim(T) else T, first=first, **some)


def _simulate(
    draw: Callable[[np.random.Generator, int, Some, Some, Some], Drawn],
    n: int,
    T: npt.ArrayLike,
    names: tuple[str, ...],
    parameters: Mapping[str, float],
    seed: Seed,
    *,
    grain: float | None = None,
    spend: Mapping[str, float] | None = None,
    purchase_covariates: npt.ArrayLike | None = None,
    purchase_effects: npt.ArrayLike | None = None,
    dropout_covariates: npt.ArrayLike | None = None,
    dropout_effects: npt.ArrayLike | None = None,
    threads: int | None = None,
    first: int = 0,
    every: int = 1,
) -> Customers:
    check_positive(parameters)
    n, sequence = size_of(n), sequence_of(seed)
    T = windows(T, n, grain)
    faster = multiplier("purchase", purchase_covariates, purchase_effects, n)
    leaving = multiplier("dropout", dropout_covariates, dropout_effects, n)
    threads = threads or available_cores()
    x, t_x = np.empty(n, np.int64), np.empty(n)
    truth = {name: np.empty(n, bool if name == "alive" else float) for name in names}
    offset = None if grain is None else np.empty(n)

    def block(start: int) -> None:
        part = slice(start, min(start + BLOCK, n))
        generator = stream(sequence, (first + start) // BLOCK, SUMMARY)
        window = _some(T, part)
        if grain is not None and offset is not None:
            offset[part] = generator.random(part.stop - start) * grain
            window = window + grain - offset[part]
        x[part], t_x[part], drawn = draw(
            generator, part.stop - start, window, _some(faster, part), _some(leaving, part)
        )
        for whole, some in zip(truth.values(), drawn):
            whole[part] = some

    in_threads(block, range(0, n, BLOCK), threads)
    how = Drawing(sequence, x, t_x, first, threads, grain, offset, every=every)
    customers = Customers(x, t_x, np.array(np.broadcast_to(T, (n,))), truth, how)
    if spend is not None:
        customers = _with_spend(customers, spend)
    return customers if grain is None else by_day(customers, grain)


def _some(values: Some, part: slice) -> Some:
    """A part of the customers' values, or the one value of all."""
    return values[part] if isinstance(values, np.ndarray) else values


def _with_spend(customers: Customers, spend: Mapping[str, float]) -> Customers:
    """The same customers, whose purchases are worth something."""
    how = customers.drawing
    total, rate = spending(how.seed, how.first, how.purchases, spend, how.threads)
    return replace(
        customers,
        truth=customers.truth | {"mean_spend": spend["p"] / rate},
        drawing=replace(how, spend=Spend(spend["p"], total, rate)),
        monetary_value=total / np.maximum(how.purchases, 1),
    )
