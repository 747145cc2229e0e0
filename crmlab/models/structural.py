"""Structural equation models by semopy, with the one thing its tables lack: errors of combined parameters."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import semopy
from numpy.linalg import LinAlgError
from threadpoolctl import threadpool_limits

from crmlab.errors import InputError, check_known


class NotConverged(ArithmeticError):
    """The optimiser found no maximum, or no standard errors there."""


@dataclass(frozen=True)
class StructuralFit:
    """A fitted structural equation model.

    Attributes
    ----------
    values : Series
        Estimates of the free parameters, by the names the description gives them.
    covariance : DataFrame
        Of those estimates, from the inverse of the expected information.
    model : semopy.Model
        Fitted.
    """

    values: pd.Series
    covariance: pd.DataFrame
    model: semopy.Model = field(repr=False)

    @property
    def table(self):
        """semopy's own table: lval, op, rval, Estimate, Std. Err, z-value, p-value."""
        return self.model.inspect()

    def combine(self, function):
        """A function of the parameters with its standard error by the delta method.

        Parameters
        ----------
        function : callable
            A dict of values by name to a number: ``lambda v: v["a"] * v["b"]``.

        Returns
        -------
        value, standard_error : float
        """
        values = self.values.to_dict()
        gradient = np.empty(len(values))
        for at, (name, value) in enumerate(values.items()):
            step = 1e-6 * max(1.0, abs(value))
            up, down = function({**values, name: value + step}), function({**values, name: value - step})
            gradient[at] = (up - down) / (2 * step)
        return float(function(values)), float(np.sqrt(gradient @ self.covariance.to_numpy() @ gradient))


def fit_structural(description, table):
    """Fit a structural equation model by maximum likelihood.

    Parameters
    ----------
    description : str
        In semopy's (lavaan's) syntax. Name the parameters you want to combine: ``habit ~ b*attitude``.
    table : DataFrame
        One column for each observed variable.

    Raises
    ------
    InputError
        If the table lacks a variable or holds missing values.
    NotConverged
        If there is no maximum or no standard error.
    """
    model = semopy.Model(description)
    observed = sorted(model.vars["observed"])
    check_known("column", observed, table.columns)
    missing = table[observed].isna().sum()
    if missing.any():
        raise InputError(
            f"columns {dict(missing[missing > 0])} have missing values; drop or fill them, and say how"
        )
    try:
        with threadpool_limits(
            limits=1, user_api="blas"
        ):  # small matrices: more threads only wait for each other
            outcome = model.fit(table[observed])
            covariance = model.calc_fim(inverse=True)[1]
    except LinAlgError as error:
        raise NotConverged(f"structural model: {error}") from None
    if not outcome.success or not np.isfinite(covariance).all():
        raise NotConverged(f"structural model: {outcome.message}")
    names = [name for name, entry in model.parameters.items() if entry.active]
    return StructuralFit(pd.Series(model.param_vals, names), pd.DataFrame(covariance, names, names), model)
