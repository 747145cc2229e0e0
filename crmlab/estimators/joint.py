"""Claims that hold only if each of several holds: an inverted U is a rise *and* a fall."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError


@dataclass(frozen=True)
class Weakest(Estimator):
    """The least of several estimates, for the claim that all of them are above a null.

    Its p-value is the largest of theirs: the intersection-union test, whose size is at most that of each
    (Berger 1982, Technometrics 24). Its interval runs from the least lower end to the least
    upper end. It holds the least estimand in 95% where one lies far below the others, or two are alike and
    the rest far above; it may be wider in between.

    Parameters
    ----------
    estimators : sequence of Estimator
        In one unit, each with the sign in which the claim says that it is above `null`.
    null : float
        What each is tested against.
    """

    estimators: Sequence[Estimator]
    null: float = 0.0

    def __post_init__(self) -> None:
        if not self.estimators:
            raise InputError("estimators is empty; give at least one")

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        found = [each.batch(tables) for each in self.estimators]
        values = np.stack([np.asarray(each.value, dtype=float) for each in found])
        errors = np.stack([np.asarray(each.standard_error, dtype=float) for each in found])
        least = np.where(np.isnan(values), -np.inf, values).argmin(0)
        low, high = (np.stack([each.bounds()[end] for each in found]).min(0) for end in (0, 1))
        return Estimate(
            np.take_along_axis(values, least[None], 0)[0],
            np.take_along_axis(errors, least[None], 0)[0],
            interval=(low, high),
            p_value=np.stack([each.p(">", self.null) for each in found]).max(0),
        )

    def why(self, tables: Tables) -> str:
        """Why one of the estimates could not be made."""
        for each in self.estimators:
            if not each.batch(tables.stacked()).one(0).sound:
                return each.why(tables)
        return self.failure


@dataclass(frozen=True)
class Reversed(Estimator):
    """Minus another estimate: a fall as a rise of the opposite sign."""

    estimator: Estimator

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        found = self.estimator.batch(tables)
        interval = None if found.interval is None else (-found.interval[1], -found.interval[0])
        return Estimate(-found.value, found.standard_error, found.degrees_of_freedom, interval)

    def why(self, tables: Tables) -> str:
        """Why the other could not be made."""
        return self.estimator.why(tables)
