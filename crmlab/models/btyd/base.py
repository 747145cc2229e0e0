"""The one shape of every customer-base model: what a fitted model holds and how it shows itself."""

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri  # scipy.stats would take half a second to import

from crmlab.errors import InputError, check_known
from crmlab.models.btyd import checks, fitting
from crmlab.models.btyd.aliases import SavedNames
from crmlab.models.btyd.fields import Fields
from crmlab.models.btyd.nesting import LikelihoodRatioTest, likelihood_ratio_test
from crmlab.models.btyd.penalties import WEAK, Penalised, Penalty, Prior, Squares, checked_prior, log_normal
from crmlab.models.btyd.rows import Rows
from crmlab.models.btyd.saving import load_model, save_model
from crmlab.models.btyd.showing import Shown
from crmlab.words import words

Array = npt.NDArray[np.float64]
SMALLEST, LARGEST = 1e-6, 1e6  # bounds of a parameter, in its natural unit


class NotFittedError(InputError, AttributeError):
    """Asked of a model that has no parameters yet."""


class Model(SavedNames, Shown):
    """A model with parameters above 0, fitted by maximum likelihood.

    Parameters
    ----------
    confidence_level : float
        Level of ``confidence_intervals_``.
    prior : "weak" or dict, optional
        For few customers: by parameter a median and a spread of the logarithm, ``{"r": (1.0, 1.5)}``, or the
        model's ``weak_prior``. Estimates are then those of the highest posterior density, intervals those of
        its normal approximation; ``log_likelihood_`` stays the likelihood's.
    penalizer_coef : float
        lifetimes' penalty, to reproduce its fits; see `crmlab.models.btyd.penalties` for what it does.

    Attributes
    ----------
    params_ : pandas.Series
        Maximum-likelihood (or penalised) estimates; times in the unit of the data.
    penalty_ : float
        What the prior or the penalty added to the maximised log-likelihood.
    standard_errors_, covariance_ : pandas.Series, pandas.DataFrame
        From the observed information on the log scale, by the delta method.
    confidence_intervals_ : pandas.DataFrame
        Columns ``low`` and ``high``: Wald intervals on the log scale, so their ends are above 0;
        on the plain scale for coefficients of covariates.
    log_likelihood_ : float
        Total, in the user's unit of time.
    aic_, bic_ : float
        BIC counts customers.
    n_customers_ : float
        Sum of the weights.
    convergence_ : Convergence
        How the fit ended; a fit without an interior maximum also warns.
    summary : pandas.DataFrame
        One row a parameter: estimate, standard_error, low, high.
    """

    name = ""
    parameter_names: tuple[str, ...] = ()
    many_tops = False  # whether the likelihood is known for several maxima
    weak_prior: Prior = {}  # medians of time parameters in units of the mean T (or amount)
    penalised_together = False  # whether lifetimes' penalty is the same for any number of customers
    time_parameters: tuple[str, ...] = ()  # those measured in the unit of time (or of money)
    unit_: str | None  # that unit, of a model that was saved with it

    def __init__(
        self,
        confidence_level: float = 0.95,
        *,
        prior: Prior | str | None = None,
        penalizer_coef: float = 0.0,
    ) -> None:
        self.confidence_level = checks.one_number("confidence_level", confidence_level)
        if self.confidence_level >= 1:
            raise InputError(f"confidence_level is {confidence_level:g}; give a share such as 0.95")
        self.prior = checked_prior(prior, self.parameter_names)
        self.penalizer_coef = checks.one_number("penalizer_coef", penalizer_coef, strict=False)
        if self.prior is not None and self.penalizer_coef:
            raise InputError("prior and penalizer_coef are given; choose one")
        self.covariate_names_: tuple[tuple[str, ...], ...] = ()

    # -- parameters ------------------------------------------------------------------------------------

    @classmethod
    def from_params(cls, **params: float) -> Self:
        """A model with known parameters: the oracle to hold estimates against.

        Raises
        ------
        InputError
            If a parameter is unknown, missing or not above 0.
        """
        model = cls()
        check_known("parameter", params, model.parameter_names)
        missing = [name for name in model.parameter_names if name not in params]
        if missing:
            raise InputError(
                f"parameter {', '.join(missing)} not given; {cls.__name__} has "
                f"{', '.join(model.parameter_names)}"
            )
        values = [checks.one_number(name, params[name]) for name in model.parameter_names]
        model.params_ = pd.Series(values, index=list(model.parameter_names), name="estimate")
        return model

    def __getattr__(self, attribute: str) -> Any:
        if attribute.endswith("_") and not attribute.startswith("_"):
            raise NotFittedError(f"{type(self).__name__} has no {attribute} before fit(); call fit first")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r}")

    def _settings(self) -> dict[str, Any]:
        """What the model was made with, for JSON."""
        return {name: getattr(self, name) for name in ("confidence_level", "prior", "penalizer_coef")}

    @classmethod
    def _from_settings(cls, read: Fields) -> Self:
        """A model made with settings that were read."""
        model = cls(**cls._read_settings(read))
        read.nothing_else()
        return model

    @classmethod
    def _read_settings(cls, read: Fields) -> dict[str, Any]:
        return {
            "confidence_level": read.number("confidence_level", above=0.0),
            "prior": read.take("prior"),
            "penalizer_coef": read.number("penalizer_coef"),
        }

    def _more(self) -> dict[str, Any]:
        """What else a fitted model holds, for JSON."""
        return {}

    def _restore_more(self, read: Fields) -> None:
        """Take what `_more` gave."""
        read.nothing_else()

    def _unfitted(self) -> Self:
        """A model of the same kind without parameters."""
        return type(self)(**self._settings())

    def save(self, path: str | Path, unit: str | None = None) -> Path:
        """Write the model as JSON, which another version reads or refuses; see `save_model`."""
        return save_model(self, path, unit)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model of this kind that `save` wrote; `load_model` reads any kind."""
        model = load_model(path)
        if not isinstance(model, cls):
            raise InputError(f"{str(path)!r} holds a {type(model).__name__}, not a {cls.__name__}")
        return model

    def _values(self) -> list[float]:
        """The parameters as floats, without coefficients of covariates."""
        return [float(self.params_[name]) for name in self.parameter_names]

    # -- estimation ------------------------------------------------------------------------------------

    def _estimate(
        self,
        rows: Rows,
        build: Callable[[Rows], fitting.Objective],
        starts: Sequence[Sequence[float]],
        scale: float = 1.0,
        slope_names: Sequence[str] = (),
        fixed: Mapping[str, float] | None = None,
        customers: float | None = None,
        ceiling: float = np.inf,
        back: Array | None = None,
        longest: float = 1.0,
    ) -> Self:
        """Maximise and store everything a fitted model has.

        Parameters
        ----------
        rows : Rows
        build : callable
            ``build(rows)`` returns the likelihood of rows, see Likelihood.
        starts : list of sequences of float
            Parameters to start from, and coefficients of covariates if others than 0.
        scale : float
            A typical time (or amount), the unit in which time parameters are bounded.
        slope_names : sequence of str
            Names of the coefficients of covariates.
        fixed : dict, optional
            Parameters (or coefficients) held at given values.
        customers : float, optional
            How many there are, where rows are not customers.
        ceiling : float
            What the log-likelihood can never exceed.
        back : array, shape (k, k), optional
            Takes the coefficients of `rows` to those to report, where covariates were standardised.
        longest : float
            The unit in which lifetimes' penalty takes time parameters.
        """
        names = tuple(self.parameter_names) + tuple(slope_names)
        k = len(self.parameter_names)
        back = np.eye(len(names)) if back is None else back
        units = np.array([scale if name in self.time_parameters else 1.0 for name in self.parameter_names])
        low = np.concatenate([np.log(units * SMALLEST), np.full(len(slope_names), -30.0)])
        high = np.concatenate([np.log(units * LARGEST), np.full(len(slope_names), 30.0)])
        starts = [
            np.concatenate([np.log(start[:k]), start[k:], np.zeros(len(names) - len(start))])
            for start in starts
        ]
        hold = np.zeros(len(names), bool)
        for name, value in self._fixed(fixed, names).items():
            j = names.index(name)
            hold[j] = True
            for start in starts:
                start[j] = np.log(value) if j < k else value / back[j, j]
            low[j] = high[j] = starts[0][j]
        if hold.all():
            raise InputError("fixed holds every parameter; leave at least one free, or use from_params")

        penalty = self._penalty(units, longest, len(names), rows.total)

        def penalised(some: Rows) -> fitting.Objective:
            return build(some) if penalty is None else Penalised(build(some), penalty, rows.total)

        optimum, convergence = fitting.maximise(
            penalised, rows, starts, low, high, hold, names, ceiling, self.many_tops
        )
        covariance = fitting.standard_errors(optimum, rows.total, hold)
        lost = [names.index(name) for name in convergence.boundary]
        covariance[lost, :] = covariance[:, lost] = np.nan
        self.penalty_ = 0.0 if penalty is None else penalty(optimum.at)[0]
        self._put(names, k, *fitting.turned(back, optimum.at, covariance))
        self._store(names, optimum, convergence, rows, hold, customers or rows.total)
        return self

    def _penalty(self, units: Array, longest: float, size: int, customers: float) -> Penalty | None:
        """The penalty on `size` coefficients, the first being logs of parameters measured in `units`."""
        if self.prior == WEAK:
            return log_normal(self.weak_prior, self.parameter_names, units, size)
        if self.prior is not None:
            return log_normal(self.prior, self.parameter_names, np.ones_like(units), size)
        if not self.penalizer_coef:
            return None
        timed = [longest if name in self.time_parameters else 1.0 for name in self.parameter_names]
        weight = self.penalizer_coef * (1.0 if self.penalised_together else customers)
        return Squares(weight, np.array(timed + [np.inf] * (size - len(timed))))

    def _fixed(self, fixed: Mapping[str, float] | None, names: Sequence[str]) -> dict[str, float]:
        fixed = dict(fixed or {})
        check_known("fixed parameter", fixed, names)
        return {
            name: checks.one_number(
                f"fixed[{name!r}]", value, low=0.0 if name in self.parameter_names else -np.inf
            )
            for name, value in fixed.items()
        }

    def _put(self, names: Sequence[str], k: int, coefficients: Array, covariance: Array) -> None:
        """Store coefficients (logs of the first k parameters, then slopes) and what follows from them."""
        index = list(names)
        with np.errstate(over="ignore"):
            estimate = np.concatenate([np.exp(coefficients[:k]), coefficients[k:]])
        if not (np.isfinite(estimate).all() and (estimate[:k] > 0).all()):
            raise InputError(
                "covariates lie so far from 0 that the parameters of customers with covariates 0 cannot be "
                "represented; subtract a typical value from each covariate"
            )
        slope = np.concatenate([estimate[:k], np.ones(len(names) - k)])  # d parameter / d coefficient
        spread = np.sqrt(np.diag(covariance))
        self.params_ = pd.Series(estimate, index=index, name="estimate")
        self.covariance_ = pd.DataFrame(covariance * np.outer(slope, slope), index=index, columns=index)
        self.standard_errors_ = pd.Series(spread * slope, index=index, name="standard_error")
        self._coefficients, self._coefficient_spread, self._coefficient_covariance = (
            coefficients,
            spread,
            covariance,
        )

    def _store(
        self,
        names: Sequence[str],
        optimum: fitting.Optimum,
        convergence: fitting.Convergence,
        rows: Rows,
        hold: npt.NDArray[np.bool_],
        customers: float,
    ) -> None:
        """Store the likelihood and how the fit ended, and warn where that is no interior maximum."""
        self.log_likelihood_ = float(optimum.value * rows.total) - self.penalty_
        self.n_customers_ = float(customers)
        free = int((~hold).sum())
        self.degrees_of_freedom_ = free
        self.aic_ = 2.0 * free - 2.0 * self.log_likelihood_
        self.bic_ = float(free * np.log(customers) - 2.0 * self.log_likelihood_)
        self.convergence_ = convergence
        self.fixed_ = tuple(name for name, held in zip(names, hold) if held)
        self._data = (*tuple(rows.weighted(column) for column in rows.columns), rows.total)
        self._warn(stacklevel=4)

    def _warn(self, stacklevel: int) -> None:
        """Warn where a fit is no interior maximum."""
        if self.convergence_.status != "converged":
            warnings.warn(
                words("btyd.warning", name=self.name, message=self.convergence_.message),
                fitting.ConvergenceWarning,
                stacklevel=stacklevel + 1,
            )

    def confidence_intervals(self, level: float = 0.95) -> pd.DataFrame:
        """Wald intervals at `level`: on the log scale for parameters, plain for coefficients of covariates.

        Returns
        -------
        pandas.DataFrame
            Columns ``low`` and ``high``.
        """
        if "standard_errors_" not in self.__dict__:
            raise NotFittedError(f"{type(self).__name__} has no intervals before fit(); call fit first")
        reach = ndtri(0.5 + 0.5 * level) * self._coefficient_spread
        ends = np.column_stack([self._coefficients - reach, self._coefficients + reach])
        with np.errstate(over="ignore"):
            ends[: len(self.parameter_names)] = np.exp(ends[: len(self.parameter_names)])
        return pd.DataFrame(ends, index=self.params_.index, columns=["low", "high"])

    @property
    def confidence_intervals_(self) -> pd.DataFrame:
        """The intervals at the model's ``confidence_level``."""
        return self.confidence_intervals(self.confidence_level)

    def parameter_draws(self, n: int, seed: int) -> pd.DataFrame:
        """Draws from the estimates' large-sample distribution; see `interval` for what they are good for.

        Returns
        -------
        pandas.DataFrame
            `n` rows, one column a parameter.
        """
        if not np.isfinite(self.covariance_.to_numpy()).all():
            raise InputError(f"{self.name} has no covariance of its estimates: {self.convergence_.message}")
        generator = np.random.default_rng(seed)
        draws = generator.multivariate_normal(
            self._coefficients, self._coefficient_covariance, n, method="eigh"
        )
        k = len(self.parameter_names)
        draws[:, :k] = np.exp(draws[:, :k])
        return pd.DataFrame(draws, columns=self.params_.index)

    def interval(
        self, function: Callable[[Self], npt.ArrayLike], level: float = 0.95, draws: int = 400, seed: int = 0
    ) -> tuple[Array, Array]:
        """Interval of anything computed from the model, from draws of the parameters.

        Parameters
        ----------
        function : callable
            ``function(model)`` returns a number or array: ``lambda model: model.expected_purchases(t)``.
        level : float
        draws, seed : int

        Returns
        -------
        low, high : arrays of the shape of function(model)
        """
        values = []
        for _, row in self.parameter_draws(draws, seed).iterrows():
            other = copy.copy(self)
            other.params_ = row
            values.append(function(other))
        low, high = np.quantile(np.array(values, float), [0.5 - 0.5 * level, 0.5 + 0.5 * level], axis=0)
        return low, high

    def likelihood_ratio_test(self, restricted: "Model") -> LikelihoodRatioTest:
        """Test this fit against one with fewer free parameters; see the function `likelihood_ratio_test`."""
        return likelihood_ratio_test(restricted, self)
