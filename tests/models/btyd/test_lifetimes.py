"""Agreement with lifetimes' point estimates on random data, wherever lifetimes finds a maximum."""

import contextlib
import io
import warnings

import numpy as np
import pytest

from crmlab.mechanisms import purchases
from crmlab.models.btyd import BGBB, BGNBD, GammaGamma, ModifiedBGNBD, ParetoNBD


@pytest.fixture(autouse=True)
def numpys_old_generator_stays_as_it_was():
    """lifetimes' fitters draw their starting values from it."""
    before = np.random.get_state()
    yield
    np.random.set_state(before)


lifetimes = pytest.importorskip("lifetimes")


def peer(fitter, *columns, **options):
    """lifetimes' estimates, or None where it gives up (and prints)."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            return dict(fitter().fit(*columns, **options).params_.rename({"v": "gamma"}))
        except Exception:  # its ConvergenceError, or an overflow inside autograd
            return None


def agree(ours, theirs, own_value):
    """Ours is at least as likely; and the same point unless ours is clearly better."""
    if theirs is None:
        return False
    at_theirs = type(ours).from_params(**{name: theirs[name] for name in ours.parameter_names})
    gain = ours.log_likelihood_ - own_value(at_theirs)
    assert gain > -1e-7
    if gain < 1e-5:  # otherwise lifetimes stopped short, as it says it may
        for name in ours.parameter_names:
            slack = max(1e-4 * ours.params_[name], 0.01 * ours.standard_errors_[name])
            assert theirs[name] == pytest.approx(ours.params_[name], abs=slack)
    return True


def beta_geometric(generator):
    return dict(
        r=generator.uniform(0.3, 1.5),
        alpha=generator.uniform(3, 12),
        a=generator.uniform(0.5, 1.5),
        b=generator.uniform(1.5, 5),
    )


def pareto(generator):
    return dict(
        r=generator.uniform(0.3, 1.5),
        alpha=generator.uniform(3, 12),
        s=generator.uniform(0.4, 1.5),
        beta=generator.uniform(6, 20),
    )


@pytest.mark.filterwarnings("ignore::crmlab.models.btyd.fitting.ConvergenceWarning")
@pytest.mark.parametrize(
    "kind, fitter, draw, truth, sets",
    [
        (BGNBD, "BetaGeoFitter", purchases.bg_nbd, beta_geometric, 60),
        (ModifiedBGNBD, "ModifiedBetaGeoFitter", purchases.mbg_nbd, beta_geometric, 20),
        (ParetoNBD, "ParetoNBDFitter", purchases.pareto_nbd, pareto, 2),
    ],
)
def test_histories(kind, fitter, draw, truth, sets):
    """The benchmark's --agreement 200 runs all three on 200 sets each; lifetimes needs minutes for that."""
    generator, agreed, interior = np.random.default_rng(31), 0, 0
    for seed in range(sets):
        T = generator.integers(25, 60, 600).astype(float)
        data = draw(600, T, seed=seed, **truth(generator))
        columns = data.frequency, data.recency, data.T
        ours = kind().fit(*columns)
        interior += bool(ours.convergence_)
        agreed += agree(
            ours, peer(getattr(lifetimes, fitter), *columns), lambda other: other.log_likelihood(*columns)
        )
    assert agreed >= 0.9 * sets and interior >= 0.97 * sets


def test_spend():
    generator, agreed = np.random.default_rng(32), 0
    for seed in range(20):
        x = generator.integers(1, 12, 700)
        money, _ = purchases.gamma_gamma(
            x,
            p=generator.uniform(2, 8),
            q=generator.uniform(2.5, 6),
            gamma=generator.uniform(5, 20),
            seed=seed,
        )
        ours = GammaGamma().fit(x, money)
        assert ours.convergence_
        agreed += agree(
            ours, peer(lifetimes.GammaGammaFitter, x, money), lambda other: other.log_likelihood(x, money)
        )
    assert agreed >= 17


def test_opportunities(donations):
    columns = donations.frequency, donations.recency, donations.periods, donations.weights
    ours = BGBB().fit(*columns)
    assert agree(
        ours, peer(lifetimes.BetaGeoBetaBinomFitter, *columns), lambda other: other.log_likelihood(*columns)
    )


def test_predictions_on_cdnow(cdnow):
    """P(alive), expected purchases and value of every CDNOW customer at lifetimes' own estimates."""
    columns = [cdnow[name].to_numpy() for name in ("x", "t_x", "T")]
    for kind, name, alive in (
        (BGNBD, "BetaGeoFitter", "conditional_probability_alive"),
        (ModifiedBGNBD, "ModifiedBetaGeoFitter", "conditional_probability_alive"),
        (ParetoNBD, "ParetoNBDFitter", "conditional_probability_alive"),
    ):
        theirs = getattr(lifetimes, name)().fit(*columns)
        ours = kind.from_params(**{each: theirs.params_[each] for each in kind.parameter_names})
        known = np.asarray(getattr(theirs, alive)(*columns)).ravel()
        usable = np.isfinite(known)  # lifetimes' Pareto/NBD has silent NaN
        assert ours.probability_alive(*columns)[usable] == pytest.approx(known[usable], rel=1e-6)
        ahead = np.asarray(theirs.conditional_expected_number_of_purchases_up_to_time(39, *columns)).ravel()
        usable = np.isfinite(ahead)
        assert ours.conditional_expected_purchases(39, *columns)[usable] == pytest.approx(
            ahead[usable], rel=1e-5
        )
        new = [theirs.expected_number_of_purchases_up_to_time(t) for t in (1, 10, 78)]
        assert ours.expected_purchases([1, 10, 78]) == pytest.approx(new, rel=1e-5)
