"""What customer-base models with covariates that change in time are asked."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.data.queries import DAYS
from crmlab.errors import InputError
from crmlab.models.btyd import checks
from crmlab.models.btyd.varying.clock import Clock, Ints, distinct
from crmlab.models.btyd.varying.dated import DatedHistories, moment_of
from crmlab.models.btyd.varying.drawing import Drawn, recorded
from crmlab.models.btyd.varying.estimating import VaryingEstimation, source_of
from crmlab.models.btyd.varying.rows import VaryingRows
from crmlab.models.btyd.varying.season import Season
from crmlab.models.btyd.varying.sources import Source
from crmlab.words import words

Array = npt.NDArray[np.float64]


class TimeVaryingModel(VaryingEstimation):
    """A customer-base model whose rates change with covariates of the time.

    It is fitted to `DatedHistories`; times in predictions are in their unit. A model remembers where its
    covariates came from, so that later questions need them only where they were not known far enough ahead.
    """

    def _asked(
        self,
        customers: DatedHistories,
        ahead: float = 0.0,
        purchase_covariates: Source | str | None = None,
        dropout_covariates: Source | str | None = None,
    ) -> tuple[Clock, Ints]:
        """The clock of customers to `ahead` units of time after their end."""
        given = (purchase_covariates, dropout_covariates)
        sources = []
        for side, new, old in zip(("purchase", "dropout"), given, self.sources_):
            source = old if new is None else source_of(new, f"{side}_covariates")
            if source.names != old.names:
                raise InputError(
                    f"{side}_covariates has {', '.join(source.names) or 'none'}; the model has "
                    f"{', '.join(old.names) or 'none'}"
                )
            sources.append(source)
        return self._clock(customers, customers.end + ahead * customers.unit, sources)

    def log_likelihood(
        self,
        customers: DatedHistories,
        *,
        purchase_covariates: Source | str | None = None,
        dropout_covariates: Source | str | None = None,
        individual: bool = False,
    ) -> float | Array:
        """Log-likelihood of customers at the model's parameters; each customer's own if `individual`."""
        clock, which = self._asked(customers, 0.0, purchase_covariates, dropout_covariates)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            values = self._values_of(self._rows(customers, clock, which, False))
        return values if individual else float(values.sum())

    def probability_alive(
        self,
        customers: DatedHistories,
        *,
        purchase_covariates: Source | str | None = None,
        dropout_covariates: Source | str | None = None,
    ) -> Array:
        """Probability that customers are still active at their end of observation, shape (n,)."""
        clock, which = self._asked(customers, 0.0, purchase_covariates, dropout_covariates)
        rows = self._rows(customers, clock, which, True)
        return self._alive(rows)[rows.member]

    def conditional_expected_purchases(
        self,
        t: npt.ArrayLike,
        customers: DatedHistories,
        *,
        purchase_covariates: Source | str | None = None,
        dropout_covariates: Source | str | None = None,
    ) -> Array:
        """Expected purchases in (T, T + t] of customers with these histories.

        Parameters
        ----------
        t : float, or array of shape (m,)
        customers : DatedHistories

        Returns
        -------
        array, shape (n,), or (m, n) where `t` is an array
        """
        times = checks.at_least_0("t", np.atleast_1d(t))
        clock, which = self._asked(customers, float(times.max()), purchase_covariates, dropout_covariates)
        rows = self._rows(customers, clock, which, True)
        found = (self._alive(rows) * self._futures(rows, times))[:, rows.member]
        return found if np.ndim(t) else found[0]

    def _futures(self, rows: VaryingRows, times: Array) -> Array:
        """`_ahead` for times after the end; once for customers who differ in their last purchase alone."""
        if rows.chances is not None:
            return self._ahead(rows, rows.end + times[:, None])
        code = distinct([rows.course.astype(float), rows.x, rows.first])
        some = np.empty(int(code.max()) + 1, np.int64)
        some[code] = np.arange(len(rows))
        return self._ahead(rows.some(some), rows.end[some] + times[:, None])[:, code]

    def expected_purchases(
        self,
        t: npt.ArrayLike,
        first: npt.ArrayLike,
        *,
        ids: pd.Index | None = None,
        time_unit: str = "W",
        purchase_covariates: Source | str | None = None,
        dropout_covariates: Source | str | None = None,
    ) -> Array:
        """Expected repeat purchases of new customers in (0, t] after their first purchase.

        Parameters
        ----------
        t : float, or array of shape (m,)
            In the unit of the data that the model was fitted to.
        first : date-like, or array_like of shape (n,)
            Dates of first purchases, or days since 1970.
        ids : pandas.Index, optional
            Customers, where covariates belong to customers.
        time_unit : str
            Of `t`.

        Returns
        -------
        array, shape (n,), or (m, n) where `t` is an array
        """
        times = checks.at_least_0("t", np.atleast_1d(t))
        moments = _moments(np.atleast_1d(np.asarray(first)))
        ids = pd.RangeIndex(moments.size) if ids is None else ids
        end = float(moments.max()) + float(times.max()) * DAYS[time_unit]
        customers = DatedHistories(ids, moments, np.zeros(0, np.intp), np.zeros(0), end, time_unit)
        rows = self._newcomers(customers, purchase_covariates, dropout_covariates)
        found = self._surviving_start(rows) * self._ahead(rows, rows.first + times[:, None])
        return found[:, rows.member] if np.ndim(t) else found[0, rows.member]

    def expected_by(
        self,
        moments: npt.ArrayLike,
        customers: DatedHistories,
        *,
        purchase_covariates: Source | str | None = None,
        dropout_covariates: Source | str | None = None,
    ) -> Array:
        """Repeat purchases expected of all customers together, before any was seen, by some moments.

        Parameters
        ----------
        moments : array_like, shape (m,)
            Days since 1970.
        customers : DatedHistories
            Of whom first purchases alone are looked at.

        Returns
        -------
        array, shape (m,)
        """
        days = np.asarray(moments, float)
        nobody = replace(
            customers,
            customer=np.zeros(0, np.intp),
            moment=np.zeros(0),
            end=max(days.max(), customers.first.max()),
        )
        rows = self._newcomers(nobody, purchase_covariates, dropout_covariates)
        stops = np.maximum(rows.clock.time(days)[:, None], rows.first)
        return (self._surviving_start(rows) * self._ahead(rows, stops)) @ rows.weight

    def _newcomers(
        self, customers: DatedHistories, purchase: Source | str | None, dropout: Source | str | None
    ) -> VaryingRows:
        """Rows of customers at their first purchase, on a clock that goes on to their end."""
        clock, which = self._asked(customers, 0.0, purchase, dropout)
        rows = self._rows(customers, clock, which, True)
        return replace(rows, end=rows.first, end_run=rows.first_run)

    def discounted_expected_purchases(
        self,
        horizon: float,
        discount_rate: float,
        customers: DatedHistories,
        **covariates: Source | str | None,
    ) -> Array:
        """Expected purchases in (T, T + horizon], discounted at the ends of units of time, shape (n,)."""
        horizon = checks.one_number("horizon", horizon)
        rate = checks.one_number("discount_rate", discount_rate, strict=False)
        ends = np.minimum(np.arange(1.0, np.ceil(horizon) + 1.0), horizon)
        factor = (1.0 + rate) ** -ends
        return (factor - np.r_[factor[1:], 0.0]) @ self.conditional_expected_purchases(
            ends, customers, **covariates
        )

    def season_factors(self, level: float = 0.95) -> pd.DataFrame:
        """By which factor each part of the year multiplies the purchase rate, with its interval.

        Returns
        -------
        pandas.DataFrame
            Parts of the year in rows; factor, low, high. Their logs have mean 0 over the year.
        """
        found = [each for each in _each(self.sources_[0]) if isinstance(each, Season)]
        if not found:
            raise InputError(f"{self.name} was fitted without a season of purchases")
        table = found[0].table
        names = [f"purchase_{name}" for name in table.columns]
        log = table.to_numpy() @ self.params_[names].to_numpy(float)
        columns = {"factor": np.exp(log)}
        if "covariance_" in self.__dict__:
            covariance = self.covariance_.loc[names, names].to_numpy()
            spread = np.sqrt(np.einsum("ij,jk,ik->i", table.to_numpy(), covariance, table.to_numpy()))
            reach = checks.normal_reach(level) * spread
            columns |= {"low": np.exp(log - reach), "high": np.exp(log + reach)}
        return pd.DataFrame(columns, index=table.index)

    def _story(self) -> list[str]:
        return [*self.base._story(), words("btyd.zero")]

    # -- draws -----------------------------------------------------------------------------------------------

    def simulate(
        self,
        first: npt.ArrayLike,
        end: object,
        seed: int,
        *,
        ids: pd.Index | None = None,
        time_unit: str = "W",
        by_day: bool = False,
        purchase_covariates: Source | str | None = None,
        dropout_covariates: Source | str | None = None,
    ) -> DatedHistories:
        """Draw customers from the model, with their truth.

        Parameters
        ----------
        first : array_like, shape (n,)
            First purchases: dates or days since 1970.
        end : date-like
            End of observation.
        seed : int
        ids : pandas.Index, optional
            Customers, where covariates belong to customers.
        time_unit : str
            Of the model's parameters.
        by_day : bool
            Purchases of one day count once, and those on the day of the first one not at all.

        Returns
        -------
        DatedHistories
        """
        moments = _moments(np.atleast_1d(np.asarray(first)))
        names = pd.RangeIndex(moments.size, name="customer_id") if ids is None else ids
        stop, nobody = moment_of(end, "end"), np.zeros(0, np.intp)
        start = DatedHistories(names, moments, nobody, np.zeros(0), stop, time_unit)
        clock, which = self._asked(start, 0.0, purchase_covariates, dropout_covariates)
        rows = self._rows(start, clock, which, False)
        rates, drawn = self._drawn(rows, rows.first, rows.end, None, np.random.default_rng(seed))
        names_of = ("purchase_rate", "dropout_rate" if "s" in self.params_ else "dropout_probability")
        return recorded(names, moments, stop, clock, drawn, dict(zip(names_of, rates)), time_unit, by_day)

    def drawn_futures(
        self, customers: DatedHistories, t: float, generator: np.random.Generator
    ) -> tuple[npt.NDArray[np.bool_], Array]:
        """Whether each customer is still active, and purchases in (T, T + t], drawn given the history."""
        clock, which = self._asked(customers, t)
        rows = self._rows(customers, clock, which, False)
        alive = generator.random(len(rows)) < self._alive(rows)
        _, drawn = self._drawn(rows, rows.end, rows.end + t, rows.x, generator)
        return alive, alive * drawn.counts()

    # What a model of one kind says, of rows; `_ahead` of customers known to be active from the end to some
    # stops, both (times, rows).

    def _values_of(self, rows: VaryingRows) -> Array:
        raise NotImplementedError

    def _alive(self, rows: VaryingRows) -> Array:
        raise NotImplementedError

    def _ahead(self, rows: VaryingRows, stops: Array) -> Array:
        raise NotImplementedError

    def _drawn(
        self,
        rows: VaryingRows,
        begin: Array,
        end: Array,
        bought: Array | None,
        generator: np.random.Generator,
    ) -> tuple[tuple[Array, Array], Drawn]:
        """Rates and purchases of new customers, or of active ones who have bought so often."""
        raise NotImplementedError

    def _surviving_start(self, rows: VaryingRows) -> Array | float:
        """Probability that a new customer is still one after the first purchase."""
        return 1.0


def _moments(days: npt.NDArray[Any]) -> Array:
    """Dates, or days since 1970, as days since 1970."""
    if days.dtype.kind in "iuf":
        return days.astype(float)
    return np.array([moment_of(each, "first") for each in days.astype(object)])


def _each(source: Source) -> list[Source]:
    """A source's parts."""
    return [
        each
        for part in getattr(source, "sources", (source,))
        for each in ([part] if part is source else _each(part))
    ]
