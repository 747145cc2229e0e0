"""One sample, as a table: the model fitted, its estimates as tables, and semopy's opinion of the same."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import InputError, NotConverged, check_known, listing
from crmlab.models.structural.model import Fits, StructuralModel
from crmlab.models.structural.statistics import fit_statistics


@dataclass(frozen=True)
class StructuralFit:
    """A fitted structural model of one sample.

    Attributes
    ----------
    values : Series
        Estimates of the free parameters, by name.
    covariance : DataFrame
        Of those estimates.
    rows : int
    fits : Fits
        The same as a stack of one.
    """

    values: pd.Series
    covariance: pd.DataFrame
    rows: int
    fits: Fits = field(repr=False)

    @property
    def model(self) -> StructuralModel:
        return self.fits.model

    @property
    def table(self) -> pd.DataFrame:
        """One row a parameter, fixed ones included.

        Returns
        -------
        DataFrame
            left, operator, right, group, estimate, standard_error, z, p_value (two-sided; NaN where fixed),
            standardised and its standardised_error.
        """
        shown, errors = self.fits.standardised()
        rows = []
        for group, terms in zip(self.model.groups, self.model.terms):
            for name, term in terms:
                fixed = term.fixed is not None
                value = term.fixed if fixed else self.values[name]
                error = np.nan if fixed else np.sqrt(self.covariance.loc[name, name])
                rows.append((term.left, term.operator, term.right, group, value, error))
        columns = ["left", "operator", "right", "group", "estimate", "standard_error"]
        table = pd.DataFrame(rows, columns=columns)
        table["z"] = table["estimate"] / table["standard_error"]
        table["p_value"] = 2 * norm.sf(table["z"].abs())
        return table.assign(standardised=shown[0], standardised_error=errors[0])

    @property
    def statistics(self) -> pd.Series:
        """How well it fits; see `crmlab.models.structural.statistics.fit_statistics`."""
        return pd.Series({name: float(value[0]) for name, value in fit_statistics(self.fits).items()})

    @property
    def boundary(self) -> list[str]:
        """Variances estimated at 0 or below: Heywood cases, for which the usual errors are no guide."""
        return [name for name, at in zip(self.model.names, self.fits.boundary[0]) if at]

    def combine(self, function: Callable[[dict], Any]) -> tuple[float, float]:
        """A function of the parameters with its standard error by the delta method.

        Parameters
        ----------
        function : callable
            A dict of values by name to a number: ``lambda v: v["a"] * v["b"]``.
        """
        return _single(self.fits.combine(function))

    def indirect_effect(self, *path: str, deviations_of: str | None = None) -> tuple[float, float]:
        """The product of the coefficients along a path of variables, and its standard error.

        Parameters
        ----------
        *path : str
            ``indirect_effect("trust", "commitment", "renewal")``.
        deviations_of : str, optional
            A variable whose standard deviation, as the model has it, is the unit of the product.
        """
        return _single(self.fits.indirect_effect(*path, deviations_of=deviations_of))

    def total_effect(self, source: str, target: str) -> tuple[float, float]:
        """What `target` gains when `source` is one higher, along all paths, and its standard error."""
        return _single(self.fits.total_effect(source, target))

    def __repr__(self) -> str:
        told = self.statistics
        at_zero = f"; variances at their bound of 0: {listing(self.boundary)}" if self.boundary else ""
        return (
            f"Structural model of {self.rows:,} rows: chi-square {told['chi_square']:.3f} on "
            f"{told['degrees_of_freedom']:.0f} degrees of freedom, CFI {told['cfi']:.3f}, RMSEA "
            f"{told['rmsea']:.3f}, SRMR {told['srmr']:.3f}{at_zero}\n"
            + self.table.round(3).to_string(index=False)
        )

    def _repr_html_(self) -> str:
        return self.table.round(3).to_html(index=False)


def _single(pair: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    return float(pair[0][0]), float(pair[1][0])


def fit_structural(
    description: str,
    table: pd.DataFrame,
    *,
    groups: str | None = None,
    equal: Collection[str] = (),
    means: bool = False,
    bounds: bool = True,
    robust: bool = False,
) -> StructuralFit:
    """Fit a structural model to a table by maximum likelihood.

    Parameters
    ----------
    description : str
        In lavaan's and semopy's language; see `crmlab.models.structural.syntax`.
    table : DataFrame
        One column for each observed variable.
    groups : str, optional
        A column that says to which group a row belongs; each has parameters of its own.
    equal, means, bounds
        See `StructuralModel`.
    robust : bool
        Errors by the sandwich, for data that are not normal.

    Raises
    ------
    InputError
        If the table lacks a variable, holds missing or constant values, or too few rows.
    NotConverged
        If there is no maximum or no standard error.

    References
    ----------
    Bollen, K. A. (1989). Structural equations with latent variables. Wiley.
    """
    check_known("column", [groups] if groups else [], table.columns)
    names = list(dict.fromkeys(table[groups])) if groups else None
    model = StructuralModel(description, names, equal, means, bounds)
    check_known("column", model.observed, table.columns)
    parts = [table[table[groups] == name] for name in names] if names else [table]
    cases = [_cases(part, model.observed) for part in parts]
    fits = model.fit(*cases, robust=robust)
    if not fits.converged[0]:
        raise NotConverged(f"structural model: {_why(fits)}")
    return StructuralFit(
        pd.Series(fits.values[0], model.names),
        pd.DataFrame(fits.covariance[0], model.names, model.names),
        len(table),
        fits,
    )


def _cases(table: pd.DataFrame, observed: list[str]) -> np.ndarray:
    """The observed columns as an array of shape (1, rows, observed), or what is wrong with them."""
    values = table[observed].to_numpy(dtype=float)
    missing = dict(zip(observed, (~np.isfinite(values)).sum(0)))
    missing = {name: int(count) for name, count in missing.items() if count}
    if missing:
        rows = table.index[~np.isfinite(values).all(1)]
        raise InputError(
            f"columns {missing} have missing values, in rows {listing(rows, 5)}; "
            "drop or fill them, and say how"
        )
    if len(values) <= len(observed):
        raise InputError(f"{len(values)} rows for {len(observed)} variables; give more rows than variables")
    still = [name for name, spread in zip(observed, values.std(0)) if spread == 0]
    if still:
        raise InputError(f"columns {listing(still)} do not vary; leave them out")
    return values[None]


def _why(fits: Fits) -> str:
    if np.isfinite(fits.height[0]) and not np.isfinite(fits.covariance).all():
        return "the data do not identify all parameters; fix some, or name some equal"
    return "the likelihood has no maximum that could be found"
