"""Lesson 02's design: every truth is what potential outcomes say, and rules are judged fairly."""

import numpy as np
import pytest

from crmlab.theories import segmentation as theory
from crmlab.theories.segmentation import BASES, design

PRESETS = ["null", "literature", "claim", "trap"]
LARGE = 400_000
RANGES = {
    "enthusiast_share": (0.1, 0.9),
    "economiser_response": (-9.0, 2.0),
    "enthusiast_response": (-2.0, 10.0),
    "response_spread": (0.5, 6.0),
    "geography": (0.0, 1.5),
    "demography": (0.0, 1.5),
    "behaviour": (0.0, 2.5),
    "psychographics": (0.0, 2.5),
    "history_noise": (1.0, 12.0),
    "outdated_share": (0.0, 0.8),
    "attribute_match": (0.5, 0.99),
    "attribute_elsewhere": (0.1, 0.7),
}


def drawn(seed):
    """A market somewhere in the space of parameters."""
    rng = np.random.default_rng(seed)
    return design.replace(**{name: float(rng.uniform(*ends)) for name, ends in RANGES.items()})


MARKETS = [design.preset(name) for name in PRESETS] + [drawn(seed) for seed in (1, 2, 3)]


@pytest.mark.parametrize("number", range(len(MARKETS)))
def test_truths_are_what_potential_outcomes_show(number):
    market = MARKETS[number].replace(n_customers=LARGE)
    cohort = market.simulate(7)
    customers, response = cohort.customers, cohort.truth.response
    rules = {
        "H1": customers.by_what_they_do - customers.by_who_they_are,
        "H2": customers.label - 1,
        "H2b": customers.one_to_one - customers.label,
        "H3": customers.old_label - 1,
    }
    for name, share in rules.items():
        earned = share * response
        away = earned.mean() - market.hypothesis(name).estimand(market.parameters)
        assert abs(away) <= 4 * earned.std() / np.sqrt(LARGE), name
    personas = cohort.personas
    described = personas.all_five[personas.label == 1]
    error = np.sqrt(described.var() / len(described))
    assert abs(described.mean() - theory.coverage(market.parameters)) <= 4 * error


def test_the_null_is_at_the_edge_of_every_claim():
    null = design.preset("null")
    for each in null.hypotheses:
        assert each.estimand(null.parameters) == pytest.approx(each.null, abs=1e-9), each.name


def test_the_headlines_find_the_truth_in_a_large_cohort():
    for preset in PRESETS:
        market = design.preset(preset).replace(n_customers=LARGE)
        found = market.test(market.simulate(3)).groupby("hypothesis", sort=False).first()
        assert (np.abs(found.estimate - found.truth) < 4.5 * found.standard_error).all(), preset


def test_a_label_by_the_likelier_class_is_best_at_classes_and_not_at_money():
    p = design.parameters
    for bases in (["geography"], ["demography"], BASES):
        bars = np.linspace(-2, 2, 81)
        right, earned = [], []
        for bar in bars:
            economisers, enthusiasts = theory.labelled(p, bases, bar)
            right.append(p.average((1 - economisers, enthusiasts)))
            earned.append(theory.gain(p, (economisers, enthusiasts)))
        assert abs(bars[np.argmax(right)]) < 0.06
        assert abs(bars[np.argmax(earned)] - theory.profit_bar(p)) < 0.06
    likelier = theory.gain(p, theory.labelled(p, ["geography"]))
    by_profit = theory.gain(p, theory.labelled(p, ["geography"], theory.profit_bar(p)))
    assert likelier < -0.5 < 0 <= by_profit


def test_two_equal_classes_are_mistaken_in_the_share_that_mahalanobis_distance_says():
    from scipy.stats import norm

    p = design.parameters.replace(enthusiast_share=0.5)
    distance = theory.separation(p, BASES)
    economisers, enthusiasts = theory.labelled(p, BASES)
    assert economisers == pytest.approx(norm.cdf(-distance / 2)) == pytest.approx(1 - enthusiasts)


def test_a_history_that_says_nothing_leaves_one_offer_for_all():
    alike = dict(response_spread=0.0, economiser_response=2.0, enthusiast_response=2.0)
    p = design.parameters.replace(**alike)
    assert p.history_cut == -np.inf and theory.one_to_one_gain(p) == pytest.approx(0)
    assert design.preset("trap").parameters.history_cut == 0


def test_coverage_falls_with_every_attribute():
    market = design.replace(n_customers=LARGE)
    personas = market.simulate(9).personas
    has = personas.loc[personas.label == 1, theory.ATTRIBUTES].to_numpy().cumprod(axis=1).mean(axis=0)
    shares = [theory.coverage(design.parameters, attributes) for attributes in range(6)]
    assert shares[0] == pytest.approx(1) and np.all(np.diff(shares) < 0)
    assert shares[1:] == pytest.approx(has, abs=0.005)
