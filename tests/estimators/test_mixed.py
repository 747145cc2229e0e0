"""The mixed model against statsmodels' MixedLM, and the intraclass correlation against exact answers."""

import numpy as np
import pytest
from scipy import stats

from crmlab.design import EstimationFailed, Tables
from crmlab.errors import InputError
from crmlab.estimators import IntraclassCorrelation, MixedModel, within_and_between
from crmlab.estimators.mixed import METHODS

FORMULA = "rating ~ mix + branch"
TERMS = ["Intercept", "mix", "branch"]
SHARE = 0.15


def drawn(simulations=None, sizes=(3, 9, 14, 2, 6, 11, 5, 8, 4, 7, 12, 10), share=SHARE, seed=3):
    rng, group = np.random.default_rng(seed), np.repeat(np.arange(len(sizes)), sizes)
    shape = () if simulations is None else (simulations,)
    own, branch, shift = (rng.standard_normal((*shape, len(sizes)))[..., group] for _ in range(3))
    mix = rng.standard_normal((*shape, len(group))) + 0.6 * shift
    error = rng.standard_normal((*shape, len(group)))
    rating = 1 + 0.5 * mix + 0.3 * branch + np.sqrt(share) * own + np.sqrt(1 - share) * error
    return Tables({"calls": {"rating": rating, "mix": mix, "branch": branch, "agent": group}})


def balanced(simulations, share, seed=5):
    return drawn(simulations, sizes=[8] * 15, share=share, seed=seed)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", [1, 3, 8])
def test_it_is_statsmodels_mixed_model(method, seed):
    tables = drawn(seed=seed)
    models = [MixedModel(FORMULA, term, group="agent", method=method) for term in TERMS]
    theirs, ours = models[0].fit(tables), [model(tables) for model in models]
    assert [each.value for each in ours] == pytest.approx(theirs.fe_params, rel=1e-4, abs=1e-5)
    # theirs are of the observed information, which joins effects and variances
    assert [each.standard_error for each in ours] == pytest.approx(theirs.bse_fe, rel=0.06)
    parts = models[0].components(tables.stacked())
    assert parts["within"][0] == pytest.approx(theirs.scale, rel=1e-4)
    assert parts["between"][0] == pytest.approx(np.asarray(theirs.cov_re)[0, 0], rel=2e-3, abs=1e-4)
    assert IntraclassCorrelation(FORMULA, "agent", method=method)(tables).value == parts["icc"][0]


@pytest.mark.parametrize("method", METHODS)
def test_no_share_is_likelier_than_the_one_found(method):
    """By the likelihood written out with the full covariance matrix."""
    tables = drawn(seed=4)
    columns = tables.columns()
    matrix = np.column_stack([np.ones(len(columns["rating"])), columns["mix"], columns["branch"]])
    same = columns["agent"][:, None] == columns["agent"]

    def height(share):
        covariance = share * same + (1 - share) * np.eye(len(same))
        back = np.linalg.inv(covariance)
        information = matrix.T @ back @ matrix
        rest = columns["rating"] - matrix @ np.linalg.solve(information, matrix.T @ back @ columns["rating"])
        rows = len(same) - (3 if method == "REML" else 0)
        level = np.linalg.slogdet(covariance)[1] + rows * np.log(rest @ back @ rest)
        return -level - (np.linalg.slogdet(information)[1] if method == "REML" else 0)

    found = float(IntraclassCorrelation(FORMULA, "agent", method=method)(tables).value)
    assert all(
        height(found) >= height(other) for other in (*np.linspace(0, 0.9, 40), found + 1e-4, found - 1e-4)
    )


def test_errors_are_those_of_generalised_least_squares():
    tables = drawn(seed=4)
    columns = tables.columns()
    matrix = np.column_stack([np.ones(len(columns["rating"])), columns["mix"], columns["branch"]])
    parts = MixedModel(FORMULA, "mix", group="agent").components(tables.stacked())
    same = columns["agent"][:, None] == columns["agent"]
    covariance = parts["between"][0] * same + parts["within"][0] * np.eye(len(same))
    spread = np.linalg.inv(matrix.T @ np.linalg.solve(covariance, matrix))
    errors = [MixedModel(FORMULA, term, group="agent")(tables).standard_error for term in TERMS]
    assert errors == pytest.approx(np.sqrt(np.diag(spread)))


def test_in_balanced_groups_it_is_the_analysis_of_variance():
    tables = balanced(None, 0.3)
    by_group = tables.columns()["rating"].reshape(15, 8)
    between, within = 8 * by_group.mean(1).var(ddof=1), by_group.var(1, ddof=1).mean()
    estimate = IntraclassCorrelation("rating ~ 1", "agent", null=0.05)(tables)
    assert estimate.value == pytest.approx((between - within) / (between + 7 * within))
    for end, tail in zip(estimate.interval, (0.025, 0.975), strict=True):
        ratio = between / within / stats.f.isf(tail, 14, 105)
        assert end == pytest.approx((ratio - 1) / (ratio + 7))
    ratio = between / within / (1 + 8 * 0.05 / 0.95)
    assert estimate.p_value == pytest.approx(stats.f.sf(ratio, 14, 105))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4])
def test_intervals_and_sizes_are_exact_in_groups_of_any_sizes(share):
    sims = 3000
    tables = drawn(sims, share=share, seed=11)
    estimate = IntraclassCorrelation(FORMULA, "agent", null=share).batch(tables)
    low, high = estimate.interval
    four = 4 * np.sqrt(0.05 * 0.95 / sims)
    covered = (low <= share) & (share <= high)
    assert covered.mean() == pytest.approx(0.975 if share == 0 else 0.95, abs=four)
    assert (estimate.p_value < 0.05).mean() == pytest.approx(0.05, abs=four)


def test_effects_between_and_within_groups_have_the_errors_that_they_claim():
    sims = 3000
    tables = drawn(sims, seed=12)
    four = 4 * np.sqrt(0.05 * 0.95 / sims)
    for term, truth in (("mix", 0.5), ("branch", 0.3)):
        estimate = MixedModel(FORMULA, term, group="agent").batch(tables)
        low, high = estimate.bounds()
        assert ((low <= truth) & (truth <= high)).mean() == pytest.approx(0.95, abs=four + 0.01), term
    assert estimate.degrees_of_freedom == pytest.approx(12 - 2)  # twelve groups, intercept and branch


def test_many_cohorts_are_those_one_by_one():
    tables = drawn(4, seed=13)
    for estimator in (MixedModel(FORMULA, "mix", group="agent"), IntraclassCorrelation(FORMULA, "agent")):
        every = estimator.batch(tables)
        for at in range(4):
            one, other = every.one(at), estimator(tables.one(at))
            assert one.value == pytest.approx(other.value, rel=1e-9)
            assert one.bounds() == pytest.approx(other.bounds(), rel=1e-9)


def test_groups_may_be_drawn_anew_in_each_cohort():
    rng = np.random.default_rng(2)
    agent = rng.integers(0, 9, (3, 60))
    rating = rng.standard_normal((3, 9))[np.arange(3)[:, None], agent] + rng.standard_normal((3, 60))
    tables = Tables({"calls": {"rating": rating, "agent": agent}})
    every = IntraclassCorrelation("rating ~ 1", "agent").batch(tables)
    for at in range(3):
        assert every.value[at] == pytest.approx(
            IntraclassCorrelation("rating ~ 1", "agent")(tables.one(at)).value
        )


def test_parts_within_and_between_add_up_and_find_two_effects():
    rng, group = np.random.default_rng(6), np.repeat(np.arange(200), 10)
    size = rng.standard_normal(200)[group] + rng.standard_normal(2000)
    within, between = within_and_between(size, group)
    assert within + between == pytest.approx(size - size.mean())
    assert np.bincount(group, within) == pytest.approx(np.zeros(200), abs=1e-9)
    answer = 0.2 * within + 0.9 * between + 0.5 * rng.standard_normal(200)[group] + rng.standard_normal(2000)
    tables = Tables({"calls": {"answer": answer, "within": within, "between": between, "agent": group}})
    for term, truth in (("within", 0.2), ("between", 0.9)):
        found = MixedModel("answer ~ within + between", term, group="agent")(tables)
        assert abs(found.value - truth) < 4 * found.standard_error
    batch = within_and_between(np.stack([size, 2 * size]), group)
    assert batch[1][1] == pytest.approx(2 * between)


def test_what_cannot_be_fitted_is_said():
    with pytest.raises(InputError, match="group"):
        MixedModel(FORMULA, "mix")
    with pytest.raises(InputError, match="unknown method 'reml'"):
        MixedModel(FORMULA, "mix", group="agent", method="reml")
    with pytest.raises(InputError, match="null is 1"):
        IntraclassCorrelation("rating ~ 1", "agent", null=1.0)
    columns = drawn().columns()
    with pytest.raises(InputError, match="agent holds"):
        IntraclassCorrelation("rating ~ 1", "agent")(
            Tables({"calls": {**columns, "agent": columns["agent"] / 2}})
        )
    single = Tables({"calls": {**columns, "agent": np.arange(len(columns["agent"]))}})
    with pytest.raises(EstimationFailed, match="groups"):
        IntraclassCorrelation("rating ~ 1", "agent")(single)
    twice = Tables({"calls": {**columns, "branch": columns["mix"]}})
    with pytest.raises(EstimationFailed, match="rank"):
        MixedModel(FORMULA, "mix", group="agent")(twice)
