"""Choices of people each with tastes of her own: the hierarchical logit, by approximate maximum likelihood.

    β_i ~ N(μ, V),   P(person i takes j) = softmax(x_j' β_i)

Each person's β is drawn towards the others' mean, the more the fewer choices she made. Rossi, McCulloch &
Allenby (1996, doi:10.1287/mksc.15.4.321) draw from the posterior by Markov chains. Here μ and V are
estimated by expectation–maximisation, in which every person's posterior is taken to be normal about its mode,
with the curvature there (Laplace): seconds in place of minutes. The approximation draws μ towards zero and
makes V too small, by a tenth and a third with ten choices a person: it is for forecasts of choices.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from crmlab.errors import InputError
from crmlab.models.mixture_logit import Panel, fit_mixture_logit

START = 4.0  # variance of every taste at the start
STEPS = 200  # of expectation–maximisation, at most
TOWARDS_MODES = 2  # Newton steps of every person in each of them
FINISHED = 2e-3  # change of μ, in standard deviations of tastes, and of V, in variances


@dataclass(frozen=True)
class HierarchicalLogit:
    """A fitted hierarchical logit.

    Attributes
    ----------
    mean : array of shape (terms,)
    covariance : array of shape (terms, terms)
        Of tastes between people.
    coefficients : array of shape (people, terms)
        Each person's likeliest tastes.
    doubt : array of shape (people, terms, terms)
        Covariance of each person's tastes given her choices.
    """

    mean: np.ndarray
    covariance: np.ndarray
    coefficients: np.ndarray
    doubt: np.ndarray

    def log_chances(self, later: Panel, draws: int = 100, seed: int = 0) -> np.ndarray:
        """Log chance of each later choice of the same people, averaged over what her tastes may be.

        Parameters
        ----------
        later : Panel
        draws : int
            Of each person's tastes.
        seed : int
            Of those.
        """
        rng, roots = np.random.default_rng(seed), np.linalg.cholesky(self.doubt)
        said = []
        for _ in range(draws):
            away = (roots @ rng.standard_normal((*self.coefficients.shape, 1)))[..., 0]
            chances, chosen, _ = _choices(later, self.coefficients + away)
            said.append(np.log(np.where(chosen, chances, 1.0)).sum(1))
        return logsumexp(said, axis=0) - np.log(draws)


def fit_hierarchical_logit(panel: Panel) -> HierarchicalLogit:
    """A hierarchical logit by approximate maximum likelihood.

    Parameters
    ----------
    panel : Panel

    Raises
    ------
    InputError
        If there are no more people than tastes.
    """
    people, terms = panel.people, panel.attributes.shape[-1]
    if people <= terms:
        raise InputError(
            f"panel has {people} people and {terms} attributes; tastes that vary need more people than that"
        )
    mean = fit_mixture_logit(panel, 1).coefficients[0]
    covariance, beta = START * np.eye(terms), np.tile(mean, (people, 1))
    for _ in range(STEPS):
        beta, doubt = _modes(panel, beta, mean, covariance)
        before, mean = (mean, covariance), beta.mean(0)
        covariance = ((beta - mean).T @ (beta - mean) + doubt.sum(0)) / people
        variance = np.diagonal(covariance)
        moved = np.abs(mean - before[0]) / np.sqrt(variance)
        if max(moved.max(), (np.abs(covariance - before[1]) / variance.max()).max()) < FINISHED:
            break
    return HierarchicalLogit(mean, covariance, beta, doubt)


def _modes(panel, beta, mean, covariance):
    """Everybody's tastes nearer their posterior mode, and the inverse curvature there."""
    precision = np.linalg.inv(covariance)
    for _ in range(TOWARDS_MODES):
        chances, chosen, different = _choices(panel, beta)
        slope = panel.by_person(((chosen - chances)[..., None] * different).sum(1))
        average = (chances[..., None] * different).sum(1)
        curve = different.swapaxes(1, 2) @ (chances[..., None] * different)
        curve -= average[:, :, None] * average[:, None]
        curvature = panel.by_person(curve) + precision
        step = np.linalg.solve(curvature, (slope - (beta - mean) @ precision)[..., None])
        beta = beta + step[..., 0]
    return beta, np.linalg.inv(curvature)


def _choices(panel, beta):
    """Chances, what was chosen, and attributes less those of the last alternative."""
    different = panel.attributes - panel.attributes[:, -1:]
    utility = (different @ beta[panel.person][..., None])[..., 0]
    chances = np.exp(utility - logsumexp(utility, axis=1, keepdims=True))
    return chances, np.arange(utility.shape[1]) == panel.chosen[:, None], different
