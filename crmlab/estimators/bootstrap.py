"""The bootstrap of any estimator: resamples that fail are counted, and too many of them are a failure."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crmlab.design import Estimate, EstimationFailed, Estimator, SingleEstimator, Tables
from crmlab.errors import InputError, check_known


@dataclass(frozen=True)
class Bootstrap(SingleEstimator):
    """An estimator with the percentile interval of its resamples (Efron 1979).

    Parameters
    ----------
    estimator : Estimator or callable
        An `Estimator` gets all resamples in one pass.
    table : str
        Whose rows are drawn with replacement.
    unit : str, optional
        Column: whole units are drawn, with all of their rows. Units must have equally many.
    resamples, seed : int
    tolerated : float
        Share of resamples that may fail. They are left out of the interval.
    """

    estimator: Callable[[Tables], Estimate]
    table: str
    unit: str | None = None
    resamples: int = 499
    seed: int = 1
    tolerated: float = 0.1

    def one(self, tables: Tables) -> Estimate:
        """As `SingleEstimator.one`."""
        estimate, found = self.estimator(tables), self.distribution(tables)
        good = found[np.isfinite(found)]
        if len(good) < max(2, (1 - self.tolerated) * len(found)):
            raise EstimationFailed(f"{len(found) - len(good)} of {len(found)} resamples could not be fitted")
        low, high = np.quantile(good, [0.025, 0.975])
        return Estimate(estimate.value, float(good.std(ddof=1)), interval=(float(low), float(high)))

    def distribution(self, tables: Tables) -> np.ndarray:
        """The estimates of all resamples, NaN where one could not be fitted; shape (resamples,)."""
        drawn = self._resampled(tables)
        if isinstance(self.estimator, Estimator):
            estimate = self.estimator.batch(drawn)
            return np.where(estimate.sound, estimate.value, np.nan)
        found = np.full(self.resamples, np.nan)
        for number in range(self.resamples):
            try:
                found[number] = self.estimator(drawn.one(number)).value
            except (ArithmeticError, np.linalg.LinAlgError):
                continue
        return found

    def _resampled(self, tables):
        columns = tables.columns(self.table)
        rows = len(next(iter(columns.values())))
        rng = np.random.default_rng([self.seed, rows])
        if self.unit is None:
            taken = rng.integers(0, rows, (self.resamples, rows))
        else:
            check_known("column", [self.unit], columns)
            sizes = np.unique(columns[self.unit], return_counts=True)[1]
            if len(set(sizes)) > 1:
                raise InputError(
                    f"{self.unit} has from {sizes.min()} to {sizes.max()} rows; give equally many"
                )
            by_unit = np.argsort(columns[self.unit], kind="stable").reshape(len(sizes), -1)
            units = rng.integers(0, len(sizes), (self.resamples, len(sizes)))
            taken = by_unit[units].reshape(self.resamples, -1)
        drawn = {name: np.asarray(values)[taken] for name, values in columns.items()}
        if self.unit is not None:  # a unit that is drawn twice is two units
            width = rows // len(sizes)
            drawn[self.unit] = np.repeat(np.arange(len(sizes)), width)
        others = {name: tables.columns(name) for name in tables.names() if name != self.table}
        return Tables({**others, self.table: drawn})
