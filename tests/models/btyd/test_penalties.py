"""Priors and penalties: lifetimes' to the digit, a prior that helps few customers and leaves many alone."""

import contextlib
import io
import warnings

import numpy as np
import pytest

from crmlab.errors import InputError
from crmlab.mechanisms import purchases
from crmlab.models.btyd import (
    BGBB,
    BGCNBD,
    BGNBD,
    ConvergenceWarning,
    GammaGamma,
    ModifiedBGNBD,
    ParetoNBD,
    ShiftedBetaGeometric,
    load_model,
)

BG = dict(r=0.8, alpha=6.0, a=0.8, b=2.5)


@pytest.fixture(autouse=True)
def numpys_old_generator_stays_as_it_was():
    """lifetimes' fitters draw their starting values from it."""
    before = np.random.get_state()
    yield
    np.random.set_state(before)


def peer(name, columns, coefficient):
    lifetimes = pytest.importorskip("lifetimes")
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        fitter = getattr(lifetimes, name)(penalizer_coef=coefficient)
        return fitter.fit(*columns).params_.rename({"v": "gamma"})


@pytest.mark.parametrize("coefficient", [0.001, 0.1])
@pytest.mark.parametrize(
    "kind, name",
    [
        (BGNBD, "BetaGeoFitter"),
        (ModifiedBGNBD, "ModifiedBetaGeoFitter"),
        (ParetoNBD, "ParetoNBDFitter"),
        (BGBB, "BetaGeoBetaBinomFitter"),
        (GammaGamma, "GammaGammaFitter"),
    ],
)
def test_the_penalty_is_that_of_lifetimes(kind, name, coefficient):
    if kind is BGBB:
        data = purchases.bg_bb(600, 8, alpha=1.2, beta=0.75, gamma=0.66, delta=2.8, seed=1)
        columns = data.frequency, data.recency, data.T
    elif kind is GammaGamma:
        x = np.random.default_rng(0).integers(1, 9, 500)
        columns = x, purchases.gamma_gamma(x, p=6.0, q=4.0, gamma=15.0, seed=1)[0]
    else:
        data = purchases.bg_nbd(800, np.linspace(20, 40, 800), seed=1, **BG)
        columns = data.frequency, data.recency, data.T
    ours = kind(penalizer_coef=coefficient).fit(*columns)
    theirs = peer(name, columns, coefficient)
    for parameter in kind.parameter_names:
        assert ours.params_[parameter] == pytest.approx(theirs[parameter], rel=1e-3)
    assert ours.penalty_ < 0 and "penalty added" in repr(ours)


def test_a_prior_is_a_normal_density_on_the_logs():
    """The estimate is where likelihood and density rise no more; errors are of their curvature together."""
    data = purchases.bg_nbd(100, 40.0, seed=3, **BG)
    columns = data.frequency, data.recency, data.T
    prior = {"r": (2.0, 0.4), "b": (3.0, 0.8)}
    model = BGNBD(prior=prior).fit(*columns)

    def density(logs):
        at = dict(zip(model.params_.index, np.exp(logs)))
        added = sum(
            -0.5 * (np.log(at[name] / median) / spread) ** 2 for name, (median, spread) in prior.items()
        )
        return BGNBD.from_params(**at).log_likelihood(*columns) + added

    logs, step = np.log(model.params_.to_numpy()), 1e-3
    moves = np.eye(4) * step
    assert [density(logs + each) - density(logs - each) for each in moves] == pytest.approx([0] * 4, abs=1e-6)
    hessian = [
        [
            (density(logs + a + b) - density(logs + a - b) - density(logs - a + b) + density(logs - a - b))
            / (4 * step**2)
            for a in moves
        ]
        for b in moves
    ]
    errors = np.sqrt(np.diag(np.linalg.inv(-np.array(hessian))))
    assert (model.standard_errors_ / model.params_).to_numpy() == pytest.approx(errors, rel=1e-3)
    assert density(logs) == pytest.approx(model.log_likelihood_ + model.penalty_)
    assert model.log_likelihood_ == pytest.approx(model.log_likelihood(*columns))


@pytest.mark.parametrize("kind", [BGNBD, ModifiedBGNBD, ParetoNBD, lambda **options: BGCNBD(k=2, **options)])
def test_a_weak_prior_does_not_depend_on_the_unit_of_time(kind):
    data = purchases.mbg_nbd(80, 40.0, seed=3, **BG)
    weeks = kind(prior="weak").fit(data.frequency, data.recency, data.T)
    days = kind(prior="weak").fit(data.frequency, 7 * data.recency, 7 * data.T)
    assert days.expected_purchases(70.0) == pytest.approx(weeks.expected_purchases(10.0), rel=1e-6)
    assert days.penalty_ == pytest.approx(weeks.penalty_, rel=1e-6)


def test_with_many_customers_a_prior_changes_nothing_and_a_penalty_still_does():
    data = purchases.bg_nbd(100_000, 40.0, seed=5, **BG)
    columns = data.frequency, data.recency, data.T
    plain, prior = BGNBD().fit(*columns), BGNBD(prior="weak").fit(*columns)
    penalty = BGNBD(penalizer_coef=0.01).fit(*columns)
    assert (np.abs(prior.params_ - plain.params_) < 0.1 * plain.standard_errors_).all()
    assert np.abs((penalty.params_ - plain.params_) / plain.standard_errors_).max() > 20


def test_few_customers_have_a_maximum_with_a_prior_and_intervals_that_hold():
    """The benchmark's claim, small: of 60 cohorts of 50 customers; without help a third end at a limit."""
    truth, plain, found, inside = np.log(BG["a"] / BG["b"]), 0, 0, 0
    for seed in range(60):
        data = purchases.bg_nbd(50, 52.0, seed=seed, **BG)
        columns = data.frequency, data.recency, data.T
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            plain += BGNBD().fit(*columns).convergence_.status == "converged"
        model = BGNBD(prior="weak").fit(*columns)
        found += model.convergence_.status == "converged"
        said = np.log(model.params_["a"] / model.params_["b"])
        slope = np.array([0.0, 0.0, 1.0, -1.0])
        error = np.sqrt(slope @ model._coefficient_covariance @ slope)
        inside += abs(said - truth) < 1.96 * error
    assert found == 60 and plain < 57 and inside >= 52


@pytest.mark.parametrize("kind", [BGBB, GammaGamma, ShiftedBetaGeometric])
def test_every_model_takes_a_prior(kind, tmp_path):
    data = {
        BGBB: ([0, 1, 3, 2], [0, 2, 5, 6], 6),
        GammaGamma: ([1, 2, 5], [9.0, 14.0, 8.0]),
        ShiftedBetaGeometric: ([20, 15, 14, 14],),
    }[kind]
    model = kind(prior="weak").fit(*data)
    assert model.convergence_.status == "converged" and model.penalty_ < 0
    again = load_model(model.save(tmp_path / "m.json"))
    assert again.prior == "weak" and again.fit(*data).params_.equals(model.params_)
    own = kind(prior=kind.weak_prior | {kind.parameter_names[0]: (2.0, 1e-4)}).fit(*data)
    assert own.params_.iloc[0] == pytest.approx(2.0, rel=1e-3)
    assert load_model(own.save(tmp_path / "m.json")).prior == own.prior


@pytest.mark.parametrize(
    "options, message",
    [
        ({"prior": "strong"}, "prior is 'strong'; give 'weak' or"),
        ({"prior": {"q": (1.0, 1.0)}}, "unknown parameter of the prior 'q'; known: r, alpha, a, b"),
        ({"prior": {"r": 1.0}}, r"prior\['r'\] is 1.0; give a median and a spread"),
        ({"prior": {"r": (1.0, 0.0)}}, r"prior\['r'\] is 0; give a finite number above 0"),
        ({"penalizer_coef": -0.1}, "penalizer_coef is -0.1"),
        ({"prior": "weak", "penalizer_coef": 0.1}, "choose one"),
    ],
)
def test_bad_priors_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        BGNBD(**options)
