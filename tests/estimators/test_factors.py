"""Structural estimators: one cohort or many, ordinal or not, and failures that are told."""

import numpy as np
import pytest
from scipy import stats

from crmlab.design import EstimationFailed, Tables
from crmlab.estimators.factors import OrdinalStructuralEstimate, ScoreCorrelation, StructuralEstimate
from crmlab.mechanisms.items import Scale
from crmlab.models.structural import fit_structural

MODEL = """
liking =~ l1 + l2 + l3
buying =~ b1 + b2 + b3
buying ~ effect*liking
"""


def cohorts(count=4, rows=300, seed=1):
    """Three seven-point items of a trait and three continuous ones of what it causes."""
    rng = np.random.default_rng(seed)
    liking = rng.standard_normal((count, rows))
    buying = 0.6 * liking + 0.8 * rng.standard_normal((count, rows))
    items = {f"l{at}": answer for at, answer in enumerate(_answers(liking, rng), 1)}
    spend = {f"b{at}": 0.8 * buying + 0.6 * rng.standard_normal((count, rows)) for at in (1, 2, 3)}
    return Tables({"items": items, "spend": spend, "all": items | spend})


def _answers(trait, rng):
    scale = Scale(7, 0.7, 0.8)
    return [scale.cut(0.8 * trait + 0.6 * rng.standard_normal(trait.shape)) for _ in range(3)]


def items(tables):
    return tables.columns("items")


def spend(tables):
    return tables.columns("spend")


def everything(tables):
    return tables.columns("all")


ESTIMATORS = [
    StructuralEstimate(MODEL, everything, lambda fits: fits.parameter("effect")),
    StructuralEstimate(MODEL, everything, lambda fits: fits.parameter("effect"), robust=True),
    OrdinalStructuralEstimate(MODEL, items, spend, lambda v: v["effect"]),
    ScoreCorrelation(items, spend),
]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_many_cohorts_are_those_one_by_one(estimator):
    tables = cohorts()
    together = estimator.batch(tables)
    for number in range(4):
        alone = estimator(tables.one(number))
        assert alone.value == pytest.approx(together.value[number], rel=1e-7)
        assert alone.standard_error == pytest.approx(together.standard_error[number], rel=1e-6)


def test_it_is_the_fit_to_a_table():
    tables = cohorts().one(2)
    fit = fit_structural(MODEL, tables["all"], bounds=False)
    found = ESTIMATORS[0](tables)
    assert found.value == pytest.approx(fit.values["effect"])
    assert found.standard_error == pytest.approx(np.sqrt(fit.covariance.loc["effect", "effect"]))


def test_the_ordinal_model_finds_the_effect_between_standardised_responses():
    found = ESTIMATORS[2].batch(cohorts(count=300, rows=400, seed=2))
    assert found.value.mean() == pytest.approx(0.6, abs=4 * found.value.std() / np.sqrt(300) + 0.004)
    assert found.standard_error.mean() == pytest.approx(found.value.std(), rel=0.1)


def test_a_score_correlation_is_pearsons_with_fishers_interval():
    tables = cohorts().one(1)
    scores = [
        np.mean([stats.zscore(column) for column in read(tables).values()], axis=0) for read in (items, spend)
    ]
    theirs, found = stats.pearsonr(*scores), ScoreCorrelation(items, spend)(tables)
    assert found.value == pytest.approx(theirs.statistic)
    assert found.interval == pytest.approx(theirs.confidence_interval())


def test_an_item_that_does_not_vary_is_a_failure_of_its_cohort_only():
    tables = cohorts()
    tables.columns("items")["l2"][1] = 4.0
    assert np.isnan(ESTIMATORS[2].batch(tables).value).tolist() == [False, True, False, False]
    with pytest.raises(EstimationFailed, match="an item does not vary"):
        ESTIMATORS[2](tables.one(1))
