"""What customer-base models with covariates that change in time share: input, estimation, questions."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import reduce
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.cores import available_cores
from crmlab.errors import InputError, check_known
from crmlab.models.btyd import checks
from crmlab.models.btyd.base import Model
from crmlab.models.btyd.histories import HistoryModel
from crmlab.models.btyd.varying.clock import Clock, Ints
from crmlab.models.btyd.varying.dated import DatedHistories, moment_of
from crmlab.models.btyd.varying.rows import VaryingRows, rows_of
from crmlab.models.btyd.varying.season import Season
from crmlab.models.btyd.varying.sources import Nothing, Source

Array = npt.NDArray[np.float64]


class Part(Protocol):
    """The likelihood of one block of rows."""

    def __call__(self, coefficients: Array, /) -> tuple[float, Array, Array]:
        """Total log-likelihood, gradient and Hessian."""
        ...


class VaryingLikelihood:
    """The mean log-likelihood over rows in blocks, with gradient and Hessian in the coefficients."""

    def __init__(self, parts: Sequence[Part], total: float) -> None:
        self.parts, self.total, self.evaluations = parts, total, 0
        threads = min(available_cores(), 8, len(self.parts))
        self.map = ThreadPoolExecutor(threads).map if threads > 1 else map

    def __call__(self, coefficients: Array) -> tuple[float, Array, Array]:
        """(value, gradient, Hessian) at `coefficients`."""
        self.evaluations += 1
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found = list(self.map(lambda part: part(coefficients), self.parts))
        return tuple(reduce(np.add, each) / self.total for each in zip(*found))  # type: ignore[return-value]


def source_of(given: Source | str | None, name: str) -> Source:
    """A source of covariates: a season by its name, or one as it is."""
    if given is None:
        return Nothing()
    if isinstance(given, str):
        return Season(given)
    if not hasattr(given, "paths"):
        raise InputError(
            f"{name} is a {type(given).__name__}; give Season(kind), ByPeriod(table) or Static(table), or a sum "
            f"of them"
        )
    return given


class TimeVaryingModel(Model):
    """A customer-base model whose rates change with covariates of the time.

    It is fitted to `DatedHistories`; times in predictions are in their unit. A model remembers where its
    covariates came from, so that later questions need them only where they were not known far enough ahead.
    """

    plain: ClassVar[type[HistoryModel]]  # the model without covariates
    flips_at_start = 0  # whether the first purchase is a chance to drop out, for models that have such chances

    # -- parameters --------------------------------------------------------------------------------------------

    @classmethod
    def from_params(
        cls,
        *,
        purchase_covariates: Source | str | None = None,
        dropout_covariates: Source | str | None = None,
        **params: float,
    ) -> Self:
        """A model with known parameters; coefficients are named ``purchase_NAME`` and ``dropout_NAME``."""
        model = cls()
        model._remember(purchase_covariates, dropout_covariates)
        names = [*cls.parameter_names, *model._slope_names()]
        check_known("parameter", params, names)
        missing = [name for name in names if name not in params]
        if missing:
            raise InputError(f"parameter {', '.join(missing)} not given; {cls.__name__} has {', '.join(names)}")
        k = len(cls.parameter_names)
        values = [
            checks.one_number(name, params[name], low=0.0 if j < k else -np.inf) for j, name in enumerate(names)
        ]
        model.params_ = pd.Series(values, index=names, name="estimate")
        return model

    def _remember(self, purchase: Source | str | None, dropout: Source | str | None) -> None:
        self.sources_ = (
            source_of(purchase, "purchase_covariates"),
            source_of(dropout, "dropout_covariates"),
        )
        self.covariate_names_ = (self.sources_[0].names, self.sources_[1].names)

    def _slope_names(self) -> list[str]:
        return [
            f"{side}_{name}"
            for side, names in zip(("purchase", "dropout"), self.covariate_names_)
            for name in names
        ]

    @property
    def coefficients(self) -> Array:
        """Logs of the parameters, then coefficients of covariates."""
        values = self.params_.to_numpy(float)
        k = len(self.parameter_names)
        return np.r_[np.log(values[:k]), values[k:]]

    @property
    def base(self) -> HistoryModel:
        """The model without covariates of customers whose covariates are 0, with its uncertainty."""
        k = len(self.parameter_names)
        other = self.plain(self.confidence_level)
        if "_coefficients" in self.__dict__:
            covariance = self._coefficient_covariance[:k, :k]
            other._put(self.parameter_names, k, self._coefficients[:k], covariance)
            return other
        return self.plain.from_params(**self.params_.iloc[:k].to_dict())

    # -- estimation --------------------------------------------------------------------------------------------

    def fit(
        self,
        customers: DatedHistories,
        *,
        purchase_covariates: Source | str | None = None,
        dropout_covariates: Source | str | None = None,
        fixed: Mapping[str, float] | None = None,
    ) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        customers : DatedHistories
        purchase_covariates, dropout_covariates : Season, ByPeriod, Static, a sum of them, or str, optional
            A text names a `Season`. Coefficients are named ``purchase_NAME`` and ``dropout_NAME``.
        fixed : dict, optional
            Parameters held at given values, for a restricted fit.

        Raises
        ------
        InputError
            Where covariates are missing, naming customers and periods; where they cannot be told apart; and
            when nobody bought again.
        """
        if not customers.moment.size:
            raise InputError(
                f"customers holds no repeat purchase of any of {len(customers)}: rates cannot be estimated; "
                f"observe longer or add customers"
            )
        self._remember(purchase_covariates, dropout_covariates)
        clock, which = self._clock(customers, customers.end)
        self._begin(clock)
        rows = self._rows(customers, clock, which, True)
        rows, back = self._standardised(rows, fixed or {})
        scale = rows.weighted(rows.columns[2]) / rows.total
        starts = self.plain()._starts(rows)

        def build(some: VaryingRows) -> VaryingLikelihood:
            return VaryingLikelihood(self._parts(some), some.total)

        return self._estimate(rows, build, starts, scale, self._slope_names(), fixed, back=back)  # type: ignore[arg-type]

    def _begin(self, clock: Clock) -> None:
        """What a model remembers of the covariates that it is fitted to."""

    def _parts(self, rows: VaryingRows) -> list[Part]:
        raise NotImplementedError

    def _clock(self, customers: DatedHistories, end: float, sources: Any = None) -> tuple[Clock, Ints]:
        """The clock from customers' first purchases to `end`, and the course of each customer."""
        buy, die = sources or self.sources_
        paths = bought = buy.paths(customers.ids, customers.first, end)
        paths = paths.beside(bought if die is buy else die.paths(customers.ids, customers.first, end))
        return Clock.of(paths, len(buy.names), customers.unit), paths.which

    def _rows(self, customers: DatedHistories, clock: Clock, which: Ints, unique: bool) -> VaryingRows:
        return rows_of(customers, clock, which, False, self.flips_at_start, unique)

    def _centred(self, clock: Clock) -> npt.NDArray[np.bool_]:
        """Which covariates may be measured from their mean: those whose origin a parameter takes up."""
        return np.ones(clock.levels.shape[1], bool)

    def _standardised(self, rows: VaryingRows, fixed: Mapping[str, float]) -> tuple[VaryingRows, Array]:
        """Rows with covariates of mean 0 and spread 1, and the matrix that takes coefficients back.

        See `CovariateModel`: the ascent then depends on neither origin nor unit.
        """
        clock, k = rows.clock, len(self.parameter_names)
        weight = clock.exposure / clock.exposure.sum()
        self._refuse_collinear(clock, weight > 0)
        mean = weight @ clock.levels
        spread = np.sqrt(weight @ (clock.levels - mean) ** 2)
        mean = np.where(self._centred(clock), mean, 0.0)
        back = np.eye(k + mean.size)
        sides = ((slice(0, clock.split), 1), (slice(clock.split, None), self.plain.dropout_parameter))
        for columns, j in sides:
            if self.parameter_names[j] in fixed:
                mean[columns] = 0.0
            sign = -1.0 if j == 1 else self.plain.dropout_sign
            slopes = np.arange(k, k + mean.size)[columns]
            back[slopes, slopes] = 1.0 / spread[columns]
            back[j, slopes] = -sign * mean[columns] / spread[columns]
        levels = (clock.levels - mean) / spread
        own = slice(0, clock.split)
        bought = (rows.bought - rows.x[:, None] * mean[own]) / spread[own]
        return replace(rows, clock=replace(clock, levels=levels), bought=bought), back

    def _refuse_collinear(self, clock: Clock, met: npt.NDArray[np.bool_]) -> None:
        parts = (("purchase", slice(0, clock.split)), ("dropout", slice(clock.split, None)))
        for (side, columns), names in zip(parts, self.covariate_names_):
            table = clock.levels[met][:, columns]
            if not names:
                continue
            spread = table.std(axis=0)
            constant = spread <= 1e-10 * np.maximum(np.abs(table).max(axis=0), 1e-300)
            scaled = (table - table.mean(axis=0)) / np.where(constant, 1.0, spread)
            if constant.any() or np.linalg.matrix_rank(scaled, tol=1e-8) < len(names):
                raise InputError(
                    f"{side}_covariates: within the time observed {', '.join(names)} cannot be told apart, or one "
                    f"never changes. A season needs each of its parts to have been seen; otherwise leave one out"
                )

    # -- questions ---------------------------------------------------------------------------------------------

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
        return self._alive(self._rows(customers, clock, which, False))

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
        rows = self._rows(customers, clock, which, False)
        found = self._alive(rows) * self._ahead(rows, times)
        return found if np.ndim(t) else found[0]

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
        moments = np.array([moment_of(each, "first") for each in np.atleast_1d(np.asarray(first, object))])
        ids = pd.RangeIndex(moments.size) if ids is None else ids
        nobody = np.zeros(0, np.intp)
        found = np.empty((times.size, moments.size))
        for day in np.unique(moments):
            some = np.flatnonzero(moments == day)
            newcomers = DatedHistories(ids[some], moments[some], nobody, np.zeros(0), day, time_unit)
            clock, which = self._asked(newcomers, float(times.max()), purchase_covariates, dropout_covariates)
            rows = self._rows(newcomers, clock, which, False)
            found[:, some] = self._surviving_start(rows) * self._ahead(rows, times)
        return found if np.ndim(t) else found[0]

    def discounted_expected_purchases(
        self, horizon: float, discount_rate: float, customers: DatedHistories, **covariates: Source | str | None
    ) -> Array:
        """Expected purchases in (T, T + horizon], each discounted at the end of its unit of time, shape (n,)."""
        horizon = checks.one_number("horizon", horizon)
        rate = checks.one_number("discount_rate", discount_rate, strict=False)
        ends = np.minimum(np.arange(1.0, np.ceil(horizon) + 1.0), horizon)
        factor = (1.0 + rate) ** -ends
        return (factor - np.r_[factor[1:], 0.0]) @ self.conditional_expected_purchases(ends, customers, **covariates)

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

    # What a model of one kind says, of rows; `_ahead` of customers known to be active, shape (times, rows).

    def _values_of(self, rows: VaryingRows) -> Array:
        raise NotImplementedError

    def _alive(self, rows: VaryingRows) -> Array:
        raise NotImplementedError

    def _ahead(self, rows: VaryingRows, times: Array) -> Array:
        raise NotImplementedError

    def _surviving_start(self, rows: VaryingRows) -> Array | float:
        """Probability that a new customer is still one after the first purchase."""
        return 1.0


def _each(source: Source) -> list[Source]:
    """A source's parts."""
    return [each for part in getattr(source, "sources", (source,)) for each in ([part] if part is source else _each(part))]
