"""Panel models: the oracle's estimates, the real file's numbers, and solutions that no population has."""

import numpy as np
import pandas as pd
import pytest

from crmlab.data import load_univbct
from crmlab.design import Tables
from crmlab.errors import InputError
from crmlab.estimators.crosslagged import (
    MODELS,
    PanelPath,
    description,
    fit_panel,
    inadmissible,
    panel_model,
    path_table,
)
from crmlab.models.semopy_adapter import fit_by_semopy
from crmlab.models.structural import fit_statistics

A = np.array([[0.3, 0.1], [0.2, 0.25]])  # rows to, columns from


def drawn(samples, units, waves, trait=0.6, seed=1, young=False):
    """Two series that obey A, about levels of their own unless `young`: then levels enter wave by wave."""
    rng = np.random.default_rng(seed)
    level = trait * rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], (samples, units))
    state, shown = np.zeros((samples, units, 2)), []
    for _ in range(waves + (0 if young else 15)):
        state = state @ A.T + rng.standard_normal(state.shape) + (level if young else 0)
        shown.append(state + (0 if young else level))
    series = np.stack(shown[-waves:], -1)
    return series[..., 0, :], series[..., 1, :]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("equal", [True, False])
def test_estimates_are_semopys(model, equal):
    x, y = drawn(1, 1500, 4, trait=1.2)  # no variance near 0, where semopy has its bounds and we have none
    table = pd.DataFrame(
        {f"{name}{at + 1}": each[0, :, at] for name, each in (("x", x), ("y", y)) for at in range(4)}
    )
    fits = fit_panel(x[0], y[0], model, equal)
    theirs = fit_by_semopy(description(4, model, equal), table).inspect()
    for name in (each for each in fits.model.names if "_to_" in each):
        source, target, wave = name[0], name[5], name[7:] or "2"
        prefix = "w" if model == "random intercepts" else ""
        row = theirs[
            (theirs.lval == f"{prefix}{target}{wave}")
            & (theirs.op == "~")
            & (theirs.rval == f"{prefix}{source}{int(wave) - 1}")
        ].iloc[0]
        value, error = fits.parameter(name)
        assert value[0] == pytest.approx(float(row.Estimate), abs=2e-5), name
        assert error[0] == pytest.approx(float(row["Std. Err"]), rel=2e-3), name


@pytest.mark.parametrize("waves, freedom", [(3, (4, 1)), (4, (12, 9)), (6, (40, 37))])
def test_degrees_of_freedom_with_free_paths(waves, freedom):
    pairs = 2 * waves * (2 * waves + 1) // 2
    for model, traits in (("cross-lagged", 0), ("random intercepts", 3)):
        assert panel_model(waves, model, equal=False).degrees_of_freedom == (
            pairs - 3 * waves - 4 * (waves - 1) - traits
        )
    found = [panel_model(waves, each, equal=False).degrees_of_freedom for each in MODELS[:2]]
    assert tuple(found) == freedom


def test_each_model_is_right_in_its_own_world_and_wrong_in_anothers():
    settled, young = drawn(50, 1000, 5), drawn(50, 1000, 5, young=True)
    bias = {
        (model, name): fit_panel(*series, model).parameter("x_to_y")[0].mean() - A[1, 0]
        for model in MODELS
        for name, series in (("settled", settled), ("young", young))
    }
    assert bias["cross-lagged", "settled"] > 0.03
    assert abs(bias["random intercepts", "settled"]) < 0.01
    assert abs(bias["dynamic panel", "settled"]) < 0.01
    assert abs(bias["dynamic panel", "young"]) < 0.01
    assert bias["random intercepts", "young"] > 0.02


def test_inadmissible_solutions_are_kept_told_and_unbiased():
    x, y = drawn(400, 300, 4, trait=0.0)
    fits = fit_panel(x, y)
    strange = inadmissible(fits)
    assert fits.converged.mean() > 0.99
    assert 0.6 < strange.mean() < 0.99
    value, error = fits.parameter("x_to_y")
    assert np.nanmean(value) == pytest.approx(A[1, 0], abs=4 * np.nanstd(value) / 20)
    assert np.nanmean(value[~strange]) != pytest.approx(np.nanmean(value), abs=1e-4)
    assert 0.92 < np.nanmean(np.abs(value - A[1, 0]) < 1.96 * error) < 0.98
    settled = fit_panel(*drawn(100, 2000, 4, trait=1.0))
    assert not inadmissible(settled).any()


def test_a_sample_is_fitted_as_it_is_among_others():
    x, y = drawn(3, 200, 4)
    many, one = fit_panel(x, y, robust=True), fit_panel(x[1], y[1], robust=True)
    for name in many.model.names:
        assert many.parameter(name)[0][1] == pytest.approx(one.parameter(name)[0][0], abs=1e-8)
        assert many.parameter(name)[1][1] == pytest.approx(one.parameter(name)[1][0], rel=1e-6)


def test_the_sandwich_is_right_where_the_information_is_not():
    """Errors whose size depends on the state: the information counts on errors that do not."""
    rng = np.random.default_rng(2)
    x, y = np.zeros((400, 300, 6)), np.zeros((400, 300, 6))
    for wave in range(1, 6):
        now = 0.3 * x[..., wave - 1]
        x[..., wave] = now + rng.standard_normal(now.shape) * np.sqrt(1 + 0.4 * x[..., wave - 1] ** 2)
        y[..., wave] = rng.standard_normal(now.shape) * np.sqrt(1 + 0.4 * x[..., wave - 1] ** 2)
    x, y = x[..., 2:], y[..., 2:]
    ratios = []
    for robust in (False, True):
        value, error = fit_panel(x, y, "cross-lagged", robust=robust).parameter("x_to_y")
        ratios.append(np.nanmean(error) / np.nanstd(value))
    assert ratios[0] < 0.85
    assert ratios[1] == pytest.approx(1, abs=0.12)


def test_what_cannot_be_fitted_is_refused():
    x, y = drawn(1, 50, 3)
    with pytest.raises(InputError, match="unknown model 'random'"):
        fit_panel(x, y, "random")
    with pytest.raises(InputError, match="waves is 2; the random intercepts model with equal paths needs"):
        fit_panel(x[..., :2], y[..., :2])
    with pytest.raises(InputError, match="dynamic panel model with free paths needs at least 4"):
        fit_panel(x, y, "dynamic panel", equal=False)
    with pytest.raises(InputError, match="both need"):
        fit_panel(x, y[..., :2])
    x[0, 7, 1] = np.nan
    with pytest.raises(InputError, match="1 units have missing values in x or y, the first being row 7"):
        fit_panel(x, y)


# -- soldiers ---------------------------------------------------------------------------------------------


def soldiers(model, equal):
    answers = load_univbct().dropna().to_numpy()
    assert len(answers) == 412
    fits = fit_panel(answers[:, :3], answers[:, 3:], model, equal)
    statistics = {name: float(np.squeeze(value)) for name, value in fit_statistics(fits).items()}
    paths = {name: tuple(row) for name, row in path_table(fits).iterrows()}
    assert len(paths) == (4 if equal else 8)
    return paths, statistics, fits


@pytest.mark.parametrize(
    "model, equal, freedom, chi_square, expected",
    [
        (
            "cross-lagged",
            False,
            4,
            47.3,
            {"x_to_y_2": (0.077, 0.040), "x_to_y_3": (0.054, 0.039), "y_to_x_2": (0.093, 0.053)},
        ),
        (
            "random intercepts",
            False,
            1,
            0.38,
            {
                "x_to_y_2": (0.189, 0.061),
                "x_to_y_3": (0.200, 0.081),
                "y_to_x_2": (0.141, 0.122),
                "y_to_x_3": (0.012, 0.093),
            },
        ),
        ("random intercepts", True, 5, 3.62, {"x_to_y": (0.192, 0.0565), "y_to_x": (0.073, 0.081)}),
    ],
)
def test_soldiers_whose_traits_hide_a_path(real_data, model, equal, freedom, chi_square, expected):
    paths, statistics, fits = soldiers(model, equal)
    assert statistics["degrees_of_freedom"] == freedom
    assert statistics["chi_square"] == pytest.approx(chi_square, abs=0.05)
    for name, numbers in expected.items():
        assert paths[name] == pytest.approx(numbers, abs=0.0011), name
    assert not inadmissible(fits).any()


def test_the_share_of_traits_among_soldiers(real_data):
    fits = soldiers("random intercepts", False)[2]
    value = dict(zip(fits.model.names, fits.values[0]))
    for series, share in (("x", 0.212), ("y", 0.417)):
        trait, rest = value[f"trait_{series} ~~ trait_{series}"], value[f"w{series}1 ~~ w{series}1"]
        assert trait / (trait + rest) == pytest.approx(share, abs=0.002)


def few_units(seed, units=60, waves=12):
    """Two series with matching traits, alike shocks in all waves, and no path between them."""
    rng = np.random.default_rng(seed)
    level = rng.standard_normal((units, 1))
    series = []
    for _ in range(2):
        moved, rows = np.zeros(units), []
        for _ in range(12 + waves):
            moved = 0.3 * moved + 0.3 * rng.standard_normal(units)
            rows.append(moved)
        series.append(0.5 * level + 0.2 * rng.standard_normal((units, 1)) + np.array(rows[-waves:]).T)
    return series


def test_with_few_units_alike_shocks_keep_the_likelihoods_errors_honest():
    """Shocks' variances wave by wave are noisy weights, which the errors do not know of."""
    series = [np.stack(side) for side in zip(*(few_units(seed) for seed in range(300)))]
    pull = {}
    for alike in (False, True):
        fits = fit_panel(*series, alike=alike)
        value, error = fits.parameter("x_to_y")
        assert abs(value.mean()) < 4 * value.std() / np.sqrt(300)
        pull[alike] = value.std() / error.mean()
    assert pull[True] < pull[False] and pull[True] == pytest.approx(1, abs=4 / np.sqrt(600))


def test_shocks_that_are_alike_have_one_name_and_cost_fewer_parameters():
    free, alike = (fit_panel(*few_units(1), alike=each).model.names for each in (False, True))
    assert {"new_x", "new_y", "new_xy"} <= set(alike)
    assert len(free) - len(alike) == 3 * 10  # eleven waves' three moments are those of one


def test_a_path_says_which_errors_it_has():
    x, y = few_units(2)
    tables = Tables({"panel": {"x": x.ravel()}})

    def series(_):
        return x[None], y[None]

    plain = PanelPath(series, "x_to_y", robust=False, alike=True)(tables)
    fitted = fit_panel(x, y, alike=True).parameter("x_to_y")
    assert [plain.value, plain.standard_error] == pytest.approx([each[0] for each in fitted])
    assert plain.degrees_of_freedom == 59
    assert np.isinf(PanelPath(series, "x_to_y")(tables).degrees_of_freedom)
