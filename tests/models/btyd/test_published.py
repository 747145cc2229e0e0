"""Numbers in print, to their printed digits."""

import numpy as np
import pytest

from crmlab.models.btyd import BGBB, BGNBD, GammaGamma, ModifiedBGNBD, ParetoNBD, ShiftedBetaGeometric


def near(model, digits, *numbers):
    assert model.convergence_.status == "converged"
    assert model.params_.round(digits).tolist() == pytest.approx(list(numbers), abs=1e-12)


def test_bgnbd_on_cdnow(cdnow):
    """Fader, Hardie & Lee (2005): .243, 4.414, .793, 2.426; log-likelihood −9582.4."""
    model = BGNBD().fit(cdnow.x, cdnow.t_x, cdnow["T"])
    near(model, 3, 0.243, 4.414, 0.793, 2.426)
    near(model, 4, 0.2426, 4.4135, 0.7929, 2.4258)
    assert round(model.log_likelihood_, 1) == -9582.4
    # their customer with x = 2, t_x = 30.43, T = 38.86: 1.226 purchases expected in the next 39 weeks
    assert round(model.conditional_expected_purchases(39, 2, 30.43, 38.86), 3) == 1.226


def test_paretonbd_on_cdnow(cdnow):
    """.553, 10.578, .606, 11.668; log-likelihood −9595.0."""
    model = ParetoNBD().fit(cdnow.x, cdnow.t_x, cdnow["T"])
    near(model, 3, 0.553, 10.578, 0.606, 11.668)
    assert round(model.log_likelihood_, 1) == -9595.0


def test_modified_bgnbd_on_cdnow(cdnow):
    """As R's BTYDplus: .525, 6.183, .891, 1.614."""
    near(ModifiedBGNBD().fit(cdnow.x, cdnow.t_x, cdnow["T"]), 3, 0.525, 6.183, 0.891, 1.614)


def test_gammagamma_on_cdnow(cdnow):
    """Fader, Hardie & Lee (2005): 6.25, 3.74, 15.44 from 946 repeat buyers with mean 35.08."""
    buyers = cdnow[cdnow.x > 0]
    assert len(buyers) == 946 and round(buyers.zbar.mean(), 2) == 35.08
    model = GammaGamma().fit(buyers.x, buyers.zbar)
    near(model, 3, 6.249, 3.745, 15.448)
    assert round(model.log_likelihood_, 1) == -4055.9


def test_bgbb_on_donations(donations):
    """Fader, Hardie & Shang (2010): 1.204, .750, .657, 2.783; log-likelihood −33225.6."""
    model = BGBB().fit(donations.frequency, donations.recency, donations.periods, donations.weights)
    near(model, 3, 1.204, 0.750, 0.657, 2.783)
    assert round(model.log_likelihood_, 1) == -33225.6
    assert model.n_customers_ == 11_104
    # their table of being alive in 2002: .93 for a donor of every year, .11 for one never seen again
    assert model.probability_alive([6, 0], [6, 0], 6).round(2).tolist() == [0.93, 0.11]
    # their table of expected gifts in 2002–2006: 3.75 for (6, 6), .07 for (0, 0)
    assert model.conditional_expected_purchases(5, [6, 0], [6, 0], 6).round(2).tolist() == [3.75, 0.07]


@pytest.mark.parametrize(
    "survivors, alpha, beta, log_likelihood",
    [
        ([631, 468, 382, 326, 289, 262, 241], 0.704, 1.182, -1680.3),
        ([869, 743, 653, 593, 551, 517, 491], 0.668, 3.806, -1611.2),
    ],
)
def test_sbg_on_fader_hardie(survivors, alpha, beta, log_likelihood):
    """Fader & Hardie (2007), Regular and High-end, seven years."""
    model = ShiftedBetaGeometric().fit(survivors, n_customers=1000)
    near(model, 3, alpha, beta)
    assert round(model.log_likelihood_, 1) == log_likelihood
    lost = -np.diff([1000, *survivors])
    again = ShiftedBetaGeometric().fit(lost=lost, n_customers=1000)
    assert again.params_.equals(model.params_)


@pytest.mark.parametrize("kind", [BGNBD, ParetoNBD])
def test_standard_errors_are_those_of_the_numerical_hessian(cdnow, kind):
    """Against second differences of the log-likelihood itself, in plain parameters."""
    columns = cdnow.x, cdnow.t_x, cdnow["T"]
    model = kind().fit(*columns)
    at, steps = model.params_.to_numpy(), model.params_.to_numpy() * 1e-3

    def value(p):
        return kind.from_params(**dict(zip(model.params_.index, p))).log_likelihood(*columns)

    hessian = np.empty((4, 4))
    for j in range(4):
        for k in range(4):
            a, b = np.eye(4)[j] * steps[j], np.eye(4)[k] * steps[k]
            hessian[j, k] = (
                value(at + a + b) - value(at + a - b) - value(at - a + b) + value(at - a - b)
            ) / (4 * steps[j] * steps[k])
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    assert model.standard_errors_.to_numpy() == pytest.approx(errors, rel=1e-3)
    assert np.linalg.inv(-hessian) == pytest.approx(model.covariance_.to_numpy(), rel=5e-3)
