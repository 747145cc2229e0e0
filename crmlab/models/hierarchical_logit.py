"""Choices of people each with tastes of her own: the hierarchical logit, by Markov chain Monte Carlo.

    β_i ~ N(μ, V),   P(person i takes j) = softmax(x_j' β_i)

Each person's β is drawn towards the others' mean, the more the fewer choices she made. The sampler is that of
Rossi, McCulloch & Allenby (1996, doi:10.1287/mksc.15.4.321) with a logit: β by random-walk Metropolis, all
people at once, μ and V from their conjugate conditionals.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import invwishart

from crmlab.errors import InputError
from crmlab.models.mixture_logit import Panel, fit_mixture_logit

WEAK = 0.01  # prior observations behind the mean μ = 0
AIM = 0.3  # acceptance that the steps are tuned to while the sampler warms up


@dataclass(frozen=True)
class HierarchicalLogit:
    """Draws from the posterior of a hierarchical logit.

    Attributes
    ----------
    mean : array of shape (draws, terms)
    covariance : array of shape (draws, terms, terms)
        Of tastes between people.
    coefficients : array of shape (draws, people, terms)
    acceptance : float
        Share of proposals that were taken after the warm-up.
    """

    mean: np.ndarray
    covariance: np.ndarray
    coefficients: np.ndarray
    acceptance: float

    def log_chances(self, later: Panel) -> np.ndarray:
        """Log chance of each later choice of the same people, averaged over the draws."""
        each = np.stack([_log_chances(later, beta) for beta in self.coefficients])
        return logsumexp(each, axis=0) - np.log(len(each))


def fit_hierarchical_logit(
    panel: Panel, draws: int = 200, every: int = 5, warm_up: int = 1000, seed: int = 0
) -> HierarchicalLogit:
    """Draws from the posterior, with the prior V ~ inverse Wishart(terms + 3, (terms + 3) I).

    Parameters
    ----------
    panel : Panel
    draws : int
        To keep.
    every : int
        Steps for each draw that is kept.
    warm_up : int
        Steps that are thrown away, in which the length of the steps is tuned.
    seed : int

    Raises
    ------
    InputError
        If a number of steps is not positive.
    """
    if min(draws, every, warm_up) < 1:
        raise InputError(f"draws {draws}, every {every}, warm_up {warm_up}: each must be 1 or more")
    rng = np.random.default_rng(seed)
    people, terms = panel.people, panel.attributes.shape[-1]
    mean = fit_mixture_logit(panel, 1).coefficients[0]
    covariance, beta = np.eye(terms), np.tile(mean, (people, 1))
    likelihood = _by_person(panel, beta)
    length, taken, kept = 1.0 / np.sqrt(terms), [], []
    for step in range(warm_up + draws * every):
        beta, likelihood, accepted = _move_people(panel, beta, likelihood, mean, covariance, length, rng)
        mean, covariance = _draw_population(beta, rng)
        if step < warm_up:
            length *= np.exp(0.1 * (accepted - AIM))
        else:
            taken.append(accepted)
            if (step - warm_up) % every == every - 1:
                kept.append((mean, covariance, beta))
    means, covariances, betas = (np.stack(each) for each in zip(*kept))
    return HierarchicalLogit(means, covariances, betas, float(np.mean(taken)))


def _log_chances(panel, beta):
    """Log chance of what was chosen, each choice by its person's own coefficients."""
    utility = np.einsum("cjt,ct->cj", panel.attributes, beta[panel.person])
    return utility[np.arange(len(utility)), panel.chosen] - logsumexp(utility, axis=1)


def _by_person(panel, beta):
    return np.bincount(panel.person, _log_chances(panel, beta), panel.people)


def _move_people(panel, beta, likelihood, mean, covariance, length, rng):
    """One Metropolis step of every person."""
    root = np.linalg.cholesky(covariance)
    precision = np.linalg.inv(covariance)

    def prior(some):
        away = some - mean
        return -0.5 * ((away @ precision) * away).sum(1)

    proposal = beta + length * rng.standard_normal(beta.shape) @ root.T
    proposed = _by_person(panel, proposal)
    odds = proposed + prior(proposal) - likelihood - prior(beta)
    take = np.log(rng.random(len(beta))) < odds
    return np.where(take[:, None], proposal, beta), np.where(take, proposed, likelihood), take.mean()


def _draw_population(beta, rng):
    """μ and V given everybody's β: normal and inverse Wishart."""
    people, terms = beta.shape
    centre = beta.mean(0) * people / (people + WEAK)
    away = beta - beta.mean(0)
    pull = WEAK * people / (people + WEAK) * np.outer(beta.mean(0), beta.mean(0))
    scale = (terms + 3) * np.eye(terms) + away.T @ away + pull
    covariance = np.atleast_2d(invwishart.rvs(terms + 3 + people, scale, random_state=rng))
    return rng.multivariate_normal(centre, covariance / (people + WEAK)), covariance
