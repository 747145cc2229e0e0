"""A theory's own tables, written as a user's files, give the estimates of the theory's own cohort."""

import numpy as np
import pytest

from crmlab import places
from crmlab.analysis.analysing import sources_of
from crmlab.analysis.matching import read_map
from crmlab.analysis.needs import NotForFiles, needs_of
from crmlab.analysis.preparing import prepared
from crmlab.theories import design_of
from tests.analysis.conftest import own_columns


def can_be_analysed(lesson):
    try:
        needs_of(lesson)
    except NotForFiles:
        return False
    return True


LESSONS = [each.name for each in places.lessons() if can_be_analysed(each.name)]


def chinese(need):
    return next(alias for alias in need.aliases if not alias.isascii())


@pytest.mark.parametrize("lesson", LESSONS)
def test_files_in_chinese_give_the_cohorts_estimates(lesson, tmp_path):
    needs, design = needs_of(lesson), design_of(lesson)
    cohort = design.simulate(5)
    files, said = [], {"as_it_is": True}
    for name, frame in own_columns(lesson, cohort).items():
        named = frame.rename(
            columns={column: chinese(needs.samples[name].columns[column]) for column in frame}
        )
        path = tmp_path / f"{name}.csv"
        named.sample(frac=1, axis=1, random_state=1).to_csv(path, index=False, encoding="utf-8-sig")
        files.append(path)
        said[name] = {"file": path.name}
    ready = prepared(needs, design, sources_of(files), read_map(said, needs), complete_cases=False)
    assert not any(ready.testable.values())
    ours = ready.design(design).analyse(ready.tables, sims=0).estimates
    truth = design.test(cohort)
    joined = truth.merge(ours, on=["hypothesis", "estimator"], suffixes=("", "_own"))
    assert len(joined) == len(truth)
    assert np.allclose(joined["estimate"], joined["estimate_own"], rtol=1e-6, atol=1e-9)
    assert np.allclose(joined["standard_error"], joined["standard_error_own"], rtol=1e-5, equal_nan=True)
    assert (joined["verdict"] == joined["verdict_own"]).all()


@pytest.mark.parametrize("lesson", LESSONS)
def test_what_is_derived_is_the_cohorts_own(lesson):
    needs, design = needs_of(lesson), design_of(lesson)
    cohort = design.preset("trap").simulate(6)
    frames = own_columns(lesson, cohort)
    said = {"as_it_is": True} | {name: {"file": name} for name in frames}
    ready = prepared(needs, design, sources_of(frames), read_map(said, needs), complete_cases=False)
    for table in ready.tables.names():
        for column, values in ready.tables.columns(table).items():
            wanted = np.asarray(cohort.tables.columns(table)[column], dtype=float)
            assert np.allclose(np.asarray(values, dtype=float), wanted, equal_nan=True), (table, column)


@pytest.mark.parametrize("lesson", LESSONS)
def test_truth_is_never_asked_for_and_every_column_is_explained(lesson):
    needs, design = needs_of(lesson), design_of(lesson)
    observed = {column for _, column in needs.schema.columns}
    latents = {name for name, value in design.simulate(1).truth.items() if np.ndim(value)} - observed
    for sample in needs.samples.values():
        assert not latents & set(sample.columns)
        for name, need in sample.columns.items():
            assert need.about.endswith((".", "?")), name
            assert any(not alias.isascii() for alias in need.aliases), name
