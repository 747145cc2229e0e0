"""Without effects the company is BG/NBD with gamma-gamma; where rates move, survival is known."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from crmlab.company import Company, preset
from crmlab.company.branches import draw_branches
from crmlab.company.customers import draw_customers
from crmlab.company.decisions import Decision, Interventions
from crmlab.company.month import Month
from crmlab.company.purchases import buy
from crmlab.company.streams import Streams
from crmlab.mechanisms.purchases import bg_nbd
from crmlab.models.btyd import BGNBD, GammaGamma

TRUTH = {"r": 0.40, "alpha": 1.3, "a": 0.8, "b": 3.2}
SPEND = {"p": 2.0, "q": 2.7, "gamma": 46.75}
N = 40_000


def summary(simulation, months):
    """Frequency, recency, T and mean spend of each customer, from the tables alone."""
    orders, customers = simulation.tables["orders"], simulation.tables["customers"]
    joined, n = customers["joined"].to_numpy(), len(customers)
    repeat = orders[orders["time"].to_numpy() > joined[orders["customer_id"]]]
    who, x = repeat["customer_id"].to_numpy(), np.bincount(repeat["customer_id"], minlength=n)
    last = np.zeros(n)
    np.maximum.at(last, who, repeat["time"].to_numpy())
    spent = np.bincount(who, repeat["amount"], n) / np.maximum(x, 1)
    recency = np.where(x > 0, last - joined, 0.0)
    return SimpleNamespace(x=x, recency=recency, T=months - joined, spent=spent, again=x > 0)


@pytest.fixture(scope="module")
def base():
    simulation = Company("null", customers=N, months=30, seed=11).simulate(keep=["orders"])
    return simulation, summary(simulation, 30)


def chance(found, truth):
    """p of the likelihood ratio of `truth` against the best fit."""
    seen = found.x, found.recency, found.T
    fit = BGNBD().fit(*seen)
    ratio = 2 * (fit.log_likelihood(*seen) - BGNBD.from_params(**truth).log_likelihood(*seen))
    return fit, stats.chi2.sf(ratio, 4)


def test_the_models_find_the_parameters_and_the_likelihood_ratio_the_truth(base):
    _, found = base
    fit, p = chance(found, TRUTH)
    table = fit.summary
    for name, value in TRUTH.items():
        assert abs(table.loc[name, "estimate"] - value) < 4 * table.loc[name, "standard_error"], name
    assert p > 1e-3
    money = GammaGamma().fit(found.x[found.again], found.spent[found.again]).summary
    for name, value in SPEND.items():
        assert abs(money.loc[name, "estimate"] - value) < 4 * money.loc[name, "standard_error"], name


@pytest.mark.parametrize("name, factor", [("r", 1.1), ("alpha", 1.1), ("a", 1.15), ("b", 0.87)])
def test_a_wrong_truth_is_rejected(base, name, factor):
    assert chance(base[1], TRUTH | {name: TRUTH[name] * factor})[1] < 1e-6


def test_customers_are_distributed_as_the_model_draws_them(base):
    simulation, found = base
    drawn = bg_nbd(N, found.T, **TRUTH, seed=77, spend=SPEND)
    again = drawn.frequency > 0
    pairs = {
        "frequency": (found.x, drawn.frequency),
        "recency": (found.recency[found.again], drawn.recency[again]),
        "recency in the window": ((found.recency / found.T)[found.again], (drawn.recency / drawn.T)[again]),
        "spend": (found.spent[found.again], drawn.monetary_value[again]),
    }
    for what, (one, other) in pairs.items():
        assert stats.ks_2samp(one, other).pvalue > 1e-3, what
    alive = simulation.truth.customers["alive"].mean(), drawn.truth["alive"].mean()
    assert abs(alive[0] - alive[1]) < 4 * np.sqrt(2 * 0.24 / N)


def test_an_effect_on_purchases_makes_it_another_model(base):
    """So the likelihood ratio can see what it is asked about."""
    changed = preset("null", attitude_to_purchase=0.5)
    moved = Company(changed, customers=N, months=30, seed=11).simulate(keep=["orders"])
    assert chance(summary(moved, 30), TRUTH)[1] < 1e-6


def test_survival_follows_from_rates_that_move():
    """With chances p_t at the events of a clock of rate λ: P(stays so long) = exp(−λ Σ p_t), whatever η_t."""
    n, streams, p = 60_000, Streams(5), preset("null")
    numbers = np.arange(n)
    now = draw_customers(p, streams, streams.keys(numbers), numbers, joined=np.zeros(n))
    now.rate = np.full(n, 0.5)
    branches = draw_branches(p, 6, 5)
    chances, faster = [0.15, 0.15, 0.3, 0.1, 0.2, 0.15], [1.0, 1.8, 0.5, 1.3, 0.7, 1.0]
    alive = np.ones(n, bool)
    bought = []
    for month, (leaving, times) in enumerate(zip(chances, faster, strict=True)):
        told = Month(month, p, streams.at(month), branches, Decision(), Interventions())
        made = buy(now, told, np.full(n, np.log(times)), np.full(n, leaving))
        bought.append(made.bought[alive].mean() / times)
        alive &= now.alive
        expected = np.exp(-0.5 * np.sum(chances[: month + 1]))
        assert abs(alive.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / n)
    within = (1 - np.exp(-0.5 * np.array(chances))) / np.array(chances)  # ∫ λ exp(−λ p t) dt over the month
    assert np.allclose(bought, within, rtol=4 / np.sqrt(0.3 * n))
