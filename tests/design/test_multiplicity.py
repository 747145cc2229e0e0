"""Several hypotheses at once."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from crmlab.design import Cohort, Design, Estimate, Hypothesis
from crmlab.design.multiplicity import holm
from crmlab.errors import InputError

from .test_solving import TwoGroups


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_what_statsmodels_says(p_values):
    # It looks for garbage at every call, through all that a suite has imported: half a second each time.
    with mock.patch("gc.collect"):
        theirs = multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(np.array(p_values)), theirs, atol=1e-12)


def test_a_test_that_could_not_be_made_counts_in_its_family():
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.04])), [0.03, np.nan, 0.08])


def many(true_effects):
    """Independent z tests, each with its own truth."""

    def model(p, streams):
        draws = streams["customers"].standard_normal(len(true_effects))
        return Cohort({"customers": {"z": draws + np.array(true_effects)}})

    def estimator(at):
        return lambda tables: Estimate(float(tables.columns("customers")["z"][at]), 1.0)

    hypotheses = [
        Hypothesis(f"H{at}", "c", ">", lambda p, effect=effect: effect, {"z": estimator(at)})
        for at, effect in enumerate(true_effects)
    ]
    return Design("many", "", "", TwoGroups(), {}, model, hypotheses)


def test_ten_false_claims_find_support_in_two_of_five_cohorts_and_holm_stops_it():
    found = many([0.0] * 10).diagnose(sims=1500, seed=1)
    plain, guarded = found.familywise().iloc[0], found.familywise("holm").iloc[0]
    assert plain["false_claims"] == 10
    assert abs(plain["any_false"] - (1 - 0.95**10)) < 4 * plain["any_false_mcse"]
    assert guarded["any_false"] < 0.05 + 4 * guarded["any_false_mcse"]
    assert np.isnan(plain["mean_true"])


def test_true_claims_are_no_false_supports():
    found = many([0.0, 5.0, 5.0]).diagnose(sims=800, seed=1).familywise()
    assert found["false_claims"].iloc[0] == 1 and found["any_false"].iloc[0] < 0.09
    assert found["mean_true"].iloc[0] > 0.95


def test_one_cohorts_tests_carry_the_corrected_verdict():
    design = many([0.0, 2.0, 5.0])
    tests = design.test(design.simulate(3), correction="holm")
    np.testing.assert_allclose(tests["p_holm"], holm(tests["p_value"].to_numpy()))
    assert (tests["p_holm"] >= tests["p_value"]).all()
    lost = (tests["verdict"] == "supported") & (tests["verdict_holm"] != "supported")
    assert (tests["p_holm"][lost] >= 0.05).all()


def test_an_unknown_correction_is_refused():
    design = many([0.0])
    with pytest.raises(InputError, match="unknown correction 'bonferroni'"):
        design.test(design.simulate(1), correction="bonferroni")
