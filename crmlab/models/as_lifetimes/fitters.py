"""lifetimes' fitters: our models with its constructors, its names of parameters, and value by the month."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab.errors import InputError
from crmlab.models.btyd import BGBB, BGNBD, GammaGamma, ModifiedBGNBD, ParetoNBD
from crmlab.models.btyd.base import Model
from crmlab.models.btyd.labels import Answer, labelled

MONTHS = {"W": 4.345, "M": 1.0, "D": 30.0, "H": 720.0}  # a month in each unit, as lifetimes counts


class Fitter(Model):
    """What lifetimes' fitters share.

    Parameters
    ----------
    penalizer_coef : float
        Times the squares of the parameters, and the number of customers, is taken off the log-likelihood. A
        prior does better: ``BGNBD(prior="weak")``.
    """

    plain: type[Model]
    renamed: Mapping[str, str] = MappingProxyType({})  # our parameters' names, and lifetimes'
    data: pd.DataFrame

    def __init__(self, penalizer_coef: float = 0.0) -> None:
        super().__init__(penalizer_coef=penalizer_coef)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a parameter, under lifetimes' heads."""
        heads = ["coef", "se(coef)", "lower 95% bound", "upper 95% bound"]
        return super().summary.set_axis(heads, axis=1)

    @property
    def model(self) -> Model:
        """The same model of ours, with what it can do besides."""
        ours = self.plain(penalizer_coef=self.penalizer_coef)
        ours.__dict__.update(
            {name: _named(each, self.renamed, False) for name, each in self.__dict__.items()}
        )
        return ours

    def save_model(self, path: str | Path, *_: Any, **__: Any) -> None:
        """Write the model as JSON; lifetimes' other arguments say what of the data to keep, here nothing."""
        self.model.save(path)

    def load_model(self, path: str | Path) -> None:
        """Become the model that `save_model` wrote."""
        loaded = self.plain.load(path).__dict__
        self.__dict__.update({name: _named(each, self.renamed, True) for name, each in loaded.items()})


def _named(value: Any, renamed: Mapping[str, str], to_lifetimes: bool) -> Any:
    """A table of parameters under other names; anything else as it is."""
    names = dict(renamed) if to_lifetimes else {theirs: ours for ours, theirs in renamed.items()}
    if not names or not isinstance(value, (pd.Series, pd.DataFrame)):
        return value
    return value.rename(index=names) if value.ndim == 1 else value.rename(index=names, columns=names)


class HistoryFitter(Fitter):
    """A fitter of frequency, recency and T."""

    def fit(
        self,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        initial_params: npt.ArrayLike | None = None,
        verbose: bool = False,
        tol: float = 1e-7,
        index: npt.ArrayLike | None = None,
        **_: Any,
    ) -> Self:
        """As lifetimes' ``fit``; what steers its optimiser is not needed, the maximum found is the same."""
        super().fit(frequency, recency, T, weights)  # type: ignore[misc]
        columns = {"frequency": frequency, "recency": recency, "T": T}
        counts = np.ones(np.size(frequency)) if weights is None else np.asarray(weights, float)
        table = {name: np.asarray(each, float) for name, each in columns.items()}
        self.data = pd.DataFrame(table | {"weights": counts}, index=index)
        return self


class BetaGeoFitter(HistoryFitter, BGNBD):
    """`BGNBD` as lifetimes' BetaGeoFitter."""

    plain = BGNBD


class ModifiedBetaGeoFitter(HistoryFitter, ModifiedBGNBD):
    """`ModifiedBGNBD` as lifetimes' ModifiedBetaGeoFitter."""

    plain = ModifiedBGNBD


class ParetoNBDFitter(HistoryFitter, ParetoNBD):
    """`ParetoNBD` as lifetimes' ParetoNBDFitter."""

    plain = ParetoNBD


class BetaGeoBetaBinomFitter(Fitter, BGBB):
    """`BGBB` as lifetimes' BetaGeoBetaBinomFitter."""

    plain = BGBB

    def fit(
        self,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        n_periods: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        initial_params: npt.ArrayLike | None = None,
        verbose: bool = False,
        tol: float = 1e-7,
        index: npt.ArrayLike | None = None,
        **_: Any,
    ) -> Self:
        """As lifetimes' ``fit``."""
        return super().fit(frequency, recency, n_periods, weights)

    def expected_number_of_transactions_in_first_n_periods(self, n: int) -> pd.DataFrame:
        """Customers of the fit by their number of purchases, as expected in n periods.

        Returns
        -------
        pandas.DataFrame
            One column, ``model``, by ``frequency`` 0, …, n.
        """
        count = np.arange(n + 1)
        expected = self.n_customers_ * np.asarray(self.probability_of_n(count, n))
        return pd.DataFrame({"model": expected}, index=pd.Index(count, name="frequency"))


class GammaGammaFitter(Fitter, GammaGamma):
    """`GammaGamma` as lifetimes' GammaGammaFitter, whose third parameter is called v."""

    plain = GammaGamma
    renamed = MappingProxyType({"gamma": "v"})
    parameter_names = ("p", "q", "v")
    time_parameters = ("v",)

    def fit(
        self,
        frequency: npt.ArrayLike,
        monetary_value: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        initial_params: npt.ArrayLike | None = None,
        verbose: bool = False,
        tol: float = 1e-7,
        index: npt.ArrayLike | None = None,
        q_constraint: bool = False,
        **_: Any,
    ) -> Self:
        """As lifetimes' ``fit``.

        Raises
        ------
        InputError
            With `q_constraint`: an estimate q below 1 says that mean spend is infinite, and is not moved.
        """
        if q_constraint:
            raise InputError(
                "q_constraint is not offered; give a prior: GammaGamma(prior={'q': (3.0, 0.5)}).fit(…)"
            )
        return super().fit(frequency, monetary_value, weights)

    def customer_lifetime_value(  # type: ignore[override]
        self,
        transaction_prediction_model: Any,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        T: npt.ArrayLike,
        monetary_value: npt.ArrayLike,
        time: int = 12,
        discount_rate: float = 0.01,
        freq: str = "D",
    ) -> Answer:
        """Value of the purchases of the next months, each discounted at its end.

        Parameters
        ----------
        transaction_prediction_model
            Any model with ``predict(t, frequency, recency, T)``.
        time : int
            Months.
        discount_rate : float
            A month.
        freq : {"D", "W", "M", "H"}
            The unit of `recency` and `T`: a month is 30 days, 4.345 weeks or 720 hours, as in lifetimes.

        Returns
        -------
        float, array or Series named ``clv``
        """
        if freq not in MONTHS:
            raise InputError(f"freq is {freq!r}; give one of {', '.join(MONTHS)}")
        spend = self.conditional_expected_average_profit(frequency, monetary_value)
        value = _by_month(
            transaction_prediction_model, frequency, recency, T, time, discount_rate, MONTHS[freq]
        )
        clv = value * spend
        return clv.rename("clv") if isinstance(clv, pd.Series) else clv


@labelled
def _by_month(model, frequency, recency, T, months, rate, length):
    total, before = 0.0, 0.0
    for month in range(1, months + 1):
        until = np.asarray(model.predict(month * length, frequency, recency, T))
        total, before = total + (until - before) * (1.0 + rate) ** -month, until
    return total
