"""What holds of every theory, found by itself: sizes, coverage, a trap that traps, no truth that leaks."""

import importlib
import importlib.util
import os
import pkgutil
import subprocess
import sys
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import crmlab.theories
from crmlab.design import Cohort, Design, Estimator, InputError, Tables
from crmlab.design.streams import BatchStreams, Streams

MODULES = [
    importlib.import_module(f"crmlab.theories.{each.name}")
    for each in pkgutil.iter_modules(crmlab.theories.__path__)
]
THEORIES = {
    module.__name__.rpartition(".")[2]: module.design for module in MODULES if hasattr(module, "design")
}
STATING = {module.design.name: module for module in MODULES if hasattr(module, "NO_TRAP")}
PRESETS = ["null", "literature", "claim", "trap"]
QUICK, SLOW = 2000, 200  # simulations: of what is done in one pass, of models that are fitted one by one
SEED = 20

every_theory = pytest.mark.parametrize("name", THEORIES)
every_batched_theory = pytest.mark.parametrize(
    "name", [name for name, design in THEORIES.items() if design.batched]
)
every_preset = pytest.mark.parametrize("preset", PRESETS)


def one_pass(design, hypothesis, estimator):
    return design.batched and isinstance(design.hypothesis(hypothesis).estimators[estimator], Estimator)


def diagnosed(name, preset, headline=True):
    """Rows of the diagnosis' table under one preset, by hypothesis and estimator: headlines, or others."""
    return {
        (hypothesis, estimator): row
        for (hypothesis, estimator), row in _rows(name, preset, others=preset == "trap").items()
        if (estimator == THEORIES[name].hypothesis(hypothesis).headline) == headline
    }


@cache
def _rows(name, preset, others):
    """Of the headlines, and of the others where they are asked for, on the same cohorts."""
    design = THEORIES[name].preset(preset)
    rows = {}
    for slow, headline in ((False, None), (True, True), (True, False)):
        chosen = []
        for each in design.hypotheses:
            wanted = {
                key: one
                for at, (key, one) in enumerate(each.estimators.items())
                if one_pass(design, each.name, key) != slow
                and (others or at == 0)
                and headline in (None, at == 0)
            }
            if wanted:
                chosen.append(replace(each, estimators=wanted))
        if chosen:
            sims = QUICK if not slow else SLOW if headline else SLOW // 2
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                # Said by joblib's own thread, which an error would end, and nobody would wake us any more.
                warnings.filterwarnings("default", "A worker stopped while some jobs", UserWarning)
                table = (
                    replace(design, hypotheses=chosen)
                    .diagnose(sims=sims, seed=SEED, jobs=2 if slow else 1)
                    .table
                )
            rows |= {(row.hypothesis, row.estimator): row for row in table.itertuples()}
    return rows


def four_errors(rate, sims):
    """Four Monte-Carlo standard errors of a share that is `rate` in truth."""
    return 4 * np.sqrt(rate * (1 - rate) / sims)


# What a theory declares ---------------------------------------------------------------------------------


def test_there_are_theories():
    assert {"start_here", "loyalty", "customer_lifetime_value"} <= set(THEORIES)


@every_theory
def test_it_declares_all_there_is_to_declare(name):
    design = THEORIES[name]
    assert isinstance(design, Design) and design.name == name and design.title and design.claim.endswith(".")
    assert list(design.presets) == PRESETS
    for field in type(design.parameters).__dataclass_fields__.values():
        assert field.metadata["unit"] and field.metadata["source"], field.name
    for each in design.hypotheses:
        assert each.claim and each.unit, each.name
        assert 1 <= len(each.estimators) <= 3


@every_theory
@every_preset
def test_the_truth_is_a_number_under_every_preset(name, preset):
    design = THEORIES[name].preset(preset)
    for each in design.hypotheses:
        assert np.isfinite(each.estimand(design.parameters)), each.name


@every_theory
def test_every_claim_is_false_under_null_and_true_under_claim(name):
    null, claim = THEORIES[name].preset("null"), THEORIES[name].preset("claim")
    assert not any(each.holds(each.estimand(null.parameters)) for each in null.hypotheses)
    assert all(each.holds(each.estimand(claim.parameters)) for each in claim.hypotheses)


@every_theory
def test_what_is_not_known_is_refused(name):
    design = THEORIES[name]
    for ask in (
        lambda: design.replace(no_such_thing=1),
        lambda: design.vary(no_such_thing=[1]),
        lambda: design.preset("no_such_thing"),
        lambda: design.only("no_such_thing"),
    ):
        with pytest.raises(InputError, match="unknown .* 'no_such_thing'; known: "):
            ask()


@every_theory
def test_parameters_outside_their_range_are_refused(name):
    parameters = THEORIES[name].parameters
    for parameter in parameters.names():
        low, high = parameters.range_of(parameter)
        for beyond in (low - 1, high + 1):
            if np.isfinite(beyond):
                with pytest.raises(InputError, match=parameter):
                    parameters.replace(**{parameter: type(getattr(parameters, parameter))(beyond)})


# Whether its tests do what tests promise -----------------------------------------------------------------


@every_theory
def test_claims_that_are_false_are_found_in_five_of_a_hundred_cohorts(name):
    design = THEORIES[name].preset("null")
    for (hypothesis, estimator), row in diagnosed(name, "null").items():
        claim = design.hypothesis(hypothesis)
        reach = four_errors(0.05, row.sims)
        assert row.rejection_rate <= 0.05 + reach, (hypothesis, estimator, row)
        if claim.direction != "within" and row.estimand == claim.null:
            assert row.rejection_rate >= 0.05 - reach, (hypothesis, estimator, row)
        assert row.failures <= 0.02 * row.sims, (hypothesis, estimator, row)


@every_theory
def test_intervals_hold_the_truth_in_95_of_a_hundred_cohorts(name):
    for (hypothesis, estimator), row in diagnosed(name, "literature").items():
        reach = four_errors(0.05, row.sims)
        assert abs(row.coverage - 0.95) <= reach, (hypothesis, estimator, row)
        assert row.failures <= 0.02 * row.sims, (hypothesis, estimator, row)


@every_theory
def test_the_trap_convicts_a_naive_estimator_and_spares_the_headlines(name):
    naive, headlines = diagnosed(name, "trap", headline=False), diagnosed(name, "trap")
    assert any(row.coverage < 0.8 for row in naive.values()), naive
    for (hypothesis, estimator), row in headlines.items():
        reach = four_errors(0.05, row.sims)
        assert abs(row.coverage - 0.95) <= reach, (hypothesis, estimator, row)


@pytest.mark.parametrize("name", STATING)
def test_what_the_trap_does_not_fool_is_stated(name):
    """Where a claim is false in the trap, a naive analysis errs, or the theory says why it does not."""
    design, stated = THEORIES[name].preset("trap"), STATING[name].NO_TRAP
    fooled = {
        hypothesis
        for (hypothesis, _), row in diagnosed(name, "trap", headline=False).items()
        if row.rejection_rate > 0.08 and not design.hypothesis(hypothesis).holds(row.estimand)
    }
    false = {each.name for each in design.hypotheses if not each.holds(each.estimand(design.parameters))}
    assert false - fooled == set(stated), (false - fooled, stated)
    assert all(stated.values())


# Whether it keeps to the rules of the house --------------------------------------------------------------


def assert_same_tables(one, other):
    assert one.names() == other.names()
    for table in one.names():
        pd.testing.assert_frame_equal(one[table], other[table])


@every_batched_theory
@every_preset
def test_cohorts_drawn_at_once_are_those_drawn_one_by_one(name, preset):
    design = THEORIES[name].preset(preset)
    seeds = [(SEED, number) for number in range(5)]
    many = design.model(design.parameters, BatchStreams(seeds)).tables.drawn_at_once(len(seeds))
    for number, seed in enumerate(seeds):
        assert_same_tables(many.one(number), design.model(design.parameters, Streams(seed)).tables)


@pytest.mark.parametrize("name", [name for name, design in THEORIES.items() if design.together])
@every_preset
def test_cohorts_drawn_side_by_side_are_those_drawn_one_by_one(name, preset):
    design = THEORIES[name].preset(preset)
    streams = [Streams((SEED, number)) for number in range(3)]
    for one, alone in zip(design.together(design.parameters, streams), streams, strict=True):
        assert_same_tables(one.tables, design.model(design.parameters, alone).tables)


@every_batched_theory
@every_preset
def test_estimates_made_at_once_are_those_made_one_by_one(name, preset):
    design = THEORIES[name].preset(preset)
    quick = [key for each in design.hypotheses for key in each.estimators if one_pass(design, each.name, key)]
    design = design.with_estimators(*dict.fromkeys(quick))
    key = ["hypothesis", "estimator", "simulation"]
    one, other = (
        replace(design, batched=batched)
        .diagnose(sims=8, seed=SEED)
        .simulations.sort_values(key, ignore_index=True)
        for batched in (True, False)
    )
    pd.testing.assert_frame_equal(one, other, rtol=1e-7, atol=1e-10)


@every_theory
def test_a_simulation_of_a_diagnosis_can_be_looked_at(name):
    design = THEORIES[name].preset("literature")
    found = design.diagnose(sims=2, seed=SEED).simulations
    tests = design.test(design.simulate((SEED, 1)))
    rows = found[found.simulation == 1].reset_index(drop=True)
    assert (rows.estimator == tests.estimator).all()
    for ours, theirs in (
        ("estimate", "estimate"),
        ("standard_error", "standard_error"),
        ("low", "low"),
        ("high", "high"),
        ("p_value", "p_value"),
        ("estimand", "truth"),
    ):
        assert np.allclose(rows[ours], tests[theirs], rtol=1e-7, atol=1e-10), ours


@every_theory
def test_the_number_of_jobs_changes_nothing(name):
    design = headlines(THEORIES[name])
    one, two = (design.diagnose(sims=6, seed=SEED, jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one.simulations, two.simulations, check_exact=True)


def test_a_dask_cluster_changes_nothing(tmp_path):
    if importlib.util.find_spec("distributed") is None:
        pytest.skip("the extra [cluster] is not installed: no dask.distributed")
    program = Path(__file__).with_name("on_dask.py")
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # where Dask leaves its scratch folder
    command = [sys.executable, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    assert set(done.stdout.split()) == set(THEORIES)


def headlines(design):
    return replace(
        design,
        hypotheses=[
            replace(each, estimators={each.headline: each.estimators[each.headline]})
            for each in design.hypotheses
        ],
    )


@every_theory
def test_estimators_see_the_tables_and_never_the_truth(name):
    design, seen = THEORIES[name].preset("trap"), []

    def watched(estimator):
        return lambda tables: seen.append(tables) or estimator(tables)

    watching = replace(
        design,
        hypotheses=[
            replace(each, estimators={key: watched(one) for key, one in each.estimators.items()})
            for each in design.hypotheses
        ],
    )
    cohort = design.simulate(SEED)
    tests = watching.test(cohort)
    assert seen and all(type(tables) is Tables and not hasattr(tables, "truth") for tables in seen)
    blind = Cohort(
        {
            table: {column: values.copy() for column, values in cohort.tables.columns(table).items()}
            for table in cohort.tables.names()
        }
    )
    blind.parameters = cohort.parameters
    pd.testing.assert_frame_equal(tests, design.test(blind))
    assert not blind.truth


@every_theory
@every_preset
def test_no_column_is_the_truth_under_another_name(name, preset):
    """A rating without error is the satisfaction it rates; nothing else in a table may be a latent."""
    cohort = THEORIES[name].preset(preset).simulate(SEED)
    assert not set(cohort.truth) & {
        column for table in cohort.tables.names() for column in cohort.tables.columns(table)
    }


@every_theory
def test_the_same_seed_gives_the_same_cohort_and_another_seed_another(name):
    design = THEORIES[name]
    one, again, other = design.simulate(SEED), design.simulate(SEED), design.simulate(SEED + 1)
    assert_same_tables(one.tables, again.tables)
    first = one.tables.names()[0]
    assert not one[first].equals(other[first])


@every_theory
def test_cohorts_may_be_small(name):
    """At the fewest customers that its parameters allow a design may fail to fit, but it says so."""
    design = THEORIES[name].preset("literature")
    low, _ = design.parameters.range_of("n_customers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # every fit failed
        table = design.replace(n_customers=int(low)).diagnose(sims=3, seed=SEED).table
    assert (table.failures <= 3).all() and table.coverage.between(0, 1).all()
