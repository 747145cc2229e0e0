"""The engine: derivatives are derivatives, errors are spreads over samples, bounds hold."""

import numpy as np
import pandas as pd
import pytest

from crmlab.design.calibration import ranks, uniformity
from crmlab.errors import InputError
from crmlab.models.semopy_adapter import fit_by_semopy
from crmlab.models.structural import Moments, NotConverged, StructuralModel, fit_structural
from crmlab.models.structural.engine import Likelihood

MEDIATION = """
attitude =~ a1 + a2 + a3
habit =~ h1 + h2 + h3
attitude ~ a*rating
habit ~ b*attitude + d*rating
"""


def market(samples, rows, seed=1, tail=False):
    """Cases of the mediation model: rating, attitude and habit items, of shape (samples, rows, 7)."""
    rng = np.random.default_rng(seed)
    draw = (
        (lambda: rng.standard_t(5, (samples, rows)) / np.sqrt(5 / 3))
        if tail
        else (lambda: rng.standard_normal((samples, rows)))
    )
    rating = draw()
    attitude = 0.5 * rating + np.sqrt(0.75) * draw()
    habit = 0.4 * attitude + 0.2 * rating + 0.85 * draw()
    items = [weight * trait + 0.6 * draw() for trait in (attitude, habit) for weight in (0.8, 0.7, 0.9)]
    return dict(zip(["rating", "a1", "a2", "a3", "h1", "h2", "h3"], [rating, *items]))


def stacked(model, columns):
    return np.stack([columns[name] for name in model.observed], -1)


@pytest.fixture
def model():
    return StructuralModel(MEDIATION)


@pytest.mark.parametrize("means", [False, True])
def test_the_score_is_the_likelihoods_derivative(means):
    model = StructuralModel(MEDIATION + "a2 ~~ 0.1*h2\nh1 ~~ e*h1\nh2 ~~ e*h2", means=means)
    moments = Moments.of(stacked(model, market(2, 300)))
    likelihood = Likelihood(model.layouts, [moments], len(model.names))
    which = np.arange(2)
    values = model._start([moments]) + 0.05
    score, information = likelihood.derivatives(likelihood.states(values, which))
    for at in range(len(model.names)):
        step = np.zeros(len(model.names))
        step[at] = 1e-6
        rise = likelihood.height(likelihood.states(values + step, which))
        rise = rise - likelihood.height(likelihood.states(values - step, which))
        assert score[:, at] == pytest.approx(-rise / 4e-6, abs=1e-6), model.names[at]
    assert np.linalg.eigvalsh(information).min() > 0


def test_the_information_is_the_scores_variance(model):
    columns = market(1, 200_000)
    fits = model.fit(stacked(model, columns))
    states = fits.likelihood.states(fits.values, np.arange(1))
    products = fits.likelihood.case_products(states, [stacked(model, columns)])
    information = fits.likelihood.derivatives(states)[1]
    scale = 1 / np.sqrt(np.diagonal(information[0]))
    assert products[0] * np.outer(scale, scale) == pytest.approx(
        information[0] * np.outer(scale, scale), abs=0.03
    )


def test_errors_are_spreads_over_samples(model):
    columns = market(800, 300)
    fits = model.fit(stacked(model, columns))
    assert fits.converged.all()
    for name in ("a", "b", "d", "attitude =~ a2", "habit ~~ habit", "h3 ~~ h3"):
        value, error = fits.parameter(name)
        assert error.mean() == pytest.approx(value.std(), rel=0.1), name
    value, error = fits.indirect_effect("rating", "attitude", "habit")
    assert error.mean() == pytest.approx(value.std(), rel=0.1)
    assert abs(value.mean() - 0.5 * 0.8 * 0.4) < 4 * value.std() / np.sqrt(800) + 0.005


def test_intervals_keep_their_promise_at_every_level(model):
    """Simulation-based calibration; errors that are made a quarter too small are seen."""
    value, error = model.fit(stacked(model, market(1000, 400))).parameter("a")
    truth = 0.8 * 0.5  # in the unit of the first item
    assert uniformity(ranks(value, error, truth)).uniform
    assert not uniformity(ranks(value, 0.75 * error, truth)).uniform


def test_robust_errors_hold_where_tails_are_heavy(model):
    columns = market(600, 400, tail=True)
    cases = stacked(model, columns)
    fits = model.fit(cases)
    robust = fits.robust(cases)
    name = "h3 ~~ h3"
    spread = fits.parameter(name)[0].std()
    assert robust.parameter(name)[1].mean() == pytest.approx(spread, rel=0.12)
    assert fits.parameter(name)[1].mean() < 0.88 * spread
    assert (robust.values == fits.values).all()


def test_a_stack_is_its_samples_one_by_one(model):
    cases = stacked(model, market(6, 200))
    together = model.fit(cases, robust=True)
    for at in range(6):
        alone = model.fit(cases[at : at + 1], robust=True)
        assert together.values[at] == pytest.approx(alone.values[0], rel=1e-8, abs=1e-10)
        assert together.covariance[at] == pytest.approx(alone.covariance[0], rel=1e-6, abs=1e-12)


def test_units_change_nothing_but_units(model):
    columns = market(1, 300)
    scaled = columns | {"a1": 100 * columns["a1"], "h2": columns["h2"] / 50, "rating": 7 * columns["rating"]}
    one, other = model.fit(stacked(model, columns)), model.fit(stacked(model, scaled))
    assert other.parameter("a")[0] == pytest.approx(one.parameter("a")[0] * 100 / 7, rel=1e-6)
    assert other.parameter("habit =~ h2")[0] == pytest.approx(one.parameter("habit =~ h2")[0] / 50, rel=1e-6)
    shown, again = one.standardised(), other.standardised()
    assert shown[0] == pytest.approx(again[0], abs=1e-6) and shown[1] == pytest.approx(again[1], abs=1e-5)


def test_standardised_errors_are_spreads_over_samples(model):
    fits = model.fit(stacked(model, market(800, 300)))
    values, errors = fits.standardised()
    for at, term in enumerate(model.description.terms):
        if term.kind in ("loadings", "regressions"):
            assert errors[:, at].mean() == pytest.approx(values[:, at].std(), rel=0.12), term


def test_dividing_columns_by_sample_deviations_makes_errors_too_large():
    """Why errors come from the delta method: the same standardised effect, and its error both ways."""
    model = StructuralModel(MEDIATION)
    cases = stacked(model, market(400, 300))
    value, error = model.fit(cases).indirect_effect("rating", "attitude", "habit", deviations_of="h1")
    naive = model.fit(cases / cases.std(1, keepdims=True)).indirect_effect("rating", "attitude", "habit")
    spread = (model.observed.index("rating"), model.observed.index("h1"))
    assert naive[0] / cases[:, :, spread[0]].std(1) == pytest.approx(value, rel=0.02)
    assert error.mean() == pytest.approx(value.std(), rel=0.08)
    assert naive[1].mean() > 1.03 * error.mean()


def test_moments_derivative_gives_the_same_errors(model):
    """An estimate's derivative in the covariances, times their own errors, is the sandwich's error."""
    columns = market(3, 500)
    cases = stacked(model, columns)
    fits = model.fit(cases)

    def effect(v):
        return v["a"] * v["b"]

    value, weights = fits.in_moments(effect)
    centred = cases - cases.mean(1, keepdims=True)
    influence = ((centred @ weights) * centred).sum(-1)
    influence -= influence.mean(1, keepdims=True)
    error = np.sqrt((influence**2).sum(1)) / 500
    assert value == pytest.approx(fits.combine(effect)[0])
    assert error == pytest.approx(fits.robust(cases).combine(effect)[1], rel=0.05)


# -- bounds and failures ----------------------------------------------------------------------------------


@pytest.fixture
def heywood():
    """A sample whose second item has a negative variance of its own at the free maximum."""
    covariance = np.array([[1.0, 0.75, 0.5], [0.75, 1.0, 0.72], [0.5, 0.72, 1.0]])
    root = np.linalg.cholesky(covariance)
    noise = np.random.default_rng(1).standard_normal((200, 3))
    noise = (noise - noise.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(noise.T, bias=True))).T
    return pd.DataFrame(noise @ root.T, columns=["x", "y", "z"])


def test_a_heywood_case_stays_at_its_bound_and_is_told(heywood):
    free = fit_structural("f =~ x + y + z", heywood, bounds=False)
    held = fit_structural("f =~ x + y + z", heywood)
    assert free.values["y ~~ y"] < -0.01 and free.boundary == ["y ~~ y"]
    assert held.values["y ~~ y"] == 0 and held.boundary == ["y ~~ y"]
    assert "at their bound of 0: y ~~ y" in repr(held)
    theirs = fit_by_semopy("f =~ x + y + z", heywood).inspect()
    for row in theirs.itertuples(index=False):
        name = f"{row[2]} =~ {row[0]}" if row[1] == "~" else f"{row[0]} ~~ {row[2]}"
        if name in held.values:
            assert held.values[name] == pytest.approx(float(row[3]), abs=1e-4), name
    assert free.fits.height[0] < held.fits.height[0]


def test_what_data_do_not_identify_is_told():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.standard_normal((300, 4)), columns=list("abcd"))
    with pytest.raises(NotConverged, match="identify|no maximum"):
        fit_structural("f =~ NA*a + b + c + d", table)  # a factor without a unit


def test_one_bad_sample_spoils_no_other(model):
    cases = stacked(model, market(4, 200))
    good = model.fit(cases)
    cases = cases.copy()
    cases[2, :, model.observed.index("a2")] = cases[2, :, model.observed.index("a1")]  # singular
    mixed = model.fit(cases)
    assert mixed.converged.tolist() == [True, True, False, True]
    assert np.isnan(mixed.parameter("a")[0]).tolist() == [False, False, True, False]
    for at in (0, 1, 3):
        assert mixed.values[at] == pytest.approx(good.values[at], rel=1e-8)


@pytest.mark.parametrize(
    "description, message",
    [
        ("", "empty"),
        ("a = b", "cannot be read"),
        ("f =~ a + 2b", "'2b' in the line"),
        ("y ~ a*b*c", "neither a number nor a name"),
        ("y ~ x + x", "gives y ~ x twice"),
        ("a ~~ b\nb ~~ a", "twice"),
        ("y ~ y", "leads from a variable to itself"),
        ("f =~ a + b", "more than the moments of a, b can tell"),
    ],
)
def test_descriptions_that_cannot_be_are_refused(description, message):
    with pytest.raises(InputError, match=message):
        StructuralModel(description)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t: t.drop(columns="a2"), "unknown column 'a2'"),
        (lambda t: t.assign(a2=t.a2.where(t.index != 7)), "'a2': 1.* in rows 7;"),
        (lambda t: t.assign(h1=1.0), "columns h1 do not vary"),
        (lambda t: t.head(6), "6 rows for 7 variables"),
    ],
)
def test_tables_that_cannot_be_fitted_are_refused(change, message):
    table = pd.DataFrame({name: values[0] for name, values in market(1, 60).items()})
    with pytest.raises(InputError, match=message):
        fit_structural(MEDIATION, change(table))


def test_unknown_names_are_refused(model):
    fits = model.fit(stacked(model, market(1, 100)))
    with pytest.raises(InputError, match="unknown parameter 'z'"):
        fits.combine(lambda v: v["z"])
    with pytest.raises(InputError, match="no path from habit to rating"):
        fits.indirect_effect("attitude", "habit", "rating")
    with pytest.raises(InputError, match="unknown kind of parameter 'thresholds'"):
        StructuralModel(MEDIATION, ["a", "b"], equal=["thresholds"])


def test_effects_add_up(model):
    fits = model.fit(stacked(model, market(5, 300)))
    total, _ = fits.total_effect("rating", "habit")
    direct, _ = fits.parameter("d")
    assert total == pytest.approx(direct + fits.indirect_effect("rating", "attitude", "habit")[0])
    assert fits.total_effect("habit", "rating")[0] == pytest.approx(0)
