"""BG/CNBD-k and MBG/CNBD-k: as BG/NBD and MBG/NBD, for customers who buy more regularly than by chance.

Between purchases a customer waits for k ticks of a Poisson process of rate λ, so waiting times are Erlang-k:
of mean k/λ and with a coefficient of variation of 1/√k. λ ~ Gamma(r, α), and after a purchase the customer
drops out with probability p ~ Beta(a, b). With k = 1 the models are BG/NBD and MBG/NBD.

How many ticks have passed since the last purchase, 0 to k − 1, is the customer's phase, see
`crmlab.models.btyd.ticks`. Given the phase, future purchases are a count of ticks; what is expected of
customers is therefore exact here, where the article approximates.
"""

import copy
import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaln, expit, gammaln

from crmlab.errors import InputError
from crmlab.mechanisms import purchases
from crmlab.models.btyd import checks
from crmlab.models.btyd.arguments import over_unique, shaped
from crmlab.models.btyd.bgnbd import SHAPES_WITH_DROPOUT_AT_START, BetaGeometric
from crmlab.models.btyd.checks import Covariates
from crmlab.models.btyd.fields import Fields
from crmlab.models.btyd.fitting import ConvergenceWarning
from crmlab.models.btyd.histories import most_likely
from crmlab.models.btyd.labels import Answer, labelled
from crmlab.models.btyd.rows import Rows
from crmlab.models.btyd.special import log_rising, softplus
from crmlab.models.btyd.ticks import (
    Silence,
    Ticks,
    discounted,
    silence_terms,
    surviving,
    timing,
    while_active,
)
from crmlab.words import words

Array = npt.NDArray[np.float64]
LARGEST_K = 12  # to which k is sought


class RegularModel(BetaGeometric):
    """What BG/CNBD-k and MBG/CNBD-k share.

    Parameters
    ----------
    k : int, optional
        Ticks between purchases; chosen by likelihood, from 1 to 12, if not given.
    confidence_level, **options
        As of every model, see `crmlab.models.btyd.base.Model`.

    Attributes
    ----------
    k_ : int
    log_likelihoods_ : dict of int to float
        The highest log-likelihood at each k that was tried.
    """

    def __init__(self, k: int | None = None, confidence_level: float = 0.95, **options: Any) -> None:
        super().__init__(confidence_level, **options)
        self.k = None
        if k is not None:
            self.k = self._set_k(_checked_k(k))

    def _set_k(self, k: int) -> int:
        self.k_, self.name = k, f"{type(self).name.removesuffix('k')}{k}"
        return k

    @classmethod
    def from_params(cls, **params: float) -> Self:
        """A model with known parameters, k among them."""
        if "k" not in params:
            raise InputError(f"parameter k not given; {cls.__name__} has k, {', '.join(cls.parameter_names)}")
        model = super().from_params(**{name: value for name, value in params.items() if name != "k"})
        model.k = model._set_k(_checked_k(params["k"]))
        return model

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {"k": self.k}

    @classmethod
    def _from_settings(cls, read: Fields) -> Self:
        k = None if read.take("k") is None else read.whole("k", least=1)
        model = cls(k, **cls._read_settings(read))
        read.nothing_else()
        return model

    def _more(self) -> dict[str, Any]:
        tried = self.__dict__.get("log_likelihoods_", {})
        return {"k": self.k_, "tried": list(tried), "log_likelihoods": list(tried.values())}

    def _restore_more(self, read: Fields) -> None:
        self._set_k(read.whole("k", least=1))
        tried = [int(each) for each in read.vector("tried")]
        found = read.vector("log_likelihoods", len(tried))
        if tried:
            self.log_likelihoods_ = {k: float(value) for k, value in zip(tried, found)}
        read.nothing_else()

    def _unfitted(self) -> Self:
        return type(self)(**self._settings() | {"k": self.k_})

    def fit(
        self,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        *,
        log_intervals: npt.ArrayLike | None = None,
        purchase_covariates: Covariates = None,
        dropout_covariates: Covariates = None,
        fixed: Mapping[str, float] | None = None,
    ) -> Self:
        """Estimate the parameters by maximum likelihood, and k where it is not given.

        Parameters
        ----------
        frequency, recency, T, weights, purchase_covariates, dropout_covariates, fixed
            As in `HistoryModel.fit`.
        log_intervals : array_like, shape (n,), optional
            Sum of the logarithms of the times between a customer's purchases, 0 without a repeat purchase, as
            from ``customer_summary(…, intervals=True)``. At a given k the estimates do not depend on it.
            Without it the likelihood is that of frequency and recency alone, from which k is known less well.

        Returns
        -------
        self
            A k that was chosen counts as a parameter in ``aic_`` and ``bic_``.
        """
        options: dict[str, Any] = dict(
            purchase_covariates=purchase_covariates, dropout_covariates=dropout_covariates, fixed=fixed
        )
        x, t_x, _, w = checks.history(frequency, recency, T, weights)
        logs = None if log_intervals is None else _checked_logs(log_intervals, x, t_x)
        found: dict[int, Self] = {}
        for k in (self.k,) if self.k else range(1, LARGEST_K + 1):
            model = copy.copy(self)
            model._set_k(k)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                super(RegularModel, model).fit(frequency, recency, T, weights, **options)
            model._add_to_likelihood(float(np.sum(w * timing(k, x, t_x, logs))), self.k is None)
            found[k] = model
            values = [each.log_likelihood_ for each in found.values()]
            if len(values) > 2 and values[-1] < values[-2] < values[-3]:
                break
        best = max(found.values(), key=lambda model: model.log_likelihood_)
        self.__dict__.update(best.__dict__)
        self.log_likelihoods_ = {k: model.log_likelihood_ for k, model in found.items()}
        self._warn(stacklevel=2)
        return self

    def _add_to_likelihood(self, timing: float, chosen: bool) -> None:
        self.log_likelihood_ += timing
        self.degrees_of_freedom_ += chosen
        self.aic_ = 2.0 * self.degrees_of_freedom_ - 2.0 * self.log_likelihood_
        self.bic_ = float(self.degrees_of_freedom_ * np.log(self.n_customers_) - 2.0 * self.log_likelihood_)

    def log_likelihood(
        self,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        *,
        log_intervals: npt.ArrayLike | None = None,
        purchase_covariates: Covariates = None,
        dropout_covariates: Covariates = None,
        individual: bool = False,
    ) -> float | Array:
        """Log-likelihood of customers at the model's parameters; see `fit` for `log_intervals`."""
        x, t_x, _, w = checks.history(frequency, recency, T, weights)
        logs = None if log_intervals is None else _checked_logs(log_intervals, x, t_x)
        own = super().log_likelihood(
            frequency,
            recency,
            T,
            purchase_covariates=purchase_covariates,
            dropout_covariates=dropout_covariates,
            individual=True,
        )
        own = own + timing(self.k_, x, t_x, logs)
        return own if individual else float(w @ own)

    def _terms(self, columns, r, alpha, a, b):
        """Log-likelihood of each row with derivatives, without what `timing` adds.

        Reutterer, Platzer & Schröder (2021): base + log(1 + odds of having dropped out), the base being a
        customer who has stayed and was silent for less than k ticks since.
        """
        x, t_x, T = columns
        ticks, flips = self.k_ * x, x + self.flips_at_start
        s = r + ticks
        gone = flips > 0
        left = np.where(gone, b + flips - 1.0, 1.0)
        silence = Silence.of(s, T - t_x, alpha + T, self.k_)
        D = np.log1p((T - t_x) / (alpha + t_x))
        odds = np.where(gone, np.log(a / left) + s * D - silence.log, -np.inf)
        dropped = expit(odds)
        R, R1, R2 = log_rising(r, ticks)
        B, B1, B2 = log_rising(b, flips)
        A, A1, A2 = log_rising(a + b, flips)
        end, last = 1.0 / (alpha + T), 1.0 / (alpha + t_x)
        waited = np.log1p(T / alpha)
        value = R + B - A + silence.log - r * waited - ticks * np.log(alpha + T) + softplus(odds)
        slopes = [D - silence.r, s * (end - last) - silence.alpha, 1.0 / a, -1.0 / left]  # of the log odds
        base = [R1 - waited + silence.r, (r * T / alpha - ticks) * end + silence.alpha, -A1, B1 - A1]
        first = [own + dropped * slope for own, slope in zip(base, slopes)]
        # second derivatives of the base, and of the log odds
        own = {
            (0, 0): R2 + silence.r_r,
            (0, 1): T / alpha * end + silence.r_alpha,
            (1, 1): (ticks - r * T / alpha * (T / alpha + 2.0)) * end**2 + silence.alpha_alpha,
            (2, 2): -A2,
            (2, 3): -A2,
            (3, 3): B2 - A2,
        }
        bend = {
            (0, 0): -silence.r_r,
            (0, 1): end - last - silence.r_alpha,
            (1, 1): s * (last**2 - end**2) - silence.alpha_alpha,
            (2, 2): -1.0 / a**2,
            (3, 3): 1.0 / left**2,
        }
        q = dropped * (1.0 - dropped)
        second = {
            (i, j): own.get((i, j), 0.0) + dropped * bend.get((i, j), 0.0) + q * slopes[i] * slopes[j]
            for i in range(4)
            for j in range(i, 4)
        }
        return value, first, second

    def _starts(self, rows):
        return [(r, alpha * self.k_, a, b) for r, alpha, a, b in super()._starts(rows)]

    def _ceiling(self, rows: Rows) -> float:
        x, t_x, _ = rows.columns
        return most_likely(rows, self.k_ * x, t_x)

    # -- prediction --------------------------------------------------------------------------------------

    def _log_odds(self, columns, r, alpha, a, b):
        x, t_x, T = columns
        flips, s = x + self.flips_at_start, r + self.k_ * x
        gone = flips > 0
        silence = np.log(sum(silence_terms(s, (T - t_x) / (alpha + T), self.k_)))
        with np.errstate(divide="ignore"):
            odds = np.log(a / np.where(gone, b + flips - 1.0, 1.0)) + s * np.log1p((T - t_x) / (alpha + t_x))
        return np.where(gone, odds - silence, -np.inf)

    def phases(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike) -> Array:
        """Probabilities that 0, …, k − 1 ticks have passed since the last purchase, for active customers.

        Returns
        -------
        array, shape (n, k)
        """
        x, t_x, T, _ = checks.history(frequency, recency, T)
        return self._phases((x, t_x, T), *self._values()).T

    def _phases(self, columns, r, alpha, a, b):
        x, t_x, T = columns
        terms = silence_terms(r + self.k_ * x, (T - t_x) / (alpha + T), self.k_)
        return np.stack(terms) / sum(terms)

    @labelled
    def expected_of_active(
        self, t: npt.ArrayLike, frequency: npt.ArrayLike, T: npt.ArrayLike, phase: int = 0
    ) -> Answer:
        """Expected purchases in (T, T+t] of customers known to be active and in a phase. Arguments broadcast.

        Returns
        -------
        float or array
        """
        (t, x, T), shape = checks.spread(t=t, frequency=frequency, T=T)
        r, alpha, a, b = self._values()
        s, b = r + self.k_ * x + phase, b + x + self.flips_at_start
        return shaped(over_unique(Ticks(while_active, self.k_, phase), t, s, alpha + T, a, b), shape)

    def _over_phases(self, function, columns, r, alpha, a, b, *more):
        """Mean of ``function(k, phase, *more, shape, rate, a, b)`` over phases, of active customers."""
        x, _, T = columns
        weights = self._phases(columns, r, alpha, a, b)
        b = b + x + self.flips_at_start
        return sum(
            weight * over_unique(Ticks(function, self.k_, j), *more, r + self.k_ * x + j, alpha + T, a, b)
            for j, weight in enumerate(weights)
        )

    def _expected(self, t, r, alpha, a, b):
        survives_start = b / (a + b) if self.flips_at_start else 1.0
        ahead = Ticks(while_active, self.k_, 0)
        return survives_start * over_unique(ahead, t, r, alpha, a, b + self.flips_at_start)

    def _conditional(self, t, columns, *parameters):
        return self._alive(columns, *parameters) * self._over_phases(while_active, columns, *parameters, t)

    def _stays(self, t, columns, *parameters):
        return self._over_phases(surviving, columns, *parameters, t)

    def _residual(self, rate, columns, *parameters):
        return self._alive(columns, *parameters) * self._over_phases(discounted, columns, *parameters, rate)

    def _of_n(self, n, t, r, alpha, a, b):
        """As in BG/NBD, with k purchase-less ticks in which n purchases may be."""
        k, share = self.k_, t / (alpha + t)
        nbd = np.zeros(np.shape(n))
        for ticks in (k * n + j for j in range(k)):
            with np.errstate(divide="ignore", invalid="ignore"):
                powers = np.where(ticks > 0, ticks * np.log(share), 0.0)
            ways = gammaln(r + ticks) - gammaln(r) - gammaln(ticks + 1.0)
            nbd += np.exp(ways - r * np.log1p(t / alpha) + powers)
        at_least = np.where(n > 0, betainc(np.maximum(k * n, 1.0), r, share), 1.0)
        flips = n + self.flips_at_start
        stayed = np.exp(betaln(a, b + flips) - betaln(a, b))
        left = np.exp(betaln(a + 1.0, b + np.maximum(flips, 1.0) - 1.0) - betaln(a, b))
        return stayed * nbd + np.where(flips > 0, left, 0.0) * at_least

    # -- simulation and display --------------------------------------------------------------------------

    def _simulation_parameters(self):
        return super()._simulation_parameters() | {"k": self.k_}

    def _story(self):
        r, alpha, a, b = self._values()
        rate = r / alpha / self.k_
        regular = words("btyd.regular", k=self.k_, variation=self.k_**-0.5)
        return [words(f"btyd.{self._words}", rate=rate, gap=1.0 / rate, dropout=a / (a + b)), regular]


class BGCNBD(RegularModel):
    """The BG/CNBD-k model: BG/NBD with Erlang-k times between purchases.

    Parameters r and alpha (in the unit of time) describe rates of ticks, Gamma(r, alpha), of which k make a
    purchase: purchases have rate r/(k·alpha) on average. a and b, and covariates, are those of `BGNBD`.

    References
    ----------
    Reutterer, T., Platzer, M. & Schröder, N. (2021). Leveraging purchase regularity for predicting customer
    behavior the easy way. International Journal of Research in Marketing 38, 194–215.
    https://doi.org/10.1016/j.ijresmar.2020.09.002
    """

    name = "BG/CNBD-k"
    _words = "bgnbd"
    _simulator = staticmethod(purchases.bg_cnbd)


class ModifiedBGCNBD(RegularModel):
    """The MBG/CNBD-k model: as BG/CNBD-k, with a chance of dropout after the first purchase too.

    References
    ----------
    As `BGCNBD`.
    """

    name = "MBG/CNBD-k"
    flips_at_start = 1
    many_tops = True
    _shapes = SHAPES_WITH_DROPOUT_AT_START
    _words = "mbgnbd"
    _simulator = staticmethod(purchases.mbg_cnbd)


def _checked_k(k: object) -> int:
    number = checks.one_number("k", k)  # type: ignore[arg-type]
    if number != round(number):
        raise InputError(f"k is {number:g}; give a whole number of ticks between purchases, at least 1")
    return int(number)


def _checked_logs(log_intervals: npt.ArrayLike, x: Array, t_x: Array) -> Array:
    """Sums of log intervals, which are 0 without a repeat purchase and at most those of equal intervals."""
    logs = checks.numbers("log_intervals", log_intervals)
    checks.same_length(frequency=x, log_intervals=logs)
    with np.errstate(divide="ignore"):
        most = np.where(x > 0, x * np.log(np.maximum(t_x, 1e-300) / np.maximum(x, 1.0)), 0.0)
    bad = (logs > most + 1e-6 * (1.0 + np.abs(most))) | ((x == 0) & (logs != 0))
    if bad.any():
        checks.refuse(
            "log_intervals",
            logs,
            bad,
            "more than intervals that add up to recency can give",
            "it is the sum of logarithms of the times between purchases, in the unit of recency, and 0 where "
            "there was no repeat purchase",
            ("frequency", x),
        )
    return logs
