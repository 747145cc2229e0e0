"""Lesson 09's design: its truth is right, its factor models keep their promises, boxes are no ruler."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlab.design import Hypothesis
from crmlab.errors import InputError
from crmlab.estimators.factors import StructuralEstimate
from crmlab.mechanisms.items import SPEND_LOADING
from crmlab.models.semopy_adapter import fit_by_semopy
from crmlab.models.structural import fit_structural
from crmlab.theories import loyalty as theory
from crmlab.theories.loyalty import design

PRESETS = ["null", "literature", "claim", "trap"]
LARGE = 200_000


@pytest.fixture(scope="module")
def large():
    made = {}

    def of(preset):
        if preset not in made:
            market = design.preset(preset).replace(n_customers=LARGE)
            made[preset] = market.simulate(5), market.parameters
        return made[preset]

    return of


@pytest.mark.parametrize("preset", PRESETS)
def test_latents_are_joined_as_the_path_model_says(large, preset):
    cohort, p = large(preset)
    truth = cohort.truth
    names = p.paths.variables
    drawn = np.cov(np.stack([truth[name] for name in names]))
    assert drawn == pytest.approx(p.paths.implied_covariance().to_numpy(), abs=0.015)


@pytest.mark.parametrize("preset", PRESETS)
def test_truths_are_what_large_cohorts_show(large, preset):
    cohort, p = large(preset)
    customers = cohort.customers
    s = cohort.truth.satisfaction
    slope = np.cov(s, cohort.truth.renewal_chance)[0, 1] / s.var()
    assert slope == pytest.approx(theory.slope_of_renewal(p), abs=0.003)
    assert customers.renewed.mean() == pytest.approx(theory.renewal_rate(p), abs=0.004)
    gap = (customers.stated_chance - customers.renewed).mean()
    assert gap == pytest.approx(theory.intention_gap(p), abs=0.004)


def test_the_indirect_effect_is_in_deviations_of_log_spend(large):
    cohort, p = large("literature")
    truth = cohort.truth
    log_spend = np.log(cohort.purchases.spend_q1)
    a = np.cov(truth.satisfaction, truth.attitude)[0, 1]
    both = np.column_stack([truth.attitude, truth.satisfaction])
    b = np.linalg.lstsq(both, log_spend - log_spend.mean(), rcond=None)[0][0] / log_spend.std()
    estimand = design.hypothesis("H3").estimand(p)
    assert estimand == pytest.approx(a * b, abs=0.005)
    assert estimand == pytest.approx(SPEND_LOADING * p.satisfaction_to_attitude * p.attitude_to_habit)


def test_headlines_find_the_truth_in_a_large_cohort(large):
    for preset in ("literature", "trap"):
        tests = design.preset(preset).replace(n_customers=LARGE).test(large(preset)[0])
        headlines = tests.groupby("hypothesis").first()
        assert (np.abs(headlines.estimate - headlines.truth) < 4 * headlines.standard_error + 0.003).all()


def test_the_null_is_at_the_edge():
    for preset in ("null", "trap"):
        p = design.preset(preset).parameters
        edges = {each.name: each.estimand(p) - (each.margin or each.null) for each in design.hypotheses}
        assert np.abs(list(edges.values())).max() < 1e-9, edges


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"attitude_to_habit": 1.0}, "lead to habit explain 1.12.*bring attitude_to_habit into .* to 0.94"),
        ({"attitude_to_habit": 0.9, "satisfaction_to_habit": 0.6}, "lead to habit explain 1.76"),
    ],
)
def test_more_than_all_of_a_variance_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        design.replace(**changes)


def test_the_mediation_model_is_semopys():
    table = pd.DataFrame(theory.measurements_within_groups(design.simulate(3).tables))
    ours, theirs = fit_structural(theory.MEDIATION, table), fit_by_semopy(theory.MEDIATION, table).inspect()
    for name, (source, target) in {"a": ("rating", "attitude"), "b": ("attitude", "habit")}.items():
        row = theirs[(theirs.lval == target) & (theirs.rval == source) & (theirs.op == "~")].iloc[0]
        assert ours.values[name] == pytest.approx(float(row["Estimate"]), abs=1e-5)
        assert np.sqrt(ours.covariance.loc[name, name]) == pytest.approx(float(row["Std. Err"]), abs=1e-5)


def test_answers_taken_for_numbers_find_two_loyalties_where_there_is_one():
    """What the lesson says of boxes and rulers: the continuous two-factor model errs in the trap."""
    h1 = design.hypothesis("H1")
    ruler = StructuralEstimate(
        theory.TWO_FACTORS,
        theory.measurements_within_groups,
        lambda fits: fits.combine(theory.factor_correlation),
    )
    both = Hypothesis(
        "H1", h1.claim, "<", truth=h1.truth, null=1.0, estimators={**h1.estimators, "ruler": ruler}
    )
    rows = {}
    for n, sims in ((800, 2000), (5000, 300)):
        market = design.preset("trap").replace(n_customers=n)
        table = replace(market, hypotheses=[both]).diagnose(sims=sims, seed=11).table.set_index("estimator")
        rows[n] = table.rejection_rate
    assert 0.07 < rows[800]["ruler"] < 0.11 and rows[5000]["ruler"] > 0.14
    for n, sims in ((800, 2000), (5000, 300)):
        assert rows[n]["two-factor model"] < 0.05 + 4 * np.sqrt(0.05 * 0.95 / sims)


def test_errors_of_the_two_factor_model_are_spreads_over_cohorts():
    row = design.only("H1", "H3").diagnose(sims=1000, seed=3)
    for hypothesis in ("H1", "H3"):
        found = row.simulations[
            (row.simulations.hypothesis == hypothesis)
            & (row.simulations.estimator == design.hypothesis(hypothesis).headline)
        ]
        assert found.standard_error.mean() == pytest.approx(found.estimate.std(), rel=0.08), hypothesis
