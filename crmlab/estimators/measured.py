"""Regressions among scales: corrected for error and shared method, or by partial least squares."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from crmlab.design import Estimate, Estimator, Tables
from crmlab.models.errors_in_variables import MeasuredRegression
from crmlab.models.mediation import bootstrap_interval, bootstrap_p_value
from crmlab.models.pls import signed_weights

Array = np.ndarray
RESAMPLES = 500  # of customers


@dataclass(frozen=True)
class CorrectedRegression(Estimator):
    """One coefficient of a regression among scales and records, without measurement error and shared method.

    Parameters
    ----------
    formula : str
        Names joined by plus signs: ``"commitment ~ trust + satisfaction + pressure"``.
    term : str
        The coefficient that is the estimate.
    measures : callable
        Tables to columns by name, of shape ``(simulations, rows)``: scores and records; ``"NAME noise"`` for
        a score with error (see `crmlab.models.errors_in_variables.scale_score`); and ``"shared"``, whose
        mean is the covariance that all answers to the questionnaire have for that reason.
    surveyed : collection of str
        Which of the names are answers to the questionnaire.
    """

    formula: str
    term: str
    measures: Callable[[Tables], Mapping[str, Array]] = field(repr=False)
    surveyed: Collection[str] = field(repr=False)

    failure = "the corrected moments have no inverse: too few customers, or too little signal"

    @property
    def _key(self) -> tuple:
        return type(self).__name__, self.formula, self.measures

    def regression(self, tables: Tables) -> MeasuredRegression:
        """The corrected regression of all cohorts."""
        found = self.measures(tables)
        outcome, terms = split(self.formula)
        still = np.zeros(np.shape(found[outcome]))
        return MeasuredRegression(
            found[outcome],
            np.stack([found[name] for name in terms], -1),
            np.stack([found.get(f"{name} noise", still) for name in terms], -1),
            found["shared"],
            [name in self.surveyed for name in terms],
            outcome in self.surveyed,
        )

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`. Estimators that pick another term of the same regression share one fit."""

        def fit():
            regression = self.regression(tables)
            return *regression.fit(), regression.degrees_of_freedom

        coefficients, covariance, freedom = tables.once(self._key, fit)
        at = split(self.formula)[1].index(self.term)
        with np.errstate(invalid="ignore"):
            return Estimate(coefficients[..., at], np.sqrt(covariance[..., at, at]), freedom)

    def draws(self, tables: Tables) -> Array:
        """The coefficient on resamples of the rows: ``(simulations, resamples)``."""
        drawn = tables.once(
            ("draws", *self._key), lambda: self.regression(tables).resample(RESAMPLES, seed=RESAMPLES)
        )
        return drawn[..., split(self.formula)[1].index(self.term)]


def split(formula: str) -> tuple[str, list[str]]:
    """``"y ~ a + b"`` as its outcome and a list of its terms."""
    outcome, terms = formula.split(" ~ ")
    return outcome, terms.split(" + ")


@dataclass(frozen=True)
class BootstrapProduct(Estimator):
    """An indirect effect ``a b`` by resampling customers: the same customers make up both of its factors.

    Resamples without an estimate are left out; the estimate fails if they are more than one in ten.

    Parameters
    ----------
    first, second : CorrectedRegression
        Give a and b.
    direction : {">", "<"}
        Of the claim.
    method : {"percentile", "bias-corrected"}
    """

    first: CorrectedRegression
    second: CorrectedRegression
    direction: str
    method: str = "percentile"

    tolerated = 0.1

    def draws(self, tables: Tables) -> Array:
        """``a b`` on each resample: ``(simulations, resamples)``."""
        return self.first.draws(tables) * self.second.draws(tables)

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        value = np.asarray(self.first.batch(tables).value * self.second.batch(tables).value)
        draws = tables.once((self.first, self.second), lambda: self.draws(tables))
        good = np.isfinite(draws)
        usable = np.isfinite(value) & (good.mean(-1) >= 1 - self.tolerated)
        found = np.full((4, len(value)), np.nan)
        whole = usable & good.all(-1)
        if whole.any():
            found[:, whole] = self._summary(draws[whole], value[whole])
        for at in np.flatnonzero(usable & ~whole):
            found[:, at] = self._summary(draws[at, good[at]], value[at])
        error, low, high, p_value = found
        return Estimate(np.where(usable, value, np.nan), error, interval=(low, high), p_value=p_value)

    def _summary(self, draws: Array, value: Array) -> tuple:
        return (
            draws.std(-1, ddof=1),
            *bootstrap_interval(draws, value, self.method),
            bootstrap_p_value(draws, value, self.method, direction=self.direction),
        )

    def why(self, tables: Tables) -> str:
        """How many resamples were bad, if that is why."""
        good = np.isfinite(self.draws(tables.stacked())).sum()
        if good < (1 - self.tolerated) * RESAMPLES:
            return f"{RESAMPLES - good} of {RESAMPLES} resamples could not be fitted"
        return self.first.failure


@dataclass(frozen=True)
class PLSPath(Estimator):
    """A path between partial least squares scores. Its error takes the weights as known.

    Parameters
    ----------
    constructs : mapping of str to sequence of str
        Items of each construct.
    paths : sequence of (str, str)
        From and to.
    source, target : str
        The path that is the estimate.
    columns : callable
        Tables to the items by name, of shape ``(simulations, rows)``.
    """

    constructs: Mapping[str, Sequence[str]] = field(repr=False)
    paths: Sequence[tuple[str, str]] = field(repr=False)
    source: str
    target: str
    columns: Callable[[Tables], Mapping[str, Array]] = field(repr=False)

    def batch(self, tables: Tables) -> Estimate:
        """As `Estimator.batch`."""
        columns = self.columns(tables)
        values = np.stack([columns[item] for block in self.constructs.values() for item in block], -1)
        values = (values - values.mean(-2, keepdims=True)) / values.std(-2, keepdims=True, ddof=1)
        correlations = values.swapaxes(-1, -2) @ values / (values.shape[-2] - 1)
        scores = values @ signed_weights(correlations, self.constructs, self.paths)
        names = list(self.constructs)
        sources = [source for source, target in self.paths if target == self.target]
        regression = MeasuredRegression(
            scores[..., names.index(self.target)], scores[..., [names.index(name) for name in sources]]
        )
        coefficients, covariance = regression.fit()
        at = sources.index(self.source)
        return Estimate(
            coefficients[..., at], np.sqrt(covariance[..., at, at]), regression.degrees_of_freedom
        )
