"""Data that violate an assumption are told so, and data that keep it are not."""

import numpy as np
import pytest

from crmlab.checks import assumptions, regressions, surveys, treatments
from crmlab.checks.confounding import confounding
from crmlab.design import Tables
from crmlab.estimators import (
    GroupTimeEffects,
    HazardRatio,
    LeastSquares,
    LogisticRegression,
    TwoStageLeastSquares,
    TwoWayFixedEffects,
    Within,
)
from crmlab.estimators.causal import Propensity

N = 600
FINE = ("kept", "doubtful")  # one in twenty is called doubtful by chance


@pytest.fixture
def rng():
    return np.random.default_rng(12)


def tables(**columns):
    return Tables({"t": {name: np.asarray(values, dtype=float) for name, values in columns.items()}})


LINE = LeastSquares("y ~ x", "x", "t")


def test_a_bent_link_is_told(rng):
    x = rng.standard_normal(N)
    noise = rng.standard_normal(N)
    assert regressions.linearity(LINE, tables(x=x, y=x + noise)).status in FINE
    bent = regressions.linearity(LINE, tables(x=x, y=x + 0.5 * x**2 + noise))
    assert bent.status == "broken"
    assert bent.facts["far"] > 0.5


def test_a_straight_line_is_called_bent_no_more_often_than_it_should(rng):
    def p():
        x = rng.standard_normal(200)
        return regressions.linearity(LINE, tables(x=x, y=x + rng.standard_normal(200))).p

    assert np.mean([p() < 0.05 for _ in range(400)]) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_two_groups_cannot_bend(rng):
    x = rng.integers(0, 2, N)
    found = regressions.linearity(LINE, tables(x=x, y=x + rng.standard_normal(N)))
    assert found.status in FINE
    assert found.facts["saturated"]


def test_a_row_that_decides_is_told_by_its_number(rng):
    x, y = rng.standard_normal(60), rng.standard_normal(60)
    assert regressions.influence(LINE, tables(x=x, y=y)).status in FINE
    x[17], y[17] = 9.0, 30.0
    found = regressions.influence(LINE, tables(x=x, y=y))
    assert found.status == "broken"
    assert found.facts["at"] == 17
    without = LINE(tables(x=np.delete(x, 17), y=np.delete(y, 17))).value
    moved = abs(LINE(tables(x=x, y=y)).value - without) / LINE(tables(x=x, y=y)).standard_error
    assert np.isclose(found.facts["size"], moved)


def test_an_estimate_that_one_row_makes_is_told(rng):
    x = np.full(24, 7.0)
    x[5] = 6.0
    found = regressions.influence(LINE, tables(x=x, y=rng.integers(0, 2, 24)))
    assert found.status == "broken"
    assert found.facts["alone"]
    assert found.facts["at"] == 5
    x[6] = 6.0
    assert "alone" not in regressions.influence(LINE, tables(x=x, y=rng.integers(0, 2, 24))).facts


HC1 = LeastSquares("y ~ x + z", "x", "t", covariance="HC1")


def test_rows_of_much_leverage_are_named_where_the_coefficient_rests_on_them(rng):
    x = rng.standard_normal(40)
    x[4] = 14.0
    z = rng.standard_normal(40)
    z[20] = 30.0  # as much leverage, but in the other coefficient
    held = tables(x=x, z=z, y=rng.standard_normal(40))
    found = regressions.influence(HC1, held)
    assert found.facts["rows"] == [4]
    assert found.facts["leverage"] > 0.5
    assert found.status in ("doubtful", "broken")
    assert regressions.influence(LeastSquares("y ~ x + z", "z", "t", covariance="HC1"), held).facts[
        "rows"
    ] == [20]
    for covariance in ("nonrobust", "HC1"):
        plain = LeastSquares("y ~ x", "x", "t", covariance=covariance)
        assert "rows" not in regressions.influence(plain, tables(x=z[:20], y=x[20:])).facts
    assert "rows" not in regressions.influence(LeastSquares("y ~ x + z", "x", "t"), held).facts


@pytest.mark.parametrize("covariance", ["HC1", "HC2", "HC3"])
def test_the_error_that_leverage_spoils_has_the_size_foretold(rng, covariance):
    x = np.r_[rng.standard_normal(30), 12.0]
    regression = LeastSquares("y ~ x", "x", "t", covariance=covariance)
    many = Tables({"t": {"x": np.tile(x, (4000, 1)), "y": rng.standard_normal((4000, 31))}})
    error = np.sqrt(np.mean(regression.batch(many).standard_error ** 2))
    true = 1 / np.sqrt(((x - x.mean()) ** 2).sum())  # standard deviation of the slope, errors of variance 1
    found = regressions.influence(regression, tables(x=x, y=rng.standard_normal(31)))
    assert found.facts["ratio"] == pytest.approx(error / true, rel=0.06)
    assert (found.facts["ratio"] < 0.8) == (covariance == "HC1")


def test_rows_of_one_branch_that_share_are_told(rng):
    branch = np.repeat(np.arange(40), 15)
    x = rng.standard_normal(40)[branch]
    alone = tables(branch=branch, x=x, y=x + rng.standard_normal(N))
    shared = tables(branch=branch, x=x, y=x + 0.8 * rng.standard_normal(40)[branch] + rng.standard_normal(N))
    assert regressions.clustering(LINE, "branch", alone).status in FINE
    found = regressions.clustering(LINE, "branch", shared)
    assert found.status == "broken"
    assert found.facts["icc"] > 0.2
    assert found.facts["ratio"] > 1.5


def test_sharing_that_leaves_errors_alone_is_no_alarm(rng):
    branch = np.repeat(np.arange(40), 15)
    x = rng.standard_normal(N)
    found = regressions.clustering(
        LINE,
        "branch",
        tables(branch=branch, x=x, y=x + rng.standard_normal(40)[branch] + rng.standard_normal(N)),
    )
    assert found.facts["icc"] > 0.2
    assert found.status in FINE


@pytest.mark.parametrize("units, status", [(6, "broken"), (20, "doubtful"), (60, "kept")])
def test_few_units_are_told(units, status):
    held = tables(branch=np.repeat(np.arange(units), 3))
    assert regressions.few_clusters("t", "branch", held).status == status


INSTRUMENTED = TwoStageLeastSquares("y ~ x", "x", "t", "HC1", endogenous=("x",), instruments=("z",))


@pytest.mark.parametrize("strength, status", [(0.05, "broken"), (0.3, "doubtful"), (1.5, "kept")])
def test_a_weak_instrument_is_told(rng, strength, status):
    z = rng.standard_normal(N)
    x = strength * z + rng.standard_normal(N)
    found = regressions.instrument(INSTRUMENTED, tables(z=z, x=x, y=x + rng.standard_normal(N)))
    assert found.status == status


def test_first_stage_f_is_that_of_a_robust_regression(rng):
    import statsmodels.api as sm

    z = rng.standard_normal(N)
    x = 0.4 * z + rng.standard_normal(N) * (1 + abs(z))
    held = tables(z=z, x=x, y=x)
    theirs = sm.OLS(x, sm.add_constant(z)).fit(cov_type="HC1")
    assert np.isclose(regressions.instrument(INSTRUMENTED, held).facts["f"], float(theirs.tvalues[1]) ** 2)


LOGIT = LogisticRegression("y ~ x", "x", "t")


def test_a_bent_index_is_told(rng):
    x = rng.standard_normal(3 * N)

    def chance(index):
        return (rng.random(3 * N) < 1 / (1 + np.exp(-index))) * 1.0

    assert regressions.link(LOGIT, tables(x=x, y=chance(0.8 * x))).status in FINE
    assert regressions.link(LOGIT, tables(x=x, y=chance(0.8 * x + 0.8 * x**2 - 0.8))).status == "broken"


def test_few_events_are_told(rng):
    y = np.zeros(N)
    y[:6] = 1
    assert regressions.events(LOGIT, tables(x=rng.standard_normal(N), y=y)).status == "broken"
    y[:200] = 1
    assert regressions.events(LOGIT, tables(x=rng.standard_normal(N), y=y)).status in FINE


def test_a_lot_that_was_none_is_told(rng):
    age = rng.standard_normal(N)
    drawn, chosen = rng.random(N) < 0.5, rng.random(N) < 1 / (1 + np.exp(-age))
    assert treatments.balance("t", "lot", ["age"], tables(lot=drawn, age=age)).status in FINE
    assert treatments.balance("t", "lot", ["age"], tables(lot=chosen, age=age)).status == "broken"


def test_missing_overlap_is_told(rng):
    x = rng.standard_normal(N)
    fitted = Propensity("x")

    def found(slope):
        arm = rng.random(N) < 1 / (1 + np.exp(-slope * x))
        return treatments.overlap("t", "d", fitted, tables(x=x, d=arm))

    assert found(0.3).status in FINE
    assert found(4.0).status == "broken"


def test_chances_that_are_not_those_of_the_lot_are_told(rng):
    chance = rng.uniform(0.2, 0.8, 3 * N)
    right, wrong = rng.random(3 * N) < chance, rng.random(3 * N) < 0.65
    assert treatments.chances("t", "d", "p", tables(d=right, p=chance)).status in FINE
    assert treatments.chances("t", "d", "p", tables(d=wrong, p=chance)).status == "broken"


def panel(rng, drift):
    units, periods = 80, 8
    start = np.where(np.arange(units) % 2, 5, 0)
    period = np.arange(1, periods + 1)
    sales = rng.standard_normal((units, 1)) + 0.3 * rng.standard_normal((units, periods))
    sales = sales + drift * (start > 0)[:, None] * period
    sales = sales + 0.5 * ((start > 0)[:, None] & (period >= 5))
    held = {
        "unit": np.repeat(np.arange(units), periods),
        "period": np.tile(period, units),
        "start": np.repeat(start, periods),
        "sales": sales.ravel(),
    }
    return Tables({"t": held})


EFFECTS = GroupTimeEffects("sales", "unit", "period", "start", "t")


def test_groups_that_moved_apart_before_are_told(rng):
    assert treatments.trends(EFFECTS, panel(rng, 0.0)).status in FINE
    found = treatments.trends(EFFECTS, panel(rng, 0.3))
    assert found.status == "broken"
    assert found.facts["lead"] in (2, 3, 4)


def test_hazards_that_cross_are_told(rng):
    state = rng.integers(0, 2, 4 * N)

    def lives(late):
        early = rng.exponential(1 / np.exp(0.8 * state))
        after = 0.6 + rng.exponential(1 / np.exp(late * state))
        return np.where(early < 0.6, early, after)

    ratio = HazardRatio("time", "left", "state", "t")
    same = treatments.hazards(ratio, tables(time=lives(0.8), left=np.ones(4 * N), state=state))
    crossed = treatments.hazards(ratio, tables(time=lives(-0.8), left=np.ones(4 * N), state=state))
    assert same.status in FINE
    assert crossed.status == "broken"
    assert crossed.facts["early"] > 1 > crossed.facts["late"]


def test_a_ceiling_and_a_floor_are_told(rng):
    spread = rng.integers(1, 11, N).astype(float)
    assert surveys.ceiling("q", spread, 1, 10).status in FINE
    assert surveys.ceiling("q", np.minimum(spread + 5, 10), 1, 10).status == "broken"
    assert surveys.ceiling("q", np.maximum(spread - 5, 1), 1, 10).status == "broken"


@pytest.mark.parametrize(
    "answers, ends",
    [
        ([7] * 9 + [6, 4], (np.nan, 7)),
        ([1] * 9 + [2, 4], (1, np.nan)),
        ([1, 1, 1, 5, 5, 5, 2], (1, 5)),
        ([2, 3, 3, 3, 4, 5], (np.nan, np.nan)),  # tails off on both sides
        ([0, 1, 1, 1], (np.nan, np.nan)),  # a yes/no
        ([7, 7, 7], (np.nan, np.nan)),  # does not vary
        ([6.5, 7, 7], (np.nan, np.nan)),  # no whole numbers
        ([1, 30, 30, 30], (np.nan, np.nan)),  # on no scale
    ],
)
def test_an_end_that_nobody_named_shows_only_where_answers_pile_up(answers, ends):
    np.testing.assert_equal(surveys.piled_end(np.array(answers, dtype=float), 11), ends)


def items(rng, loading):
    common = rng.standard_normal(N)
    return {f"q{at}": loading * common + np.sqrt(1 - loading**2) * rng.standard_normal(N) for at in range(4)}


def test_items_that_do_not_belong_together_are_told(rng):
    good, bad = surveys.reliability("q", items(rng, 0.8)), surveys.reliability("q", items(rng, 0.3))
    assert (good.status, bad.status) == ("kept", "broken")
    assert abs(good.facts["alpha"] - good.facts["omega"]) < 0.02


def test_a_reversed_item_is_told(rng):
    turned = items(rng, 0.8)
    turned["q1"] = -turned["q1"]
    assert surveys.reliability("q", turned).status == "broken"


def test_a_marker_that_goes_with_scales_is_told(rng):
    trust, marker, style = (rng.standard_normal(N) for _ in range(3))
    assert surveys.common_method(marker, {"trust": trust}).status in FINE
    assert surveys.common_method(marker + style, {"trust": trust + style}).status == "broken"


def test_rows_left_out_that_are_of_another_kind_are_told(rng):
    rating = rng.standard_normal(N)
    empty = {"rating": np.zeros(N, dtype=bool)}
    at_random, the_angry = rng.random(N) < 0.2, rating < -0.8
    assert surveys.missingness(at_random, {"rating": rating}, empty).status in FINE
    found = surveys.missingness(the_angry, {"rating": rating}, empty)
    assert found.status == "broken"
    assert found.facts["column"] == "rating"


def test_estimators_say_what_they_rest_on():
    def names(estimator, units=None):
        return {each.name for each in assumptions(estimator, units or {})}

    assert names(LINE, {"t": ["branch"]}) == {"linearity", "influence", "clustering"}
    assert names(LeastSquares("y ~ x", "x", "t", cluster="b"), {"t": ["b"]}) == {
        "linearity",
        "influence",
        "few_clusters",
    }
    assert names(INSTRUMENTED) == {"instrument", "exclusion"}
    assert names(LOGIT) == {"link", "events"}
    assert names(EFFECTS) == {"trends", "few_clusters"}
    assert names(TwoWayFixedEffects("y", "x", "u", "p", "t")) == {"same_effect", "timing"}
    assert names(Within("y ~ x", "x", "t", cluster="b", unit="u")) == {"fixed_effects", "few_clusters"}


def test_what_cannot_be_checked_says_why():
    constant = tables(x=np.ones(20), y=np.arange(20))
    (check,) = [each for each in assumptions(INSTRUMENTED, {}) if each.name == "instrument"]
    found = check.run(constant)
    assert found.status == "unknown"
    assert found.facts["why"]


def test_a_robustness_value_is_that_of_the_papers_formula(rng):
    x, z = rng.standard_normal(N), rng.standard_normal(N)
    held = tables(x=x, z=z, y=0.3 * x + 0.5 * z + rng.standard_normal(N))
    line = LeastSquares("y ~ x + z", "x", "t")
    estimate = line(held)
    found = confounding(line, estimate, 0.0, held)
    f = abs(estimate.value / estimate.standard_error) / np.sqrt(N - 3)
    assert found.of_estimate == pytest.approx((np.sqrt(f**4 + 4 * f**2) - f**2) / 2)
    assert found.of_interval < found.of_estimate
    assert found.benchmark == "z"


def test_the_e_value_of_a_logit(rng):
    x = rng.integers(0, 2, N)
    held = tables(x=x, y=rng.random(N) < np.where(x, 0.6, 0.4))
    estimate = LOGIT(held)
    ratio = np.exp(estimate.value / 2)
    found = confounding(LOGIT, estimate, 0.0, held)
    assert found.of_estimate == pytest.approx(ratio + np.sqrt(ratio * (ratio - 1)))
