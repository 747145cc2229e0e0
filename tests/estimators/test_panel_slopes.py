"""Slopes of changes in panels: against statsmodels' dummies, refits without each unit, and known mixtures."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from crmlab.design import Tables
from crmlab.errors import InputError
from crmlab.estimators import PanelProduct, PanelSlope

UNITS, TIMES = 9, 4


def panel(seed=1, units=UNITS, times=TIMES, shuffled=True):
    rng = np.random.default_rng(seed)
    unit, time = np.repeat(np.arange(units), times), np.tile(np.arange(times), units)
    level, common = rng.standard_normal(units)[unit], rng.standard_normal(times)[time]
    x = level + common + rng.standard_normal(len(unit)) * (1 + unit % 3)
    frame = pd.DataFrame({"unit": unit, "time": time, "x": x})
    frame["y"] = 0.5 * x + 2 * level - common + rng.standard_normal(len(unit))
    frame["z"] = 0.3 * frame.y - level + rng.standard_normal(len(unit))
    return frame.sample(frac=1, random_state=seed) if shuffled else frame


def tables(frame):
    return Tables({"panel": {name: frame[name].to_numpy() for name in frame}})


def by_dummies(frame, outcome="y", regressor="x"):
    return smf.ols(f"{outcome} ~ {regressor} + C(unit) + C(time)", frame).fit().params[regressor]


def slope():
    return PanelSlope("y", "x", "panel", "unit", "time")


def test_it_is_the_regression_with_dummies_and_its_error_leaves_out_units():
    frame = panel()
    found = slope()(tables(frame))
    assert found.value == pytest.approx(by_dummies(frame))
    without = np.array([by_dummies(frame[frame.unit != each]) for each in range(UNITS)])
    variance = (UNITS - 1) / UNITS * ((without - found.value) ** 2).sum()
    assert found.standard_error == pytest.approx(np.sqrt(variance))
    assert found.degrees_of_freedom == UNITS - 1


def test_a_product_leaves_out_the_same_unit_in_both_factors():
    frame = panel()
    product = PanelProduct(slope(), PanelSlope("z", "y", "panel", "unit", "time"))(tables(frame))
    assert product.value == pytest.approx(by_dummies(frame) * by_dummies(frame, "z", "y"))
    without = np.array(
        [
            by_dummies(left) * by_dummies(left, "z", "y")
            for left in (frame[frame.unit != each] for each in range(UNITS))
        ]
    )
    variance = (UNITS - 1) / UNITS * ((without - product.value) ** 2).sum()
    assert product.standard_error == pytest.approx(np.sqrt(variance))


def noisy(units=20_000, times=3, rows=10, seed=2):
    """Means of few rows: slope 0.7 between means, 0.1 within them; noise shared by x and y of a row."""
    rng = np.random.default_rng(seed)
    unit, time = np.repeat(np.arange(units), times), np.tile(np.arange(times), units)
    real, noise = rng.standard_normal(len(unit)) * 0.4, rng.standard_normal((len(unit), rows))
    x, y = real[:, None] + noise, 0.7 * real[:, None] + 0.1 * noise
    columns = {"unit": unit, "time": time, "x": x.mean(1), "y": y.mean(1)}
    for half in (0, 1):
        columns |= {f"x{half + 1}": x[:, half::2].mean(1), f"y{half + 1}": y[:, half::2].mean(1)}
    return Tables({"panel": columns}), 0.16 / (0.16 + 1 / rows)


def test_means_mix_two_slopes_halves_do_not_and_half_a_remedy_overshoots():
    data, reliability = noisy()
    of_means = slope()(data)
    mixture = reliability * 0.7 + (1 - reliability) * 0.1
    assert of_means.value == pytest.approx(mixture, abs=4 * of_means.standard_error)
    halves = PanelSlope(("y1", "y2"), ("x1", "x2"), "panel", "unit", "time")(data)
    assert halves.value == pytest.approx(0.7, abs=4 * halves.standard_error)
    every_row = PanelSlope(("y", "y"), ("x1", "x2"), "panel", "unit", "time")(data)
    overshot = 0.7 + 0.1 / 10 / 0.16  # the instrument's half is in the outcome, too
    assert every_row.value == pytest.approx(overshot, abs=4 * every_row.standard_error)


def test_where_little_changes_the_interval_of_halves_is_fiellers_and_keeps_its_level():
    """Instruments so weak that a ratio is far from normal: the test of the truth errs in 5% all the same."""
    missed = endless = 0
    for seed in range(400):
        data, _ = noisy(units=30, rows=10, seed=seed)
        columns = dict(data.columns("panel"))
        noise = np.random.default_rng([seed, 9]).standard_normal((2, len(columns["unit"])))
        weak = Tables({"panel": columns | {"x1": columns["x1"] + noise[0], "x2": columns["x2"] + noise[1]}})
        found = PanelSlope(("y1", "y2"), ("x1", "x2"), "panel", "unit", "time")(weak)
        low, high = found.bounds()
        missed += not low <= 0.7 <= high
        endless += bool(np.isinf(high))
    reach = 4 * np.sqrt(0.05 * 0.95 / 400)
    assert missed / 400 <= 0.05 + reach and endless > 20


def test_many_cohorts_in_one_pass_are_those_one_by_one():
    frames = [panel(seed, shuffled=False) for seed in range(4)]
    many = Tables(
        {
            "panel": {
                "unit": frames[0].unit.to_numpy(),
                "time": frames[0].time.to_numpy(),
                **{name: np.stack([each[name] for each in frames]) for name in "xyz"},
            }
        }
    )
    found = slope().batch(many)
    for number, frame in enumerate(frames):
        one = slope()(tables(frame))
        assert found.one(number).value == pytest.approx(one.value)
        assert found.one(number).standard_error == pytest.approx(one.standard_error)
        assert found.one(number).degrees_of_freedom == pytest.approx(one.degrees_of_freedom)


def test_panels_with_gaps_and_columns_that_are_not_there_are_refused():
    frame = panel()
    with pytest.raises(InputError, match="unit .* has 0 rows at time"):
        slope()(tables(frame.iloc[1:]))
    with pytest.raises(InputError, match="unit .* has 2 rows at time"):
        slope()(tables(pd.concat([frame, frame.iloc[:1]])))
    with pytest.raises(InputError, match="unknown column 'w'"):
        PanelSlope("y", "w", "panel", "unit", "time")(tables(frame))
    moved = np.stack([frame.unit, frame.unit[::-1]])
    with pytest.raises(InputError, match="unit differs between cohorts"):
        slope().batch(Tables({"panel": {**{each: frame[each].to_numpy() for each in frame}, "unit": moved}}))


def test_a_regressor_that_does_not_change_within_units_is_a_failure_that_says_so():
    frame = panel().assign(x=1.0)
    with pytest.raises(ArithmeticError, match="does not change within units"):
        slope()(tables(frame))
