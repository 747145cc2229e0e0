"""Shifted beta-geometric: how long customers stay under contract.

At each renewal a customer leaves with probability θ ~ Beta(α, β), for good. Retention rises with tenure
although nobody's does: those likely to leave leave first.
"""

from collections.abc import Mapping
from typing import Self

import numpy as np
import numpy.typing as npt

from crmlab.errors import InputError
from crmlab.mechanisms import purchases
from crmlab.mechanisms.purchases.streams import Seed
from crmlab.models.btyd import checks
from crmlab.models.btyd.arguments import shaped
from crmlab.models.btyd.base import Model
from crmlab.models.btyd.labels import Answer, common_index, labelled
from crmlab.models.btyd.likelihood import Likelihood
from crmlab.models.btyd.rows import Rows
from crmlab.models.btyd.special import beta_mean, log_rising
from crmlab.words import words

Array = npt.NDArray[np.float64]


class ShiftedBetaGeometric(Model):
    """The shifted beta-geometric (sBG) model of retention.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2007). How to project customer retention. Journal
    of Interactive Marketing 21, 76–90. https://doi.org/10.1002/dir.20074

    Fader, P. S. & Hardie, B. G. S. (2010). Customer-base valuation in a contractual setting: the perils of
    ignoring heterogeneity. Marketing Science 29, 85–93. https://doi.org/10.1287/mksc.1080.0482

    Examples
    --------
    >>> model = ShiftedBetaGeometric().fit([1000, 631, 468, 382, 326, 289, 262, 241])
    >>> model.params_.round(3).tolist()
    [0.704, 1.182]
    """

    name = "sBG"
    parameter_names = ("alpha", "beta")
    weak_prior = {"alpha": (1.0, 1.5), "beta": (2.0, 1.5)}

    def fit(
        self,
        survivors: npt.ArrayLike | None = None,
        lost: npt.ArrayLike | None = None,
        n_customers: int | None = None,
        *,
        fixed: Mapping[str, float] | None = None,
    ) -> Self:
        """Estimate the parameters from counts of one cohort.

        Parameters
        ----------
        survivors : array_like, optional
            Customers still there after 0, 1, 2, … renewals; leave out the first and give `n_customers`
            instead.
        lost : array_like, optional
            Customers lost at renewal 1, 2, …; give `n_customers` too.
        n_customers : int, optional
            Customers at the start.
        fixed : dict, optional
            Parameters held at given values.

        Returns
        -------
        self
        """
        left = self._survivors(survivors, lost, n_customers)
        stayed, gone = left[1:], left[:-1] - left[1:]
        if not gone.any() or not stayed.any():
            raise InputError(
                f"survivors run from {left[0]:g} to {left[-1]:g}; the model needs some customers lost "
                f"and some staying"
            )
        return self._from_counts(gone, stayed, left[0], fixed)

    def fit_customers(
        self,
        renewals: npt.ArrayLike,
        left: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        *,
        fixed: Mapping[str, float] | None = None,
    ) -> Self:
        """Estimate the parameters from customers of any cohorts, some of whom are still there.

        Parameters
        ----------
        renewals : array_like, shape (n,)
            How many renewals each has made.
        left : array_like of bool, shape (n,)
            Whether the customer left at the next; the others are not asked yet.
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
            On bad rows; and when nobody left, or nobody stayed.
        """
        common_index(dict(renewals=renewals, left=left, weights=weights))
        made, gone_now = checks.counts("renewals", renewals), checks.counts("left", left)
        checks.same_length(renewals=made, left=gone_now, weights=weights)
        weights = checks.weights_for(weights, made.size)
        if gone_now.max() > 1:
            checks.refuse("left", gone_now, gone_now > 1, "above 1", "say of each customer True or False")
        at = made.astype(np.intp)
        count = np.bincount(at, weights)  # customers by renewals made
        gone = np.bincount(at, weights * gone_now, minlength=count.size)
        stayed = np.append(np.cumsum(count[::-1])[::-1][1:], 0.0)
        if not gone.any() or not stayed.any():
            raise InputError(
                "the model needs some customers lost and some staying; "
                + ("nobody left" if not gone.any() else "nobody made a renewal")
            )
        return self._from_counts(gone, stayed, float(weights.sum()), fixed)

    def _from_counts(self, gone, stayed, customers, fixed):
        """The fit to how many left and stayed at each renewal, from the first."""
        t = np.arange(1.0, gone.size + 1.0)
        renewal, stays = np.tile(t, 2), np.repeat([0.0, 1.0], t.size)
        weight = np.concatenate([gone, stayed])
        rows = Rows((renewal[weight > 0], stays[weight > 0]), weight[weight > 0])

        def build(some):
            return Likelihood(self._terms, some, 2)

        starts = [_from_moments(gone, gone + stayed), (1.0, 1.0), (0.5, 5.0), (5.0, 20.0)]
        return self._estimate(rows, build, starts, fixed=fixed, customers=customers)

    @staticmethod
    def _survivors(survivors, lost, n_customers):
        if (survivors is None) == (lost is None):
            raise InputError("give either survivors or lost")
        name = "survivors" if lost is None else "lost"
        count = checks.counts(name, survivors if lost is None else lost)
        if n_customers is not None:
            n_customers = checks.one_number("n_customers", n_customers)
        if lost is not None:
            if n_customers is None:
                raise InputError(
                    "n_customers not given; with lost, say how many customers there were at the start"
                )
            left = np.concatenate([[n_customers], n_customers - np.cumsum(count)])
        else:
            left = count if n_customers is None else np.concatenate([[n_customers], count])
        rising = np.diff(left, prepend=left[0]) > 0
        if rising.any():
            checks.refuse(
                "survivors",
                left,
                rising,
                "above the one before",
                "survivors of one cohort cannot grow; with n_customers, give survivors from renewal 1 on",
            )
        if left[-1] < 0:
            raise InputError(f"lost adds up to {count.sum():g}, more than the {n_customers:g} of n_customers")
        if left.size < 3:
            raise InputError(f"{name} covers {left.size - 1} renewals; two parameters need at least 2")
        return left

    def _terms(self, columns, alpha, beta):
        """Staying at renewal t, given having stayed before, has probability (β+t−1)/(α+β+t−1)."""
        t, stays = columns
        stays = stays > 0
        own, both = np.where(stays, beta + t - 1.0, alpha), alpha + beta + t - 1.0
        first = [np.where(stays, 0.0, 1.0 / own) - 1.0 / both, np.where(stays, 1.0 / own, 0.0) - 1.0 / both]
        second = {
            (0, 0): 1.0 / both**2 - np.where(stays, 0.0, 1.0 / own**2),
            (0, 1): 1.0 / both**2,
            (1, 1): 1.0 / both**2 - np.where(stays, 1.0 / own**2, 0.0),
        }
        return np.log(own / both), first, second

    # -- prediction ------------------------------------------------------------------------------------

    @labelled
    def survival(self, t: npt.ArrayLike) -> Answer:
        """Probability that a customer is still there after t renewals."""
        alpha, beta = self._values()
        t = np.asarray(t)
        count = checks.counts("t", t.ravel())
        return shaped(np.exp(log_rising(beta, count)[0] - log_rising(alpha + beta, count)[0]), t.shape)

    @labelled
    def probability_alive(self, renewals: npt.ArrayLike, ahead: npt.ArrayLike) -> Answer:
        """Probability that customers who made this many renewals make the next `ahead`, too.

        Returns
        -------
        float or array
        """
        alpha, beta = self._values()
        (made, more), shape = checks.spread(renewals=renewals, ahead=ahead)
        made, more = checks.counts("renewals", made), checks.counts("ahead", more)
        return shaped(
            np.exp(log_rising(beta + made, more)[0] - log_rising(alpha + beta + made, more)[0]), shape
        )

    @labelled
    def retention_rate(self, t: npt.ArrayLike) -> Answer:
        """Share of those who made t−1 renewals that make the t-th: (β+t−1)/(α+β+t−1)."""
        alpha, beta = self._values()
        t = np.asarray(t)
        count = checks.counts("t", t.ravel(), least=1)
        return shaped((beta + count - 1.0) / (alpha + beta + count - 1.0), t.shape)

    @labelled
    def probability_of_leaving(self, t: npt.ArrayLike) -> Answer:
        """Probability that a new customer leaves at renewal t."""
        alpha, beta = self._values()
        t = np.asarray(t)
        count = checks.counts("t", t.ravel(), least=1)
        return shaped(self.survival(count - 1.0) * alpha / (alpha + beta + count - 1.0), t.shape)

    @labelled
    def expected_survivors(self, n_customers: float, t: npt.ArrayLike) -> Answer:
        """Customers of `n_customers` still there after t renewals."""
        return n_customers * self.survival(t)

    def discounted_expected_lifetime(self, discount_rate: float) -> float:
        """Expected periods of a new customer, each discounted to the start: the mean of (1+d)/(d+θ)."""
        alpha, beta = self._values()
        d = checks.one_number("discount_rate", discount_rate)
        return float(beta_mean(lambda theta, rows: (1.0 + d) / (d + theta), alpha, beta, d)[0])

    @labelled
    def discounted_expected_residual_lifetime(self, discount_rate: float, renewals: npt.ArrayLike) -> Answer:
        """Expected further periods of customers about to renew, after `renewals` renewals made.

        Fader & Hardie (2010), equation 8: the next period counts in full if the customer renews.

        Returns
        -------
        float or array of the shape of `renewals`
        """
        alpha, beta = self._values()
        d = checks.one_number("discount_rate", discount_rate)
        renewals = np.asarray(renewals)
        made = checks.counts("renewals", renewals.ravel())
        ahead = beta_mean(lambda theta, rows: (1.0 - theta) * (1.0 + d) / (d + theta), alpha, beta + made, d)
        return shaped(ahead, renewals.shape)

    def customer_lifetime_value(
        self, discount_rate: float, margin: float = 1.0, horizon: int | None = None
    ) -> float:
        """Value of a new customer who pays `margin` a period, at the start of each.

        Parameters
        ----------
        horizon : int, optional
            Periods counted; without end if not given.
        """
        if horizon is None:
            return margin * self.discounted_expected_lifetime(discount_rate)
        d = checks.one_number("discount_rate", discount_rate, strict=False)
        t = np.arange(checks.counts("horizon", np.atleast_1d(horizon), least=1)[0])
        return float(margin * np.sum(self.survival(t) * (1.0 + d) ** -t))

    def simulate(self, n: int, n_periods: int, seed: Seed) -> npt.NDArray[np.int_]:
        """Survivors after 0, 1, …, n_periods renewals of n customers drawn from the model."""
        alpha, beta = self._values()
        lifetime, _ = purchases.shifted_beta_geometric(n, alpha=alpha, beta=beta, seed=seed)
        return purchases.survivors(lifetime, n_periods)

    def _story(self):
        alpha, beta = self._values()
        return [words("btyd.sbg", first=beta / (alpha + beta), fifth=(beta + 4.0) / (alpha + beta + 4.0))]


def _from_moments(gone, asked):
    """Parameters at which the shares lost at the first two renewals are α/(α+β) and α/(α+β+1)."""
    gone, asked = (np.append(each, 0.0)[:2] for each in (gone, asked))  # of one renewal, too
    first, second = np.clip((gone + 0.5) / (asked + 1.0), 0.001, 0.999)
    both = np.clip(second / max(first - second, 1e-6), 0.1, 50.0)
    return first * both, (1.0 - first) * both
