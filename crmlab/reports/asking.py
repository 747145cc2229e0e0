"""How a model is fitted to customers and asked about them: by their summary alone, or by the dates, too."""

from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd

from crmlab.models.btyd import BGNBD, ModifiedBGNBD, ParetoNBD, RegularModel
from crmlab.models.btyd.varying import (
    DatedHistories,
    TimeVaryingBGNBD,
    TimeVaryingModifiedBGNBD,
    TimeVaryingParetoNBD,
)
from crmlab.models.btyd.varying.sources import Source
from crmlab.reports import forecasts

VARYING = {BGNBD: TimeVaryingBGNBD, ModifiedBGNBD: TimeVaryingModifiedBGNBD, ParetoNBD: TimeVaryingParetoNBD}


class Asked(Protocol):
    """Customers, about whom models are asked; answers are in their order."""

    summary: pd.DataFrame

    @property
    def weights(self) -> np.ndarray:
        """How many customers each row stands for."""
        ...

    def fit(self, kind: type) -> Any:
        """A model of this kind, fitted to them."""
        ...

    def alive(self, model: Any) -> np.ndarray:
        """Probability of being active, shape (n,)."""
        ...

    def expected(self, model: Any, t: float) -> np.ndarray:
        """Expected purchases in the next t units of time, shape (n,)."""
        ...

    def forecast(self, model: Any, horizon: float, rate: float) -> pd.DataFrame:
        """See `crmlab.reports.forecasts.forecast`."""
        ...

    def drawn(
        self, model: Any, horizon: float, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `crmlab.reports.forecasts.drawn_futures`."""
        ...

    def some(self, rows: np.ndarray) -> Self:
        """The customers at these positions."""
        ...


@dataclass(frozen=True)
class Summarised:
    """Customers of whom frequency, recency and T are all that a model looks at."""

    summary: pd.DataFrame

    @property
    def weights(self) -> np.ndarray:
        """One each."""
        return np.ones(len(self.summary))

    @property
    def history(self) -> tuple[np.ndarray, ...]:
        """frequency, recency and T."""
        return tuple(self.summary[name].to_numpy(float) for name in ("frequency", "recency", "T"))

    def fit(self, kind: type) -> Any:
        """A model of this kind; how regular purchases are is told where it is known."""
        if issubclass(kind, RegularModel) and "log_intervals" in self.summary:
            return kind().fit(*self.history, log_intervals=self.summary["log_intervals"])
        return kind().fit(*self.history)

    def alive(self, model: Any) -> np.ndarray:
        """See `Asked`."""
        return model.probability_alive(*self.history)

    def expected(self, model: Any, t: float) -> np.ndarray:
        """See `Asked`."""
        return np.asarray(model.conditional_expected_purchases(t, *self.history))

    def forecast(self, model: Any, horizon: float, rate: float) -> pd.DataFrame:
        """See `Asked`."""
        return forecasts.forecast(model, self.summary, horizon, rate)

    def drawn(
        self, model: Any, horizon: float, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Asked`."""
        return forecasts.drawn_futures(model, self.history, horizon, generator)

    def some(self, rows: np.ndarray) -> Self:
        """See `Asked`."""
        return type(self)(self.summary.iloc[rows])


@dataclass(frozen=True)
class Dated:
    """Customers with the dates of their purchases, and covariates of the time.

    Attributes
    ----------
    summary : pandas.DataFrame
    histories : DatedHistories
        Of the same customers, in the same order.
    purchase, dropout : Source or None
        Covariates of purchases and of dropout.
    """

    summary: pd.DataFrame
    histories: DatedHistories
    purchase: Source | None
    dropout: Source | None

    @property
    def weights(self) -> np.ndarray:
        """One each."""
        return np.ones(len(self.summary))

    def fit(self, kind: type) -> Any:
        """The model of this kind with the covariates."""
        given = {"purchase_covariates": self.purchase, "dropout_covariates": self.dropout}
        return VARYING[kind]().fit(self.histories, **given)

    def alive(self, model: Any) -> np.ndarray:
        """See `Asked`."""
        return model.probability_alive(self.histories)

    def expected(self, model: Any, t: float) -> np.ndarray:
        """See `Asked`."""
        return model.conditional_expected_purchases(t, self.histories)

    def forecast(self, model: Any, horizon: float, rate: float) -> pd.DataFrame:
        """See `Asked`."""
        return self.summary.assign(
            probability_alive=self.alive(model),
            expected_purchases=self.expected(model, horizon),
            discounted_purchases=model.discounted_expected_purchases(horizon, rate, self.histories),
        )

    def drawn(
        self, model: Any, horizon: float, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Asked`."""
        return model.drawn_futures(self.histories, horizon, generator)

    def some(self, rows: np.ndarray) -> Self:
        """See `Asked`."""
        histories = self.histories.some(rows)
        return type(self)(self.summary.iloc[rows], histories, self.purchase, self.dropout)
