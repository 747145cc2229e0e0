"""What a diagnosis measures, held against direct computation and against known properties."""

import numpy as np
import pandas as pd
import pytest

from crmlab.design import diagnosands
from crmlab.errors import InputError

from .test_solving import t_test_design


@pytest.fixture(scope="module")
def diagnosis():
    return t_test_design().replace(n_customers=30).diagnose(sims=2000, seed=4)


def test_every_column_has_its_monte_carlo_error(diagnosis):
    for name in diagnosands.BUILT_IN:
        assert {name, f"{name}_mcse"} <= set(diagnosis.full.columns)


def test_the_columns_are_what_they_say(diagnosis):
    row, done = diagnosis.row("H1"), diagnosis.simulations
    error = done["estimate"] - 0.5
    assert row["median_bias"] == pytest.approx(error.median())
    assert row["empirical_se"] == pytest.approx(error.std())
    assert row["model_se"] == pytest.approx(np.sqrt((done["standard_error"] ** 2).mean()))
    assert row["se_ratio"] == pytest.approx(row["model_se"] / row["empirical_se"])
    assert row["width"] == pytest.approx((done["high"] - done["low"]).mean())
    far = done[(done["low"] > 0) | (done["high"] < 0)]
    assert row["type_m"] == pytest.approx((far["estimate"].abs() / 0.5).mean())
    assert row["relative_efficiency"] == 1 and row["relative_efficiency_mcse"] == 0


@pytest.mark.parametrize(
    "name, truth", [("se_ratio", 1.0), ("bias_eliminated_coverage", 0.95), ("median_bias", 0)]
)
def test_a_sound_test_keeps_its_promises_within_four_errors(diagnosis, name, truth):
    row = diagnosis.row("H1")
    assert abs(row[name] - truth) < 4 * row[f"{name}_mcse"]


def test_monte_carlo_errors_are_right_themselves():
    """Over repeated diagnoses each column scatters as its stated error says, within a third."""
    names = ["median_bias", "empirical_se", "model_se", "se_ratio", "type_m", "width", "rmse"]
    design = t_test_design().replace(n_customers=30)
    rows = pd.DataFrame([design.diagnose(sims=200, seed=seed).row("H1") for seed in range(120)])
    for name in names:
        stated = np.sqrt((rows[f"{name}_mcse"].astype(float) ** 2).mean())
        assert rows[name].astype(float).std() == pytest.approx(stated, rel=0.33), name


def test_half_the_noise_is_four_times_the_efficiency():
    rng = np.random.default_rng(1)
    headline, other = rng.normal(0, 2, 5000), rng.normal(0, 1, 5000)

    def rows(values):
        return pd.DataFrame({"simulation": range(5000), "estimate": values, "estimand": 0.0, "failure": ""})

    ratio, error = diagnosands.relative_efficiency(diagnosands.Group(rows(other), 0.0, rows(headline)))
    assert abs(ratio - 4) < 4 * error


def test_failures_count_against_coverage_and_not_against_converged_coverage(diagnosis):
    rows = diagnosis.simulations.copy()
    rows.loc[:999, ["estimate", "standard_error", "low", "high", "p_value"]] = np.nan
    rows.loc[:999, ["rejected", "covered"]] = False
    rows.loc[:999, "failure"] = "no"
    group = diagnosands.Group(rows, 0.0, rows)
    assert diagnosands.coverage(group)[0] == pytest.approx(diagnosands.converged_coverage(group)[0] / 2)


def test_a_users_own_diagnosand_stands_beside_the_others():
    def share_above_one(group):
        return diagnosands.share(group.done["estimate"] > 1)

    found = t_test_design().diagnose(
        sims=100,
        diagnosands={"above_one": share_above_one, "largest": lambda group: group.done["estimate"].max()},
    )
    row = found.row("H1")
    assert 0 < row["above_one"] < 0.3 and row["largest"] > 1 and np.isnan(row["largest_mcse"])
    assert list(found.summary(columns=["above_one", "type_m"]).columns[-3:]) == [
        "above_one",
        "type_m",
        "failures",
    ]


@pytest.mark.parametrize(
    "own, named",
    [
        ({"bias": len}, "which the table has already"),
        ({"mine": 3}, "no functions"),
        ({"mine": str}, "returned"),
    ],
)
def test_a_diagnosand_that_cannot_be_is_refused_by_name(own, named):
    with pytest.raises(InputError, match=named):
        t_test_design().diagnose(sims=10, diagnosands=own).table


def test_as_many_simulations_as_the_error_needs():
    found = t_test_design().replace(n_customers=64).diagnose(sims="mcse=0.01", seed=2)
    row = found.row("H1")
    assert max(row["rejection_rate_mcse"], row["coverage_mcse"]) <= 0.0101
    assert 1300 < found.sims < 2600  # power .8: .16 / .0001
    same = t_test_design().replace(n_customers=64).diagnose(sims=found.sims, seed=2)
    pd.testing.assert_frame_equal(found.simulations, same.simulations)


@pytest.mark.parametrize("sims", ["mcse=0", "mcse=2", "many", "mcse=0.0001", 1, True])
def test_numbers_of_simulations_that_cannot_be_are_refused(sims):
    with pytest.raises(InputError, match="sims is"):
        t_test_design().diagnose(sims=sims)


def test_a_failed_simulation_is_replayed_with_its_error_and_its_cohort():
    from crmlab.design import EstimationFailed

    class Fragile:
        def __call__(self, tables):
            if tables.customers["treated"].mean() > 0.5:
                raise EstimationFailed("treated customers are too happy")
            return t_test_design().hypotheses[0].estimators["t"](tables)

    design = t_test_design()
    design = type(design)(
        "groups", "", "", design.parameters, {}, design.model,
        [type(design.hypotheses[0])("H1", "c", ">", lambda p: p.difference, {"fragile": Fragile()})],
    )  # fmt: skip
    found = design.diagnose(sims=40, seed=9)
    failed = found.simulations[found.simulations["failure"] != ""]["simulation"].iloc[0]
    again = found.replay("H1", int(failed))
    assert isinstance(again.error, EstimationFailed) and again.estimate is None
    assert again.cohort.customers["treated"].mean() > 0.5
    sound = found.simulations[found.simulations["failure"] == ""].iloc[0]
    assert found.replay("H1", int(sound["simulation"])).estimate.value == pytest.approx(sound["estimate"])
    with pytest.raises(InputError, match="simulation is 40"):
        found.replay("H1", 40)
