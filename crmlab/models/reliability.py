"""Reliability of a scale: how much of the spread of its total is spread of what the items share.

Cronbach's alpha assumes that every item loads alike; McDonald's omega estimates each item's loading by a
one-factor model. If there is one factor and the errors are unrelated, alpha is at most omega.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from crmlab.errors import InputError, listing
from crmlab.models.structural import NotConverged, StructuralFit, fit_structural


@dataclass(frozen=True)
class Reliability:
    """A reliability coefficient.

    Attributes
    ----------
    name : str
        ``"alpha"`` or ``"omega"``.
    value, standard_error : float
        The error is that of normal items in a large sample.
    items, rows : int
    fit : StructuralFit or None
        Omega's one-factor model.
    """

    name: str
    value: float
    standard_error: float
    items: int
    rows: int
    fit: StructuralFit | None = field(default=None, repr=False)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """An interval that is symmetric in ``log(1 - value)``, and so ends below 1 (after Bonett 2002)."""
        if not self.value < 1:
            return np.nan, np.nan
        reach = norm.ppf(0.5 + level / 2) * self.standard_error / (1 - self.value)
        return 1 - (1 - self.value) * np.exp(reach), 1 - (1 - self.value) * np.exp(-reach)

    def __repr__(self) -> str:
        low, high = self.interval()
        return (
            f"{self.name} {self.value:.3f} (95% interval {low:.3f} to {high:.3f}; {self.items} items, "
            f"{self.rows:,} rows)"
        )


def cronbach_alpha(table: pd.DataFrame | npt.NDArray[np.float64], standardise: bool = False) -> Reliability:
    """Cronbach's alpha of a scale's items.

    Parameters
    ----------
    table : DataFrame or array of shape (rows, items)
        Two items or more, all scored in the same direction.
    standardise : bool
        Give every item variance 1 first. The standard error then takes those variances for known.

    Returns
    -------
    Reliability

    Raises
    ------
    InputError
        If items are too few, missing, constant, or fewer rows than items.

    Notes
    -----
    ``α = k/(k-1) (1 - tr V / 1'V1)`` (Cronbach 1951); the standard error is van Zyl, Neudecker & Nel's (2000)
    for normal items, of any covariance matrix V.
    """
    table = _items(table, fewest=2, standardise=standardise)
    values = table.to_numpy()
    rows, items = values.shape
    covariance = np.cov(values.T)
    total, trace = covariance.sum(), np.trace(covariance)
    if not total > 0:
        raise InputError("the items' total does not vary; score all items in the same direction")
    squared = covariance @ covariance
    variance = 2 * items**2 / ((items - 1) ** 2 * total**3) / rows
    variance *= total * (np.trace(squared) + trace**2) - 2 * trace * squared.sum()
    return Reliability(
        "alpha", items / (items - 1) * (1 - trace / total), float(np.sqrt(max(variance, 0.0))), items, rows
    )


def mcdonald_omega(table: pd.DataFrame | npt.NDArray[np.float64], standardise: bool = False) -> Reliability:
    """McDonald's omega of a scale's items, from a one-factor model by maximum likelihood.

    Parameters
    ----------
    table : DataFrame or array of shape (rows, items)
        Three items or more.
    standardise : bool
        Give every item variance 1 first.

    Returns
    -------
    Reliability
        Standard error by the delta method.

    Raises
    ------
    InputError
        As `cronbach_alpha`.
    NotConverged
        If the model has no maximum, or an item more shared variance than variance.

    Notes
    -----
    ``ω = (Σλ)² φ / ((Σλ)² φ + Σθ)`` (McDonald 1999): λ loadings, φ the factor's variance, θ the items' own.
    """
    table = _items(table, fewest=3, standardise=standardise)
    names = [f"item{number}" for number in range(1, table.shape[1] + 1)]
    free = " + ".join(f"loading_{name}*{name}" for name in names[1:])
    lines = [f"factor =~ {names[0]} + {free}", "factor ~~ shared*factor"]
    lines += [f"{name} ~~ own_{name}*{name}" for name in names]
    fit = fit_structural("\n".join(lines), table.set_axis(names, axis=1))
    own = [fit.values[f"own_{name}"] for name in names]
    if min(own) < 1e-6 * float(table.var().min()):
        raise NotConverged("one-factor model: an item has no variance of its own (a Heywood case)")

    def omega(v: Mapping[str, float]) -> float:
        of_factor = v["shared"] * (1 + sum(v[f"loading_{name}"] for name in names[1:])) ** 2
        return of_factor / (of_factor + sum(v[f"own_{name}"] for name in names))

    value, error = fit.combine(omega)
    return Reliability("omega", value, error, len(names), len(table), fit)


def item_statistics(table: pd.DataFrame | npt.NDArray[np.float64], standardise: bool = False) -> pd.DataFrame:
    """Each item beside the rest of its scale.

    Returns
    -------
    DataFrame
        One row an item: mean, standard_deviation, correlation with the sum of the *other* items, and alpha of
        the others (NaN where they are fewer than two).
    """
    table = _items(table, fewest=2, standardise=standardise)
    rows = {}
    for name in table:
        others = table.drop(columns=name)
        rows[name] = {
            "mean": table[name].mean(),
            "standard_deviation": table[name].std(),
            "correlation_with_rest": float(np.corrcoef(table[name], others.sum(axis=1))[0, 1]),
            "alpha_without": cronbach_alpha(others).value if others.shape[1] > 1 else np.nan,
        }
    return pd.DataFrame(rows).T


def _items(table: pd.DataFrame | npt.NDArray[np.float64], fewest: int, standardise: bool) -> pd.DataFrame:
    table = pd.DataFrame(table)
    if table.shape[1] < fewest:
        raise InputError(f"table has {table.shape[1]} items; give at least {fewest}")
    values = table.to_numpy(dtype=float)
    strange = table.index[~np.isfinite(values).all(1)]
    if len(strange):
        raise InputError(f"rows {listing(strange, 5)} have missing items; drop or fill them, and say how")
    if len(table) <= table.shape[1]:
        raise InputError(
            f"table has {len(table)} rows for {table.shape[1]} items; it needs more rows than items"
        )
    spread = values.std(0, ddof=1)
    if (spread == 0).any():
        constant = [str(name) for name, each in zip(table, spread) if each == 0]
        raise InputError(f"items {listing(constant)} do not vary; leave them out")
    if standardise:
        values = (values - values.mean(0)) / spread
    return pd.DataFrame(values, table.index, table.columns)
