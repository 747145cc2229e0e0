"""How customer-base models with covariates that change in time are estimated."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.errors import InputError, check_known
from crmlab.models.btyd import checks
from crmlab.models.btyd.base import Model
from crmlab.models.btyd.fields import Fields
from crmlab.models.btyd.fitting import ConvergenceWarning
from crmlab.models.btyd.histories import HistoryModel
from crmlab.models.btyd.varying import stored
from crmlab.models.btyd.varying.clock import Clock, Hand, Ints
from crmlab.models.btyd.varying.dated import DatedHistories
from crmlab.models.btyd.varying.rows import VaryingRows, rows_of
from crmlab.models.btyd.varying.season import Season
from crmlab.models.btyd.varying.sources import Nothing, Source

Array = npt.NDArray[np.float64]
MOST = 3.0  # logs by which a covariate's spread may change rates in a start


class Part(Protocol):
    """The likelihood of one block of rows."""

    def __call__(self, coefficients: Array, /) -> tuple[float, Array, Array]:
        """Total log-likelihood, gradient and Hessian."""
        ...


class VaryingLikelihood:
    """The mean log-likelihood over rows in blocks, with gradient and Hessian in the coefficients."""

    def __init__(self, parts: Sequence[Part], total: float) -> None:
        self.parts, self.total, self.evaluations = parts, total, 0

    def __call__(self, coefficients: Array) -> tuple[float, Array, Array]:
        """(value, gradient, Hessian) at `coefficients`."""
        self.evaluations += 1
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found = [part(coefficients) for part in self.parts]  # threads only wait for each other here
        return tuple(reduce(np.add, each) / self.total for each in zip(*found))


def source_of(given: Source | str | None, name: str) -> Source:
    """A source of covariates: a season by its name, or one as it is."""
    if given is None:
        return Nothing()
    if isinstance(given, str):
        return Season(given)
    if not hasattr(given, "paths"):
        raise InputError(
            f"{name} is a {type(given).__name__}; give Season(kind), ByPeriod(table) or Static(table), or a "
            f"sum of them"
        )
    return given


def timing(rows: VaryingRows, columns: Ints, steps: int = 3) -> tuple[Array, float]:
    """Effects of covariates on when purchases fall, and by which factor clocks then run faster on average.

    Given the number x of repeat purchases and the last of them, the others fall as exp(γ′x(t)) between the
    first and the last, whatever the rates: a likelihood in γ alone, concave, climbed by Newton steps from 0.
    """
    clock, effects = rows.clock, np.zeros(columns.size)
    others, x = rows.weight * np.maximum(rows.x - 1.0, 0.0), clock.levels[:, columns]
    at_last = clock.levels[clock.code[rows.course, rows.last_run]][:, columns] * (rows.x > 0)[:, None]
    made = rows.weight @ (rows.bought[:, columns] - at_last)
    for _ in range(steps):
        hand = Hand.of(clock, x, effects)
        spent = np.where(others > 0, hand.at(rows.at_last) - hand.at(rows.at_first), 1.0)
        mean = (hand.slopes(rows.at_last) - hand.slopes(rows.at_first)) / spent
        curve = hand.curvature(others / spent, rows.at_last) - hand.curvature(others / spent, rows.at_first)
        curve -= (mean * others) @ mean.T
        step = np.linalg.lstsq(curve, made - mean @ others, rcond=1e-10)[0]
        effects = np.clip(effects + step, -MOST, MOST)
    speed = np.exp(x @ effects)
    return effects, float(clock.exposure @ speed / clock.exposure.sum())


class VaryingEstimation(Model):
    """The estimation of a `TimeVaryingModel`."""

    plain: ClassVar[type[HistoryModel]]  # the model without covariates
    flips_at_start = (
        0  # whether the first purchase is a chance to drop out, for models that have such chances
    )

    # -- parameters ------------------------------------------------------------------------------------------

    @classmethod
    def from_params(
        cls,
        *,
        purchase_covariates: Any = None,
        dropout_covariates: Any = None,
        **params: float,
    ) -> Self:
        """A model with known parameters; coefficients are named ``purchase_NAME`` and ``dropout_NAME``."""
        model = cls()
        model._remember(purchase_covariates, dropout_covariates)
        names = [*cls.parameter_names, *model._slope_names()]
        check_known("parameter", params, names)
        missing = [name for name in names if name not in params]
        if missing:
            raise InputError(
                f"parameter {', '.join(missing)} not given; {cls.__name__} has {', '.join(names)}"
            )
        k = len(cls.parameter_names)
        values = [
            checks.one_number(name, params[name], low=0.0 if j < k else -np.inf)
            for j, name in enumerate(names)
        ]
        model.params_ = pd.Series(values, index=names, name="estimate")
        return model

    def _remember(self, purchase: Source | str | None, dropout: Source | str | None) -> None:
        self.sources_ = (
            source_of(purchase, "purchase_covariates"),
            source_of(dropout, "dropout_covariates"),
        )
        self.covariate_names_ = (self.sources_[0].names, self.sources_[1].names)

    def _more(self) -> dict[str, Any]:
        return {"sources": [stored.as_json(source) for source in self.sources_]}

    def _restore_more(self, read: Fields) -> None:
        given = read.sequence("sources", most=2)
        found = [stored.from_json(stored.part(read, "sources", j, each)) for j, each in enumerate(given)]
        if [source.names for source in found] != list(self.covariate_names_):
            raise read.error("sources", "has other covariates than the model", "save the model again")
        self.sources_ = (found[0], found[1])
        self._restore_last(read)
        read.nothing_else()

    def _restore_last(self, read: Fields) -> None:
        """Take what a subclass adds to `_more`."""

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

    # -- estimation ------------------------------------------------------------------------------------------

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
        starts = self._starts_for(rows)

        def build(some: VaryingRows) -> VaryingLikelihood:
            return VaryingLikelihood(self._parts(some), some.total)

        return self._estimate(rows, build, starts, scale, self._slope_names(), fixed, back=back)  # type: ignore[arg-type]

    def _starts_for(self, rows: VaryingRows) -> list[Sequence[float]]:
        """Parameters to start from: first those of the model without time, with effects by `timing`."""
        clock, k, model = rows.clock, len(self.parameter_names), self.plain()
        still = np.flatnonzero(clock.constant)
        z = clock.levels[clock.code[rows.course, rows.first_run]][:, still]
        cut = int(np.searchsorted(still, clock.split))
        static = [each if each.shape[1] else None for each in (z[:, :cut], z[:, cut:])]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(*rows.columns, rows.weight, purchase_covariates=static[0], dropout_covariates=static[1])
        own: list[Sequence[float]] = list(model._starts(rows))
        if model.convergence_.status != "converged":
            return own
        start = np.zeros(k + len(clock.constant))
        start[np.r_[:k, k + still]] = model.params_
        moving = np.flatnonzero(~clock.constant[: clock.split])
        if moving.size:
            effects, faster = timing(rows, moving)
            start[k + moving] = effects
            start[1] *= faster
        return [start.tolist(), *own]

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
        mean = weight @ clock.levels
        from_mean = clock.levels - mean
        covariance = (from_mean.T * weight) @ from_mean
        self._refuse_collinear(covariance, 1e-10 * np.abs(clock.levels).max(axis=0, initial=0.0), clock.split)
        spread = np.sqrt(np.diag(covariance))
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

    def _refuse_collinear(self, covariance: Array, least: Array, split: int) -> None:
        """Refuse covariates whose spread is not above `least`, and those of a side that others add up to."""
        spread = np.sqrt(np.diag(covariance))
        flat = spread <= least
        correlation = covariance / np.outer(np.where(flat, 1.0, spread), np.where(flat, 1.0, spread))
        parts = (("purchase", slice(0, split)), ("dropout", slice(split, None)))
        for (side, columns), names in zip(parts, self.covariate_names_):
            rank = np.linalg.matrix_rank(correlation[columns, columns], tol=1e-10) if names else 0
            if flat[columns].any() or rank < len(names):
                raise InputError(
                    f"{side}_covariates: in the time observed {', '.join(names)} cannot be told apart, or "
                    f"one never differs. A season needs each part of the year to have been seen; else "
                    f"leave one out"
                )
