"""What a choice changes when whoever chooses knows more than the analyst: switching regression, instruments.

A unit is in one regime or the other because it chose to, by ``s = 1(w'γ + v > 0)``, and what is unseen in the
choice may be unseen in the outcome, too. A switching regression models it: in each regime the errors' mean
given the choice is a multiple of the inverse Mills ratio (Heckman 1979, doi:10.2307/1912352). The
fitted chance as an instrument does without a model of the errors (Wooldridge 2010, procedure 21.1), but takes
the effect to be the same for all who look alike. Both rest on something that moves the choice and is excluded
from the outcome; without it the first lives off the curvature of the ratio, and the second off that of Φ.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import log_ndtr, ndtr

from crmlab.design import Tables
from crmlab.errors import InputError, check_known
from crmlab.estimators.binary import ProbitRegression
from crmlab.estimators.regression import Regression, clustered
from crmlab.models.stacked import inverse, orthogonal

REGIMES = ("0: ", "1: ")
SELECTION = "selection"  # the term of the inverse Mills ratio


def inverse_mills(index: np.ndarray) -> np.ndarray:
    """``φ(x) / Φ(x)``, finite however far below 0 the index lies: an array of the index's shape."""
    return np.exp(-0.5 * index**2 - log_ndtr(index)) / np.sqrt(2 * np.pi)


@dataclass(frozen=True)
class ChoiceRegression(Regression):
    """What the regressions with a chosen regime share: the column of the choice, and its probit.

    Parameters
    ----------
    formula, term, table, cluster
        As for `Regression`; the formula is the outcome's.
    switch : str
        A column of 0 and 1: which regime was chosen.
    choice : str
        The right side of the choice's formula, ``"specificity + nearness"``: all that moves the outcome, and
        what is excluded from it.
    """

    covariance: str = "HC0"
    switch: str = ""
    choice: str = ""

    covariances: ClassVar[tuple[str, ...]] = ("HC0",)
    failure: ClassVar[str] = "the choice's probit has no maximum, or a regime's columns are not of full rank"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.switch or not self.choice:
            raise InputError("switch and choice: name the column of the choice, and what it follows from")

    @property
    def choice_regression(self) -> ProbitRegression:
        """The probit of the choice, whose fit is shared by all regressions of the same choice."""
        return ProbitRegression(f"{self.switch} ~ {self.choice}", "Intercept", table=self.table)

    def _chosen(self, columns):
        """The choice, its regressors and its probit's index, and the inverse of the probit's information."""
        probit = self.choice_regression
        tables = Tables({self.table or "table": dict(columns)})
        chosen, regressors = probit._arrays(tables)
        chosen, regressors = np.atleast_2d(chosen), regressors.reshape(-1, *regressors.shape[-2:])
        coefficients, spread, _ = probit._fit_all(chosen, regressors, columns)
        return chosen, regressors, (regressors @ coefficients[..., None])[..., 0], spread


def influence_on_choice(
    chosen: np.ndarray, index: np.ndarray, regressors: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """Each row's influence on the coefficients of the choice's probit, ``(simulations, rows, k)``.

    Parameters
    ----------
    chosen, index : array of shape (simulations, rows)
    regressors : array of shape (simulations, rows, k)
    spread : array of shape (simulations, k, k)
        The inverse of the probit's information.
    """
    side = 2 * chosen - 1
    score = side * inverse_mills(side * index)  # in the index
    return (score[..., None] * regressors) @ spread


def second_step(
    outcome: np.ndarray,
    matrix: np.ndarray,
    regime: float,
    choice: tuple[np.ndarray, np.ndarray],
    regressors: np.ndarray,
    first: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Least squares among those who chose a regime, with the inverse Mills ratio as one more term.

    Parameters
    ----------
    outcome : array of shape (simulations, rows)
    matrix : array of shape (simulations, rows, terms)
    regime : {0, 1}
    choice : pair of array of shape (simulations, rows)
        What was chosen, 0 or 1, and the index of its probit.
    regressors : array of shape (simulations, rows, k)
        Of the probit.
    first : array of shape (simulations, rows, k)
        Each row's influence on the probit's coefficients.

    Returns
    -------
    coefficients : array of shape (simulations, terms + 1)
    influence : array of shape (simulations, rows, terms + 1)
        Of each row on them, through both steps.
    """
    chosen, index = choice
    side = 2 * regime - 1
    ratio = side * inverse_mills(side * index)
    slope = -ratio * (index + ratio)  # its derivative in the index
    member = (chosen == regime) * 1.0
    wide = np.concatenate([matrix, ratio[..., None]], axis=-1) * member[..., None]
    basis, back = orthogonal(np.nan_to_num(wide))
    found = back @ (basis.swapaxes(-1, -2) @ outcome[..., None])
    error = (outcome - (wide @ found)[..., 0]) * member
    moved = basis.swapaxes(-1, -2) @ (regressors * (found[:, -1] * slope * member)[..., None])
    influence = basis * error[..., None] - first @ moved.swapaxes(-1, -2)
    return found[..., 0], influence @ back.swapaxes(-1, -2)


@dataclass(frozen=True)
class SwitchingRegression(ChoiceRegression):
    """One coefficient of an endogenous switching regression, in two steps.

    First a probit of the choice, then least squares in each regime with the inverse Mills ratio as one more
    term. Terms are called ``"0: x"`` and ``"1: x"`` by regime, the ratio's ``"0: selection"`` and
    ``"1: selection"``: the covariance of each regime's error with that of the choice. What regime 1 changes
    for a unit drawn from all with terms x is ``x'(b₁ - b₀)``, a `Combination`.

    Parameters
    ----------
    formula, term, table, cluster, switch, choice
        As for `ChoiceRegression`; the formula without the choice.

    Notes
    -----
    Errors are those of all steps' moments together (Newey & McFadden 1994): a row's influence is its own in
    its regime, ``A_g⁻¹ x_g e_g``, plus its influence on γ through both ratios,
    ``-A_g⁻¹ (Σ x_g β_g λ_g' w') A_γ⁻¹ w s``. They are heteroskedasticity-consistent, as they must be: given
    the choice the errors' variance differs from unit to unit.
    """

    @property
    def terms(self) -> list[str]:
        """Names of the coefficients: those of regime 0, then those of regime 1."""
        return [f"{regime}{term}" for regime in REGIMES for term in [*self._formula.terms, SELECTION]]

    def _fit_all(self, outcome, matrix, columns):
        chosen, regressors, index, spread = self._chosen(columns)
        parts = []
        with np.errstate(all="ignore"):
            first = influence_on_choice(chosen, index, regressors, spread)
            for regime in (0.0, 1.0):
                coefficients, influence = second_step(
                    outcome, matrix, regime, (chosen, index), regressors, first
                )
                parts.append((coefficients, influence))
            coefficients, influence = (np.concatenate(each, axis=-1) for each in zip(*parts, strict=True))
            bad = ~np.isfinite(index).all(-1)
            coefficients = np.where(bad[:, None], np.nan, coefficients)
            middle, freedom = influence.swapaxes(-1, -2) @ influence, np.inf
            if self.cluster is not None:
                middle, freedom = clustered(influence, columns[self.cluster], len(self.terms))
            return coefficients, middle, freedom


@dataclass(frozen=True)
class FittedChanceInstruments(ChoiceRegression):
    """One coefficient of a regression with a chosen regime, the choice's fitted chance as its instrument.

    Where the choice and its products stand among the terms, the fitted chance and its products are their
    instruments. The probit need not be right for the estimate to be consistent; that it was estimated does
    not matter to the errors (Wooldridge 2010, Econometric Analysis of Cross Section and Panel Data, chapter
    21).

    Parameters
    ----------
    formula, term, table, cluster, switch, choice
        As for `ChoiceRegression`; the formula with the choice.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        codes = {code for codes in self._formula._factors.values() for code in codes}
        check_known("switch among the formula's terms", [self.switch], codes)

    def _fit_all(self, outcome, matrix, columns):
        _, _, index, _ = self._chosen(columns)
        with np.errstate(all="ignore"):
            bad = ~np.isfinite(index).all(-1)
            chance = ndtr(np.nan_to_num(index))
            instruments = self._formula.arrays({**columns, self.switch: chance})[1]
            scale = np.sqrt(matrix.shape[-2])
            first, back = orthogonal(instruments)
            home = inverse(first.swapaxes(-1, -2) @ matrix / scale) / scale
            home = home * np.where(bad | np.isnan(back).any((-1, -2)), np.nan, 1.0)[:, None, None]
            coefficients = (home @ (first.swapaxes(-1, -2) @ outcome[..., None]))[..., 0]
            residual = outcome - (matrix @ coefficients[..., None])[..., 0]
            rows, terms = matrix.shape[-2:]
            freedom: Any = float(rows - terms)
            if self.cluster is not None:
                middle, freedom = clustered(first * residual[..., None], columns[self.cluster], terms)
            else:
                scores = first * residual[..., None]
                middle = scores.swapaxes(-1, -2) @ scores * rows / freedom
            return coefficients, home @ middle @ home.swapaxes(-1, -2), freedom
