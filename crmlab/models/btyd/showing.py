"""How a model shows itself: as text, as HTML, and as a table of its parameters."""

import html
from typing import Any

import pandas as pd

from crmlab.words import words


class Shown:
    """What a model of `crmlab.models.btyd.base` says when it is printed."""

    name: str
    params_: pd.Series
    standard_errors_: pd.Series
    confidence_intervals_: pd.DataFrame
    n_customers_: float
    log_likelihood_: float
    aic_: float
    bic_: float
    penalty_: float
    prior: Any
    penalizer_coef: float
    convergence_: Any

    @property
    def summary(self) -> pd.DataFrame:
        """One row a parameter: estimate, standard_error, low, high."""
        return pd.concat([self.params_, self.standard_errors_, self.confidence_intervals_], axis=1)

    def _story(self) -> list[str]:
        """Sentences that say what the parameters mean for these customers."""
        return []

    def _lines(self) -> list[str]:
        """The head lines of the display."""
        if "params_" not in self.__dict__:
            return [words("btyd.unfitted", name=self.name)]
        if "log_likelihood_" not in self.__dict__:
            return [words("btyd.known", name=self.name)]
        head = words("btyd.fitted", name=self.name, n=self.n_customers_)
        numbers = words("btyd.numbers", log_likelihood=self.log_likelihood_, aic=self.aic_, bic=self.bic_)
        ended = words(
            "btyd.converged" if self.convergence_.converged else "btyd.unconverged",
            message=self.convergence_.message,
        )
        if self.prior is not None or self.penalizer_coef:
            numbers += words("btyd.penalised", penalty=self.penalty_)
        return [head, ended, numbers]

    def _table(self) -> pd.DataFrame | None:
        if "params_" not in self.__dict__:
            return None
        return self.summary if "standard_errors_" in self.__dict__ else self.params_.to_frame()

    def __repr__(self) -> str:
        table = self._table()
        body = [] if table is None else ["", table.to_string(float_format=lambda value: f"{value:.4g}"), ""]
        return "\n".join(self._lines() + body + (self._story() if table is not None else []))

    def _repr_html_(self) -> str:
        head, *rest = self._lines()
        table = self._table()
        parts = [f"<p><strong>{html.escape(head)}</strong></p>"]
        parts += [f"<p>{html.escape(line)}</p>" for line in rest]
        if table is not None:
            parts.append(table.to_html(float_format=lambda value: f"{value:.4g}", border=0))
            parts += [f"<p>{html.escape(line)}</p>" for line in self._story()]
        return "<div>" + "".join(parts) + "</div>"
