"""Finite-mixture and hierarchical logit: the plain logit within them, the truth behind them."""

import numpy as np
import pytest
from scipy.special import logsumexp

from crmlab.errors import InputError
from crmlab.models.choice import fit_logit
from crmlab.models.hierarchical_logit import fit_hierarchical_logit
from crmlab.models.mixture_logit import Panel, fit_mixture_logit


def drawn(tastes, times=12, alternatives=3, seed=1):
    """Choices of people with these tastes, shape (people, terms)."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(len(tastes)), times)
    attributes = rng.normal(size=(len(person), alternatives, tastes.shape[1]))
    utility = (attributes @ tastes[person][..., None])[..., 0] + rng.gumbel(size=attributes.shape[:2])
    return Panel(attributes, utility.argmax(axis=1), person)


@pytest.fixture(scope="module")
def two_kinds():
    kind = np.random.default_rng(2).random(600) < 0.3
    return drawn(np.where(kind[:, None], [-1.0, 2.0], [1.5, 0.0])), kind


def test_one_class_is_the_plain_logit(two_kinds):
    panel, _ = two_kinds
    chosen = np.eye(3)[panel.chosen]
    plain = fit_logit(panel.attributes[None], chosen[None])
    fit = fit_mixture_logit(panel, 1)
    assert fit.coefficients[0] == pytest.approx(plain.coefficients[0], abs=1e-5)


def test_kinds_come_back_with_honest_errors(two_kinds):
    panel, kind = two_kinds
    fit = fit_mixture_logit(panel, 2, starts=3)
    assert fit.shares == pytest.approx([0.7, 0.3], abs=0.05)
    away = (fit.coefficients - [[1.5, 0.0], [-1.0, 2.0]]) / fit.standard_errors
    assert np.abs(away).max() < 4 and 0.02 < fit.standard_errors.min() < fit.standard_errors.max() < 0.2
    assert ((fit.memberships[:, 1] > 0.5) == kind).mean() > 0.95
    assert fit.bic < fit_mixture_logit(panel, 1).bic


def test_it_stands_at_a_top_of_the_marginal_likelihood(two_kinds):
    panel, _ = two_kinds
    fit = fit_mixture_logit(panel, 2, starts=2)

    def likelihood(coefficients):
        return logsumexp(panel.by_person(panel.log_chances(coefficients)), b=fit.shares, axis=1).sum()

    assert likelihood(fit.coefficients) == pytest.approx(fit.log_likelihood, abs=1e-3)
    for at in np.ndindex(2, 2):
        for step in (-1e-2, 1e-2):
            moved = fit.coefficients.copy()
            moved[at] += step
            assert likelihood(moved) < fit.log_likelihood


def test_later_choices_are_foretold_from_earlier_ones(two_kinds):
    panel, _ = two_kinds
    late = np.arange(len(panel.chosen)) % 12 >= 9
    early, later = panel.half(~late), panel.half(late)
    one, two = (fit_mixture_logit(early, classes, starts=2).log_chances(later).mean() for classes in (1, 2))
    several = fit_hierarchical_logit(early).log_chances(later).mean()
    assert two > one + 0.2 and several > one + 0.15


def test_the_hierarchy_finds_mean_and_spread_of_tastes():
    spread = np.array([[1.0, 0.5], [0.5, 0.8]])
    tastes = np.random.default_rng(4).multivariate_normal([1.0, -0.5], spread, 1000)
    fit = fit_hierarchical_logit(drawn(tastes, times=25))
    # the approximation draws both towards zero, by a tenth and a quarter
    assert ((fit.mean / tastes.mean(0) > 0.87) & (fit.mean / tastes.mean(0) < 1.03)).all()
    assert ((fit.covariance / np.cov(tastes.T) > 0.7) & (fit.covariance / np.cov(tastes.T) < 1.05)).all()
    assert np.corrcoef(fit.coefficients[:, 0], tastes[:, 0])[0, 1] > 0.85


def test_people_alike_are_told_to_be_alike():
    panel = drawn(np.tile([0.8, -0.4], (300, 1)))
    fit, plain = fit_hierarchical_logit(panel), fit_mixture_logit(panel, 1)
    assert np.diagonal(fit.covariance).max() < 0.15
    assert fit.mean == pytest.approx(plain.coefficients[0], abs=0.12)


def test_what_makes_no_panel_is_refused(two_kinds):
    panel, _ = two_kinds
    with pytest.raises(InputError, match="from 0 to 2"):
        Panel(panel.attributes, panel.chosen + 1, panel.person)
    with pytest.raises(InputError, match="one number for each"):
        Panel(panel.attributes, panel.chosen[:5], panel.person)
    with pytest.raises(InputError, match="classes is 0"):
        fit_mixture_logit(panel, 0)
    with pytest.raises(InputError, match="2 people and 2 attributes"):
        fit_hierarchical_logit(panel.half(panel.person < 2))
