"""What the models of purchase histories in continuous time share: input, covariates, prediction, value."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

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
        if not T.any():
            raise InputError(
                f"T is 0 in all {T.size} rows: nobody was observed for any time; measure it from the first "
                f"purchase to the end of observation"
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
        rows, back = self._standardised(rows, fixed or {})
        scale = rows.weighted(rows.columns[2]) / rows.total
        k = len(self.parameter_names)

        def build(some):
            return fitting.Likelihood(self._terms, some, k, self._slopes(some))

        return self._estimate(
            rows, build, self._starts(rows), scale, names, fixed, ceiling=_ceiling(rows), back=back
        )

    def _sides(self):
        """For purchase and dropout: the parameter that covariates move, and the direction."""
        return (
            ("purchase", self.purchase_parameter, -1.0),
            ("dropout", self.dropout_parameter, self.dropout_sign),
        )

    def _standardised(self, rows, fixed):
        """Covariates with mean 0 and spread 1, in which the ascent does not depend on their origin and unit.

        Returns
        -------
        Rows, array of shape (k, k)
            The matrix takes coefficients of these rows to coefficients of the covariates as given.
        """
        k = start = len(self.parameter_names)
        tables = {"purchase": rows.purchase, "dropout": rows.dropout}
        back = np.eye(k + sum(table.shape[1] for table in tables.values() if table is not None))
        for side, j, sign in self._sides():
            table = tables[side]
            if table is None:
                continue
            mean = rows.weight @ table / rows.total
            spread = np.sqrt(rows.weight @ (table - mean) ** 2 / rows.total)
            # A parameter held at a value is that of a customer whose covariates, as given, are 0.
            mean = np.zeros_like(mean) if self.parameter_names[j] in fixed else mean
            slopes = np.arange(start, start + table.shape[1])
            back[slopes, slopes] = 1.0 / spread
            back[j, slopes] = -sign * mean / spread
            tables[side], start = (table - mean) / spread, start + table.shape[1]
        return replace(rows, **tables), back

    @staticmethod
    def _refuse_collinear(*tables):
        for name, table in zip(("purchase_covariates", "dropout_covariates"), tables):
            if table is None:
                continue
            spread = table.std(axis=0)
            constant = spread <= 1e-10 * np.abs(table).max(axis=0)
            scaled = (table - table.mean(axis=0)) / np.where(constant, 1.0, spread)
            correlation = scaled.T @ scaled / len(table)
            if constant.any() or np.linalg.matrix_rank(correlation, tol=1e-10) < table.shape[1]:
                raise InputError(f"{name} has a constant column or one that others add up to; leave it out")

    def _slopes(self, rows):
        tables = {"purchase": rows.purchase, "dropout": rows.dropout}
        return [
            (j, sign * z)
            for side, j, sign in self._sides()
            if tables[side] is not None
            for z in tables[side].T
        ]

    def _customer_parameters(self, n, purchase_covariates, dropout_covariates):
        """Parameters for n customers: floats, or arrays of shape (n,) where covariates act."""
        values = self._values()
        for side, j, sign, names, z in self._given_covariates(n, purchase_covariates, dropout_covariates):
            gamma = np.array([self.params_[f"{side}_{name}"] for name in names])
            values[j] = np.broadcast_to(values[j] * np.exp(sign * (z @ gamma)), (n,))
        return values

    def _given_covariates(self, n, *tables):
        """For each side with covariates: its name, parameter and direction, their names and values.

        The values have n rows, or one that stands for all n customers.
        """
        known = self.covariate_names_ or ((), ())
        for (side, j, sign), names, table in zip(self._sides(), known, tables):
            argument = f"{side}_covariates"
            if table is None and not names:
                continue
            if table is None:
                raise InputError(
                    f"{argument} not given; the model was fitted with {', '.join(names)}: give them, or ask "
                    f"model.at(...), the model of customers with given covariates"
                )
            have, z = checks.covariates(argument, table, 1 if _row_count(table) == 1 else n)
            if have != names:
                raise InputError(
                    f"{argument} has columns {', '.join(have)}; the model was fitted with "
                    f"{', '.join(names) or 'none'}"
                )
            yield side, j, sign, names, z

    def at(self, *, purchase_covariates=None, dropout_covariates=None):
        """The model of customers with these covariates, itself without any: for predictions and pictures.

        Parameters
        ----------
        purchase_covariates, dropout_covariates : dict, or DataFrame or array_like of one row
            Values of the covariates that the model was fitted with.

        Returns
        -------
        model of the same kind
            Its parameters with their covariance, by the delta method.
        """
        if "_coefficients" not in self.__dict__:
            raise InputError("at() needs a fitted model; call fit first")
        tables = [
            pd.DataFrame([table]) if isinstance(table, Mapping) else table
            for table in (purchase_covariates, dropout_covariates)
        ]
        k = start = len(self.parameter_names)
        turn = np.eye(k, len(self.params_))
        for _, j, sign, names, z in self._given_covariates(1, *tables):
            turn[j, start : start + len(names)] = sign * z[0]
            start += len(names)
        other = type(self)(self.confidence_level)
        found = fitting.turned(turn, self._coefficients, self._coefficient_covariance)
        other._put(self.parameter_names, k, *found)
        return other

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

    def _ask(self, others, frequency, recency, T, purchase_covariates, dropout_covariates):
        """Checked, broadcast and flattened arguments, the customers' parameters, and the shape to return.

        `others` are further arguments by name, numbers of at least 0.
        """
        columns, shape = _spread(
            (purchase_covariates, dropout_covariates), frequency=frequency, recency=recency, T=T, **others
        )
        history = checks.history(*columns[:3])[:3]
        others = [checks.at_least_0(name, column) for name, column in zip(others, columns[3:])]
        parameters = self._customer_parameters(history[0].size, purchase_covariates, dropout_covariates)
        return history, others, parameters, shape

    def probability_alive(self, frequency, recency, T, *, purchase_covariates=None, dropout_covariates=None):
        """Probability that customers with these histories are still active at T.

        Arguments broadcast against one another.

        Returns
        -------
        float or array
        """
        columns, _, parameters, shape = self._ask(
            {}, frequency, recency, T, purchase_covariates, dropout_covariates
        )
        return _shaped(self._alive(columns, *parameters), shape)

    def expected_purchases(self, t, *, purchase_covariates=None, dropout_covariates=None):
        """Expected number of repeat purchases of a new customer in (0, t].

        Returns
        -------
        float or array of the shape of `t`, or with one value for each row of the covariates
        """
        (t,), shape = _spread((purchase_covariates, dropout_covariates), t=t)
        t = checks.at_least_0("t", t)
        parameters = self._customer_parameters(t.size, purchase_covariates, dropout_covariates)
        return _shaped(self._expected(t, *parameters), shape)

    def conditional_expected_purchases(
        self, t, frequency, recency, T, *, purchase_covariates=None, dropout_covariates=None
    ):
        """Expected purchases in (T, T+t] of customers with these histories. Arguments broadcast.

        Returns
        -------
        float or array
        """
        columns, (t,), parameters, shape = self._ask(
            {"t": t}, frequency, recency, T, purchase_covariates, dropout_covariates
        )
        return _shaped(self._conditional(t, columns, *parameters), shape)

    def probability_of_n(self, n, t, *, purchase_covariates=None, dropout_covariates=None):
        """Probability that a new customer makes exactly n repeat purchases in (0, t]. Arguments broadcast.

        Returns
        -------
        float or array
        """
        (n, t), shape = _spread((purchase_covariates, dropout_covariates), n=n, t=t)
        n, t = checks.counts("n", n), checks.at_least_0("t", t)
        parameters = self._customer_parameters(n.size, purchase_covariates, dropout_covariates)
        return _shaped(self._of_n(n, t, *parameters), shape)

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
            {}, frequency, recency, T, purchase_covariates, dropout_covariates
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
        margin = checks.one_number("margin", margin, low=-np.inf)
        columns, (spend,), parameters, shape = self._ask(
            {"spend": spend}, frequency, recency, T, purchase_covariates, dropout_covariates
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


def _row_count(table):
    """Rows of a table of covariates; 1 if it is a single number or None."""
    return len(table) if np.ndim(table) else 1


def _spread(tables, **columns):
    """Columns broadcast against one another and flattened, and the shape to return.

    A single value serves all rows of the covariates in `tables`.
    """
    flat, shape = checks.spread(**columns)
    rows = max(_row_count(table) for table in tables)
    if shape == () and rows > 1:
        return [np.repeat(each, rows) for each in flat], (rows,)
    return flat, shape


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
