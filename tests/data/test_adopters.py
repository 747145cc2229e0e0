"""Durables and doctors: the real files, and what the Bass model and contagion say of them."""

import numpy as np
import pytest
import statsmodels.formula.api as smf

from crmlab.data import doctor_months, load_durables, load_tetracycline
from crmlab.models.bass import bass_by_curve, bass_by_likelihood, bass_by_regression

PUBLISHED = {  # p, q, market, their errors, peak; p of Bass' regression over p of the curve
    "air conditioners": (0.00944, 0.375, 18_713, 0.0020, 0.040, 1_411, 9.6, 1.80),
    "colour televisions": (0.01847, 0.616, 39_659, 0.0032, 0.054, 2_267, 5.5, 1.93),
    "clothes dryers": (0.01360, 0.327, 16_497, 0.0023, 0.036, 1_234, 9.3, 1.44),
}


@pytest.mark.parametrize("product", PUBLISHED)
def test_bass_curves_of_three_durables(product):
    sales = load_durables().set_index("product").loc[product, "thousands"].to_numpy()
    fit, by_regression = bass_by_curve(sales), bass_by_regression(sales)
    found = [fit.p, fit.q, fit.market, *fit.errors.values(), fit.peak, by_regression.p / fit.p]
    assert found == pytest.approx(PUBLISHED[product], rel=0.03)


def test_what_may_be_said_of_tetracycline(real_data):
    doctors = load_tetracycline()
    assert (doctors.month <= 17).sum() == 109 and doctors.peers.map(len).sum() == 294
    free = bass_by_likelihood(doctors.month, 17)
    one = bass_by_likelihood(doctors.month, 17, ceiling=False)
    none = bass_by_likelihood(doctors.month, 17, imitation=False)
    assert [free.p, free.q, free.market] == pytest.approx([0.088, 0.140, 0.919], abs=6e-4)
    assert [one.p, one.q] == pytest.approx([0.096, 0.054], abs=6e-4)
    found = [each.log_likelihood for each in (free, one, none)]
    assert found == pytest.approx([-340.64, -341.48, -342.20], abs=0.006)
    assert 2 * (found[0] - found[2]) == pytest.approx(3.1, abs=0.05)  # q is not told from 0


def test_contagion_among_doctors(real_data):
    months = doctor_months(load_tetracycline())
    assert len(months) == 981 and months.adopted.sum() == 109
    for formula, value, error in (
        ("adopted ~ peers_adopted", 0.175, 0.244),
        ("adopted ~ peers_adopted + C(month)", -0.097, 0.325),
    ):
        fit = smf.logit(formula, months).fit(disp=0, maxiter=200)
        assert fit.params["peers_adopted"] == pytest.approx(value, abs=6e-4)
        assert fit.bse["peers_adopted"] == pytest.approx(error, abs=6e-4)


def test_a_month_counts_who_had_adopted_before_it(real_data):
    doctors = load_tetracycline()
    months = doctor_months(doctors)
    row = months[(months.peers_adopted > 0) & (months.peers_adopted < 1)].iloc[0]
    peers = doctors.month[list(doctors.peers[int(row.doctor)])]
    assert row.peers_adopted == pytest.approx(np.mean(peers < row.month))
