"""lavaan's published examples to the printed digit, and semopy's numbers where both count alike."""

import numpy as np
import pytest
import semopy
from semopy.examples import holzinger39, political_democracy

from crmlab.models.semopy_adapter import fit_by_semopy
from crmlab.models.structural import fit_structural

THREE_FACTORS = """
visual  =~ x1 + x2 + x3
textual =~ x4 + x5 + x6
speed   =~ x7 + x8 + x9
"""

# What lavaan's tutorial (lavaan.ugent.be/tutorial) prints: estimate, standard error, standardised.
HOLZINGER = {
    ("visual", "=~", "x2"): (0.554, 0.100, 0.424),
    ("visual", "=~", "x3"): (0.729, 0.109, 0.581),
    ("textual", "=~", "x5"): (1.113, 0.065, 0.855),
    ("textual", "=~", "x6"): (0.926, 0.055, 0.838),
    ("speed", "=~", "x8"): (1.180, 0.165, 0.723),
    ("speed", "=~", "x9"): (1.082, 0.151, 0.665),
    ("visual", "~~", "textual"): (0.408, 0.074, 0.459),
    ("visual", "~~", "speed"): (0.262, 0.056, 0.471),
    ("textual", "~~", "speed"): (0.173, 0.049, 0.283),
    ("x1", "~~", "x1"): (0.549, 0.114, 0.404),
    ("x2", "~~", "x2"): (1.134, 0.102, 0.821),
    ("x9", "~~", "x9"): (0.566, 0.071, 0.558),
    ("visual", "~~", "visual"): (0.809, 0.145, 1.000),
    ("speed", "~~", "speed"): (0.384, 0.086, 1.000),
}
HOLZINGER_FIT = {
    "chi_square": 85.306,
    "degrees_of_freedom": 24,
    "baseline_chi_square": 918.852,
    "baseline_degrees_of_freedom": 36,
    "cfi": 0.931,
    "tli": 0.896,
    "log_likelihood": -3737.745,
    "aic": 7517.490,
    "bic": 7595.339,
    "rmsea": 0.092,
    "rmsea_low": 0.071,
    "rmsea_high": 0.114,
    "srmr": 0.065,
}
DEMOCRACY = {
    ("ind60", "=~", "x2"): (2.180, 0.139, 0.973),
    ("ind60", "=~", "x3"): (1.819, 0.152, 0.872),
    ("dem60", "=~", "y2"): (1.257, 0.182, 0.717),
    ("dem60", "=~", "y4"): (1.265, 0.145, 0.846),
    ("dem65", "=~", "y8"): (1.266, 0.158, 0.828),
    ("dem60", "~", "ind60"): (1.483, 0.399, 0.447),
    ("dem65", "~", "ind60"): (0.572, 0.221, 0.182),
    ("dem65", "~", "dem60"): (0.837, 0.098, 0.885),
    ("y1", "~~", "y5"): (0.624, 0.358, 0.296),
    ("y2", "~~", "y4"): (1.313, 0.702, 0.273),
    ("y2", "~~", "y6"): (2.153, 0.734, 0.356),
    ("y6", "~~", "y8"): (1.356, 0.568, 0.338),
    ("x1", "~~", "x1"): (0.082, 0.019, 0.154),
    ("y2", "~~", "y2"): (7.373, 1.374, 0.486),
    ("dem60", "~~", "dem60"): (3.956, 0.921, 0.800),
    ("dem65", "~~", "dem65"): (0.172, 0.215, 0.039),
}
DEMOCRACY_FIT = {
    "chi_square": 38.125,
    "degrees_of_freedom": 35,
    "p_value": 0.329,
    "cfi": 0.995,
    "tli": 0.993,
    "rmsea": 0.035,
    "rmsea_low": 0.0,
    "rmsea_high": 0.092,
    "srmr": 0.044,
}


def assert_printed(fit, parameters, statistics):
    table = fit.table.set_index(["left", "operator", "right"])[["estimate", "standard_error", "standardised"]]
    for key, printed in parameters.items():
        assert table.loc[key].to_numpy() == pytest.approx(printed, abs=0.0005001), key
    for name, printed in statistics.items():
        assert fit.statistics[name] == pytest.approx(printed, abs=0.0005001), name


def test_holzinger_and_swineford_as_printed():
    assert_printed(fit_structural(THREE_FACTORS, holzinger39.get_data()), HOLZINGER, HOLZINGER_FIT)


def test_political_democracy_as_printed():
    data = political_democracy.get_data()
    assert_printed(fit_structural(political_democracy.get_model(), data), DEMOCRACY, DEMOCRACY_FIT)


@pytest.mark.parametrize(
    "equal, chi_square, freedom, cfi, rmsea, srmr",
    [
        ((), 115.851, 48, 0.923, 0.097, 0.068),
        (("loadings",), 124.044, 54, 0.921, 0.093, 0.072),
        (("loadings", "intercepts"), 164.103, 60, 0.882, 0.107, 0.082),
    ],
)
def test_invariance_of_two_schools_as_printed(equal, chi_square, freedom, cfi, rmsea, srmr):
    fit = fit_structural(THREE_FACTORS, holzinger39.get_data(), groups="school", equal=equal, means=True)
    wanted = {
        "chi_square": chi_square,
        "degrees_of_freedom": freedom,
        "cfi": cfi,
        "rmsea": rmsea,
        "srmr": srmr,
    }
    for name, printed in wanted.items():
        assert fit.statistics[name] == pytest.approx(printed, abs=0.0005001), name


@pytest.mark.parametrize(
    "description, data",
    [(political_democracy.get_model(), political_democracy.get_data), (THREE_FACTORS, holzinger39.get_data)],
)
def test_semopy_converged_tightly_has_the_same_maximum(description, data):
    table = data()
    ours, theirs = fit_structural(description, table), fit_by_semopy(description, table)
    listed = theirs.inspect()
    free = listed[listed["Std. Err"] != "-"]
    swap = {"~": "=~"}
    for row in free.itertuples(index=False):
        names = [f"{row[0]} {row[1]} {row[2]}", f"{row[2]} {swap.get(row[1], row[1])} {row[0]}"]
        name = next(each for each in names if each in ours.values)
        assert ours.values[name] == pytest.approx(float(row[3]), abs=2e-4), name
        assert np.sqrt(ours.covariance.loc[name, name]) == pytest.approx(float(row[4]), abs=2e-4), name
    statistics = semopy.calc_stats(theirs).loc["Value"]
    assert ours.statistics["chi_square"] == pytest.approx(float(statistics["chi2"]), abs=1e-5)
    assert ours.statistics["rmsea"] == pytest.approx(float(statistics["RMSEA"]), abs=1e-3)
