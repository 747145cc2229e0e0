"""Draws of what customers do from a moment on, on clocks that covariates make run faster or slower."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.models.btyd.varying.clock import Clock, Hand, Ints
from crmlab.models.btyd.varying.dated import NOON, DatedHistories

Array = npt.NDArray[np.float64]
CELLS = 1 << 22  # numbers in the largest working array


@dataclass(frozen=True)
class Drawn:
    """Purchases and dropouts.

    Attributes
    ----------
    row : int array, shape (m,)
        Whose purchase it is.
    time : array, shape (m,)
        When, on the clock; in order within customers.
    died : array, shape (n,)
        When each customer drops out; infinite if not within the clock's time.
    """

    row: Ints
    time: Array
    died: Array

    def counts(self) -> Array:
        """Purchases of each customer, shape (n,)."""
        return np.bincount(self.row.astype(np.intp, copy=False), minlength=self.died.size).astype(float)


def lives(
    buy: Hand,
    die: Hand,
    course: Ints,
    begin: Array,
    end: Array,
    rates: tuple[Array, Array],
    generator: np.random.Generator,
) -> Drawn:
    """Purchases until an independent lifetime ends, as of the Pareto/NBD.

    Parameters
    ----------
    buy, die : Hand
        Clocks of purchases and of dropout.
    course, begin, end : arrays, shape (n,)
        Each customer's course, and the time from when and until when purchases are drawn.
    rates : (array, array), shape (n,) each
        Of purchases and of dropout, by these clocks.
    """
    started = die.at(die.clock.points(course, begin))
    with np.errstate(divide="ignore", over="ignore"):
        died = die.time_of(course, started + generator.standard_exponential(begin.size) / rates[1])
    row, time = _purchases(buy, course, begin, np.minimum(died, end), rates[0], generator)
    return Drawn(row, time, died)


def chances(
    buy: Hand,
    power: Array,
    course: Ints,
    begin: Array,
    end: Array,
    rates: tuple[Array, Array],
    generator: np.random.Generator,
) -> Drawn:
    """Purchases until one after which the customer is gone, as of the BG/NBD.

    Purchases after which a customer stays and the one after which not are independent Poisson processes, of
    rates λ A′ q^c and λ A′ (1 − q^c).

    Parameters
    ----------
    power : array, shape (L,)
        c of each level of the covariates.
    rates : (array, array), shape (n,) each
        Rate of purchases, and probability p = 1 − q of dropout.
    """
    died, rows, times = np.full(begin.size, np.inf), [], []
    size = max(1, CELLS // buy.clock.code.shape[1])
    for start in range(0, begin.size, size):
        part = slice(start, start + size)
        clock = buy.clock.only(course[part])
        own, rate, p = np.arange(len(clock.code)), rates[0][part], rates[1][part]
        stay = np.exp(power[clock.code] * np.log1p(-np.minimum(p, 1.0 - 1e-16))[:, None])
        speed = buy.speed[clock.code]
        leaves = Hand(clock, buy.x, buy.speed, speed * (1.0 - stay))
        stays = Hand(clock, buy.x, buy.speed, speed * stay)
        started = leaves.at(clock.points(own, begin[part]))
        with np.errstate(divide="ignore", over="ignore"):
            gone = leaves.time_of(own, started + generator.standard_exponential(own.size) / rate)
        row, time = _purchases(stays, own, begin[part], np.minimum(gone, end[part]), rate, generator)
        last = np.flatnonzero(gone <= end[part])
        row, time = np.r_[row, last], np.r_[time, gone[last]]
        order = np.lexsort((time, row))
        died[part] = gone
        rows.append(row[order] + start)
        times.append(time[order])
    return Drawn(np.concatenate(rows), np.concatenate(times), died)


def _purchases(
    hand: Hand, course: Ints, begin: Array, end: Array, rate: Array, generator: np.random.Generator
) -> tuple[Ints, Array]:
    """Purchases between two times: whose, and when; a Poisson number, uniform by the clock."""
    low = hand.at(hand.clock.points(course, begin))
    high = hand.at(hand.clock.points(course, end))
    count = generator.poisson(rate * np.maximum(high - low, 0.0))
    row = np.repeat(np.arange(begin.size), count.astype(np.intp, copy=False))
    reading = low[row] + (high - low)[row] * generator.random(row.size)
    time = np.clip(hand.time_of(course[row], reading), begin[row], end[row])
    order = np.lexsort((time, row))
    return row[order], time[order]


def recorded(
    ids: pd.Index,
    first: Array,
    end: float,
    clock: Clock,
    drawn: Drawn,
    truth: dict[str, Array],
    time_unit: str,
    by_day: bool,
) -> DatedHistories:
    """Drawn purchases as histories; by day, purchases of one day are one, at its middle."""
    row, moment = drawn.row, clock.origin + drawn.time * clock.unit
    lifetime = drawn.died - clock.time(first)
    facts = truth | {"lifetime": lifetime, "alive": drawn.died > clock.time(end)}
    if by_day:
        day, born = np.floor(moment), np.floor(first)
        new = (day > born[row]) & np.r_[True, (np.diff(row) != 0) | (np.diff(day) > 0)][: row.size]
        row, moment, first, end = row[new], day[new] + NOON, born + NOON, float(np.floor(end) + NOON)
    table = pd.DataFrame(facts, index=ids)
    return DatedHistories(ids, first, row, moment, end, time_unit, table)
