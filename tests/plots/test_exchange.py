"""Pictures of an exchange: their numbers are the truth's."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from crmlab.estimators import impulse_response
from crmlab.plots import subplots
from crmlab.plots.exchange import echo_curves, quadrant_map
from crmlab.theories.social_exchange import design, paths, quadrants, satisfaction_and_staying


def test_the_ellipses_hold_the_shares_that_they_say():
    parameters = design.parameters
    mean, covariance = satisfaction_and_staying(parameters)
    figure, axes = subplots()
    quadrant_map(axes, quadrants(parameters), mean, covariance)
    drawn = [line for line in axes.get_lines() if str(line.get_label()).startswith("holds")]
    cloud = np.random.default_rng(1).multivariate_normal(mean, covariance, 40_000)
    for line, share in zip(drawn, (0.5, 0.9), strict=True):
        edge = line.get_xydata()[0] - mean
        limit = edge @ np.linalg.solve(covariance, edge)
        distance = np.einsum("ni,ij,nj->n", cloud - mean, np.linalg.inv(covariance), cloud - mean)
        assert (distance < limit).mean() == pytest.approx(share, abs=0.01)
    assert {text.get_text() for text in axes.texts} == {
        f"{share:.0%}" for share in quadrants(parameters).values()
    }
    plt.close(figure)


def test_the_echo_is_drawn_per_hundred_favours():
    response = impulse_response(paths(design.parameters, 1), 4)
    figure, axes = subplots()
    echo_curves(axes, response)
    customer, firm = axes.get_lines()
    assert customer.get_ydata() == pytest.approx(100 * response[1:, 1, 0])
    assert firm.get_ydata() == pytest.approx(100 * response[1:, 0, 0])
    plt.close(figure)
