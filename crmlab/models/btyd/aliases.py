"""The names that the methods have in lifetimes, for code that was written for it.

They ask the same questions, with the arguments in lifetimes' order.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crmlab.models.btyd.labels import Answer


class SavedNames:
    """lifetimes' names for saving and loading."""

    def save_model(self, path: str | Path) -> None:
        """`save`, as JSON: a pickle would be run by whoever opens it."""
        self.save(path)  # type: ignore[attr-defined]

    def load_model(self, path: str | Path) -> None:
        """Become the model that `save_model` wrote."""
        self.__dict__.update(type(self).load(path).__dict__)  # type: ignore[attr-defined]


class HistoryNames:
    """lifetimes' names for what is asked of customers with a history."""

    def predict(
        self, t: npt.ArrayLike, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike
    ) -> Answer:
        """`conditional_expected_purchases`."""
        return self.conditional_expected_purchases(t, frequency, recency, T)  # type: ignore[attr-defined]

    conditional_expected_number_of_purchases_up_to_time = predict

    def conditional_probability_alive(
        self, frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike
    ) -> Answer:
        """`probability_alive`."""
        return self.probability_alive(frequency, recency, T)  # type: ignore[attr-defined]

    def conditional_probability_alive_matrix(
        self, max_frequency: int, max_recency: int
    ) -> npt.NDArray[np.float64]:
        """`probability_alive` of each recency (rows) and frequency (columns) from 0, T being the largest."""
        recency, frequency = np.meshgrid(np.arange(max_recency + 1.0), np.arange(max_frequency + 1.0))
        last = np.where(frequency > 0, recency, 0.0)
        return np.asarray(self.conditional_probability_alive(frequency, last, float(max_recency))).T

    def expected_number_of_purchases_up_to_time(self, t: npt.ArrayLike) -> Answer:
        """`expected_purchases` of a new customer."""
        return self.expected_purchases(t)  # type: ignore[attr-defined]

    def probability_of_n_purchases_up_to_time(self, t: npt.ArrayLike, n: npt.ArrayLike) -> Answer:
        """`probability_of_n`, whose arguments come in the other order."""
        return self.probability_of_n(n, t)  # type: ignore[attr-defined]


class PeriodNames:
    """lifetimes' names for what is asked of customers by period."""

    def conditional_expected_number_of_purchases_up_to_time(
        self,
        m_periods_in_future: npt.ArrayLike,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        n_periods: npt.ArrayLike,
    ) -> Answer:
        """`conditional_expected_purchases`."""
        ask: Any = self
        return ask.conditional_expected_purchases(m_periods_in_future, frequency, recency, n_periods)

    predict = conditional_expected_number_of_purchases_up_to_time

    def conditional_probability_alive(
        self,
        m_periods_in_future: npt.ArrayLike,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        n_periods: npt.ArrayLike,
    ) -> Answer:
        """`probability_alive`, so many periods ahead."""
        ask: Any = self
        return ask.probability_alive(frequency, recency, n_periods, ahead=m_periods_in_future)

    def expected_number_of_purchases_up_to_time(self, t: npt.ArrayLike) -> Answer:
        """`expected_purchases` of a new customer."""
        return self.expected_purchases(t)  # type: ignore[attr-defined]

    def probability_of_n_purchases_up_to_time(self, t: npt.ArrayLike, n: npt.ArrayLike) -> Answer:
        """`probability_of_n`, whose arguments come in the other order."""
        return self.probability_of_n(n, t)  # type: ignore[attr-defined]


class SpendNames:
    """lifetimes' name for the expected amount."""

    def conditional_expected_average_profit(
        self, frequency: npt.ArrayLike | None = None, monetary_value: npt.ArrayLike | None = None
    ) -> Answer:
        """`expected_spend`."""
        return self.expected_spend(frequency, monetary_value)  # type: ignore[attr-defined]
