"""What is expected of customers with a history, and of new ones: the questions that every model answers."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from crmlab.models.btyd import checks
from crmlab.models.btyd.aliases import HistoryNames
from crmlab.models.btyd.arguments import over_unique, shaped, spread_over
from crmlab.models.btyd.checks import Covariates
from crmlab.models.btyd.covariates import CovariateModel
from crmlab.models.btyd.labels import Answer, labelled

Array = npt.NDArray[np.float64]


class Predictions(HistoryNames, CovariateModel):
    """Questions about customers; subclasses say how each is answered for arrays of customers.

    Arguments broadcast against one another. Answers are floats for single customers and arrays otherwise;
    where columns are Series, the answer is one with their index, named after the question.
    A new customer's history is a frequency, a recency and a T of 0.
    """

    def _ask(
        self,
        others: Mapping[str, npt.ArrayLike],
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
        purchase_covariates: Covariates,
        dropout_covariates: Covariates,
    ) -> tuple[tuple[Array, Array, Array], list[Array], list[Array | float], tuple[int, ...]]:
        """Checked, broadcast and flattened arguments, the customers' parameters, and the shape to return.

        `others` are further arguments by name, numbers of at least 0.
        """
        columns, shape = spread_over(
            (purchase_covariates, dropout_covariates), frequency=frequency, recency=recency, T=T, **others
        )
        x, t_x, end, _ = checks.history(columns[0], columns[1], columns[2])
        more = [checks.at_least_0(name, column) for name, column in zip(others, columns[3:])]
        parameters = self._customer_parameters(x.size, purchase_covariates, dropout_covariates)
        return (x, t_x, end), more, parameters, shape

    @labelled
    def probability_alive(
        self,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
        *,
        ahead: npt.ArrayLike = 0.0,
        purchase_covariates: Covariates = None,
        dropout_covariates: Covariates = None,
    ) -> Answer:
        """Probability that customers with these histories are still active at T + ahead.

        Parameters
        ----------
        frequency, recency, T : array_like
        ahead : array_like
            Time after T, in the unit of T.

        Returns
        -------
        float, array or Series
        """
        columns, (ahead,), parameters, shape = self._ask(
            {"ahead": ahead}, frequency, recency, T, purchase_covariates, dropout_covariates
        )
        alive = self._alive(columns, *parameters)
        if ahead.any():
            alive = alive * self._stays(ahead, columns, *parameters)
        return shaped(alive, shape)

    @labelled
    def survival(
        self,
        t: npt.ArrayLike,
        *,
        purchase_covariates: Covariates = None,
        dropout_covariates: Covariates = None,
    ) -> Answer:
        """Probability that a new customer is still active a time t after the first purchase.

        Returns
        -------
        float or array of the shape of `t`, or with one value for each row of the covariates
        """
        (t,), shape = spread_over((purchase_covariates, dropout_covariates), t=t)
        t = checks.at_least_0("t", t)
        parameters = self._customer_parameters(t.size, purchase_covariates, dropout_covariates)
        new = _new(t.size)
        return shaped(self._alive(new, *parameters) * self._stays(t, new, *parameters), shape)

    @labelled
    def expected_purchases(
        self,
        t: npt.ArrayLike,
        *,
        purchase_covariates: Covariates = None,
        dropout_covariates: Covariates = None,
    ) -> Answer:
        """Expected number of repeat purchases of a new customer in (0, t].

        Returns
        -------
        float or array of the shape of `t`, or with one value for each row of the covariates
        """
        (t,), shape = spread_over((purchase_covariates, dropout_covariates), t=t)
        t = checks.at_least_0("t", t)
        parameters = self._customer_parameters(t.size, purchase_covariates, dropout_covariates)
        return shaped(self._expected(t, *parameters), shape)

    @labelled
    def conditional_expected_purchases(
        self,
        t: npt.ArrayLike,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
        *,
        purchase_covariates: Covariates = None,
        dropout_covariates: Covariates = None,
    ) -> Answer:
        """Expected purchases in (T, T+t] of customers with these histories. Arguments broadcast.

        Returns
        -------
        float or array
        """
        columns, (t,), parameters, shape = self._ask(
            {"t": t}, frequency, recency, T, purchase_covariates, dropout_covariates
        )
        return shaped(self._conditional(t, columns, *parameters), shape)

    @labelled
    def probability_of_n(
        self,
        n: npt.ArrayLike,
        t: npt.ArrayLike,
        *,
        purchase_covariates: Covariates = None,
        dropout_covariates: Covariates = None,
    ) -> Answer:
        """Probability that a new customer makes exactly n repeat purchases in (0, t]. Arguments broadcast.

        Returns
        -------
        float or array
        """
        (n, t), shape = spread_over((purchase_covariates, dropout_covariates), n=n, t=t)
        n, t = checks.counts("n", n), checks.at_least_0("t", t)
        parameters = self._customer_parameters(n.size, purchase_covariates, dropout_covariates)
        return shaped(self._of_n(n, t, *parameters), shape)

    @labelled
    def discounted_expected_residual_transactions(
        self,
        discount_rate: float,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
        *,
        purchase_covariates: Covariates = None,
        dropout_covariates: Covariates = None,
    ) -> Answer:
        """Expected purchases after T without end, each discounted to T.

        Parameters
        ----------
        discount_rate : float
            Effective rate per unit of time (0.15 a year is 1.15^(1/52) − 1 a week); discounting is
            continuous at log(1 + discount_rate).
        """
        rate = np.log1p(checks.one_number("discount_rate", discount_rate))
        columns, _, parameters, shape = self._ask(
            {}, frequency, recency, T, purchase_covariates, dropout_covariates
        )
        return shaped(self._residual(rate, columns, *parameters), shape)

    @labelled
    def discounted_expected_transactions(
        self,
        discount_rate: float,
        *,
        purchase_covariates: Covariates = None,
        dropout_covariates: Covariates = None,
    ) -> Answer:
        """Expected repeat purchases of a new customer without end, each discounted to the first purchase.

        Parameters
        ----------
        discount_rate : float
            As in `discounted_expected_residual_transactions`.

        Returns
        -------
        float, or array with one value for each row of the covariates
        """
        rate = np.log1p(checks.one_number("discount_rate", discount_rate))
        (zero,), shape = spread_over((purchase_covariates, dropout_covariates), t=0.0)
        parameters = self._customer_parameters(zero.size, purchase_covariates, dropout_covariates)
        return shaped(self._residual(rate, _new(zero.size), *parameters), shape)

    @labelled
    def customer_lifetime_value(
        self,
        horizon: float,
        discount_rate: float,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
        spend: npt.ArrayLike,
        *,
        margin: float = 1.0,
        purchase_covariates: Covariates = None,
        dropout_covariates: Covariates = None,
    ) -> Answer:
        """Value at T of purchases in (T, T+horizon], discounted at the end of each unit of time.

        Parameters
        ----------
        horizon : float
            In the data's unit of time.
        discount_rate : float
            Effective rate per unit of time; 0 for none.
        frequency, recency, T : array_like
        spend : array_like
            Expected spend a purchase, as from ``GammaGamma.expected_spend``.
        margin : float
            Share of spend that is profit.

        Returns
        -------
        float or array
        """
        horizon = checks.one_number("horizon", horizon)
        discount_rate = checks.one_number("discount_rate", discount_rate, strict=False)
        margin = checks.one_number("margin", margin, low=-np.inf)
        columns, (spend,), parameters, shape = self._ask(
            {"spend": spend}, frequency, recency, T, purchase_covariates, dropout_covariates
        )
        ends = np.minimum(np.arange(1.0, np.ceil(horizon) + 1.0), horizon)

        def discounted(x: Array, t_x: Array, T: Array, *parameters: Array) -> Array:
            total, before = np.zeros(x.size), 0.0
            for end in ends:
                until = self._conditional(np.full(x.size, end), (x, t_x, T), *parameters)
                total += (until - before) * (1.0 + discount_rate) ** -end
                before = until
            return total

        return shaped(over_unique(discounted, *columns, *parameters) * spend * margin, shape)


def _new(n: int) -> tuple[Array, Array, Array]:
    """Histories of n customers who have just made their first purchase."""
    return (np.zeros(n),) * 3
