"""95% intervals cover the truth 95% of the time, in 300 simulated and refitted cohorts of each model.

The benchmark bench_calibration.py draws the truth anew for each cohort, too.
"""

import numpy as np
import pytest

from crmlab.design.calibration import ranks, uniformity
from crmlab.mechanisms import purchases
from crmlab.models.btyd import (
    BGBB,
    BGCNBD,
    BGNBD,
    GammaGamma,
    ModifiedBGCNBD,
    ModifiedBGNBD,
    ParetoNBD,
    ShiftedBetaGeometric,
)

ROUNDS = 300
TOLERANCE = 3.7 * np.sqrt(0.95 * 0.05 / ROUNDS)  # 20 proportions: all inside with probability .996


def history(kind, draw, n, T, truth):
    def once(seed):
        data = draw(n, T, seed=seed, **truth)
        return kind().fit(data.frequency, data.recency, data.T)

    return once, truth


def regular(kind, draw, n, T, k, truth):
    def once(seed):
        data = draw(n, T, k=k, seed=seed, **truth)
        return kind(k).fit(data.frequency, data.recency, data.T)

    return once, truth


def with_covariates(kind, draw, n, T, truth):
    """One covariate of both sides, drawn anew each time; its effects come after the parameters."""
    effects = dict(purchase_covariate_1=0.4, dropout_covariate_1=-0.5)

    def once(seed):
        z = np.random.default_rng(seed).standard_normal((n, 1))
        moves = dict(purchase_effects=[0.4], dropout_effects=[-0.5])
        data = draw(n, T, seed=seed, purchase_covariates=z, dropout_covariates=z, **moves, **truth)
        columns = data.frequency, data.recency, data.T
        return kind().fit(*columns, purchase_covariates=z, dropout_covariates=z)

    return once, truth | effects


def spend():
    truth = dict(p=6.0, q=4.0, gamma=15.0)
    x = np.random.default_rng(0).integers(1, 9, 1500)

    def once(seed):
        return GammaGamma().fit(x, purchases.gamma_gamma(x, seed=seed, **truth)[0])

    return once, truth


def opportunities():
    truth = dict(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)

    def once(seed):
        data = purchases.bg_bb(4000, 10, seed=seed, **truth)
        return BGBB().fit(data.frequency, data.recency, data.T)

    return once, truth


def contracts():
    truth = dict(alpha=0.7, beta=1.2)

    def once(seed):
        lifetime, _ = purchases.shifted_beta_geometric(1000, seed=seed, **truth)
        return ShiftedBetaGeometric().fit(purchases.survivors(lifetime, 8))

    return once, truth


CASES = {
    "BG/NBD": lambda: history(BGNBD, purchases.bg_nbd, 1500, 40.0, dict(r=0.5, alpha=5.0, a=0.8, b=2.5)),
    "MBG/NBD": lambda: history(
        ModifiedBGNBD, purchases.mbg_nbd, 800, 40.0, dict(r=0.8, alpha=5.0, a=0.8, b=2.5)
    ),
    "Pareto/NBD": lambda: history(
        ParetoNBD, purchases.pareto_nbd, 1500, 50.0, dict(r=0.8, alpha=6.0, s=0.9, beta=12.0)
    ),
    "BG/CNBD-3": lambda: regular(
        BGCNBD, purchases.bg_cnbd, 800, 40.0, 3, dict(r=1.2, alpha=4.0, a=0.8, b=2.5)
    ),
    "MBG/CNBD-2": lambda: regular(
        ModifiedBGCNBD, purchases.mbg_cnbd, 800, 40.0, 2, dict(r=1.0, alpha=4.0, a=0.8, b=2.5)
    ),
    "BG/NBD with covariates": lambda: with_covariates(
        BGNBD, purchases.bg_nbd, 1500, 40.0, dict(r=0.8, alpha=5.0, a=0.8, b=2.5)
    ),
    "Pareto/NBD with covariates": lambda: with_covariates(
        ParetoNBD, purchases.pareto_nbd, 1500, 50.0, dict(r=0.8, alpha=6.0, s=0.9, beta=12.0)
    ),
    "Gamma-Gamma": spend,
    "BG/BB": opportunities,
    "sBG": contracts,
}


@pytest.mark.filterwarnings("ignore::crmlab.models.btyd.fitting.ConvergenceWarning")
@pytest.mark.parametrize("name", CASES)
def test_intervals_cover(name):
    once, truth = CASES[name]()
    covered, bias, usable, places = np.zeros(len(truth)), np.zeros(len(truth)), 0, []
    values, k = np.array(list(truth.values())), len(once(0).parameter_names)

    def scaled(each):
        """On the scale on which estimates are about normal: logs of parameters, effects as they are."""
        return np.concatenate([np.log(each[:k]), each[k:]])

    for seed in range(ROUNDS):
        model = once(seed)
        usable += bool(model.convergence_)
        ends = model.confidence_intervals_
        covered += (ends.low.to_numpy() <= values) & (values <= ends.high.to_numpy())
        estimates = model.params_.to_numpy()
        bias += (scaled(estimates) - scaled(values)) / ROUNDS
        errors = model.standard_errors_.to_numpy() / np.concatenate([estimates[:k], np.ones(len(truth) - k)])
        places.append(ranks(scaled(estimates), errors, scaled(values)))
    assert usable >= ROUNDS - 1
    assert covered / ROUNDS == pytest.approx(0.95, abs=TOLERANCE), dict(zip(truth, covered / ROUNDS))
    assert np.abs(bias).max() < 0.1
    for parameter, column in zip(truth, np.array(places).T, strict=True):
        found = uniformity(column)
        assert found.p_value > 0.001, (parameter, found.p_value)  # at every level, not at 95% alone
