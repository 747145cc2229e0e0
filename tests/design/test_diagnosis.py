"""Diagnoses: the arithmetic, what is counted, and that neither batches nor workers change a number."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config

from crmlab.design import Diagnosis, Estimate, EstimationFailed, Estimator, Hypothesis, InputError, simulating
from crmlab.design.simulating import BATCH_NUMBERS
from crmlab.estimators import LeastSquares
from crmlab.theories import start_here

from .markets import design, looped, simulate, with_estimators


def frame(**columns):
    """What one estimator found in a few simulations, as a diagnosis keeps it."""
    count = len(columns["estimate"])
    filled = {
        "hypothesis": "H1",
        "estimator": "adjusted",
        "simulation": range(count),
        "estimand": 0.5,
        "standard_error": 0.1,
        "low": 0.0,
        "high": 1.0,
        "p_value": 0.04,
        "rejected": False,
        "covered": False,
        "failure": "",
        "preset": "null",
    }
    return pd.DataFrame({**filled, **columns})


def diagnosis_of(simulations, null=0.0):
    claim = Hypothesis("H1", "A claim", ">", truth=lambda p: 0.5, null=null, estimators={"adjusted": len})
    return Diagnosis(simulations, {"H1": claim}, len(simulations), 1, ["preset"])


def test_the_table_by_hand():
    row = diagnosis_of(
        frame(
            estimate=[0.4, 0.7, -0.2, 0.9],
            low=[0.1, 0.4, -0.5, 0.7],
            high=[0.7, 1.0, -0.01, 1.1],
            rejected=[True, True, False, True],
            covered=[True, True, False, False],
        )
    ).row("H1")
    errors = np.array([-0.1, 0.2, -0.7, 0.4])
    assert row.sims == 4 and row.estimand == 0.5 and row.failures == 0
    assert np.isclose(row.mean_estimate, 0.45) and np.isclose(row.bias, -0.05)
    assert np.isclose(row.bias_mcse, np.sqrt(((errors + 0.05) ** 2).sum() / 3) / 2)  # sd / √n
    assert np.isclose(row.rmse, np.sqrt((0.01 + 0.04 + 0.49 + 0.16) / 4))
    squares = errors**2
    assert np.isclose(
        row.rmse_mcse, np.sqrt(((squares - squares.mean()) ** 2).sum() / 3) / 2 / (2 * row.rmse)
    )
    assert row.rejection_rate == 0.75 and np.isclose(row.rejection_rate_mcse, np.sqrt(0.75 * 0.25 / 4))
    assert row.coverage == 0.5 and np.isclose(row.coverage_mcse, 0.25)
    assert row.type_s == 0.25 and np.isclose(
        row.type_s_mcse, np.sqrt(0.25 * 0.75 / 4)
    )  # all four exclude 0, one is below


def test_type_s_looks_at_intervals_that_exclude_the_null_only():
    some = frame(estimate=[0.4, -0.6, -0.1, 0.3], low=[0.1, -0.9, -0.5, -0.1], high=[0.7, -0.3, 0.3, 0.7])
    assert diagnosis_of(some).row("H1").type_s == 0.5
    assert np.isclose(diagnosis_of(some).row("H1").type_s_mcse, np.sqrt(0.25 / 2))
    none = diagnosis_of(frame(estimate=[0.1, 0.2], low=[-1, -1], high=[1, 1])).row("H1")
    assert np.isnan(none.type_s) and np.isnan(none.type_s_mcse)
    at_null = diagnosis_of(frame(estimate=[0.9, -0.9], low=[0.6, -1.5], high=[1.2, -0.5], estimand=0.0)).row(
        "H1"
    )
    assert np.isnan(at_null.type_s), "where nothing is true, no sign is wrong"


def test_failures_count_as_neither_rejecting_nor_covering():
    row = diagnosis_of(
        frame(
            estimate=[0.5, np.nan, 0.7, np.nan],
            low=[0.1, np.nan, 0.4, np.nan],
            high=[0.9, np.nan, 1.0, np.nan],
            rejected=[True, False, True, False],
            covered=[True, False, True, False],
            failure=["", "no", "", "no"],
        )
    ).row("H1")
    assert (row.sims, row.failures) == (4, 2)
    assert row.rejection_rate == 0.5 and np.isclose(row.rejection_rate_mcse, 0.25) and row.coverage == 0.5
    assert np.isclose(row.bias, 0.1) and np.isclose(row.bias_mcse, 0.1)  # of the two that succeeded


def test_when_all_fits_fail_there_are_numbers_where_there_can_be():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = diagnosis_of(frame(estimate=[np.nan] * 3, low=np.nan, high=np.nan, failure="no")).row("H1")
    assert row.failures == 3 and row.rejection_rate == row.coverage == 0
    assert np.isnan([row.bias, row.bias_mcse, row.rmse, row.rmse_mcse, row.type_s, row.mean_estimate]).all()


def test_a_diagnosis_tests_what_design_test_tests():
    found = design.diagnose(sims=5, seed=4).simulations
    for simulation in range(5):
        tests = design.test(design.simulate((4, simulation)))
        rows = found[found.simulation == simulation]
        for name, column in {
            "estimate": "estimate",
            "standard_error": "standard_error",
            "low": "low",
            "high": "high",
            "p_value": "p_value",
            "truth": "estimand",
        }.items():
            assert np.allclose(rows[column], tests[name], rtol=1e-9), name
        assert (rows.rejected.to_numpy() == (tests.verdict == "supported").to_numpy()).all()
        assert (
            rows.covered.to_numpy() == ((tests.low <= tests.truth) & (tests.truth <= tests.high)).to_numpy()
        ).all()


NUMBERS = ["estimate", "standard_error", "low", "high", "p_value"]


def rows(diagnosis):
    """The simulations in an order that blocks do not change."""
    return diagnosis.simulations.sort_values(
        ["hypothesis", "estimator", *diagnosis.by, "simulation"], ignore_index=True
    )


def assert_same(one, other, exact=True):
    check = {"check_exact": True} if exact else {"rtol": 1e-8, "atol": 1e-10}
    pd.testing.assert_frame_equal(rows(one), rows(other), **check)
    pd.testing.assert_frame_equal(one.table, other.table, **check)


def test_in_one_pass_and_one_by_one_are_the_same_diagnosis():
    grid = {"preset": ["null", "trap"], "n_customers": [25, 60]}
    assert_same(
        design.vary(**grid).diagnose(sims=30, seed=2),
        looped.vary(**grid).diagnose(sims=30, seed=2),
        exact=False,
    )


def test_fits_fail_alike_in_one_pass_and_one_by_one():
    """Four customers: the logit is often separated, and least squares never is."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, other = (
            design.replace(n_customers=5).diagnose(200, 3),
            looped.replace(n_customers=5).diagnose(200, 3),
        )
    failed = one.table.set_index(["hypothesis", "estimator"]).failures
    assert 20 < failed["H2", "logit"] < 200 and failed["H1", "adjusted"] == 0
    one, other = rows(one), rows(other)
    assert (one.failure == other.failure).all()
    sound = one.failure == ""
    for name in NUMBERS:
        assert np.allclose(one[name][sound], other[name][sound], rtol=1e-6, atol=1e-9)
    assert one.loc[~sound, NUMBERS].isna().all(axis=None)


@pytest.mark.parametrize("batched", [True, False])
def test_the_number_of_jobs_changes_nothing(batched):
    which = replace(start_here.design, batched=batched)  # a module that workers can import, too
    one = which.diagnose(sims=60, seed=5, jobs=1)
    assert_same(one, which.diagnose(sims=60, seed=5, jobs=2))
    assert_same(one, which.diagnose(sims=60, seed=5))
    with parallel_config(backend="threading", n_jobs=3):
        assert_same(one, which.diagnose(sims=60, seed=5))


def test_more_simulations_begin_with_the_same_ones():
    few, many = rows(design.diagnose(sims=20, seed=5)), rows(design.diagnose(sims=45, seed=5))
    pd.testing.assert_frame_equal(few, many[many.simulation < 20].reset_index(drop=True), rtol=1e-9)


def test_blocks_of_any_size_are_one_diagnosis(monkeypatch):
    whole = design.diagnose(sims=50, seed=5)
    monkeypatch.setattr("crmlab.design.simulating.BATCH_NUMBERS", 7 * 60)
    parts = design.diagnose(sims=50, seed=5)
    assert_same(whole, parts, exact=False)
    assert BATCH_NUMBERS > 1000


def test_other_seeds_give_other_numbers():
    one, other = design.diagnose(sims=5, seed=1), design.diagnose(sims=5, seed=2)
    assert not np.isclose(one.simulations.estimate, other.simulations.estimate).any()
    assert design.diagnose(sims=5, seed=(1, 2)).seed == (1, 2)


# Estimators that misbehave ------------------------------------------------------------------------------


def sometimes(tables):
    """Fails on some cohorts, in each of the ways there are."""
    first = tables.columns()["spend"][0]
    if first < -1:
        raise EstimationFailed("too few spend anything")
    if first < 0:
        raise ZeroDivisionError("by nothing")
    return Estimate(np.nan if first > 1 else float(first), 1.0)


def test_whatever_a_fit_raises_is_counted_with_its_reason():
    diagnosis = with_estimators(odd=sometimes).diagnose(sims=400, seed=1)
    reasons = diagnosis.failures.set_index("failure")["count"]
    assert set(reasons.index) == {
        "EstimationFailed: too few spend anything",
        "ZeroDivisionError: by nothing",
        "the estimate is not finite",
    }
    row = diagnosis.row("H1")
    assert row.failures == reasons.sum() and 0.5 < row.failures / 400 < 0.9
    first = [design.simulate((1, number)).customers.spend[0] for number in range(400)]
    assert reasons["ZeroDivisionError: by nothing"] == sum(-1 <= each < 0 for each in first)
    shown = repr(diagnosis) + diagnosis._repr_html_()
    assert shown.count("too few spend anything") == 2


class Batch(Estimator):
    """An estimator whose one pass cannot do all that a single call can."""

    def __init__(self, trouble):
        self.trouble, self.slope = trouble, LeastSquares("spend ~ contact", "contact")

    def __call__(self, tables):
        if self.trouble == "a cohort" and tables.columns()["spend"][0] < 0:
            raise EstimationFailed("negative spend")
        return self.slope(tables)

    def batch(self, tables):
        if self.trouble == "all":
            raise MemoryError("too large")
        many = self.slope.batch(tables)
        bad = tables.columns()["spend"][:, 0] < 0
        return Estimate(np.where(bad, np.nan, many.value), many.standard_error, many.degrees_of_freedom)


@pytest.mark.parametrize("trouble, fails", [("all", False), ("some", False), ("a cohort", True)])
def test_what_one_pass_cannot_do_is_done_one_by_one(trouble, fails):
    estimator = Batch(trouble)
    one, other = (
        with_estimators(batched, odd=estimator).diagnose(sims=40, seed=1) for batched in (True, False)
    )
    assert_same(one, other, exact=False)
    assert (one.row("H1").failures > 5) == fails


def test_when_every_fit_fails_there_is_a_warning():
    def never(tables):
        raise EstimationFailed("nobody answered")

    with pytest.warns(UserWarning, match="H1 odd: every fit failed \\(EstimationFailed: nobody answered\\)"):
        diagnosis = with_estimators(odd=never).diagnose(sims=4)
    assert diagnosis.row("H1").failures == 4 and "–" in repr(diagnosis)


@pytest.mark.parametrize("batched", [True, False])
def test_a_column_that_is_not_there_is_refused_not_counted(batched):
    with pytest.raises(
        InputError, match="H1 odd: unknown column 'spent'; known: history, contact, spend, renewed"
    ):
        with_estimators(batched, odd=LeastSquares("spent ~ contact", "contact")).diagnose(sims=5)


def test_an_estimator_must_return_an_estimate():
    with pytest.warns(UserWarning, match="every fit failed .AttributeError"):
        with_estimators(odd=lambda tables: 0.3).diagnose(sims=5)


@pytest.mark.parametrize("batched", [True, False])
def test_estimators_of_their_own_interval_and_p_value(batched):
    def odd(tables):
        return Estimate(0.2, 0.1, interval=(0.25, 0.35), p_value=0.01)

    row = (
        with_estimators(batched, odd=odd, usual=LeastSquares("spend ~ contact", "contact"))
        .diagnose(sims=10)
        .row("H1", "odd")
    )
    assert row.coverage == 1 and row.rejection_rate == 1 and row.estimand == 0.3


def test_an_equivalence_at_its_margin_is_supported_in_five_of_a_hundred():
    claim = Hypothesis(
        "H1",
        "No effect to speak of",
        "within",
        truth=lambda p: p.effect,
        margin=0.3,
        estimators={"adjusted": LeastSquares("spend ~ contact + history", "contact")},
    )
    row = replace(design, hypotheses=[claim]).replace(n_customers=200).diagnose(sims=2000, seed=8).row("H1")
    assert abs(row.rejection_rate - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 2000)
    assert abs(row.coverage - 0.95) < 4 * np.sqrt(0.05 * 0.95 / 2000)


# What is asked of a diagnosis ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, says",
    [
        ({"sims": 1}, "sims is 1; give a whole number of simulations, 2 or more"),
        ({"sims": 10.0}, "sims is 10.0"),
        ({"sims": "10"}, "sims is '10'"),
        ({"sims": True}, "sims is True"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": None}, "seed is None"),
        ({"jobs": 0}, "jobs is 0; give a number of processes, or -1 for all cores"),
        ({"jobs": "two"}, "jobs is 'two'"),
        ({"jobs": True}, "jobs is True"),
    ],
)
def test_bad_input_is_refused(options, says):
    with pytest.raises(InputError, match=says):
        design.diagnose(**{"sims": 5, **options})
    with pytest.raises(InputError, match=says):
        design.vary(n_customers=[20]).diagnose(**{"sims": 5, **options})


@pytest.mark.parametrize(
    "ask, says",
    [
        (("H9",), "unknown hypothesis 'H9'; known: H1, H2"),
        (("H1", "logit"), "picks 0 rows"),
        (("H1",), "picks 2 rows of the diagnosis; varied: preset"),
    ],
)
def test_a_row_that_is_not_there(ask, says):
    diagnosis = design.vary(preset=["null", "trap"]).diagnose(sims=3)
    with pytest.raises(InputError, match=says):
        diagnosis.row(*ask)
    with pytest.raises(InputError, match="unknown varied name 'n_customers'; known: preset"):
        diagnosis.row("H1", n_customers=3)
    assert diagnosis.row("H1", preset="trap").estimator == "adjusted"


def test_the_table_keeps_the_order_in_which_things_were_declared():
    table = design.vary(preset=["trap", "null"], n_customers=[40, 20]).diagnose(sims=3).table
    assert table.columns.tolist() == [
        "hypothesis",
        "estimator",
        "preset",
        "n_customers",
        "sims",
        "estimand",
        "mean_estimate",
        "bias",
        "bias_mcse",
        "rmse",
        "rmse_mcse",
        "rejection_rate",
        "rejection_rate_mcse",
        "coverage",
        "coverage_mcse",
        "type_s",
        "type_s_mcse",
        "failures",
    ]
    assert table.preset.tolist() == ["trap"] * 6 + ["null"] * 6
    assert table.n_customers.tolist() == [40, 40, 40, 20, 20, 20] * 2
    assert table.estimator.tolist() == ["adjusted", "naive", "logit"] * 4
    assert (table.sims == 3).all()


def test_points_of_a_grid_share_their_random_numbers():
    found = design.vary(effect=[0.0, 0.5]).diagnose(sims=6).simulations
    one, other = (
        found[(found.effect == effect) & (found.estimator == "adjusted")].estimate.to_numpy()
        for effect in (0.0, 0.5)
    )
    assert np.allclose(one + 0.5, other)


def test_it_reads_well():
    diagnosis = design.diagnose(sims=50, seed=3)
    text, html = repr(diagnosis), diagnosis._repr_html_()
    assert text.startswith(
        "Diagnosis over 50 simulations, seed 3. In brackets: Monte-Carlo standard error.\n"
    )
    assert len(text.splitlines()) == 5 and "adjusted" in text and "Fits that failed" not in text
    assert "<table" in html and "default" in html
    row = diagnosis.row("H1")
    assert f"{row.coverage:.3f} ({row.coverage_mcse:.3f})" in text
    assert "-0.000" not in repr(design.preset("null").diagnose(sims=2000, seed=1).summary(1))
    assert list(diagnosis.summary().columns) == [
        "hypothesis",
        "estimator",
        "preset",
        "estimand",
        "bias",
        "rmse",
        "rejection_rate",
        "coverage",
        "type_s",
        "failures",
    ]


def test_progress_is_shown_when_asked_for(capsys, monkeypatch):
    monkeypatch.setattr(simulating, "SILENT_SECONDS", 0)
    looped.diagnose(sims=100, progress=False)
    assert capsys.readouterr().err == ""
    looped.diagnose(sims=100, progress=True)
    assert "diagnosing" in capsys.readouterr().err


def test_the_model_is_given_parameters_and_streams_only():
    seen = []
    replace(looped, model=lambda p, streams: seen.append((p, streams)) or simulate(p, streams)).diagnose(
        sims=2
    )
    assert seen[0][0] == design.parameters and not hasattr(seen[0][1], "truth")
