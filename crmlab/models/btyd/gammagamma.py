"""Gamma-Gamma: what customers spend, given how often they buy.

Each purchase is worth Gamma(p, ν) and ν ~ Gamma(q, γ) over customers, independently of how often they buy.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import polygamma, psi

from crmlab.cores import available_cores
from crmlab.errors import InputError
from crmlab.mechanisms import purchases
from crmlab.mechanisms.purchases.streams import Seed
from crmlab.models.btyd import checks
from crmlab.models.btyd.aliases import SpendNames
from crmlab.models.btyd.base import Model
from crmlab.models.btyd.checks import Covariates
from crmlab.models.btyd.histories import HistoryModel
from crmlab.models.btyd.labels import Answer, common_index, labelled
from crmlab.models.btyd.rows import BLOCK, Rows, compress
from crmlab.models.btyd.special import log_beta
from crmlab.words import words

Array = npt.NDArray[np.float64]


class GammaGamma(SpendNames, Model):
    """The Gamma-Gamma model of spend.

    Parameters p and q (shapes) and gamma (in the unit of money).

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). RFM and CLV: using iso-value curves for customer base
    analysis. Journal of Marketing Research 42, 415–430. https://doi.org/10.1509/jmkr.2005.42.4.415
    """

    name = "Gamma-Gamma"
    parameter_names = ("p", "q", "gamma")
    time_parameters = ("gamma",)
    weak_prior = {"p": (3.0, 1.0), "q": (3.0, 1.0)}

    def fit(
        self,
        frequency: npt.ArrayLike,
        monetary_value: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        *,
        fixed: Mapping[str, float] | None = None,
    ) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        frequency : array_like, shape (n,)
            Purchases each mean is over, at least 1: leave out customers without a repeat purchase.
        monetary_value : array_like, shape (n,)
            Mean amount of those purchases, above 0.
        weights : array_like, shape (n,), optional
            How many customers each row stands for.
        fixed : dict, optional
            Parameters held at given values.

        Returns
        -------
        self

        Raises
        ------
        InputError
            On bad rows; and when every mean is the same, where the likelihood has no maximum.
        """
        common_index(dict(frequency=frequency, monetary_value=monetary_value, weights=weights))
        frequency, money, weights = self._checked(frequency, monetary_value, weights)
        if money.max() - money.min() <= 1e-12 * money.max():
            raise InputError(
                f"monetary_value is {money[0]:g} in all {money.size} rows; without differences in spend "
                f"the likelihood has no maximum"
            )
        rows = Rows((frequency, money), weights)
        scale = rows.weighted(money) / rows.total
        starts = [(p, q, scale * max(q - 1.0, 0.5) / p) for p in (1.0, 6.0) for q in (1.5, 4.0, 12.0)]
        return self._estimate(rows, _SpendLikelihood, starts, scale, fixed=fixed)

    def _checked(self, frequency, monetary_value, weights=None):
        frequency = checks.counts("frequency", frequency)
        money = checks.numbers("monetary_value", monetary_value)
        checks.same_length(frequency=frequency, monetary_value=money, weights=weights)
        weights = checks.weights_for(weights, frequency.size)
        if frequency.min() < 1:
            checks.refuse(
                "frequency",
                frequency,
                frequency < 1,
                "below 1",
                "spend is known of customers with a repeat purchase only; leave the others out",
            )
        if money.min() <= 0:
            checks.refuse(
                "monetary_value", money, money <= 0, "not above 0", "remove refunds and gifts first"
            )
        return frequency, money, weights

    def log_likelihood(
        self,
        frequency: npt.ArrayLike,
        monetary_value: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        *,
        individual: bool = False,
    ) -> float | Array:
        """Log-likelihood of customers' mean spends at the model's parameters.

        Parameters
        ----------
        individual : bool
            Return each row's own, shape (n,), instead of the weighted total.
        """
        x, m, weights = self._checked(frequency, monetary_value, weights)
        p, q, gamma = self._values()
        total = x * m
        value = (
            -log_beta(p * x, q) - np.log(m) - p * x * np.log1p(gamma / total) - q * np.log1p(total / gamma)
        )
        return value if individual else float(np.sum(weights * value))

    @labelled
    def expected_spend(
        self, frequency: npt.ArrayLike | None = None, monetary_value: npt.ArrayLike | None = None
    ) -> Answer:
        """Expected amount of a purchase: of a new customer, or of customers with this history.

        The mean of p/ν is p·γ/(q−1), infinite if q ≤ 1; given a history it is p(γ + x·m)/(p·x + q − 1), a
        weighted mean of the two.

        Parameters
        ----------
        frequency, monetary_value : array_like, optional
            Purchases and their mean amount; frequency 0 (and monetary_value 0) is a new customer.

        Returns
        -------
        float or array
        """
        p, q, gamma = self._values()
        if frequency is None and monetary_value is None:
            return p * gamma / (q - 1.0) if q > 1.0 else np.inf
        if frequency is None or monetary_value is None:
            raise InputError("give frequency and monetary_value together")
        (x, m), shape = checks.spread(frequency=frequency, monetary_value=monetary_value)
        x, m = checks.counts("frequency", x), checks.numbers("monetary_value", m)
        bad = (m < 0) | ((m == 0) != (x == 0))
        if bad.any():
            checks.refuse(
                "monetary_value",
                m,
                bad,
                "not in keeping with frequency",
                "it is above 0 where frequency is and 0 where it is 0",
                ("frequency", x),
            )
        shapes = p * x + q - 1.0
        mean = np.where(shapes > 0, p * (gamma + x * m) / np.where(shapes > 0, shapes, 1.0), np.inf).reshape(
            shape
        )
        return float(mean) if shape == () else mean

    @labelled
    def customer_lifetime_value(
        self,
        purchase_model: HistoryModel,
        horizon: float,
        discount_rate: float,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
        monetary_value: npt.ArrayLike,
        *,
        margin: float = 1.0,
        **covariates: Covariates,
    ) -> Answer:
        """Value of purchases in (T, T+horizon]: expected spend times discounted expected purchases.

        Parameters
        ----------
        purchase_model : BGNBD, ModifiedBGNBD or ParetoNBD
            Fitted to the same customers.
        horizon, discount_rate, frequency, recency, T, margin
            See its `customer_lifetime_value`.
        monetary_value : array_like
            Mean amount of repeat purchases, 0 where there are none.

        Returns
        -------
        float or array
        """
        spend = self.expected_spend(frequency, monetary_value)
        return purchase_model.customer_lifetime_value(
            horizon, discount_rate, frequency, recency, T, spend, margin=margin, **covariates
        )

    def simulate(self, frequency: npt.ArrayLike, seed: Seed) -> tuple[Array, Array]:
        """Draw (monetary_value, mean_spend) for customers with these frequencies; see `gamma_gamma`."""
        p, q, gamma = self._values()
        return purchases.gamma_gamma(frequency, p=p, q=q, gamma=gamma, seed=seed)

    def _story(self):
        mean = self.expected_spend()
        p, q, _ = self._values()
        return [
            words(
                "btyd.gammagamma",
                mean=mean,
                within=1.0 / np.sqrt(p),
                between=1.0 / np.sqrt(q - 2.0) if q > 2.0 else np.inf,
            )
        ]


class _SpendLikelihood:
    """The mean log-likelihood with gradient and Hessian in the log parameters.

    What depends on the number of purchases alone is computed once for each distinct number; only powers of
    γ + total spend are summed over customers.
    """

    def __init__(self, rows):
        x, m = rows.columns
        self.spent, self.weight = x * m, rows.weight
        self.total, self.evaluations = rows.total, 0
        sizes = compress((x,), rows.weight)
        (self.sizes,), self.counts = sizes.columns, sizes.weight
        self.weighted_x = rows.weight * x
        self.purchases = float(self.weighted_x.sum())
        log_m = np.log(m)
        self.log_mean = rows.weighted(log_m)
        self.log_spent = float(
            np.sum(self.weighted_x * log_m) + np.sum(self.counts * self.sizes * np.log(self.sizes))
        )
        self.parts = [slice(start, start + BLOCK) for start in range(0, len(rows), BLOCK)]
        threads = min(available_cores(), len(self.parts))
        self.map = ThreadPoolExecutor(threads).map if threads > 1 else map

    def __call__(self, coefficients):
        self.evaluations += 1
        p, q, gamma = parameters = np.exp(coefficients)
        W, c, x = self.total, self.counts, self.sizes
        # rows: plain and x-weighted; columns: log(y/γ), 1/y, 1/y² with y = γ + total spend
        sums = np.sum(list(self.map(lambda part: self._sums(part, gamma), self.parts)), axis=0)
        (l0, i0, s0), (l1, i1, s1) = sums
        log_spent = self.log_spent - self.purchases * np.log(gamma)
        value = -np.sum(c * log_beta(p * x, q)) + p * log_spent - self.log_mean - p * l1 - q * l0
        both, own = psi(p * x + q), psi(p * x)
        first = np.array(
            [
                np.sum(c * x * (both - own)) + log_spent - l1,
                np.sum(c * both) - W * psi(q) - l0,
                W * q / gamma - p * i1 - q * i0,
            ]
        )
        both, own = polygamma(1, p * x + q), polygamma(1, p * x)
        pq = np.sum(c * x * both)
        second = np.array(
            [
                [np.sum(c * x * x * (both - own)), pq, -i1],
                [pq, np.sum(c * both) - W * polygamma(1, q), W / gamma - i0],
                [-i1, W / gamma - i0, p * s1 + q * s0 - W * q / gamma**2],
            ]
        )
        gradient = first * parameters
        hessian = second * np.outer(parameters, parameters) + np.diag(gradient)
        return value / W, gradient / W, hessian / W

    def _sums(self, part, gamma):
        spent = self.spent[part]
        inverse = 1.0 / (gamma + spent)
        powers = (np.log1p(spent / gamma), inverse, inverse * inverse)
        weights = self.weight[part], self.weighted_x[part]
        return np.array([[np.einsum("i,i", each, weight) for each in powers] for weight in weights])
