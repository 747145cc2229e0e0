"""Stacks of small matrices, Newton's method on stacks of likelihoods, the delta method."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from crmlab.models.delta import delta_method, jacobian
from crmlab.models.newton import maximise
from crmlab.models.stacked import inverse, orthogonal, solve

RNG = np.random.default_rng(1)


def test_one_bad_matrix_does_not_spoil_the_others():
    stack = RNG.standard_normal((6, 3, 3))
    stack[1, 2] = stack[1, 0]
    stack[3, 0, 0] = np.nan
    stack[4] = 0
    found = inverse(stack)
    assert np.isnan(found[[1, 3, 4]]).all()
    for number in (0, 2, 5):
        assert np.allclose(found[number], np.linalg.inv(stack[number]))
    vectors = RNG.standard_normal((6, 3))
    assert np.allclose(solve(stack, vectors)[0], np.linalg.solve(stack[0], vectors[0]))


@pytest.mark.parametrize("condition, kept", [(1e14, True), (1e6, False)])
def test_a_matrix_beyond_the_condition_counts_as_singular(condition, kept):
    stack = np.stack([np.diag([1.0, 1e-8]), np.eye(2)])
    assert np.isfinite(inverse(stack, condition)).all((-1, -2)).tolist() == [kept, True]


def test_only_definite_matrices_where_moments_are_asked_for():
    stack = np.stack([np.diag([1.0, -0.2]), np.diag([2.0, 0.5])])
    assert np.isfinite(inverse(stack)).all()
    found = inverse(stack, definite=True)
    assert np.isnan(found[0]).all() and np.allclose(found[1], np.diag([0.5, 2]))


def test_orthogonal_bases_and_the_way_back():
    matrix = RNG.standard_normal((4, 10, 3)) * [1, 1e6, 1e-6]
    matrix[2, :, 2] = matrix[2, :, 0]
    basis, back = orthogonal(matrix)
    assert np.isnan(back[2]).all() and np.allclose((basis.swapaxes(1, 2) @ basis), np.eye(3))
    assert np.allclose(matrix[0] @ back[0], basis[0])


def logits(rows=60, count=5):
    x = np.concatenate([np.ones((count, rows, 1)), RNG.standard_normal((count, rows, 2))], -1)
    y = (RNG.random((count, rows)) < expit(x @ np.array([0.3, 1, -1]))) * 1.0
    return x, y


@pytest.mark.parametrize("halving", [False, True])
def test_newtons_method_finds_each_maximum_and_says_where_there_is_none(halving):
    x, y = logits()
    y[3] = 1  # no maximum: everybody said yes

    def height(b, which):
        index = (x[which] @ b[..., None])[..., 0]
        return (y[which] * index - np.logaddexp(0, index)).sum(-1)

    def derivatives(b, which):
        chance = expit((x[which] @ b[..., None])[..., 0])
        score = ((y[which] - chance)[:, None] @ x[which])[:, 0]
        return score, (x[which].swapaxes(1, 2) * (chance * (1 - chance))[:, None]) @ x[which]

    found, arrived = maximise(derivatives, np.zeros((5, 3)), height=height if halving else None, steps=30)
    assert arrived.tolist() == [True, True, True, False, True] and np.isnan(found[3]).all()
    for number in (0, 1, 2, 4):
        best = minimize(lambda b: -height(b[None], np.array([number]))[0], np.zeros(3), tol=1e-12).x
        assert np.allclose(found[number], best, atol=1e-5)


def test_steps_that_overshoot_are_halved():
    """From far out a Newton step on log cosh runs away; with the likelihood in sight it comes home."""

    def derivatives(b, which):
        return -np.tanh(b), (1 / np.cosh(b) ** 2)[..., None]

    def height(b, which):
        return -np.log(np.cosh(b))[:, 0]

    far = np.array([[0.1], [3.0]])
    assert maximise(derivatives, far)[1].tolist() == [True, False]
    found, arrived = maximise(derivatives, far, height=height)
    assert arrived.all() and np.allclose(found, 0, atol=1e-6)


def test_the_delta_method_for_one_and_for_many():
    covariance = np.array([[0.04, 0.01], [0.01, 0.09]])

    def ratio(v):
        return v[..., 0] / v[..., 1]

    gradient = np.array([1 / 3, -2 / 9])
    expected = np.sqrt(gradient @ covariance @ gradient)
    value, error = delta_method(ratio, np.array([2.0, 3.0]), covariance)
    assert np.isclose(value, 2 / 3) and np.isclose(error, expected, rtol=1e-7)
    many, errors = delta_method(
        ratio, np.array([[2.0, 3.0], [4.0, 6.0]]), np.stack([covariance, 4 * covariance])
    )
    assert np.allclose(many, 2 / 3) and np.allclose(errors, expected, rtol=1e-7)
    assert jacobian(lambda v: np.stack([v, v**2]), np.array([1.0, 2.0])).shape == (2, 2, 2)
