"""What the models of purchase histories in continuous time share: input, covariates, prediction, value."""

import numpy as np

from crmlab.errors import InputError
from crmlab.models.btyd import checks, fitting
from crmlab.models.btyd.base import Model


class HistoryModel(Model):
    """A model of (frequency, recency, T); subclasses say what the likelihood and the expectations are.

    Covariates multiply rates: a customer with covariates z buys at exp(γ′z) times the base rate. Which
    parameter dropout covariates act on is each model's to say.
    """

    purchase_parameter = 1  # the parameter whose log falls by γ′z
    dropout_parameter = None  # the parameter that dropout covariates move
    dropout_sign = 1.0
    _simulator = None  # the function of crmlab.mechanisms.purchases that draws from the model

    def fit(
        self,
        frequency,
        recency,
        T,
        weights=None,
        *,
        purchase_covariates=None,
        dropout_covariates=None,
        fixed=None,
    ):
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        frequency : array_like, shape (n,)
            Repeat purchases of each customer.
        recency : array_like, shape (n,)
            Time of the last purchase since the first; 0 without a repeat purchase.
        T : array_like, shape (n,)
            Time from the first purchase to the end of observation, in the unit of `recency`.
        weights : array_like, shape (n,), optional
            How many customers each row stands for.
        purchase_covariates, dropout_covariates : DataFrame or array_like, shape (n, k), optional
            Static covariates of the purchase rate and of dropout. Their coefficients are named
            ``purchase_NAME`` and ``dropout_NAME``.
        fixed : dict, optional
            Parameters held at given values, for a restricted fit.

        Returns
        -------
        self

        Raises
        ------
        InputError
            On data that cannot be a customer summary, naming the first offending rows; and when nobody
            bought again.
        """
        frequency, recency, T, given = checks.history(frequency, recency, T, weights)
        if not frequency.any():
            raise InputError(
                f"frequency is 0 in all {frequency.size} rows: nobody bought again, so rates "
                f"cannot be estimated; observe longer or add customers"
            )
        n = frequency.size
        names_p, purchase = checks.covariates("purchase_covariates", purchase_covariates, n)
        names_d, dropout = checks.covariates("dropout_covariates", dropout_covariates, n)
        self._refuse_collinear(purchase, dropout)
        self.covariate_names_ = (names_p, names_d)
        rows = fitting.compress(
            (frequency, recency, T), None if weights is None else given, purchase, dropout
        )
        names = [f"purchase_{name}" for name in names_p] + [f"dropout_{name}" for name in names_d]
        scale = rows.weighted(rows.columns[2]) / rows.total
        k = len(self.parameter_names)
        build = lambda some: fitting.Likelihood(self._terms, some, k, self._slopes(some))
        return self._estimate(rows, build, self._starts(rows), scale, names, fixed, ceiling=_ceiling(rows))

    @staticmethod
    def _refuse_collinear(*tables):
        for name, table in zip(("purchase_covariates", "dropout_covariates"), tables):
            if table is None:
                continue
            scaled = table / np.maximum(np.abs(table).max(axis=0), 1e-300)
            design = np.column_stack([np.ones(len(table)), scaled])
            if np.linalg.matrix_rank(design.T @ design / len(design), tol=1e-12) < design.shape[1]:
                raise InputError(f"{name} has a constant column or one that others add up to; leave it out")

    def _slopes(self, rows):
        slopes = [] if rows.purchase is None else [(self.purchase_parameter, -z) for z in rows.purchase.T]
        if rows.dropout is not None:
            slopes += [(self.dropout_parameter, self.dropout_sign * z) for z in rows.dropout.T]
        return slopes

    def _customer_parameters(self, n, purchase_covariates, dropout_covariates):
        """Parameters for n customers: floats, or arrays of shape (n,) where covariates act."""
        values = self._values()
        given = (purchase_covariates, dropout_covariates)
        sides = (
            ("purchase", self.purchase_parameter, -1.0),
            ("dropout", self.dropout_parameter, self.dropout_sign),
        )
        known = self.covariate_names_ or ((), ())
        for (side, j, sign), names, table in zip(sides, known, given):
            argument = f"{side}_covariates"
            if table is None and not names:
                continue
            if table is None:
                raise InputError(f"{argument} not given; the model was fitted with {', '.join(names)}")
            rows = n if np.ndim(table) else 1
            have, z = checks.covariates(argument, table, rows)
            if have != names:
                raise InputError(
                    f"{argument} has columns {', '.join(have)}; the model was fitted with "
                    f"{', '.join(names) or 'none'}"
                )
            gamma = np.array([self.params_[f"{side}_{name}"] for name in names])
            values[j] = values[j] * np.exp(sign * (z @ gamma))
        return values

    def log_likelihood(
        self,
        frequency,
        recency,
        T,
        weights=None,
        *,
        purchase_covariates=None,
        dropout_covariates=None,
        individual=False,
    ):
        """Log-likelihood of customers at the model's parameters.

        Parameters
        ----------
        individual : bool
            Return each row's own, shape (n,), instead of the weighted total.
        """
        frequency, recency, T, weights = checks.history(frequency, recency, T, weights)
        parameters = self._customer_parameters(frequency.size, purchase_covariates, dropout_covariates)
        result = np.empty(frequency.size)
        for start in range(0, frequency.size, fitting.BLOCK):
            part = slice(start, start + fitting.BLOCK)
            some = [each[part] if np.ndim(each) else each for each in parameters]
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                result[part] = self._terms((frequency[part], recency[part], T[part]), *some)[0]
        return result if individual else float(weights @ result)

    def scores(self, frequency, recency, T):
        """Each customer's derivatives of the log-likelihood in the parameters.

        They add up to 0 at the estimates; their outer product and `covariance_` give robust standard errors.

        Returns
        -------
        array, shape (n, k)
        """
        if self.covariate_names_ and any(self.covariate_names_):
            raise InputError("scores are for models without covariates")
        frequency, recency, T, _ = checks.history(frequency, recency, T)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            _, first, _ = self._terms((frequency, recency, T), *self._values())
        return np.column_stack([np.broadcast_to(each, frequency.shape) for each in first])

    # -- prediction --------------------------------------------------------------------------------------

    def _ask(self, times, frequency, recency, T, purchase_covariates, dropout_covariates):
        """Checked, broadcast and flattened arguments, the customers' parameters, and the shape to return."""
        given = [np.asarray(each) for each in (frequency, recency, T)]
        times = [_times(each) for each in times]
        shape = np.broadcast_shapes(*(each.shape for each in given + times))
        flat = [np.broadcast_to(each, shape).ravel() for each in given + times]
        frequency, recency, T, _ = checks.history(*flat[:3])
        parameters = self._customer_parameters(frequency.size, purchase_covariates, dropout_covariates)
        return (frequency, recency, T), flat[3:], parameters, shape

    def probability_alive(self, frequency, recency, T, *, purchase_covariates=None, dropout_covariates=None):
        """Probability that customers with these histories are still active at T.

        Arguments broadcast against one another.

        Returns
        -------
        float or array
        """
        columns, _, parameters, shape = self._ask(
            (), frequency, recency, T, purchase_covariates, dropout_covariates
        )
        return _shaped(self._alive(columns, *parameters), shape)

    def expected_purchases(self, t, *, purchase_covariates=None, dropout_covariates=None):
        """Expected number of repeat purchases of a new customer in (0, t].

        Returns
        -------
        float or array of the shape of `t`
        """
        t = _times(t)
        parameters = self._customer_parameters(t.size, purchase_covariates, dropout_covariates)
        return _shaped(self._expected(t.ravel(), *parameters), t.shape)

    def conditional_expected_purchases(
        self, t, frequency, recency, T, *, purchase_covariates=None, dropout_covariates=None
    ):
        """Expected purchases in (T, T+t] of customers with these histories. Arguments broadcast.

        Returns
        -------
        float or array
        """
        columns, (t,), parameters, shape = self._ask(
            (t,), frequency, recency, T, purchase_covariates, dropout_covariates
        )
        return _shaped(self._conditional(t, columns, *parameters), shape)

    def probability_of_n(self, n, t, *, purchase_covariates=None, dropout_covariates=None):
        """Probability that a new customer makes exactly n repeat purchases in (0, t]. Arguments broadcast.

        Returns
        -------
        float or array
        """
        n, t = np.broadcast_arrays(np.asarray(n, float), _times(t))
        count = checks.counts("n", n.ravel())
        parameters = self._customer_parameters(count.size, purchase_covariates, dropout_covariates)
        return _shaped(self._of_n(count, t.ravel(), *parameters), n.shape)

    def discounted_expected_residual_transactions(
        self, discount_rate, frequency, recency, T, *, purchase_covariates=None, dropout_covariates=None
    ):
        """Expected purchases after T without end, each discounted to T.

        Parameters
        ----------
        discount_rate : float
            Effective rate per unit of time (0.15 a year is 1.15^(1/52) − 1 a week); discounting is
            continuous at log(1 + discount_rate).
        """
        rate = np.log1p(checks.one_number("discount_rate", discount_rate))
        columns, _, parameters, shape = self._ask(
            (), frequency, recency, T, purchase_covariates, dropout_covariates
        )
        return _shaped(self._residual(rate, columns, *parameters), shape)

    def customer_lifetime_value(
        self,
        horizon,
        discount_rate,
        frequency,
        recency,
        T,
        spend,
        *,
        margin=1.0,
        purchase_covariates=None,
        dropout_covariates=None,
    ):
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
        columns, (spend,), parameters, shape = self._ask(
            (spend,), frequency, recency, T, purchase_covariates, dropout_covariates
        )
        ends = np.minimum(np.arange(1.0, np.ceil(horizon) + 1.0), horizon)

        def discounted(x, t_x, T, *parameters):
            total, before = np.zeros(x.size), 0.0
            for end in ends:
                until = self._conditional(np.full(x.size, end), (x, t_x, T), *parameters)
                total += (until - before) * (1.0 + discount_rate) ** -end
                before = until
            return total

        return _shaped(over_unique(discounted, *columns, *parameters) * spend * margin, shape)

    # -- simulation --------------------------------------------------------------------------------------

    def simulate(self, n, T, seed, *, purchase_covariates=None, dropout_covariates=None, **options):
        """Draw customers from the model, with their truth.

        Parameters
        ----------
        n : int
        T : float or array, shape (n,)
            Time from each customer's first purchase to the end of observation.
        seed : int or numpy.random.SeedSequence
        purchase_covariates, dropout_covariates : DataFrame or array_like, shape (n, k), optional
            Needed where the model was fitted with covariates.
        **options
            ``grain``, ``spend``, ``threads``: see `crmlab.mechanisms.purchases`.

        Returns
        -------
        crmlab.mechanisms.purchases.Customers
        """
        self._customer_parameters(n, purchase_covariates, dropout_covariates)  # refuses what does not fit
        for side, names, table in zip(
            ("purchase", "dropout"),
            self.covariate_names_ or ((), ()),
            (purchase_covariates, dropout_covariates),
        ):
            if names:
                options[f"{side}_covariates"] = checks.covariates(f"{side}_covariates", table, n)[1]
                options[f"{side}_effects"] = [self.params_[f"{side}_{name}"] for name in names]
        return type(self)._simulator(
            n, T, seed=seed, **dict(zip(self.parameter_names, self._values())), **options
        )


def _ceiling(rows):
    """A bound on the log-likelihood: each customer's own best rate, and dropout after the last purchase.

    A history's likelihood, given rate and dropout, is at most λ^x e^(−λ·t_x), and that at most (x/t_x)^x
    e^(−x).
    """
    x, t_x, _ = rows.columns
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.where(x > 0, x * np.log(np.maximum(x, 1.0) / t_x) - x, 0.0)
    return rows.weighted(best)


def _times(values):
    array = np.asarray(values, float)
    checks.numbers("t", array.ravel())
    if (array < 0).any():
        checks.refuse("t", array.ravel(), array.ravel() < 0, "negative", "give a time from 0")
    return array


def _shaped(values, shape):
    values = np.broadcast_to(values, (int(np.prod(shape)),)).reshape(shape)
    return float(values) if shape == () else values.copy()


def over_unique(function, *arrays):
    """``function(*arrays)`` computed once for each distinct row of its array arguments."""
    n = max(np.size(each) for each in arrays)
    spread = [np.broadcast_to(np.asarray(each, float), (n,)) for each in arrays]
    if n < 256:
        return function(*spread)
    varying = [column for column, each in zip(spread, arrays) if np.size(each) > 1]
    key, size = np.zeros(n, np.int64), 1
    for column in varying:
        code, levels = fitting._factorize(column)
        if size * levels >= 1 << 62:
            key, size = fitting._factorize(key)
        key, size = key * levels + code, size * levels
    key, size = fitting._factorize(key)
    row = np.empty(size, np.intp)
    row[key] = np.arange(n)
    return function(*(column[row] for column in spread))[key]
