"""Effects under selection on observables: weighting, doubly robust estimates, the value of a policy.

All of them are means of what each row says, and their errors are the spread of that, with the estimation of
the propensity taken into account where it matters. In one pass over many cohorts.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from crmlab.design import Estimate, Estimator, Tables
from crmlab.errors import InputError, check_known
from crmlab.estimators.formulas import formula
from crmlab.estimators.influence import mean_of
from crmlab.estimators.regression import group_numbers, group_sums
from crmlab.models.newton import maximise
from crmlab.models.stacked import inverse, orthogonal


@dataclass(frozen=True)
class Propensity:
    """The chance of being treated: known from the design, or a logit of covariates.

    Parameters
    ----------
    covariates : str, optional
        The right side of a formula, ``"recency + np.log(spend)"``.
    known : str, optional
        The column that holds it.
    trim : float
        Chances are kept between this and one less this. Above 0 the estimand is no longer quite the average
        over everybody; say so where you use it.
    """

    covariates: str | None = None
    known: str | None = None
    trim: float = 0.0

    def __post_init__(self) -> None:
        if (self.covariates is None) == (self.known is None):
            raise InputError("covariates and known: give one of the two")
        if not 0 <= self.trim < 0.5:
            raise InputError(f"trim is {self.trim}; it must lie from 0 to below 0.5")

    def fit(self, columns: Any, treated: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The chances, shape (simulations, rows); the logit's columns in an orthogonal basis, if fitted."""
        if self.known is not None:
            check_known("column", [self.known], columns)
            chance = np.asarray(columns[self.known], dtype=float)
            if ((chance <= 0) | (chance >= 1)).any():
                bad = int(((chance <= 0) | (chance >= 1)).sum())
                raise InputError(
                    f"{self.known} is 0, 1 or beyond in {bad} rows; "
                    "where nobody could have been treated otherwise there is nothing to compare"
                )
            return np.broadcast_to(self._kept(chance), treated.shape), None
        matrix = np.broadcast_to(_design(self.covariates, columns), (*treated.shape, _width(self.covariates)))
        basis, back = orthogonal(matrix)
        basis = basis * np.sqrt(basis.shape[-2])
        basis = basis * np.where(np.isnan(back).any((-1, -2)), np.nan, 1.0)[:, None, None]

        def derivatives(coefficients, which):
            chance = expit((basis[which] @ coefficients[..., None])[..., 0])
            score = ((treated[which] - chance)[:, None] @ basis[which])[:, 0]
            return score, (basis[which].swapaxes(1, 2) * (chance * (1 - chance))[:, None]) @ basis[which]

        coefficients, _ = maximise(derivatives, np.zeros((len(treated), basis.shape[-1])), largest=5.0)
        with np.errstate(invalid="ignore"):
            return self._kept(expit((basis @ coefficients[..., None])[..., 0])), basis

    def _kept(self, chance):
        return np.clip(chance, self.trim, 1 - self.trim)


@dataclass(frozen=True)
class _Causal(Estimator):
    """What the estimators of effects share: outcome, treatment, propensity, table, clusters."""

    outcome: str
    treated: str
    propensity: Propensity
    table: str | None = None
    cluster: str | None = None

    failure: ClassVar[str] = "the propensity or the outcome could not be fitted"

    def _columns(self, tables):
        columns = tables.columns(self.table)
        named = [self.outcome, self.treated] + ([self.cluster] if self.cluster else [])
        check_known("column", named, columns)
        outcome, treated = np.broadcast_arrays(
            *(np.atleast_2d(np.asarray(columns[name], dtype=float)) for name in named[:2])
        )
        if ((treated != 0) & (treated != 1)).any():
            raise InputError(f"{self.treated} must be 0 or 1")
        return columns, outcome, treated

    def _mean(self, influence, columns):
        return mean_of(influence, columns[self.cluster] if self.cluster else None)


@dataclass(frozen=True)
class InverseProbability(_Causal):
    """The average effect by inverse probability weighting.

    Parameters
    ----------
    outcome, treated : str
        Columns; treatment is 0 or 1.
    propensity : Propensity
    table, cluster : str, optional
    normalised : bool
        Weights that add up to 1 in each arm (Hájek), in place of Horvitz & Thompson's (1952).

    Notes
    -----
    A fitted propensity makes errors smaller, not larger: each row's influence is less its projection on the
    logit's score (Lunceford & Davidian 2004).
    """

    normalised: bool = True

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        columns, outcome, treated = self._columns(tables)
        chance, basis = self.propensity.fit(columns, treated)
        with np.errstate(all="ignore"):
            weights = treated / chance, (1 - treated) / (1 - chance)
            means = [
                (weight * outcome).mean(-1) / (weight.mean(-1) if self.normalised else 1.0)
                for weight in weights
            ]
            if self.normalised:
                one, other = (w * (outcome - m[:, None]) for w, m in zip(weights, means, strict=True))
            else:
                one, other = (w * outcome - m[:, None] for w, m in zip(weights, means, strict=True))
            influence = one - other
            if basis is not None:
                influence = influence - _projection(influence, basis * (treated - chance)[..., None])
            return self._mean(influence + (means[0] - means[1])[:, None], columns)


@dataclass(frozen=True)
class DoublyRobust(_Causal):
    """The average effect by augmented inverse probability weighting: right if either model is.

    Parameters
    ----------
    outcome, treated : str
    propensity : Propensity
    table, cluster : str, optional
    covariates : str
        The right side of a formula for the outcome, fitted by least squares in each arm.

    Notes
    -----
    The mean of ``m₁ − m₀ + D(Y − m₁)/e − (1 − D)(Y − m₀)/(1 − e)`` (Robins, Rotnitzky & Zhao 1994);
    its error is the spread of that, which holds if both models do.
    """

    covariates: str = "1"

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        columns, outcome, treated = self._columns(tables)
        one, other = self._arms(columns, outcome, treated)
        return self._mean(one - other, columns)

    def _arms(self, columns, outcome, treated):
        """What each row says of the mean outcome if all were treated, and if nobody was."""
        chance, _ = self.propensity.fit(columns, treated)
        matrix = np.broadcast_to(_design(self.covariates, columns), (*outcome.shape, _width(self.covariates)))
        said = []
        with np.errstate(all="ignore"):
            for taken, likely in ((treated, chance), (1 - treated, 1 - chance)):
                expected = _least_squares(matrix, outcome, taken)
                said.append(expected + taken * (outcome - expected) / likely)
        return said


@dataclass(frozen=True)
class PolicyValue(DoublyRobust):
    """The mean outcome under a rule that says whom to treat, less that under another rule.

    Parameters
    ----------
    outcome, treated, propensity, table, cluster, covariates
        As for `DoublyRobust`.
    rule : str
        Column: 1 (or a chance) where the rule treats.
    against : str, optional
        Column of the rule to compare with; nobody is treated if none is given.
    cost : float
        Of a treatment, in the outcome's unit.

    Notes
    -----
    A rule that treats a share π of such rows is worth ``π s₁ + (1 − π) s₀ − cost · π``, with s the two doubly
    robust scores (Dudík, Langford & Li 2011; Athey & Wager 2021). Where two rules
    agree a row says nothing, so their difference is better known than either value. Rules must not be learned
    from the rows that judge them.
    """

    rule: str = ""
    against: str | None = None
    cost: float = 0.0

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        columns, effects = self._effects(tables)
        check_known("column", [name for name in (self.rule, self.against) if name is not None], columns)
        share = np.asarray(columns[self.rule], dtype=float)
        if self.against is not None:
            share = share - columns[self.against]
        return self._mean(share * (effects - self.cost), columns)

    def _effects(self, tables):
        """The columns, and what each row says of the effect: computed once for all rules."""
        columns, outcome, treated = self._columns(tables)

        def compute():
            one, other = self._arms(columns, outcome, treated)
            return one - other

        key = ("effects", self.outcome, self.treated, self.propensity, self.table, self.covariates)
        return columns, tables.once(key, compute)


@dataclass(frozen=True)
class WeightedPolicyValue(_Causal):
    """As `PolicyValue`, from the weighted outcomes alone, without a model of the outcome.

    Parameters
    ----------
    outcome, treated, propensity, table, cluster
        As for `InverseProbability`; chances that are fitted are taken as known, which makes errors too wide.
    rule, against, cost
        As for `PolicyValue`.
    normalised : bool
        Weights that add up to the number of rows under each rule (Hájek), in place of Horvitz & Thompson's.

    Notes
    -----
    A row whose treatment is what the rule would have done stands for ``1/e`` such rows. The self-normalised
    form divides by what the weights came to, not by what they should come to.
    """

    rule: str = ""
    against: str | None = None
    cost: float = 0.0
    normalised: bool = True

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        columns, outcome, treated = self._columns(tables)
        check_known("column", [name for name in (self.rule, self.against) if name is not None], columns)
        chance, _ = self.propensity.fit(columns, treated)
        net = outcome - self.cost * treated
        with np.errstate(all="ignore"):
            says = self._said(columns[self.rule], net, treated, chance)
            other = columns[self.against] if self.against is not None else np.zeros(outcome.shape[-1])
            return self._mean(says - self._said(other, net, treated, chance), columns)

    def _said(self, rule, net, treated, chance):
        """What each row says of the value of a rule: its influence plus the value."""
        share = np.asarray(rule, dtype=float)
        weight = share * treated / chance + (1 - share) * (1 - treated) / (1 - chance)
        if not self.normalised:
            return weight * net
        scale = weight.mean(-1, keepdims=True)
        value = (weight * net).mean(-1, keepdims=True) / scale
        return weight * (net - value) / scale + value


@dataclass(frozen=True)
class SelfJudgedRule(PolicyValue):
    """As `PolicyValue`, of a rule that is learned from the very rows that judge it: what one must not do.

    Cells are treated whose mean effect is above the cost, and the gain is the mean of just these effects.
    Chance that made a cell look good is counted as gain: the winner's curse. The more cells, the larger.
    Errors are those of a rule that had been fixed beforehand, as an analyst would take it.

    Parameters
    ----------
    outcome, treated, propensity, table, cluster, covariates, cost
        As for `PolicyValue`; `rule` is not looked at.
    cells : str
        Column of whole numbers from 0.
    against : str, optional
        Column of a fixed rule to compare with.
    against_cells : str, optional
        In place of `against`: the cells of another rule that is learned in the same way.
    most : int, optional
        At most so many cells are treated, those with the largest mean effects: a budget, without which the
        rule may treat more than the one it is compared with.
    """

    cells: str = ""
    against_cells: str | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        if self.most is not None and self.most < 1:
            raise InputError(f"most is {self.most}; give 1 or more cells, or None for all that gain")

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        columns, effects = self._effects(tables)
        others = [name for name in (self.against, self.against_cells) if name is not None]
        check_known("column", [self.cells, *others], columns)
        if len(others) > 1:
            raise InputError("against and against_cells: give one of the two")
        share = self._learned(columns[self.cells], effects)
        if self.against_cells is not None:
            share = share - self._learned(columns[self.against_cells], effects)
        elif self.against is not None:
            share = share - columns[self.against]
        return self._mean(share * (effects - self.cost), columns)

    def _learned(self, cells, effects):
        """1 for the rows of the cells whose mean effect is above the cost, the best `most` of them."""
        numbers, count = group_numbers(cells, len(effects))
        gains = group_sums(effects - self.cost, numbers, count)
        treated = gains > 0
        if self.most is not None:
            means = gains / np.maximum(group_sums(np.ones_like(effects), numbers, count), 1)
            treated &= np.argsort(np.argsort(-means, axis=-1), axis=-1) < self.most
        return np.take_along_axis(treated * 1.0, numbers, axis=-1)


def _design(covariates, columns):
    """The matrix of a right side, (1 or simulations, rows, terms)."""
    rows = next(iter(columns.values())).shape[-1]
    given = {**columns, "_one": np.ones(rows)}
    matrix = formula(f"_one ~ {covariates}").arrays(given)[1]
    return matrix if matrix.ndim == 3 else matrix[None]


def _width(covariates):
    return len(formula(f"_one ~ {covariates}").terms)


def _least_squares(matrix, outcome, weight):
    """Fitted values for all rows, from the rows with a weight of 1."""
    basis, back = orthogonal(matrix * weight[..., None])
    loadings = back @ (basis.swapaxes(-1, -2) @ (outcome * weight)[..., None])
    return (matrix @ loadings)[..., 0]


def _projection(influence, scores):
    """Of each row's influence on the scores, by least squares without a constant."""
    transposed = scores.swapaxes(-1, -2)
    slopes = inverse(transposed @ scores) @ (transposed @ influence[..., None])
    return (scores @ slopes)[..., 0]
