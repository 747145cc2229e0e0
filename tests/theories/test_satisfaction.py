"""Lesson 04's design: its truth is what large cohorts show, its estimators are statsmodels', as its prose."""

from dataclasses import replace

import nbformat
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.sandbox.regression.gmm import IV2SLS

from crmlab.data import ecsi, load_mobi, verified
from crmlab.design import EstimationFailed
from crmlab.errors import InputError
from crmlab.mechanisms.disconfirmation import changes
from crmlab.models.pls import fit_pls
from crmlab.models.reliability import cronbach_alpha
from crmlab.theories import satisfaction as theory
from crmlab.theories.satisfaction import LAST, SatisfactionMarket, design

LARGE = 200_000
PRESETS = ["null", "literature", "claim", "trap"]


@pytest.fixture(scope="module")
def large():
    """One large cohort of each preset."""
    made = {}
    return lambda preset: made.setdefault(
        preset, design.preset(preset).replace(n_customers=LARGE).simulate(11)
    )


@pytest.fixture(scope="module")
def cohort():
    return design.preset("literature").simulate(3)


# -- what is true ------------------------------------------------------------------------------------------


def test_which_claims_hold_where():
    true = {
        name: {
            each.name
            for each in design.hypotheses
            if each.holds(each.estimand(design.preset(name).parameters))
        }
        for name in PRESETS
    }
    drivers = {"H4a", "H4b", "H4c", "H4d"}
    assert true == {
        "null": set(),
        "literature": {"H1", "H1a", "H2", "H3", "H3a"} | drivers,
        "claim": {"H1", "H1a", "H1b", "H2", "H3", "H3a"} | drivers,
        "trap": {"H1", "H4a", "H4b"},
    }


def test_the_null_and_the_trap_stand_at_the_edge():
    null, trap = design.preset("null"), design.preset("trap")
    for name in ("H1", "H2", "H3", "H3a", "H4a", "H4b", "H4c", "H4d"):
        assert null.hypothesis(name).estimand(null.parameters) == 0, name
    assert null.hypothesis("H1b").truth(null.parameters) == pytest.approx(theory.MARGIN, abs=1e-9)
    for name in ("H1a", "H2", "H3", "H3a", "H4c", "H4d"):
        assert trap.hypothesis(name).estimand(trap.parameters) == 0, name


def test_expectation_and_satisfaction_correlate_as_in_the_meta_analysis(large):
    expected = SatisfactionMarket().population.expectation_and_satisfaction
    assert round(expected, 2) == 0.29 and 0.24 < expected < 0.34
    truth = large("literature").truth
    assert np.corrcoef(truth.expectation, truth.satisfaction)[0, 1] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_survey_is_as_its_parameters_say(preset, large):
    cohort, p = large(preset), design.preset(preset).parameters
    truth, customers = cohort.truth, cohort.customers
    assert np.std(truth.expectation) == pytest.approx(1, abs=0.01) and np.std(
        truth.experience
    ) == pytest.approx(1, abs=0.01)
    assert np.corrcoef(truth.expectation, truth.experience)[0, 1] == pytest.approx(
        p.population.agreement, abs=0.01
    )
    mean, spread = p.population.surprise
    assert customers.gap.mean() == pytest.approx(mean, abs=0.01) and customers.gap.std() == pytest.approx(
        spread, abs=0.01
    )
    assert (customers.gap < 0).mean() == pytest.approx(p.population.share_disappointed, abs=0.005)
    assert p.population.moments == pytest.approx(
        (truth.satisfaction.mean(), truth.satisfaction.std()), abs=0.01
    )
    assert customers.rating.mean() == pytest.approx(theory.average_rating(p), abs=0.02)
    between = np.corrcoef(customers[list(theory.DRIVERS)].T)[np.triu_indices(4, 1)]
    assert between == pytest.approx(np.full(6, p.halo), abs=0.01)


@pytest.mark.parametrize("preset", PRESETS)
def test_slopes_are_what_regressions_of_the_latent_find(preset, large):
    """By Stein's lemma; the latent satisfaction, which no estimator is given, is in probit units."""
    truth, p = large(preset).truth, design.preset(preset).parameters
    frame = pd.DataFrame({"S": truth.satisfaction, "E": truth.expectation, "P": truth.experience})
    frame["D"] = frame.P - frame.E
    assert smf.ols("S ~ E + D", frame).fit().params["D"] == pytest.approx(
        p.population.slope_of_surprise, abs=0.02
    )
    assert smf.ols("S ~ E + P", frame).fit().params["E"] == pytest.approx(
        p.population.slope_of_expectation, abs=0.02
    )


@pytest.mark.parametrize("preset, promise", [(name, 0.0) for name in PRESETS] + [("literature", 0.7)])
def test_slopes_in_rating_points_are_what_regressions_find(preset, promise):
    market = design.preset(preset).replace(n_customers=LARGE, promise=promise)
    customers, p = market.simulate(12).customers, market.parameters
    surface = smf.ols(
        "rating ~ expected + experienced + I(expected**2) + expected:experienced + I(experienced**2)",
        customers,
    ).fit(cov_type="HC1")
    along = surface.t_test("expected + experienced = 0")
    assert abs(along.effect.item() - theory.slope_along_agreement(p)) < 4 * along.sd.item()
    drivers = smf.ols(theory.ALL_DRIVERS, customers).fit(cov_type="HC1")
    for name in theory.DRIVERS:
        assert abs(drivers.params[name] - theory.effect_of_driver(p, name)) < 4 * drivers.bse[name], name


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"promise": 0.8},
        {"adaptation": 0.0},
        {"optimism": 0.0, "adaptation": 0.8},
        {"expectation_effect": 0.7, "gain_slope": 0.7, "loss_slope": 0.7},
    ],
)
def test_the_lift_is_what_a_large_panel_shows(changes):
    market = design.replace(n_customers=LARGE, **changes)
    panel = market.simulate(13).panel
    for wave in range(LAST + 1):
        means = panel.groupby("treated")[[f"satisfied_{wave}", f"expected_{wave}"]].agg(["mean", "sem"])
        for column, truth in (
            (f"satisfied_{wave}", market.parameters.panel.satisfaction_lift(wave)),
            (f"expected_{wave}", market.parameters.panel.expectation_lift(wave)),
        ):
            difference = means[column, "mean"].diff().iloc[1]
            assert abs(difference - truth) < 4 * np.hypot(*means[column, "sem"]), (wave, column)


def test_without_noise_the_lift_is_the_formula_of_the_exercise():
    """From E = P and a good surprise: ``β⁺ (1 - α)^k ΔP + β_E ΔP (1 - (1 - α)^k)``."""
    p = SatisfactionMarket(optimism=0.0, expectation_shock=0.01, step=2.0)
    panel = replace(p.panel, experience_noise=0.0)
    for visit in range(LAST):
        kept = (1 - p.adaptation) ** visit
        expected = p.gain_slope * kept * p.step + p.expectation_effect * p.step * (1 - kept)
        assert panel.satisfaction_lift(visit + 1) == pytest.approx(expected, abs=0.01)


def test_one_slope_for_all_leaves_experience_alone():
    p = design.preset("trap").parameters
    expectation = np.array([-2.0, 0.0, 1.0, 2.0])
    same_experience = p.disconfirmation.index(expectation, 0.5 - expectation)
    assert np.ptp(same_experience) < 1e-12 and p.population.slope_of_expectation == pytest.approx(0)


def test_paths_that_explain_too_much_are_refused():
    with pytest.raises(InputError, match="the paths that lead to experience explain 2.96 of its variance"):
        SatisfactionMarket(quality_to_experience=0.9, service_to_experience=0.9)
    with pytest.raises(InputError, match="the paths that lead to expectation explain"):
        SatisfactionMarket(quality_to_expectation=0.9, brand_to_expectation=0.9)


# -- estimators ---------------------------------------------------------------------------------------------


def test_the_ordered_probits_are_statsmodels(cohort):
    customers = cohort.customers
    terms = pd.DataFrame(
        {"expected": customers.expected, "gap": customers.gap, "loss": np.minimum(customers.gap, 0)}
    )
    fit = OrderedModel(customers.rating, terms, distr="probit").fit(
        method="bfgs", maxiter=1000, gtol=1e-7, disp=False
    )
    share, n = (customers.gap < 0).mean(), len(customers)
    tests = design.only("H1", "H1a", "H2").test(cohort).set_index(["hypothesis", "estimator"])
    for name, weights in (("H1", [0, 1, share]), ("H1a", [1, -1, -share]), ("H2", [0, 0, 1])):
        known = fit.t_test(weights + [0] * 6)
        row = tests.loc[name, "ordered probit"]
        assert row.estimate == pytest.approx(known.effect.item(), abs=1e-4)
        share_is_estimated = fit.params["loss"] ** 2 * share * (1 - share) / n if name != "H2" else 0.0
        assert row.standard_error == pytest.approx(
            np.hypot(known.sd.item(), np.sqrt(share_is_estimated)), rel=1e-3
        )
    gap = OrderedModel(customers.rating, customers[["gap"]], distr="probit").fit(
        method="bfgs", gtol=1e-7, disp=False
    )
    assert tests.loc["H1", "gap score"].estimate == pytest.approx(gap.params["gap"], abs=1e-4)
    assert tests.loc["H1a", "gap score"].estimate == pytest.approx(-gap.params["gap"], abs=1e-4)
    assert tests.loc["H1a", "gap score"].standard_error == pytest.approx(gap.bse["gap"], rel=1e-3)


def test_the_kink_of_the_rating_is_least_squares_in_residual_deviations(cohort):
    fit = smf.ols("rating ~ expected + gap + I(np.minimum(gap, 0))", cohort.customers).fit(cov_type="HC1")
    found = design.hypothesis("H2").estimators["least squares"](cohort.tables)
    assert found.value == pytest.approx(fit.params.iloc[3] / np.sqrt(fit.scale))
    assert found.standard_error == pytest.approx(fit.bse.iloc[3] / np.sqrt(fit.scale))


def test_the_step_is_two_stage_least_squares_and_fixed_effects_are_dummies(cohort):
    panel = cohort.panel.head(120)
    small = design.replace(n_customers=120)
    columns = {name: panel[name].to_numpy() for name in panel}
    tables = theory.Cohort({"panel": columns, "waves": changes(columns, LAST + 1)}).tables
    estimators = small.hypothesis("H3").estimators
    by_lot = IV2SLS(
        panel.expected_2 - panel.expected_1, sm.add_constant(panel.surprise_1), sm.add_constant(panel.treated)
    ).fit()
    found = estimators["step as instrument"](tables)
    assert (found.value, found.standard_error) == pytest.approx((by_lot.params.iloc[1], by_lot.bse.iloc[1]))
    long = pd.concat(
        [
            pd.DataFrame(
                {
                    "customer": panel.index,
                    "surprise": panel[f"surprise_{wave}"],
                    "change": panel[f"expected_{wave + 1}"] - panel[f"expected_{wave}"],
                }
            )
            for wave in range(LAST)
        ]
    )
    dummies = smf.ols("change ~ surprise + C(customer)", long).fit()
    found = estimators["fixed effects"](tables)
    assert found.value == pytest.approx(dummies.params["surprise"])
    within = long - long.groupby("customer").transform("mean").reindex(columns=long.columns, fill_value=0.0)
    clustered = smf.ols("change ~ 0 + surprise", within).fit(
        cov_type="cluster", cov_kwds={"groups": long.customer}
    )
    assert found.standard_error == pytest.approx(clustered.bse["surprise"])


def test_ratings_without_variation_fail_and_say_so():
    tables = theory.Cohort(
        {"customers": {"rating": np.full(80, 7.0), "expected": np.arange(80.0), "gap": np.sin(np.arange(80))}}
    ).tables
    with pytest.raises(EstimationFailed, match="no maximum"):
        design.hypothesis("H2").estimators["ordered probit"](tables)


def test_boxes_that_nobody_ticked_do_no_harm():
    happy = (
        design.preset("trap")
        .replace(base_satisfaction=3.0, n_customers=150)
        .only("H2")
        .with_estimators("ordered probit")
    )
    ratings = happy.simulate((5, 0)).customers.rating
    assert ratings.nunique() < theory.POINTS
    assert happy.diagnose(sims=40, seed=5).table.failures.item() == 0


# -- what the lesson says in words -------------------------------------------------------------------------


def test_the_gap_score_finds_half_of_experiences_effect_where_expectation_does_nothing(large):
    customers = large("trap").customers
    fit = sm.OLS(large("trap").truth.satisfaction, sm.add_constant(customers.gap)).fit()
    assert fit.params["gap"] == pytest.approx(0.5 * design.preset("trap").parameters.gain_slope, abs=0.01)


def test_fixed_effects_exaggerate_and_optimism_hides_adaptation(large):
    for preset in PRESETS:
        tables, p = large(preset).tables, design.preset(preset).parameters
        found = {name: each(tables).value for name, each in design.hypothesis("H3").estimators.items()}
        assert found["step as instrument"] == pytest.approx(p.adaptation, abs=0.01)
        assert found["fixed effects"] > p.adaptation + 0.05
        assert found["across customers"] < p.adaptation - 0.05 or p.adaptation == 0


def test_an_error_in_expectation_leaves_the_reliability_at_equal_experience():
    for noise in (0.3, 1.0):
        market = design.replace(expectation_noise=noise, n_customers=100_000)
        found = market.hypothesis("H1a").estimators["ordered probit"](market.simulate(6).tables)
        left_open = 1 - market.parameters.population.agreement**2
        share = found.value / market.parameters.population.slope_of_expectation
        assert share == pytest.approx(left_open / (left_open + noise**2), abs=0.04)


def test_the_expectation_scale_is_half_noise_and_the_last_satisfaction_item_poor(large):
    cohort = large("literature")
    score = cohort["items"].filter(like="expectation_").mean(axis=1)
    assert 0.45 < np.corrcoef(score, cohort.truth.expectation)[0, 1] ** 2 < 0.55
    assert 0.45 < cronbach_alpha(cohort["items"].filter(like="expectation_")).value < 0.55
    satisfaction = cohort["items"].filter(like="satisfaction_")
    assert cronbach_alpha(satisfaction.iloc[:, :2]).value > cronbach_alpha(satisfaction).value


def test_the_powers_and_sizes_that_the_lesson_reads_off():
    trap = design.preset("trap").only("H1a", "H2", "H3a").diagnose(sims=300, seed=8)
    assert trap.row("H1a", "gap score", preset="trap").rejection_rate == 1
    assert trap.row("H2", "least squares", preset="trap").rejection_rate > 0.5
    assert trap.row("H3a", "treated only", preset="trap").rejection_rate == 1
    brand = design.preset("literature").only("H4d").diagnose(sims=300, seed=8).row("H4d")
    assert 0 < brand.estimand < 0.1 and brand.rejection_rate < 0.5


def test_brands_promise_eats_most_of_its_effect():
    p = SatisfactionMarket()
    silent = theory.effect_of_driver(p.replace(brand_to_expectation=0.0), "brand")
    assert theory.effect_of_driver(p, "brand") < 0.5 * silent


# -- the lesson on real data --------------------------------------------------------------------------------

PUBLISHED = {
    ("image", "expectations"): 0.5047,
    ("expectations", "quality"): 0.5572,
    ("expectations", "value"): 0.0508,
    ("quality", "value"): 0.5572,
    ("image", "satisfaction"): 0.1788,
    ("expectations", "satisfaction"): 0.0644,
    ("quality", "satisfaction"): 0.5125,
    ("value", "satisfaction"): 0.1918,
    ("satisfaction", "complaints"): 0.5261,
    ("image", "loyalty"): 0.1954,
    ("satisfaction", "loyalty"): 0.4835,
    ("complaints", "loyalty"): 0.0712,
}


def stored(name):
    return verified("mobi", lambda: pytest.fail("the stored result is asked for"), name).table


def test_the_stored_results_are_the_published_ones_and_what_the_lesson_says(monkeypatch, tmp_path):
    monkeypatch.setenv("CRMLAB_DATA", str(tmp_path))  # as where the data are not
    assert stored("04_mobi_scales").alpha.to_dict() == {
        "image": 0.72,
        "expectations": 0.45,
        "quality": 0.88,
        "value": 0.82,
        "satisfaction": 0.78,
        "loyalty": 0.47,
    }
    paths = stored("04_mobi_paths")
    assert len(paths) == 4
    for row in paths.reset_index().itertuples():
        assert row.path == pytest.approx(PUBLISHED[row.source, row.target], abs=1e-4)
    yardstick = stored("04_mobi_yardstick").round(2)
    assert yardstick.loc["overall satisfaction"].to_list() == [0.25, 0.07]
    assert yardstick.loc["expectations fulfilled"].to_list() == [0.08, 0.06]


def test_the_lessons_own_cells_find_what_is_stored(real_data, root):
    notebook = nbformat.read(root / "notebooks" / "04_satisfaction.ipynb", as_version=4)
    cells = {cell.id: cell.source for cell in notebook.cells}
    space = {"pd": pd, "OrderedModel": OrderedModel}
    for name, function in (
        ("mobi-scales", "scales"),
        ("mobi-paths", "paths"),
        ("mobi-yardstick", "yardstick"),
    ):
        exec(cells[name], space)
        digits = 2 if name == "mobi-scales" else 4
        assert verified("mobi", space[function], f"04_{name.replace('-', '_')}", digits).differs == ""
    fit = fit_pls(load_mobi(), ecsi.ITEMS, ecsi.PATHS, scheme="centroid")
    assert {(row.source, row.target): round(row.path, 4) for row in fit.paths.itertuples()} == PUBLISHED
