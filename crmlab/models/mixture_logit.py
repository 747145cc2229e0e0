"""Choices of people who belong to classes with tastes of their own: the finite-mixture logit.

A person is of class k with a chance of her own kind, and chooses by that class's logit every time (Kamakura &
Russell 1989, doi:10.1177/002224378902600401). Fitted by expectation–maximisation with a Newton step a class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.linalg
from scipy.sparse import csr_array
from scipy.special import log_softmax, logsumexp

from crmlab.errors import InputError

FINISHED = 1e-6  # gain in log likelihood below which a fit is done
RIDGE = 1e-8  # keeps a Newton step of a nearly empty class finite
SHORT, STEPS = 25, 1000  # steps from every start; at most so many from the best of them


@dataclass(frozen=True)
class Panel:
    """Choices of several people among the same number of alternatives.

    Parameters
    ----------
    attributes : array of shape (choices, alternatives, terms)
    chosen : array of shape (choices,)
        Number of the alternative taken.
    person : array of shape (choices,)
        Whose choice: whole numbers from 0.
    """

    attributes: np.ndarray
    chosen: np.ndarray
    person: np.ndarray

    def __post_init__(self) -> None:
        choices, alternatives = self.attributes.shape[:2]
        if self.chosen.shape != (choices,) or self.person.shape != (choices,):
            raise InputError(f"chosen and person must hold one number for each of the {choices} choices")
        if not ((self.chosen >= 0) & (self.chosen < alternatives)).all():
            raise InputError(f"chosen must hold numbers from 0 to {alternatives - 1}")

    @property
    def people(self) -> int:
        """How many people there are."""
        return int(self.person.max()) + 1

    def log_chances(self, coefficients: np.ndarray) -> np.ndarray:
        """Log chance of what was chosen, by choice and class, shape (choices, classes)."""
        utility = self.attributes @ coefficients.T
        utility = utility - utility.max(axis=1, keepdims=True)
        taken = utility[np.arange(len(self.chosen)), self.chosen]
        return taken - np.log(np.exp(utility).sum(axis=1))

    def by_person(self, values: np.ndarray) -> np.ndarray:
        """Sums over each person's choices, shape (people, ...)."""
        choices = len(self.person)
        whose = csr_array((np.ones(choices), (self.person, np.arange(choices))), (self.people, choices))
        return (whose @ values.reshape(choices, -1)).reshape(self.people, *values.shape[1:])

    def half(self, keep: np.ndarray) -> "Panel":
        """The choices that are kept; people keep their numbers."""
        return Panel(self.attributes[keep], self.chosen[keep], self.person[keep])


@dataclass(frozen=True)
class MixtureLogit:
    """A fitted finite-mixture logit; the largest class comes first.

    Attributes
    ----------
    shares : array of shape (classes,)
    coefficients : array of shape (classes, terms)
        Logit units per unit of the attribute.
    memberships : array of shape (people, classes)
        Chance of each class given a person's choices.
    log_likelihood : float
    covariance : array of shape (classes * terms + classes - 1,) twice
        Of the coefficients, class by class, then of the log odds of the later classes against the first: the
        inverse of the sum of people's squared scores.
    common : tuple of int
        Terms whose coefficient is the same in all classes.
    """

    shares: np.ndarray
    coefficients: np.ndarray
    memberships: np.ndarray
    log_likelihood: float
    covariance: np.ndarray
    common: tuple[int, ...] = ()

    @property
    def free_parameters(self) -> int:
        """Coefficients, those common to all classes once, and all shares but one."""
        again = len(self.shares) - 1
        return self.coefficients.size - again * len(self.common) + again

    @property
    def bic(self) -> float:
        """Schwarz's (1978) criterion with the number of people as sample size: small is good."""
        return self.free_parameters * float(np.log(len(self.memberships))) - 2 * self.log_likelihood

    @property
    def standard_errors(self) -> np.ndarray:
        """Of the coefficients, shape (classes, terms)."""
        variances = np.diagonal(self.covariance)[: self.coefficients.size]
        return np.sqrt(variances).reshape(self.coefficients.shape)

    def log_chances(self, later: Panel) -> np.ndarray:
        """Log chance of each later choice of the same people, given what they chose before."""
        return logsumexp(later.log_chances(self.coefficients), b=self.memberships[later.person], axis=1)


def fit_mixture_logit(
    panel: Panel, classes: int, starts: int = 5, seed: int = 0, common: Sequence[int] = ()
) -> MixtureLogit:
    """A finite-mixture logit by maximum likelihood, the best of several starts; one class is the plain logit.

    Parameters
    ----------
    panel : Panel
    classes : int
    starts : int
        From random memberships.
    seed : int
    common : sequence of int
        Numbers of the terms that have one coefficient for all classes.

    Raises
    ------
    InputError
        If there are fewer people than classes, or no term has such a number.
    """
    if not 1 <= classes <= panel.people:
        raise InputError(f"classes is {classes}; give 1 to {panel.people}, the number of people")
    if not set(common) <= set(range(panel.attributes.shape[-1])):
        raise InputError(f"common is {list(common)}; give numbers from 0 to {panel.attributes.shape[-1] - 1}")
    free = _free(classes, panel.attributes.shape[-1], common)
    rng = np.random.default_rng(seed)
    blank = np.zeros((classes, panel.attributes.shape[-1]))
    drawn = [rng.dirichlet(np.full(classes, 0.5), panel.people) for _ in range(starts if classes > 1 else 1)]
    fits = [_climb(panel, blank, memberships, SHORT, free) for memberships in drawn]
    _, coefficients, memberships, _ = max(fits, key=lambda fit: fit[-1])
    shares, coefficients, memberships, likelihood = _climb(panel, coefficients, memberships, STEPS, free)
    order = np.argsort(-shares)
    shares, coefficients, memberships = shares[order], coefficients[order], memberships[:, order]
    scores = _scores(panel, shares, coefficients, memberships)
    wide = scipy.linalg.block_diag(free, np.eye(classes - 1))
    covariance = wide @ np.linalg.pinv(wide.T @ (scores.T @ scores) @ wide) @ wide.T
    return MixtureLogit(shares, coefficients, memberships, float(likelihood), covariance, tuple(common))


def _free(classes, terms, common):
    """Which free coefficient each class's coefficient is: 0 and 1, shape (classes * terms, free ones)."""
    own = [term for term in range(terms) if term not in common]
    number = np.empty((classes, terms), int)
    number[:, own] = np.arange(classes * len(own)).reshape(classes, len(own))
    number[:, list(common)] = classes * len(own) + np.arange(len(common))
    return np.eye(classes * len(own) + len(common))[number.ravel()]


def _climb(panel, coefficients, memberships, steps, free):
    """Expectation–maximisation until the likelihood no longer gains."""
    before = -np.inf
    for _ in range(steps):
        shares = np.maximum(memberships.mean(0), 1e-12)
        step = _newton_step if free.shape[0] == free.shape[1] else partial(_joint_step, free=free)
        coefficients = step(panel, coefficients, memberships[panel.person])
        joint = panel.by_person(panel.log_chances(coefficients)) + np.log(shares)
        total = logsumexp(joint, axis=1)
        memberships, likelihood = np.exp(joint - total[:, None]), total.sum()
        if likelihood - before < FINISHED:
            break
        before = likelihood
    return shares, coefficients, memberships, likelihood


def _newton_step(panel, coefficients, weights):
    """One step of each class's weighted logit; ever smaller ones until its likelihood does not fall."""
    moved = coefficients.copy()
    for k, (beta, weight) in enumerate(zip(coefficients, weights.T)):
        centred, chances = _centred(panel, beta)
        score = weight @ centred[np.arange(len(weight)), panel.chosen]
        flat = centred.reshape(-1, centred.shape[-1])
        information = (flat * (weight[:, None] * chances).reshape(-1, 1)).T @ flat
        step = np.linalg.solve(information + RIDGE * np.eye(len(beta)), score)
        now = weight @ panel.log_chances(beta[None])[:, 0]
        for shorter in (1.0, 0.5, 0.25, 0.125, 0.0):
            if weight @ panel.log_chances((beta + shorter * step)[None])[:, 0] >= now - 1e-12:
                break
        moved[k] = beta + shorter * step
    return moved


def _joint_step(panel, coefficients, weights, free):
    """One step of all classes' weighted logits together, as some coefficients are the same in all."""
    scores, blocks = [], []
    for beta, weight in zip(coefficients, weights.T, strict=True):
        centred, chances = _centred(panel, beta)
        scores.append(weight @ centred[np.arange(len(weight)), panel.chosen])
        flat = centred.reshape(-1, centred.shape[-1])
        blocks.append((flat * (weight[:, None] * chances).reshape(-1, 1)).T @ flat)
    information = free.T @ scipy.linalg.block_diag(*blocks) @ free
    step = np.linalg.solve(information + RIDGE * np.eye(len(information)), free.T @ np.concatenate(scores))
    step = (free @ step).reshape(coefficients.shape)
    now = (weights * panel.log_chances(coefficients)).sum()
    for shorter in (1.0, 0.5, 0.25, 0.125, 0.0):
        if (weights * panel.log_chances(coefficients + shorter * step)).sum() >= now - 1e-12:
            break
    return coefficients + shorter * step


def _centred(panel, beta):
    """Attributes less their mean over a choice's alternatives, and the chances that weight that mean."""
    chances = np.exp(log_softmax(panel.attributes @ beta, axis=1))
    return panel.attributes - (chances[..., None] * panel.attributes).sum(1, keepdims=True), chances


def _scores(panel, shares, coefficients, memberships):
    """Each person's score in all classes' coefficients, then in the later classes' log odds."""
    rows = np.arange(len(panel.chosen))
    scores = [
        memberships[:, [k]] * panel.by_person(_centred(panel, beta)[0][rows, panel.chosen])
        for k, beta in enumerate(coefficients)
    ]
    scores.append(memberships[:, 1:] - shares[1:])
    return np.concatenate(scores, axis=1)
