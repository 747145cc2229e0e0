"""Choices among alternatives: multinomial logit with and without a control function, in one pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.stats import norm

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError, check_known
from crmlab.models.choice import LogitFit, fit_control_logit, fit_logit
from crmlab.models.ratio import Ratio

INTERVALS = ("fieller", "delta", "krinsky_robb")


@dataclass(frozen=True)
class ChoiceModel:
    """A multinomial logit of a table with one row an alternative, the alternatives of a choice together.

    Parameters
    ----------
    attributes : tuple of str
        Columns; each is a term.
    alternatives : int
        Of a choice.
    table : str
    chosen : str
        The column that is 1 at the alternative taken.
    endogenous : str, optional
        The attribute that needs a control function (Petrin & Train 2010); `residual` is then a further term.
    instruments : tuple of str
        What moves it and is of no value to anyone.
    priced : tuple of int
        The numbers of the alternatives that have it.
    """

    attributes: tuple[str, ...]
    alternatives: int
    table: str
    chosen: str = "chosen"
    endogenous: str | None = None
    instruments: tuple[str, ...] = ()
    priced: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.endogenous is not None:
            check_known("attribute", [self.endogenous], self.attributes)
            if not self.instruments or not self.priced:
                raise InputError("instruments or priced is missing; a control function needs both")

    @property
    def terms(self) -> list[str]:
        """Names of the coefficients, in order."""
        return [*self.attributes, "residual"] if self.endogenous else list(self.attributes)

    def wide(self, columns: Mapping[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
        """Columns of the table as an array ``(simulations, choices, alternatives, names)``."""
        check_known("column", names, columns)
        arrays = np.broadcast_arrays(*(np.atleast_2d(columns[name]) for name in names))
        return np.stack([each.reshape(len(each), -1, self.alternatives) for each in arrays], axis=-1)

    def fit(self, tables: Tables) -> LogitFit:
        """The fits of all cohorts, made once for the tables that are given."""
        return tables.once(self, lambda: self._fit(tables.columns(self.table)))

    def _fit(self, columns):
        attributes, chosen = self.wide(columns, self.attributes), self.wide(columns, [self.chosen])[..., 0]
        if self.endogenous is None:
            return fit_logit(attributes, chosen)
        at, instruments = self.attributes.index(self.endogenous), self.wide(columns, self.instruments)
        return fit_control_logit(attributes, chosen, at, instruments, self.priced)

    def number(self, term: str) -> int:
        """Where a term's coefficient stands."""
        check_known("term", [term], self.terms)
        return self.terms.index(term)


@dataclass(frozen=True)
class ChoiceCoefficient(Estimator):
    """One coefficient of a choice model, in logit units."""

    model: ChoiceModel
    term: str

    failure: ClassVar[str] = "the logit has no maximum: an attribute tells choices apart without fail"

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        fit, at = self.model.fit(tables), self.model.number(self.term)
        return Estimate(fit.coefficients[:, at], fit.standard_errors[:, at])


@dataclass(frozen=True)
class WillingnessToPay(ChoiceCoefficient):
    """A term's worth in money, its coefficient over minus the price's, for the claim that it is above zero.

    Parameters
    ----------
    model : ChoiceModel
    term : str
    interval : {"fieller", "delta", "krinsky_robb"}
        Fieller's goes with a test that divides by nothing; the others with the delta method's.
    price : str
        The attribute that is the price.
    """

    interval: str = "fieller"
    price: str = "price"

    def __post_init__(self) -> None:
        check_known("interval", [self.interval], INTERVALS)

    def ratio(self, tables: Tables) -> Ratio:
        """The ratio with its covariance, for intervals and tests of one's own."""
        fit, at = self.model.fit(tables), self.model.number(self.term)
        return Ratio.willingness_to_pay(fit.coefficients, fit.covariance, at, self.model.number(self.price))

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        ratio = self.ratio(tables)
        interval = getattr(ratio, self.interval)()
        p_value = norm.sf(ratio.z()) if self.interval == "fieller" else None
        return Estimate(ratio.value, ratio.standard_error, interval=interval, p_value=p_value)
