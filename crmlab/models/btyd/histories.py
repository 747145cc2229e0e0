"""What the models of purchase histories in continuous time share: input, likelihood, simulation."""

from collections.abc import Callable, Mapping
from typing import Self, Unpack

import numpy as np
import numpy.typing as npt

from crmlab.errors import InputError
from crmlab.mechanisms.purchases import Customers
from crmlab.mechanisms.purchases.rates import Recording
from crmlab.mechanisms.purchases.streams import Seed
from crmlab.models.btyd import checks
from crmlab.models.btyd.checks import Covariates
from crmlab.models.btyd.labels import common_index
from crmlab.models.btyd.likelihood import Likelihood
from crmlab.models.btyd.predictions import Predictions
from crmlab.models.btyd.rows import BLOCK, Rows, compress

Array = npt.NDArray[np.float64]


class HistoryModel(Predictions):
    """A model of (frequency, recency, T); subclasses say what the likelihood and the expectations are.

    Covariates act as in `CovariateModel`.
    """

    _simulator: Callable[
        ..., Customers
    ]  # the function of crmlab.mechanisms.purchases that draws from the model

    def fit(
        self,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        *,
        purchase_covariates: Covariates = None,
        dropout_covariates: Covariates = None,
        fixed: Mapping[str, float] | None = None,
    ) -> Self:
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
        common_index(dict(frequency=frequency, recency=recency, T=T, weights=weights))
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
        rows = compress((frequency, recency, T), None if weights is None else given, purchase, dropout)
        names = [f"purchase_{name}" for name in names_p] + [f"dropout_{name}" for name in names_d]
        rows, back = self._standardised(rows, fixed or {})
        scale = rows.weighted(rows.columns[2]) / rows.total
        k = len(self.parameter_names)

        def build(some: Rows) -> Likelihood:
            return Likelihood(self._terms, some, k, self._slopes(some))

        return self._estimate(
            rows,
            build,
            self._starts(rows),
            scale,
            names,
            fixed,
            ceiling=self._ceiling(rows),
            back=back,
            longest=float(rows.columns[2].max()),
        )

    def _ceiling(self, rows: Rows) -> float:
        """A bound on the log-likelihood."""
        x, t_x, _ = rows.columns
        return most_likely(rows, x, t_x)

    def log_likelihood(
        self,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        *,
        purchase_covariates: Covariates = None,
        dropout_covariates: Covariates = None,
        individual: bool = False,
    ) -> float | Array:
        """Log-likelihood of customers at the model's parameters.

        Parameters
        ----------
        individual : bool
            Return each row's own, shape (n,), instead of the weighted total.
        """
        frequency, recency, T, weights = checks.history(frequency, recency, T, weights)
        parameters = self._customer_parameters(frequency.size, purchase_covariates, dropout_covariates)
        result = np.empty(frequency.size)
        for start in range(0, frequency.size, BLOCK):
            part = slice(start, start + BLOCK)
            some = [each[part] if isinstance(each, np.ndarray) else each for each in parameters]
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                result[part] = self._terms((frequency[part], recency[part], T[part]), *some)[0]
        return result if individual else float(weights @ result)

    def scores(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike) -> Array:
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

    # -- simulation --------------------------------------------------------------------------------------

    def simulate(
        self,
        n: int,
        T: npt.ArrayLike,
        seed: Seed,
        *,
        purchase_covariates: Covariates = None,
        dropout_covariates: Covariates = None,
        **options: Unpack[Recording],
    ) -> Customers:
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
        given = self._simulation_parameters()
        moves: dict[str, Array | list[float] | None] = {}
        for side, names, table in zip(
            ("purchase", "dropout"),
            self.covariate_names_ or ((), ()),
            (purchase_covariates, dropout_covariates),
        ):
            if names:
                moves[f"{side}_covariates"] = checks.covariates(f"{side}_covariates", table, n)[1]
                moves[f"{side}_effects"] = [self.params_[f"{side}_{name}"] for name in names]
        return type(self)._simulator(n, T, seed=seed, **given, **moves, **options)

    def _simulation_parameters(self) -> dict[str, float]:
        return dict(zip(self.parameter_names, self._values()))


def most_likely(rows: Rows, events: Array, t_x: Array) -> float:
    """The log-likelihood with each customer's own best rate of events, and dropout after the last purchase.

    A history's likelihood, given rate and dropout, is at most λ^n e^(−λ·t_x) for n events until t_x, and
    that at most (n/t_x)^n e^(−n).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.where(events > 0, events * np.log(np.maximum(events, 1.0) / t_x) - events, 0.0)
    return rows.weighted(best)
