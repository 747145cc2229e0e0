"""Lesson 01's design: its truth is what large cohorts show, its estimators are statsmodels', as its prose."""

import nbformat
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from crmlab.data import load_kano, verified
from crmlab.data.neighbourhood import ASSETS
from crmlab.errors import InputError
from crmlab.models.kano import class_counts, kano_class, kano_classes, lean
from crmlab.models.reliability import cronbach_alpha
from crmlab.theories import needs as theory
from crmlab.theories.needs import ASPECTS, NeedsMarket, design

LARGE = 200_000
PRESETS = ["null", "literature", "claim", "trap"]
ALL = {"H1", "H2a", "H2b", "H3", "H4", "H5"}


def random_parameters(seed):
    """A market somewhere in the space of parameters."""
    rng = np.random.default_rng(seed)
    names = [
        f"{kind}_{side}" for kind in ("performance", "must_be", "attractive") for side in ("gain", "loss")
    ]
    return NeedsMarket(
        **dict(zip(names, rng.uniform(0.0, 0.9, 6))),
        need_weight=rng.uniform(0, 1),
        level=rng.uniform(-0.8, 0.8),
        skew=rng.uniform(0, 0.8),
        halo=rng.uniform(0, 0.6),
        satisfaction_to_loyalty=rng.uniform(0.2, 0.8),
        fondness_to_service=rng.uniform(0, 0.7),
        lift=rng.uniform(0.5, 2),
        adaptation=rng.uniform(0, 0.8),
        kano_gain=rng.uniform(0.5, 3),
        style=rng.uniform(0.3, 1.5),
        style_correlation=rng.uniform(-0.6, 0.6),
        yes_saying=rng.uniform(-0.5, 0.8),
    )


MARKETS = {name: design.preset(name).parameters for name in PRESETS} | {
    f"random {seed}": random_parameters(seed) for seed in (1, 2)
}
every_market = pytest.mark.parametrize("name", MARKETS)


@pytest.fixture(scope="module")
def large():
    """A large cohort of each market."""
    made = {}

    def get(name):
        if name not in made:
            market = design.replace(**{**vars(MARKETS[name]), "n_customers": LARGE})
            made[name] = market.simulate(11)
        return made[name]

    return get


@pytest.fixture(scope="module")
def cohort():
    return design.preset("literature").simulate(3)


# -- what is true ------------------------------------------------------------------------------------------


def test_which_claims_hold_where():
    true = {
        name: {each.name for each in design.hypotheses if each.holds(each.estimand(MARKETS[name]))}
        for name in PRESETS
    }
    assert true == {"null": set(), "literature": ALL, "claim": ALL, "trap": set()}
    for name in ("null", "trap"):
        assert all(each.estimand(MARKETS[name]) == 0 for each in design.hypotheses)


@every_market
def test_estimands_are_what_a_large_cohort_shows(name, large):
    tests = design.test(large(name)).groupby("hypothesis").first()
    distance = (tests.estimate - tests.truth) / tests.standard_error
    assert distance.abs().max() < 4, distance


@every_market
def test_what_the_lot_does_is_what_it_does_to_each_customer(name):
    """Potential outcomes: the same customers with the same errors, lifted and not."""
    p, rng = MARKETS[name].replace(n_customers=LARGE), np.random.default_rng(5)
    _, surprises, needs = theory._customers(p, rng)
    effects = []
    for count in (1, 2):
        ranks = np.argsort(np.argsort(rng.random((LARGE, len(ASPECTS))), axis=1), axis=1)
        lifted = {each: surprises[each] + p.lift * (ranks[:, at] < count) for at, each in enumerate(ASPECTS)}
        same = [np.random.default_rng(6) for _ in range(2)]
        effects.append(
            theory._satisfaction(p, lifted, needs, same[0])
            - theory._satisfaction(p, surprises, needs, same[1])
        )
    by_hand = p.satisfaction_to_loyalty * np.mean(effects, axis=0)
    error = by_hand.std() / np.sqrt(LARGE)
    assert by_hand.mean() == pytest.approx(theory.effect_of_surpassing(p), abs=4 * error + 1e-9)


@every_market
def test_surprises_are_as_declared(name, large):
    customers, p = large(name).customers[list(ASPECTS)], MARKETS[name]
    assert customers.mean().to_numpy() == pytest.approx(np.full(6, p.level), abs=0.015)
    assert customers.std().to_numpy() == pytest.approx(np.ones(6), abs=0.03)
    skews = customers.skew()
    for aspect, kind in ASPECTS.items():
        expected = {"performance": 0, "must-be": -1, "attractive": 1}[kind] * (p.skew > 0.1)
        assert np.sign(skews[aspect]) * (abs(skews[aspect]) > 0.1) == expected, aspect
    between = np.corrcoef(large(name).customers[["value", "information"]].T)[0, 1]
    assert between == pytest.approx(p.halo, abs=0.01)


@every_market
def test_kanos_classes_have_the_shares_of_a_large_survey(name, large):
    survey, p = large(name).kano, MARKETS[name]
    for aspect in ASPECTS:
        verdicts = kano_class(survey[f"with_{aspect}"], survey[f"without_{aspect}"])
        for letter, expected in theory.class_shares(p, aspect).items():
            assert (verdicts == letter).mean() == pytest.approx(expected, abs=0.005), (aspect, letter)


def test_a_persons_style_makes_three_fifths_of_an_answers_variance():
    p = NeedsMarket()
    assert p.style**2 / (1 + p.style**2) == pytest.approx(0.6, abs=0.005)


# -- a budget over six aspects -------------------------------------------------------------------------------


def test_gains_of_lifts_are_those_of_a_large_market(large):
    p = MARKETS["literature"]
    lifts = {"value": 0.5, "speed": 1.0, "extras": 1.5}
    customers = large("literature").customers
    by_hand = sum(
        np.mean(theory.worth(p, each, customers[each] + lift) - theory.worth(p, each, customers[each]))
        for each, lift in lifts.items()
    )
    assert theory.gain_of_lifts(p, lifts) == pytest.approx(by_hand, abs=0.005)
    assert theory.gain_of_lifts(p, {}) == 0


@pytest.mark.parametrize("level", [-1.0, 0.0, 1.0])
def test_no_other_allocation_beats_the_best(level):
    p = NeedsMarket(level=level)
    best = theory.best_lifts(p)
    assert sum(best.values()) == pytest.approx(3) and max(best.values()) <= 1.5
    others = [
        dict.fromkeys(ASPECTS, 0.5),
        {"personalisation": 1.5, "extras": 1.5},
        {"speed": 1.5, "convenience": 1.5},
        {"value": 1.5, "speed": 1.0, "extras": 0.5},
    ]
    assert all(theory.gain_of_lifts(p, best) >= theory.gain_of_lifts(p, each) - 1e-9 for each in others)


def test_where_service_falls_short_the_basics_pay_and_where_it_does_not_delight_does():
    gains = {
        level: [
            theory.gain_of_lifts(NeedsMarket(level=level), lifts)
            for lifts in ({"personalisation": 1.5, "extras": 1.5}, {"speed": 1.5, "convenience": 1.5})
        ]
        for level in (-1.0, 1.0)
    }
    assert gains[-1.0][0] < gains[-1.0][1] and gains[1.0][0] > 2 * gains[1.0][1]
    flat = MARKETS["null"]
    assert theory.gain_of_lifts(flat, theory.best_lifts(flat)) == pytest.approx(
        theory.gain_of_lifts(flat, dict.fromkeys(ASPECTS, 0.5))
    )


def test_a_budget_that_cannot_be_spent_is_refused():
    with pytest.raises(InputError, match="units is 40"):
        theory.best_lifts(NeedsMarket(), budget=20.0)
    with pytest.raises(InputError, match="unknown aspect 'price'"):
        theory.gain_of_lifts(NeedsMarket(), {"price": 1.0})


# -- the estimators ----------------------------------------------------------------------------------------


def test_the_estimators_are_statsmodels(cohort):
    found = design.test(cohort).set_index(["hypothesis", "estimator"])
    halves = smf.ols(theory.HALF_LINES, cohort.customers).fit(cov_type="HC2", use_t=True)
    plus = {"H1": theory.PRODUCTS, "H2a": ["np.minimum(speed, 0)"], "H2b": ["np.maximum(extras, 0)"]}
    minus = {"H1": [], "H2a": ["np.maximum(speed, 0)"], "H2b": ["np.minimum(extras, 0)"]}
    for name, terms in plus.items():
        weights = sum(halves.params.index == each for each in terms) / len(terms)
        test = halves.t_test(weights - sum(halves.params.index == each for each in minus[name]))
        row = found.loc[name].iloc[0]
        assert (row.estimate, row.standard_error) == pytest.approx((test.effect.item(), test.sd.item()))
    lot = smf.ols("loyalty ~ lot", cohort.experiment).fit(cov_type="HC2", use_t=True)
    assert found.loc["H3", "by lot"].estimate == pytest.approx(lot.params["lot"])
    assert found.loc["H3", "by lot"].standard_error == pytest.approx(lot.bse["lot"])


def test_the_knot_half_a_deviation_off_keeps_the_tests_size():
    """The kink test does not need to know where expectations lie to a hair."""
    shifted = {each: f"I({each} - 0.5)" for each in ASPECTS}
    text = theory.HALF_LINES
    for aspect, moved in shifted.items():
        text = text.replace(f"({aspect}, 0)", f"({moved}, 0)")
    fit = theory.LeastSquares(text, "np.maximum(I(speed - 0.5), 0)", table="customers", covariance="HC2")
    gain, loss = "np.maximum(I(speed - 0.5), 0)", "np.minimum(I(speed - 0.5), 0)"
    market = design.preset("trap")
    hypothesis = market.hypothesis("H2a")
    rejected = []
    for number in range(300):
        tables = market.simulate((7, number)).tables
        estimate = theory.Combination(fit, lambda b: b[loss] - b[gain])(tables)
        rejected.append(hypothesis.confront(estimate)["p_value"] < 0.05)
    assert np.mean(rejected) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 300)


# -- the lesson on real data --------------------------------------------------------------------------------

LESSON = "notebooks/01_needs.ipynb"
STORED = {  # cell, function in it, stored result, digits
    "sq-table": ("sq", "asymmetries", "01_sq_asymmetric", 4),
    "sq-mean": ("sq", "mean_score", "01_sq_mean_score", 3),
    "kano-assets": ("kano", "assets", "01_kano_assets", 3),
    "kano-variance": ("kano", "persons", "01_kano_persons", 3),
}


def stored(cell):
    data, _, name, _ = STORED[cell]
    return verified(data, lambda: pytest.fail("the stored result is asked for"), name).table


def test_the_stored_results_are_what_the_lesson_says(monkeypatch, tmp_path):
    monkeypatch.setenv("CRMLAB_DATA", str(tmp_path))  # as where the data are not
    found = stored("sq-table")
    assert found.loc["one attribute at a time"].tolist() == [13, 0, 14, 1]
    assert found.loc["all 22 together"].tolist() == [2, 2, 4, 5]
    mean = stored("sq-mean").loc["mean"]
    assert [mean.penalty, mean.reward, mean.difference, mean.standard_error] == pytest.approx(
        [0.997, 0.929, 0.069, 0.090], abs=6e-4
    )
    assets = stored("kano-assets")
    assert len(assets) == 16 and (assets.modal == "I").all()
    strong = assets[assets.lean.abs() > 1.96 * assets.error].lean
    assert set(strong[strong > 0].index) == {"childcare", "library", "nightlife"}
    assert set(strong[strong < 0].index) == {"restaurants", "green_space"}
    assert strong.abs().between(0.025, 0.04).all()
    assert assets.better.agg(["min", "max"]).tolist() == pytest.approx([0.24, 0.32], abs=0.005)
    assert assets.worse.agg(["min", "max"]).tolist() == pytest.approx([-0.14, -0.07], abs=0.005)
    shares = stored("kano-variance").value
    assert shares.iloc[:2].tolist() == pytest.approx([0.605, 0.002], abs=5e-4)


def test_the_lessons_own_cells_find_what_is_stored(real_data, root):
    cells = {cell.id: cell.source for cell in nbformat.read(root / LESSON, as_version=4).cells}
    space = {"pd": pd, "kano_classes": kano_classes, "class_counts": class_counts, "lean": lean}
    for cell, (data, function, name, digits) in STORED.items():
        exec(cells[cell], space)
        assert verified(data, space[function], name, digits).differs == ""


def test_what_else_is_known_of_the_renters(real_data):
    """Shares of the six classes, reliability, contradictions: as computed before the lesson was written."""
    answers = load_kano()
    classes = kano_classes(answers, ASSETS)
    shares = class_counts(classes)[list("AOMIRQ")].sum() / classes.size
    assert shares.round(3).tolist() == [0.182, 0.042, 0.042, 0.526, 0.109, 0.099]
    missing = answers.filter(regex="^without_")
    assert cronbach_alpha(missing).value == pytest.approx(0.961, abs=5e-4)
    contradictory = classes.isin(["R", "Q"]).sum(axis=1)
    assert (contradictory >= 4).mean() == pytest.approx(0.45, abs=0.005)
