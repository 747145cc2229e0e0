"""Regressions among scales: corrected for error and shared method, or by partial least squares."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from crmlab.design import Estimate, Estimator, Tables
from crmlab.estimators.linear import LeastSquares
from crmlab.estimators.regression import Product
from crmlab.models.errors_in_variables import MeasuredRegression, scale_score
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


@dataclass(frozen=True, eq=False)
class MarkedMeasures:
    """What corrected regressions are given: scores of scales with their error, what they share, and records.

    Parameters
    ----------
    scales : mapping of str to sequence of str
        Items of each scale, by the name that its score gets.
    marker : str
        The scale about something else, which shares with the others what the form adds, and nothing more.
    shared_by : sequence of str
        The scales whose mean, times the marker, says how much that is: δ² in points² on average.
    records : str
        The table whose columns are measured without error.
    answers : sequence of str
        The tables that hold the items.
    scores : str
        The table that holds records and mean scores, called ``NAME_score``.
    """

    scales: Mapping[str, Sequence[str]] = field(repr=False)
    marker: str
    shared_by: Sequence[str]
    records: str
    answers: Sequence[str]
    scores: str = "scores"

    @property
    def surveyed(self) -> frozenset[str]:
        """The scales that are about the subject."""
        return frozenset(self.scales) - {self.marker}

    def __call__(self, tables: Tables) -> dict[str, Array]:
        """Records, scores, ``NAME noise`` and ``shared`` by name: arrays of shape ``(..., rows)``."""
        return tables.once(("measures", self), lambda: self._measures(tables))

    def _measures(self, tables: Tables) -> dict[str, Array]:
        items = {name: column for table in self.answers for name, column in tables.columns(table).items()}
        found = dict(tables.columns(self.records))
        for name, asked in self.scales.items():
            found[name], found[f"{name} noise"] = scale_score([items[item] for item in asked])
        found["shared"] = (
            found[self.marker] * sum(found[name] for name in self.shared_by) / len(self.shared_by)
        )
        return found

    def regression(self, formula: str, term: str) -> CorrectedRegression:
        """One coefficient of a regression among these measures."""
        return CorrectedRegression(formula, term, self, self.surveyed)

    def on_scores(self, formula: str, term: str) -> LeastSquares:
        """The same coefficient by least squares on mean scores, as if they were what they measure."""

        def named(text):
            return " ".join(f"{word}_score" if word in self.surveyed else word for word in text.split())

        return LeastSquares(named(formula), named(term), table=self.scores, covariance="HC1")

    def both_ways(self, formula: str, term: str) -> dict[str, Estimator]:
        """The coefficient corrected, and on mean scores."""
        return {
            "marker-corrected": self.regression(formula, term),
            "mean scores": self.on_scores(formula, term),
        }

    def indirect(
        self, first: tuple[str, str], second: tuple[str, str], direction: str
    ) -> dict[str, Estimator]:
        """An indirect effect: two bootstrap intervals, corrected, and Sobel's test on mean scores.

        Parameters
        ----------
        first, second : (str, str)
            Formula and term of each of its factors.
        direction : {">", "<"}
            Of the claim.
        """
        one, other = self.regression(*first), self.regression(*second)
        return {
            "percentile bootstrap": BootstrapProduct(one, other, direction),
            "bias-corrected bootstrap": BootstrapProduct(one, other, direction, "bias-corrected"),
            "mean scores": Product(self.on_scores(*first), self.on_scores(*second)),
        }


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
