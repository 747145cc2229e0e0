"""A regression among the selected: whom a firm won is not who it courted (Heckman 1979).

Only the selected have an outcome, by ``s = 1(w'γ + u > 0)``. Where what is unseen in the selection is
unseen in the outcome, too, least squares among the selected mistakes one for the other: who was won without
a discount had some other reason to come. The two-step estimator adds that reason's expected size as one
more term.
"""

from dataclasses import dataclass

import numpy as np

from crmlab.errors import InputError
from crmlab.estimators.regression import clustered
from crmlab.estimators.switching import SELECTION, ChoiceRegression, influence_on_choice, second_step
from crmlab.models.stacked import orthogonal


@dataclass(frozen=True)
class SelectionRegression(ChoiceRegression):
    """One coefficient of a regression whose outcome is known of the selected only, in two steps.

    A probit of the selection on all rows, then least squares among the selected with the inverse Mills ratio
    as one more term, ``"selection"``: the covariance of the two errors (Heckman 1979,
    doi:10.2307/1912352).

    Parameters
    ----------
    formula, term, table, cluster, switch, choice
        As for `ChoiceRegression`: `switch` is 1 for the selected. The outcome of the others may be missing.
    corrected : bool
        Without it, least squares among the selected: what the two steps are compared with.

    Notes
    -----
    Errors are heteroskedasticity-consistent, of both steps' moments together (Newey & McFadden 1994): a row's
    influence is its own as one of the selected plus its influence on the probit. Least squares' own errors
    would take the ratio for known, and the errors' variance for one and the same.
    """

    corrected: bool = True

    @property
    def terms(self) -> list[str]:
        """Names of the coefficients; the ratio's is the last."""
        return [*self._formula.terms, SELECTION] if self.corrected else self._formula.terms

    def _arrays(self, tables):
        columns = tables.columns(self.table)
        out = np.asarray(columns[self.switch]) == 0
        code = self._formula._outcome
        if code not in columns:
            raise InputError(f"the outcome of {self.formula!r} must be a column; compute {code!r} beforehand")
        known = np.where(out, 0.0, columns[code])
        return self._formula.arrays({**columns, code: known})

    def _fit_all(self, outcome, matrix, columns):
        with np.errstate(all="ignore"):
            if self.corrected:
                coefficients, influence = self._two_steps(outcome, matrix, columns)
            else:
                basis, back = orthogonal(matrix * np.asarray(columns[self.switch])[..., None])
                loadings = basis.swapaxes(-1, -2) @ outcome[..., None]
                error = outcome - (basis @ loadings)[..., 0]
                coefficients = (back @ loadings)[..., 0]
                influence = (basis * error[..., None]) @ back.swapaxes(-1, -2)
            middle = influence.swapaxes(-1, -2) @ influence
            freedom = np.inf
            if self.cluster is not None:
                middle, freedom = clustered(influence, columns[self.cluster], len(self.terms))
            return coefficients, middle, freedom

    def _two_steps(self, outcome, matrix, columns):
        chosen, regressors, index, spread = self._chosen(columns)
        first = influence_on_choice(chosen, index, regressors, spread)
        coefficients, influence = second_step(outcome, matrix, 1.0, (chosen, index), regressors, first)
        return np.where(np.isfinite(index).all(-1)[:, None], coefficients, np.nan), influence
