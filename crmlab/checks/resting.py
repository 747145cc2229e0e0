"""What each kind of estimator rests on: its assumptions, with the test of those that data can test."""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import partial, singledispatch
from typing import Any

import numpy as np

from crmlab.checks import regressions, treatments
from crmlab.checks.finding import Check
from crmlab.design.estimator import Estimator, SingleEstimator
from crmlab.estimators import (
    ChoiceCoefficient,
    GroupTimeEffects,
    HazardRatio,
    LeastSquares,
    MixedModel,
    OrderedProbit,
    PanelPath,
    PanelSlope,
    SelectionRegression,
    StageHazard,
    TwoStageLeastSquares,
    TwoWayFixedEffects,
    Within,
)
from crmlab.estimators.binary import BinaryRegression
from crmlab.estimators.causal import _Causal
from crmlab.estimators.factors import OrdinalStructuralEstimate, ScoreCorrelation, StructuralEstimate
from crmlab.estimators.measured import CorrectedRegression
from crmlab.estimators.mediated import ThroughMediator
from crmlab.estimators.regression import Regression

NAMES = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def parts_of(estimator: Any) -> Iterator[Any]:
    """The estimators that an estimator is made of, itself if it is of none."""
    inner = [part for value in _held(estimator) for part in _found(value)]
    if type(estimator) in _resting.registry or not inner:
        yield estimator
        return
    for each in inner:
        yield from parts_of(each)


def _held(estimator: Any) -> list[Any]:
    return [getattr(estimator, each.name) for each in fields(estimator)] if is_dataclass(estimator) else []


def _found(value: Any) -> list[Any]:
    if isinstance(value, Estimator | SingleEstimator):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [each for each in value if isinstance(each, Estimator | SingleEstimator)]
    return []


def assumptions(estimator: Any, units: Mapping[str, Sequence[str]]) -> list[Check]:
    """The checks of an estimator, each once.

    Parameters
    ----------
    units : dict of str to sequence of str
        For each table the columns that say which rows belong together: customers, branches, agents.
    """
    found: dict[Hashable, Check] = {}
    for part in parts_of(estimator):
        for check in [*_resting(part), *_grouped(part, units)]:
            found.setdefault(check.key, check)
    return list(found.values())


@singledispatch
def _resting(estimator: Any) -> list[Check]:
    return [Check("model", type(estimator).__name__)]


def _bent(terms: Sequence[str]) -> bool:
    return any("**" in term or "maximum" in term or "minimum" in term for term in terms)


def _is_mean(estimator: LeastSquares) -> bool:
    """Whether it is a mean and no regression on anything."""
    return estimator.terms == ["Intercept"] or estimator.formula.replace(" ", "").endswith(
        "~0+" + estimator.term
    )


@_resting.register
def _(estimator: LeastSquares) -> list[Check]:
    found = [Check("influence", estimator.term, partial(regressions.influence, estimator), estimator)]
    if not _is_mean(estimator):
        found.insert(
            0,
            Check(
                "linearity",
                estimator.formula,
                partial(regressions.linearity, estimator),
                (estimator.table, estimator.formula),
            ),
        )
    return [*found, _clusters(estimator.table, estimator.cluster)] if estimator.cluster else found


def _grouped(part: Any, units: Mapping[str, Sequence[str]]) -> list[Check]:
    """That rows are independent, where a regression's errors take them to be and a column groups them."""
    if not isinstance(part, LeastSquares) or part.cluster:
        return []
    named = units.get(part.table or "", ())
    return [Check("clustering", unit, partial(regressions.clustering, part, unit), part) for unit in named]


def _clusters(table: str | None, unit: str) -> Check:
    return Check("few_clusters", unit, partial(regressions.few_clusters, table, unit), table)


@_resting.register
def _(estimator: Within) -> list[Check]:
    return [
        Check("fixed_effects", estimator.unit),
        _clusters(estimator.table, estimator.cluster or estimator.unit),
    ]


@_resting.register
def _(estimator: TwoStageLeastSquares) -> list[Check]:
    names = ", ".join(estimator.instruments)
    strength = Check("instrument", names, partial(regressions.instrument, estimator), estimator.formula)
    return [strength, Check("exclusion", names)]


@_resting.register
def _(estimator: BinaryRegression) -> list[Check]:
    return [
        Check("link", estimator.formula, partial(regressions.link, estimator)),
        Check("events", estimator.formula, partial(regressions.events, estimator)),
    ]


@_resting.register
def _(_: OrderedProbit) -> list[Check]:
    return [Check("thresholds", "rating")]


@_resting.register
def _(estimator: _Causal) -> list[Check]:
    table, treated, propensity = estimator.table, estimator.treated, estimator.propensity
    found = [Check("overlap", treated, partial(treatments.overlap, table, treated, propensity))]
    if propensity.known is not None:
        found.append(Check("chances", treated, partial(treatments.chances, table, treated, propensity.known)))
    return found


@_resting.register
def _(estimator: GroupTimeEffects) -> list[Check]:
    return [
        Check("trends", estimator.outcome, partial(treatments.trends, estimator)),
        _clusters(estimator.table, estimator.cluster or estimator.unit),
    ]


@_resting.register
def _(estimator: TwoWayFixedEffects) -> list[Check]:
    return [Check("same_effect", estimator.treated), Check("timing", estimator.treated)]


@_resting.register
def _(estimator: PanelSlope) -> list[Check]:
    return [Check("fixed_effects", estimator.unit), _clusters(estimator.table, estimator.unit)]


@_resting.register
def _(_: PanelPath) -> list[Check]:
    return [Check("drift", "")]


@_resting.register
def _(estimator: MixedModel) -> list[Check]:
    return [Check("random_effects", estimator.group), _clusters(estimator.table, estimator.group)]


@_resting.register
def _(estimator: HazardRatio) -> list[Check]:
    return [
        Check("hazards", estimator.state, partial(treatments.hazards, estimator)),
        Check("censoring", estimator.event),
    ]


@_resting.register
def _(estimator: StageHazard) -> list[Check]:
    return [Check("censoring", estimator.ended)]


@_resting.register(StructuralEstimate)
@_resting.register(OrdinalStructuralEstimate)
def _(_: Any) -> list[Check]:
    return [Check("factor_model", "")]


@_resting.register
def _(_: ScoreCorrelation) -> list[Check]:
    return [Check("error_free", "")]


@_resting.register
def _(_: CorrectedRegression) -> list[Check]:
    return [Check("marker_alike", "")]


@_resting.register
def _(estimator: ChoiceCoefficient) -> list[Check]:
    alike, names = Check("independent_alternatives", ""), ", ".join(estimator.model.instruments)
    return [alike, Check("exclusion", names)] if names else [alike]


@_resting.register
def _(estimator: SelectionRegression) -> list[Check]:
    return [Check("exclusion", estimator.choice), Check("normal_selection", "")]


@_resting.register
def _(_: ThroughMediator) -> list[Check]:
    return [Check("mediator", "")]


# Causes -------------------------------------------------------------------------------------------------


def causes_of(estimator: Any) -> list[tuple[str, str]]:
    """Tables and columns whose effect an estimator speaks of: a regression's term, a treatment, a lot.

    Empty for what speaks of no cause: means, shares, forecasts.
    """
    found: list[tuple[str, str]] = []
    for part in parts_of(estimator):
        table = getattr(part, "table", None) or ""
        found += [(table, name) for name in _causes(part)]
    return list(dict.fromkeys(found))


def _causes(part: Any) -> list[str]:
    if isinstance(part, TwoStageLeastSquares):
        return list(part.instruments)
    if isinstance(part, LeastSquares) and _is_mean(part):
        return []
    if isinstance(part, Regression):
        return [part.term]
    if isinstance(part, _Causal):
        return [part.treated]
    if isinstance(part, HazardRatio):
        return [part.state]
    if isinstance(part, StageHazard):
        return [part.kind if part.kind and part.where and _differs_by_kind(part) else part.term]
    if isinstance(part, GroupTimeEffects | TwoWayFixedEffects):
        return [getattr(part, "start", "") or getattr(part, "treated", "")]
    if isinstance(part, PanelSlope | PanelPath | StructuralEstimate | CorrectedRegression | OrderedProbit):
        return [str(getattr(part, "term", None) or getattr(part, "regressor", None) or type(part).__name__)]
    return []


def _differs_by_kind(hazard: StageHazard) -> bool:
    """Whether the covariate asked for is another one for each kind, so that the kind is the cause."""
    first, *others = np.asarray(hazard.covariates[hazard.term])
    return any(not np.array_equal(first, each) for each in others)


def outcome_and_cause(estimator: Any) -> tuple[str | None, set[str], set[str]] | None:
    """Of a plain regression its table, and the columns of its outcome and of its term; else None."""
    parts = list(parts_of(estimator))
    part = parts[0] if len(parts) == 1 else None
    if not isinstance(part, Regression) or isinstance(part, TwoStageLeastSquares) or not _causes(part):
        return None
    outcome, cause = part.formula.partition("~")[0], part.term
    return part.table, set(NAMES.findall(outcome)), set(NAMES.findall(cause))


def by_lot(estimator: Any, lots: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Of an estimator's causes those that a lot has set: table and column of the lot.

    Parameters
    ----------
    lots : dict of str to sequence of str
        Columns that were set by lot, by table.
    """
    found = []
    for table, cause in causes_of(estimator):
        drawn = [lot for lot in lots.get(table, ()) if lot in NAMES.findall(cause)]
        found += [(table, lot) for lot in drawn]
    return list(dict.fromkeys(found))
