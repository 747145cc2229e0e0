"""Simulated customers: their summary, their truth, and the transaction log that the summary implies."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.errors import InputError
from crmlab.mechanisms.purchases.spending import amounts_of
from crmlab.mechanisms.purchases.streams import AMOUNTS, BLOCK, TIMES, in_threads, stream
from crmlab.words import words

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
DAYS = {"D": 1.0, "W": 7.0, "M": 365.25 / 12.0, "Y": 365.25}


@dataclass(frozen=True, eq=False)
class Spend:
    """Gamma-gamma spend as drawn: the parameter p, and each customer's total and rate ν, shape (n,)."""

    p: float
    total: Array
    rate: Array


@dataclass(frozen=True, eq=False)
class Drawing:
    """How customers were drawn, from which their log follows.

    Attributes
    ----------
    seed : SeedSequence
    first : int
        Number of the first customer, where a cohort is drawn in parts.
    threads : int
    purchases, last : arrays, shape (n,)
        Repeat purchases and the time of the last one, before days are counted.
    grain : float or None
        Length of a day; offset, shape (n,), is then the time of the first purchase within its day.
    spend : Spend or None
    """

    seed: np.random.SeedSequence
    purchases: Counts
    last: Array
    first: int = 0
    threads: int = 1
    grain: float | None = None
    offset: Array | None = None
    spend: Spend | None = None
    every: int = 1


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
    drawing : Drawing
        From which the log follows.
    monetary_value : array, shape (n,), or None
        Mean amount of the repeat purchases, 0 where there are none.
    """

    frequency: Counts
    recency: Array | Counts
    T: Array | Counts
    truth: dict[str, npt.NDArray[np.generic]]
    drawing: Drawing
    monetary_value: Array | None = None

    def __len__(self) -> int:
        return self.frequency.size

    def __repr__(self) -> str:
        return words(
            "btyd.customers", n=len(self), mean=self.frequency.mean(), alive=self.truth["alive"].mean()
        )

    @property
    def summary(self) -> pd.DataFrame:
        """The customer summary an analyst has: frequency, recency, T and, with spend, monetary_value."""
        columns = {"frequency": self.frequency, "recency": self.recency, "T": self.T}
        if self.monetary_value is not None:
            columns["monetary_value"] = self.monetary_value
        return pd.DataFrame(columns, index=self._ids())

    @property
    def log_intervals(self) -> Array:
        """Sum of the logarithms of the times between each customer's purchases, 0 where there are none."""
        log = self.log()
        customer, time = log["customer_id"].to_numpy() - self.drawing.first, log["time"].to_numpy()
        gaps, same = np.diff(time), np.diff(customer) == 0
        same &= gaps > 0  # purchases of one day are one
        at = customer[1:][same].astype(np.intp, copy=False)
        return np.bincount(at, np.log(gaps[same]), minlength=len(self)).astype(float)

    @property
    def truth_table(self) -> pd.DataFrame:
        """The truth as a DataFrame, one row a customer."""
        return pd.DataFrame(self.truth, index=self._ids())

    def _ids(self) -> pd.RangeIndex:
        first = self.drawing.first
        return pd.RangeIndex(first, first + len(self), name="customer_id")

    def log(self, observation_end: str | pd.Timestamp | None = None, time_unit: str = "W") -> pd.DataFrame:
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
        parts = in_threads(self.block_log, range(0, len(self), BLOCK), self.drawing.threads)
        counts, times = (np.concatenate([part[j] for part in parts]) for j in (0, 1))
        customer = np.repeat(np.arange(len(self)), counts.astype(np.intp, copy=False))
        columns: dict[str, npt.ArrayLike] = {"customer_id": customer + self.drawing.first}
        if observation_end is None:
            columns["time"] = times
        else:
            columns["date"] = self._dates(customer, times, observation_end, time_unit)
        amounts = [each for _, _, each in parts if each is not None]
        if amounts:
            columns["amount"] = np.concatenate(amounts)
        return pd.DataFrame(columns)

    def block_log(self, start: int) -> tuple[Counts, Array, Array | None]:
        """Purchases a customer of one block, their times one after the other, and their amounts if any."""
        how, part = self.drawing, slice(start, start + BLOCK)
        block = (how.first + start) // BLOCK
        x, t_x = how.purchases[part], how.last[part]
        counts, times = _times(stream(how.seed, block, TIMES), x, t_x, how.every)
        if how.grain is not None and how.offset is not None:
            start_of_day = np.repeat(how.offset[part], counts.astype(np.intp, copy=False))
            times = np.floor((times + start_of_day) / how.grain) * how.grain
        amounts = None
        if how.spend is not None:
            rate, total = how.spend.rate[part], how.spend.total[part]
            amounts = amounts_of(stream(how.seed, block, AMOUNTS), how.spend.p, rate, total, x, counts)
        return counts, times, amounts

    def _dates(
        self,
        customer: npt.NDArray[np.intp],
        times: Array,
        observation_end: str | pd.Timestamp,
        time_unit: str,
    ) -> pd.DatetimeIndex:
        if time_unit not in DAYS:
            raise InputError(f"time_unit is {time_unit!r}; give one of {', '.join(DAYS)}")
        end = pd.Timestamp(observation_end)
        days = (times - self.T[customer]) * DAYS[time_unit]
        if self.drawing.grain is not None:
            return end.normalize() + pd.to_timedelta(np.rint(days).astype(np.int64), unit="D")
        return end + pd.to_timedelta((days * 86_400e6).astype(np.int64), unit="us")

    def split(self, calibration_end: npt.ArrayLike) -> pd.DataFrame:
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
        customer, time = log["customer_id"].to_numpy() - self.drawing.first, log["time"].to_numpy()
        if self.drawing.grain is not None:
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


def by_day(customers: Customers, grain: float) -> Customers:
    """The same customers as a dated log shows them: one purchase a day at most, none on day 0."""
    n, spent = len(customers), customers.monetary_value is not None
    x, t_x, money = np.empty(n, np.int64), np.empty(n), np.empty(n)

    def block(start: int) -> None:
        size = min(BLOCK, n - start)
        part = slice(start, start + size)
        counts, times, amounts = customers.block_log(start)
        customer, day = np.repeat(np.arange(size), counts.astype(np.intp, copy=False)), np.rint(times / grain)
        repeat = day > 0
        new = repeat & np.r_[True, (np.diff(customer) != 0) | (np.diff(day) > 0)]
        x[part] = np.bincount(customer[new].astype(np.intp, copy=False), minlength=size)
        t_x[part] = day[np.cumsum(counts) - 1] * grain
        if amounts is not None:
            total = np.bincount(customer[repeat].astype(np.intp, copy=False), amounts[repeat], size)
            money[part] = total / np.maximum(x[part], 1)

    in_threads(block, range(0, n, BLOCK), customers.drawing.threads)
    return replace(customers, frequency=x, recency=t_x, monetary_value=money if spent else None)


def _times(generator: np.random.Generator, x: Counts, t_x: Array, every: int) -> tuple[Counts, Array]:
    """Purchases a customer (the first included) and their times, one after the other."""
    counts = x + 1
    ends = np.cumsum(counts)
    starts = ends - counts
    total = int(ends[-1])
    gaps = generator.standard_exponential(total) if every == 1 else generator.standard_gamma(every, total)
    gaps[starts] = 0.0
    walk = np.cumsum(gaps)
    begin, length = walk[starts], walk[ends - 1] - walk[starts]
    scale = np.divide(t_x, length, out=np.zeros(x.size), where=length > 0)
    times = (walk - np.repeat(begin, counts.astype(np.intp, copy=False))) * np.repeat(
        scale, counts.astype(np.intp, copy=False)
    )
    times[ends - 1] = t_x
    return counts, np.minimum(times, np.repeat(t_x, counts.astype(np.intp, copy=False)))
