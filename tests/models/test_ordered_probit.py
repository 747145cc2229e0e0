"""Ordered probit in one pass: against statsmodels, itself one by one, and where there is no maximum."""

import numpy as np
import pytest
from statsmodels.miscmodels.ordinal_model import OrderedModel

from crmlab.errors import InputError
from crmlab.models.ordered_probit import _derivatives, _log_likelihood, fit_ordered_probit

CUTS = (np.arange(1, 7) - 3.5) * 0.7


def surveys(count=4, rows=400, seed=1, cuts=CUTS, shift=0.0):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((count, rows, 3))
    latent = shift + matrix @ [0.2, 0.5, -0.3] + rng.standard_normal((count, rows))
    return np.searchsorted(cuts, latent), matrix


@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_it_finds_what_statsmodels_finds(shift):
    responses, matrix = surveys(3, shift=shift)
    ours = fit_ordered_probit(responses, matrix)
    for at in range(3):
        theirs = OrderedModel(responses[at], matrix[at], distr="probit").fit(
            method="bfgs", maxiter=1000, gtol=1e-7, disp=False
        )
        assert np.allclose(ours.coefficients[at], theirs.params[:3], atol=2e-5)
        assert np.allclose(np.sqrt(np.diag(ours.covariance[at])), theirs.bse[:3], rtol=1e-4)
        assert ours.log_likelihood[at] == pytest.approx(theirs.llf, abs=1e-5)
        assert np.allclose(
            ours.thresholds[at], theirs.model.transform_threshold_params(theirs.params)[1:-1], atol=1e-4
        )


def test_many_at_once_are_those_fitted_one_by_one():
    responses, matrix = surveys(6)
    together = fit_ordered_probit(responses, matrix, 7)
    for at in range(6):
        alone = fit_ordered_probit(responses[at : at + 1], matrix[at : at + 1], 7)
        assert np.allclose(alone.coefficients[0], together.coefficients[at], rtol=1e-10)
        assert np.allclose(alone.covariance[0], together.covariance[at], rtol=1e-9)


def test_its_derivatives_are_those_of_its_likelihood():
    responses, matrix = surveys(1, rows=60)
    ticked = (responses[..., None] == np.arange(7)).astype(float)
    point = np.concatenate([CUTS + 0.1, [0.1, 0.2, 0.3]])
    score, information = _derivatives(point[None], responses, matrix, ticked, 7)
    steps = 1e-5 * np.eye(9)

    def likelihood(parameters):
        return _log_likelihood(parameters[None], responses, matrix, 7)[0]

    def slope(parameters):
        return np.array(
            [(likelihood(parameters + step) - likelihood(parameters - step)) / 2e-5 for step in steps]
        )

    assert np.allclose(score[0], slope(point), atol=1e-6)
    bend = np.array([(slope(point + 100 * step) - slope(point - 100 * step)) / 2e-3 for step in steps])
    assert np.allclose(information[0], -bend, atol=1e-3)


def test_a_level_that_nobody_ticked_is_left_out():
    responses, matrix = surveys(2)
    responses = np.where(responses == 2, 3, responses)
    ours = fit_ordered_probit(responses, matrix, 7)
    theirs = OrderedModel(responses[0], matrix[0], distr="probit").fit(
        method="bfgs", maxiter=1000, disp=False
    )
    assert np.allclose(ours.coefficients[0], theirs.params[:3], atol=1e-4)
    assert np.isnan(ours.thresholds).sum(1).tolist() == [1, 1] and np.isnan(ours.thresholds[:, 2]).all()
    rest = ours.thresholds[0][~np.isnan(ours.thresholds[0])]
    assert np.allclose(rest, theirs.model.transform_threshold_params(theirs.params)[1:-1], atol=1e-3)


def test_surveys_with_and_without_a_level_stand_side_by_side():
    responses, matrix = surveys(2)
    responses[1] = np.minimum(responses[1], 5)
    fit = fit_ordered_probit(responses, matrix, 7)
    assert np.isfinite(fit.coefficients).all() and np.isnan(fit.thresholds).tolist()[1] == [False] * 5 + [
        True
    ]


@pytest.mark.parametrize("spoil", ["collinear", "separated", "one level", "few rows"])
def test_where_there_is_no_maximum_there_is_no_number(spoil):
    responses, matrix = surveys(2, rows=60)
    if spoil == "collinear":
        matrix[0, :, 2] = matrix[0, :, 0] - matrix[0, :, 1]
    elif spoil == "separated":
        responses[0] = np.searchsorted(CUTS, matrix[0, :, 0])
    elif spoil == "one level":
        responses[0] = 3
    else:
        responses, matrix = responses[:, :9], matrix[:, :9]
        responses[0] = [0, 1, 2, 3, 4, 5, 6, 0, 1]
    fit = fit_ordered_probit(responses, matrix, 7)
    assert np.isnan(fit.coefficients[0]).all() and np.isnan(fit.covariance[0]).all()
    assert spoil == "few rows" or np.isfinite(fit.coefficients[1]).all()


def test_far_rows_do_not_break_it():
    responses, matrix = surveys(1)
    matrix[0, 0], responses[0, 0] = 60.0, 0
    fit = fit_ordered_probit(responses, matrix, 7)
    assert np.isfinite(fit.coefficients).all() and np.isfinite(fit.log_likelihood).all()


def test_what_does_not_fit_is_refused():
    responses, matrix = surveys(2)
    with pytest.raises(InputError, match="do not fit"):
        fit_ordered_probit(responses[0], matrix)
    with pytest.raises(InputError, match="whole numbers from 0 to 6"):
        fit_ordered_probit(responses + 0.5, matrix, 7)
    with pytest.raises(InputError, match="whole numbers from 0 to 4"):
        fit_ordered_probit(responses, matrix, 5)
