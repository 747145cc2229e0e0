"""Structural models as estimators: effects among factors, from continuous items or from ordinal ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import norm

from crmlab.design import Estimate, Estimator, Tables
from crmlab.models.ordinal import ordinal_moments
from crmlab.models.structural import Fits, Moments, StructuralModel

Array = np.ndarray
Columns = Mapping[str, Array]


@lru_cache(maxsize=64)
def structural_model(description: str, bounds: bool = False) -> StructuralModel:
    """A description read once; see `crmlab.models.structural.StructuralModel`."""
    return StructuralModel(description, bounds=bounds)


@dataclass(frozen=True)
class StructuralEstimate(Estimator):
    """What a structural model says, by maximum likelihood; errors by the delta method.

    Variances have no bound: where one is 0 in truth, half of the free estimates are below 0, and holding
    those at 0 would make intervals of the other parameters wrong (Savalei & Kolenikov 2008).

    Parameters
    ----------
    description : str
        In lavaan's language.
    columns : callable
        Tables to the observed columns by name, arrays of shape ``(simulations, rows)``.
    function : callable
        `Fits` to estimates and standard errors: ``lambda fits: fits.parameter("b")``.
    robust : bool
        Errors by the sandwich.
    """

    description: str
    columns: Callable[[Tables], Columns]
    function: Callable[[Fits], tuple[Array, Array]]
    robust: bool = False

    failure = "the structural model has no maximum, or the data do not identify it"

    def fits(self, tables: Tables) -> Fits:
        """The fitted models of all cohorts; estimators of the same model share them."""

        def fit() -> Fits:
            model, columns = structural_model(self.description), self.columns(tables)
            cases = np.stack(np.broadcast_arrays(*(columns[name] for name in model.observed)), -1)
            return model.fit(cases, robust=self.robust)

        return tables.once((self.description, self.columns, self.robust), fit)

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        with np.errstate(all="ignore"):
            return Estimate(*self.function(self.fits(tables)))


@dataclass(frozen=True)
class OrdinalStructuralEstimate(Estimator):
    """What a structural model of ordinal items says: polychoric and polyserial moments, fitted.

    The model is fitted to the correlations of what lies behind the items, within groups, by minimising the
    normal discrepancy; the error is the delta method's, from each row's influence on those correlations
    (after Muthén 1984; Flora & Curran 2004), times ``n / (n - parameters)`` as HC1's is.

    Parameters
    ----------
    description : str
        In lavaan's language.
    items, continuous : callable
        Tables to columns by name: answers 1, 2, …; and variables that are normal within groups.
    function : callable
        A dict of parameters by name to the estimate: ``lambda v: v["a"] * v["b"]``.
    groups : callable, optional
        Tables to the rows' group numbers.
    """

    description: str
    items: Callable[[Tables], Columns]
    continuous: Callable[[Tables], Columns]
    function: Callable[[dict[str, Array]], Array]
    groups: Callable[[Tables], Array] | None = None

    failure = "the structural model has no maximum, or an item does not vary"

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        items, continuous = self.items(tables), self.continuous(tables)
        groups = None if self.groups is None else self.groups(tables)
        model, names = structural_model(self.description), [*items, *continuous]
        with np.errstate(all="ignore"):
            moments = ordinal_moments(_stack(items), _stack(continuous), groups)
            order = np.array([names.index(name) for name in model.observed])
            correlation = moments.correlation[:, order[:, None], order]
            fits = model.fit_moments(Moments(correlation, np.zeros(correlation.shape[:2]), moments.rows))
            value, slopes = fits.in_moments(self.function)
            weights = np.zeros_like(moments.correlation)
            weights[:, order[:, None], order] = slopes
            variance = (moments.influence(weights) ** 2).sum(-1) / moments.rows**2
            error = np.sqrt(variance * moments.rows / (moments.rows - len(model.names)))
        return Estimate(value, error)


def _stack(columns: Columns) -> Array:
    return np.stack(list(columns.values()), -1)


@dataclass(frozen=True)
class ScoreCorrelation(Estimator):
    """Correlation of two mean scores, each of standardised items, as if they held no measurement error.

    The interval is Fisher's: symmetric in the inverse hyperbolic tangent.

    Parameters
    ----------
    first, second : callable
        Tables to the items' columns by name.
    """

    first: Callable[[Tables], Columns]
    second: Callable[[Tables], Columns]

    failure = "a score does not vary"

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        with np.errstate(all="ignore"):
            one, other = (_standardised(_mean_score(items(tables))) for items in (self.first, self.second))
            r, free = (one * other).mean(-1), one.shape[-1] - 3
            z, reach = np.arctanh(r), norm.ppf(0.975) / np.sqrt(free)
            interval = (np.tanh(z - reach), np.tanh(z + reach))
            return Estimate(r, (1 - r**2) / np.sqrt(free), interval=interval)


def _mean_score(columns: Columns) -> Array:
    return np.mean([_standardised(column) for column in columns.values()], axis=0)


def _standardised(column: Array) -> Array:
    return (column - column.mean(-1, keepdims=True)) / column.std(-1, keepdims=True)
