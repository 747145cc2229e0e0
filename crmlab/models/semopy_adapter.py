"""A second opinion on structural models: semopy's, converged tightly."""

import numpy as np
import pandas as pd
import semopy

from crmlab.errors import InputError, check_known

TIGHT = 1e-14  # semopy's own 1e-6 stops up to a tenth of a standard error before the maximum


def fit_by_semopy(description: str, table: pd.DataFrame) -> semopy.Model:
    """Fit a structural model by semopy (Igolkina & Meshcheryakov 2020).

    Parameters
    ----------
    description : str
        In semopy's language, which `crmlab.models.structural` reads, too.
    table : DataFrame
        One column for each observed variable.

    Returns
    -------
    semopy.Model
        Fitted, by maximum likelihood to a relative tolerance of 1e-14. Its degrees of freedom count the
        moments of exogenous observed variables as explained; ours and lavaan's do not count them.

    Raises
    ------
    InputError
        If the table lacks a variable or holds missing values.
    """
    model = semopy.Model(description)
    observed = sorted(model.vars["observed"])
    check_known("column", observed, table.columns)
    missing = table[observed].isna().sum()
    if missing.any():
        raise InputError(
            f"columns {dict(missing[missing > 0])} have missing values; drop or fill them, and say how"
        )
    with np.errstate(all="ignore"):
        model.fit(table[observed], options={"ftol": TIGHT, "maxiter": 10_000})
    return model
