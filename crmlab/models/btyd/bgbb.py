"""BG/BB: opportunities to buy come in periods, and dropout comes between them.

In each period a customer still alive buys with probability ~ Beta(α, β); at the start of each period the
customer drops out with probability ~ Beta(γ, δ).
"""

from collections.abc import Mapping
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from crmlab.errors import InputError
from crmlab.mechanisms import purchases
from crmlab.mechanisms.purchases.periods import CustomersByPeriod
from crmlab.mechanisms.purchases.streams import Seed
from crmlab.models.btyd import checks
from crmlab.models.btyd.aliases import PeriodNames
from crmlab.models.btyd.arguments import shaped
from crmlab.models.btyd.base import Model
from crmlab.models.btyd.labels import Answer, common_index, labelled
from crmlab.models.btyd.likelihood import Likelihood
from crmlab.models.btyd.rows import compress
from crmlab.models.btyd.special import beta_mean, log_rising
from crmlab.words import words

Array = npt.NDArray[np.float64]


class BGBB(PeriodNames, Model):
    """The BG/BB model of purchases at regular opportunities.

    Parameters alpha, beta (buying) and gamma, delta (dropout), all pure numbers.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Shang, J. (2010). Customer-base analysis in a
    discrete-time noncontractual setting. Marketing Science 29, 1086–1108.
    https://doi.org/10.1287/mksc.1100.0580
    """

    name = "BG/BB"
    parameter_names = ("alpha", "beta", "gamma", "delta")
    weak_prior = {"alpha": (1.0, 1.5), "beta": (1.0, 1.5), "gamma": (1.0, 1.5), "delta": (2.0, 1.5)}

    def fit(
        self,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        n_periods: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        *,
        fixed: Mapping[str, float] | None = None,
    ) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        frequency : array_like, shape (n,)
            Periods with a purchase.
        recency : array_like, shape (n,)
            The last of them, counted from 1; 0 where there is none.
        n_periods : array_like, shape (n,), or int
            Opportunities observed.
        weights : array_like, shape (n,), optional
            How many customers each row stands for.
        fixed : dict, optional
            Parameters held at given values.

        Returns
        -------
        self
        """
        common_index(dict(frequency=frequency, recency=recency, n_periods=n_periods, weights=weights))
        columns, weights = self._checked(frequency, recency, n_periods, weights)
        if not columns[0].any():
            raise InputError(
                f"frequency is 0 in all {columns[0].size} rows: nobody bought, so nothing can be estimated"
            )
        rows = compress(columns, weights)

        def build(some):
            return Likelihood(self._terms, some, 4)

        starts = [(a, b, c, d) for a, b in ((0.5, 1.0), (2.0, 2.0)) for c, d in ((0.5, 2.0), (1.0, 8.0))]
        return self._estimate(rows, build, starts, fixed=fixed)

    def _checked(self, frequency, recency, n_periods, weights=None):
        if np.ndim(n_periods) == 0:
            n_periods = np.full(np.size(frequency), n_periods)
        x, t_x, n, weights = checks.history(frequency, recency, n_periods, weights, end="n_periods")
        for name, column in (("recency", t_x), ("n_periods", n)):
            if (column != np.rint(column)).any():
                checks.refuse(
                    name, column, column != np.rint(column), "not a whole number", "the model counts periods"
                )
        if (x > t_x).any():
            checks.refuse(
                "frequency",
                x,
                x > t_x,
                "above recency",
                "a customer buys at most once a period, so not more often than the period of the last "
                "purchase",
                ("recency", t_x),
            )
        return (x, t_x, n), weights

    def _terms(self, columns, alpha, beta, gamma, delta):
        """Log-likelihood of each row with its derivatives: Fader, Hardie & Shang (2010), equation 7.

        A sum over the period k survived last: k = t_x, …, n, where k = n is being alive.
        """
        x, t_x, n = columns
        k = np.arange(int(n.max()) + 1.0)
        alive = k == n[:, None]
        possible = (k >= t_x[:, None]) & (k <= n[:, None])
        failures = np.maximum(k - x[:, None], 0.0)

        def table(s, at):
            return [part.reshape(at.shape) for part in log_rising(s, at.ravel())]

        A, A1, A2 = (part[:, None] for part in log_rising(alpha, x))
        B, B1, B2 = table(beta, failures)
        N, N1, N2 = log_rising(alpha + beta, k)
        D, D1, D2 = log_rising(delta, k)
        G, G1, G2 = table(gamma + delta, k + ~alive)
        terms = np.where(possible, A + B - N + D - G + np.where(alive, 0.0, np.log(gamma)), -np.inf)
        top = terms.max(axis=1)
        share = np.exp(terms - top[:, None])
        total = share.sum(axis=1)
        share /= total[:, None]
        each = [A1 - N1, B1 - N1, np.where(alive, 0.0, 1.0 / gamma) - G1, D1 - G1]
        curve = {
            (0, 0): A2 - N2,
            (0, 1): -N2,
            (1, 1): B2 - N2,
            (2, 2): -np.where(alive, 0.0, 1.0 / gamma**2) - G2,
            (2, 3): -G2,
            (3, 3): D2 - G2,
        }

        def mean(values):
            return np.sum(share * values, axis=1)

        first = [mean(values) for values in each]
        second = {
            (j, l): mean(each[j] * each[l] + curve.get((j, l), 0.0)) - first[j] * first[l]
            for j in range(4)
            for l in range(j, 4)
        }
        return top + np.log(total), first, second

    def log_likelihood(
        self,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        n_periods: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        *,
        individual: bool = False,
    ) -> float | Array:
        """Log-likelihood of customers at the model's parameters (each row's own if `individual`)."""
        columns, weights = self._checked(frequency, recency, n_periods, weights)
        value = self._terms(columns, *self._values())[0]
        return value if individual else float(np.sum(weights * value))

    # -- prediction ------------------------------------------------------------------------------------

    def _ask(self, frequency, recency, n_periods):
        given, shape = checks.spread(frequency=frequency, recency=recency, n_periods=n_periods)
        return self._checked(*given)[0], shape

    def _alive_at(self, columns, ahead):
        """Probability of being alive in period n + ahead: equation 11 for ahead = 1."""
        alpha, beta, gamma, delta = self._values()
        x, _, n = columns

        def log(s, at):
            return log_rising(s, at)[0]

        bought = log(alpha, x) + log(beta, n - x) - log(alpha + beta, n)
        stayed = log(delta, n + ahead) - log(gamma + delta, n + ahead)
        return np.exp(bought + stayed - self._terms(columns, *self._values())[0])

    @labelled
    def probability_alive(
        self,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        n_periods: npt.ArrayLike,
        ahead: npt.ArrayLike = 1,
    ) -> Answer:
        """Probability that customers with these histories are alive in period n_periods + ahead.

        The article's, with ahead = 1, is being alive at the next opportunity; ahead = 0 is the last one
        observed.

        Returns
        -------
        float or array
        """
        given, shape = checks.spread(frequency=frequency, recency=recency, n_periods=n_periods, ahead=ahead)
        columns, _ = self._checked(*given[:3])
        return shaped(self._alive_at(columns, checks.counts("ahead", given[3])), shape)

    @labelled
    def survival(self, n: npt.ArrayLike) -> Answer:
        """Probability that a new customer is still alive at the n-th opportunity.

        Returns
        -------
        float or array of the shape of `n`
        """
        _, _, gamma, delta = self._values()
        (n,), shape = checks.spread(n=n)
        n = checks.counts("n", n)
        return shaped(np.exp(log_rising(delta, n)[0] - log_rising(gamma + delta, n)[0]), shape)

    @labelled
    def expected_purchases(self, n: npt.ArrayLike) -> Answer:
        """Expected purchases of a new customer at the next n opportunities (equation 9, summed).

        Returns
        -------
        float or array of the shape of `n`
        """
        alpha, beta, gamma, delta = self._values()
        n = np.asarray(n)
        count = checks.counts("n", n.ravel())
        return shaped(alpha / (alpha + beta) * _periods_alive(count, gamma, delta + 0.0 * count), n.shape)

    @labelled
    def conditional_expected_purchases(
        self, ahead: npt.ArrayLike, frequency: npt.ArrayLike, recency: npt.ArrayLike, n_periods: npt.ArrayLike
    ) -> Answer:
        """Expected purchases at the next `ahead` opportunities of customers (equation 13).

        Returns
        -------
        float or array
        """
        alpha, beta, gamma, delta = self._values()
        given, shape = checks.spread(ahead=ahead, frequency=frequency, recency=recency, n_periods=n_periods)
        (x, t_x, n), _ = self._checked(*given[1:])
        ahead = checks.counts("ahead", given[0])
        buys = (alpha + x) / (alpha + beta + n)
        later = _periods_alive(ahead, gamma, delta + n)
        return shaped(self._alive_at((x, t_x, n), 0.0) * buys * later, shape)

    @labelled
    def probability_of_n(self, x: npt.ArrayLike, n: npt.ArrayLike) -> Answer:
        """Probability that a new customer buys at exactly x of the next n opportunities (equation 8).

        Returns
        -------
        float or array
        """
        alpha, beta, gamma, delta = self._values()
        (x, n), shape = checks.spread(x=x, n=n)
        x, n = checks.counts("x", x), checks.counts("n", n)
        k = np.arange(int(n.max()) + 1.0)
        alive = k == n[:, None]
        possible = (k >= x[:, None]) & (k <= n[:, None])

        def log(s, at):
            return log_rising(s, np.ravel(at))[0].reshape(np.shape(at))

        failures = np.maximum(k - x[:, None], 0.0)
        ways = gammaln(k + 1.0) - gammaln(x + 1.0)[:, None] - gammaln(failures + 1.0)
        terms = (
            ways
            + log(alpha, x)[:, None]
            + log(beta, failures)
            - log(alpha + beta, k)
            + log(delta, k)
            - log(gamma + delta, k + ~alive)
            + np.where(alive, 0.0, np.log(gamma))
        )
        return shaped(np.sum(np.where(possible, np.exp(np.where(possible, terms, 0.0)), 0.0), axis=1), shape)

    @labelled
    def discounted_expected_residual_transactions(
        self, discount_rate: float, frequency: npt.ArrayLike, recency: npt.ArrayLike, n_periods: npt.ArrayLike
    ) -> Answer:
        """Expected purchases after n_periods without end, discounted to its end at `discount_rate` a period.

        Equation 14: the dropout probability of a customer alive is Beta(γ, δ+n), and the sum over periods
        is the mean of (1−θ)/(discount_rate+θ).

        Returns
        -------
        float or array
        """
        alpha, beta, gamma, delta = self._values()
        rate = checks.one_number("discount_rate", discount_rate)
        columns, shape = self._ask(frequency, recency, n_periods)
        x, _, n = columns
        length, code = np.unique(n, return_inverse=True)
        periods = beta_mean(lambda theta, rows: (1.0 - theta) / (rate + theta), gamma, delta + length, rate)
        buys = (alpha + x) / (alpha + beta + n)
        return shaped(self._alive_at(columns, 0.0) * buys * periods[code], shape)

    def discounted_expected_transactions(self, discount_rate: float) -> float:
        """Expected purchases of a new customer without end, discounted at `discount_rate` a period."""
        return float(self.discounted_expected_residual_transactions(discount_rate, 0, 0, 0))

    @labelled
    def customer_lifetime_value(
        self,
        horizon: float,
        discount_rate: float,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        n_periods: npt.ArrayLike,
        spend: npt.ArrayLike,
        *,
        margin: float = 1.0,
    ) -> Answer:
        """Value of purchases at the next `horizon` opportunities, discounted at the end of each period.

        Returns
        -------
        float or array
        """
        horizon = int(checks.counts("horizon", np.atleast_1d(horizon), least=1)[0])
        discount_rate = checks.one_number("discount_rate", discount_rate, strict=False)
        margin = checks.one_number("margin", margin, low=-np.inf)
        given, shape = checks.spread(frequency=frequency, recency=recency, n_periods=n_periods, spend=spend)
        spend = checks.at_least_0("spend", given[3])
        total, before = 0.0, 0.0
        for period in range(1, horizon + 1):
            until = self.conditional_expected_purchases(period, *given[:3])
            total, before = total + (until - before) * (1.0 + discount_rate) ** -period, until
        return shaped(total * spend * margin, shape)

    def simulate(self, n: int, n_periods: npt.ArrayLike, seed: Seed) -> CustomersByPeriod:
        """Draw customers from the model; see `crmlab.mechanisms.purchases.bg_bb`."""
        return purchases.bg_bb(n, n_periods, seed=seed, **dict(zip(self.parameter_names, self._values())))

    def _story(self):
        alpha, beta, gamma, delta = self._values()
        return [words("btyd.bgbb", buys=alpha / (alpha + beta), drops=gamma / (gamma + delta))]


def _periods_alive(count: Array, gamma: float, delta: Array) -> Array:
    """Expected periods alive of the next `count`, θ ~ Beta(gamma, delta): Σ E(1−θ)^t, t = 1 … count."""
    result = np.zeros(count.size)
    starts, code = np.unique(delta, return_inverse=True)
    t = np.arange(1.0, count.max() + 1.0)
    for j, start in enumerate(starts):
        survive = np.exp(log_rising(start, t)[0] - log_rising(gamma + start, t)[0])
        result[code == j] = np.concatenate(([0.0], np.cumsum(survive)))[count[code == j].astype(np.intp)]
    return result
